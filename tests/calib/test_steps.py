"""Rows by spill and by place in the spill: what holds where, and what is refused with its place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emiss.calib.conditions import Conditions
from emiss.calib.steps import at, by_places, by_spills, steps
from emiss.calib.tables import parse_tables
from emiss.configs.errors import UserError, UserErrors


def table(rows, type_="sadc.drift", more=""):
    head = f"type = {type_}\nruns = 1-10\ncolumns = channel, response\nunits = -, -\n{more}\n"
    return parse_tables(head + "\n".join(rows) + "\n")


@given(st.lists(st.integers(2, 4095), min_size=1, max_size=20, unique=True), st.randoms())
def test_rows_of_spills_are_read_as_they_are_written_in_any_order(begins, random):
    firsts = sorted(begins)
    rows = [f"A.0.0 {1.0 + 0.001 * k}".replace("A.0.0", name) for k, name in enumerate(by_spills("A.0.0", firsts))]
    random.shuffle(rows)
    found = steps(table(rows), "response", by_spill=True)["A.0.0"]
    assert found.begins.tolist() == [0, *firsts[1:]]
    assert found.values == pytest.approx(1.0 + 0.001 * np.arange(len(firsts)))


def test_what_says_most_of_a_channel_speaks_for_it_and_nothing_is_one():
    rows = ["ecal@0-3 0.9", "ecal@4- 1.1", "ECAL1.2.2 1.5"]
    found = steps(table(rows), "response", by_spill=True)
    names = [("ECAL1.2.2", "ECAL1", "ecal", "*"), ("ECAL1.2.3", "ECAL1", "ecal", "*"), ("S0.0.0", "S0", "s", "*")]
    assert at(found, names, np.array([1.0, 4.0])).tolist() == [[1.5, 0.9, 1.0], [1.5, 1.1, 1.0]]


def test_spills_are_counted_from_0_or_from_1():
    for first in ("0-3", "1-3"):
        found = steps(table([f"A@{first} 0.9", "A@4- 1.1"]), "response", by_spill=True)["A"]
        assert found.begins.tolist() == [0.0, 4.0]
    with pytest.raises(UserError, match="gap: no row before it and up to 'A@2-'"):
        steps(table(["A@2- 1"]), "response", by_spill=True)


def test_places_cover_the_spill_and_the_end_belongs_to_the_last_one():
    rows = [
        f"{name} {value}" for name, value in zip(by_places("*", [0.0, 0.1, 0.5, 1.0]), (0.9, 0.95, 1.0), strict=True)
    ]
    found = steps(table(rows, "sadc.in_spill"), "response", by_spill=False)
    assert at(found, [("*",)], np.array([0.001, 0.1, 0.49, 1.0]))[:, 0].tolist() == [0.9, 0.95, 0.95, 1.0]


@pytest.mark.parametrize(
    ("rows", "by_spill", "says"),
    [
        (["A@0-3 1", "A@5- 1"], True, "gap: no row behind 'A@0-3' and up to 'A@5-'"),
        (["A@0-3 1", "A@3- 1"], True, "'A@3-' overlaps 'A@0-3'"),
        (["A@0-3 1", "A@4-9 1"], True, "ends early: no row behind 'A@4-9'"),
        (["A@7- 1"], True, "gap: no row before it and up to 'A@7-'"),
        (["A@x 1"], True, "'A@x' names no range of spills"),
        (["A@0.5- 1"], True, "'A@0.5-' names no range of spills"),
        (["A@4-2 1"], True, "ends before it begins"),
        (["A@0-0.5 1", "A@0.6-1 1"], False, "gap: no row behind 'A@0-0.5'"),
        (["A@0-0.5 1"], False, "ends early: no row behind 'A@0-0.5'"),
        (["A@0-1.5 1"], False, "beyond the spill"),
    ],
)
def test_gaps_overlaps_and_slips_are_told_with_their_line(rows, by_spill, says):
    with pytest.raises((UserError, UserErrors), match=says.replace("(", r"\(")) as caught:
        steps(table(rows, "sadc.drift" if by_spill else "sadc.in_spill"), "response", by_spill=by_spill)
    assert "<text>:" in str(caught.value)


def test_two_tables_of_the_same_part_clash_whatever_spills_they_name_and_one_that_overrides_takes_all(tmp_path):
    text = "type = sadc.drift\nruns = 1-10\ncolumns = channel, response\nunits = -, -\n"
    (tmp_path / "a.txt").write_text(f"{text}ecal@0-4 1\necal@5- 1.1\n")
    (tmp_path / "b.txt").write_text(f"{text}ecal@0-7 0.9\necal@8- 0.8\n")
    with pytest.raises((UserError, UserErrors), match="stands in"):
        Conditions.load(tmp_path)
    (tmp_path / "b.txt").write_text(f"{text}override = yes\necal@0-7 0.9\necal@8- 0.8\nsrd 1.2\n")
    found = steps(Conditions.load(tmp_path).for_run(3).tables, "response", by_spill=True)
    assert found["ecal"].values.tolist() == [0.9, 0.8]
    assert found["srd"].values.tolist() == [1.2]
