"""``emiss calib snapshot``, ``convert`` and the plots of ``history`` and ``diff``, as they are typed."""

import json
from pathlib import Path

import pytest

from emiss.calib.conditions import Conditions

MAP = 'format: sdc\nfiles: [theirs]\ntypes: {C: {channel: "{name}", gives: {sadc.gain: {gain: k MeV}}}}\n'
THEIRS = "type=C\nruns=5-...\ncolumns=name,k\nA.0.0 1.5\nA.0.1 2.5\nruns=9\nA.0.1 1.5*2\ntype=D\nx y\n"


@pytest.fixture
def theirs(tmp_path, monkeypatch):
    """A map beside a folder with tables in a folder of it."""
    (tmp_path / "theirs" / "deep").mkdir(parents=True)
    (tmp_path / "theirs" / "deep" / "gains.txt").write_text(THEIRS)
    (tmp_path / "map.yaml").write_text(MAP)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_tag_is_frozen_and_named_by_its_hash(cli, theirs):
    done = cli("calib", "snapshot", "map.yaml", "--json")
    assert done.code == 0, done.err
    said = json.loads(done.out)
    assert said["snapshot"] == f"map-{said['sha256'][:12]}"
    assert set(said["files"]) == {"calib.yaml", "theirs/deep/gains.txt"}
    assert (
        cli("calib", "snapshot", "map.yaml").out == f"{said['snapshot']}: snapshot {said['sha256'][:12]} of 2 files\n"
    )
    frozen = cli("calib", "history", "A.0.1", "--calib", said["sha256"][:8], "--json")
    assert [one["value"] for one in json.loads(frozen.out)] == pytest.approx([2.5e-3, 3e-3, 2.5e-3])
    into = cli("calib", "derive", "mip", "x.dat", "--out", f"{said['snapshot']}/new.txt")
    assert (into.code, "the folder is a snapshot" in into.err) == (2, True)
    (Path(said["snapshot"]) / "theirs/deep/gains.txt").chmod(0o644)
    (Path(said["snapshot"]) / "theirs/deep/gains.txt").write_text(THEIRS + "\n")
    done = cli("calib", "history", "A.0.1", "--calib", said["snapshot"])
    assert done.code == 2
    assert "gains.txt: is not as it was when the snapshot was taken" in done.err


def test_files_of_other_folders_are_converted_and_not_frozen(cli, theirs):
    (theirs / "below").mkdir()
    (theirs / "below" / "map.yaml").write_text(MAP.replace("[theirs]", "[../theirs]"))
    done = cli("calib", "snapshot", "below/map.yaml")
    assert done.code == 2
    assert "'emiss calib convert' makes tables" in done.err
    done = cli("calib", "convert", "below/map.yaml", "--out", "ours")
    assert done.code == 0
    assert done.out == "ours: 2 tables of 1 types from 2 blocks\n"
    assert "type 'D' is not read" in done.err
    assert Conditions.load("ours").for_run(9).get("sadc.gain", ["A.0.1"])["gain"] == pytest.approx([3e-3])
    assert "is there already" in cli("calib", "convert", "below/map.yaml", "--out", "ours").err


@pytest.mark.parametrize("suffix", ["png", "html"])
def test_plots_are_drawn(cli, theirs, suffix):
    plot = theirs / "plots" / f"h.{suffix}"
    assert cli("calib", "history", "A.0.1", "--calib", "map.yaml", "--plot", plot).code == 0
    assert plot.stat().st_size > 2000
    if suffix == "html":
        assert "deep/gains.txt:5" in plot.read_text()
        assert "<svg" in plot.read_text()


def test_what_moved_is_drawn_and_other_formats_are_refused(cli, theirs):
    wanted = ("calib", "diff", "map.yaml", "map.yaml", "--run", 8, "--other-run", 9)
    done = cli(*wanted, "--plot", theirs / "moved.svg")
    assert done.code == 0
    assert "moved.svg" in done.out
    assert "A.0.1 sadc.gain gain" in (theirs / "moved.svg").read_text()
    assert json.loads(cli(*wanted, "--plot", theirs / "m.png", "--json").out)["written"] == [str(theirs / "m.png")]
    done = cli(*wanted, "--plot", "moved.gif")
    assert (done.code, "not '.gif'" in done.err) == (2, True)
