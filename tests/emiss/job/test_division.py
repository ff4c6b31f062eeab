"""How a job is divided into parts: every task once, nearly the same size, the same wherever it is asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emiss.configs.errors import UserError
from emiss.job.division import MOST, Part, deal


@given(st.lists(st.integers(0, 50_000), max_size=60), st.integers(1, 80))
def test_every_task_is_dealt_once_and_loads_differ_by_one_task_at_most(sizes, parts):
    dealt = deal(sizes, parts)
    assert len(dealt) == parts
    assert sorted(task for tasks in dealt for task in tasks) == list(range(len(sizes)))
    assert all(tasks == sorted(tasks) for tasks in dealt)
    loads = [sum(sizes[task] for task in tasks) for tasks in dealt]
    assert max(loads) - min(loads) <= max(sizes, default=0)
    assert deal(list(sizes), parts) == dealt


@given(st.lists(st.tuples(st.integers(0, 50_000), st.booleans()), max_size=40), st.integers(1, 20), st.data())
def test_whose_tasks_are_shown_does_not_tell_of_hidden_ones(tasks, parts, data):
    hidden = {number for number, (_, sealed) in enumerate(tasks) if sealed}
    others = [data.draw(st.integers(0, 50_000)) if sealed else size for size, sealed in tasks]
    first, second = (deal(sizes, parts, hidden) for sizes in ([size for size, _ in tasks], others))
    assert [set(part) - hidden for part in first] == [set(part) - hidden for part in second]


@given(st.integers(1, MOST), st.data())
def test_a_part_is_read_as_it_is_written_and_names_stand_in_order(of, data):
    first, second = (Part.parse(f"{data.draw(st.integers(1, of))}/{of}") for _ in range(2))
    assert Part.parse(str(first)) == first
    assert (first.name < second.name) == (first.number < second.number)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("3", "expected K/N, such as 3/20"),
        ("3/", "expected K/N"),
        ("-1/3", "expected K/N"),
        ("1/2/3", "expected K/N"),
        ("4/3", "parts are counted from 1/N to N/N"),
        ("1/0", "parts are counted from 1/N"),
        ("0/3", "a batch system that counts from 0 needs 1/3"),
        (f"1/{MOST + 1}", f"at most {MOST}"),
    ],
)
def test_what_is_no_part_is_told(text, says):
    with pytest.raises(UserError) as raised:
        Part.parse(text)
    assert says in str(raised.value)
    assert f"--part {text}" in str(raised.value)
