"""Track finding: the kernel's choices against plain Python, roads, missing stations, several tracks."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emiss.events.lists import Lists, offsets_of
from emiss.reco.field.transport import UniformBox
from emiss.reco.tracking.finding import Finder, Roads, _ordered
from emiss.reco.tracking.material import scattering
from emiss.reco.tracking.roads_kernels import Layout, bend_mismatch, straight_mismatch

Z = np.array([5100.0, 5600.0, 7950.0, 8450.0])
BOX = (5800.0, 7800.0)
MIDDLE = 6800.0


@pytest.fixture(scope="module")
def finder(detector):
    return Finder(detector.planes, UniformBox(1.4, BOX), Roads())


def clusters_of(events):
    """Lists of clusters from, for each event, rows (plane, position, charge, time)."""
    rows = np.array([row for event in events for row in event], float).reshape(-1, 4).T
    columns = {"plane": rows[0].astype(np.int32), "position": rows[1], "charge": rows[2], "time": rows[3]}
    columns["in_time"] = np.abs(rows[3]) < 60.0
    return Lists(offsets_of(np.array([len(event) for event in events], np.int64)), columns)


def track(x, y, *, charge=400.0, time=0.0, missing=()):
    """Clusters of a track; the planes of station s are 2 s (x) and 2 s + 1 (y)."""
    rows = [(2 * s, x[s], charge, time) for s in range(4)] + [(2 * s + 1, y[s], charge, time) for s in range(4)]
    return [row for row in rows if row[0] not in missing]


def bent(x0, tx, p, q=1, charge_of_bend=0.299792458e-3 * 1.4):
    inside = np.clip(Z - BOX[0], 0, 2000.0)
    return x0 + tx * (Z - Z[0]) - charge_of_bend * q / p * (0.5 * inside**2 + inside * np.maximum(Z - BOX[1], 0))


def straight(y0, ty):
    return y0 + ty * (Z - Z[0])


SLOPE, MOMENTUM, MEETING, STRAIGHT = 0.06, 5.0, 30.0, 8.0
"""Roads of the comparison with plain Python: wide, so that most candidates are inside."""


def plain_best(positions, view, needed):
    """Mismatch and indices of the best combination of `needed` stations in one view, by trying all."""
    best = (np.inf, None)
    for pick in product(*[range(-1, len(p)) for p in positions]):
        if sum(k >= 0 for k in pick) != needed:
            continue
        u = np.array([p[k] if k >= 0 else np.nan for p, k in zip(positions, pick, strict=True)])
        known = np.isfinite(u)
        if view == "y":
            first, last = np.flatnonzero(known)[[0, -1]]
            slope = (u[last] - u[first]) / (Z[last] - Z[first])
            distance = (u - u[first] - slope * (Z - Z[first]))[known]
            if abs(slope) > SLOPE or abs(distance).max() > STRAIGHT:
                continue
            value = float(np.sum((distance / STRAIGHT) ** 2)) / (needed - 2)
        else:
            segments = []
            for a, b in ((0, 1), (2, 3)):
                if known[a] and known[b]:
                    slope = (u[b] - u[a]) / (Z[b] - Z[a])
                    segments.append((u[b] + slope * (MIDDLE - Z[b]), slope))
                else:
                    segments.append(None)
            for k, (a, b) in enumerate(((0, 1), (2, 3))):
                if segments[k] is None:
                    s = a if known[a] else b
                    at = segments[1 - k][0]
                    segments[k] = (at, (at - u[s]) / (MIDDLE - Z[s]))
            (x1, t1), (x2, t2) = segments
            kick = 0.299792458e-3 * 1.4 * 2000 / MOMENTUM
            if abs(t1) > SLOPE or abs(t2 - t1) > kick or abs(x1 - x2) > MEETING:
                continue
            value = ((x1 - x2) / MEETING) ** 2 if needed == 4 else (t1 / SLOPE) ** 2
        best = min(best, (value, pick), key=lambda item: item[0])
    return best


positions = st.lists(st.floats(-20, 20).map(lambda v: round(v, 3)), max_size=3, unique=True)


@settings(deadline=None, max_examples=150)
@given(st.lists(positions, min_size=4, max_size=4), st.sampled_from("xy"))
def test_mismatch_against_plain_python(columns, view):
    kick = 0.299792458e-3 * 1.4 * 2000 / MOMENTUM
    roads = np.array([SLOPE, kick, MEETING, STRAIGHT, 7.0, STRAIGHT, STRAIGHT])
    layout = Layout(Z, 2, 3, True, MIDDLE, roads, np.full((4,) * 4, MEETING))
    for needed in (4, 3):
        values = []
        for pick in product(*[[*c, np.nan] for c in columns]):
            if np.isfinite(pick).sum() == needed:
                u = np.array(pick)
                values.append(bend_mismatch(u, layout) if view == "x" else straight_mismatch(u, layout))
        expected = plain_best(columns, view, needed)[0]
        assert min(values, default=np.inf) == pytest.approx(expected, rel=1e-6, abs=1e-12)


def test_one_track(finder):
    rows = track(bent(3.0, 0.004, 30.0), straight(-2.0, 0.001))
    found = finder(clusters_of([rows, [], rows[:5], rows]))
    assert found.offsets.tolist() == [0, 1, 1, 1, 2]
    # clusters 0-3 are the x planes, 4-7 the y planes
    np.testing.assert_array_equal(found.clusters[0], [[0, 4], [1, 5], [2, 6], [3, 7]])
    np.testing.assert_array_equal(found.clusters[1], found.clusters[0] + 13)


@pytest.mark.parametrize("station", range(4))
def test_a_station_may_be_missing(finder, station):
    rows = track(bent(0.0, 0.0, 20.0), straight(0.0, 0.0), missing=(2 * station, 2 * ((station + 1) % 4) + 1))
    found = finder(clusters_of([rows])).clusters
    assert len(found) == 1
    assert (found[0] < 0).sum() == 2
    assert found[0, station, 0] == -1
    assert found[0, (station + 1) % 4, 1] == -1


def test_two_stations_are_too_few(finder):
    for missing in ((0, 2), (0, 4), (1, 3), (1, 7)):
        assert len(finder(clusters_of([track(bent(0, 0, 20.0), straight(0, 0), missing=missing)])).clusters) == 0


def test_roads(finder):
    y = straight(0.0, 0.0)
    assert len(finder(clusters_of([track(bent(0.0, 0.055, 30.0), y)])).clusters) == 1
    assert len(finder(clusters_of([track(bent(0.0, 0.065, 30.0), y)])).clusters) == 0
    assert len(finder(clusters_of([track(bent(0.0, 0.0, 5.5), y)])).clusters) == 1
    assert len(finder(clusters_of([track(bent(0.0, 0.0, 4.5), y)])).clusters) == 0
    kinked = bent(0.0, 0.0, 30.0) + np.array([0, 0, 8.0, 8.0])
    found = finder(clusters_of([track(kinked, y)])).clusters  # three positions in x always make a track
    assert (found[:, :, 0] >= 0).sum(axis=1).tolist() == [3]
    assert (
        len(finder(clusters_of([track(bent(0, 0, 30.0), y + np.array([0, 1.5, 0, 0]))])).clusters) == 1
    )  # on three stations
    assert len(finder(clusters_of([track(bent(0, 0, 30.0), y + np.array([0, 1.5, -1.5, 0]))])).clusters) == 0


def test_two_muons_are_two_tracks_paired_by_charge_and_time(finder):
    a = track(bent(-8.0, 0.002, 40.0), straight(3.0, 0.001), charge=300.0, time=-4.0)
    b = track(bent(9.0, -0.003, 25.0, q=-1), straight(-6.0, -0.002), charge=600.0, time=6.0)
    found = finder(clusters_of([a + b])).clusters
    expected = [[[0, 4], [1, 5], [2, 6], [3, 7]], [[8, 12], [9, 13], [10, 14], [11, 15]]]
    assert sorted(found.tolist()) == expected


def test_the_best_set_beats_the_best_single(finder):
    """A wrong combination that meets by chance may not break up two right ones."""
    a, b = bent(-3.0, 0.0, 40.0), bent(3.0, 0.0, 40.0, q=-1)
    a[3] += 0.4  # a fluctuation; taken alone, the front of a and the back of b may fit better
    b[3] -= 0.4
    y = straight(0.0, 0.0)
    found = finder(clusters_of([track(a, y - 5.0) + track(b, y + 5.0)])).clusters
    assert sorted(sorted(row) for row in found[:, :, 0].tolist()) == [[0, 1, 2, 3], [8, 9, 10, 11]]


def test_noise_is_left_alone(finder):
    rng = np.random.default_rng(1)
    events = []
    for _ in range(200):
        rows = track(bent(rng.normal(0, 5), rng.normal(0, 0.002), 30.0), straight(rng.normal(0, 5), 0.0))
        edge = [124.0, 39.0]
        noise = [(p, rng.uniform(-edge[p % 2], edge[p % 2]), 60.0, rng.uniform(-50, 50)) for p in rng.integers(0, 8, 3)]
        events.append(rows + noise)
    found = finder(clusters_of(events))
    right = [
        set(range(8)) == {c - first for c in group.ravel()}
        for group, first in zip(found.clusters[found.offsets[:-1]], np.arange(200) * 11, strict=True)
    ]
    assert np.mean(right) > 0.99
    assert len(found.clusters) <= 204


def test_more_clusters_than_are_combined(finder):
    """Of a station full of noise the clusters of highest charge are used, and the track is among them."""
    rng = np.random.default_rng(2)
    rows = track(bent(0.0, 0.0, 30.0), straight(0.0, 0.0), charge=500.0)
    noise = [(p, rng.uniform(-1, 1) * (39 if p % 2 else 124), 50.0, 0.0) for p in (0, 1) for _ in range(20)]
    found = finder(clusters_of([rows + noise])).clusters
    assert set(range(8)) == set(found.ravel().tolist())


def test_the_order_of_clusters_does_not_matter(finder):
    rng = np.random.default_rng(3)
    rows = track(bent(-8.0, 0.0, 40.0), straight(3.0, 0.0)) + track(
        bent(9.0, 0.0, 25.0), straight(-6.0, 0.0), charge=600.0
    )
    shuffled = [rows[k] for k in rng.permutation(len(rows))]

    def tracks_of(event):
        data = clusters_of([event])
        return sorted(data["position"][found].tolist() for found in finder(data).clusters)

    assert tracks_of(rows) == tracks_of(shuffled)


def test_roads_are_as_wide_as_errors_and_scattering(detector):
    """Against toys at the lowest momentum: straight segments with kicks in the planes, and the arc of the dipole."""
    rng = np.random.default_rng(6)
    sigma, thickness, p, size = 0.1, 0.003, 5.0, 200_000
    box = UniformBox(1.4, BOX)
    noise = scattering(Z, np.full(4, thickness), air=False)
    layout = Roads(momentum=p).layout(Z, 2, box, np.full(4, sigma), noise)
    meeting, straight_road = layout.meeting[0, 1, 2, 3], layout.roads[3]
    angle = 0.0136 / p * np.sqrt(thickness) * (1 + 0.038 * np.log(thickness))
    u, slope, at = np.zeros((size, 4)), np.zeros(size), np.zeros(size)
    for s in range(1, 4):
        slope = slope + angle * rng.normal(size=size)
        at = at + slope * (Z[s] - Z[s - 1])
        u[:, s] = at
    u += sigma * rng.normal(size=u.shape)
    middle = (0, 1, 3), (0, 2, 3), (0, 1, 2), (1, 2, 3)
    widest = 0.0
    for first, between, last in middle:
        share = (Z[between] - Z[first]) / (Z[last] - Z[first])
        widest = max(widest, (u[:, between] - u[:, first] - share * (u[:, last] - u[:, first])).std())
    assert straight_road == pytest.approx(7 * widest, rel=0.02)
    before = u[:, 1] + (u[:, 1] - u[:, 0]) / (Z[1] - Z[0]) * (MIDDLE - Z[1])
    behind = u[:, 2] - (u[:, 3] - u[:, 2]) / (Z[3] - Z[2]) * (Z[2] - MIDDLE)
    bend = bent(0.0, 0.0, p)
    off = bend[2] - (bend[3] - bend[2]) / (Z[3] - Z[2]) * (Z[2] - MIDDLE)  # of the exact arc, which is a parabola here
    assert meeting - 7 * (before - behind).std() == pytest.approx(
        2000 * (0.299792458e-3 * 1.4 * 2000 / p) ** 3 / 8, rel=0.02
    )
    assert abs(off) < 0.1


def test_a_late_cluster_is_left_out(finder):
    rows = track(bent(3.0, 0.004, 30.0), straight(-2.0, 0.001))
    late = [(plane, position, charge, 80.0 if plane == 2 else time) for plane, position, charge, time in rows]
    found = finder(clusters_of([late])).clusters
    assert (found[0] < 0).sum() == 1
    assert found[0, 1, 0] == -1


def test_three_stations_take_the_clusters_that_agree_with_the_other_view(finder):
    """In the bend plane any three clusters make a track; noise there has another charge and another time."""
    rng = np.random.default_rng(7)
    right = 0
    for _ in range(200):
        gone = int(rng.integers(4))
        rows = track(
            bent(rng.normal(0, 5), rng.normal(0, 0.002), rng.uniform(20, 80)),
            straight(rng.normal(0, 5), 0.0),
            missing=(2 * gone, 2 * gone + 1),
        )
        noise = [(2 * s, rng.uniform(-60, 60), 70.0, rng.uniform(-40, 40)) for s in range(4)]
        found = finder(clusters_of([rows + noise])).clusters
        right += sorted(found[0].ravel().tolist()) == [-1, -1, *range(6)]
    assert right >= 194


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2), st.integers(0, 2)), max_size=30))
def test_rows_are_in_the_order_of_a_lexical_sort(rows):
    group, charge, position = np.array(rows, np.int64).reshape(-1, 3).T
    expected = np.lexsort((position.astype(float), -charge.astype(float), group))
    assert _ordered(group, -charge.astype(float), position.astype(float)).tolist() == expected.tolist()
