"""Files of tables that are damaged in any way: they are read, or a message says what is wrong; nothing else happens."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emiss.calib import sdc
from emiss.calib.conditions import Conditions
from emiss.calib.tables import parse_tables, text_of
from emiss.configs.errors import UserError

GOOD = """\
# gains
type = sadc.gain
runs = 1-40, 61-
columns = channel, gain, gain_error
units = -, MeV, MeV
source = somewhere
from = electrons, run 7

A.0.0   1.5   0.01
A.0.1\t2e0, 0.02   # a comment
*       1     0.1
"""
THEIRS = "type=cells\nruns=1-40\ncolumns=name,x,factor\nECAL 0 1.5\nECAL 1 2*3\nruns=7-...\nECAL 1 nan\n"


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_ends_of_lines_and_a_mark_of_the_byte_order_change_nothing(tmp_path, ends, bom):
    path = tmp_path / "gains.txt"
    path.write_bytes((bom + GOOD.replace("\n", ends)).encode())
    (table,) = Conditions.load(path).tables
    assert table.rows == parse_tables(GOOD)[0].rows
    assert table.lines == {"A.0.0": 9, "A.0.1": 10, "*": 11}


def _mutated():
    """Return a strategy of good texts with some characters replaced, put in or cut off."""
    characters = st.one_of(
        st.sampled_from(list("=,#*-.\t\r\n\x0b\x85\u2028\x00 eE+naNif٣½1")), st.characters(codec="utf-8")
    )
    edits = st.lists(st.tuples(st.integers(0, 300), st.integers(0, 30), st.text(characters, max_size=8)), max_size=4)

    def edited(base, changes, end):
        text = base
        for at, less, more in changes:
            text = text[:at] + more + text[at + less :]
        return text[: end % (len(text) + 1)] if end % 3 == 0 else text

    return st.builds(edited, st.sampled_from([GOOD, THEIRS, ""]), edits, st.integers(0, 10_000))


def _read(what):
    """Return what is read; nothing, where a message says the place of what is wrong."""
    try:
        return what()
    except UserError as error:
        wrong = error
    assert str(wrong).startswith("x.txt")
    assert wrong.render()
    return []


@given(_mutated())
def test_a_damaged_text_is_read_or_refused_with_its_place(text):
    for table in _read(lambda: parse_tables(text, "x.txt")):
        assert all(math.isfinite(value) for row in table.rows.values() for value in row)
        assert table.rows.keys() == table.lines.keys()


@given(_mutated())
def test_a_damaged_text_of_theirs_is_read_or_refused_with_its_place(text):
    for block in _read(lambda: sdc.parse(text, "x.txt")):
        for _, words, _ in block.rows:
            assert len(words) >= len(block.columns)
            assert all((value := sdc.number_of(word)) is None or isinstance(value, float) for word in words)


@given(st.binary(max_size=200))
def test_bytes_are_text_or_refused(tmp_path_factory, content):
    _read(lambda: parse_tables(text_of(content, Path("x.txt")), "x.txt"))


def _dir(path):
    path.mkdir()


def _loop(path):
    path.symlink_to(path.name)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path.write_text(""), None),
        (lambda path: path.write_text("# nothing\n"), None),
        (lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n\x00"), "no text"),
        (lambda path: path.write_bytes(GOOD.encode("utf-16")), "no text"),
        (lambda path: path.write_text(GOOD + "\x00"), "null characters"),
        (_dir, "directory"),
        (_loop, "cannot be read: "),
        (lambda path: path.symlink_to("nowhere.txt"), "cannot be read: No such file"),
        (lambda path: path.write_text(GOOD.replace("1.5", "9" * 400)), "is no finite number"),
        (lambda path: path.write_text(GOOD.replace("1.5", "1_5")), "is no finite number"),
        (lambda path: path.write_text(GOOD.replace("1-40", "9" * 5000)), "is no run or range of runs"),
        (lambda path: path.write_text(GOOD.replace("1-40", "٣-٩")), "is no run or range of runs"),
        (lambda path: path.write_text(GOOD[: GOOD.index("0.02")]), "has 1 values for 2 columns"),
        (lambda path: path.write_text(GOOD + ",\n"), "a row without a channel"),
        (lambda path: path.write_text("A 1 2 3\n" * 3), "a row before any 'type = ...' line"),
    ],
)
def test_files_that_are_none_are_refused_by_name(tmp_path, make, said):
    (tmp_path / "good.txt").write_text(GOOD)
    make(tmp_path / "bad.txt")
    if said is None:
        assert len(Conditions.load(tmp_path).tables) == 1
        return
    with pytest.raises(UserError, match=said) as told:
        Conditions.load(tmp_path)
    assert "bad.txt" in str(told.value)


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    with (tmp_path / "huge.txt").open("wb") as file:
        file.truncate(10**11)  # sparse
    with pytest.raises(UserError, match="more than 64 MB are refused"):
        Conditions.load(tmp_path)
