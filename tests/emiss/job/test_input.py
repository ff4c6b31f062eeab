"""What a job can be given: compressed files, lists of files, damaged ones among good ones."""

from __future__ import annotations

import gzip
import json
import shutil

import numpy as np
import zstandard

from emiss import runlist
from emiss.job.plan import plan
from emiss.job.run import run_job
from emiss.reco.detector.model import load_detector
from emiss.reco.formats.date.bytes import all_bytes
from emiss.reco.formats.date.channels.reading import read_channel_maps
from emiss.reco.formats.date.index.events import build
from emiss.reco.formats.date.writing.damage import damage


def account(folder):
    return json.loads((folder / "cutflow.json").read_text())["samples"]["data"]["ledger"]


def test_compressed_files_and_lists(cli, run_files, tmp_path):
    data = run_files["signal.dat"].read_bytes()
    (tmp_path / "a.dat.gz").write_bytes(gzip.compress(data))
    (tmp_path / "b.dat.zst").write_bytes(zstandard.ZstdCompressor().compress(run_files["beam.dat"].read_bytes()))
    shutil.copy(run_files["muon.dat"], tmp_path / "c.dat")
    (tmp_path / "files.txt").write_text("# raw files\nb.dat.zst\n\nc*.dat   # a pattern\n")
    done = cli("process", tmp_path / "a.dat.gz", f"@{tmp_path}/files.txt", "--out", tmp_path / "o")
    assert done.code == 0, done.err
    assert account(tmp_path / "o")["read"] == 3 * 304
    shutil.copy(run_files["beam.dat"], tmp_path / "b.dat")  # what b.dat.zst holds
    done = cli("process", tmp_path / "b.dat", tmp_path / "b.dat.zst", "--out", tmp_path / "twice")
    assert done.code == 2
    assert "would be counted twice" in done.err
    (tmp_path / "b.dat").unlink()
    assert sorted(p.name for p in (tmp_path / "o/tables/data").iterdir()) == ["a.parquet", "b.parquet", "c.parquet"]
    (tmp_path / "files.txt").write_text("b.dat.zst\nd*.dat\n")
    done = cli("process", f"@{tmp_path}/files.txt", "--out", tmp_path / "o")
    assert done.code == 2
    assert "files.txt:2: no file matches 'd*.dat'" in done.err
    done = cli("process", f"@{tmp_path}/nothing.txt", "--out", tmp_path / "o")
    assert (done.code, "the list of files cannot be read" in done.err) == (2, True)


def test_three_damaged_files_of_twenty(cli, run_files, tmp_path):
    """The good parts are in the tables, each loss has a name, and the exit code is 3."""
    whole = run_files["signal.dat"].read_bytes()
    starts = build(all_bytes(run_files["signal.dat"])).offset
    for number in range(20):
        data = whole[: int(starts[-1 - number])]  # no two files are the same
        hurt = bytearray(data)
        if number == 3:
            hurt = hurt[: len(hurt) // 2 + 2]  # cut short inside an event
        elif number == 9:
            hurt[5000:9000] = bytes(4000)  # a hole
        elif number == 14:
            hurt[len(hurt) // 3 : len(hurt) // 3] = b"\xde\xad\xbe\xef" * 300  # something put in
        (tmp_path / f"run{number:02}.dat").write_bytes(hurt)
    (tmp_path / "runs.yaml").write_text(
        "detector: na64e_lfc\nanalysis: e_to_mu_phi\ncalib: demo\nmax_bad_fraction: 0.0\n"
        "samples: {data: {role: data, files: ['run*.dat']}}\n"
    )
    done = cli("process", tmp_path / "runs.yaml", "--out", tmp_path / "o")
    assert done.code == 3, done.err
    ledger = account(tmp_path / "o")
    lost = sum(ledger["lost"].values())
    assert ledger["read"] == ledger["passed"] + sum(ledger["not_physics"].values()) + lost
    assert lost > 0
    assert 17 * 280 < ledger["passed"] < 20 * 300
    assert ledger["bytes_skipped"] > 0
    assert ledger["incomplete_at_end"] == 1
    for number in range(20):
        assert (f"run{number:02}.dat: of" in done.err) == (number in (3, 9, 14))
    assert "event numbers of run 6101 are in two files or more" in done.err  # each begins with the same events
    assert len(list((tmp_path / "o/tables/data").iterdir())) == 20


def test_a_cut_tells_what_follows_a_lost_block_in_another_file(run_files, tmp_path):
    data = run_files["muon.dat"].read_bytes()
    index = build(np.frombuffer(data, np.uint8))
    middle = np.flatnonzero(index.type == 7)[150]
    cut = int(index.offset[middle])
    maps = read_channel_maps(load_detector("na64e_lfc").channel_maps_path, 6101)
    first, chosen = damage(data[:cut], maps, {"event_missing_srcid": 1}, seed=4)
    (tmp_path / "run_1.dat").write_bytes(first)
    (tmp_path / "run_2.dat").write_bytes(data[cut:])
    broken = next(iter(chosen))
    after = (index.spill == index.spill[broken]) & (index.in_spill > index.in_spill[broken]) & (index.type == 7)
    assert after[middle:].any()
    (tmp_path / "cuts.yaml").write_text(
        "analysis: quality\ncuts:\n  - {name: clean, require: \"not matches(event.quality, 'after_lost_block')\"}\n"
    )
    listed = runlist.from_files(
        [tmp_path / "run_*.dat"], detector="na64e_lfc", calib="demo", analysis=str(tmp_path / "cuts.yaml")
    )
    for size in (1000, 37):  # whatever the tasks
        out = tmp_path / f"out{size}"
        cutflow = run_job(plan(listed, out, task_entries=size), out).cutflow
        rows = next(iter(cutflow.samples["data"].regions.values()))["nominal"]
        assert rows[0].sequential.n - rows[1].sequential.n == np.count_nonzero(after)
