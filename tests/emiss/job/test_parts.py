"""Parts of a job and their merge: the same as one job to the last bit, and refused by name where that cannot be."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import zlib
from pathlib import Path  # noqa: TC003 - annotations of fixtures

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emiss import runlist
from emiss.configs.errors import UserError
from emiss.events.files.open import read
from emiss.job import kept, lock, part_files
from emiss.job.collect import PartsMissingError
from emiss.job.division import Part, tasks_of_part
from emiss.job.merge import merge
from emiss.job.parts import run_part
from emiss.job.plan import plan
from emiss.job.run import run_job
from emiss.selection.report import figures

CUTS = """
analysis: weighed
extends: e_to_mu_phi
weights: {nominal: 1.1, variations: {up: 1 + ecal.energy / 7 GeV, down: 0.1}}
regions: {signal: {}, control: {drop: [missing_energy]}}
parameters: {middle: 40 GeV}
cuts:
  - name: around
    require: abs(e_miss - middle) < 60 GeV
    scan: {parameter: middle, from: 0 GeV, to: 60 GeV, points: 4, figure_of_merit: signal}
"""
RUNS = """
detector: na64e_lfc
analysis: cuts.yaml
calib: demo
samples:
  signal: {role: signal, files: [signal.dat, signal.root], on_target: 1e12}
  beam: {role: background, files: [beam.dat], on_target: 300, scale: 0.3}
"""
ENTRIES = 128
"""Per task: three tasks for each file."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory, run_files) -> Path:
    """A folder with a run list, and in ``whole`` what one job has made of it."""
    folder = tmp_path_factory.mktemp("parts")
    for name in ("signal.dat", "signal.root", "beam.dat"):
        shutil.copy(run_files[name], folder / name)
    (folder / "cuts.yaml").write_text(CUTS)
    (folder / "runs.yaml").write_text(RUNS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "svg", lambda _: "<svg></svg>")  # as `undrawn` does in a test
        run_job(planned(folder, folder / "whole"), folder / "whole")
    return folder


@pytest.fixture
def folder(whole, tmp_path) -> Path:
    """A run list of one's own, to be done in two parts by `emiss process`."""
    for name in ("signal.dat", "signal.root", "beam.dat", "cuts.yaml", "runs.yaml"):
        shutil.copy(whole / name, tmp_path / name)
    return tmp_path


def planned(folder: Path, out: Path, **options):
    """Tables are Parquet files here, which are opened faster than ROOT files; the command makes those in other tests."""
    return plan(runlist.load(folder / "runs.yaml"), out, task_entries=ENTRIES, table_suffix=".parquet", **options)


def do(folder: Path, out: Path, *parts: str, **options) -> None:
    job = planned(folder, out, **options)
    for part in parts:
        run_part(job, Part.parse(part), out)


def results(out: Path) -> dict[str, object]:
    """Everything that is written of a whole job, but for what says when and how it was made."""
    made: dict[str, object] = {}
    for path in sorted(out.glob("*.*")):
        if path.name == "cutflow.json":
            made[path.name] = {key: value for key, value in json.loads(path.read_text()).items() if key != "provenance"}
        elif path.suffix in (".csv", ".md", ".tex", ".json"):
            made[path.name] = path.read_text()
    assert {"cutflow.json", "histograms.json", "scan_middle.json", "scan_e_miss_min.json", "cutflow.tex"} <= made.keys()
    made["manifest"] = (out / "tables/manifest.json").read_text()
    return made


@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_any_division_in_any_order_is_the_whole_to_the_last_bit(whole, tmp_path_factory, data):
    """Also if parts are repeated, stand in several folders, are more than the tasks, or are of two divisions."""
    folder = tmp_path_factory.mktemp("divided")
    outs = [folder / name for name in "abc"[: data.draw(st.integers(1, 3))]]
    for out in outs:  # as if the tables had been made before: that they are the same is shown elsewhere
        shutil.copytree(whole / "whole/tables", out / "tables")
    of = data.draw(st.integers(1, 12))
    parts = [f"{number}/{of}" for number in range(1, of + 1)]
    parts += data.draw(st.lists(st.sampled_from(parts), max_size=2))
    parts += data.draw(st.lists(st.sampled_from(["1/2", "2/2", "2/5"]), max_size=1))
    jobs = {out: planned(whole, out) for out in outs}
    for out, job in jobs.items():  # a folder in which no part has been run is refused
        run_part(job, Part.parse("13/13"), out)
    for part in data.draw(st.permutations(parts)):
        out = data.draw(st.sampled_from(outs))
        run_part(jobs[out], Part.parse(part), out)
    merge(data.draw(st.permutations(outs)), folder / "merged")
    assert results(folder / "merged") == results(whole / "whole")


def test_parts_make_the_tables_that_one_job_makes(whole, tmp_path):
    do(whole, tmp_path / "o", "2/2", "1/2")
    merge([tmp_path / "o"])
    assert results(tmp_path / "o") == results(whole / "whole")
    names = sorted(path.relative_to(whole / "whole") for path in (whole / "whole/tables").rglob("*.parquet"))
    assert len(names) == 9
    assert names == sorted(path.relative_to(tmp_path / "o") for path in (tmp_path / "o/tables").rglob("*.parquet"))
    for name in names:
        first, second = read(whole / "whole" / name), read(tmp_path / "o" / name)
        assert all((first.flat[column] == second.flat[column]).all() for column in ("event.entry", "event.file"))


def test_a_part_says_that_it_is_one_and_its_events_stand_for_their_share(whole, tmp_path):
    job = planned(whole, tmp_path / "o")
    outcomes = [run_part(job, Part.parse(f"{k}/4"), tmp_path / "o") for k in (1, 2, 3, 4)]
    stands: dict[str, float] = {}
    for outcome in outcomes:
        assert outcome is not None
        assert json.loads(outcome.reports[0].read_text())["provenance"]["part"].endswith("/4")
        for name, sample in outcome.cutflow.samples.items():
            assert sample.partial
            assert sample.on_target is not None
            stands[name] = stands.get(name, 0.0) + sample.on_target
            sample.ledger.check()
    assert stands == pytest.approx({"signal": 1e12, "beam": 300.0})
    read_ = [sum(sample.ledger.read for sample in outcome.cutflow.samples.values()) for outcome in outcomes]
    assert sum(read_) == job.entries
    assert read_ == [sum(t.stop - t.start for t in tasks_of_part(job.tasks, Part(4, k))) for k in (1, 2, 3, 4)]


def test_a_part_without_tasks_has_nothing_to_say(whole, tmp_path, cli):
    assert run_part(planned(whole, tmp_path / "o"), Part.parse("40/40"), tmp_path / "o") is None
    done = cli("process", whole / "runs.yaml", "--part", "9/9", "--out", tmp_path / "p")
    assert done.code == 0
    assert "part 9/9 is done; it has nothing to show" in done.out


def test_missing_parts_are_named_with_exit_code_3(folder, cli):
    for part in ("1/3", "3/3"):
        done = cli("process", folder / "runs.yaml", "--part", part, "--out", folder / "o")
        assert done.code == 0
        assert f"part {part} is done" in done.out
    done = cli("merge", folder / "o")
    assert done.code == 3
    assert "1 of 3 parts are not there: 2/3; run 'emiss process' again with --part 2/3" in done.err
    assert not (folder / "o/cutflow.json").exists()
    done = cli("select", folder / "o")
    assert (done.code, "tables of the job are not there yet" in done.err) == (2, True)


def test_a_part_that_was_killed_goes_on_where_it_stopped(whole, tmp_path):
    do(whole, tmp_path / "o", "1/2")
    code = f"""
import os, signal
from pathlib import Path
from emiss import runlist
from emiss.job.division import Part
from emiss.job.parts import run_part
from emiss.job.plan import plan
from emiss.job.worker import Worker

whole, seen = Worker._tables, []
def dies(self, task, file):
    for table in whole(self, task, file):
        yield table
        seen.append(task)
        if len(seen) == 3:
            os.kill(os.getpid(), signal.SIGKILL)
Worker._tables = dies
out = Path({str(tmp_path / "o")!r})
options = dict(task_entries={ENTRIES}, batch={ENTRIES}, table_suffix=".parquet")
job = plan(runlist.load(Path({str(whole / "runs.yaml")!r})), out, **options)
run_part(job, Part.parse("2/2"), out)
"""
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == -signal.SIGKILL
    left = [path for path in (tmp_path / "o/tables").rglob(".*.part*") if path.is_file()]
    assert len(left) == 2  # a table, and the results
    with pytest.raises(PartsMissingError) as raised:
        merge([tmp_path / "o"])
    assert raised.value.parts == (Part(2, 2),)
    table = next(path for path in left if path.suffix == ".parquet")
    foreign = table.with_name(".other.parquet.host.1.part.parquet")  # of another part, at work now
    foreign.touch()
    outcome = run_part(planned(whole, tmp_path / "o"), Part(2, 2), tmp_path / "o")
    assert outcome is not None
    assert outcome.reused == 2
    assert not any(path.exists() for path in left)
    assert foreign.exists()
    merge([tmp_path / "o"])
    assert not foreign.exists()
    assert results(tmp_path / "o") == results(whole / "whole")


@pytest.mark.parametrize("apart", [False, True])
def test_a_part_of_another_plan_is_refused_by_name(whole, tmp_path, apart, monkeypatch):
    a, b = (tmp_path / "a", tmp_path / "b") if apart else (tmp_path / "o",) * 2
    folders = [a, b] if apart else [a]
    do(whole, a, "1/2")
    do(whole, b, "2/2", overrides={"e_miss_min": "25 GeV"})
    said = r"2/2 here: of another plan than those in .*a" if apart else r"part 1/2 is of another plan"
    with pytest.raises(UserError, match=rf"{said}.*: --set is .*e_miss_min=25 GeV"):
        merge(folders, tmp_path / "o")
    with monkeypatch.context() as patch:
        patch.setattr(part_files, "code_version", lambda: "0.0+other")
        do(whole, b, "2/2")
    with pytest.raises(UserError, match=rf"{said}.*: the code is .*0\.0\+other"):
        merge(folders, tmp_path / "o")
    do(whole, b, "2/2", max_events=200)
    with pytest.raises(UserError, match=rf"{said}.*: the files or what they stand for are not the same"):
        merge(folders, tmp_path / "o")
    do(whole, b, "2/2")
    merge(folders, tmp_path / "o")
    assert results(tmp_path / "o") == results(whole / "whole")


def test_what_was_changed_after_the_parts_is_told(folder, cli):
    do(folder, folder / "o", "1/2", "2/2")
    (folder / "cuts.yaml").write_text(CUTS.replace("0.1}", "0.2}"))
    with pytest.raises(UserError, match=r"cuts\.yaml: is not as it was when the parts were run"):
        merge([folder / "o"])
    (folder / "elsewhere").mkdir()
    (folder / "cuts.yaml").unlink()
    with pytest.raises(UserError, match="--analysis FILE"):
        merge([folder / "o"])
    (folder / "elsewhere/cuts.yaml").write_text(CUTS)
    assert cli("merge", folder / "o/tables", "--analysis", folder / "elsewhere/cuts.yaml").code == 0
    assert (folder / "o/cutflow.json").is_file()
    assert not (folder / "o/tables/tables").exists()
    done = cli("merge", folder / "o", "--analysis", folder / "elsewhere/cuts.yaml", "--quiet")
    assert (done.code, done.out) == (0, "")
    table = next((folder / "o/tables/beam").glob("*.parquet"))
    table.unlink()
    shutil.copy(next((folder / "o/tables/signal").glob("*.parquet")), table)
    done = cli("merge", folder / "o", "--analysis", folder / "elsewhere/cuts.yaml")
    assert done.code == 2
    assert f"{table}: not the table that part " in done.err
    table.unlink()
    assert "is not there" in cli("merge", folder / "o", "--analysis", folder / "elsewhere/cuts.yaml").err


def test_what_is_no_part_or_damaged_is_told(folder, cli):
    done = cli("merge", folder)
    assert (done.code, "no part of a job has been run here" in done.err) == (2, True)
    do(folder, folder / "o", "1/1")
    done = cli("merge", folder / "o", folder / "o")
    assert (done.code, "add --out FOLDER" in done.err) == (2, True)
    file = folder / "o/tables/.parts/001-of-001.results"
    good = file.read_bytes()
    head, first, *rest = good.splitlines(keepends=True)
    number, key, packed = first.split()
    data = json.loads(zlib.decompress(base64.b64decode(packed)))
    del data["counts"]
    other = base64.b64encode(zlib.compress(json.dumps(data).encode()))
    damaged = [
        b"no results",
        b"{}\n",
        good[:-20],
        head + b"".join(rest),  # a task is not there
        head.replace(b"emiss.part/", b"emiss.part/9") + b"".join([first, *rest]),
        head + b" ".join([number, key, other]) + b"\n" + b"".join(rest),
        head + b" ".join([number, key, packed[:-9]]) + b"\n" + b"".join(rest),
        head + b" ".join([number, key, b"?"]) + b"\n" + b"".join(rest),
    ]
    for bad in damaged:
        file.write_bytes(bad)
        done = cli("merge", folder / "o")
        assert done.code == 2
        assert "Traceback" not in done.err
    file.write_bytes(good)
    assert cli("merge", folder / "o").code == 0


def test_the_merged_folder_is_like_any_other(folder, cli):
    """Parts in folders of their own, as where jobs have no disk in common; then select, scan, diff, limit."""
    runs = folder / "runs.yaml"
    outs = [folder / f"part_{number}" for number in (1, 2, 3)]
    for number, out in enumerate(outs, 1):
        skims = ("--keep", folder / "skims", "--after", "single_track")
        assert cli("process", runs, "--part", f"{number}/3", "--out", out, *skims).code == 0
    assert not (folder / "skims").exists()  # they are of the whole
    done = cli("merge", *outs, "--out", folder / "merged")
    assert done.code == 0, done.err
    shutil.rmtree(outs[0])  # its tables are linked or copied, and stay
    skims = ("--keep", folder / "kept", "--after", "single_track")
    assert cli("process", runs, "--out", folder / "one", *skims).code == 0
    assert results(folder / "merged") == results(folder / "one")
    for name in ("signal.parquet", "beam.parquet"):
        first, second = read(folder / "skims" / name), read(folder / "kept" / name)
        assert first.metadata == second.metadata
        assert all(
            (values == second.flat[column]).all() for column, values in first.flat.items() if values.dtype != float
        )
    assert cli("diff", folder / "merged", folder / "one").code == 0
    cuts = ("--analysis", folder / "cuts.yaml")
    for command in (("select", *cuts), ("scan", *cuts, "-p", "e_miss_min", "--from", "0GeV", "--to", "30GeV")):
        first, second = (cli(command[0], folder / name, *command[1:]) for name in ("merged", "one"))
        assert (first.code, first.out) == (second.code, second.out)
        assert first.code == 0
    limits = [cli("limit", "--eot", "1e11", "--cutflow", folder / name, "--quiet") for name in ("merged", "one")]
    assert limits[0] == limits[1]
    again = cli("process", runs, "--out", folder / "merged")
    assert "3 stored tables used again" in again.out


def test_too_much_loss_is_said_of_the_whole(folder, cli):
    path = folder / "beam.dat"
    path.write_bytes(path.read_bytes()[:-60_000])
    (folder / "runs.yaml").write_text(RUNS.replace("calib: demo", "calib: demo\nmax_bad_fraction: 0.001"))
    for number in (1, 2, 3):
        done = cli("process", folder / "runs.yaml", "--part", f"{number}/3", "--out", folder / "o")
        assert done.code == 0
        assert (f"part {number}/3: sample beam" in done.err) == ("beam" in done.out)
    done = cli("merge", folder / "o")
    assert done.code == 3
    assert "sample beam: " in done.err
    assert "the limit is 0.10%" in done.err
    assert (folder / "o/cutflow.json").is_file()


def test_a_blinded_sample_stays_hidden(folder, cli):
    (folder / "cuts.yaml").write_text(CUTS + "blind: {samples: signal, box: e_miss > 20 GeV}\n")
    job = planned(folder, folder / "o")
    for number in (1, 2, 3):
        outcome = run_part(job, Part(3, number), folder / "o")
        assert outcome is not None
        said = json.loads(outcome.reports[0].read_text())
        assert said["samples"].keys() == {"beam"}
        assert all("entries" not in item for item in said["provenance"]["inputs"] if item["sample"] == "signal")
    merge([folder / "o"])
    run_job(planned(folder, folder / "one"), folder / "one")
    assert results(folder / "o") == results(folder / "one")
    with pytest.raises(UserError, match="--unblind is False and True"):
        do(folder, folder / "o", "1/3", unblind=True)
        merge([folder / "o"])


def test_parts_work_side_by_side_and_whole_jobs_alone(whole, tmp_path):
    out = tmp_path / "o"
    job = planned(whole, out)
    folder = out / "tables"
    run_part(job, Part(2, 1), out)

    def of(part: int) -> Path:
        return folder / ".parts" / f"{Part(2, part).name}.lock"

    with lock.locked_part(folder, of(1)):
        run_part(job, Part(2, 2), out)
        with pytest.raises(UserError, match="this part is at work here already"):
            run_part(job, Part(2, 1), out)
        for refused in (lambda: run_job(job, out), lambda: merge([out])):
            with pytest.raises(UserError, match=rf"another job is at work here \(process {os.getpid()} on .* since "):
                refused()
    with lock.locked(folder), pytest.raises(UserError, match="another job is at work here"):
        run_part(job, Part(2, 1), out)


def test_planning_reads_a_file_once_for_all_parts(whole, tmp_path, monkeypatch):
    from emiss.events.files import identity
    from emiss.reco.readers import raw

    for module in (identity, kept):
        monkeypatch.setattr(module, "WORTH", 0)
    first = planned(whole, tmp_path / "o")
    for name in ("lost_blocks", "checksum_of", "build"):
        monkeypatch.setattr(raw, name, lambda *_: pytest.fail("read again"))
    second = planned(whole, tmp_path / "o")
    assert [(t.key, t.identity, t.on_target) for t in first.tasks] == [
        (t.key, t.identity, t.on_target) for t in second.tasks
    ]
    for one, two in zip(first.tasks, second.tasks, strict=True):
        assert (one.spills is None) == (two.spills is None)
        assert one.spills is None or one.spills.to_json() == two.spills.to_json()
    for stored in (tmp_path / "o/tables/.index").glob("*.spills.npz"):
        stored.write_text("{")  # damaged: made again
    monkeypatch.undo()
    for module in (identity, kept):
        monkeypatch.setattr(module, "WORTH", 0)
    assert [task.key for task in planned(whole, tmp_path / "o").tasks] == [task.key for task in first.tasks]
