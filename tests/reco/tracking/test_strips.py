"""De-multiplexing: clusters of true strips against ghosts, the stage on simulated points."""

from __future__ import annotations

import numpy as np
import pytest

from emiss.reco.tracking.strips import StripStage
from emiss.samples.config import Digitisation
from emiss.samples.digitise_trackers import strips


def one_point_events(detector, positions, plane, charge=400.0, time=5.0):
    from emiss.events.lists import Lists, offsets_of

    size = len(positions)
    columns = {
        "plane": np.full(size, plane, np.int16),
        "position": np.asarray(positions, float),
        "charge": np.full(size, charge),
        "time": np.full(size, time),
    }
    return Lists(offsets_of(np.ones(size, int)), columns)


class FakeBatch:
    def __init__(self, apv):
        self.apv = apv

    def __len__(self):
        return len(self.apv)


@pytest.mark.parametrize("plane", [0, 1])
def test_a_muon_gives_its_position_and_time_back(detector, conditions, plane):
    rng = np.random.default_rng(3)
    run = conditions.for_run(6101)
    edge = 0.5 * detector.planes[plane].strips * detector.planes[plane].pitch - 5.0
    positions = rng.uniform(-edge, edge, 2000)
    digits = strips(one_point_events(detector, positions, plane), detector, run, Digitisation(), rng)
    stage = StripStage(detector)
    stage.begin_run(run)
    clusters = stage(FakeBatch(digits), {})["clusters"]
    found = clusters.counts >= 1
    assert found.mean() > 0.995
    first = clusters.offsets[:-1][found]
    assert (clusters["plane"] == plane).all()
    residual = clusters["position"][first] - positions[found]
    assert np.mean(np.abs(residual) < 0.5) > 0.99
    core = residual[np.abs(residual) < 0.5]
    assert abs(core.mean()) < 0.01
    assert core.std() < 0.05
    times = clusters["time"][first]
    known = np.isfinite(times) & (np.abs(residual) < 0.5)
    assert known.mean() > 0.98
    assert abs(np.median(times[known]) - 5.0) < 1.0


def test_batches_of_any_size_give_the_same(detector, conditions):
    rng = np.random.default_rng(4)
    run = conditions.for_run(6101)
    digits = strips(one_point_events(detector, rng.uniform(-90, 90, 60), 0), detector, run, Digitisation(), rng)
    stage = StripStage(detector)
    stage.begin_run(run)
    whole = stage(FakeBatch(digits), {})["clusters"]
    parts = [stage(FakeBatch(digits.slice(a, a + 7)), {})["clusters"] for a in range(0, 60, 7)]
    np.testing.assert_array_equal(np.concatenate([p["position"] for p in parts]), whole["position"])
