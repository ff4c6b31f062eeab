"""Channels that no map gives are told at their part."""

from __future__ import annotations

import pytest

from emiss.setups.new import new, wire

ADDED = """
parts:
  extra:
    kind: counter
    elements: {EXTRA0: {z: -0.3 m}, EXTRA1: {z: -0.35 m}}
    mip: 1 MeV
    threshold: 0.3 MeV
    source: a test
"""


@pytest.fixture
def own(tmp_path):
    folder = tmp_path / "own"
    new(folder, "na64e_lfc", "9900-9999")
    return folder


def test_a_part_that_no_map_knows(own, cli):
    file = own / "detector.yaml"
    file.write_text(file.read_text() + ADDED)
    done = cli("check", own)
    assert done.code == 2
    assert f"{file}:7:3: no map of run 9900" in done.err
    assert "gives the channels EXTRA0.0.0, EXTRA1.0.0" in done.err
    wire(str(own), "9900-9999")
    assert cli("check", own).code == 0


def test_a_plane_that_no_map_knows(own, cli):
    file = own / "detector.yaml"
    file.write_text(file.read_text() + "parts: {mm: {stations: {MM1: null, MM9: {z: 5.05 m}}}}\n")
    done = cli("check", own)
    assert done.code == 2
    assert "gives the planes MM9X, MM9Y" in done.err


def test_a_channel_that_the_detector_lacks(own, cli):
    file = own / "detector.yaml"
    file.write_text(file.read_text() + "parts: {s: {elements: {S1: null}}}\n")
    done = cli("check", own)
    assert done.code == 2
    assert "'s.energy' has no element 'S1' (at /trigger/physics)" in done.err
    file.write_text(file.read_text() + "trigger: null\n")
    done = cli("check", own)
    assert done.code == 2
    assert "the detector has no channel 'S1.0.0'" in done.err


def test_a_range_that_is_none(own, cli):
    file = own / "maps" / "S.xml"
    file.write_text(file.read_text().replace("9900-9999", "all"))
    done = cli("check", own)
    assert done.code == 2
    assert "'all' is not a run or a range of runs" in done.err
