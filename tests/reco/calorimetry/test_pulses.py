"""Several digitisers, counters of reference and pulses per waveform: against the pulses put in, and against the common case."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from emiss.calib.conditions import Conditions
from emiss.configs.errors import UserError
from emiss.configs.loader import SHIPPED
from emiss.events.batch import Batch
from emiss.events.columns import QUALITY_BITS
from emiss.events.lists import Lists, offsets_of
from emiss.reco.calorimetry import pulses_kernels
from emiss.reco.calorimetry.sums import CalorimeterStage
from emiss.reco.calorimetry.waveform import HitStage, WaveformStage
from emiss.reco.detector.model import load_detector
from emiss.reco.pipeline import Pipeline
from emiss.samples.config import Digitisation
from emiss.samples.digitise import start_times, waveforms

RUN = 6101
FAST = """
extends: na64e_lfc
name: two_boards
digitisers:
  fast:
    period: 4 ns
    samples: 128
    bits: 14
    pulse: {rise: 12 ns, start: 100 ns, source: illustrative}
    measure: {threshold: 7, before: 6, after: 12, pulses: 2, source: illustrative}
    source: illustrative
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a function that makes a detector of some YAML beside `FAST`."""
    folder = tmp_path_factory.mktemp("boards")

    def make(text: str = "", whole: str = FAST):
        path = folder / f"d{len(list(folder.iterdir()))}.yaml"
        path.write_text(whole + text, encoding="utf-8")
        return load_detector(path)

    return make


def batch_of(detector, conditions, events, seed=1):
    """Digitise events given as lists of (channel, energy, time); pulses of one channel in an event add up."""
    names = [name for event in events for name, _, _ in event]
    columns = {
        "channel": np.array([detector.channel_number[name] for name in names], np.int32),
        "energy": np.array([energy for event in events for _, energy, _ in event]),
        "time": np.array([time for event in events for _, _, time in event]),
    }
    cells = Lists(offsets_of(np.array([len(event) for event in events])), columns)
    digits = waveforms(
        cells, detector, conditions.for_run(RUN), Digitisation(zero_suppression=0.0), np.random.default_rng(seed)
    )
    return Batch(run=RUN, entries=(0, len(events)), header={"entry": np.arange(len(events))}, sadc=digits)


def run(detector, conditions, batch):
    stage = WaveformStage(detector)
    stage.begin_run(conditions.for_run(RUN))
    return stage(batch, {})


def test_the_way_of_many_boards_gives_what_the_kernel_of_one_does(detector, conditions):
    rng = np.random.default_rng(3)
    names = rng.choice(np.array(detector.channels[4:]), (40, 8))
    events = [
        [("S0.0.0", 0.001, rng.uniform(-6, 6))] * (number % 4 > 0)
        + [(name, 10.0 ** rng.uniform(-2, 2), rng.uniform(-20, 60)) for name in dict.fromkeys(row)]
        for number, row in enumerate(names.tolist())
    ]
    batch = batch_of(detector, conditions, events)
    one, many = WaveformStage(detector), WaveformStage(detector, general=True)
    for stage in (one, many):
        stage.begin_run(conditions.for_run(RUN))
    a, b = one(batch, {}), many(batch, {})
    np.testing.assert_array_equal(a["quality"], b["quality"])
    np.testing.assert_array_equal(a["cells"].offsets, b["cells"].offsets)
    for name in ("channel", "quality"):
        np.testing.assert_array_equal(a["cells"][name], b["cells"][name])
    for name in ("energy", "time"):
        np.testing.assert_allclose(a["cells"][name], b["cells"][name], rtol=1e-13, atol=1e-11)


def test_each_part_is_measured_by_its_own_digitiser_and_pulse(made, conditions):
    detector = made(
        "parts:\n  srd: {digitiser: fast}\n  hcal: {pulse: {rise: 40 ns, start: 100 ns, source: illustrative}}\n"
    )
    assert [board.name for board in detector.boards] == ["msadc", "fast", "msadc"]
    assert detector.samples == 128
    event = [("S0.0.0", 0.001, 3.0), ("SRD0.0.0", 0.02, 1.0), ("HCAL1.1.1", 20.0, 2.0), ("ECAL1.2.2", 50.0, -4.0)]
    batch = batch_of(detector, conditions, [event] * 50)
    assert set(batch.sadc["n_samples"].tolist()) == {32, 128}
    cells = run(detector, conditions, batch)["cells"]
    assert cells.counts.tolist() == [4] * 50
    energy, time = (cells[name].reshape(50, 4) for name in ("energy", "time"))
    np.testing.assert_allclose(energy.mean(axis=0), [0.001, 0.02, 20.0, 50.0], rtol=0.01)
    np.testing.assert_allclose(time.mean(axis=0), [3.0, 1.0, 2.0, -4.0], atol=0.2)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("parts: {srd: {digitiser: fasd}}", r"there is no digitiser 'fasd'; did you mean 'fast'.*srd/digitiser"),
        (
            "parts: {srd: {pulse: {rise: 9 ns, start: 450 ns, source: x}}}",
            r"starts at 450 ns, after the waveform of 400 ns",
        ),
        ("time: {reference: [S0, S9]}", r"there is no counter 'S9'; did you mean 'S1'"),
        ("time: {reference: [S0, S0]}", r"'S0' is given twice"),
        ("time: {reference: {S0: 0}}", r"should be greater than 0"),
        ("time: {window: 5 sigmas}", r"a time window is '\[-15 ns, 15 ns\]' or '5 sigma', not '5 sigmas'"),
        ("parts: {srd: {window: 0 sigma}}", r"should be greater than 0.*srd/window"),
        ("digitisers: {fast: {measure: {pulses: 3}}}", r"less than or equal to 2.*measure/pulses"),
    ],
)
def test_a_slip_is_told_at_its_place(made, text, says):
    whole = FAST if "digitisers" not in text else FAST.replace("pulses: 2", "pulses: 3")
    with pytest.raises(UserError, match=says) as raised:
        made("" if "digitisers" in text else text, whole)
    assert raised.value.at is None or raised.value.at.line


def two_pulses(first, second, apart, *, period, rise, samples, sigma, size, seed=4):
    """Return waveforms of two pulses with charges (ADC) and a distance (ns), and the starts of the first ones."""
    rng = np.random.default_rng(seed)
    start = 100.0 + rng.uniform(0, period, size)
    values = 300.0 + sigma * rng.normal(size=(size, samples))
    for charge, begin in ((first, start), (second, start + apart)):
        u = np.maximum((np.arange(samples) * period - begin[:, None]) / rise, 0.0)
        values += charge * u * np.exp(-u) * period / rise
    return np.rint(values).astype(np.uint16), start


def measure(samples, *, period, rise, sigma, bits, pulses=2, before=6, after=12):
    from emiss.reco.calorimetry.waveform_kernels import scratch

    size, count = samples.shape
    charge, start, status = np.empty((size, 2)), np.empty((size, 2)), np.empty((size, 2), np.uint8)
    level = np.full(1, 300.0)
    pulses_kernels.measure(
        samples, np.full(size, count, np.uint16), np.zeros(size, np.int32), np.arange(size), level, level,
        np.full(1, sigma), 7.0, before, after, (1 << bits) - 1, period, rise, pulses, scratch(count),
        pulses_kernels.scratch(count), charge, start, status, np.empty((size, 2)), True,
    )  # fmt: skip
    return charge, start, status


BOARD = {"period": 4.0, "rise": 12.0, "sigma": 2.0}


@pytest.mark.parametrize("apart", [15.0, 25.0, 60.0, 200.0])
def test_two_pulses_of_a_waveform_are_both_measured(apart):
    samples, start = two_pulses(12000.0, 6000.0, apart, samples=128, size=300, **BOARD)
    charge, found, status = measure(samples, bits=14, **BOARD)
    assert (status[:, 1] > 0).mean() > 0.99
    both = status[:, 1] > 0
    for number, (true, begin) in enumerate(((12000.0, start), (6000.0, start + apart))):
        assert charge[both, number].mean() == pytest.approx(true, rel=0.01)
        assert abs((found[:, number] - begin)[both].mean()) < 0.1
        assert (found[:, number] - begin)[both].std() < 0.5


def test_one_pulse_is_not_taken_for_two_and_stays_to_the_bit():
    rng = np.random.default_rng(5)
    samples, _ = two_pulses(rng.uniform(200, 30000, 3000)[:, None], 0.0, 0.0, samples=128, size=3000, **BOARD)
    charge, start, status = measure(samples, bits=14, **BOARD)
    assert (status[:, 1] > 0).mean() < 1e-3
    again = measure(samples, bits=14, pulses=1, **BOARD)
    one = status[:, 1] == 0
    for new, old in zip((charge, start, status), again, strict=True):
        np.testing.assert_array_equal(new[one, 0], old[one, 0])


def test_the_pulse_out_of_time_counts_as_pile_up(made, conditions):
    detector = made("parts: {srd: {digitiser: fast}, s: {digitiser: fast}}\n")
    event = [("S0.0.0", 0.001, 2.0), ("SRD0.0.0", 0.02, 0.0), ("SRD0.0.0", 0.03, 40.0)]
    batch = batch_of(detector, conditions, [event, event])
    assert batch.sadc.counts.tolist() == [2, 2]  # both pulses of the module are in one waveform
    out = run(detector, conditions, batch)
    assert out["cells"].counts.tolist() == [3, 3]
    stage = CalorimeterStage(detector)
    stage.begin_run(conditions.for_run(RUN))
    batch = replace(batch, header={"entry": np.arange(2), "quality": np.zeros(2, np.uint32)})
    made_ = stage(batch, out)
    assert made_["srd.energy"][:, 0] == pytest.approx([0.02, 0.02], rel=0.1)
    assert made_["srd.pileup"][:, 0] == pytest.approx([0.03, 0.03], rel=0.1)
    assert (made_["event.quality"] & (1 << QUALITY_BITS["pile_up"])).all()


def test_the_reference_is_the_weighted_mean_of_the_counters_with_a_pulse(made, conditions):
    detector = made("time: {reference: {S0: 3, S1: 1}}\n")
    events = [
        [("S0.0.0", 0.001, 4.0), ("S1.0.0", 0.001, 8.0), ("ECAL1.2.2", 50.0, 0.0)],
        [("S1.0.0", 0.001, 8.0), ("ECAL1.2.2", 50.0, 0.0)],
        [("ECAL1.2.2", 50.0, 0.0)],
    ]
    batch = batch_of(detector, conditions, events)
    out = run(detector, conditions, batch)
    # the counters keep their times, and the others are relative to the mean that the digitisation took, too
    np.testing.assert_allclose(out["cells"]["time"], [4.0, 8.0, 0.0, 8.0, 0.0, 0.0], atol=0.4)
    assert (out["quality"] >> QUALITY_BITS["no_start_time"] & 1).tolist() == [0, 0, 1]
    columns = {"channel": batch.sadc["channel"], "time": np.array([4.0, 8.0, 0.0, 8.0, 0.0, 0.0])}
    assert start_times(Lists(batch.sadc.offsets, columns), detector.reference).tolist() == [5.0, 8.0, 0.0]
    hits = Lists(batch.sadc.offsets, columns | {"energy": np.ones(6)})
    lacking = HitStage(detector)(replace(batch, cells=hits), {})["quality"] >> QUALITY_BITS["no_start_time"] & 1
    assert lacking.tolist() == [0, 0, 1]


def test_one_counter_is_the_same_in_all_ways_of_naming_it(made, detector):
    for text in ("S0", "[S0]", "{S0: 1}"):
        same = made(f"time: {{reference: {text}}}\n")
        assert same.time.reference == detector.time.reference == {"S0": 1.0}


def test_a_window_in_sigma_is_that_of_the_conditions(made, conditions, tmp_path):
    detector = made("parts: {srd: {window: 5 sigma}}\n")
    with pytest.raises(UserError, match=r"run 6101 has no table of type sadc.resolution") as raised:
        Pipeline(detector, conditions).check([RUN], "hits")
    assert "add one, or give the windows in times" in str(raised.value)
    table = "type = sadc.resolution\nruns = 6000-6999\ncolumns = channel, sigma\nunits = -, ns\nsource = t\n\n"
    for file in (SHIPPED / "calib" / "demo").glob("*.txt"):
        (tmp_path / file.name).write_text(file.read_text())
    (tmp_path / "resolution.txt").write_text(table + "SRD0.0.0 2\nSRD1.0.0 4\nSRD2.0.0 2\n")
    full = Conditions.load(tmp_path)
    Pipeline(detector, full).check([RUN], "raw")
    stage = CalorimeterStage(detector)
    stage.begin_run(full.for_run(RUN))
    columns = {
        "channel": np.array([detector.channel_number[f"SRD{n}.0.0"] for n in (0, 1, 2)], np.int32),
        "energy": np.ones(3),
        "time": np.array([11.0, 11.0, -9.9]),
        "quality": np.zeros(3, np.uint32),
    }
    batch = Batch(run=RUN, entries=(0, 1), header={"entry": np.zeros(1, int), "quality": np.zeros(1, np.uint32)})
    made_ = stage(batch, {"cells": Lists(np.array([0, 3]), columns), "quality": np.zeros(1, np.uint32)})
    assert made_["srd.energy"].tolist() == [[0.0, 1.0, 1.0]]
    assert made_["srd.pileup"].tolist() == [[1.0, 0.0, 0.0]]
    assert math.isnan(made_["srd.time"][0, 0])
