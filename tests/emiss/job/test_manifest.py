"""The folder of a job after something has changed: its manifest says what belongs to it, and what that stands for."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path  # noqa: TC003 - annotations of fixtures

import pytest

from emiss import runlist, selection
from emiss.configs.errors import UserError
from emiss.events.files import identity
from emiss.events.files.manifest import NAME, Manifest
from emiss.events.files.open import open_table, read, write
from emiss.events.table import EventTable
from emiss.job import lock
from emiss.job.plan import plan
from emiss.job.run import run_job
from emiss.job.select import select
from emiss.samples.config import load_sample
from emiss.samples.simulate import simulate

HEAD = "detector: na64e_lfc\nanalysis: small.yaml\ncalib: demo\nsamples:\n"
SMALL = """\
analysis: small
weights: {nominal: weight}
cuts:
  - {name: one_track, require: count(tracks) == 1}
  - {name: shower, require: ecal.energy < 80 GeV}
"""
SIGNAL = "  signal: {role: signal, files: [signal.root], on_target: 1e12}\n"
BEAM = "  beam: {role: background, files: [beam.root], on_target: 300}\n"


@pytest.fixture
def folder(tmp_path, run_files) -> Path:
    for name in ("signal.root", "signal.dat", "beam.root"):
        shutil.copy(run_files[name], tmp_path / name)
    (tmp_path / "small.yaml").write_text(SMALL)
    return tmp_path


def job(folder: Path, samples: str = SIGNAL + BEAM, **options):
    (folder / "runs.yaml").write_text(HEAD + samples)
    out = folder / "o"
    return run_job(plan(runlist.load(folder / "runs.yaml"), out, **options), out)


def expected(cutflow, sample: str, cut: int = 2) -> float:
    rows = next(iter(next(iter(cutflow.samples[sample].regions.values())).values()))
    return rows[cut].sequential.sum_w * cutflow.per_on_target(sample)


def again(folder: Path):
    return select([folder / "o"], selection.load(folder / "small.yaml"), None)


@pytest.mark.parametrize(
    ("change", "factor"),
    [
        (("on_target: 1e12", "on_target: 2e12"), 0.5),
        (("on_target: 1e12", "on_target: 1e12, scale: 3"), 3.0),
        (("role: signal", "role: background"), 1.0),
    ],
)
def test_another_normalisation_is_that_of_every_command_and_makes_no_table_anew(folder, cli, change, factor):
    before = expected(job(folder).cutflow, "signal")
    changed = job(folder, (SIGNAL + BEAM).replace(*change))
    assert changed.reused == 2
    assert expected(changed.cutflow, "signal") == pytest.approx(factor * before)
    selected = again(folder).cutflow
    assert selected == changed.cutflow
    assert selected.samples["signal"].role == changed.cutflow.samples["signal"].role
    in_memory = selection.run(
        read(folder / "o/tables/signal/signal.parquet"), selection.load(folder / "small.yaml")
    ).cutflow
    assert expected(in_memory, "signal") == expected(changed.cutflow, "signal")
    assert cli("diff", folder / "o/cutflow.json", folder / "o/cutflow.json").code == 0


def test_what_is_no_longer_of_the_job_is_not_counted(folder):
    job(folder, task_entries=100)
    names = {path.name for path in (folder / "o/tables").rglob("*.parquet")}
    assert len(names) == 6
    whole = job(folder)  # other tables of the same files
    selected = again(folder)
    assert selected.cutflow.samples["beam"].ledger.read == whole.cutflow.samples["beam"].ledger.read == 300
    assert any("6 tables of earlier jobs are not counted" in remark for remark in selected.remarks)
    alone = job(folder, SIGNAL)
    assert alone.reused == 1
    assert set(again(folder).cutflow.samples) == {"signal"}
    with pytest.raises(UserError, match="not of the job whose folder it is in"):
        open_table(folder / "o/tables/beam/beam.parquet")
    part = job(folder, SIGNAL, max_events=100)
    assert part.cutflow.samples["signal"].on_target == pytest.approx(1e12 / 3)
    assert again(folder).cutflow == part.cutflow
    assert job(folder, SIGNAL).cutflow == alone.cutflow


def test_the_order_of_samples_and_files_is_no_reason_to_make_a_table_anew(folder, run_files):
    shutil.copy(run_files["beam.dat"], folder / "a.dat")
    two = SIGNAL.replace("[signal.root]", "[signal.dat, a.dat]")
    first = job(folder, two + BEAM)
    other = job(folder, BEAM + two.replace("[signal.dat, a.dat]", "[a.dat, signal.dat]"))
    assert (first.reused, other.reused) == (0, 3)
    assert other.cutflow == first.cutflow


def test_files_of_one_sample_give_the_same_yield_whatever_their_events_weigh(folder):
    signal = load_sample("signal")
    region = {"min_muon_energy": 15.0, "max_angle": 0.02}
    part = signal.model_copy(update={"process": signal.process.model_copy(update=region)})
    simulate(part, folder / "signal.root", events=300)
    mixed = job(folder, SIGNAL.replace("[signal.root]", "[signal.dat, signal.root]"))
    assert any("events of signal.root weigh 0." in remark for remark in mixed.remarks)
    analysis = selection.load(folder / "small.yaml")
    tables = Manifest.load(folder / "o/tables").tables()
    for table in tables:
        assert expected(select([table], analysis, None).cutflow, "signal", 0) == pytest.approx(
            expected(mixed.cutflow, "signal", 0)
        )


def test_a_cut_file_without_weights_counts_with_those_of_the_table(folder):
    (folder / "bare.yaml").write_text("analysis: bare\ncuts: [{name: one, require: count(tracks) == 1}]\n")
    job(folder, SIGNAL)
    table = folder / "o/tables/signal/signal.parquet"
    counted = select([table], selection.load(folder / "bare.yaml"), None).cutflow
    full = select([table], selection.load(folder / "small.yaml"), None).cutflow
    assert expected(counted, "signal", 0) == pytest.approx(expected(full, "signal", 0))
    assert selection.run(read(table), selection.load(folder / "bare.yaml")).cutflow == counted


def test_a_job_that_did_not_end_is_not_counted_as_if_it_had(folder):
    job(folder)
    (folder / "o/tables/beam/beam.parquet").unlink()
    half = folder / "o/tables/beam/.beam.parquet.elsewhere.77.part.parquet"
    half.write_bytes(b"PAR1")
    with pytest.raises(UserError, match="1 of 2 tables of the job are not there yet, the first is beam"):
        again(folder)
    shutil.copy(folder / "o/tables/signal/signal.parquet", folder / "o/tables/beam/beam.parquet")
    with pytest.raises(UserError, match="not the table that the manifest names"):
        again(folder)
    assert job(folder).reused == 1
    assert not half.exists()


def test_a_manifest_is_checked_and_a_table_without_one_says_so(folder, tmp_path):
    job(folder, SIGNAL)
    table = folder / "o/tables/signal/signal.parquet"
    shutil.copy(table, tmp_path / "moved.parquet")
    alone = select([tmp_path / "moved.parquet"], selection.load(folder / "small.yaml"), None)
    assert alone.cutflow.samples["signal"].on_target is None
    assert any("no manifest.json beside it" in remark for remark in alone.remarks)
    path = folder / "o/tables" / NAME
    whole = json.loads(path.read_text())
    for text, said in (
        ("{", "no JSON"),
        (json.dumps({**whole, "schema": "emiss.manifest/9"}), "this version of emiss reads 'emiss.manifest/1'"),
        (json.dumps({**whole, "samples": {"signal": {"role": "signal"}}}), "not complete"),
    ):
        path.write_text(text)
        with pytest.raises(UserError, match=said):
            again(folder)


def test_rows_that_the_ledger_does_not_count_are_refused(folder):
    job(folder, SIGNAL)
    table = read(folder / "o/tables/signal/signal.parquet")
    part = open_table(write(table.slice(0, 100), folder / "part.root"))
    assert part.metadata.ledger.passed == 100
    assert (part.metadata.on_target, part.metadata.partial) == (pytest.approx(1e12 / 3), True)
    counted = selection.run(table.slice(0, 100), selection.load(folder / "small.yaml")).cutflow.samples["signal"]
    assert (counted.ledger.passed, counted.on_target, counted.partial) == (100, pytest.approx(1e12 / 3), True)
    both = EventTable.concatenate([table.slice(0, 100), table.slice(100, 300)])
    assert (both.metadata.ledger, both.metadata.on_target) == (table.metadata.ledger, pytest.approx(1e12))
    chosen = table.take(table["ecal.energy"] > 50.0)
    counted = selection.run(chosen, selection.load(folder / "small.yaml")).cutflow.samples["signal"]
    left = {"not_in_table": 300 - len(chosen)}
    assert (counted.ledger.excluded, counted.on_target, counted.partial) == (left, None, True)
    doubled = table.with_metadata(ledger=type(table.metadata.ledger)(read=10**9, passed=10**9))
    from emiss.events.files.open import TableWriter

    with TableWriter(folder / "wrong.root") as writer:
        writer.extend(doubled)
        writer.finish(doubled.metadata)
    with pytest.raises(UserError, match="holds 300 events, and its ledger counts 1000000000"):
        open_table(folder / "wrong.root")


def test_the_middle_of_a_large_file_is_part_of_its_identity(tmp_path, monkeypatch):
    monkeypatch.setattr(identity, "WORTH", 0)
    path, memory = tmp_path / "big.dat", identity.Remembered(tmp_path / "known")
    with path.open("wb") as file:
        file.truncate(100 << 20)
    first = memory.identity(path, lambda: identity.checksum(path))
    assert memory.identity(path, lambda: pytest.fail("hashed again")) == first
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(50 << 20)
        file.write(b"x")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # as a copy that keeps times does
    assert memory.identity(path, lambda: identity.checksum(path)) != first


@pytest.mark.parametrize("cut", [True, False])
def test_an_input_that_changes_between_plan_and_reading_is_named_and_not_counted(folder, cut):
    (folder / "runs.yaml").write_text(HEAD + SIGNAL.replace("signal.root", "signal.dat"))
    planned = plan(runlist.load(folder / "runs.yaml"), folder / "o")
    path = folder / "signal.dat"
    data = path.read_bytes()
    path.write_bytes(data[:-5000] if cut else data[:1000] + bytes([data[1000] ^ 1]) + data[1001:])
    said = "cut short" if cut else "changed"
    with pytest.raises(UserError, match=rf"signal\.dat: has been {said} since the job was planned"):
        run_job(planned, folder / "o")
    assert not list((folder / "o/tables").rglob("*.parquet"))


def test_a_file_that_grows_is_read_to_where_it_ended(folder):
    path = folder / "signal.dat"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    (folder / "runs.yaml").write_text(HEAD + SIGNAL.replace("signal.root", "signal.dat"))
    planned = plan(runlist.load(folder / "runs.yaml"), folder / "o")
    path.write_bytes(whole)
    outcome = run_job(planned, folder / "o")
    assert outcome.cutflow.samples["signal"].ledger.read == planned.entries
    assert any("signal.dat is growing" in remark for remark in outcome.remarks)


def test_a_second_job_in_the_folder_is_refused_by_name(folder):
    job(folder, SIGNAL)
    hold = "import sys, time; from pathlib import Path; from emiss.job.lock import locked\n"
    hold += f"with locked(Path({str(folder / 'o/tables')!r})): print('held', flush=True); time.sleep(60)\n"
    with subprocess.Popen([sys.executable, "-c", hold], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(UserError, match=rf"another job is at work here \(process {other.pid} on .* since "):
            job(folder, SIGNAL)
        other.kill()
    assert job(folder, SIGNAL).reused == 1  # a lock ends with its owner
    with lock.locked(folder), pytest.raises(UserError, match="another job"), lock.locked(folder):
        time.sleep(0)


def test_no_output_is_an_input(folder, cli, monkeypatch):
    monkeypatch.chdir(folder)
    data = (folder / "signal.root").read_bytes()
    (folder / "o/tables/signal").mkdir(parents=True)
    os.link(folder / "signal.root", folder / "o/tables/signal/signal.parquet")
    done = cli("process", "signal.root", "--out", "p", "--keep", "signal.root")
    assert done.code == 2
    assert "would take the place of the input" in done.err
    with pytest.raises(UserError, match="would take the place of the input"):
        job(folder, SIGNAL)
    assert (folder / "signal.root").read_bytes() == data
    job(folder, BEAM)
    shutil.copy(folder / "o/tables/beam/beam.parquet", folder / "histograms.root")
    done = cli("select", "histograms.root", "--analysis", "small.yaml", "--out", ".")
    assert done.code == 2
    assert "histograms.root: this output would take the place of the input" in done.err
    for name in ("../../data", "a/b", ".hidden", "-x", "nul\\0"):
        (folder / "runs.yaml").write_text(HEAD + f'  "{name}": {{role: signal, files: [signal.root]}}\n')
        done = cli("process", "runs.yaml", "--out", "p")
        assert done.code == 2
        assert "cannot be the name of a file" in done.err
    assert not (folder / "p").exists()


def test_the_same_content_twice_is_refused_before_the_work(folder, cli):
    shutil.copy(folder / "signal.root", folder / "copy.root")
    done = cli("process", folder / "signal.root", folder / "copy.root", "--out", folder / "o")
    assert done.code == 2
    assert "copy.root: holds the same as" in done.err
    assert not (folder / "o").exists()


def test_outputs_that_cannot_be_written_are_told_before_the_work(folder, cli):
    (folder / "file").write_text("")
    for out, said in (("file", "is a file, and a folder is needed"), ("file/o", "is a file, not a folder")):
        done = cli("process", folder / "signal.root", "--out", folder / out)
        assert (done.code, said in done.err) == (2, True), done.err
    done = cli("process", folder / "signal.root", "--out", folder / ("x" * 300))
    assert (done.code, "no folder can have this name" in done.err) == (2, True), done.err


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("run,spill,on_target\n6105,1,-5\n", "eot.csv:2: -5 particles on target"),
        ("run,spill,on_target,live_fraction\n6105,1,5,2\n", "a live fraction lies between 0 and 1, this is 2"),
        ("run,spill,on_target\n6105,1,nan\n", "nan particles on target"),
        ("run,spill,on_target\n6105,1,1e400\n", "inf particles on target"),
        (b"\xff\xfe1", "no UTF-8 text"),
    ],
)
def test_impossible_particles_on_target_are_refused(folder, table, said):
    (folder / "eot.csv").write_bytes(table if isinstance(table, bytes) else table.encode())
    with pytest.raises(UserError, match=said):
        job(folder, BEAM.replace("on_target: 300", "on_target: {from: eot.csv}"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("on_target: 300", "on_target: 1e400"), "too large"),
        (("on_target: 300", "on_target: nan"), "more than 0, and finite|not a finite|no number"),
        (("on_target: 300", "on_target: 300, scale: -1"), "a scale must be more than 0"),
        (("samples:\n", "max_bad_fraction: 2\nsamples:\n"), "a fraction of events lies between 0 and 1"),
    ],
)
def test_impossible_normalisations_are_refused(folder, change, said):
    (folder / "runs.yaml").write_text((HEAD + BEAM).replace(*change))
    with pytest.raises(UserError, match=said):
        runlist.load(folder / "runs.yaml")


def test_a_table_of_particles_on_target_from_excel(folder):
    rows = "".join(f"6105, {spill}, 10, \n" for spill in range(1, 9))
    (folder / "eot.csv").write_bytes(b"\xef\xbb\xbf" + b"run, spill, on_target, live_fraction\r\n" + rows.encode())
    done = job(folder, BEAM.replace("on_target: 300", "on_target: {from: eot.csv}"))
    assert done.cutflow.samples["beam"].on_target == 20  # of the two spills that the file has


def test_a_disk_that_is_full_on_the_way_is_a_message(folder):
    code = "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
    code += "resource.setrlimit(resource.RLIMIT_FSIZE, (70_000, 70_000));"
    code += "sys.argv = ['emiss', 'process', 'signal.root', '--out', 'o']; from emiss.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "File too large" in done.stderr
    assert "signal.root" in done.stderr
    assert "Traceback" not in done.stderr
    assert not [path for path in (folder / "o").rglob("*") if ".part" in path.name]
