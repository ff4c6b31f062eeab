"""Simulated run files: what is written is read back, in any batches; what does not fit is a message that names the file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import uproot

from emiss import reco
from emiss.configs.errors import UserError
from emiss.events.batch import Batch
from emiss.events.files.identity import checksum, number_of
from emiss.events.lists import Lists, offsets_of
from emiss.reco.detector.model import load_detector
from emiss.reco.readers.simulated import HitsWriter, SimulatedRunFile


def batch(detector, *, size=50, first=0, run=6101, seed=1, channels=None, planes=None):
    rng = np.random.default_rng(seed)
    cells, points = rng.integers(0, 9, size), rng.integers(0, 5, size)
    header = {
        "entry": np.arange(first, first + size),
        "run": np.full(size, run),
        "spill": np.ones(size),
        "in_spill": np.arange(size),
        "in_run": np.arange(size),
        "time": np.full(size, 1_700_000_000),
        "trigger": np.full(size, 9),
        "type": np.full(size, 7),
        "quality": np.zeros(size),
        "spill_position": np.linspace(0, 1, size),
        "weight": np.full(size, 0.5),
    }
    n, m = int(cells.sum()), int(points.sum())
    cell = {
        "channel": rng.integers(0, channels or len(detector.channels), n),
        "energy": rng.exponential(1.0, n),
        "time": rng.normal(size=n),
    }
    point = {
        "plane": rng.integers(0, planes or len(detector.planes), m),
        "position": rng.normal(size=m),
        "charge": rng.exponential(400.0, m),
        "time": rng.normal(size=m),
    }
    return Batch(
        run=run,
        entries=(first, first + size),
        header=header,
        cells=Lists(offsets_of(cells), cell),
        points=Lists(offsets_of(points), point),
        truth={"e_mu": rng.uniform(20, 80, size)},
    )


def write(path, batches, detector, **changes):
    metadata = {
        "detector": detector.name,
        "channels": list(detector.channels),
        "planes": list(detector.plane_names),
        "truth": {"e_mu": {"type": "f8", "unit": "GeV", "meaning": "energy of the muon"}},
        "on_target": 1e6,
    }
    with HitsWriter(path) as writer:
        for each in batches:
            writer.extend(each)
        writer.finish({**metadata, **changes})
    return path


def assert_same(got: Batch, want: Batch) -> None:
    for name, values in want.header.items():
        if name != "entry":
            np.testing.assert_array_equal(got.header[name], values, err_msg=name)
    for one, other in ((got.cells, want.cells), (got.points, want.points)):
        np.testing.assert_array_equal(one.offsets, other.offsets)
        for name, values in other.columns.items():
            np.testing.assert_array_equal(one[name], values, err_msg=name)
    np.testing.assert_array_equal(got.truth["e_mu"], want.truth["e_mu"])


def test_what_is_written_is_read(tmp_path, detector):
    parts = [batch(detector), batch(detector, seed=2)]
    file = SimulatedRunFile(write(tmp_path / "a.root", parts, detector), detector)
    file.check()
    assert len(file.index()) == 100
    assert file.index().runs() == [6101]
    assert file.on_target == 1e6
    assert file.truth["truth.e_mu"].unit == "GeV"
    for got, want in zip(file.batches(size=50), parts, strict=True):
        assert_same(got, want)
        got.ledger.check()


def test_a_batch_never_spans_two_runs(tmp_path, detector):
    parts = [batch(detector, run=6101), batch(detector, run=6102, seed=2), batch(detector, run=6101, seed=3)]
    file = SimulatedRunFile(write(tmp_path / "a.root", parts, detector), detector)
    spans = [(each.run, each.entries) for each in file.batches(10, 140, size=40)]
    assert spans == [(6101, (10, 50)), (6102, (50, 90)), (6102, (90, 100)), (6101, (100, 140))]


def test_an_empty_range_gives_one_empty_batch(tmp_path, detector):
    file = SimulatedRunFile(write(tmp_path / "a.root", [batch(detector)], detector), detector)
    (got,) = file.batches(20, 20)
    assert len(got) == 0
    assert got.ledger.read == 0


def test_channels_go_by_name_not_by_number(tmp_path, detector):
    channels, planes = list(reversed(detector.channels)), list(reversed(detector.plane_names))
    want = batch(detector)
    path = write(tmp_path / "a.root", [want], detector, channels=channels, planes=planes)
    (got,) = SimulatedRunFile(path, detector).batches()
    assert [channels[i] for i in want.cells["channel"]] == [detector.channels[i] for i in got.cells["channel"]]
    assert [planes[i] for i in want.points["plane"]] == [detector.plane_names[i] for i in got.points["plane"]]


def test_names_and_numbers_that_do_not_fit(tmp_path, detector):
    path = write(tmp_path / "a.root", [batch(detector)], detector, channels=["ECAL1.9.9", *detector.channels])
    with pytest.raises(UserError, match=r"a\.root: .*no channel 'ECAL1\.9\.9'.*did you mean"):
        SimulatedRunFile(path, detector).check()
    short = list(detector.channels)[:20]
    path = write(tmp_path / "b.root", [batch(detector)], detector, channels=short)
    with pytest.raises(UserError, match=r"b\.root: entry \d+: .*outside the 20 channels"):
        list(SimulatedRunFile(path, detector).batches())


def test_a_value_that_is_not_finite_is_found_before_it_travels(tmp_path, detector):
    wrong = batch(detector)
    wrong.cells["energy"][wrong.cells.offsets[30]] = np.nan
    entry = int(wrong.cells.parents[wrong.cells.offsets[30]])
    path = write(tmp_path / "a.root", [wrong], detector)
    with pytest.raises(UserError, match=f"entry {entry}: .*no finite value"):
        list(SimulatedRunFile(path, detector).batches(size=7))


def test_files_of_another_kind(tmp_path, detector):
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mktree("events", {"x": "f8"})
    with pytest.raises(UserError, match="no simulated run file: it holds 'events'"):
        SimulatedRunFile(tmp_path / "a.root", detector)
    with uproot.recreate(tmp_path / "b.root") as file:
        file.mktree("hits", {"run": "i8"})
        file["emiss"] = json.dumps({"schema": "emiss.hits/0"})
    with pytest.raises(UserError, match=r"holds version 0 of 'emiss\.hits', this emiss knows 1"):
        SimulatedRunFile(tmp_path / "b.root", detector)
    with uproot.recreate(tmp_path / "c.root") as file:
        file.mktree("hits", {"run": "i8", "spill": "i4"})
        file["emiss"] = json.dumps({"schema": "emiss.hits/1", "channels": [], "planes": [], "truth": {}})
    with pytest.raises(UserError, match=r"(?s)run: i8 flat, expected i4 flat\n.*weight: missing"):
        SimulatedRunFile(tmp_path / "c.root", detector).check()


def test_a_damaged_file_is_a_message(tmp_path, detector):
    """Truncated anywhere, or with bytes changed: read, or refused with the name of the file, but nothing else."""
    data = write(tmp_path / "a.root", [batch(detector)], detector).read_bytes()
    rng, path, refused = np.random.default_rng(1), tmp_path / "b.root", 0
    for number in range(40):
        damaged = bytearray(data[: rng.integers(5, len(data))] if number % 2 else data)
        if not number % 2:
            for _ in range(3):
                damaged[rng.integers(100, len(damaged))] = rng.integers(256)
        path.write_bytes(damaged)
        try:
            file = SimulatedRunFile(path, detector)
            file.check()
            assert sum(len(each) for each in file.batches()) == 50
        except UserError as error:
            assert str(path) in str(error)  # noqa: PT017 - either is right
            refused += 1
    assert refused >= 10  # what is cut off behind the last hit is not missed


def test_no_file_is_left_when_writing_fails(tmp_path, detector):
    broken = replace(batch(detector), points=None)
    with pytest.raises(ValueError, match="cells and points"):
        write(tmp_path / "a.root", [batch(detector), broken], detector)
    assert list(tmp_path.iterdir()) == []


def test_files_that_do_not_go_together(run_files):
    with pytest.raises(UserError, match="open raw and simulated files apart"):
        reco.open([run_files["signal.root"], run_files["signal.dat"]])
    with pytest.raises(UserError, match="no run files"):
        reco.open([])


def test_a_part_of_one_file(run_files):
    run = reco.open([run_files["signal.root"], run_files["beam.root"]])
    (table,) = run.file_tables(1, 10, 30)
    assert table["event.entry"].tolist() == list(range(10, 30))
    assert set(table["event.file"]) == {number_of(checksum(run_files["beam.root"]))}
    assert run.payloads == list(run.conditions.for_run(6101).payloads)


def test_the_example_of_the_docs_makes_a_file_that_is_read(tmp_path, monkeypatch):
    page = (Path(__file__).parents[3] / "docs" / "run-files.md").read_text(encoding="utf-8")
    example = page.split("## Hits of one's own")[1].split("```python\n")[1].split("```")[0]
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "docs/run-files.md", "exec"), {})  # noqa: S102 - our own page
    table = reco.process(reco.open("own.root"))
    assert len(table) == 2
    assert table["truth.e_beam"].tolist() == [100.0, 100.0]
    assert table["ecal.energy"] == pytest.approx([61.0, 98.5])
    assert table.metadata.ledger.passed == 2


def test_the_docs_detector_that_extends_another_is_one(tmp_path):
    page = (Path(__file__).parents[3] / "docs" / "run-files.md").read_text(encoding="utf-8")
    (tmp_path / "detector.yaml").write_text("extends: na64e_lfc" + page.split("extends: na64e_lfc")[1].split("```")[0])
    mine = load_detector(tmp_path / "detector.yaml")
    assert (mine.name, mine.magnets["MBPL"].by, mine.parts["ecal"].beam_cell) == ("my_setup", 1.1, (1, 2))
    assert mine.plane_names[:4] == ("MM5X", "MM5Y", "MM2X", "MM2Y")
