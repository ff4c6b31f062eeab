"""Wires that TDCs read: spectra of drift times against drawn ones, and a simulated run with dead and noisy wires."""

import shutil

import numpy as np
import pytest

from emiss import runlist
from emiss.calib.beside import constants_of
from emiss.calib.conditions import Conditions
from emiss.calib.run_ranges import RunRange
from emiss.calibrate import written
from emiss.calibrate.frame import Options, Sums
from emiss.calibrate.running import derive
from emiss.calibrate.trackers.drift_times import begins, model_of, near, spectrum
from emiss.calibrate.trackers.wire_status import WireStatus
from emiss.calibrate.trackers.wire_times import WireTimes
from emiss.calibrate.trackers.wires import Wires
from emiss.configs.errors import UserError
from emiss.reco.detector.model import load_detector
from emiss.reco.parts.technologies import measured
from emiss.reco.tracking.timed import wires_of
from emiss.samples.config import load_sample
from emiss.samples.simulate import simulate
from emiss.setups.constants import block

SETUP = "na64e_2018"
DEAD, NOISY = ("ST1X1.15", "ST1Y1.16", "ST1Y1.17", "HOD1X.31"), ("ST1X2.14", "ST1Y2.3", "HOD1Y.30")


@pytest.fixture(scope="module")
def plane():
    return next(one for one in load_detector(SETUP).planes if one.straw is not None)


def test_a_spectrum_is_that_of_drawn_particles(plane):
    rng = np.random.default_rng(2)
    radius = plane.straw.radius
    known = spectrum(plane)
    distance = rng.uniform(0.0, radius, 400_000)
    wire = plane.position(np.array(5))
    times = measured(plane, wire + distance * rng.choice([-1.0, 1.0], len(distance)), rng).time
    at = np.linspace(known.times[0], known.times[-1], 40)
    drawn = np.searchsorted(np.sort(times), at) / len(times)
    assert np.interp(at, known.times, known.even) == pytest.approx(drawn, abs=0.003)
    # a density that grows from 0 at the wire to twice the mean at the wall
    outer = rng.random(len(times)) < distance / radius
    drawn = np.searchsorted(np.sort(times[outer]), at) / outer.sum()
    assert np.interp(at, known.times, known.even + known.sloped) == pytest.approx(drawn, abs=0.005)


def test_begins_have_pulls_of_width_one_at_the_edge_of_a_beam_and_with_noise_too(plane):
    rng, wires, hits = np.random.default_rng(3), 120, 600
    edges = np.arange(-200.0, 300.0)
    true = rng.uniform(-50.0, 100.0, wires)
    counts = np.empty((wires, len(edges) - 1))
    for row in range(wires):
        distance = plane.straw.radius * rng.random(hits)
        if row % 2:
            distance = distance[rng.random(hits) < 1.0 - distance / plane.straw.radius]
        times = measured(plane, plane.position(np.array(5)) + distance, rng).time + true[row]
        counts[row] = np.histogram(np.append(times, rng.uniform(-200.0, 299.0, 100)), edges)[0]
    found = begins(plane, counts, edges)
    assert found.converged.all()
    pulls = (found.values[:, 2] - true) / found.errors[:, 2]
    assert np.std(pulls) == pytest.approx(1.0, abs=0.15)  # 120 tell their width to 0.065
    assert abs(pulls.mean()) < 0.3
    assert np.median(found.errors[:, 2]) < 0.6
    assert (found.deviance / found.freedom).mean() == pytest.approx(1.0, abs=0.2)
    inside = near(spectrum(plane), found.values[:, 2], edges)
    expected = np.where(inside, model_of(plane, edges)(found.values), 0.0).sum(axis=1)
    assert np.mean(expected / np.where(inside, counts, 0.0).sum(axis=1)) == pytest.approx(1.0, abs=0.005)


def test_chi2_is_one_with_background_too_and_few_hits_need_eyes(plane):
    rng, one = np.random.default_rng(6), WireTimes(load_detector(SETUP), Options())
    number = next(k for k, each in enumerate(one._wires.planes) if each.name == plane.name)
    edges = np.arange(-250.0, 251.0)
    expected = model_of(plane, edges)(
        np.column_stack([np.full(40, 1e4), np.zeros(40), rng.uniform(-20, 20, 40), np.full(40, 12.0)])
    )
    found = one._fitted(number, rng.poisson(expected).astype(float), edges)
    assert np.median(found.chi2) == pytest.approx(1.0, abs=0.2)
    assert found.chi2.max() < 3.0
    doubts = one._doubts(np.array([60.0, 300.0]), np.ones(2, bool), np.zeros(2, bool), np.full(2, np.nan))
    assert doubts == ["60 hits are too few", ""]
    one = WireTimes(load_detector(SETUP), Options(least=20))
    assert one._doubts(np.array([60.0, 300.0]), np.ones(2, bool), np.zeros(2, bool), np.full(2, np.nan))[0].startswith(
        "few: 60 hits"
    )


def test_a_dead_card_and_a_plane_without_hits_are_told():
    one = WireStatus(load_detector(SETUP), Options(parts=("st",)))
    wires = one._wires
    inside = np.zeros(len(wires.names), np.int64)
    for number in range(len(wires.planes)):
        rows = np.flatnonzero(wires.plane_of == number)
        inside[rows] = 2000 * np.exp(-0.5 * ((np.arange(len(rows)) - 0.5 * (len(rows) - 1)) / 7.0) ** 2)
    card = [f"ST1X1.{wire}" for wire in range(12, 19)]
    for name in card:
        inside[wires.names.index(name)] = 0
    inside[np.array([name.startswith("ST1Y2") for name in wires.names])] = 0
    nothing = np.zeros_like(inside)
    sums = Sums(
        {"inside": inside, "outside": nothing, "before": nothing, "behind": nothing}, 20_000, 20_000, frozenset({6112})
    )
    found = one.finish(sums, None)
    states = dict(zip(found.made[0].channels, found.made[0].values["status"], strict=True))
    assert {name for name, state in states.items() if state == 1.0} == set(card)
    assert found.remarks[1:] == ("ST1Y2 has no hit at all: is it read out?",)
    assert "nothing is expected from its neighbours" in dict(found.made[0].eyes)["ST1Y2.15"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Muons over the straws, with other times than those to begin with, dead and noisy wires."""
    folder = tmp_path_factory.mktemp("wires")
    detector, rng = load_detector(SETUP), np.random.default_rng(5)
    true = {
        "tdc.time": {name: f"{rng.uniform(380, 420):.4f}" for name in wires_of(detector)},
        "tdc.status": {"*": "0", **dict.fromkeys(DEAD, "1"), **dict.fromkeys(NOISY, "2")},
    }
    for name in ("true", "first"):
        shutil.copytree(constants_of(SETUP), folder / name)
    (folder / "true" / "tdc.txt").write_text("\n".join(block(kind, "6000-6999", rows) for kind, rows in true.items()))
    sample = load_sample("calib_muon").with_detector(SETUP)
    beam = sample.beam.model_copy(update={"size": 25.0})
    sample = sample.model_copy(update={"beam": beam, "calib": str(folder / "true")})
    simulate(sample, folder / "run.dat", events=6000)
    return folder


def _derived(folder, kind, **options):
    runs = runlist.from_files([str(folder / "run.dat")], detector=SETUP, analysis="", calib=str(folder / "first"))
    found, _ = derive(runs, kind, Options(**options))
    return found


def test_times_and_states_of_wires_are_those_of_the_run(run):
    times = _derived(run, "tdc.time", least=30)
    (made,) = times.made
    true = Conditions.load(run / "true").for_run(6112).get("tdc.time", made.channels)["t0"]
    good = made.found
    assert good.sum() > 80
    away = (made.values["t0"] - true)[good]
    assert np.median(np.abs(away)) < 0.7
    pulls = away / made.errors["t0"][good]
    assert np.std(pulls) == pytest.approx(1.0, abs=0.2)
    assert abs(pulls.mean()) < 0.3
    straws = np.array([name.startswith("ST") for name in made.channels])
    assert np.nanmedian(made.chi2[straws]) == pytest.approx(1.0, abs=0.2)
    assert "no hit" in dict(made.eyes)["ST1Y1.16"]
    # what was found goes into the tag, and the windows are where they belong
    text = written.table(times, RunRange(6000, 6999), Conditions.load(run / "first"))
    (run / "first" / "t0.txt").write_text(text)
    status = _derived(run, "tdc.status")
    states = dict(zip(status.made[0].channels, status.made[0].values["status"], strict=True))
    wrong = {name for name, one in states.items() if one > 0}
    assert wrong == {*DEAD, *NOISY}
    assert {states[name] for name in DEAD} == {1.0}
    assert {states[name] for name in NOISY} == {2.0}
    assert "4 dead and 3 noisy" in status.remarks[0]
    why = dict(status.made[0].eyes)
    assert why["ST1X1.15"].startswith("dead: 0 of ")
    assert "outside the window" in why["ST1Y2.3"]


def test_parts_are_chosen_and_what_has_no_wires_or_no_beam_is_refused(run):
    (made,) = _derived(run, "tdc.time", parts=("st",)).made
    assert {name.partition(".")[0] for name in made.channels} == {"ST1X1", "ST1X2", "ST1Y1", "ST1Y2"}
    with pytest.raises(UserError, match="na64e_lfc has no wires that TDCs read"):
        Wires(load_detector("na64e_lfc"))
    with pytest.raises(UserError, match="no wires"):
        Wires(load_detector(SETUP), ("gem",))
    # random triggers have hits of particles that come at any time
    sample = load_sample("calib_pedestal").with_detector(SETUP)
    simulate(sample.model_copy(update={"calib": str(run / "first")}), run / "random.dat", events=4000)
    runs = runlist.from_files([str(run / "random.dat")], detector=SETUP, analysis="", calib=str(run / "first"))
    with pytest.raises(UserError, match="hits of run 6114 come at any time"):
        derive(runs, "tdc.time", Options())
    with pytest.raises(UserError, match="run 6114 has no beam in these planes"):
        derive(runs, "tdc.status", Options())
