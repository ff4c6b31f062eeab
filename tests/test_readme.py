"""The README: its table is what `make demo` prints, its commands run from an installed wheel in any folder."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def printed(tmp_path_factory) -> str:
    """What the main job prints as `make demo` runs it, with its 20 thousand events per sample, in another folder."""
    from emiss.samples.config import load_sample
    from emiss.samples.simulate import simulate

    folder = tmp_path_factory.mktemp("demo")
    (folder / "configs/runs").mkdir(parents=True)
    shutil.copy(ROOT / "configs/runs/demo_full.yaml", folder / "configs/runs")
    shutil.copytree(ROOT / "samples/data", folder / "samples/data")
    for name in ("signal", "dimuon", "pion_decay", "kaon_decay", "beam"):
        simulate(load_sample(name), folder / f"out/demo/hits/{name}.root", events=20_000)
    command = [sys.executable, "-m", "emiss", "process", "configs/runs/demo_full.yaml", "--out", "out/demo"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows(text: str) -> list[tuple[str, ...]]:
    """The cells of the tables' rows: names, counts, expected numbers."""
    return [tuple(line.split()) for line in text.splitlines() if re.match(r"(\w+) +\d", line)]


def test_the_printed_table_is_that_of_the_demo(printed):
    shown = rows(re.search(r"```text\n(.*?)```", TEXT, re.DOTALL)[1])
    made = rows(printed)
    assert [row[0] for row in shown] == [row[0] for row in made]
    for wanted, got in zip(shown[:6], made[:6], strict=True):
        for a, b in zip(wanted[1:], got[1:], strict=True):
            # the last digit may differ with the platform's arithmetic
            assert a == b or float(b.strip("<")) == pytest.approx(float(a.strip("<")), rel=0.01)


def test_make_knows_its_targets():
    for target in re.findall(r"`?make (\w+)", TEXT):
        assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE), target
