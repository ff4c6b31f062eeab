"""A whole job on a dask cluster: the bits of the serial one, failures by name, and only what is missing is done again."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from emiss import runlist
from emiss.configs.errors import UserError
from emiss.job import attempts
from emiss.job.division import Part
from emiss.job.merge import merge
from emiss.job.outcome import NothingDoneError, Outcome, TasksFailedError
from emiss.job.parts import run_part
from emiss.job.plan import plan
from emiss.job.reduction import FAN
from emiss.job.run import process_runs, run_job
from emiss.job.select import select
from emiss.job.status import status
from emiss.job.survey import SurveyError

pytestmark = pytest.mark.usefixtures("undrawn")

CUTS = """
analysis: weighed
extends: e_to_mu_phi
weights: {nominal: 1.1, variations: {up: 1 + ecal.energy / 7 GeV, down: 0.1}}
"""
RUNS = """
detector: na64e_lfc
analysis: cuts.yaml
calib: demo
samples:
  signal: {role: signal, files: [signal.dat], on_target: 1e12}
  beam: {role: background, files: [beam.dat, beam.root], on_target: 1e9}
"""


@pytest.fixture
def runs(tmp_path, run_files) -> Path:
    for name in ("signal.dat", "beam.dat", "beam.root"):
        shutil.copy(run_files[name], tmp_path / name)
    (tmp_path / "cuts.yaml").write_text(CUTS)
    (tmp_path / "runs.yaml").write_text(RUNS)
    return tmp_path / "runs.yaml"


def bits(outcome: Outcome) -> list[object]:
    """All numbers of a result, as text that tells every bit."""
    cutflow = outcome.cutflow.to_json()
    del cutflow["provenance"]
    histograms = [
        (sample, str(key), filled.undefined, filled.hist.view(flow=True).tobytes())
        for sample, found in outcome.result.histograms.items()
        for key, filled in found.items()
    ]
    return [json.dumps(cutflow), histograms]


def test_every_way_of_running_a_job_gives_the_same_bits(runs, pool, tmp_path):
    runs.write_text(RUNS.replace("beam.dat, ", "").replace("signal.dat", "signal.dat, beam.dat"))
    listed = runlist.load(runs)

    def planned(name: str, executor="serial"):
        return plan(listed, tmp_path / name, task_entries=33, table_suffix=".parquet", executor=executor)

    job = planned("dask", pool)
    assert sum(task.sample.name == "signal" for task in job.tasks) > FAN  # else every sum is a plain one
    steps = []
    on_dask = run_job(job, tmp_path / "dask", executor=pool, progress=steps.append)
    assert (on_dask.failures, on_dask.reused, sum(steps)) == ((), 0, job.entries)
    expected = bits(on_dask)
    serial = run_job(planned("serial"), tmp_path / "serial")
    assert bits(serial) == expected
    shutil.copytree(tmp_path / "serial", tmp_path / "parts")
    again = run_job(job, tmp_path / "dask", executor=pool)
    assert (bits(again), again.reused) == (expected, len(job.tasks))
    for number in (1, 2):
        run_part(planned("parts"), Part(2, number), tmp_path / "parts")
    assert bits(merge([tmp_path / "parts"])) == expected
    assert bits(select([tmp_path / "dask"], job.analysis, None, fill=True)) == expected


def test_what_fails_is_named_the_rest_is_done_and_the_next_call_does_what_is_missing(runs, pool, tmp_path, caplog):
    out = tmp_path / "out"
    job = plan(runlist.load(runs), out, executor=pool)
    good = (tmp_path / "beam.root").read_bytes()
    (tmp_path / "beam.root").write_bytes(good[:-100])
    first = run_job(job, out, executor=pool)
    assert len(first.failures) == 1
    assert "beam.root entries 0-300: " in first.failures[0]
    assert "(worker tcp://" in first.failures[0]
    assert first.failures[0] in caplog.text
    samples = first.cutflow.samples
    assert (samples["beam"].partial, samples["signal"].partial) == (True, False)
    assert samples["beam"].on_target < 1e9
    said = str(TasksFailedError(first.failures))
    assert "1 tasks could not be done" in said
    assert status(out).failures == first.failures
    assert not status(out).complete
    (tmp_path / "beam.root").write_bytes(good)
    second = run_job(plan(runlist.load(runs), out, executor=pool), out, executor=pool)
    assert (second.failures, second.reused) == ((), 2)
    assert status(out).complete
    assert bits(second) == bits(run_job(plan(runlist.load(runs), out), out))


def test_a_failure_of_a_blinded_sample_does_not_tell_how_many_events_there_are(runs, pool, tmp_path, caplog):
    runs.write_text(RUNS.replace("beam: {role: background", "beam: {role: data"))
    (tmp_path / "cuts.yaml").write_text(CUTS + "blind: {samples: data, box: e_miss > 20 GeV}\n")
    job = plan(runlist.load(runs), tmp_path / "out", executor=pool)
    (tmp_path / "beam.root").write_bytes((tmp_path / "beam.root").read_bytes()[:-100])
    outcome = run_job(job, tmp_path / "out", executor=pool)
    assert "beam.root: " in outcome.failures[0]
    for said in (outcome.failures[0], caplog.text):
        assert "entries" not in said
        assert "300" not in said
    assert outcome.cutflow.samples["beam"].on_target is None


def test_a_sample_of_which_nothing_could_be_done_is_told(runs, pool, tmp_path):
    out = tmp_path / "out"
    job = plan(runlist.load(runs), out, executor=pool)
    for name in ("beam.dat", "beam.root"):
        (tmp_path / name).unlink()
    outcome = run_job(job, out, executor=pool)
    assert list(outcome.cutflow.samples) == ["signal"]
    assert len(outcome.failures) == 2
    assert "sample beam: none of its tasks could be done, it is left out" in outcome.remarks


def test_a_config_that_was_changed_meanwhile_is_refused_by_name(runs, pool, tmp_path):
    out = tmp_path / "out"
    job = plan(runlist.load(runs), out, executor=pool)
    (tmp_path / "cuts.yaml").write_text(CUTS.replace("1.1", "1.2"))
    with pytest.raises(NothingDoneError, match=r"not the configs here that the job was planned with: cuts\.yaml"):
        run_job(job, out, executor=pool)
    assert not (out / "cutflow.json").exists()
    job = plan(runlist.load(runs), out, executor=pool)
    other = tuple((name, "0" if name == "constants demo" else said) for name, said in job.setup.content)
    with pytest.raises(NothingDoneError, match=r"planned with: constants demo \(on "):
        run_job(replace(job, setup=replace(job.setup, content=other)), out, executor=pool)


def test_a_config_that_ships_is_found_wherever_emiss_is_installed(runs, pool, tmp_path):
    job = plan(runlist.load(runs), tmp_path / "out", executor=pool)
    shipped = job.setup.shipped

    def elsewhere(path: Path) -> Path:
        return Path("/elsewhere/configs") / path.relative_to(shipped)

    setup = replace(
        job.setup,
        detector=elsewhere(job.setup.detector),
        calib=elsewhere(job.setup.calib),
        shipped=Path("/elsewhere/configs"),
    )
    outcome = run_job(replace(job, setup=setup), tmp_path / "out", executor=pool)
    assert outcome.failures == ()


def test_mistakes_in_files_are_told_as_always_and_trouble_of_workers_by_its_name(runs, pool, tmp_path, monkeypatch):
    (tmp_path / "beam.dat").write_bytes(b"no run file" * 100)
    (tmp_path / "signal.dat").write_bytes(b"")
    with pytest.raises(UserError) as raised:
        plan(runlist.load(runs), tmp_path / "out", executor=pool)
    assert {Path(error.at.file).name for error in raised.value.errors} == {"beam.dat", "signal.dat"}
    monkeypatch.setattr(attempts, "identity", lambda: {"emiss": "0.0.1"})
    with pytest.raises(SurveyError, match=r"3 of 3 files could not be looked at\n.*signal\.dat: this worker has emiss"):
        plan(runlist.load(runs), tmp_path / "out", executor=pool)


def test_a_part_is_not_for_a_cluster(runs, pool, tmp_path):
    job = plan(runlist.load(runs), tmp_path / "out", executor=pool)
    with pytest.raises(UserError, match="parts are for batch systems"):
        run_part(job, Part(2, 1), tmp_path / "out", executor=pool)


def test_options_that_do_not_go_together(runs, cli, tmp_path, monkeypatch):
    out = ["--out", tmp_path / "o"]
    for options, said in (
        (["--scheduler", "tcp://127.0.0.1:9"], "--scheduler is for --executor dask"),
        (["--executor", "dask", "--scheduler", "x", "--workers", "2"], "give one of them"),
        (["--executor", "dask", "--part", "1/2"], "parts are for batch systems without dask"),
    ):
        done = cli("process", runs, *options, *out)
        assert done.code == 2
        assert said in done.err
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UserError, match=r"dask is not installed; pip install 'emiss\[dask\]'"):
        process_runs(runs, tmp_path / "o", executor="dask")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_client_that_is_ended_leaves_no_worker_and_the_next_call_goes_on(runs, tmp_path, cli, how):
    out = tmp_path / "out"
    (tmp_path / "runs.yaml").write_text(RUNS + "cluster: {kind: local, workers: 1, retries: 0}\n")
    command = [sys.executable, "-m", "emiss", "process", str(runs), "--executor", "dask", "--out", str(out)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        last = time.monotonic() + 100
        while not _tables(out) and process.poll() is None and time.monotonic() < last:
            time.sleep(0.02)
        process.send_signal(how)
        said = process.stderr.read()
    assert process.returncode == (-signal.SIGKILL if how == signal.SIGKILL else 130)
    assert how == signal.SIGKILL or said.strip().splitlines()[-1] == "interrupted by SIGINT"
    last = time.monotonic() + 30
    while _in_session(process.pid) and time.monotonic() < last:
        time.sleep(0.1)
    assert _in_session(process.pid) == []
    made = len(_tables(out))
    assert made >= 1
    again = cli("process", runs, "--out", out)
    assert again.code == 0
    assert f"{made} stored tables used again" in again.out


def _tables(out: Path) -> list[Path]:
    """The tables that are whole."""
    return [path for path in out.glob("tables/*/*.parquet") if path.name[0] != "."]


def _in_session(session: int) -> list[int]:
    """The processes of a session that run."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found
