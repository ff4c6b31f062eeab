"""What an analyst would want to know before believing the number: gaps, missing boards, copies; judged and said."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest

from emiss import runlist
from emiss.configs import loader
from emiss.job.plan import plan
from emiss.job.run import run_job
from emiss.reco.formats.date import layout as la
from tests.reco.splices import PHYSICS, events_of

BEAM = loader.SHIPPED.parent / "samples" / "data" / "beam.dat"
ECAL_SOURCES = (618, 619)


@pytest.fixture(scope="module")
def parts():
    return events_of(BEAM.read_bytes())[0]


def of(out):
    return json.loads((out / "cutflow.json").read_text())["samples"]["data"]


def zeros(parts):
    return bytes(len(b"".join(parts)))


@pytest.mark.parametrize(
    ("damage", "missing", "lost"),
    [
        (lambda p: [*p[:100], zeros(p[100:120]), *p[120:]], {"raw.gap_by_numbers": 19}, 1),
        (lambda p: [*p[:100], *p[120:]], {"raw.jump": 20}, 0),
        (lambda p: [*p[:252], zeros(p[252:])], {"raw.gap_by_bytes": pytest.approx(251, abs=5)}, 1),
    ],
    ids=["gap", "cut", "half"],
)
def test_missing_events_are_judged(cli, parts, tmp_path, damage, missing, lost):
    """Of 500 events 20 are gone, whatever way: more than 1 %."""
    (tmp_path / "run.dat").write_bytes(b"".join(damage(parts)))
    done = cli("process", tmp_path / "run.dat", "--out", tmp_path / "o")
    assert done.code == 3
    assert "missing (" in done.err
    assert "the exposure was not reduced for them" in done.err
    ledger = of(tmp_path / "o")["ledger"]
    assert ledger["missing"] == missing
    assert sum(ledger["lost"].values()) == lost
    assert ledger["read"] == ledger["passed"] + sum(ledger["not_physics"].values()) + lost
    assert "missing (estimate)" in done.out


def test_copies_of_events_count_once(cli, parts, tmp_path):
    (tmp_path / "run.dat").write_bytes(b"".join(parts) * 2)
    done = cli("process", tmp_path / "run.dat", "--out", tmp_path / "o")
    assert done.code == 0
    assert "left out as copies (raw.repeated)" in done.err
    ledger = of(tmp_path / "o")["ledger"]
    assert (ledger["passed"], ledger["excluded"]) == (500, {"raw.repeated": 500})


def test_a_file_and_its_compressed_copy_are_refused_before_the_work(cli, parts, tmp_path):
    data = b"".join(parts)
    (tmp_path / "run.dat").write_bytes(data)
    (tmp_path / "run.dat.gz").write_bytes(gzip.compress(data))
    done = cli("process", str(tmp_path / "run.dat*"), "--out", tmp_path / "o")
    assert done.code == 2
    assert f"run.dat.gz: holds the same as {tmp_path / 'run.dat'}" in done.err
    assert not (tmp_path / "o" / "tables" / "data").exists()
    done = cli("quality", str(tmp_path / "run.dat*"), "--out", tmp_path / "q")
    assert done.code == 2
    assert "holds the same as" in done.err


def without(parts, sources, chosen):
    """Return the events, those of entries `chosen` without some sources."""
    changed = list(parts)
    for entry in chosen:
        event = parts[entry]
        kept, at = [event[: la.HEADER_BYTES]], la.HEADER_BYTES
        while at < len(event):
            size = int.from_bytes(event[at : at + 4], "little")
            head = int.from_bytes(event[at + 4 * la.EQUIPMENT_WORDS :][:4], "little")
            if (head >> 16) & 0x3FF not in sources:
                kept.append(event[at : at + size])
            at += size
        whole = b"".join(kept)
        changed[entry] = len(whole).to_bytes(4, "little") + whole[4:]
    return b"".join(changed)


CUTS = """analysis: mine
cuts:
  - {name: quiet, require: ecal.energy < 50 GeV}
  - {name: any_hcal, require: sum(hcal.energy) > -1 GeV}
regions: {nominal: {}, hcal: {drop: [quiet]}}
"""


def test_a_missing_board_is_not_zero_energy(cli, parts, tmp_path):
    """Without its ECAL an electron of 100 GeV would look like one with all its energy missing."""
    everything = [i for i, part in enumerate(parts) if part[16] == PHYSICS]
    (tmp_path / "run.dat").write_bytes(without(parts, ECAL_SOURCES, everything))
    (tmp_path / "cuts.yaml").write_text(CUTS)
    done = cli("process", tmp_path / "run.dat", "--analysis", tmp_path / "cuts.yaml", "--out", tmp_path / "o")
    assert done.code == 3
    assert "unusable (500)" in done.err
    found = of(tmp_path / "o")
    quiet = found["regions"]["nominal"]["weights"]["nominal"]["cuts"][1]
    assert (quiet["n"], quiet["undefined"]) == (0, 500)
    assert found["ledger"]["unusable"] == 500
    assert found["ledger"]["damage"]["raw.event_missing_srcid"]["events"] == 500


def test_the_report_says_which_passing_events_carry_damage(cli, parts, tmp_path):
    chosen = [i for i, part in enumerate(parts) if part[16] == PHYSICS][-3:-1]
    (tmp_path / "run.dat").write_bytes(without(parts, ECAL_SOURCES, chosen))
    (tmp_path / "cuts.yaml").write_text(CUTS)
    done = cli("process", tmp_path / "run.dat", "--analysis", tmp_path / "cuts.yaml", "--out", tmp_path / "o")
    assert done.code == 0
    said = (
        "events with damage that passed all cuts of region hcal: after_lost_block 2 of data, missing_source 2 of data"
    )
    last = of(tmp_path / "o")["regions"]["hcal"]["weights"]["nominal"]["cuts"][-1]
    assert last["damaged"] == {"after_lost_block": 2, "missing_source": 2, "part_lost": 2}
    again = cli("select", tmp_path / "o", "--analysis", tmp_path / "cuts.yaml", "--out", tmp_path / "s")
    assert of(tmp_path / "s")["regions"] == of(tmp_path / "o")["regions"]
    for out in (done.out, again.out):
        assert said in " ".join(out.split())
    shipped = cli("process", tmp_path / "run.dat", "--out", tmp_path / "p")
    rows = of(tmp_path / "p")["regions"]["nominal"]["weights"]["nominal"]["cuts"]
    assert (rows[1]["name"], rows[0]["n"] - rows[1]["n"]) == ("quality", 3)
    assert "events with damage that passed" not in shipped.out


def test_bad_spills_take_their_damage_with_them(cli, parts, tmp_path):
    """What is unusable in a spill that is left out is not held against the rest."""
    chosen = [i for i, part in enumerate(parts) if part[16] == PHYSICS][-100:]
    (tmp_path / "run.dat").write_bytes(without(parts, ECAL_SOURCES, chosen))
    (tmp_path / "bad.yaml").write_text("bad_spills: [{run: 6105, spills: '2'}]\n")
    (tmp_path / "runs.yaml").write_text(
        "detector: na64e_lfc\nanalysis: e_to_mu_phi\ncalib: demo\nquality: bad.yaml\n"
        "samples: {data: {role: data, files: [run.dat]}}\n"
    )
    assert cli("process", tmp_path / "run.dat", "--out", tmp_path / "o").code == 3
    assert cli("process", tmp_path / "runs.yaml", "--out", tmp_path / "p").code == 0
    assert of(tmp_path / "p")["ledger"]["unusable"] == 0


def test_one_stray_run_number_refuses_nothing(cli, parts, tmp_path):
    words = np.frombuffer(parts[77], "<u4").copy()
    words[5] ^= 1 << 14
    (tmp_path / "run.dat").write_bytes(b"".join([*parts[:77], words.tobytes(), *parts[78:]]))
    done = cli("process", tmp_path / "run.dat", "--out", tmp_path / "o")
    assert done.code == 0
    assert of(tmp_path / "o")["ledger"]["lost"] == {"raw.stray_run": 1}


def test_the_account_is_the_same_however_the_work_is_cut(parts, tmp_path):
    """Gaps, jumps and copies at the edges of tasks, in two chunks of a run."""
    first = [*parts[:100], zeros(parts[100:107]), *parts[107:200], parts[199], *parts[202:260]]
    (tmp_path / "run_1.dat").write_bytes(b"".join(first))
    (tmp_path / "run_2.dat").write_bytes(b"".join([*parts[265:400], *parts[411:]]))
    listed = runlist.from_files([tmp_path / "run_*.dat"], detector="na64e_lfc", calib="demo", analysis="e_to_mu_phi")
    accounts = []
    for size in (20_000, 101, 100, 37):
        out = tmp_path / f"out{size}"
        outcome = run_job(plan(listed, out, task_entries=size), out)
        accounts.append(outcome.cutflow.ledger)
        assert outcome.remarks == ("sample data: 5 event numbers of run 6105 are between those of its files, in none",)
    assert all(account == accounts[0] for account in accounts)
    assert dict(accounts[0].missing) == {"raw.gap_by_numbers": 6, "raw.jump": 13}
    assert not accounts[0].remarks
    assert dict(accounts[0].excluded) == {"raw.repeated": 1}
