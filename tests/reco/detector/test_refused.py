"""Mistakes in a detector file that extends another one: each is told at its line and column, with what to do."""

from __future__ import annotations

import re

import pytest

from emiss.configs.errors import UserError
from emiss.reco.detector.model import load_detector

DOOR = "\n  door: {kind: counter, elements: {S1: {z: -0.4 m}}, mip: 1 MeV, threshold: 0.3 MeV, source: mine}"
CASES = [
    (
        DOOR.replace("counter", "countr"),
        "4:16: no kind of part 'countr'; did you mean 'counter'? (at /parts/door/kind)",
    ),
    (DOOR.replace("kind: counter, ", ""), "4:9: a part needs a 'kind': one of counter, panels,"),
    (DOOR, "4:40: 2 elements have the name 'S1' (at /parts/door/elements/S1)"),
    (
        DOOR.replace("door", "event").replace("S1", "D"),
        "4:10: 'event' has columns of its own already: take another name",
    ),
    (DOOR.replace("door", "the door"), "4:3: 'the door' is no name: a letter, then letters, digits and '_'"),
    (" {ecal: 5}", "3:15: '5' is no mapping of keys and values (at /parts/ecal)"),
    (" {wcal: null}", "3:15: there is no 'wcal' that null could take out (at /parts/wcal); did you mean"),
    (" {hcal: {elements: {HCAL9: null}}}", "3:34: there is no 'HCAL9' that null could take out"),
    (
        " {hcal: {matter: {irn: 9 mm}}}",
        "1401 mm of matter in a depth of 1392 mm: 1200 mm of iron, 192 mm of scintillator, 9",
    ),
    (" {vhcal: {hole: [1 m, 9 mm]}}", "3:16: a hole of 1000 mm in a width of 480 mm (at /parts/vhcal)"),
    (" {bm: {multiplex: no.txt}}", "3:25: there is no file 'no.txt' beside this one (at /parts/bm/multiplex)"),
    (
        " {MBPLU: {by: null, map: {file: no.txt}}}",
        "3:39: there is no file 'no.txt' beside this one (at /parts/MBPLU/map",
    ),
]


@pytest.mark.parametrize(("parts", "said"), CASES)
def test_what_a_part_cannot_be(tmp_path, parts, said):
    path = tmp_path / "detector.yaml"
    path.write_text(f"extends: na64e_2023\nname: mine\nparts:{parts}\n")
    with pytest.raises(UserError, match=re.escape(said)) as told:
        load_detector(path)
    assert str(told.value).startswith(f"{path}:")


def test_a_board_has_to_be_wired_as_one(tmp_path, cli):
    path = tmp_path / "detector.yaml"
    path.write_text("extends: na64e_2018\nname: mine\ndigitisers: {msadc: {bits: 14}}\n")
    done = cli("check", path)
    assert done.code == 2
    assert "detector.yaml:3:22: 'msadc' has 14 bits; a ChipSADC of" in done.err
    assert "has 12, and gives S0.0.0; `emiss setup wire` makes maps again" in done.err


def test_a_set_up_without_maps_is_said_to_be_so(tmp_path, cli):
    path = tmp_path / "detector.yaml"
    path.write_text("extends: na64e_2018\nname: mine\nmaps: nowhere\n")
    done = cli("check", path)
    assert done.code == 0
    assert "without channel maps (nowhere) it reads simulated hits only" in done.out
