"""What a tag of constants holds: values with their places, what is missing by name, what moved, channels that look swapped."""

import pytest

from emiss.calib.conditions import Conditions
from emiss.calib.coverage import extent, lacks
from emiss.calib.lookup import history
from emiss.calib.moved import moved, moved_in_all_runs
from emiss.calib.run_ranges import RunRange
from emiss.configs.errors import UserError


def _block(runs, rows, *, extra="", errors=False):
    columns, units = ("gain, gain_error", "MeV, MeV") if errors else ("gain", "MeV")
    lines = [f"type = sadc.gain\nruns = {runs}\ncolumns = channel, {columns}\nunits = -, {units}", extra]
    return "\n".join([*lines, *(f"{name} {text}" for name, text in rows.items())]) + "\n"


def _tag(tmp_path, name, *blocks):
    folder = tmp_path / name
    folder.mkdir()
    for number, text in enumerate(blocks):
        (folder / f"{number}.txt").write_text(text)
    return Conditions.load(folder)


BOTH = {"A.0.0": "1", "A.0.1": "2"}
NEEDS = {"sadc.gain": ["A.0.0", "A.0.1"]}


def _said(tag):
    return [str(error) for error in lacks(tag, NEEDS, RunRange(1, 99))]


def test_what_a_tag_lacks_is_told_by_name_and_with_the_places_beside_it(tmp_path):
    assert _said(_tag(tmp_path, "whole", _block("1-40", BOTH), _block("41-99", BOTH))) == []
    (gap,) = _said(_tag(tmp_path, "gap", _block("1-40", BOTH), _block("51-99", BOTH)))
    assert "gap: no sadc.gain for runs 41-50" in gap
    assert "0.txt:1" in gap
    assert "1.txt:1" in gap
    (late,) = _said(_tag(tmp_path, "late", _block("11-99", BOTH)))
    assert "starts late: no sadc.gain before run 11 (runs 1-10)" in late
    (early,) = _said(_tag(tmp_path, "early", _block("1-90", BOTH)))
    assert "ends early: no sadc.gain behind run 90 (runs 91-99)" in early
    (channel,) = _said(_tag(tmp_path, "channel", _block("1-40", BOTH), _block("41-99", {"A.0.0": "1"})))
    assert "missing channel in runs 41-99: no sadc.gain for A.0.1" in channel
    (stranger,) = _said(_tag(tmp_path, "stranger", _block("1-", {"B.0.0": "1"})))
    assert (
        "missing channels in runs 1-99: no sadc.gain for A.0.0, A.0.1; the table has no channel of the set-up"
        in stranger
    )
    (type_,) = [
        str(error) for error in lacks(_tag(tmp_path, "type", _block("1-", BOTH)), {"sadc.time": ["A"]}, RunRange(1, 9))
    ]
    assert "no table of type sadc.time" in type_


def test_an_overlap_names_both_lines(tmp_path):
    with pytest.raises(UserError, match=r"1\.txt:7.*runs 30-40 stands in .*0\.txt:6 already"):
        _tag(tmp_path, "overlap", _block("1-40", BOTH), "\n" + _block("30-99", BOTH))


def test_a_tag_speaks_of_the_runs_of_all_its_tables(tmp_path):
    assert extent(_tag(tmp_path, "two", _block("5-40", BOTH), _block("51-99", BOTH))) == RunRange(5, 99)


def test_the_history_of_a_channel_has_each_value_with_its_runs_error_and_line(tmp_path):
    tag = _tag(
        tmp_path,
        "history",
        _block("1-40, 61-99", BOTH),
        _block("20-30", {"A.0.1": "3 0.1"}, extra="override = yes", errors=True),
        _block("41-60", {"*": "4"}),
    )
    found = history(tag, "A.0.1", "sadc.gain")
    assert [(str(one.runs), one.value) for one in found] == [
        ("1-19", 0.002), ("20-30", 0.003), ("31-40", 0.002), ("41-60", 0.004), ("61-99", 0.002),
    ]  # fmt: skip
    assert [one.error for one in found] == [None, pytest.approx(1e-4), None, None, None]
    assert str(found[1].at).endswith("1.txt:6")
    assert found[0].payload != found[1].payload
    assert history(tag, "A.0.1") == found


def test_errors_of_values_are_read_and_change_no_value(tmp_path):
    tag = _tag(tmp_path, "errors", _block("1-9", {"A.0.0": "1 0.01"}, errors=True))
    assert tag.for_run(3).get("sadc.gain", ["A.0.0"])["gain"] == pytest.approx([1e-3])
    with pytest.raises(UserError, match=r"gain_error of channel 'A\.0\.0' is -"):
        _tag(tmp_path, "negative", _block("1-9", {"A.0.0": "1 -0.01"}, errors=True))
    with pytest.raises(UserError, match="unknown column 'error'"):
        _tag(tmp_path, "unknown", _block("1-9", {"A.0.0": "1 1"}, errors=True).replace("gain_error", "error"))


def test_what_moved_is_in_sigma_and_swapped_channels_are_named(tmp_path):
    rows = {f"A.0.{k}": f"{1 + 0.1 * k:g} 0.002" for k in range(10)}
    after = {**rows, "A.0.2": rows["A.0.5"], "A.0.5": rows["A.0.2"], "A.0.7": "1.71 0.002"}
    before = _tag(tmp_path, "before", _block("1-", rows, errors=True))
    found = moved(before, _tag(tmp_path, "after", _block("1-", {**after, "B.0.0": "1 1"}, errors=True)), 5)
    by_name = {one.channel: one for one in found}
    assert set(by_name) == {"A.0.2", "A.0.5", "A.0.7", "B.0.0"}
    assert by_name["A.0.7"].sigma == pytest.approx(0.01 / 0.002 / 2**0.5)
    assert by_name["A.0.7"].swapped == ""
    assert (by_name["A.0.2"].swapped, by_name["A.0.5"].swapped) == ("A.0.5", "A.0.2")
    assert by_name["B.0.0"].before is None
    # both have moved, and neither to where the other was
    away = {**rows, "A.0.2": "1.5 0.002", "A.0.5": "1.26 0.002"}
    found = moved(before, _tag(tmp_path, "away", _block("1-", away, errors=True)), 5)
    assert [one.swapped for one in found] == ["", ""]
    assert moved(before, before, 5) == []


def test_what_moved_in_any_run_has_its_runs_and_is_told_once(tmp_path):
    before = _tag(tmp_path, "before", _block("1-40", {"A.0.0": "1", "A.0.1": "2"}), _block("41-99", {"*": "3"}))
    after = _tag(
        tmp_path,
        "after",
        _block("1-99", {"A.0.0": "1", "A.0.1": "2.5"}),
        _block("20-29", {"A.0.1": "2"}, extra="override = yes"),
        _block("30-35", {"A.0.0": "1"}, extra="override = yes"),
    )
    found = moved_in_all_runs(before, after)
    values = {(one.channel, str(one.runs)): (one.before and one.before.value, one.after.value) for one in found}
    assert values == {
        ("A.0.1", "1-19"): pytest.approx((0.002, 0.0025)),
        ("A.0.1", "30-40"): pytest.approx((0.002, 0.0025)),
        ("A.0.0", "41-99"): pytest.approx((0.003, 0.001)),
        ("A.0.1", "41-99"): pytest.approx((0.003, 0.0025)),
    }
    assert moved_in_all_runs(before, before) == []
    (later,) = moved_in_all_runs(
        _tag(tmp_path, "short", _block("1-40", {"A.0.0": "1"})),
        _tag(tmp_path, "long", _block("1-99", {"A.0.0": "1"})),
    )
    assert (later.before, str(later.runs)) == (None, "41-99")
