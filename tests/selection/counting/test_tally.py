"""The two ways to count packed masks, against each other to the last bit, and against a loop over events."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emiss.selection.counting import tally, tally_arrays, tally_kernels
from emiss.selection.counting.tally import KINDS, Counts, pack, unpack
from emiss.selection.counting.tally_kernels import CHUNK, transposed


def looped(looked, passed, unknown, weights):
    """Return what `Counts` holds, event by event."""
    cuts, size = passed.shape
    rows = np.concatenate((weights, weights**2))
    counts = Counts.empty(cuts, len(weights))
    for event in range(size):
        if not looked[event]:
            continue
        counts.total += 1
        counts.total_sums += rows[:, event]
        fails = [i for i in range(cuts) if not passed[i, event]]
        for i in range(cuts):
            before = all(passed[:i, event])
            held = (before and passed[i, event], passed[i, event], fails in ([], [i]), fails == [i])
            for kind, yes in enumerate(held):
                counts.n[i, kind] += bool(yes)
                counts.sums[i, kind] += rows[:, event] * bool(yes)
            counts.undefined[i] += before and unknown[i, event], unknown[i, event]
            for j in range(i + 1):
                counts.overlap[i, j] += bool(passed[i, event] and passed[j, event])
    return counts


def counted(looked, passed, unknown, weights):
    size = passed.shape[1]
    everything = pack(looked, size)
    counts = Counts.empty(len(passed), len(weights))
    words = [pack(mask, size) & everything for mask in passed]
    unsure = [pack(mask, size) & everything if mask.any() else None for mask in unknown]
    counts.add(everything, words, unsure, weights)
    return counts


def assert_equal(mine, other):
    assert mine.total == other.total
    for name in ("n", "undefined", "overlap"):
        np.testing.assert_array_equal(getattr(mine, name), getattr(other, name), err_msg=name)
    np.testing.assert_allclose(mine.total_sums, other.total_sums, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(mine.sums, other.sums, rtol=1e-12, atol=1e-12)


@settings(deadline=None, max_examples=150)
@given(
    st.integers(0, 200), st.integers(0, 19), st.integers(0, 3), st.sampled_from([0.2, 0.8, 0.98]), st.integers(0, 2**32)
)
def test_agrees_with_a_loop_over_events(size, cuts, variations, share, seed):
    rng = np.random.default_rng(seed)
    passed = rng.random((cuts, size)) < share
    unknown = ~passed & (rng.random((cuts, size)) < 0.3)
    looked = rng.random(size) < 0.9
    weights = rng.normal(size=(variations, size))
    assert_equal(counted(looked, passed, unknown, weights), looped(looked, passed, unknown, weights))


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.integers(0, 3 * 64 * CHUNK), min_size=1, max_size=3),
    st.integers(0, 19),
    st.integers(0, 3),
    st.sampled_from([0.2, 0.8, 0.98]),
    st.integers(0, 2**32),
)
def test_both_ways_give_the_same_bits(sizes, cuts, variations, share, seed):
    rng = np.random.default_rng(seed)
    ways = [(way, Counts.empty(cuts, variations)) for way in (tally_kernels, tally_arrays)]
    for size in sizes:
        everything = pack(rng.random(size) < 0.9, size)
        passed = np.array([pack(rng.random(size) < share, size) & everything for _ in range(cuts)], np.uint64)
        passed = passed.reshape(cuts, len(everything))
        unknown = ~passed & everything & rng.integers(0, 2**63, passed.shape, np.uint64)
        # of all sizes and signs, so that every order of adding them has its own rounding
        weights = rng.normal(size=(variations, size)) * 10.0 ** rng.integers(-9, 9, (variations, size))
        weights[rng.random(weights.shape) < 0.01] = -0.0
        made = []
        for way, counts in ways:
            total, first, alone = way.count_words(
                everything, passed, unknown, counts.n, counts.undefined, counts.overlap
            )
            if variations:
                way.sum_weights(passed, first, alone, weights, counts.total_sums, counts.sums)
            made.append((total, first.tobytes(), alone.tobytes()))
        assert made[0] == made[1]
    (_, one), (_, other) = ways
    for name in ("n", "undefined", "overlap", "total_sums", "sums"):
        assert getattr(one, name).tobytes() == getattr(other, name).tobytes(), name
    assert tally_arrays.CHUNK == CHUNK


def test_numba_is_woken_up_when_there_is_enough_to_count_and_where_it_is_awake(monkeypatch):
    routes = tally._Routes()
    assert routes.next(1) is tally_kernels
    monkeypatch.delitem(sys.modules, "numba")
    assert routes.next(1) is tally_arrays
    assert routes.next(tally.ENOUGH - 3) is tally_arrays
    assert routes.next(1) is tally_kernels


def test_two_hundred_cuts_over_several_chunks():
    size, cuts = 64 * CHUNK + 777, 200
    rng = np.random.default_rng(3)
    passed = rng.random((cuts, size)) < 0.995
    weights = rng.random((2, size))
    mine = counted(np.ones(size, bool), passed, np.zeros_like(passed), weights)
    prefix = np.logical_and.accumulate(passed)
    np.testing.assert_array_equal(mine.n[:, 0], prefix.sum(axis=1))
    np.testing.assert_allclose(mine.sums[:, 0, :2], prefix.astype(float) @ weights.T, rtol=1e-12)
    np.testing.assert_allclose(mine.sums[:, 1, 2:], passed.astype(float) @ (weights**2).T, rtol=1e-12)
    alone = (~passed).sum(axis=0) == 1
    np.testing.assert_array_equal(mine.n[:, 3], (~passed & alone).sum(axis=1))
    np.testing.assert_array_equal(mine.overlap[150, :150], (passed[150] & passed[:150]).sum(axis=1))


def test_a_long_sum_of_tenths_is_right_to_1e_12():
    size = 1_000_000
    mine = counted(np.ones(size, bool), np.ones((1, size), bool), np.zeros((1, size), bool), np.full((1, size), 0.1))
    assert mine.sums[0, KINDS.index("sequential"), 0] == pytest.approx(0.1 * size, rel=1e-12)


@given(st.integers(0, 2**64 - 1))
def test_transposed_and_popcount(word):
    bits = np.array([(word >> i) & 1 for i in range(64)]).reshape(8, 8)
    turned = int(transposed(np.uint64(word)))
    assert [(turned >> i) & 1 for i in range(64)] == bits.T.reshape(-1).tolist()
    assert tally_arrays.bits(np.array([word], np.uint64)) == word.bit_count()


@given(st.lists(st.booleans(), max_size=200))
def test_pack_and_unpack(mask):
    words = pack(np.array(mask, bool), len(mask))
    assert unpack(words, len(mask)).tolist() == mask
    assert tally_arrays.bits(words) == sum(mask)
