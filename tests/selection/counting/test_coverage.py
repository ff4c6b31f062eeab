from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emiss.configs.errors import UserError
from emiss.selection.counting import coverage


@given(ranges=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 8)), max_size=6))
@settings(deadline=None, max_examples=200)
def test_ranges_merge_like_sets_of_entries(ranges: list[tuple[int, int]]) -> None:
    spans = [(start, start + length) for start, length in ranges]
    entries = [entry for start, stop in spans for entry in range(start, stop)]
    if len(set(entries)) != len(entries):
        with pytest.raises(UserError, match="counted twice"):
            coverage.merged(spans, "f")
        return
    found = coverage.merged(spans, "f")
    assert [entry for start, stop in found for entry in range(start, stop)] == sorted(entries)
    assert all(a[1] < b[0] for a, b in pairwise(found))


def test_neighbours_touch_and_do_not_overlap() -> None:
    assert coverage.merged([(10, 20), (0, 10)], "f") == ((0, 20),)
    with pytest.raises(UserError, match="entries 9 to 9") as caught:
        coverage.merged([(9, 20), (0, 10)], "run.dat")
    assert "run.dat" in str(caught.value)


def test_a_range_inside_another_overlaps() -> None:
    with pytest.raises(UserError, match="entries 3 to 4"):
        coverage.add({"f": ((0, 100),)}, {"f": ((3, 5),)})


def test_files_do_not_mix() -> None:
    assert dict(coverage.add({"b": ((0, 5),)}, {"a": ((0, 5),)})) == {"a": ((0, 5),), "b": ((0, 5),)}
