"""The survey of raw files: what was put in is found, and a sum of parts is the whole."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from emiss.calib.conditions import Conditions
from emiss.configs import loader
from emiss.events.lists import Lists
from emiss.reco.formats.date.channels.reading import read_channel_maps
from emiss.reco.formats.date.index.events import build
from emiss.reco.formats.date.writing import damage, encode
from emiss.reco.quality.spills import Spills
from emiss.reco.quality.summary import BINS, Limits, Survey, surveys, verdicts
from emiss.reco.readers.raw import RawRunFile

RUN, SPILLS, EVENTS, TOP = 6101, 8, 60, 4095
FEW, JUMP, SATURATED, BROKEN = 2, 4, 5, 7
CHANNEL = 17


@pytest.fixture(scope="module")
def conditions():
    return Conditions.load(loader.find("calib", "demo"))


@pytest.fixture(scope="module")
def data(detector, conditions):
    """Eight spills: one short, one with a pedestal that jumps, one that saturates at its end, one with a lost block."""
    rng = np.random.default_rng(3)
    pedestal = conditions.for_run(RUN).get("sadc.pedestal", detector.channels)
    sizes = [15 if spill == FEW else EVENTS for spill in range(1, SPILLS + 1)]
    spill = np.repeat(np.arange(1, SPILLS + 1), sizes)
    number = np.concatenate([np.arange(1, size + 1) for size in sizes])
    n, channels = len(spill), len(detector.channels)
    base = np.where(np.arange(32) % 2, pedestal["odd"][:, None], pedestal["even"][:, None])
    samples = np.rint(rng.normal(base, pedestal["sigma"][:, None], (n, channels, 32)))
    samples[spill == JUMP, CHANNEL] += 12
    samples[(spill == SATURATED) & (number > 0.8 * EVENTS), 3, 10:13] = TOP
    sadc = Lists(
        np.arange(n + 1) * channels,
        {
            "channel": np.tile(np.arange(channels, dtype=np.int32), n),
            "samples": samples.reshape(-1, 32).astype(np.uint16),
        },
    )
    none = {name: np.empty(0, np.int16) for name in ("plane", "wire", "a0", "a1", "a2")}
    raw = encode.RawEvents(
        run=RUN,
        spill=spill,
        in_spill=number,
        in_run=np.arange(n),
        time=1_660_000_000 + 15 * spill,
        type=np.full(n, 7),
        trigger=np.ones(n, np.int64),
        sadc=sadc,
        apv=Lists(np.zeros(n + 1, np.int64), none),
    )
    maps = read_channel_maps(detector.channel_maps_path, RUN)
    whole = encode.to_bytes(raw, maps, detector.channels, detector.plane_names)
    first = int(np.searchsorted(spill, BROKEN))  # the first events of that spill, so that most of it comes after
    index = build(np.frombuffer(whole, np.uint8))
    low, high = int(index.offset[first]), int(index.offset[first + 3])
    hurt, _ = damage.damage(whole[low:high], maps, {"sadc_module_missing": 1})
    return whole[:low] + hurt + whole[high:]


def survey_of(paths, detector, conditions):
    files = [RawRunFile(path, detector.channel_maps_path, detector.channels, detector.plane_names) for path in paths]
    context = Spills.merge(file.spills() for file in files)
    total = Survey.empty([], len(detector.channels))
    for file in files:
        file.context = context
        for part in surveys(file, detector.channels, detector.full_scale, conditions):
            total += part
    return total


@pytest.fixture(scope="module")
def survey(data, detector, conditions, tmp_path_factory):
    path = tmp_path_factory.mktemp("q") / "run.dat"
    path.write_bytes(data)
    return survey_of([path], detector, conditions)


def test_each_fault_is_found_and_nothing_else(survey, detector):
    found = verdicts(survey, detector.channels, Limits())
    reasons = {v.spill: v.reasons for v in found}
    assert set(reasons) == set(range(1, SPILLS + 1))
    assert {spill for spill, said in reasons.items() if said} == {FEW, JUMP, SATURATED, BROKEN}
    assert reasons[FEW] == ("few events: 25% of the median of the run",)
    (jump,) = reasons[JUMP]
    assert jump.startswith(f"pedestal of {detector.channels[CHANNEL]} off by +1")
    assert found[JUMP - 1].shift == pytest.approx(12, abs=0.5)
    (saturated,) = reasons[SATURATED]
    assert saturated == "20% of the events saturated"
    (broken,) = reasons[BROKEN]
    assert "after a lost block" in broken
    assert found[BROKEN - 1].lost > 0.9


def test_pedestals_are_those_of_the_conditions(survey):
    shift = survey.pedestal()
    quiet = [spill - 1 for spill in range(1, SPILLS + 1) if spill not in (FEW, JUMP)]
    assert np.abs(shift[quiet]).max() < 1.5
    assert np.isnan(shift[FEW - 1]).all()  # too few waveforms to tell


def test_saturation_is_at_the_end_of_the_spill(survey):
    share = survey.saturation()
    assert share.shape == (BINS,)
    assert (share[: BINS // 2] == 0).all()
    assert (share[-2:] > 0).all()
    assert survey.saturated[SATURATED - 1, 3] == survey.saturated_events[SATURATED - 1] == 12
    assert survey.saturated.sum() == 12


def test_files_of_a_run_add_up(survey, data, detector, conditions, tmp_path):
    index = build(np.frombuffer(data, np.uint8))
    cuts = [0, int(index.offset[100]), int(index.offset[333]), len(data)]
    paths = []
    for number, (low, high) in enumerate(pairwise(cuts)):
        paths.append(tmp_path / f"part{number}.dat")
        paths[-1].write_bytes(data[low:high])
    parts = survey_of(paths, detector, conditions)
    assert parts.spills == survey.spills
    for name, values in vars(survey).items():
        if isinstance(values, np.ndarray):
            np.testing.assert_allclose(getattr(parts, name), values, rtol=1e-12, err_msg=name)


def test_a_channel_is_compared_with_a_loop(survey, data, detector, conditions, tmp_path):
    (tmp_path / "run.dat").write_bytes(data)
    file = RawRunFile(tmp_path / "run.dat", detector.channel_maps_path, detector.channels, detector.plane_names)
    pedestal = conditions.for_run(RUN).get("sadc.pedestal", detector.channels)
    even, odd, sigma = (float(pedestal[name][CHANNEL]) for name in ("even", "odd", "sigma"))
    sums, counts = np.zeros(SPILLS), np.zeros(SPILLS)
    for batch in file.batches():
        for row in np.flatnonzero(batch.sadc["channel"] == CHANNEL):
            head = [float(s) - (odd if k % 2 else even) for k, s in enumerate(batch.sadc["samples"][row][:4])]
            if max(head) - min(head) <= 8 * sigma:
                spill = batch.header["spill"][batch.sadc.parents[row]] - 1
                sums[spill] += sum(head) / 4
                counts[spill] += 1
    np.testing.assert_array_equal(survey.quiet[:, CHANNEL], counts)
    np.testing.assert_allclose(survey.shift[:, CHANNEL], sums, rtol=1e-12)


def test_events_that_are_gone_are_held_against_their_spill(data, survey, detector, conditions, tmp_path):
    """Ten events of a spill cut out, ten of another zeroed."""
    index = build(np.frombuffer(data, np.uint8))
    first = {spill: int(np.flatnonzero(index.spill == spill)[20]) for spill in (1, 3)}

    def at(entry):
        return int(index.offset[entry])

    cut, zeroed = (at(first[1]), at(first[1] + 10)), (at(first[3]), at(first[3] + 10))
    hurt = data[: cut[0]] + data[cut[1] : zeroed[0]] + bytes(zeroed[1] - zeroed[0]) + data[zeroed[1] :]
    (tmp_path / "run.dat").write_bytes(hurt)
    found = survey_of([tmp_path / "run.dat"], detector, conditions)
    assert survey.gone.sum() == 0
    assert dict(zip([s for _, s in found.spills], found.gone.tolist(), strict=True)) == {
        spill: 10 if spill in (1, 3) else 0 for spill in range(1, SPILLS + 1)
    }
    said = {v.spill: v for v in verdicts(found, detector.channels, Limits())}
    assert said[1].lost == pytest.approx(10 / EVENTS)
    assert "17% of the events lost, damaged or after a lost block" in said[3].reasons
