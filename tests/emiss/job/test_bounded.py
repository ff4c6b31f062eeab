"""What a job holds does not grow with what its files hold, and what it does for a task not with the number of tasks.

`benchmarks.memory` has the same at full size.
"""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.made_up import Shape, no_events, plan_of
from emiss.configs.errors import UserError
from emiss.events.files import atomic
from emiss.job import parked
from emiss.job.division import Part
from emiss.job.parts import run_part
from emiss.job.reduction import Reduction
from emiss.job.run import run_job
from emiss.reco.quality import event_numbers
from emiss.reco.quality.event_numbers import Held, Numbers, Together

ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.usefixtures("undrawn")


PLANS = """
import pickle, sys, tracemalloc
from pathlib import Path
from benchmarks.made_up import Shape, plan_of

folder = Path(sys.argv[1])

def planned(name, files, entries, **options):
    tracemalloc.start()
    job = plan_of(folder / name, files, Shape(entries=entries), **options)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak, len(job.tasks), len(pickle.dumps(job.tasks[0]))

planned("warm", 2, 1000)
for name, files, entries in (("small", 10, 2000), ("large", 60, 2000), ("longer", 10, 20_000)):
    print(*planned(name, files, entries, task_entries=entries // 2))
"""
"""Prints the most bytes that a plan holds, its tasks, and the bytes of one of them."""


def test_a_plan_holds_kilobytes_per_file_however_long_files_are_and_travels_in_them(tmp_path):
    # a process of its own: threads that other tests have left behind may hold something, too
    done = subprocess.run(
        [sys.executable, "-c", PLANS, str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    small, large, longer = (tuple(map(int, line.split())) for line in done.stdout.splitlines())
    assert (large[0] - small[0]) / 50 < 20e3
    assert longer[0] - small[0] < 4e6  # the index of one file and no more, and not ten times 18 000 rows
    assert (small[1], longer[1]) == (20, 20)
    # a task does not carry the files of its sample
    assert max(small[2], large[2], longer[2]) < 4000


def test_numbers_of_event_builders_are_parked_and_come_back(tmp_path, monkeypatch):
    monkeypatch.setattr(parked, "MOST", 10)
    shape = Shape(entries=500, files_of_run=16, builders=4)
    job = plan_of(tmp_path, 16, shape, task_entries=250)
    assert job.remarks == ()  # together they have every number once
    spread = plan_of(tmp_path / "one", 4, Shape(entries=500, files_of_run=4, builders=1))
    assert all(len(task.numbers) <= 10 for task in (*job.tasks, *spread.tasks))
    # a run of which one builder's files are there: what is missing is not one range
    alone = plan_of(tmp_path / "alone", 4, Shape(entries=500, files_of_run=16, builders=16))
    stored = {task.numbers for task in alone.tasks}
    assert all(isinstance(known, parked.Parked) for known in stored)
    context = alone.tasks[0].context
    own = Numbers(Held.of(np.full(500, 4001), 16 * np.arange(500) + 1), Held())
    assert not set(own.held.low.tolist()) - set(context.numbers.held.low.tolist()) - {own.held.low[0]}
    (first, *_) = stored
    first.path.write_bytes(first.path.read_bytes()[:-50])
    with pytest.raises(UserError, match="run the same command again"):
        first.load()
    with pytest.raises(UserError, match="cannot be read"):
        parked.Parked(tmp_path / "nothing", "0").load()


numbers = st.lists(st.sets(st.tuples(st.integers(1, 3), st.integers(0, 30)), max_size=20), max_size=8)


@given(numbers, st.integers(1, 6), st.integers(1, 4))
def test_numbers_put_together_bit_by_bit_are_those_of_sets(files, at_once, many):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(event_numbers, "AT_ONCE", at_once)
        patch.setattr(event_numbers, "MANY", many)
        patch.setattr(event_numbers, "SHARED", 1.0)
        parts = [Numbers(Held.of(*np.array(sorted(one), np.int64).reshape(-1, 2).T), Held()) for one in files]
        found = Together.of(parts)
    union = set().union(*files) if files else set()
    twice = {item for item in union if sum(item in one for one in files) > 1}
    assert sum(found.numbers.held.count().values()) == len(union)
    assert sum(found.twice.values()) == len(twice)
    assert all(high + 1 < low for high, low in pairwise_of(found.numbers.held))


def pairwise_of(held: Held) -> list[tuple[int, int]]:
    ends = zip(held.low.tolist(), held.high.tolist(), strict=True)
    return [(before[1], after[0]) for before, after in pairwise(ends)]


def test_a_part_holds_no_more_the_more_tasks_it_has(tmp_path, monkeypatch):
    job = plan_of(tmp_path, 40, Shape(entries=1000), task_entries=50)
    most = 0
    put = Reduction.put

    def watched(self, number, part):
        nonlocal most
        put(self, number, part)
        there = (item for level in self._held for parts in level.values() for item in parts.values())
        most = max(most, sum(item is not None for item in there))

    monkeypatch.setattr(Reduction, "put", watched)
    with no_events():
        outcome = run_part(job, Part(20, 3), tmp_path / "out")
    assert sum(len(task) for task in outcome.cutflow.samples["beam"].coverage.values()) == 40
    assert most <= 2 * 16  # and not 40, of which no two are of one node


def test_the_work_for_a_task_does_not_grow_with_the_number_of_tasks(tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(atomic.Path, "write_bytes", lambda self, data: written.append(len(data)) or self.touch())
    sizes = []
    for files in (10, 40):
        written.clear()
        job = plan_of(tmp_path / str(files), files, Shape(entries=1000), task_entries=100)
        with no_events():
            run_job(job, tmp_path / str(files) / "out")
        sizes.append(sum(written) / len(job.tasks))
    assert sizes[1] < sizes[0]  # the manifest is not written again with each task


def test_a_file_that_is_known_is_not_opened_again_and_parts_begin_with_different_files(
    tmp_path, run_files, monkeypatch
):
    from emiss import runlist
    from emiss.events.files import identity
    from emiss.job import kept, kept_surveys, plan
    from emiss.job.source import DetectorSource

    for module in (identity, kept, kept_surveys):
        monkeypatch.setattr(module, "WORTH", 0)
    files = []
    for name in ("muon.dat", "beam.dat", "beam.root"):
        shutil.copy(run_files[name], tmp_path / name)
        files.append(str(tmp_path / name))
    opened = []
    real = DetectorSource.open
    monkeypatch.setattr(
        DetectorSource, "open", lambda self, path, *more: opened.append(path.name) or real(self, path, *more)
    )

    def planned(**options):
        opened.clear()
        runs = runlist.from_files(files, detector="na64e_lfc", analysis="e_to_mu_phi", calib="demo")
        return plan.plan(runs, tmp_path / "out", task_entries=options.pop("task_entries", 100), **options)

    first = planned(begin=0.4)
    assert opened == ["beam.dat", "beam.root", "muon.dat"]
    again = planned()
    assert opened == []
    assert pickle.dumps([t.key for t in again.tasks]) == pickle.dumps([t.key for t in first.tasks])
    assert again.manifest.samples == first.manifest.samples
    assert (again.inputs, again.remarks, again.payloads) == (first.inputs, first.remarks, first.payloads)
    for one, two in zip(first.tasks, again.tasks, strict=True):
        assert (one.stamp, one.grows, one.on_target) == (two.stamp, two.grows, two.on_target)
        assert (one.context is None) == (two.context is None)
        assert one.context is None or one.context.to_json() == two.context.to_json()
    assert len(planned(task_entries=50).tasks) > len(first.tasks)
    assert len(opened) == 3
    os.utime(files[0], (1, 1))
    planned()
    assert opened == ["muon.dat"]
    for stored in (tmp_path / "out/tables/.index").glob("*.survey.json"):
        stored.write_text("{")
    planned()
    assert len(opened) == 3
