"""The README: its commands exist, its table is what the demo prints, its cuts file and its Python lines run."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"```(\w+)\n(.*?)```", TEXT[TEXT.index("## Your files") :], re.DOTALL))


def emiss(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "emiss", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> tuple[Path, str]:
    """The main job as `make demo` runs it, with its 20 thousand events per sample, in another folder."""
    from samples.config import load_sample
    from samples.simulate import simulate

    folder = tmp_path_factory.mktemp("demo")
    (folder / "configs/runs").mkdir(parents=True)
    shutil.copy(ROOT / "configs/runs/demo.yaml", folder / "configs/runs")
    shutil.copytree(ROOT / "samples/data", folder / "samples/data")
    for name in ("signal", "dimuon", "pion_decay", "kaon_decay", "beam"):
        simulate(load_sample(name), folder / f"out/demo/hits/{name}.root", events=20_000)
    done = emiss("process", "configs/runs/demo.yaml", "--out", "out/demo", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder, done.stdout


def rows(text: str) -> list[tuple[str, ...]]:
    """The cells of the tables' rows: names, counts, expected numbers."""
    return [tuple(line.split()) for line in text.splitlines() if re.match(r"(\w+) +\d", line)]


def test_the_printed_table_is_that_of_the_demo(demo):
    shown = rows(re.search(r"```text\n(.*?)```", TEXT, re.DOTALL)[1])
    printed = rows(demo[1])
    assert [row[0] for row in shown] == [row[0] for row in printed]
    for wanted, got in zip(shown[:5], printed[:5], strict=True):
        for a, b in zip(wanted[1:], got[1:], strict=True):
            # the last digit may differ with the platform's arithmetic
            assert a == b or float(b.strip("<")) == pytest.approx(float(a.strip("<")), rel=0.01)


def test_the_commands_and_the_cuts_of_the_readme(demo):
    folder, _ = demo
    (folder / "my_cuts.yaml").write_text(BLOCKS["yaml"])
    done = emiss("select", "out/demo", "--analysis", "my_cuts.yaml", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "in_time" in done.stdout
    done = emiss("select", "out/demo", "--set", "e_miss_min=25GeV", cwd=folder)
    assert done.returncode == 0, done.stderr
    done = subprocess.run(
        [sys.executable, "-c", BLOCKS["python"]], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
