"""A few faults of each kind that needs no second cluster of processes; ``make faults`` has hundreds of them."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.emiss.faults import cases
from tests.emiss.faults.server import Fault, Server
from tests.emiss.faults.stories import Stage, half_written, state_of

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="forks, and looks at processes in /proc")


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    with Server() as server:
        yield Stage(tmp_path_factory.mktemp("faults"), server, events=25)


@pytest.mark.parametrize("place", [0.5, 0.97])
def test_a_job_that_is_killed_between_two_operations_goes_on(stage, place):
    reference = stage.reference("quick")
    done = stage.server.run(
        stage.folder, *stage.story("quick").command, fault=Fault("kill", at=int(place * reference.operations))
    )
    assert done.code == -9
    cases.check_halves(stage, reference)
    cases.mend(stage, "quick", reference)


def test_a_disk_without_room_is_a_message(stage):
    reference = stage.reference("quick")
    done = stage.server.run(
        stage.folder, *stage.story("quick").command, fault=Fault("full", at=reference.operations // 2)
    )
    assert (done.code, "No space left on device" in done.said) == (2, True)
    assert "Traceback" not in done.said
    cases.check_halves(stage, reference)
    assert not half_written(stage.folder)


def test_a_folder_that_cannot_be_written_is_a_message(stage):
    stage.set()
    stage.folder.chmod(0o555)
    try:
        done = stage.server.run(stage.folder, *stage.story("quick").command, fault=Fault("user"))
    finally:
        stage.folder.chmod(0o755)
    assert (done.code, "permission" in done.said) == (2, True)
    assert not (stage.folder / "out").exists()


def test_a_clock_that_jumps_changes_nothing(stage, monkeypatch):
    monkeypatch.setattr(cases, "STORIES", {"quick": stage.story("quick")})
    assert cases.clock_moves(stage, random.Random(3)) == "quick: the same"


def test_a_file_that_is_replaced_while_it_is_read_is_told(stage):
    reference = stage.reference("quick")
    path = stage.folder / "beam.dat"
    (stage.folder / "beam.dat.other").write_bytes(stage.other("beam.dat").read_bytes())
    fault = Fault("replace", at=reference.operations // 3, path=str(path))
    done = stage.server.run(stage.folder, *stage.story("quick").command, fault=fault)
    assert (done.code, "since the job was planned; nothing of it is counted" in done.said) == (2, True)
    assert not (stage.folder / "out/cutflow.json").exists()


def test_what_is_half_written_is_seen(stage):
    reference = stage.reference("quick")
    stage.do(stage.story("quick").command)
    table = next((stage.folder / "out/tables/signal").glob("*.parquet"))
    table.write_bytes(table.read_bytes()[:-3000])
    with pytest.raises(cases.WrongError, match=table.name):
        cases.check_halves(stage, reference)
    cutflow = stage.folder / "out/cutflow.json"
    assert "cannot be read" not in state_of(stage.folder)["out/cutflow.json"]
    cutflow.write_text(cutflow.read_text()[:-9])
    assert "cannot be read" in state_of(stage.folder)["out/cutflow.json"]
