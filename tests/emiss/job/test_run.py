"""The job: the same counts in every way of running it, sums that hold, resume, and what bad input is told."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - annotations of fixtures

import numpy as np
import pytest

from emiss import runlist, selection
from emiss.configs.errors import UserError
from emiss.events.files.open import open_table
from emiss.events.table import EventTable
from emiss.job.outcome import Outcome  # noqa: TC001 - annotations of fixtures
from emiss.job.plan import plan
from emiss.job.run import run_job
from emiss.job.select import select
from emiss.selection.report import figures
from emiss.selection.results.cutflow import Cutflow  # noqa: TC001 - annotations of fixtures
from tests.events.files.test_stored import middle_of

RUNS = """\
detector: na64e_lfc
analysis: e_to_mu_phi
calib: demo
samples:
  signal: {role: signal, files: [signal.dat, signal.root], on_target: 1e12}
  beam: {role: background, files: [beam.dat], on_target: 300}
"""


SIGNAL = "  signal: {role: signal, files: [signal.dat, signal.root], on_target: 1e12}\n"


def listed_in(folder: Path, run_files: dict[str, Path]) -> Path:
    for name in ("signal.dat", "signal.root", "beam.dat"):
        shutil.copy(run_files[name], folder / name)
    (folder / "runs.yaml").write_text(RUNS)
    return folder / "runs.yaml"


@pytest.fixture
def runs(tmp_path, run_files) -> Path:
    return listed_in(tmp_path, run_files)


@dataclass(frozen=True)
class Whole:
    """A job that has been done, to be looked at only."""

    runs: Path
    out: Path
    outcome: Outcome


@pytest.fixture(scope="module")
def whole(tmp_path_factory, run_files) -> Whole:
    folder = tmp_path_factory.mktemp("whole")
    runs, out = listed_in(folder, run_files), folder / "o"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures, "svg", lambda _: "<svg></svg>")  # as `undrawn` does in a test
        return Whole(runs, out, run_job(plan(runlist.load(runs), out), out))


def counts(cutflow: Cutflow) -> dict[str, list[tuple[object, ...]]]:
    return {
        f"{name}/{region}/{variation}": [
            (row.name, row.sequential, row.undefined, row.individual, row.n_minus_1, row.only_failed) for row in rows
        ]
        for name, sample in cutflow.samples.items()
        for region, variations in sample.regions.items()
        for variation, rows in variations.items()
    }


def numbers(cutflow: Cutflow) -> list[tuple[str, int]]:
    return [(key, row[1].n) for key, rows in counts(cutflow).items() for row in rows]


def test_counts_are_the_same_for_any_batch_task_and_executor(whole, tmp_path):
    listed, made, whole = runlist.load(whole.runs), whole.out, whole.outcome.cutflow
    assert whole.samples["signal"].ledger.read == 304 + 300
    assert whole.samples["signal"].on_target == 1e12
    small = run_job(plan(listed, tmp_path / "b", batch=41, task_entries=100), tmp_path / "b").cutflow
    assert numbers(small) == numbers(whole)
    for (_, a), (_, b) in zip(counts(small).items(), counts(whole).items(), strict=True):
        for row_a, row_b in zip(a, b, strict=True):
            assert row_a[1].sum_w == pytest.approx(row_b[1].sum_w, rel=1e-12)
    spread = run_job(plan(listed, tmp_path / "c"), tmp_path / "c", executor="processes", workers=2).cutflow
    assert counts(spread) == counts(whole)
    again = select([made], selection.load("e_to_mu_phi"), None).cutflow
    assert numbers(again) == numbers(whole)
    assert {n: s.ledger for n, s in again.samples.items()} == {n: s.ledger for n, s in whole.samples.items()}
    assert again.samples["signal"].on_target == pytest.approx(1e12, rel=1e-12)


def test_a_finished_table_is_used_again_and_a_changed_cut_counts_anew(runs, tmp_path):
    listed = runlist.load(runs)
    first = run_job(plan(listed, tmp_path / "o"), tmp_path / "o")
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "o" / "tables").rglob("*.parquet")}
    assert len(times) == 3
    second = run_job(plan(listed, tmp_path / "o", overrides={"e_miss_min": "60 GeV"}), tmp_path / "o")
    assert (first.reused, second.reused) == (0, 3)
    assert {path: path.stat().st_mtime_ns for path in times} == times
    assert numbers(second.cutflow) != numbers(first.cutflow)
    assert numbers(second.cutflow)[:4] == numbers(first.cutflow)[:4]
    # another input under the same name is not taken for the old one
    shutil.copy(runs.parent / "beam.dat", runs.parent / "signal.dat")
    third = run_job(plan(runlist.load(runs), tmp_path / "o"), tmp_path / "o")
    assert third.reused == 2


@pytest.mark.parametrize("suffix", [".root", ".parquet"])
def test_a_stored_table_that_was_damaged_is_made_again(runs, tmp_path, suffix):
    runs.write_text(RUNS.replace(SIGNAL, ""))
    listed = runlist.load(runs)
    first = run_job(plan(listed, tmp_path / "o", table_suffix=suffix), tmp_path / "o").cutflow
    table = next((tmp_path / "o" / "tables" / "beam").glob(f"*{suffix}"))
    raw = bytearray(table.read_bytes())
    raw[middle_of(table, "ecal.energy")] ^= 1  # in the values: the metadata stay whole
    table.write_bytes(raw)
    again = run_job(plan(listed, tmp_path / "o", table_suffix=suffix), tmp_path / "o").cutflow
    assert numbers(again) == numbers(first)
    assert bytes(raw) != table.read_bytes()
    assert len(EventTable.concatenate(list(open_table(table).batches()))) == 300


def test_a_part_is_normalised_to_its_part(runs, whole, tmp_path):
    job = plan(runlist.load(runs), tmp_path / "p", max_events=104)
    cutflow = run_job(job, tmp_path / "p").cutflow
    assert cutflow.samples["beam"].partial
    physics = cutflow.samples["beam"].ledger.passed
    assert cutflow.samples["beam"].on_target == pytest.approx(physics)
    with pytest.raises(UserError, match="counted twice"):
        _ = cutflow + whole.outcome.cutflow


def test_reports_are_written(whole):
    out = whole.out
    assert {path.suffix for path in whole.outcome.reports} >= {".json", ".csv", ".md", ".html"}
    data = json.loads((out / "cutflow.json").read_text())
    assert data["schema"] == "emiss.cutflow/1"
    assert data["provenance"]["inputs"][0]["path"].endswith("signal.dat")
    with (out / "cutflow.csv").open() as file:
        assert {row["sample"] for row in csv.DictReader(file)} == {"signal", "beam"}
    assert "<script" not in (out / "cutflow.html").read_text()


def test_a_truncated_file_gives_its_good_events_and_is_named(runs, tmp_path):
    path = runs.parent / "beam.dat"
    path.write_bytes(path.read_bytes()[:-100])
    job = plan(runlist.load(runs), tmp_path / "o")
    outcome = run_job(job, tmp_path / "o")
    ledger = outcome.cutflow.samples["beam"].ledger
    assert sum(ledger.lost.values()) == 1
    assert ledger.passed >= 299
    assert any("beam.dat" in line and "raw.truncated" in line for line in outcome.losses)


def test_bad_spills_and_other_runs_are_excluded_and_counted(runs, tmp_path):
    (runs.parent / "bad.yaml").write_text("bad_spills:\n  - {run: 6101, spills: 2, why: beam lost}\n")
    text = RUNS.replace("calib: demo", "calib: demo\nquality: bad.yaml")
    runs.write_text(text.replace("on_target: 300", "on_target: 300, runs: 1-10"))
    outcome = run_job(plan(runlist.load(runs), tmp_path / "o"), tmp_path / "o")
    signal, beam = (outcome.cutflow.samples[name].ledger for name in ("signal", "beam"))
    assert signal.excluded == {"bad_spill": 100}
    assert beam.excluded == {"other_run": 300}
    assert signal.check().passed == 500
    # what is excluded stands for no particles on target, as a number or spill by spill
    assert outcome.cutflow.samples["signal"].on_target == pytest.approx(1e12 * 500 / 600)
    assert outcome.cutflow.samples["beam"].on_target is None
    rows = "".join(f"6101, {spill}, {1e11 * spill}\n" for spill in range(1, 9))
    (runs.parent / "eot.csv").write_text("run, spill, on_target\n" + rows)
    runs.write_text(text.replace("on_target: 1e12", "on_target: {from: eot.csv}"))
    from_table = run_job(plan(runlist.load(runs), tmp_path / "t"), tmp_path / "t").cutflow.samples["signal"]
    spills = {1, 2} - {2}
    assert from_table.on_target == pytest.approx(sum(1e11 * spill for spill in spills))


def test_particles_on_target_from_a_table(runs, tmp_path):
    (runs.parent / "eot.csv").write_text(
        "run,spill,on_target,live_fraction\n6105,1,1000,0.5\n6105,2,200,1\n6105,3,7,1\n"
    )
    runs.write_text(RUNS.replace("on_target: 300", "on_target: {from: eot.csv}"))
    job = plan(runlist.load(runs), tmp_path / "o")
    assert sum(t.on_target for t in job.tasks if t.sample.name == "beam") == pytest.approx(700.0)
    (runs.parent / "eot.csv").write_text("run,spill,on_target\n6105,1,1000\n")
    with pytest.raises(UserError, match=r"eot\.csv: no row for run 6105 spill 2"):
        plan(runlist.load(runs), tmp_path / "o")


def emiss(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "emiss", *map(str, arguments)], capture_output=True, text=True, check=False, cwd=cwd
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("calib: demo", "calip: demo"), "runs.yaml:3:1: unknown key 'calip' (at /calip); did you mean 'calib'"),
        (("[beam.dat]", "[bean.dat]"), "runs.yaml:6:36: no file matches 'bean.dat'"),
        (("analysis: e_to_mu_phi", "analysis: cuts.yaml"), "cuts.yaml:4:14: "),
        (("calib: demo", "calib: broken"), "run 6101"),
        (("on_target: 300", "on_target: 0"), "must be more than 0"),
        (("[beam.dat]", "[runs.yaml]"), "neither a raw run file"),
    ],
)
def test_mistakes_are_one_line_with_exit_code_2_and_touch_nothing(cli, runs, tmp_path, change, says):
    (runs.parent / "cuts.yaml").write_text("analysis: mine\ncuts:\n  - name: a\n    require: ecal.enrgy > 5 GeV\n")
    broken = runs.parent / "broken"
    broken.mkdir()
    (broken / "mip.txt").write_text("type = hcal.mip\nruns = 1-\ncolumns = channel, scale\nunits = -, GeV\n* 2.5\n")
    runs.write_text(RUNS.replace(*change))
    done = cli("process", runs, "--out", tmp_path / "o")
    assert done.code == 2, done.err
    assert says in done.err
    assert "Traceback" not in done.err
    assert not list(tmp_path.glob("o/tables/*"))


def test_too_much_loss_is_exit_code_3_after_saving(cli, runs, tmp_path):
    path = runs.parent / "beam.dat"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 60])
    done = cli("process", runs, "--out", tmp_path / "o", "--quiet")
    assert done.code == 3, done.err
    assert "beam.dat: of" in done.err
    assert "sample beam:" in done.err
    assert (tmp_path / "o" / "cutflow.json").is_file()


def test_the_commands_as_a_user_types_them(cli, runs, tmp_path, run_files):
    done = cli("process", runs, "--out", tmp_path / "o", "--tables", "parquet")
    assert done.code == 0, done.err
    for word in ("single_track", "missing_energy", "signal", "beam"):
        assert word in done.out
    done = cli("select", tmp_path / "o", "--set", "e_miss_min=25GeV", "--detail")
    assert done.code == 0, done.err
    assert "missing_energy" in done.out
    done = cli("select", tmp_path / "o", "--set", "e_mis_min=25GeV")
    assert done.code == 2
    assert "e_miss_min" in done.err
    done = cli("check", runs, run_files["signal.dat"], run_files["signal.root"])
    assert done.code == 0, done.err
    assert "304 events of run 6101" in done.out
    done = cli("dump", run_files["signal.dat"], "--events", "2:3", "--json")
    assert json.loads(done.out.splitlines()[0])["run"] == 6101
    done = cli("columns")
    assert "ecal.energy" in done.out
    assert "GeV" in done.out
    done = cli("show", run_files["signal.dat"], "--event", "3", "--out", tmp_path / "e.png")
    assert done.code == 0, done.err
    assert (tmp_path / "e.png").read_bytes()[:4] == b"\x89PNG"
    assert "emiss 0" in emiss("--version").stdout


def test_help_has_an_example_for_every_command_and_starts_fast(cli):
    listed = emiss("--help").stdout
    for command in (
        "process",
        "select",
        "simulate",
        "check",
        "dump",
        "show",
        "columns",
        "limit",
        "xsec",
        "constraints",
    ):
        assert command in listed
        text = cli(command, "--help").out
        assert "For example:" in text, command
    heavy = "{'numpy', 'numba', 'scipy', 'uproot', 'matplotlib', 'awkward'}"
    code = f"import sys, emiss.commands.app; print(*({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_a_folder_keeps_the_format_of_its_tables_which_open_in_plain_uproot_or_pyarrow(runs, whole, tmp_path):
    import pyarrow.parquet as pq
    import uproot

    rows = pq.read_table(whole.out / "tables/signal/signal.parquet")
    assert len(rows) == 300
    listed = runlist.load(runs)
    first = run_job(plan(listed, tmp_path / "o", table_suffix=".root"), tmp_path / "o")
    second = run_job(plan(listed, tmp_path / "o"), tmp_path / "o")
    assert (first.reused, second.reused) == (0, 3)
    assert numbers(first.cutflow) == numbers(second.cutflow) == numbers(whole.outcome.cutflow)
    with uproot.open(tmp_path / "o/tables/signal/signal.root") as file:
        tree = file["events"]
        np.testing.assert_array_equal(tree["ecal.energy"].array(library="np"), rows["ecal.energy"].to_numpy())
        assert tree["tracks.p"].array().to_list() == rows["tracks.p"].to_pylist()
        assert tree["ntracks"].array(library="np").sum() == sum(map(len, rows["tracks.p"].to_pylist()))
