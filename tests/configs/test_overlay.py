"""Configs that extend others: what replaces what, and where mistakes are said to stand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emiss.configs import overlay
from emiss.configs.errors import UserError
from emiss.reco.detector.model import load_detector


@pytest.fixture
def extended(detector, tmp_path):
    def make(text):
        file = tmp_path / "detector.yaml"
        file.write_text(text)
        return file

    return make


def test_what_is_said_replaces_the_block(extended, detector):
    file = extended("extends: na64e_lfc\nname: mine\nparts:\n  MBPL: {z: [6 m, 7 m], by: 1 T, source: here}\n")
    mine = load_detector(file)
    magnet = mine.magnets["MBPL"]
    assert (mine.name, magnet.by, magnet.z) == ("mine", 1.0, (6000.0, 7000.0))
    assert mine.parts["ecal"] == detector.parts["ecal"]
    assert mine.file == file
    assert mine.channel_maps_path == detector.channel_maps_path  # none of its own
    assert (mine.wiring(mine.planes[0]) == detector.wiring(detector.planes[0])).all()
    assert set(mine.files) == {file, *detector.files}
    assert str(mine.arms["tracks"].field.integral) == "1000.0"
    assert list(mine.texts) == [str(file), str(detector.file)]


def test_mistakes_stand_in_the_file_that_says_them(extended):
    with pytest.raises(UserError, match=r"unknown key 'spectrometer'.*did you mean 'spectrometers'") as told:
        load_detector(extended("extends: na64e_lfc\nspectrometer: {by: 1 T}\n"))
    assert told.value.at.line == 2
    with pytest.raises(UserError, match=r"unknown key 'magnet'.*; a part stands under 'parts', with its 'kind'"):
        load_detector(extended("extends: na64e_lfc\nmagnet: {by: 1 T}\n"))
    with pytest.raises(UserError, match="either a field 'by' or a 'map'") as told:
        load_detector(extended("extends: na64e_lfc\n\nparts: {MBPL: {by: null}}\n"))
    assert (told.value.at.file, told.value.at.line) == (str(extended("")), 3)
    with pytest.raises(UserError, match=r"'1\.4 GeV' is in GeV") as told:
        load_detector(extended("extends: na64e_lfc\nparts:\n  mm:\n    stations: {MM2: {z: 1.4 GeV}}\n"))
    assert (told.value.at.line, told.value.at.column) == (4, 25)


def test_blocks_are_merged_at_every_depth(extended, detector):
    mine = load_detector(
        extended(
            "extends: na64e_lfc\n"
            "parts:\n"
            "  MBPL: {by: 1.1 T}\n"
            "  ecal: {beam_cell: [1, 2]}\n"
            "  mm:\n"
            "    sigma: 90 um\n"
            "    stations: {MM1: null, MM5: {z: 5.05 m}, MM3: {x: 3 mm}}\n"
        )
    )
    parts = detector.parts
    assert mine.parts["MBPL"] == parts["MBPL"].model_copy(update={"by": 1.1})
    assert mine.parts["ecal"] == parts["ecal"].model_copy(update={"beam_cell": (1, 2)})
    tracker = mine.trackers["mm"]
    assert tracker == parts["mm"].model_copy(update={"sigma": 0.09, "stations": tracker.stations})
    places = {name: (station.z, station.x) for name, station in tracker.stations.items()}
    assert places == {"MM2": (5600.0, 0.0), "MM3": (7950.0, 3.0), "MM4": (8450.0, 0.0), "MM5": (5050.0, 0.0)}
    assert mine.plane_names[:4] == ("MM5X", "MM5Y", "MM2X", "MM2Y")


def test_what_is_not_there_cannot_be_taken_out(extended):
    with pytest.raises(UserError, match=r"parts/mm.*|MM9") as told:
        load_detector(extended("extends: na64e_lfc\nparts:\n  mm: {stations: {MM9: null}}\n"))
    assert told.value.at.line == 3
    with pytest.raises(UserError, match="the key 'period' is missing"):
        load_detector(extended("extends: na64e_lfc\ndigitisers: {msadc: {period: null}}\n"))


trees = st.recursive(
    st.none() | st.text("ab", max_size=2), lambda inner: st.dictionaries(st.sampled_from("xyz"), inner, max_size=3)
)


@given(st.dictionaries(st.sampled_from("xyz"), trees), st.dictionaries(st.sampled_from("xyz"), trees))
def test_merging_is_key_by_key(base, said):
    merged = overlay._merged(base, said)
    assert set(merged) == {k for k in {*base, *said} if not (k in base and k in said and said[k] is None)}
    for key, value in merged.items():
        if key not in said:
            assert value == base[key]
        elif isinstance(value, dict) and isinstance(base.get(key), dict):
            assert value == overlay._merged(base[key], said[key])
        else:
            assert value == said[key]
    assert overlay._merged(base, {}) == base


def test_a_mistake_in_the_base_is_said_to_stand_there(extended, detector, tmp_path):
    base = tmp_path / "base.yaml"
    base.write_text(detector.file.read_text().replace("by: 1.4 T", "by: 1.4 GeV"))
    with pytest.raises(UserError, match=r"base\.yaml:\d+:\d+: '1\.4 GeV' is in GeV"):
        load_detector(extended("extends: base.yaml\nname: mine\n"))


def test_circles_and_names_that_are_not_there(extended):
    with pytest.raises(UserError, match="in a circle"):
        load_detector(extended("extends: detector.yaml\nname: mine\n"))
    with pytest.raises(UserError, match=r"detector\.yaml:1:10: no detector 'na64e_lf'.*did you mean 'na64e_lfc'"):
        load_detector(extended("extends: na64e_lf\n"))
    with pytest.raises(UserError, match="the name of a config to extend"):
        load_detector(extended("extends: [a, b]\nname: mine\n"))


def test_chains(extended, tmp_path):
    (tmp_path / "middle.yaml").write_text("extends: na64e_lfc\nname: middle\nreference: S1\n")
    document, files = overlay.load("detectors", extended("extends: middle.yaml\nname: top\n"))
    assert (document.data["name"], document.data["reference"]) == ("top", "S1")
    assert [file.name for file in files] == ["detector.yaml", "middle.yaml", "detector.yaml"]
