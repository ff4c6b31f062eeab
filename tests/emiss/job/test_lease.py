"""Locks on servers: one owner at a time, and no lock outlives its owner for long."""

from __future__ import annotations

import json
import os
import platform
import time

import pytest

from emiss.configs.errors import UserError
from emiss.events.remote.path import RemotePath
from emiss.events.remote.writing import write
from emiss.job import lease, lock
from emiss.job.lease import Taken, held, holder

OWNER = {"host": platform.node(), "process": os.getpid(), "since": "now", "command": "emiss process"}


@pytest.fixture
def folder(s3) -> RemotePath:
    return RemotePath(s3) / "out" / "tables"


def test_one_at_a_time(folder):
    path = folder / ".lock"
    with held(path, OWNER):
        with pytest.raises(Taken) as raised, held(path, OWNER):
            pass
        assert raised.value.owner["process"] == os.getpid()
        assert holder(path)["command"] == "emiss process"
    assert not path.exists()


def test_a_lock_that_nobody_renews_is_taken(folder, monkeypatch):
    path = folder / ".lock"
    monkeypatch.setattr(lease, "SETTLED", 0.01)
    left = {**OWNER, "host": "elsewhere", "token": "x"}
    write(path.address, json.dumps({**left, "renewed": time.time() - lease.LEASE / 2}).encode())
    with pytest.raises(Taken), held(path, OWNER):
        pass
    write(path.address, json.dumps({**left, "renewed": time.time() - lease.LEASE - 1}).encode())
    with held(path, OWNER):
        assert holder(path)["host"] == platform.node()
    gone = {**OWNER, "process": 2**22 + 1, "token": "x", "renewed": time.time()}
    write(path.address, json.dumps(gone).encode())  # of a process of this machine that has ended
    assert holder(path) is None


def test_a_lock_is_renewed_while_it_is_held(folder, monkeypatch):
    path = folder / ".lock"
    monkeypatch.setattr(lease, "RENEWED", 0.05)
    with held(path, OWNER):
        first = json.loads(path.read_bytes())["renewed"]
        for _ in range(100):
            if json.loads(path.read_bytes())["renewed"] > first:
                break
            time.sleep(0.05)
        assert json.loads(path.read_bytes())["renewed"] > first


def test_jobs_and_parts_keep_each_other_out(folder):
    other = folder / ".parts" / "001-of-002.lock"
    away = {**OWNER, "host": "elsewhere", "process": 7, "token": "x", "renewed": time.time()}
    with lock.locked(folder):
        assert [owner.process for owner in lock.at_work(folder)] == [os.getpid()]
        with (
            pytest.raises(UserError, match=f"another job is at work here .process {os.getpid()} on"),
            lock.locked(folder),
        ):
            pass
        with pytest.raises(UserError, match="another job is at work here"), lock.locked_part(folder, other):
            pass
    with lock.locked_part(folder, other):
        with pytest.raises(UserError, match="this part is at work here already"), lock.locked_part(folder, other):
            pass
        with lock.locked_part(folder, other.with_name("002-of-002.lock")):
            assert len(lock.at_work(folder)) == 2
    write(other.address, json.dumps(away).encode())
    with pytest.raises(UserError, match=r"another job is at work here .process 7 on elsewhere"), lock.locked(folder):
        pass
    assert not (folder / lock.NAME).exists()
