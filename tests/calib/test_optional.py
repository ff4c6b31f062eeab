"""Columns that a table may leave out: the default holds, and is shown, and nothing else is different."""

import pytest

from emiss.calib.conditions import Conditions
from emiss.calib.coverage import lacks
from emiss.calib.lookup import constants, history
from emiss.calib.moved import moved
from emiss.calib.run_ranges import RunRange
from emiss.calib.table_types import TYPES
from emiss.calib.tables import parse_tables
from emiss.configs.errors import UserError

OLD = "type = tracker.alignment\nruns = 1-\ncolumns = channel, shift\nunits = -, um\nA 100\nB 200\n"
NEW = "type = tracker.alignment\nruns = {runs}\ncolumns = channel, shift, rotation, z\nunits = -, um, mrad, mm\n{more}\n{rows}"


def tag(folder, *texts):
    folder.mkdir()
    for number, text in enumerate(texts):
        (folder / f"t{number}.txt").write_text(text)
    return Conditions.load(folder)


def test_old_tables_have_the_defaults(tmp_path):
    old = tag(tmp_path / "old", OLD)
    found = old.for_run(5).get("tracker.alignment", ["B", "A"])
    assert {name: values.tolist() for name, values in found.items()} == {
        "shift": [0.2, 0.1],
        "rotation": [0.0, 0.0],
        "z": [0.0, 0.0],
    }
    assert not list(lacks(old, {"tracker.alignment": ["A", "B"]}, RunRange(1, 9)))
    shown = list(constants(old.tables, "tracker.alignment", ["A"], RunRange(5, 5)))
    assert [(one.column, one.value, one.at.line) for one in shown] == [
        ("shift", 0.1, 5),
        ("rotation", 0.0, 5),
        ("z", 0.0, 5),
    ]
    with pytest.raises(UserError, match=r"no tracker\.alignment shift for channel 'C'"):
        old.for_run(5).get("tracker.alignment", ["C"])
    (missing,) = lacks(old, {"tracker.alignment": ["A", "C"]}, RunRange(1, 9))
    assert "no tracker.alignment for C" in str(missing)


def test_a_table_that_overrides_shifts_alone_leaves_rotations(tmp_path):
    both = tag(
        tmp_path / "both",
        NEW.format(runs="1-", more="", rows="A 100 5 2\n"),
        OLD.replace("B 200\n", "").replace("100", "150").replace("units", "override = yes\nunits"),
    )
    found = both.for_run(5).get("tracker.alignment", ["A"])
    assert [float(values[0]) for values in found.values()] == pytest.approx([0.15, 0.005, 2.0])


def test_what_moved_between_an_old_and_a_new_table(tmp_path):
    old = tag(tmp_path / "old", OLD)
    new = tag(tmp_path / "new", NEW.format(runs="1-", more="", rows="A 100 5 0\nB 200 0 0\n"))
    (one,) = moved(old, new, 5)
    assert (one.channel, one.column, one.before.value, one.after.value) == ("A", "rotation", 0.0, pytest.approx(0.005))
    assert [(one.column, str(one.runs)) for one in history(new, "A")] == [
        ("shift", "1-"),
        ("rotation", "1-"),
        ("z", "1-"),
    ]


def test_units_of_rotations_are_angles():
    with pytest.raises(UserError, match="'rotation' is in 1, not in mm"):
        parse_tables(NEW.format(runs="1-", more="", rows="A 1 1 1\n").replace("mrad", "mm"))
    assert TYPES["tracker.alignment"].required == ("shift",)
    assert TYPES["sadc.pedestal"].required == ("even", "odd", "sigma")
