"""``emiss doctor``: what is found on this machine, and what is wrong with another one."""

from __future__ import annotations

import json
import shutil
from types import SimpleNamespace

import pytest

from emiss.check import machine
from emiss.configs import compiled
from emiss.events.plug_ins import FUNCTIONS, PlugIn


def test_what_is_found(cli, tmp_path):
    done = cli("doctor", tmp_path / "not" / "there", "--json")
    found = {one["what"]: one for one in json.loads(done.out)}
    assert {"emiss", "python", "numpy", "compiled code", "cores"} <= set(found)
    assert found["numpy"]["wrong"] == ""
    assert done.code == (1 if any(one["wrong"] for one in found.values()) else 0)
    assert "GB free" in cli("doctor", tmp_path).out


@pytest.mark.parametrize("case", ["disk", "cache", "library", "clash", "twice", "other"])
def test_what_is_wrong(case, cli, tmp_path, monkeypatch):
    if case == "disk":
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=10**9))
        said = "nearly full"
    elif case == "cache":

        def nowhere():
            raise OSError("no folder")

        monkeypatch.setattr(compiled, "root", nowhere)
        said = "NUMBA_CACHE_DIR"
    elif case == "library":
        monkeypatch.setattr(machine, "LIBRARIES", ("no_such_library",))
        said = "install emiss again"
    elif case == "other":
        monkeypatch.setattr(machine.metadata, "packages_distributions", lambda: {"emiss": ["emiss", "emiss-fork"]})
        said = "emiss-fork brings files"
    else:
        name = "mass" if case == "clash" else "mine"
        one = PlugIn(FUNCTIONS, name, "p:f", "p 1.0", several=case == "twice")
        monkeypatch.setattr(machine, "installed", lambda group: {name: one} if group == FUNCTIONS else {})
        said = "has a function of this name" if case == "clash" else "several packages"
    done = cli("doctor", tmp_path, "--json")
    assert done.code == 1
    assert said in done.out
