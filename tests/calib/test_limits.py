"""Constants that cannot be: refused with file, line and column before a job begins."""

from __future__ import annotations

import pytest

from emiss.calib.conditions import Conditions
from emiss.calib.limits import Limits
from emiss.calib.table_types import TYPES
from emiss.calib.tables import parse_tables
from emiss.configs.errors import UserError, UserErrors
from emiss.configs.units import UNITS


def table(type_: str, row: str, more: str = "", runs: str = "1-10") -> str:
    units = {"GeV": "GeV", "ns": "ns", "mm": "mm", "1": "-"}
    columns = TYPES[type_].columns
    listed = ", ".join(units[str(dimension)] for dimension in columns.values())
    head = f"type = {type_}\nruns = {runs}\ncolumns = channel, {', '.join(columns)}\nunits = -, {listed}\n{more}\n"
    return head + row + "\n"


GOOD = {
    "sadc.pedestal": "150 148 0.6",
    "sadc.gain": "0.001",
    "sadc.time": "100",
    "sadc.resolution": "1.5",
    "sadc.status": "1",
    "sadc.walk": "-1.5 3000",
    "sadc.drift": "0.97",
    "sadc.led": "3000",
    "sadc.in_spill": "1.02",
    "sadc.template": "100 -30 1.9" + 255 * " 0.5" + " 1",
    "hcal.mip": "2.5",
    "apv.gain": "1.02 5",
    "apv.status": "2",
    "apv.time": "3.8 1.29 20.1",
    "tdc.time": "400",
    "tdc.status": "2",
    "tracker.alignment": "-0.07 0.005 -3",
    "magnet.field": "-1.01",
}


def test_every_column_of_every_type_has_limits():
    assert {name: set(kind.limits) for name, kind in TYPES.items()} == {n: set(k.columns) for n, k in TYPES.items()}
    assert set(GOOD) == set(TYPES)
    for type_, values in GOOD.items():
        assert parse_tables(table(type_, f"A {values}"))


@pytest.mark.parametrize(
    ("type_", "row", "column", "says"),
    [
        ("sadc.pedestal", "A 1e6 148 0.6", 3, "even of channel 'A' is 1e+06, but must be 0 to 65535"),
        ("sadc.pedestal", "A 150 -1 0.6", 7, "odd of channel 'A' is -1, but must be 0 to 65535"),
        ("sadc.pedestal", "A 150 150 0", 11, "sigma of channel 'A' is 0, but must be above 0 and at most 65535"),
        ("sadc.pedestal", "A 0.6 0.6 -0.6", 11, "sigma of channel 'A' is -0.6"),
        ("sadc.gain", "A 0", 3, "gain of channel 'A' is 0 GeV, but must be above 0 and at most 1000 GeV"),
        ("sadc.gain", "A -0.001", 3, "gain of channel 'A' is -0.001 GeV"),
        ("sadc.gain", "A 1e400", 3, "'1e400' is no finite number"),
        ("sadc.gain", "A nan", 3, "'nan' is no finite number"),
        ("sadc.time", "A 1e9", 3, "offset of channel 'A' is 1e+09 ns"),
        ("sadc.resolution", "A 0", 3, "sigma of channel 'A' is 0 ns, but must be above 0 and at most 100000 ns"),
        ("hcal.mip", "A 0", 3, "scale of channel 'A' is 0 GeV"),
        ("apv.gain", "A 0 5", 3, "gain of channel 'A' is 0"),
        ("apv.gain", "A 1 0", 5, "noise of channel 'A' is 0"),
        ("apv.status", "A 7", 3, "status of channel 'A' is 7, but must be 0 or 1 or 2"),
        ("apv.status", "A 0.5", 3, "status of channel 'A' is 0.5, but must be 0 or 1 or 2"),
        ("tdc.time", "A 1e9", 3, "t0 of channel 'A' is 1e+09 ns, but must be -1e+07 to 1e+07 ns"),
        ("tdc.status", "A 3", 3, "status of channel 'A' is 3, but must be 0 or 1 or 2"),
        ("apv.time", "A 4 0 20", 5, "r0 of channel 'A' is 0"),
        ("apv.time", "A 4 1.3 0", 9, "a0 of channel 'A' is 0 ns"),
        ("tracker.alignment", "A 70000 0 0", 3, "shift of channel 'A' is 70000 mm"),
        ("tracker.alignment", "A 0 5 0", 5, "rotation of channel 'A' is 5, but must be -0.1 to 0.1"),
        ("tracker.alignment", "A 0 0 200", 7, "z of channel 'A' is 200 mm, but must be -100 to 100 mm"),
        ("magnet.field", "A 11", 3, "scale of channel 'A' is 11, but must be -10 to 10"),
    ],
)
def test_a_constant_that_cannot_be_is_refused_at_its_place(type_, row, column, says):
    with pytest.raises(UserError) as raised:
        parse_tables(table(type_, row), "t.txt")
    assert raised.value.message.startswith(says)
    assert str(raised.value.at) == f"t.txt:6:{column}"


def test_limits_are_in_base_units_whatever_the_table_is_in():
    assert "GeV" in UNITS
    text = table("sadc.gain", "A {}").replace("-, GeV", "-, TeV")
    assert parse_tables(text.format(0.9))[0].rows["A"] == (900.0,)
    with pytest.raises(UserError, match=r"gain of channel 'A' is 1100 GeV"):
        parse_tables(text.format(1.1))


def test_many_wrong_rows_are_counted():
    rows = "\n".join(f"C{n} 0" for n in range(40))
    with pytest.raises(UserErrors) as raised:
        parse_tables(table("sadc.gain", rows), "t.txt")
    assert [str(error.at) for error in raised.value.errors[:2]] == ["t.txt:6:4", "t.txt:7:4"]
    assert raised.value.errors[-1].message == "and 35 more of the rows of this block"
    assert len(raised.value.errors) == 6


def test_the_ends_of_a_range_are_in_unless_it_is_open():
    closed, opened, whole = Limits(0.0, 2.0), Limits(0.0, 2.0, open=True), Limits(0.0, 2.0, whole=True)
    assert [closed.refuse(x, "1") is None for x in (-1e-9, 0.0, 2.0, 2.1)] == [False, True, True, False]
    assert [opened.refuse(x, "1") is None for x in (0.0, 1e-9, 2.0)] == [False, True, True]
    assert [whole.refuse(x, "1") is None for x in (0.0, 1.0, 2.0, 1.5, 3.0)] == [True, True, True, False, False]


def tag(tmp_path, *texts: str) -> Conditions:
    for number, text in enumerate(texts):
        (tmp_path / f"t{number}.txt").write_text(text)
    return Conditions.load(tmp_path)


def test_two_blocks_that_override_the_same_value_clash(tmp_path):
    base, yes = table("sadc.gain", "A 1\nB 2"), "override = yes"
    with pytest.raises(UserError, match=r"t2\.txt:6: .*'A' in runs 3-10 stands in .*t1\.txt:6 .*both override"):
        tag(tmp_path, base, table("sadc.gain", "A 3", yes), table("sadc.gain", "A 4", yes, runs="3-20"))
    good = tag(tmp_path, base, table("sadc.gain", "A 3", yes), table("sadc.gain", "B 4", yes))
    assert good.for_run(5).get("sadc.gain", ["A", "B"])["gain"].tolist() == [3.0, 4.0]


@pytest.mark.parametrize("order", [0, 1])
def test_a_block_that_overrides_may_stand_before_or_after(tmp_path, order):
    texts = [table("sadc.gain", "A 1"), table("sadc.gain", "A 3", "override = yes")]
    conditions = tag(tmp_path, *(texts if order else texts[::-1]))
    assert conditions.for_run(5).get("sadc.gain", ["A"])["gain"].tolist() == [3.0]


def test_a_block_that_overrides_nothing_is_a_slip(tmp_path):
    base = table("sadc.gain", "ECAL1.0.0 1\nECAL1.0.1 1")
    with pytest.raises(UserError, match=r"t1\.txt:6: 'ECAL1\.0\.O' overrides nothing; did you mean 'ECAL1\.0\.[01]'"):
        tag(tmp_path, base, table("sadc.gain", "ECAL1.0.O 3", "override = yes"))
    with pytest.raises(UserError, match=r"'ECAL1\.0\.0' overrides nothing; no other block"):
        tag(tmp_path, base, table("sadc.gain", "ECAL1.0.0 3", "override = yes", runs="20-30"))


def test_a_channel_that_the_detector_does_not_have_hides_behind_no_default(tmp_path):
    needs = {"sadc.gain": ["ECAL1.0.0", "ECAL1.0.1"], "sadc.time": ["ECAL1.0.0", "ECAL1.0.1"]}
    times = table("sadc.time", "ECAL1.0.0 1\nECAL1.0.1 1\nBM1X.3 5")
    own = table("sadc.gain", "* 2") + table("sadc.gain", "ECAL1.0.O 3", "override = yes")
    with pytest.raises(UserError, match=r"the detector has no channel 'ECAL1\.0\.O'; did you mean 'ECAL1\.0\.[01]'"):
        tag(tmp_path, own, times).check([5], needs)
    with pytest.raises(UserError, match=r"t0\.txt:7: the detector has no channel 'EACL1\.0\.0'"):
        tag(tmp_path, table("sadc.gain", "* 2\nEACL1.0.0 3"), times).check([5], needs)
    # the part of another set-up that shares the tag
    tag(tmp_path, table("sadc.gain", "* 2\nBM1X.3 3"), times).check([5], needs)
