"""The sdist and the wheel: what they hold, and that the wheel works in a bare environment, whatever else is there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
from pathlib import Path

import pytest

from tests import building, pages

ROOT = Path(__file__).parents[1]
DRIVER = """
import json, sys
from emiss.browser import serving
from emiss.cli import main
from emiss.selection.report import figures
serving.serve = lambda page, on, ready: ready(f"http://127.0.0.1:1/{len(page.files())}/")  # it would be served for ever
serving.open_browser = lambda address: True
figures.svg = lambda _: "<svg></svg>"  # drawing is tried elsewhere, and takes longer than all the rest
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
OF_NO_WHEEL = "demo_full.yaml"
"""Names files that `make demo` makes in the folder of sources."""


@pytest.fixture(scope="module")
def sources(tmp_path_factory) -> Path:
    """A copy of the repository's files, without git."""
    pytest.importorskip("setuptools", minversion="77", reason="the build needs setuptools 77 (make test installs it)")
    pytest.importorskip("setuptools_scm", reason="the build needs setuptools-scm (make test installs it)")
    return building.copy_sources(tmp_path_factory.mktemp("sources"))


@pytest.fixture(scope="module")
def built(sources) -> tuple[Path, Path]:
    """The sdist and the wheel from there."""
    return building.build(sources, "sdist", "wheel")


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory) -> Path:
    """The Python of an environment with nothing but the wheel, and the dependencies of this one."""
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, timeout=60)
    # a line of a .pth file adds a folder, but not the .pth files in there: an editable installation stays outside
    (site_packages(folder) / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    python = folder / "bin/python"
    pip(python, "install", "--no-index", "--no-deps", "--no-compile", str(built[1]))
    return python


def site_packages(environment: Path) -> Path:
    return Path(sysconfig.get_path("purelib", vars={"base": str(environment)}))


def pip(python: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--python", str(python), *arguments]
    subprocess.run([*command, "--quiet", "--disable-pip-version-check"], check=True, timeout=120)


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV", "PYTEST"))}
    return subprocess.run(command, cwd=folder, env=kept, capture_output=True, text=True, check=False, timeout=400)


def run_commands(python: Path, lines: list[list[str]], folder: Path) -> list[int]:
    """Run commands of ours in one process, which looks for modules in its folder first, and return their exit codes."""
    done = run([str(python), "-c", DRIVER, json.dumps(lines)], folder)
    assert done.returncode == 0, done.stdout + done.stderr
    codes = json.loads(done.stdout.splitlines()[-1])
    assert len(codes) == len(lines)
    return codes


def files_below(folder: Path) -> set[Path]:
    """Return the files of a folder that belong to the sources, as paths from there."""
    found = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(folder) for path in found}


def test_what_the_wheel_holds(built):
    held = {name for name in building.content(built[1]) if ".dist-info/" not in name}
    there = set()
    for name in building.FOLDERS:
        place = Path(name) if name == "emiss" else Path("emiss", name)
        there |= {str(place / file) for file in files_below(ROOT / name) if file.name != OF_NO_WHEEL}
    links = {f"emiss/{name}" for name in building.PACKAGES}  # files, where links cannot be made
    assert held == there - links, "a kind of file that [tool.setuptools.package-data] does not name?"


def test_the_sdist_holds_each_file_once_and_the_tests(built):
    with tarfile.open(built[0]) as archive:
        members = [member for member in archive.getmembers() if not member.isdir()]
    assert all(member.isreg() for member in members)
    held = [Path(*Path(member.name).parts[1:]) for member in members]
    assert len(set(held)) == len(held)
    held_above = {str(path) for path in held if len(path.parts) == 1}
    assert {"README.md", "LICENSE", "Makefile", "constraints.txt", "CHANGELOG.md", "pyproject.toml"} <= held_above
    links = {Path(name) for name in building.PACKAGES}
    there = {
        Path(name, file)
        for name in (*building.FOLDERS, *building.OTHERS)
        for file in files_below(ROOT / name)
        if not (name == "emiss" and file in links)
    }
    assert {path for path in held if len(path.parts) > 1 and path.parts[0] != "emiss.egg-info"} == there
    assert sum(member.size for member in members) < 16e6


def test_the_wheel_of_the_sdist_is_that_of_the_tree(built, tmp_path):
    (again,) = building.build(building.unpack(built[0], tmp_path), "wheel")  # a tree without the links, too
    assert building.content(again) == building.content(built[1])


def test_a_tree_whose_links_are_texts_gives_the_same_wheel(built, tmp_path):
    """As an unpacked archive has them on a system without links."""
    tree = building.unpack(built[0], tmp_path)
    for name in building.PACKAGES:
        (tree / "emiss" / name).write_text(f"../{name}")
    (again,) = building.build(tree, "wheel")
    assert building.content(again) == building.content(built[1])


def test_nothing_but_emiss_is_installed(installed):
    place = site_packages(installed.parents[1])
    assert {path.name for path in place.iterdir()} == {
        "dependencies.pth",
        "emiss",
        f"emiss-{building.VERSION}.dist-info",
    }
    said = run([str(installed.parent / "emiss"), "--version"], place).stdout
    assert said == f"emiss {building.VERSION}\n"


def test_other_projects_and_files_of_our_names_change_nothing(installed, tmp_path):
    """A folder `events` and a `selection.py` where one works, and a project beside emiss that installs `events`."""
    stranger = building.foreign_wheel(tmp_path, "Events", "events")
    pip(installed, "install", "--no-index", "--no-deps", str(stranger))
    place = site_packages(installed.parents[1])
    assert (place / "events/__init__.py").is_file()
    work = tmp_path / "work"
    (work / "events").mkdir(parents=True)
    for file in ("events/__init__.py", "selection.py", "reco.py"):
        (work / file).write_text("raise ImportError('not ours')\n")
    helped = run([str(installed.parent / "emiss"), "--help"], work)
    assert helped.returncode == 0, helped.stderr
    simulate = ["simulate", "signal", "--events", "20", "--out", "run.root"]
    setup = ["--detector", "na64e_lfc", "--calib", "demo", "--analysis", "e_to_mu_phi"]
    assert run_commands(installed, [simulate, ["process", "run.root", *setup, "--out", "out"]], work) == [0, 0]
    (work / "test_mine.py").write_text(
        "from emiss import Cutflow\n\ndef test_two():\n    assert Cutflow('mine', '1') == Cutflow('yours', '1')\n"
    )
    told = run([str(installed), "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_mine.py"], work)
    assert "the cutflows differ" in told.stdout, told.stdout + told.stderr
    ours = files_below(place / "emiss")
    pip(installed, "uninstall", "--yes", "Events")
    assert not (place / "events").exists()
    assert files_below(place / "emiss") == ours


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
    assert run_commands(installed, lines, tmp_path) == [command.code for command in commands]
    assert (tmp_path / "out/demo/cutflow.html").is_file()
    assert (tmp_path / "limit.pdf").is_file()
    for block in found:
        if block.kind == "python":
            done = run([str(installed), "-c", block.text], tmp_path)
            assert done.returncode == 0, done.stderr
