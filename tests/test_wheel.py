"""The wheel in a bare environment: what it holds, and the README's commands from an empty folder."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests import pages

ROOT = Path(__file__).parents[1]
FOLDERS = ("calib", "configs", "emiss", "events", "physics", "reco", "samples", "selection")
DRIVER = """
import json, sys
from emiss.cli import main
said = []
for line in json.loads(sys.argv[1]):
    sys.argv = ["emiss", *line]
    print("<", *line, ">", flush=True)
    try:
        main()
        said.append(0)
    except SystemExit as leaving:
        said.append(leaving.code or 0)
print(json.dumps(said))
"""


def _not_built(folder: str, names: list[str]) -> set[str]:
    """What is left behind: compiled files, and the links in emiss, which a build needs not."""
    return {name for name in names if name == "__pycache__" or Path(folder, name).is_symlink()}


def module_path(path: Path) -> str:
    """Where a file of the folders is when installed."""
    inside = path.relative_to(ROOT)
    return str(inside if inside.parts[0] == "emiss" else Path("emiss", inside))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built from a copy of what belongs to it, without any network."""
    pytest.importorskip("setuptools", minversion="77", reason="the build needs setuptools 77 (make test installs it)")
    source = tmp_path_factory.mktemp("source")
    for name in FOLDERS:
        shutil.copytree(ROOT / name, source / name, ignore=_not_built)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    options = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--wheel-dir", str(source / "dist")]
    subprocess.run([sys.executable, "-m", "pip", "wheel", *options, str(source)], check=True, timeout=120)
    return next((source / "dist").glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """The Python of an environment with nothing but the wheel, and the dependencies of this one."""
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, timeout=60)
    place = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    # a line of a .pth file adds a folder, but not the .pth files in there: an editable installation stays outside
    (place / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    python = folder / "bin/python"
    options = ["--quiet", "--no-index", "--no-deps", "--no-compile", str(wheel)]
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", *options]
    subprocess.run(command, check=True, timeout=120)
    return python


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    kept = {name: text for name, text in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return subprocess.run(command, cwd=folder, env=kept, capture_output=True, text=True, check=False, timeout=400)


def test_what_the_wheel_holds(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    held = {name for name in names if ".dist-info/" not in name}
    there = {
        module_path(path)
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.name != "demo_full.yaml"
    }
    assert held == there


def test_the_commands_of_the_readme(installed, tmp_path):
    found = pages.blocks(ROOT / "README.md")
    script = installed.parent / "emiss"
    where = run([str(installed), "-c", "import emiss; print(emiss.__file__)"], tmp_path).stdout
    assert Path(where).is_relative_to(installed.parents[1])
    helped = run([str(script), "--help"], tmp_path).stdout
    first = re.search(r"Start with: emiss (.*)", helped)[1]
    commands = [pages.Command(f"emiss {first}", 0, ())]
    for block in found:
        if block.file:
            (tmp_path / block.file).write_text(block.text)
        if block.kind == "console" and "make demo" not in block.text:
            commands += pages.commands(block)
    lines = [command.arguments() for command in commands]
    assert None not in lines
    assert len(lines) > 10
    done = run([str(installed), "-c", DRIVER, json.dumps(lines)], tmp_path)
    codes = json.loads(done.stdout.splitlines()[-1])
    assert codes == [command.code for command in commands], done.stdout + done.stderr
    assert (tmp_path / "out/demo/cutflow.html").is_file()
    assert (tmp_path / "limit.pdf").is_file()
    for block in found:
        if block.kind == "python":
            done = run([str(installed), "-c", block.text], tmp_path)
            assert done.returncode == 0, done.stderr
