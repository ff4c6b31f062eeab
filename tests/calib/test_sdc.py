"""Tables in the grammar of self-descriptive calibrations: inheritance, open ranges, partial later blocks, places, mistakes."""

import pytest

from emiss.calib import sdc
from emiss.calib.conditions import Conditions
from emiss.calib.flatten import flattened
from emiss.calib.run_ranges import OPEN, RunRange
from emiss.configs.errors import UserError

MAP = """\
format: sdc
types:
  cells:
    channel: "{name}.{x}.{y}"
    gives:
      sadc.pedestal: {even: p0 -, odd: p1 -, sigma: noise -}
      sadc.gain: {gain: factor MeV}
  Foo:
    channel: "D{one}"
    gives:
      sadc.gain: {gain: thee MeV, gain_error: four MeV}
ignored: [LED]
"""

MAIN = """\
# made up, in the shape of the public examples
type=cells
someFactor = 12       # metadata of theirs that says nothing here
runs = 1-10
columns= name, x, y, p0, p1, noise, factor
ECAL0 0 0   100  101   0.5   1e-1*2
ECAL0\t0 1   110  111   0.6   0.3     more words
runs=5
columns=name,x,y,factor
ECAL0 0 1   0.4

runs=7-...
type=cells
ECAL0 0 0   nan
ECAL0 0 1   0.5
type=LED
ECAL0 1 1 1
type=Other
columns=a
1
"""


def _tag(tmp_path, files=None, text=MAP):
    (tmp_path / "calib.yaml").write_text(text)
    for name, content in (files or {"main.txt": MAIN}).items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    return tmp_path


def _gain(tag, run, names=("ECAL0.0.0", "ECAL0.0.1")):
    return [1e3 * value for value in tag.for_run(run).get("sadc.gain", names)["gain"]]


def test_later_blocks_replace_values_channel_by_channel_and_column_by_column(tmp_path):
    tag = Conditions.load(_tag(tmp_path))
    assert _gain(tag, 1) == pytest.approx([0.2, 0.3])
    assert _gain(tag, 5) == pytest.approx([0.2, 0.4])
    assert _gain(tag, 6) == pytest.approx([0.2, 0.3])
    assert _gain(tag, 7) == pytest.approx([0.2, 0.5])  # nan gives nothing
    assert tag.for_run(9).get("sadc.pedestal", ["ECAL0.0.1"])["sigma"].tolist() == [0.6]
    assert _gain(tag, 10**6, ["ECAL0.0.1"]) == pytest.approx([0.5])
    assert str(tag.for_run(8).location("sadc.gain", "ECAL0.0.1")).endswith("main.txt:15")
    with pytest.raises(UserError, match=r"run 11: no sadc\.gain gain for channel 'ECAL0\.0\.0'"):
        _gain(tag, 11)


def test_types_that_are_not_read_are_counted_and_said(tmp_path):
    (remark,) = Conditions.load(_tag(tmp_path)).remarks
    assert "type 'Other' is not read" in remark
    assert "1 blocks, 1 rows" in remark


def test_blocks_of_the_librarys_own_example_are_found(tmp_path):
    blocks = sdc.parse(
        "# one\nruns = 1-235\ntype = Foo\ncolumns = one, thee, four\n1 456 72\n2 123 45\n\nruns = 64-242\n2 45 78\n"
        "\nruns = 123-...\n3 101 10\n6 123 45\n"
    )
    assert [(one.type, one.runs, one.line, len(one.rows)) for one in blocks] == [
        ("Foo", RunRange(1, 235), 3, 2), ("Foo", RunRange(64, 242), 8, 1), ("Foo", RunRange(123, OPEN), 11, 2),
    ]  # fmt: skip
    assert {one.columns for one in blocks} == {("one", "thee", "four")}


def test_files_come_in_alphabetical_order_and_what_depends_on_the_release_is_said(tmp_path):
    head = "type=Foo\ncolumns=one,thee,four\n"
    files = {"b/late.txt": f"{head}runs=1-9\n1 3 0.3\n", "a.txt": f"{head}runs=2-...\n1 2 0.2\n"}
    tag = Conditions.load(_tag(tmp_path, files))
    assert _gain(tag, 5, ["D1"]) == pytest.approx([3.0])
    assert _gain(tag, 10, ["D1"]) == pytest.approx([2.0])
    (remark,) = tag.remarks
    assert "late.txt:4" in remark
    assert "a.txt:4" in remark


def test_what_is_converted_holds_the_same(tmp_path):
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    tag = Conditions.load(_tag(theirs))
    ours = tmp_path / "ours"
    ours.mkdir()
    for name, text in flattened(tag):
        (ours / name).write_text(text)
    made = Conditions.load(ours)
    for run in (1, 4, 5, 6, 7, 10):
        assert _gain(made, run) == _gain(tag, run)
        names = ["ECAL0.0.0", "ECAL0.0.1"]
        both = [one.for_run(run).get("sadc.pedestal", names)["even"].tolist() for one in (made, tag)]
        assert both[0] == both[1]
    assert _gain(made, 12, ["ECAL0.0.1"]) == _gain(tag, 12, ["ECAL0.0.1"])


def test_the_order_of_blocks_is_part_of_the_ids(tmp_path):
    head = "type=Foo\ncolumns=one,thee\nruns=1-9\n"
    ids = []
    for name, (first, second) in {"ab": (1, 2), "ba": (2, 1)}.items():
        (tmp_path / name).mkdir()
        tag = Conditions.load(_tag(tmp_path / name, {"a.txt": f"{head}1 {first}\n", "b.txt": f"{head}1 {second}\n"}))
        ids.append(tag.for_run(3).payloads)
    assert ids[0] != ids[1]


def test_a_map_may_name_files_elsewhere_and_a_map_that_ships(tmp_path):
    (tmp_path / "cvmfs").mkdir()
    (tmp_path / "cvmfs" / "x.txt").write_text("type=magnet.field\nruns=3-...\ncolumns=channel,scale\nMBPL 0.98\n")
    (tmp_path / "my.yaml").write_text("format: sdc\nmap: sdc\nfiles: [cvmfs]\nchannels: {MBPL: MAG1}\n")
    tag = Conditions.load(tmp_path / "my.yaml")
    assert tag.for_run(5).get("magnet.field", ["MAG1"])["scale"].tolist() == [0.98]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("runs = 1-10", "", r"main\.txt:6: a row before any 'runs=' line"),
        ("runs = 1-10", "runs = ...-10", "open to the left"),
        ("runs = 1-10", "runs = 10-1", r"main\.txt:4:8: the range '10-1' ends before it begins"),
        ("runs = 1-10", "runs = 1-x", "is no run or range of runs"),
        ("type=cells\nsome", "some", r"main\.txt:5: a row before any 'type=' line"),
        ("columns= name, x, y, p0, p1, noise, factor", "columns=", "a row before any 'columns=' line"),
        ("0.5   1e-1*2", "0.5", r"main\.txt:6:1: 6 words for 7 columns"),
        ("1e-1*2", "1e-1*x", r"main\.txt:6:30: '1e-1\*x' is no finite number"),
        ("1e-1*2", "1/0", "is no finite number"),
        ("1e-1*2", "-3", r"sadc\.gain gain of channel 'ECAL0\.0\.0' is -0\.003 GeV"),
        ("0 1   110", "0 0   110", r"main\.txt:7: 'ECAL0\.0\.0' stands at line 6 of this block already"),
        ("name, x, y, p0", "name, x, z, p0", "lacks a column of which the map makes the channel"),
    ],
)
def test_mistakes_have_their_place(tmp_path, old, new, said):
    with pytest.raises(UserError, match=said):
        Conditions.load(_tag(tmp_path, {"main.txt": MAIN.replace(old, new, 1)}))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("sadc.gain: {gain: factor MeV}", "sadc.gian: {gain: factor MeV}", "unknown type 'sadc.gian'"),
        ("gain: factor MeV", "gian: factor MeV", "unknown column 'gian'"),
        ("gain: factor MeV", "gain: factor ns", "is in GeV, not in ns"),
        ("gain: factor MeV", "gain: factor", "is no column with its unit"),
        ("format: sdc", "format: sdk", r"calib\.yaml:1"),
        ("ignored: [LED]", "files: [nowhere]", "no file of constants is in 'nowhere'"),
        (
            "{name}.{x}.{y}",
            "{name.__class__.__mro__}",
            r"calib\.yaml:4:\d+: no template: between braces .*'name\.__class__",
        ),
        ("{name}.{x}.{y}", "{name:>300000000}", "name of a column, not 'name:>300000000'"),
        ("{name}.{x}.{y}", "{name!r}", "name of a column, not 'name!r'"),
        ("{name}.{x}.{y}", "{name", "no template: expected '}'"),
    ],
)
def test_mistakes_of_a_map_have_their_place(tmp_path, old, new, said):
    with pytest.raises(UserError, match=said):
        Conditions.load(_tag(tmp_path, text=MAP.replace(old, new, 1)))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.5e3", 1500.0),
        ("2*(3+1)/4", 2.0),
        ("-1.5", -1.5),
        ("+.5", 0.5),
        ("9**9**9", None),
        ("1_0", None),
        ("x", None),
    ],
)
def test_numbers_may_be_arithmetic(text, value):
    assert sdc.number_of(text) == value
