"""Lists: slices, selections and sums of lists against plain Python lists."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emiss.events.lists import Lists, offsets_of

nested = st.lists(st.lists(st.integers(-9, 9), max_size=4), max_size=12)


def make(rows: list[list[int]]) -> Lists:
    flat = np.array([x for row in rows for x in row], np.int64)
    return Lists(offsets_of(np.array([len(row) for row in rows], np.int64)), {"x": flat})


def plain(lists: Lists) -> list[list[int]]:
    return [lists["x"][a:b].tolist() for a, b in zip(lists.offsets[:-1], lists.offsets[1:], strict=True)]


@given(nested, st.data())
def test_slice_and_take(rows, data):
    lists = make(rows)
    assert plain(lists) == rows
    a = data.draw(st.integers(0, len(rows)))
    b = data.draw(st.integers(a, len(rows)))
    assert plain(lists.slice(a, b)) == rows[a:b]
    chosen = data.draw(st.lists(st.sampled_from(range(len(rows))), max_size=8)) if rows else []
    assert plain(lists.take(np.array(chosen, np.int64))) == [rows[i] for i in chosen]
    mask = np.array([i % 2 == 0 for i in range(len(rows))], bool)
    assert plain(lists.take(mask)) == rows[::2]
    assert [rows[p] for p in lists.parents] == [row for row in rows for _ in row]


@given(nested)
def test_rows(rows):
    lists = make(rows)
    assert plain(lists.rows(lists["x"] > 0)) == [[x for x in row if x > 0] for row in rows]


@given(nested, nested)
def test_concatenate(a, b):
    assert plain(Lists.concatenate([make(a), make(b)])) == a + b


def test_wrong_lengths_are_refused():
    with pytest.raises(ValueError, match="2 rows"):
        Lists(np.array([0, 3]), {"x": np.zeros(2)})
