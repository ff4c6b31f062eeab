"""`emiss monitor` on the command line: what it says and keeps, its exit codes, a replay, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from emiss.browser import serving
from tests.emiss.monitor.conftest import EVENTS, SPILLS, hurt, run  # noqa: F401 - fixtures


@pytest.fixture
def bad(hurt, tmp_path):  # noqa: F811
    (tmp_path / "bad.dat").write_bytes(hurt)
    return tmp_path / "bad.dat"


def test_once_tells_of_alarms_and_keeps_them(cli, bad, tmp_path):
    out = tmp_path / "kept"
    found = cli("monitor", bad, "--once", "--out", out)
    assert (found.code, found.err) == (4, "")
    lines = found.out.splitlines()
    assert lines[0].split()[:3] == ["time", "run/spill", "events"]
    assert lines[1].split()[1:5] == ["6105/1", str(EVENTS), "-", "0.0%"]
    assert sum("ALARM 6105/5 spills_missing: 1, limit: above 0" in line for line in lines) == 1
    log = (out / "alarms.log").read_text().splitlines()
    assert lines[-1] == f"{len(log)} alarms"
    assert all(" ALARM run 6105 spill " in line and ", limit: " in line for line in log)
    spills = [json.loads(line) for line in (out / "spills.jsonl").read_text().splitlines()]
    assert [spill["spill"] for spill in spills] == [1, 2, 3, 5, 6, 7]
    again = cli("monitor", bad, "--once", "--json", "--reference", out, "--analysis", "e_to_mu_phi")
    *told, end = map(json.loads, again.out.splitlines())
    assert {one["kind"] for one in told} == {"spill", "alarm"}
    assert end["kind"] == "end"
    assert (
        end["ledger"]["passed"] == end["events"] == sum(one["spill.events"] for one in told if one["kind"] == "spill")
    )
    assert told[0]["cutflow"][0] == {"cut": "all", "n": EVENTS}


def test_a_replay_shows_all_spills_and_ends(cli, run, tmp_path):  # noqa: F811
    (tmp_path / "run.dat").write_bytes(run.data)
    found = cli("monitor", tmp_path / "run.dat", "--replay", "--speed", 400, "--json", "--behind", 0)
    assert found.code == 0, found.err
    *told, end = map(json.loads, found.out.splitlines())
    assert [(one["spill"], one["spill.events"]) for one in told] == [(n, EVENTS) for n in range(1, SPILLS + 1)]
    assert end["looked_at"] == SPILLS


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((), "the file or folder to be followed is missing"),
        (("none.dat", "--once"), "none.dat: no such file or folder"),
        (("none/none.dat",), "none/none.dat: no such file or folder"),
        ((".", "--replay"), "a file is replayed, and not a folder"),
        (("x", "--rules", "defalt"), "no monitor 'defalt'; did you mean 'default'?"),
        (("x", "--set", "a=3"), "--set is of an analysis"),
        (("pyproject.toml", "--once"), "not a raw run file that can be followed"),
    ],
)
def test_mistakes(cli, given, message):
    found = cli("monitor", *given)
    assert found.code == 2
    assert message in found.err


def test_quantities_are_listed_and_check_knows_the_rules(cli, tmp_path):
    found = cli("monitor", "--quantities", "--json")
    assert json.loads(found.out)["channel.pedestal"]["unit"] == "ADC"
    (tmp_path / "rules.yaml").write_text("monitor: mine\nalarms: [{name: a, value: channel.gan, below: 1}]\n")
    wrong = cli("check", "default", tmp_path / "rules.yaml")
    assert wrong.code == 2
    assert "did you mean 'channel.gain'" in wrong.err
    assert "monitor 'default', 11 alarms" in wrong.out


def test_a_page_is_served_and_what_was_seen_is_said(cli, bad, monkeypatch):
    def once(page, on, ready, stop):
        ready(f"http://127.0.0.1:{on.getsockname()[1]}/token/")
        assert "state" in page.questions["news"]({"serial": None})
        stop.wait(20)

    monkeypatch.setattr(serving, "serve", once)
    monkeypatch.setattr(serving, "has_screen", lambda: False)
    bad.write_bytes(b"no run at all")  # the monitor cannot go on, and so the page ends
    found = cli("monitor", bad)
    assert found.code == 2
    assert "not a raw run file that can be followed" in found.err
    assert found.out.startswith("http://127.0.0.1:")


def test_ctrl_c_ends_it(bad):
    command = [sys.executable, "-m", "emiss", "monitor", bad, "--terminal", "--calib", "demo"]
    env = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "6105/6" in line:
                break
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, "")
    assert out.endswith(" alarms\n")
