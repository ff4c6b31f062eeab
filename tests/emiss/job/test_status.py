"""How far a job is, read from its folder."""

from __future__ import annotations

import json
import os
import shutil

import pytest

from emiss import runlist
from emiss.configs.errors import UserError
from emiss.job import failures, lock
from emiss.job.plan import plan
from emiss.job.run import run_job
from emiss.job.status import SampleStatus, Status, status
from emiss.job.work import Failure

RUNS = """\
detector: na64e_lfc
analysis: e_to_mu_phi
calib: demo
samples:
  signal: {role: signal, files: [signal.dat], on_target: 1e12}
  beam: {role: background, files: [beam.dat], on_target: 300}
"""
pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.fixture
def done(tmp_path, run_files):
    for name in ("signal.dat", "beam.dat"):
        shutil.copy(run_files[name], tmp_path / name)
    (tmp_path / "runs.yaml").write_text(RUNS)
    out = tmp_path / "out"
    run_job(plan(runlist.load(tmp_path / "runs.yaml"), out, task_entries=152), out)
    return out


def test_a_job_that_is_done_and_one_of_which_something_is_missing(done, cli):
    found = status(done)
    assert found.complete
    assert found.samples["beam"] == SampleStatus(2, 2, 0, 304, 304, hidden=False)
    assert (found.at_work, found.failures, found.rate) == ([], (), None)
    assert status(done / "tables").complete
    said = cli("status", done)
    assert said.code == 0
    assert said.out.splitlines()[-1] == "complete"

    tables = sorted((done / "tables" / "beam").glob("*.parquet"))
    tables[0].unlink()
    shutil.copy(next((done / "tables" / "signal").glob("*.parquet")), tables[1])  # made of something else
    found = status(done)
    assert not found.complete
    assert found.samples["beam"] == SampleStatus(2, 0, 1, 304, 0, hidden=False)
    assert found.samples["beam"].missing == 1
    assert found.samples["signal"].complete
    said = cli("status", done)
    assert said.code == 3
    assert "not complete; the same 'emiss process' does what is missing" in said.out
    said = cli("status", done, "--json")
    assert said.code == 3
    told = json.loads(said.out)
    assert (told["complete"], told["samples"]["beam"]["missing"]) == (False, 1)


def test_who_is_at_work_and_what_failed(done, cli):
    failures.save(done / "tables", [Failure("a.dat entries 0-9", "tcp://there:1", "a bug", "Traceback")])
    for table in (done / "tables").rglob("*.parquet"):
        os.utime(table, (1e9, 1e9))
    with lock.locked(done / "tables"):
        found = status(done)
        said = cli("status", done)
    assert found.at_work[0].command
    assert found.rate == 0.0
    assert found.remaining is None
    assert "at work: process " in said.out
    assert "failed: a.dat entries 0-9: a bug (worker tcp://there:1)" in said.err
    assert said.code == 3
    (done / "tables" / failures.NAME).write_text("[]")  # none of ours
    assert failures.load(done / "tables") == ()
    failures.save(done / "tables", [])
    assert status(done).complete
    assert status(done).at_work == []


def test_what_remains_follows_from_the_rate():
    half = SampleStatus(4, 2, 0, 100, 60, hidden=False)
    assert Status({"a": half}, [], (), 8.0).remaining == 5.0
    sealed = SampleStatus(4, 2, 0, 100, 60, hidden=True)
    assert Status({"a": half, "b": sealed}, [], (), 8.0).remaining is None


def test_of_a_blinded_sample_nothing_is_told_but_whether_it_is_there(done, cli):
    (done.parent / "runs.yaml").write_text(RUNS.replace("beam: {role: background", "beam: {role: data"))
    (done.parent / "cuts.yaml").write_text(
        "analysis: sealed\nextends: e_to_mu_phi\nblind: {samples: [beam], box: e_miss > 20 GeV}\n"
    )
    (done.parent / "runs.yaml").write_text((done.parent / "runs.yaml").read_text().replace("e_to_mu_phi", "cuts.yaml"))
    run_job(plan(runlist.load(done.parent / "runs.yaml"), done, task_entries=152), done)
    beam = next(line for line in cli("status", done).out.splitlines() if line.split()[:1] == ["beam"])
    assert beam.split() == ["beam", "blinded", "all"]
    next((done / "tables" / "beam").glob("*.parquet")).unlink()
    beam = next(line for line in cli("status", done).out.splitlines() if line.split()[:1] == ["beam"])
    assert beam.split() == ["beam", "blinded", "not", "all"]


def test_no_job(tmp_path):
    with pytest.raises(UserError, match="no job has begun here"):
        status(tmp_path)
