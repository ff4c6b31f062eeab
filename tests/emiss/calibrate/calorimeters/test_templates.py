"""Templates that are derived, against the shapes that waveforms were made with, and through a tag into an event table."""

import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from emiss.calib.conditions import Conditions
from emiss.calib.coverage import lacks
from emiss.calib.run_ranges import RunRange
from emiss.calib.templates import templates
from emiss.calibrate import page, store, written
from emiss.calibrate.calorimeters.templates import Templates
from emiss.calibrate.frame import Options, Sums
from emiss.configs.errors import UserError
from emiss.configs.loader import SHIPPED
from emiss.events.batch import Batch
from emiss.events.lists import Lists, offsets_of
from emiss.reco.calorimetry.learning import Knots
from emiss.reco.calorimetry.sums import CalorimeterStage
from emiss.reco.calorimetry.waveform import WaveformStage
from emiss.reco.detector.model import load_detector
from emiss.reco.pipeline import Pipeline
from emiss.samples.config import Digitisation
from emiss.samples.digitise import waveforms

RUN = 6101
TEMPLATED = """
extends: na64e_lfc
name: templated
parts:
  s:
    measure: {threshold: 7, before: 4, after: 8, fit: template, pulses: 2, source: illustrative}
  ecal:
    measure: {threshold: 7, before: 4, after: 8, fit: template, pulses: 2, source: illustrative}
"""
NAMES = ("S0.0.0", "ECAL1.2.2", "ECAL1.2.3", "ECAL1.1.2")


def shape(up, down):
    """Return a smooth pulse over its height, with half of it where the nominal pulse has that."""
    times = np.arange(-100.0, 700.0, 0.25)
    late = np.maximum(times, 0.0)
    kernel = np.exp(-0.5 * (np.arange(-30.0, 30.01, 0.25) / 5.0) ** 2)
    values = np.convolve(np.exp(-late / down) - np.exp(-late / up), kernel / kernel.sum(), "same")
    values /= values.max()
    at = int(np.argmax(values > 0.5))
    half = np.interp(0.5, values[at - 1 : at + 1], times[at - 1 : at + 1])
    return lambda t: np.interp(t + half - 0.2319605 * 30.0, times, values)


SHAPES = {"*": shape(12.0, 35.0), "ECAL1.*": shape(15.0, 30.0), "ECAL1.2.3": shape(12.0, 45.0)}


def table(shapes, runs="6000-6999", height=100.0):
    knots = Knots.of(30.0)
    names = ", ".join(f"v{k}" for k in range(knots.points))
    lines = ["type = sadc.template", f"runs = {runs}", f"columns = channel, height, first, step, {names}"]
    lines += [f"units = -, ADC, ns, ns, {', '.join('-' for _ in range(knots.points))}", "source = made up", ""]
    for name, one in shapes.items():
        values = " ".join(f"{v:.6g}" for v in one(knots.times()))
        lines.append(f"{name}/0 {height:g} {knots.first:g} {knots.step:g} {values}")
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def tags(tmp_path_factory):
    """Return folders of constants without templates, and with true ones."""
    folder = tmp_path_factory.mktemp("tags")
    for name in ("plain", "true"):
        shutil.copytree(SHIPPED / "calib" / "demo", folder / name)
    (folder / "true" / "templates.txt").write_text(table(SHAPES), encoding="utf-8")
    (folder / "setup.yaml").write_text(TEMPLATED, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def detector():
    return load_detector("na64e_lfc")


def events(detector, conditions, count, *, seed=1, later=None, energy=None):
    """Return a batch with pulses in a few channels, at any phase of the clock; another one `later` in each if asked for."""
    rng = np.random.default_rng(seed)
    numbers = [detector.channel_number[name] for name in NAMES]
    sizes = np.where(
        np.arange(len(NAMES)) == 0, 0.003, energy or np.exp(rng.uniform(np.log(2), np.log(60), (count, 4)))
    )
    time = np.where(np.arange(len(NAMES)) == 0, rng.uniform(-6.25, 6.25, (count, 1)), 0.0)
    both = 2 if later is not None else 1
    columns = {
        "channel": np.tile(np.repeat(numbers, both), count).astype(np.int32),
        "energy": np.repeat(np.broadcast_to(sizes, time.shape), both, axis=1).ravel(),
        "time": (np.repeat(time, both, axis=1) + np.tile([0.0, later or 0.0][:both], len(NAMES))).ravel(),
    }
    cells = Lists(offsets_of(np.full(count, both * len(NAMES))), columns)
    how = Digitisation(zero_suppression=0.0)
    digits = waveforms(cells, detector, conditions.for_run(RUN), how, np.random.default_rng(seed + 1))
    header = {"entry": np.arange(count), "quality": np.zeros(count, np.uint32)}
    return Batch(run=RUN, entries=(0, count), header=header, sadc=digits), sizes


def columns(setup, tag, batch):
    """Return the columns of calorimeters, and the cells."""
    made = {}
    for stage in (WaveformStage(setup), CalorimeterStage(setup)):
        stage.begin_run(Conditions.load(tag).for_run(RUN))
        made |= stage(batch, made)
    return made


@pytest.fixture(scope="module")
def derived(detector, tags):
    """Return what is derived from pulses with the true templates, and the table's text."""
    batch, _ = events(detector, Conditions.load(tags / "true"), 6000)
    one = Templates(detector, Options(parts=("s", "ecal")))
    one.begin_run(Conditions.load(tags / "plain").for_run(RUN))
    told = None
    for _ in range(3):
        pilot = one.empty(told)
        one.add(batch, pilot, told)
        told = one.learn(pilot)
    halves = []
    for rows in np.array_split(np.arange(6000), 2):
        sums = one.empty(told)
        one.add(SimpleNamespace(sadc=batch.sadc.take(rows)), sums, told)
        sums.read = sums.used = len(rows)
        sums.runs = frozenset({RUN})
        halves.append(sums)
    found = one.finish(Sums.total(halves), told)
    return found, one, written.table(found, RunRange(6000, 6999), None)


def test_the_shapes_are_those_that_pulses_were_made_with(derived, detector, tags, tmp_path):
    found, _, text = derived
    (seen,) = found.made
    assert seen.found.sum() == len(NAMES)
    good = dict(zip(seen.channels, seen.doubts, strict=True))
    assert good["ECAL1.2.2"] == ""
    assert good["ECAL1.2.3"].startswith("unlike ecal: ")
    assert good["ECAL1.0.0"].startswith("dead or not hit")
    shutil.copytree(tags / "plain", tmp_path / "made")
    (tmp_path / "made" / "templates.txt").write_text(text, encoding="utf-8")
    made, which = templates(Conditions.load(tmp_path / "made").for_run(RUN), detector.channels, needed=False)
    for name, key in (("S0.0.0", "*"), ("ECAL1.2.2", "ECAL1.*"), ("ECAL1.2.3", "ECAL1.2.3")):
        one = made[which[detector.channel_number[name]]]
        assert np.abs(one.values - SHAPES[key](one.times())).max() < 0.014
    assert which[detector.channel_number["ECAL1.0.0"]] == which[detector.channel_number["ECAL1.4.4"]] >= 0
    assert which[detector.channel_number["HCAL0.1.1"]] == -1


def test_energy_and_time_are_without_bias_and_chi2_tells_the_shape(derived, tags, tmp_path):
    shutil.copytree(tags / "plain", tmp_path / "made")
    (tmp_path / "made" / "templates.txt").write_text(derived[2], encoding="utf-8")
    setup = load_detector(tags / "setup.yaml")
    Pipeline(setup, Conditions.load(tmp_path / "made")).check([RUN], "raw")
    batch, _ = events(setup, Conditions.load(tags / "true"), 600, seed=5, energy=20.0)
    out = columns(setup, tmp_path / "made", batch)
    assert out["ecal.energy"].mean() == pytest.approx(60.0, rel=0.005)
    assert np.nanmean(out["ecal_cells"]["chi2"]) == pytest.approx(1.0, abs=0.3)
    assert np.median(out["ecal.pulse_chi2"]) < 3.0
    cells = out["cells"]
    for name in ("ECAL1.2.2", "ECAL1.2.3"):
        own = cells["channel"] == setup.channel_number[name]
        assert np.isfinite(cells["chi2"][own]).all()
        assert np.mean(cells["time"][own]) == pytest.approx(0.0, abs=0.2)


def test_a_second_pulse_is_taken_out_of_the_energy(tags):
    setup = load_detector(tags / "setup.yaml")
    batch, _ = events(setup, Conditions.load(tags / "true"), 200, seed=6, later=50.0, energy=20.0)
    out = columns(setup, tags / "true", batch)
    assert out["ecal.energy"].mean() == pytest.approx(60.0, rel=0.005)
    assert out["ecal.pileup"].mean() == pytest.approx(60.0, rel=0.005)
    assert np.median(out["ecal.pulse_chi2"]) < 3.0


def test_the_page_has_the_shapes_and_not_each_point(derived):
    found, one, _ = derived
    text = page.render(found, one, RunRange(6000, 6999), [])
    assert "pulse shapes" in text
    assert "v17" not in text
    (seen,) = found.made
    assert seen.shapes.counts.shape == seen.shapes.curve.shape == (len(seen.channels), Knots.of(30.0).points)
    assert written.sheet(found).count("\n") == 1 + 3 * len(seen.channels)


def test_a_tag_without_templates_is_told_before_the_job(tags):
    setup = load_detector(tags / "setup.yaml")
    plain = Conditions.load(tags / "plain")
    with pytest.raises(UserError, match=r"no table of type sadc.template") as raised:
        Pipeline(setup, plain).check([RUN], "raw")
    assert "emiss calib derive templates" in str(raised.value)
    (one,) = lacks(plain, {"sadc.template": ["ECAL1.2.2/0"]}, RunRange(6000, 6999))
    assert "fit: pulse" in str(one)
    Pipeline(load_detector("na64e_lfc"), plain).check([RUN], "raw")
    _, _, types = store.check(str(tags / "true"), setup=str(tags / "setup.yaml"))
    assert types == 10


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda text: text.replace("ECAL1.2.3/0", "ECAL1.2.3"), None),
        (lambda text: text.replace("ECAL1.2.3/0", "ECAL1.9.3/0"), None),
        (lambda text: "\n".join(line.replace(" 100 ", " -1 ", 1) for line in text.splitlines()), "must be above 0"),
        (lambda text: text.replace(" 1 ", " 1.5 ").replace(" 0.99", " 1.49"), "its largest value is 1"),
    ],
)
def test_rows_that_make_no_template_are_refused(tags, tmp_path, change, says):
    shutil.copytree(tags / "true", tmp_path / "tag")
    path = tmp_path / "tag" / "templates.txt"
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    setup = load_detector(tags / "setup.yaml")
    if says is None:  # the rows of all are there, so that these are of channels that nobody asks for
        Pipeline(setup, Conditions.load(tmp_path / "tag")).check([RUN], "raw")
        return
    with pytest.raises(UserError, match=says):
        Pipeline(setup, Conditions.load(tmp_path / "tag")).check([RUN], "raw")


def test_slices_have_ascending_heights_and_an_override_replaces_all_of_a_channel(tags, tmp_path, detector):
    shutil.copytree(tags / "true", tmp_path / "tag")
    (tmp_path / "tag" / "x.txt").write_text(
        table({"ECAL1.2.2": SHAPES["*"]}, height=70.0).replace("source = made up", "source = x\noverride = yes"),
        encoding="utf-8",
    )
    made, which = templates(Conditions.load(tmp_path / "tag").for_run(RUN), detector.channels)
    assert made[which[detector.channel_number["ECAL1.2.2"]]].heights.tolist() == [70.0]
    assert made[which[detector.channel_number["ECAL1.2.1"]]].heights.tolist() == [100.0]
    text = (tmp_path / "tag" / "templates.txt").read_text(encoding="utf-8")
    again = [line.replace("ECAL1.2.3/0", "ECAL1.2.3/1") for line in text.splitlines() if "ECAL1.2.3/0" in line]
    (tmp_path / "tag" / "templates.txt").write_text(text + again[0] + "\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"heights of the slices of a channel increase"):
        templates(Conditions.load(tmp_path / "tag").for_run(RUN), detector.channels)


def test_a_table_without_pulses_is_refused(detector, tags):
    one = Templates(detector, Options())
    one.begin_run(Conditions.load(tags / "plain").for_run(RUN))
    with pytest.raises(UserError, match=r"none of 0 events has a pulse of 30 sigma"):
        one.finish(one.empty(None), None)


def test_a_fit_of_a_part_is_checked_at_its_place(tmp_path):
    path = tmp_path / "long.yaml"
    path.write_text(TEMPLATED.replace("after: 8", "after: 80"), encoding="utf-8")
    with pytest.raises(UserError, match=r"a fit of 4 \+ 1 \+ 80 samples is longer than the waveform.*ecal/measure"):
        load_detector(path)
