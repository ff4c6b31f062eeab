"""Compiling ahead reaches every kernel, and is done once."""

from __future__ import annotations

import json
import subprocess
import sys

from emiss.configs import compiled, compiling
from emiss.job import warm_up

ASK = """
import json
from emiss.configs import compiled
from emiss.job import warm_up

warm_up._all_there = lambda stamp: False  # do it, whoever has done it before
done = []
warm_up.warm_up(progress=done.append)
again = warm_up.warm_up()
print(json.dumps({"uncovered": warm_up.uncovered(), "kernels": len(compiled.KERNELS), "steps": len(done), "again": again}))
"""


def test_every_kernel_is_reached():
    """In a process of its own, as the kernels that other tests have called would count here."""
    done = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, check=True)
    said = json.loads(done.stdout)
    assert said["uncovered"] == []
    assert said["kernels"] > 80
    assert said["steps"] == len(warm_up.STEPS)
    assert said["again"] == 0


def test_a_kernel_that_no_step_calls_is_named(monkeypatch):
    warm_up._import_all()
    monkeypatch.setattr(compiled, "KERNELS", [])
    lonely = compiled.kernel(_twice)
    assert warm_up.uncovered() == [f"{__name__}._twice"]
    assert lonely(2) == 4
    assert warm_up.uncovered() == []


def _twice(x):
    return 2 * x


def test_what_is_there_is_not_done_again_and_what_is_gone_is(tmp_path, monkeypatch, cli):
    stamp = tmp_path / "warm-0.json"
    done = []
    folder = tmp_path / "some.kernels-0"
    folder.mkdir()
    (folder / "a.nbc").touch()
    monkeypatch.setattr(warm_up, "_stamp", lambda: stamp)
    monkeypatch.setattr(warm_up, "_folders", lambda: [folder])
    monkeypatch.setattr(warm_up, "STEPS", (done.append, lambda _: compiling.begins()))
    assert warm_up.warm_up() == 1
    assert (len(done), json.loads(stamp.read_text())) == (1, {folder.name: 1})
    shown = cli("warm-up")
    assert (shown.code, len(done)) == (0, 1)
    assert "kernels are ready in" in shown.out
    assert "nothing to compile" in shown.out
    (folder / "a.nbc").unlink()
    assert "1 compiled in" in cli("warm-up").out
    assert len(done) == 2
    stamp.write_text("no JSON")
    assert cli("warm-up", "--quiet").out == ""
    assert len(done) == 3
