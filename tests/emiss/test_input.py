"""What a job can be given: compressed files, lists of files, damaged ones among good ones."""

from __future__ import annotations

import gzip
import json
import shutil

import zstandard

from reco.formats.date.bytes import map_bytes
from reco.formats.date.index import build


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
    assert sorted(p.name for p in (tmp_path / "o/tables/data").iterdir()) == ["a.root", "b.root", "c.root"]
    (tmp_path / "files.txt").write_text("b.dat.zst\nd*.dat\n")
    done = cli("process", f"@{tmp_path}/files.txt", "--out", tmp_path / "o")
    assert done.code == 2
    assert "files.txt:2: no file matches 'd*.dat'" in done.err
    done = cli("process", f"@{tmp_path}/nothing.txt", "--out", tmp_path / "o")
    assert (done.code, "the list of files cannot be read" in done.err) == (2, True)


def test_three_damaged_files_of_twenty(cli, run_files, tmp_path):
    """The good parts are in the tables, each loss has a name, and the exit code is 3."""
    whole = run_files["signal.dat"].read_bytes()
    starts = build(map_bytes(run_files["signal.dat"])).offset
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
    assert len(list((tmp_path / "o/tables/data").iterdir())) == 20
