"""Detector files that no track can be found in, or whose strips are not all read: refused with their place."""

from __future__ import annotations

import shutil

import pytest

from emiss.configs.errors import UserError, UserErrors
from emiss.reco.detector.model import load_detector


@pytest.fixture
def setup(detector, tmp_path):
    """Make a copy of the demo set-up with replacements in its file and in its multiplexing table."""

    def make(*changes: tuple[str, str], table=lambda text: text):
        folder = tmp_path / "setup"
        shutil.copytree(detector.folder, folder)
        file = folder / "detector.yaml"
        text = file.read_text()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        file.write_text(text)
        multiplex = folder / "multiplex.txt"
        multiplex.write_text(table(multiplex.read_text()))
        return file

    return make


def line_of(file, text):
    return next(number for number, line in enumerate(file.read_text().splitlines(), 1) if text in line)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("MM2: {z: 5.6 m}", "MM2: {z: 6.5 m}", "MM2 stands inside the magnet MBPL, 5800 to 7800 mm"),
        ("MM2: {z: 5.6 m}", "MM2: {z: 5.8 m}", "MM2 stands inside the magnet MBPL"),
        ("MM2: {z: 5.6 m}", "MM2: {z: 5.1 m}", "MM1 and MM2 stand at one z, 5100 mm"),
        ("MM4: {z: 8.45 m}", "MM4: {z: 7950 mm}", "MM3 and MM4 stand at one z, 7950 mm"),
    ],
)
def test_a_station_in_the_wrong_place(setup, old, new, says):
    file = setup((old, new))
    with pytest.raises(UserError, match=says) as told:
        load_detector(file)
    line = line_of(file, new)
    assert (told.value.at.file, told.value.at.line) == (str(file), line)
    assert told.value.at.column == file.read_text().splitlines()[line - 1].index("z: ") + 4


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ([("MM2: {z: 5.6 m}", ""), ("MM4: {z: 8.45 m}", "")], r"two on one side; here: MM1 before and MM3 behind"),
        (
            [("MM2: {z: 5.6 m}", "MM2: {z: 9 m}"), ("MM1: {z: 5.1 m}", "MM1: {z: 10 m}")],
            r"magnet MBPL \(5800 to 7800 mm\), at least two on one side; here: none before and MM3, MM4, MM2, MM1 behind",
        ),
        (
            [("magnet: MBPL", ""), ("MM2: {z: 5.6 m}", ""), ("MM3: {z: 7.95 m}", "")],
            r"tracks without a magnet need at least three stations, here: 2 \(MM1, MM4\)",
        ),
    ],
)
def test_less_stations_than_tracks_are_made_of(setup, changes, says):
    file = setup(*changes)
    with pytest.raises(UserError, match=says) as told:
        load_detector(file)
    assert told.value.at.line == line_of(file, "trackers: [mm]")


@pytest.mark.parametrize(
    "changes",
    [
        [("MM2: {z: 5.6 m}", "MM2: {z: 5.6 m}\n      MM7: {z: 5.3 m}")],
        [("MM2: {z: 5.6 m}", "")],
        [("MM2: {z: 5.6 m}", "MM2: {z: 9 m}")],
        [("magnet: MBPL", ""), ("MM2: {z: 5.6 m}", "")],
        [("by: 1.4 T", "by: 0 T")],
    ],
)
def test_any_number_of_stations_from_three(setup, changes):
    arm = load_detector(setup(*changes)).arms["tracks"]
    assert 1 <= arm.before < len(arm.planes) // 2


def test_the_spectrometer_upstream_is_checked_too(tmp_path):
    file = tmp_path / "detector.yaml"
    file.write_text("extends: na64e_beam\nparts:\n  bm: {stations: {BM2: {z: -16 m}, BM4: {z: -13.8 m}}}\n")
    with pytest.raises(UserErrors) as told:
        load_detector(file)
    assert [error.at.line for error in told.value.errors] == [3, 3]
    for said in ("BM2 stands inside the magnet MBPLU", "BM3 and BM4 stand at one z"):
        assert said in str(told.value)


def test_both_views_are_needed(setup):
    with pytest.raises(UserError, match="tracks need the views x and y, here: x"):
        load_detector(setup(("      y: {strips: 320, channels: 64}\n", "")))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda text: text.replace("x 7 ", "# x 7 ", 1), "no channel is given for strip 7 of view x"),
        (lambda text: text[: text.index("x 990 ")] + text[text.index("y 0 ") :], "strip 990 and 9 more of view x"),
        (lambda text: text + "x 7 3\n", "strip 7 of view x is given twice"),
        (lambda text: text + "x 1000 3\n", "strip 1000 or channel 3 is outside 1000 strips, 200 channels"),
        (lambda text: text + "X 7 3\n", "with the views x and y"),
        (lambda text: text + "x 7\n", "expected: view strip channel"),
        (lambda text: text + "x 7 3 4\n", "nothing behind it"),
    ],
)
def test_every_strip_is_read_by_one_channel(setup, change, says):
    file = setup(table=change)
    with pytest.raises(UserError, match=says) as told:
        load_detector(file)
    assert told.value.at.file == str(file.parent / "multiplex.txt")
    assert told.value.at.line > 0
    assert told.value.at.column == 1


def test_all_mistakes_at_once(setup):
    file = setup(("MM1: {z: 5.1 m}", "MM1: {z: 6 m}"), table=lambda text: text + "x 7\nx 7 199\n")
    with pytest.raises(UserErrors) as told:
        load_detector(file)
    assert len(told.value.errors) == 3
