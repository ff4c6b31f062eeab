"""Ranges of runs: overlap in every position, open ends, and the text form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emiss.calib.run_ranges import OPEN, RunRange, covers, overlap, parse_ranges

edges = st.integers(0, 60)


@st.composite
def ranges(draw: st.DrawFn) -> RunRange:
    first = draw(edges)
    return RunRange(first, draw(st.one_of(st.integers(first, 70), st.just(OPEN))))


@given(ranges(), ranges())
def test_overlap_is_the_common_runs(a, b):
    common = {run for run in range(200) if run in a and run in b}
    both = a.overlap(b)
    assert both == b.overlap(a)
    assert (both is None) == (not common)
    if both:
        assert {run for run in range(200) if run in both} == common


def test_neighbours_do_not_overlap():
    assert RunRange(1, 10).overlap(RunRange(5, 20)) == RunRange(5, 10)
    assert RunRange(1, 10).overlap(RunRange(11, 20)) is None
    assert RunRange(1, 10).overlap(RunRange(10, 20)) == RunRange(10, 10)
    assert RunRange(5, OPEN).overlap(RunRange(1, 4)) is None


def test_the_text_form():
    parsed = parse_ranges("3855-4207, 4300, 5000-")
    assert [str(r) for r in parsed] == ["3855-4207", "4300", "5000-"]
    assert covers(parsed, 10**9)
    assert not covers(parsed, 4208)
    assert overlap(parsed, parse_ranges("4208-4300")) == RunRange(4300, 4300)


@pytest.mark.parametrize("text", ["", "a", "5-3", "1-10,10-12", "1,,2", "-5", "1 2", "99999999999"])
def test_what_is_no_list_of_runs(text):
    with pytest.raises(ValueError, match=r"\w"):
        parse_ranges(text)
