"""Strips that APVs read: timing against that of the model and of a digitisation, dead and hot channels that were put in."""

from types import SimpleNamespace

import numpy as np
import pytest

from emiss import runlist
from emiss.calib.conditions import Conditions
from emiss.calib.run_ranges import RunRange
from emiss.calibrate import written
from emiss.calibrate.frame import Options
from emiss.calibrate.running import derive
from emiss.calibrate.trackers import ratio_timing, strip_gains, strip_noise
from emiss.calibrate.trackers.strip_digits import Strips
from emiss.configs.errors import UserError
from emiss.events.files.atomic import write_text
from emiss.events.lists import Lists
from emiss.reco.detector.model import load_detector
from emiss.samples.config import load_sample
from emiss.samples.simulate import simulate
from emiss.setups.constants import block, tables, values

EVENTS = 4000


class _Batch(SimpleNamespace):
    def __len__(self):
        return self.events


DEAD, HOT = ("MM1X.7", "MM1Y.60", "MM4X.199", "MM4Y.3"), ("MM2X.0", "MM2Y.31", "MM3X.150")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Muons over the planes, with dead and hot channels, other noise and times than those to begin with."""
    folder = tmp_path_factory.mktemp("strips")
    detector, rng = load_detector("na64e_lfc"), np.random.default_rng(7)
    first = values(detector)
    planes = [plane.name for plane in detector.planes]
    channels = [f"{plane.name}.{wire}" for plane in detector.planes for wire in range(plane.channels)]
    true = {
        **first,
        "apv.gain": {name: f"{rng.uniform(0.8, 1.2):.4g} {rng.uniform(4, 6):.4g}" for name in channels},
        "apv.status": {"*": "0", **dict.fromkeys(DEAD, "1"), **dict.fromkeys(HOT, "2")},
        "apv.time": {name: f"{rng.uniform(-8, 8):.4g} {rng.uniform(1.2, 1.4):.4g} 20" for name in planes},
    }
    for name, constants in (("true", true), ("first", first)):
        (folder / name).mkdir()
        for file, text in tables(constants, "6000-6999").items():
            (folder / name / file).write_text(text)
    sample = load_sample("calib_muon").with_detector("na64e_lfc")
    beam = sample.beam.model_copy(update={"size": 20.0})
    sample = sample.model_copy(update={"beam": beam, "calib": str(folder / "true")})
    simulate(sample, folder / "run.dat", events=EVENTS)
    return folder


def _derived(folder, kind, tag="first", **options):
    listed = runlist.from_files([folder / "run.dat"], detector="na64e_lfc", analysis="", calib=str(folder / tag))
    return derive(listed, kind, Options(**options))[0]


def test_dead_and_hot_channels_are_found_and_no_others(run):
    found = _derived(run, "apv.status")
    made = found.made[0]
    status = dict(zip(made.channels, made.values["status"].tolist(), strict=True))
    assert {name for name, one in status.items() if one == 1} == set(DEAD)
    assert {name for name, one in status.items() if one == 2} == set(HOT)
    why = dict(made.eyes)
    assert all(why[name].startswith("dead: 0 of ") for name in DEAD)
    assert all("without its neighbours in" in why[name] for name in HOT)
    text = written.table(found, RunRange(6112, 6112))
    assert "columns = channel, status\n" in text  # a status has no error


def test_timing_is_that_of_the_digitisation_with_its_covariance(run, tmp_path):
    over = Conditions.load(run / "first")
    write_text(run / "first" / "status.txt", written.table(_derived(run, "apv.status"), RunRange(6112, 6112), over))
    found = _derived(run, "apv.time")
    made = found.made[0]
    true = Conditions.load(run / "true").for_run(6112)
    ratio = {name: 1.28 / (1 + np.exp(-0.2)) for name in made.channels}
    table = tmp_path / "time.txt"
    write_text(table, written.table(found, RunRange(6112, 6112)))
    constants = Conditions.load(table).for_run(6112)
    pulls = []
    for name in made.channels:
        columns = ("t0", "r0", "a0")
        (t0, r0, a0), was = (
            [float(one.get("apv.time", [name])[column][0]) for column in columns] for one in (constants, true)
        )
        slope = np.array([1.0, a0 / (r0 - ratio[name]), np.log(r0 / ratio[name] - 1.0)])
        error = np.sqrt(slope @ constants.covariance("apv.time", name) @ slope)
        time, should = (a + c * np.log(b / ratio[name] - 1.0) for a, b, c in ((t0, r0, a0), was))
        assert error < 1.0
        pulls.append((time - should) / error)
    assert np.abs(pulls).max() < 4.0
    assert made.chi2 == pytest.approx(1.0, abs=0.5)
    assert "apv.time,MM1X,r0_a0_corr,-,0." in written.sheet(found)


def test_pulls_of_fits_are_of_width_one():
    rng, times = np.random.default_rng(1), np.arange(-12.5, 13.0, 2.0)
    true = np.column_stack([rng.uniform(-8, 8, 24), rng.uniform(1.2, 1.4, 24), rng.uniform(16, 24, 24)])
    true = np.column_stack([true, np.full(24, 5.0), np.full(24, 0.02)])
    smear = ratio_timing.smearing(np.full((24, 1, 2), 0.02**2), np.ones((24, 1)))
    number = np.full((24, 1, len(times)), 2000.0)
    found = ratio_timing.fit(rng.poisson(ratio_timing.model(true, number, times, smear)).astype(float), times, smear)
    assert found.converged.all()
    pulls = ((found.values - true) / found.errors)[:, :3]
    assert 0.75 < pulls.std() < 1.25
    assert abs(pulls.mean()) < 0.4
    together = ratio_timing.correlations(found, found.converged)
    assert (together["t0", "r0"] < -0.8).all()


def test_gains_are_those_of_the_digitisation_but_for_the_mean_of_a_plane(run):
    made = _derived(run, "apv", least=60).made[0]
    true = Conditions.load(run / "true").for_run(6112).get("apv.gain", made.channels)["gain"]
    good = made.found
    assert good.sum() > 100
    away = np.log(made.values["gain"] / true)
    error = made.errors["gain"] / made.values["gain"]
    planes = np.array([name.partition(".")[0] for name in made.channels])
    for plane in np.unique(planes[good]):
        rows = good & (planes == plane)
        away[rows] -= away[rows].mean()
    assert np.median(error[good]) < 0.12
    assert 0.8 < (away / error)[good].std() < 1.25
    assert (made.values["noise"] == 5.0).all()  # as it was: it is not in runs that are suppressed
    assert np.isnan(made.errors["noise"]).all()


@pytest.mark.parametrize("clipped", [True, False])
def test_noise_and_pedestals_come_from_all_channels(clipped):
    rng, channels, events = np.random.default_rng(4), 40, 5000
    noise, level = rng.uniform(3.0, 6.0, channels), np.where(clipped, 0.0, rng.uniform(-0.5, 0.5, channels))
    values = np.rint(level + noise * rng.normal(size=(events, channels))).astype(int)
    values = np.concatenate([values, rng.integers(40, 60, (events // 100, channels))])  # particles
    if clipped:
        values = np.maximum(values, 0) >> 2 << 2
    values = np.clip(values, -strip_noise.NEAR, strip_noise.NEAR - 1) + strip_noise.NEAR
    counts = np.array([np.bincount(one, minlength=2 * strip_noise.NEAR) for one in values.T], float)
    flags = np.full(channels, clipped)
    steps = strip_noise.steps_of(counts, flags)
    assert (steps == (4 if clipped else 1)).all()
    fits = strip_noise.gaussians(counts, steps, flags)
    assert fits.converged.all()
    pulls = (fits.values[:, 2] - noise) / fits.errors[:, 2]
    assert 0.7 < pulls.std() < 1.35
    assert abs(pulls.mean()) < 0.8
    if not clipped:
        assert np.abs((fits.values[:, 1] - level) / fits.errors[:, 1]).max() < 4.5


def test_noise_of_a_run_with_all_channels(run, tmp_path):
    sample = load_sample("calib_pedestal").with_detector("na64e_lfc")
    every = sample.digitisation.model_copy(update={"strip_threshold": 0.0})
    sample = sample.model_copy(update={"calib": str(run / "true"), "digitisation": every})
    simulate(sample, tmp_path / "run.dat", events=500)
    (tmp_path / "first").symlink_to(run / "first")
    made = _derived(tmp_path, "apv").made[0]
    conditions = Conditions.load(run / "true").for_run(6112)
    true, status = (conditions.get(f"apv.{kind}", made.channels) for kind in ("gain", "status"))
    good = status["status"] == 0
    pulls = ((made.values["noise"] - true["noise"]) / made.errors["noise"])[good]
    assert 0.85 < pulls.std() < 1.15
    assert abs(pulls.mean()) < 0.3
    assert (made.values["gain"] == 1.0).all()


def test_latch_all_gives_pedestals_noise_and_common_mode(conditions):
    detector, rng, events = load_detector("na64e_lfc"), np.random.default_rng(6), 600
    sizes = [plane.channels for plane in detector.planes]
    channels = sum(sizes)
    plane, wire = np.repeat(np.arange(len(sizes)), sizes), np.concatenate([np.arange(size) for size in sizes])
    level, noise = rng.uniform(100.0, 300.0, channels), rng.uniform(2.0, 4.0, channels)
    common = rng.normal(0.0, 8.0, (events, len(sizes)))
    samples = [
        np.rint(level + common[:, plane] + noise * rng.normal(size=(events, channels))).astype(np.int16).ravel()
        for _ in range(3)
    ]
    columns = {"plane": np.tile(plane, events), "wire": np.tile(wire, events)}
    columns |= {f"a{k}": values for k, values in enumerate(samples)}
    batch = _Batch(apv=Lists(np.arange(events + 1) * channels, columns), events=events)
    one = strip_gains.StripGains(detector, Options())
    one.begin_run(conditions.for_run(6101))
    learned = None
    for _ in range(2):
        sums = one.empty(learned)
        one.add(batch, sums, learned)
        sums.used = events
        found = one.finish(sums, learned) if learned else None
        learned = learned or one.learn(sums)
    made, pedestal, shared = found.made
    pulls = (made.values["noise"] - noise) / made.errors["noise"]
    assert 0.85 < pulls.std() < 1.15
    assert (made.values["noise"] / noise).mean() == pytest.approx(1.0, abs=0.02)  # the median has an error, too
    assert np.abs(pedestal.values["pedestal"] - level).max() < 2.0
    assert shared.values["rms"] == pytest.approx(8.0, abs=1.0)


def test_runs_without_a_beam_are_refused(run, tmp_path):
    sample = load_sample("calib_pedestal").with_detector("na64e_lfc")
    simulate(sample.model_copy(update={"calib": "demo"}), tmp_path / "run.dat", events=200)
    (tmp_path / "first").symlink_to(run / "first")
    for kind in ("apv.status", "apv"):
        with pytest.raises(UserError, match="has no beam in the trackers"):
            _derived(tmp_path, kind)
    with pytest.raises(UserError, match="pulse in a reference counter"):
        _derived(tmp_path, "apv.time")


def test_correlations_are_read_and_checked(tmp_path):
    from emiss.calib.tables import parse_tables

    text = block("apv.time", "1-2", {"MM1X": "0 1.3 20"}).replace("t0, r0, a0", "t0, r0, a0, r0_a0_corr")
    text = text.replace("ns, -, ns", "ns, -, ns, -").replace("1.3 20", "1.3 20 0.9")
    assert parse_tables(text)[0].columns[-1] == "r0_a0_corr"
    with pytest.raises(UserError, match="must be -1 to 1"):
        parse_tables(text.replace("0.9", "1.1"))
    with pytest.raises(UserError, match="unknown column 'a0_r0_corr'"):
        parse_tables(text.replace("r0_a0", "a0_r0"))
    (tmp_path / "x.txt").write_text(text)
    with pytest.raises(UserError, match="'MM1X' has no error of t0"):
        Conditions.load(tmp_path / "x.txt").for_run(1).covariance("apv.time", "MM1X")


def test_a_strip_between_two_dead_ones_is_not_hot():
    strips = Strips(load_detector("na64e_lfc"))
    own = {strips.channels[number]: row for row, number in enumerate(strips.own)}
    which = np.zeros(len(own), bool)
    which[[own["MM1X.3"], own["MM1X.5"]]] = True
    beside = strips.beside(which)
    assert beside[own["MM1X.4"]] == 2
    assert beside[own["MM1X.2"]] == beside[own["MM1X.6"]] == 1
    assert beside[own["MM2X.4"]] == 0
