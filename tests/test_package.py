"""What is installed: the one package at top level, its names and versions, and its data from any directory."""

from __future__ import annotations

import ast
import importlib.metadata
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import emiss
from tests.building import FOLDERS, OTHERS, PACKAGES

ROOT = Path(__file__).parents[1]
EVERYTHING = """
import collections, importlib, json, os, pkgutil, sys
import emiss

def broken(name):
    raise

def import_all(package):
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.", onerror=broken):
        if module.name != "emiss.__main__":
            importlib.import_module(module.name)

import_all(emiss)
for name in sys.argv[1:]:  # an sdist has no links to them
    import_all(importlib.import_module(f"emiss.{name}"))
files = collections.defaultdict(list)
for name, module in list(sys.modules.items()):
    if name not in ("__main__", "__mp_main__"):
        files[os.path.realpath(getattr(module, "__file__", None) or name)].append(name)
twice = [names for names in files.values() if len(names) > 1 and any(name.startswith("emiss") for name in names)]
print(json.dumps({"ours": sum(name.startswith("emiss.") for name in sys.modules), "twice": twice}))
"""


def test_nothing_else_is_installed_at_top_level():
    listed = importlib.metadata.distribution("emiss").read_text("top_level.txt")
    assert listed is not None
    assert listed.split() == ["emiss"]


def test_the_package_is_typed():
    assert [path.parent.name for path in ROOT.glob("*/py.typed")] == ["emiss"]  # which stands for all below it


def test_shipped_configs_are_found_from_any_directory(tmp_path, monkeypatch):
    from emiss.calib.conditions import Conditions
    from emiss.configs import loader
    from emiss.reco.detector.model import load_detector
    from emiss.samples.config import load_sample
    from emiss.selection import load

    monkeypatch.chdir(tmp_path)
    assert load_detector("na64e_lfc").channel_maps_path.is_dir()
    assert len(Conditions.load("demo").tables) == 13
    assert load("e_to_mu_phi").name == "e_to_mu_phi"
    assert {load_sample(name).name for name in loader.shipped("samples")} == set(loader.shipped("samples"))


def test_the_shipped_samples_are_small_and_complete():
    from emiss.reco.detector.model import load_detector
    from emiss.reco.readers import open_run_file

    folder = ROOT / "samples" / "data"
    files = sorted(folder.glob("*.dat"))
    assert [path.stem for path in files] == ["beam", "dimuon", "kaon_decay", "pion_decay", "signal"]
    assert sum(path.stat().st_size for path in files) < 6_000_000
    detector = load_detector("na64e_lfc")
    for path in files:
        file = open_run_file(path, detector)
        file.check()
        assert int((file.index().type == 7).sum()) == 500


def test_every_folder_with_code_is_in_the_build():
    build = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    own = (path.parent.relative_to(ROOT).parts for path in (ROOT / "emiss").rglob("__init__.py"))
    found = {".".join(parts) for parts in own if len(parts) == 1 or parts[1] not in PACKAGES}
    for name in PACKAGES:
        inits = (ROOT / name).rglob("__init__.py")
        found |= {".".join(("emiss", *path.parent.relative_to(ROOT).parts)) for path in inits}
    listed = set(build["packages"])
    assert not found - listed, f"add to packages of [tool.setuptools] in pyproject.toml: {sorted(found - listed)}"
    assert not listed - found, f"take from packages of [tool.setuptools] in pyproject.toml: {sorted(listed - found)}"
    assert build["package-dir"] == {"emiss": "emiss"} | {f"emiss.{name}": name for name in PACKAGES}


def test_every_folder_with_code_is_a_package():
    for name in FOLDERS:
        for path in (ROOT / name).rglob("*.py"):
            init = path.with_name("__init__.py")
            assert init.is_file(), f"{init.relative_to(ROOT)} is not there: nothing in that folder would be installed"


@pytest.mark.parametrize("name", PACKAGES)
def test_the_links_for_the_type_checker_and_import_linter(name):
    link = ROOT / "emiss" / name
    if link.is_file():
        pytest.skip(
            "a clone without symbolic links (core.symlinks is false): mypy, pyright and lint-imports see half of emiss"
        )
    if (ROOT / "PKG-INFO").is_file():
        pytest.skip("an sdist has no links")
    assert link.is_symlink()
    assert link.readlink() == Path("..", name)


def python(code: str, *arguments: str) -> str:
    """What a program prints that runs in the root of the sources, with that folder on the path."""
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_nothing_is_imported_twice():
    """A module has one name, although its file is reached by two paths."""
    said = json.loads(python(EVERYTHING, *PACKAGES))
    assert said["ours"] > 200
    assert said["twice"] == []


def test_no_file_imports_from_the_root():
    folder = "|".join(PACKAGES)
    wrong = re.compile(rf"^[ >.]*(?:from +(?:{folder})(?:\.[\w.]+)? +import\b|import +(?:{folder})\b)", re.MULTILINE)
    assert wrong.search("x = 1\n    import reco.run")  # and so the expression finds what it should
    for name in (*FOLDERS, *OTHERS):
        for path in (ROOT / name).rglob("*"):
            if path.suffix in (".py", ".md"):
                found = wrong.search(path.read_text(encoding="utf-8"))
                place = path.relative_to(ROOT)
                assert found is None, f"{place}: '{found[0].strip()}': what is in the folder reco is emiss.reco"


def test_import_emiss_loads_nothing():
    code = "import sys; before = set(sys.modules); import emiss; print(*set(sys.modules) - before)"
    loaded = {name.partition(".")[0] for name in python(code).split()}
    assert loaded - sys.stdlib_module_names == {"emiss"}


def test_the_names_of_emiss():
    """Each is there, is what the type checker is told, and is listed."""
    assert list(emiss.__all__) == sorted(emiss.__all__)
    told = {}
    for node in ast.walk(ast.parse(Path(emiss.__file__).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("emiss."):
            told |= {alias.name: node.module for alias in node.names}
    told.pop("package_version")
    assert sorted(told) == list(emiss.__all__)
    for name in emiss.__all__:
        assert getattr(emiss, name) is getattr(importlib.import_module(told[name]), name)
    assert set(emiss.__all__) | set(PACKAGES) | {"__version__"} <= set(dir(emiss))
    for name in PACKAGES:
        assert getattr(emiss, name).__name__ == f"emiss.{name}"
    with pytest.raises(AttributeError, match="module 'emiss' has no attribute 'processs'"):
        emiss.processs  # noqa: B018


def test_the_version_is_that_of_the_distribution():
    assert emiss.__version__ == importlib.metadata.version("emiss")
