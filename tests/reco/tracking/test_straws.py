"""Straws: drift times, both sides of a hit, the sides of a track against plain Python, tracks against the truth."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.straws import LAYOUTS, points, quality, set_up
from emiss.events.lists import Lists, offsets_of
from emiss.reco.parts.straw import Straw
from emiss.reco.tracking.finding import Finder, Roads
from emiss.reco.tracking.neighbours import counts, extra
from emiss.reco.tracking.sides import remainders
from emiss.reco.tracking.sides_kernels import choose
from emiss.reco.tracking.stage import ArmTracks
from emiss.reco.tracking.strips import PointStage
from emiss.reco.tracking.timed import both_sides
from tests.reco.tracking.layouts import BOX

TWO_LAYERS = "2 + 2 stations, two layers"


@pytest.fixture(scope="module")
def layered():
    return set_up(*LAYOUTS[TWO_LAYERS])


def straw(**drift):
    return Straw.model_validate({"diameter": 6.0, "drift": {**drift, "source": "x"}, "source": "x"})


@given(
    st.lists(st.tuples(st.floats(0.5, 20), st.floats(0.05, 1)), min_size=2, max_size=8),
    st.lists(st.floats(0, 3), min_size=1, max_size=20),
)
def test_a_drift_time_tells_the_distance_it_is_made_from(steps, distances):
    times, places = np.cumsum(np.array(steps), axis=0).T
    table = [(0.0, 0.0), *zip(times, places * 3.0 / places[-1], strict=True)]
    table[-1] = (table[-1][0], 3.0)  # the wall, to the last bit
    one = straw(table=table)
    there = one.time(np.array(distances))
    np.testing.assert_allclose(one.distance(there), distances, atol=1e-9)
    assert (there <= one.longest + 1e-9).all()


def test_what_an_error_takes_beyond_wire_and_wall():
    one = straw(velocity=0.06)
    assert one.time(np.array([-0.6, 3.6])) == pytest.approx([-10.0, 60.0])
    assert one.distance(np.array([-10.0, 60.0])).tolist() == [0.0, 3.0]


def hits_of(detector, rows):
    """Clusters of (plane, wire position, time) of one event."""
    plane, position, time = np.array(rows, float).reshape(-1, 3).T
    size = len(plane)
    columns = {
        "plane": plane.astype(np.int32),
        "position": position,
        "sigma": np.full(size, 0.2),
        "charge": np.ones(size),
        "time": time,
        "sigma_time": np.zeros(size),
        "in_time": np.ones(size, bool),
        "size": np.ones(size, np.int32),
        "twin": np.zeros(size, np.int32),
    }
    return both_sides(Lists(np.array([0, size]), columns), detector.planes)


def test_both_sides_of_a_hit_are_clusters(layered):
    found = hits_of(layered, [(0, 12.0, 25.0), (5, -3.0, 100.0)])
    assert found["position"] == pytest.approx([10.5, 13.5, -6.0, 0.0])
    assert found["twin"].tolist() == [1, -1, 1, -1]
    assert np.isnan(found["time"]).all()
    assert counts(found, 16)[0, [0, 5]].tolist() == [1, 1]


def test_the_other_side_of_its_own_straw_is_no_neighbour_of_a_track(layered):
    found = hits_of(layered, [(0, 12.0, 5.0), (0, 18.0, 5.0)])  # 0.3 mm beside their wires
    place = np.array([2 * plane.station + (plane.view == "y") for plane in layered.planes])[found["plane"]]
    fitted, rows = np.full((1, 8, 2), np.nan), np.full((1, 8, 2), -1)
    fitted[0, 0, 0], rows[0, 0, 0] = 12.3, 1
    for road, near in ((1.0, 0), (7.0, 1)):
        assert extra(found, place, np.array([0, 1]), fitted, rows, road).tolist() == [near]


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_sides_against_plain_python(seed):
    """All combinations, each fitted by lstsq with whitened hits."""
    rng = np.random.default_rng(seed)
    stations = int(rng.integers(4, 7))
    z = np.cumsum(rng.uniform(50, 900, stations))
    design = np.column_stack([np.ones(stations), z - z[0], np.maximum(z - z.mean(), 0.0)])[:, : rng.integers(2, 4)]
    seen = rng.random((3, stations)) < 0.9
    seen[:, :4] = True
    position = np.where(seen, rng.normal(0, 1, (3, stations)), 0.0)
    other = np.where(seen & (rng.random((3, stations)) < 0.8), position + rng.uniform(-6, 6, (3, stations)), np.nan)
    sigma, p = rng.uniform(0.1, 0.4, (3, stations)), rng.uniform(5, 50, 3)
    steps = rng.normal(0, 1, (stations, stations))
    noise = steps @ steps.T * rng.uniform(0, 5)
    flip = np.empty((3, stations), bool)
    choose(remainders(seen, sigma, design, noise, p), position, other, flip)
    for track in range(3):
        here = np.flatnonzero(seen[track])
        spread = np.diag(sigma[track, here] ** 2) + noise[np.ix_(here, here)] / p[track] ** 2
        white = np.linalg.inv(np.linalg.cholesky(spread))
        best, chosen = np.inf, []
        for sides in product(*([False, True] if np.isfinite(other[track, s]) else [False] for s in here)):
            u = np.where(sides, other[track, here], position[track, here])
            fitted, *_ = np.linalg.lstsq(white @ design[here], white @ u, rcond=None)
            chi2 = np.sum((white @ (u - design[here] @ fitted)) ** 2)
            if chi2 < best - 1e-9:
                best, chosen = chi2, sides
        ours = np.where(flip[track, here], other[track, here], position[track, here])
        fitted, *_ = np.linalg.lstsq(white @ design[here], white @ ours, rcond=None)
        assert np.sum((white @ (ours - design[here] @ fitted)) ** 2) == pytest.approx(best, rel=1e-6, abs=1e-6), chosen
        assert not flip[track, ~seen[track]].any()


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_no_hit_is_of_two_tracks_nor_twice_of_one(layered, seed, tracks):
    """Straight particles with noise: both sides of a hit, which are +-r around the wire, are never taken both."""
    rng = np.random.default_rng(seed)
    finder = Finder(layered.arms["tracks"].planes, layered.arms["tracks"].field.scaled(0.0).box, Roads())
    rows = []
    for number, plane in enumerate(layered.planes):
        near = rng.uniform(-20, 20, tracks)[:, None] * [1.0] + rng.normal(0, 3, (tracks, 1))
        wires = np.unique(np.rint(near.ravel() / plane.pitch)) * plane.pitch + 0.5 * plane.pitch
        rows += [(number, wire, time) for wire, time in zip(wires, rng.uniform(0, 50, len(wires)), strict=True)]
    clusters = hits_of(layered, rows)
    found = finder(clusters).clusters
    taken = found[found >= 0]
    hit = np.minimum(taken, taken + clusters["twin"][taken])  # the left side stands for both
    assert len(np.unique(hit)) == len(hit)


def test_two_muons_side_by_side(layered, toys):
    """30 mm apart in x, 14 mm in y: both are found."""
    rng, n = np.random.default_rng(2), 300
    tracks = ArmTracks(layered, layered.arms["tracks"])
    p = rng.uniform(20, 60, n)
    first = toys.muons(rng, p, np.ones(n), tracks.z, BOX, 1.4, x_over_x0=0.002)
    state = first.state + np.array([30.0, 14.0, 0, 0, 0])
    x, y = toys.follow(state, tracks.z, BOX, 1.4)
    both = [points(layered, first.x, first.y, rng), points(layered, x, y, rng)]
    event = np.concatenate([one.parents for one in both])
    order = np.argsort(event, kind="stable")
    columns = {name: np.concatenate([one[name] for one in both])[order] for name in both[0].columns}
    seen = Lists(offsets_of(both[0].counts + both[1].counts), columns)
    found = tracks(PointStage(layered)(toys.batch(n, points=seen), {})["clusters"])
    assert (np.diff(found.offsets) == 2).mean() > 0.9


def test_tracks_against_the_truth(layered):
    made = quality(layered, 3000)
    assert made.found > 0.985
    assert 0.92 < made.pull < 1.06
    assert made.off < 0.003
    assert made.wrong < 0.015
    assert made.wrong_far < 0.001


def test_layers_that_are_not_staggered_leave_the_sides_open():
    """What a set-up of aligned wires cannot tell is told as such: a mirrored track fits as well."""
    assert quality(set_up(*LAYOUTS["2 + 2 stations, one layer"]), 500).wrong > 0.1


def test_simulated_hits_outside_the_window_are_counted_and_not_used(layered, toys):
    seen = Lists(
        np.array([0, 3]),
        {
            "plane": np.array([0, 0, 1], np.int16),
            "position": np.array([3.0, 9.0, 3.0]),
            "charge": np.ones(3),
            "time": np.array([10.0, 85.0, -30.0]),
        },
    )
    made = PointStage(layered)(toys.batch(1, points=seen), {})
    assert made["st.n_outside"][0, :2].tolist() == [1, 1]
    assert made["st.n_noisy"].sum() == 0
    assert counts(made["clusters"], 16)[0, :2].tolist() == [1, 0]
