"""Work on a dask cluster: sums are those of one process, and what fails is named and takes nothing along."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time

import pytest

from emiss.configs.cluster import Address
from emiss.configs.errors import UserError
from emiss.job import attempts, clusters
from emiss.job import distributed as on_dask
from emiss.job.reduction import Reduction
from emiss.job.work import Limits
from tests.emiss.job.works import Tenths, plain_sum


def serial(count: int, without: frozenset[int] = frozenset()) -> float:
    reduction = Reduction(count, plain_sum)
    for i in range(count):
        reduction.put(i, None if i in without else i * 0.1)
    return reduction.result()


def do(client, work, count: int, **options):
    limits = Limits(**{"stall": 60.0, **options})
    seen = []
    found = on_dask.collect(client, work, range(count), plain_sum, progress=seen.append, limits=limits)
    assert sorted(seen) == list(range(count))
    return found


def test_the_sum_is_that_of_one_process(client):
    found = do(client, Tenths(), 300, window=100)
    assert found.sums == {"": serial(300)}
    assert found.failures == {}


def test_groups_have_sums_of_their_own(client):
    groups = ["even" if i % 2 == 0 else "odd" for i in range(40)]
    found = on_dask.collect(client, Tenths(), range(40), plain_sum, groups)
    assert found.sums == {
        "even": plain_sum(
            [plain_sum([i * 0.1 for i in range(0, 32, 2)]), plain_sum([i * 0.1 for i in (32, 34, 36, 38)])]
        ),
        "odd": plain_sum(
            [plain_sum([i * 0.1 for i in range(1, 33, 2)]), plain_sum([i * 0.1 for i in (33, 35, 37, 39)])]
        ),
    }


def test_one_that_fails_once_is_done_again(client, tmp_path, caplog):
    odd = ((3, "dies once"), (40, "raises once"))
    found = do(client, Tenths(str(tmp_path), odd), 50)
    assert found.failures == {}
    assert found.sums == {"": serial(50)}
    assert {path.name for path in tmp_path.iterdir()} == {"3.tried", "40.tried"}
    assert "40: RuntimeError: a bug" in caplog.text
    assert "in do" in caplog.text


def test_what_fails_for_good_is_named_and_the_rest_is_done(client, tmp_path):
    odd = ((3, "dies"), (17, "wrong"), (40, "raises"))  # the neighbours of the first die with it, again and again
    found = do(client, Tenths(str(tmp_path), odd), 50)
    assert found.sums == {"": serial(50, frozenset({3, 17, 40}))}
    said = found.failures
    assert set(said) == {3, 17, 40}
    assert "the worker died at it" in said[3].why
    assert (said[17].item, said[17].why, said[17].traceback) == ("17", "the file is wrong", "")
    assert said[40].why == "RuntimeError: a bug"
    assert "in do" in said[40].traceback
    assert said[40].worker.startswith("tcp://")


def test_one_that_hangs_is_tried_elsewhere_and_given_up(client, tmp_path):
    odd = ((1, "hangs once"), (5, "hangs"))
    found = do(client, Tenths(str(tmp_path), odd), 8, stall=1.0, retries=1)
    assert set(found.failures) == {5}
    assert found.failures[5].why == "did not end within 1 s"
    assert found.sums == {"": serial(8, frozenset({5}))}


def test_results_that_are_lost_with_their_workers_are_made_again(client, tmp_path):
    seen = []

    def kill_all(item: int) -> None:
        seen.append(item)
        if len(seen) == 30:
            client.restart(wait_for_workers=False)

    found = on_dask.collect(client, Tenths(), range(40), plain_sum, progress=kill_all)  # as one restarts them by hand
    assert found.sums == {"": serial(40)}
    seen.clear()

    def kill_holders(item: int) -> None:
        seen.append(item)
        if len(seen) == 30:
            client.run(_leave, on_error="ignore", wait=False)

    found = on_dask.collect(client, Tenths(), range(40), plain_sum, progress=kill_holders)
    assert found.sums == {"": serial(40)}


def _leave() -> None:
    os._exit(1)


def test_nothing_done(client, tmp_path):
    found = do(client, Tenths(str(tmp_path), ((0, "wrong"),)), 1)
    assert found.sums == {"": None}
    assert [failure.item for failure in found.failures.values()] == ["0"]
    assert on_dask.collect(client, Tenths(), range(0), plain_sum).sums == {}


def test_other_workers_are_refused_by_name(client, monkeypatch):
    on_dask.check_workers(client)
    ours = {"emiss": "0.0.1 (code x)", "numpy": "1.0", "plug-in glass": "lab 2"}
    for module in (on_dask, attempts):
        monkeypatch.setattr(module, "identity", lambda: ours)
    with pytest.raises(UserError) as raised:
        on_dask.check_workers(client)
    said = str(raised.value)
    assert re.search(r"worker tcp://127\.0\.0\.1:\d+ has emiss .*, and not 0\.0\.1 \(code x\)", said)
    assert "has plug-in glass missing, and not lab 2" in said
    # one that comes later says so itself
    found = on_dask.collect(client, Tenths(), range(2), plain_sum)
    assert "this worker has" in found.failures[0].why


def test_a_scheduler_that_is_not_there(monkeypatch):
    monkeypatch.setattr(Limits, "gone", 0.5)
    with (
        pytest.raises(UserError, match=r"no dask scheduler at tcp://127\.0\.0\.1:9"),
        clusters.client_of(Address(kind="address", scheduler="tcp://127.0.0.1:9")),
    ):
        pass


def test_a_scheduler_that_goes_away(tmp_path):
    file = tmp_path / "scheduler.json"
    options = ["--port", "0", "--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(file)]
    with subprocess.Popen(
        [sys.executable, "-m", "distributed.cli.dask_scheduler", *options], stderr=subprocess.DEVNULL
    ) as scheduler:
        try:
            last = time.monotonic() + 60
            while not file.exists() and time.monotonic() < last:
                time.sleep(0.05)
            with clusters.client_of(Address(kind="address", scheduler=str(file))) as client:
                threading.Timer(1.0, scheduler.kill).start()
                with pytest.raises(on_dask.SchedulerGoneError, match="5 of 5 tasks were not done"):
                    on_dask.collect(client, Tenths(), range(5), plain_sum, limits=Limits(gone=1.0))
        finally:
            scheduler.kill()
