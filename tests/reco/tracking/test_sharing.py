"""Two muons whose y clusters merge: both are found with `share_clusters`, and events without merged clusters do not change."""

from __future__ import annotations

import numpy as np
import pytest

from emiss.events.lists import Lists, offsets_of
from tests.reco.tracking.layouts import BOX, SHAPES, hits_of, reconstruct, shaped, spread

Z = np.array(SHAPES["2 + 2"]) * 1e3


def pair(toys, detector, rng, n, apart):
    """Points of two muons an event, `apart` (mm) in y at all stations; their q/p, shape (2, n)."""
    p, q = rng.uniform(15, 60, (2, n)), np.array([[1.0], [-1.0]]) * np.ones((2, n))
    y, ty = rng.normal(0, 5, n), rng.normal(0, 1e-3, n)
    points = []
    for k in range(2):
        state = np.column_stack([rng.normal(0, 8, n), y + k * apart, rng.normal(0, 2e-3, n), ty, (q / p)[k]])
        points.append(hits_of(rng, detector, *toys.follow(state, Z, BOX, 1.4)))
    event = np.concatenate([one.parents for one in points])
    order = np.argsort(event, kind="stable")
    columns = {name: np.concatenate([one[name] for one in points])[order] for name in points[0].columns}
    return q / p, Lists(offsets_of(points[0].counts + points[1].counts), columns)


def merge(points, distance):
    """Make one point of two in a plane that are nearer to each other: the sum of the charges, at their mean."""
    rows, counts = [], []
    for event in range(len(points)):
        here = range(*points.offsets[event : event + 2])
        made = []
        for plane in sorted({int(points["plane"][i]) for i in here}):
            group = [
                [float(points[name][i]) for name in ("position", "charge")] for i in here if points["plane"][i] == plane
            ]
            if len(group) == 2 and abs(group[0][0] - group[1][0]) < distance:
                total = group[0][1] + group[1][1]
                group = [[sum(position * charge for position, charge in group) / total, total]]
            made += [(plane, *one) for one in group]
        rows += made
        counts.append(len(made))
    plane, position, charge = np.array(rows).T
    columns = {"plane": plane.astype(np.int16), "position": position, "charge": charge, "time": np.zeros(len(plane))}
    return Lists(offsets_of(np.array(counts, np.int64)), columns)


def found(tracks, truth):
    """Fraction of the muons of both charges that an event has a track of within 5 sigma, and their pulls."""
    pulls = []
    for muon in truth:
        best = np.full(truth.shape[1], np.inf)
        pull = (tracks["q_over_p"] - muon[tracks.parents]) / tracks["sigma_q_over_p"]
        for event, value in zip(tracks.parents, pull, strict=True):
            best[event] = value if abs(value) < abs(best[event]) else best[event]
        pulls.append(best)
    pulls = np.array(pulls)
    return (np.abs(pulls) < 5).mean(), pulls[np.abs(pulls) < 5]


@pytest.fixture(scope="module")
def merged(toys, detector):
    rng = np.random.default_rng(2)
    truth, points = pair(toys, detector, rng, 800, 0.1)
    return truth, merge(points, 0.8)


def test_both_muons_are_found_where_their_clusters_merge(toys, detector, merged):
    truth, points = merged
    alone = reconstruct(toys, shaped(detector, SHAPES["2 + 2"]), points)["tracks"]
    both = reconstruct(toys, shaped(detector, SHAPES["2 + 2"], share_clusters=True), points)["tracks"]
    assert found(alone, truth)[0] < 0.5
    part, pulls = found(both, truth)
    assert part > 0.93
    assert spread(pulls) == pytest.approx(1.0, abs=0.1)
    assert (both.counts == 2).mean() > 0.93
    two = np.repeat(both.counts == 2, both.counts)
    assert np.isin(both["shared"][two], [3, 4]).mean() > 0.95
    assert (both["shared"][~two] == 0).all()


def test_what_has_not_merged_does_not_change(toys, detector):
    rng = np.random.default_rng(3)
    truth, points = pair(toys, detector, rng, 300, 6.0)
    alone = reconstruct(toys, shaped(detector, SHAPES["2 + 2"]), points)["tracks"]
    both = reconstruct(toys, shaped(detector, SHAPES["2 + 2"], share_clusters=True, road=3.0), points)["tracks"]
    assert found(alone, truth)[0] > 0.93
    same = alone.counts == both.counts
    assert same.mean() > 0.97
    for name in ("q_over_p", "chi2", "y"):
        np.testing.assert_array_equal(
            alone[name][np.repeat(same, alone.counts)], both[name][np.repeat(same, both.counts)]
        )
    assert (both["shared"] > 0).mean() < 0.03


def test_noise_makes_no_second_track(toys, detector):
    """One muon and noise in x: a cluster of y may look like two, but there is no second track."""
    rng = np.random.default_rng(4)
    n = 600
    muons = toys.muons(rng, np.full(n, 40.0), np.ones(n), Z, BOX, 1.4)
    points = hits_of(rng, detector, muons.x, muons.y)
    noise = np.arange(n)
    plane = 2 * rng.integers(0, 4, n)
    order = np.argsort(np.concatenate([points.parents, noise]), kind="stable")
    added = {
        "plane": plane,
        "position": rng.uniform(-100, 100, n),
        "charge": rng.uniform(60, 300, n),
        "time": np.zeros(n),
    }
    columns = {
        name: np.concatenate([values, added[name].astype(values.dtype)])[order]
        for name, values in points.columns.items()
    }
    noisy = Lists(offsets_of(points.counts + 1), columns)
    tracks = reconstruct(toys, shaped(detector, SHAPES["2 + 2"], share_clusters=True), noisy)["tracks"]
    assert (tracks.counts == 1).mean() > 0.98
    assert (tracks["shared"] > 0).mean() < 0.02
