"""``--json``: every command that reports something has it, and then prints nothing else."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.main import get_command

from emiss.commands.app import app
from emiss.events.files.open import write
from tests.emiss.tune.conftest import ANALYSIS, table_of

MAKERS = {"show", "plot", "tune", "warm-up", "new", "setup new", "setup wire", "setup profiles", "setup draw"}
"""Commands that make something, and have nothing to tell of it but where it is."""

LINES = {"dump", "monitor"}
"""Those that tell one thing after the other: an object per line."""


def _leaves(command, path=()):
    for name, inner in getattr(command, "commands", {}).items():
        if hasattr(inner, "commands"):
            yield from _leaves(inner, (*path, name))
        else:
            yield " ".join((*path, name)), inner


COMMANDS = dict(_leaves(get_command(app)))


def test_every_command_that_reports_has_it():
    for name, command in COMMANDS.items():
        made = name in MAKERS or (name.startswith("new ") and name != "new schema")
        has = any("--json" in getattr(one, "opts", ()) for one in command.params)
        assert has != made, name


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """What stands for names in the lines below."""
    out = tmp_path_factory.mktemp("plain")
    (out / "wrong.yaml").write_text("analysis: a\ncuts: [{name: b, requir: c}]\n")
    (out / "cuts.yaml").write_text(ANALYSIS)
    for name, role in (("wanted", "signal"), ("unwanted", "background")):
        write(table_of(name, role, 100, 1), out / "tables" / f"{name}.root")
    return {"RAW": Path(__file__).parents[3] / "samples" / "data" / "beam.dat", "OUT": out}


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("select OUT/tables --analysis OUT/cuts.yaml --out OUT/job", 0),
        ("scan OUT/tables --analysis OUT/cuts.yaml -p least --from 0GeV --to 60GeV --points 3", 0),
        ("diff OUT/job OUT/job", 0),
        ("inspect OUT/tables/wanted.root", 0),
        ("columns", 0),
        ("simulate beam --events 20 --out OUT/made.dat", 0),
        ("check RAW OUT/wrong.yaml", 2),
        ("quality RAW --calib demo --out OUT/quality", 0),
        ("monitor RAW --calib demo --once", 0),
        ("dump RAW --events :3", 0),
        ("models", 0),
        ("periods", 0),
        ("setup list", 0),
        ("new schema runs", 0),
        ("xsec", 0),
    ],
)
def test_nothing_but_json_is_printed(cli, given, line, code):
    words = [re.sub("^(RAW|OUT)", lambda name: str(given[name[0]]), word) for word in line.split()]
    found = cli(*words, "--json")
    assert found.code == code, found.err
    told = found.out.splitlines() if words[0] in LINES else [found.out]
    for one in told:
        json.loads(one)
    assert told
