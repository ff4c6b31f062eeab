"""The multiplexing map: the property it is made for, and that the one that ships is what the tool makes."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from tests.reco.detector.make_multiplex import genetic_map, text_of


@pytest.mark.parametrize(("count", "channels"), [(1000, 200), (320, 64)])
def test_neighbouring_channels_never_repeat(count, channels):
    chosen = genetic_map(count, channels).tolist()
    assert set(Counter(chosen).values()) == {5}
    pairs = Counter(frozenset(pair) for pair in pairwise(chosen))
    assert max(pairs.values()) == 1 or sum(n > 1 for n in pairs.values()) <= 4  # at borders of blocks


@pytest.mark.parametrize(("strips", "channels"), [(1000, 200), (320, 64)])
def test_no_pair_of_channels_repeats_within_two_strips(strips, channels):
    made = genetic_map(strips, channels)
    pairs = [frozenset((int(made[i]), int(made[i + d]))) for d in (1, 2) for i in range(strips - d)]
    assert len(set(pairs)) == len(pairs)
    assert all(len(pair) == 2 for pair in pairs)


def test_no_map_where_there_is_none():
    with pytest.raises(ValueError, match="no multiplexing map"):
        genetic_map(100, 5)


def test_the_shipped_map_is_the_generated_one(detector):
    tracker = detector.trackers["mm"]
    assert (detector.folder / tracker.multiplex).read_text() == text_of(tracker.views)
