"""The calorimeter stage against a loop over events: sums, panels, positions, and what an empty event gives."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emiss.events.columns import QUALITY_BITS
from emiss.events.lists import Lists, offsets_of
from emiss.reco.calorimetry.sums import CalorimeterStage


class FakeBatch:
    def __init__(self, size, lacking=None):
        self.header = {"quality": np.zeros(size, np.uint32)}
        self.lacking_channels = lacking

    def __len__(self):
        return len(self.header["quality"])


def run(detector, conditions, events, lacking=None):
    """Run the stage on events given as lists of (channel name, energy, time); `lacking` says whose data are missing."""
    rows = [row for event in events for row in event]
    columns = {
        "channel": np.array([detector.channel_number[name] for name, _, _ in rows], np.int32),
        "energy": np.array([energy for _, energy, _ in rows], float),
        "time": np.array([time for _, _, time in rows], float),
        "quality": np.zeros(len(rows), np.uint32),
    }
    cells = Lists(offsets_of(np.array([len(event) for event in events], int)), columns)
    stage = CalorimeterStage(detector)
    stage.begin_run(conditions.for_run(6101))
    return stage(FakeBatch(len(events), lacking), {"cells": cells, "quality": np.zeros(len(events), np.uint32)})


def test_an_empty_event_has_zeros_and_undefined_times(detector, conditions):
    out = run(detector, conditions, [[]])
    assert out["ecal.energy"].tolist() == [0.0]
    assert out["hcal.energy"].tolist() == [[0.0, 0.0, 0.0]]
    assert out["veto.energy"].tolist() == [[0.0, 0.0, 0.0]]
    for name in ("ecal.x", "ecal.time", "ecal.profile_chi2"):
        assert math.isnan(out[name][0])
    assert np.isnan(out["hcal.time"]).all()


def test_known_sums(detector, conditions):
    event = [("ECAL0.2.2", 3.0, 0.0), ("ECAL1.2.2", 30.0, 1.0), ("ECAL1.3.2", 10.0, 1.0), ("ECAL1.0.0", 0.01, 0.0)]
    event += [("HCAL1.1.1", 2.0, 0.5), ("HCAL1.0.1", 0.5, 0.5), ("HCAL2.1.1", 0.05, 0.0)]
    out = run(detector, conditions, [event, [("ECAL1.2.2", 5.0, 100.0)]])
    assert out["ecal.energy"].tolist() == [43.0, 0.0]
    assert out["ecal.preshower"].tolist() == [3.0, 0.0]
    assert out["ecal.x"][0] == pytest.approx(10.0 / 40.0 * 38.2)
    assert out["ecal.y"][0] == pytest.approx(0.0)
    assert out["hcal.energy"][0].tolist() == [0.0, 2.5, 0.0]
    assert out["hcal.mip"][0].tolist() == [0.0, 1.0, 0.0]
    assert out["hcal.centre_fraction"][0].tolist() == [0.0, 0.8, 0.0]
    assert out["ecal.pileup"].tolist() == [0.0, 5.0]
    assert out["event.quality"].tolist() == [0, 1 << QUALITY_BITS["pile_up"]]
    assert out["ecal_cells"].counts.tolist() == [3, 0]


def test_an_electron_on_the_beam_cell_has_a_small_profile_chi2(detector, conditions):
    profile = detector.parts["ecal"].profile
    ring = 0.25 * (profile.block - profile.cell)
    shares = {(2, 2): profile.cell, (1, 2): ring, (3, 2): ring, (2, 1): ring, (2, 3): ring, (0, 0): 1.0 - profile.block}
    electron = [(f"ECAL1.{x}.{y}", 90.0 * share, 0.0) for (x, y), share in shares.items()]
    wide = [(f"ECAL1.{x}.{y}", 3.0, 0.0) for x in range(5) for y in range(6)]
    chi2 = run(detector, conditions, [electron, wide])["ecal.profile_chi2"]
    assert chi2[0] == pytest.approx(0.0, abs=1e-9)
    assert chi2[1] > 20


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.floats(0.002, 0.05), st.floats(0.002, 0.05)), min_size=1, max_size=8))
def test_veto_panels_against_the_rule(detector, conditions, sides):
    events = [[("VETO2", a, 0.0), ("VETO3", b, 0.0)] for a, b in sides]
    events = [[(f"{name}.0.0", energy, time) for name, energy, time in event] for event in events]
    got = run(detector, conditions, events)["veto.energy"][:, 1]
    for (a, b), value in zip(sides, got, strict=True):
        low, high = min(a, b), max(a, b)
        assert value == pytest.approx(high if low < 0.3 * high else math.sqrt(a * b))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_against_a_loop_over_cells(detector, conditions, seed):
    rng = np.random.default_rng(seed)
    events = [
        [
            (detector.channels[channel], float(rng.exponential(0.2)), float(rng.normal(0, 8)))
            for channel in rng.permutation(len(detector.channels))[: rng.integers(0, 60)]
        ]
        for _ in range(4)
    ]
    out = run(detector, conditions, events)
    parts = detector.parts
    thresholds = {c.partition(".")[0]: part.threshold for part in detector.read_out.values() for c in part.channels()}
    for number, event in enumerate(events):
        used: dict[str, list[tuple[int, int, float, float]]] = {}
        pile_up = False
        for name, energy, time in event:
            part, x, y = name.split(".")
            if energy <= thresholds[part]:
                continue
            if part == "S0" or -15.0 <= time <= 15.0:
                used.setdefault(part, []).append((int(x), int(y), energy, time))
            else:
                pile_up = True

        def total(part, used=used):
            return sum(energy for _, _, energy, _ in used.get(part, []))

        def mean(parts, pick, used=used):
            cells = [cell for part in parts for cell in used.get(part, [])]
            weight = sum(cell[2] for cell in cells)
            return sum(cell[2] * pick(cell) for cell in cells) / weight if weight else math.nan

        want = {
            "ecal.energy": total("ECAL0") + total("ECAL1"),
            "ecal.preshower": total("ECAL0"),
            "ecal.x": mean(["ECAL1"], lambda cell: (cell[0] - 2) * 38.2),
            "ecal.y": mean(["ECAL1"], lambda cell: (cell[1] - 2) * 38.2),
            "ecal.time": mean(["ECAL0", "ECAL1"], lambda cell: cell[3]),
            "hcal.energy": [total(module) for module in parts["hcal"].names()],
            "hcal.time": [mean([module], lambda cell: cell[3]) for module in parts["hcal"].names()],
            "hcal.centre_fraction": [
                np.nan_to_num(mean([module], lambda cell: float(cell[:2] == (1, 1))))
                for module in parts["hcal"].names()
            ],
            "srd.energy": [total(module) for module in parts["srd"].names()],
            "srd.time": [mean([module], lambda cell: cell[3]) for module in parts["srd"].names()],
            "s.energy": [total(counter) for counter in parts["s"].names()],
            "s.time": [mean([counter], lambda cell: cell[3]) for counter in parts["s"].names()],
        }
        for name, value in want.items():
            np.testing.assert_allclose(out[name][number], value, atol=1e-12, err_msg=name)
        assert out["event.quality"][number] == (1 << QUALITY_BITS["pile_up"] if pile_up else 0)
        assert out["ecal_cells"].counts[number] == len(used.get("ECAL0", [])) + len(used.get("ECAL1", []))


@pytest.mark.parametrize("name", ["S1", "SRD1", "ECAL0", "ECAL1", "VETO0", "HCAL1"])
def test_what_is_made_of_missing_channels_is_undefined_and_nothing_else(name, detector, conditions):
    """A single channel without data: all columns of its part are NaN, in that event only."""
    whole = [(channel, 3.0, 1.0) for channel in detector.channels]
    found = [channel for channel in detector.channels if channel.startswith(name)]
    assert found
    lacking = np.zeros((2, len(detector.channels)), bool)
    lacking[1, detector.channel_number[found[0]]] = True
    out = run(detector, conditions, [whole, [row for row in whole if row[0] != found[0]]], lacking)
    parts = {"S1": "s.", "SRD1": "srd.", "ECAL0": "ecal.", "ECAL1": "ecal.", "VETO0": "veto.", "HCAL1": "hcal."}
    for column, values in out.items():
        if column in ("ecal_cells", "event.quality"):
            continue
        assert np.isfinite(values[0]).all(), column
        undefined = np.isnan(values[1])
        if name == "ECAL0" and column in ("ecal.x", "ecal.y", "ecal.profile_chi2"):
            assert not undefined.any()  # of the main part
        elif name == "ECAL1" and column == "ecal.preshower":
            assert not undefined.any()
        elif column.startswith(parts[name]):
            assert np.count_nonzero(undefined) == 1, column
        else:
            assert not undefined.any(), column
