"""The clustering kernel against plain Python, and what it makes of one and of two muons."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emiss.events.lists import Lists, offsets_of
from emiss.reco.tracking.strips import PointStage, StripStage
from emiss.reco.tracking.strips_kernels import APART, GAP, RISE, SMALLEST, SPREAD, cluster
from tests.reco.detector.make_multiplex import genetic_map

STATIONS = [5100.0, 5600.0, 7950.0, 8450.0]
BOX = (5800.0, 7800.0)
STRIPS, CHANNELS = 320, 64
MAP = genetic_map(STRIPS, CHANNELS)


def plain_clusters(channels, charges, noises, times, errors):
    """The clusters of one group of digits as sets of (channel, strip), in the order they are made."""

    def apart(a, b):
        if np.isnan(times[a]) or np.isnan(times[b]):
            return False
        return abs(times[a] - times[b]) > APART * np.sqrt(errors[a] ** 2 + errors[b] ** 2 + SPREAD**2)

    at = {strip: int(np.flatnonzero(channels == c)[0]) for strip, c in enumerate(MAP) if c in channels}
    free = set(range(len(channels)))

    def grow(peak, side, reach):
        inside = [peak]
        while True:
            steps = [inside[-1] + side * d for d in range(1, reach + 1)]
            lit = [s for s in steps if s in at and at[s] in free]
            if not lit:
                return inside
            a, b = at[inside[-1]], at[lit[0]]
            if charges[b] > charges[a] + RISE * np.hypot(noises[a], noises[b]):
                return inside
            if apart(at[peak], b) or apart(a, b):
                return inside
            inside.append(lit[0])

    made = []
    for reach in range(1, GAP + 1):
        while True:
            options = []
            for strip, digit in at.items():
                if digit in free:
                    low, high = grow(strip, -1, reach)[-1], grow(strip, 1, reach)[-1]
                    members = [s for s in range(low, high + 1) if s in at and at[s] in free]
                    total = 0.0
                    for s in members:
                        total += charges[at[s]]
                    options.append((-len(members), -total, low, members))
            best = min(options, default=None)
            if best is None or -best[0] < SMALLEST:
                break
            made.append([(at[s], s) for s in best[3]])
            free -= {at[s] for s in best[3]}
    edges = [(m[0], m[-1]) for m in made]
    for digit, channel in enumerate(channels):
        for strip in np.flatnonzero(channel == MAP):
            if digit not in free:
                break
            for k, ((first, low), (last, high)) in enumerate(edges):
                right = strip == high + GAP and charges[digit] <= charges[last]
                left = strip == low - GAP and charges[digit] <= charges[first]
                if (left and not apart(first, digit)) or (right and not apart(last, digit)):
                    made[k].append((digit, int(strip)))
                    free.discard(digit)
                    break
    return [set(m) for m in made]


@st.composite
def groups(draw):
    hit = draw(st.lists(st.integers(0, CHANNELS - 1), max_size=14, unique=True))
    for _ in range(draw(st.integers(0, 3))):
        strip, size = draw(st.integers(0, STRIPS - 5)), draw(st.integers(1, 5))
        hit += MAP[strip : strip + size].tolist()
    channels = np.unique(np.array(hit, np.int64))
    charges = [draw(st.floats(20, 500)) for _ in channels]
    times = [draw(st.sampled_from([0.0, 5.0, 30.0, 60.0, float("nan")])) for _ in channels]
    return channels, np.array(charges, float), np.full(len(channels), 5.0), np.array(times), np.full(len(channels), 2.0)


def run_kernel(parts):
    """Run the kernel over groups of digits; returns the clusters of each group as sets of (digit, strip)."""
    offsets = offsets_of(np.array([len(part[0]) for part in parts], np.int64))
    channel, charge, noise, time, error = (np.concatenate([part[k] for part in parts]) for k in range(5))
    member, place, group = (np.empty(len(channel), np.int64) for _ in range(3))
    strip_of = np.argsort(MAP, kind="stable").astype(np.int64)
    start = offsets_of(np.bincount(MAP, minlength=CHANNELS))
    found = cluster(offsets, channel, charge, noise, time, error, start, strip_of, STRIPS, member, place, group)
    made = [[] for _ in parts]
    for k in range(found):
        digits = np.flatnonzero(member == k)
        made[group[k]].append({(int(d - offsets[group[k]]), int(place[d])) for d in digits})
    return made


@settings(deadline=None, max_examples=80)
@given(st.lists(groups(), min_size=1, max_size=3))
def test_kernel_against_plain_python(parts):
    assert run_kernel(parts) == [plain_clusters(*part) for part in parts]


def one(strips, charges, times=None):
    order = np.argsort(MAP[strips])
    size = len(strips)
    times = np.zeros(size) if times is None else np.array(times)
    digits = MAP[strips].astype(np.int64), np.array(charges, float), np.full(size, 5.0), times, np.full(size, 2.0)
    return tuple(values[order] for values in digits)


def places(made):
    return [sorted(strip for _, strip in group) for group in made[0]]


def test_a_dead_strip_inside_a_cluster():
    assert places(run_kernel([one([100, 102], [80.0, 90.0])])) == [[100, 102]]
    assert places(run_kernel([one([100, 101, 103], [90.0, 200.0, 80.0])])) == [[100, 101, 103]]


def test_a_single_strip_is_no_cluster():
    assert places(run_kernel([one([100], [300.0])])) == []


def test_where_the_charge_rises_again_another_cluster_begins():
    made = places(run_kernel([one([100, 101, 102, 103, 104, 105], [50.0, 200.0, 60.0, 130.0, 300.0, 80.0])]))
    assert made == [[102, 103, 104, 105], [100, 101]]  # the valley goes to the larger


def test_a_strip_of_another_time_is_no_part_of_a_cluster():
    charges = [60.0, 200.0, 150.0, 70.0]
    assert places(run_kernel([one([100, 101, 102, 103], charges, [0.0, 1.0, -3.0, 60.0])])) == [[100, 101, 102]]
    assert places(run_kernel([one([100, 101, 102, 103], charges, [0.0, 1.0, -3.0, np.nan])])) == [[100, 101, 102, 103]]
    assert places(run_kernel([one([100, 101], [80.0, 90.0], [-40.0, 40.0])])) == []


def sample(toys, detector, muons, events, *, size, seed, smear=0.0):
    rng = np.random.default_rng(seed)
    count = muons * events
    made = toys.muons(
        rng, rng.uniform(30, 80, count), np.tile([-1.0, 1.0], count)[:count], STATIONS, BOX, 1.4, size=size
    )
    constants = toys.Constants()
    hits = toys.points(rng, detector, made, np.repeat(np.arange(events), muons), events, sigma=smear)
    stage = StripStage(detector)
    stage.begin_run(constants)
    return hits, toys.digits(rng, detector, constants, hits), stage


def nearest(hits, clusters):
    """For each point the distance to the nearest cluster on its plane, and the row of that cluster."""
    distance, row = np.full(int(hits.offsets[-1]), np.inf), np.full(int(hits.offsets[-1]), -1)
    for event in range(len(hits)):
        a, b = clusters.offsets[event : event + 2]
        for i in range(*hits.offsets[event : event + 2]):
            same = a + np.flatnonzero(clusters["plane"][a:b] == hits["plane"][i])
            if len(same):
                gap = clusters["position"][same] - hits["position"][i]
                best = np.argmin(np.abs(gap))
                distance[i], row[i] = gap[best], same[best]
    return distance, row


def test_one_muon(toys, detector):
    hits, digits, stage = sample(toys, detector, 1, 300, size=5.0, seed=1)
    clusters = stage(toys.batch(300, apv=digits), {})["clusters"]
    distance, row = nearest(hits, clusters)
    found = np.abs(distance) < 0.3
    assert found.mean() > 0.998
    assert clusters.counts.mean() == pytest.approx(hits.counts.mean(), abs=0.02)  # and no ghosts
    assert distance[found].std() < 0.025
    assert (clusters["sigma"][row[found]] > 0.1).all()
    assert (clusters["sigma"][row[found]] < 0.11).all()
    assert np.median(clusters["charge"][row[found]] / hits["charge"][found]) == pytest.approx(0.98, abs=0.03)
    late = clusters["time"][row[found]] - hits["time"][found]
    assert abs(np.nanmean(late)) < 0.3
    assert np.nanstd(late) < 4.0


def test_times_have_the_errors_they_say(toys, detector):
    hits, digits, stage = sample(toys, detector, 1, 600, size=5.0, seed=7)
    clusters = stage(toys.batch(600, apv=digits), {})["clusters"]
    distance, row = nearest(hits, clusters)
    found = np.abs(distance) < 0.3
    pull = (clusters["time"][row] - hits["time"])[found] / clusters["sigma_time"][row[found]]
    known = np.isfinite(pull)
    assert known.mean() > 0.99
    core = pull[known & (np.abs(pull) < 4)]
    assert len(core) > 0.98 * known.sum()
    assert abs(core.mean()) < 0.15
    assert core.std() == pytest.approx(1.0, abs=0.12)
    assert clusters["in_time"][row[found]].mean() > 0.99


def test_late_particles_are_flagged(toys, detector):
    hits, _, stage = sample(toys, detector, 1, 200, size=5.0, seed=8)
    late = Lists(hits.offsets, {**hits.columns, "time": hits["time"] + 60.0})
    constants = toys.Constants()
    digits = toys.digits(np.random.default_rng(1), detector, constants, late)
    stage.begin_run(constants)
    clusters = stage(toys.batch(200, apv=digits), {})["clusters"]
    assert clusters["in_time"].mean() < 0.1
    assert not PointStage(detector)(toys.batch(200, points=late), {})["clusters"]["in_time"].any()


def test_dead_and_hot_channels_are_left_out(toys, detector):
    _, digits, stage = sample(toys, detector, 1, 100, size=5.0, seed=9)

    class Masked(toys.Constants):
        def get(self, type_, channels):
            found = super().get(type_, channels)
            if type_ == "apv.status":
                found["status"][: len(channels) // 2] = 1 + np.arange(len(channels) // 2) % 2
            return found

    stage.begin_run(Masked())
    whole = stage.detector.planes
    clusters = stage(toys.batch(100, apv=digits), {})["clusters"]
    first = np.cumsum([0, *(plane.channels for plane in whole)])
    masked = [number for number in range(len(whole)) if first[number + 1] <= first[-1] // 2]
    assert masked
    assert not np.isin(clusters["plane"], masked).any()
    assert len(clusters["plane"])


def test_two_muons(toys, detector):
    hits, digits, stage = sample(toys, detector, 2, 300, size=10.0, seed=2)
    clusters = stage(toys.batch(300, apv=digits), {})["clusters"]
    distance, _ = nearest(hits, clusters)
    apart = np.ones(len(distance), bool)
    parents = hits.parents
    for event in range(len(hits)):
        rows = np.flatnonzero(parents == event)
        for i, j in combinations(rows, 2):
            if hits["plane"][i] == hits["plane"][j] and abs(hits["position"][i] - hits["position"][j]) < 1.5:
                apart[[i, j]] = False  # their clusters overlap
    assert apart.mean() > 0.8
    assert (np.abs(distance[apart]) < 0.5).mean() > 0.995
    assert (np.abs(distance[apart]) < 0.1).mean() > 0.97


def test_any_batch_size_gives_the_same(toys, detector):
    _, digits, stage = sample(toys, detector, 2, 40, size=10.0, seed=3)
    whole = stage(toys.batch(40, apv=digits), {})["clusters"]
    parts = [
        stage(toys.batch(len(part), apv=part), {})["clusters"]
        for part in (digits.slice(a, a + 7) for a in range(0, 35, 7))
    ]
    parts.append(stage(toys.batch(5, apv=digits.slice(35, 40)), {})["clusters"])
    together = Lists.concatenate(parts)
    np.testing.assert_array_equal(together.offsets, whole.offsets)
    for name in whole.columns:
        np.testing.assert_array_equal(together[name], whole[name])


def test_the_order_of_digits_does_not_matter(toys, detector):
    _, digits, stage = sample(toys, detector, 2, 30, size=10.0, seed=4)
    rng = np.random.default_rng(0)
    order = np.lexsort((rng.random(int(digits.offsets[-1])), digits.parents))
    shuffled = Lists(digits.offsets, {name: values[order] for name, values in digits.columns.items()})
    a, b = (stage(toys.batch(30, apv=d), {})["clusters"] for d in (digits, shuffled))
    for name in a.columns:
        np.testing.assert_array_equal(a[name], b[name])


def test_events_without_digits(toys, detector):
    _, _, stage = sample(toys, detector, 1, 1, size=5.0, seed=5)
    types = {"plane": np.int16, "wire": np.int16, "a0": np.int16, "a1": np.int16, "a2": np.int16}
    clusters = stage(toys.batch(3, apv=Lists.empty(3, types)), {})["clusters"]
    assert clusters.counts.tolist() == [0, 0, 0]


def test_points_become_clusters(toys, detector):
    hits, _, _ = sample(toys, detector, 1, 20, size=5.0, seed=6, smear=0.1)
    clusters = PointStage(detector)(toys.batch(20, points=hits), {})["clusters"]
    np.testing.assert_array_equal(clusters["position"], hits["position"])
    np.testing.assert_array_equal(clusters["time"], hits["time"])
    assert (clusters["sigma"] == 0.1).all()
