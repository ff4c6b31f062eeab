"""What is installed: the one package at top level, and its data from any directory."""

from __future__ import annotations

import importlib.metadata
import tomllib
from pathlib import Path

import pytest

PACKAGES = {"calib", "configs", "events", "physics", "reco", "samples", "selection"}


def test_nothing_else_is_installed_at_top_level():
    listed = importlib.metadata.distribution("emiss").read_text("top_level.txt")
    assert listed is not None
    assert listed.split() == ["emiss"]


def test_the_package_is_typed():
    root = Path(__file__).parents[1]
    assert [path.parent.name for path in root.glob("*/py.typed")] == ["emiss"]  # which stands for all below it


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

    folder = Path(__file__).parents[1] / "samples" / "data"
    files = sorted(folder.glob("*.dat"))
    assert [path.stem for path in files] == ["beam", "dimuon", "kaon_decay", "pion_decay", "signal"]
    assert sum(path.stat().st_size for path in files) < 6_000_000
    detector = load_detector("na64e_lfc")
    for path in files:
        file = open_run_file(path, detector)
        file.check()
        assert int((file.index().type == 7).sum()) == 500


def test_every_folder_with_code_is_in_the_build():
    root = Path(__file__).parents[1]
    build = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    own = (path for path in (root / "emiss").glob("*/__init__.py") if path.parent.name not in PACKAGES)
    found = {"emiss", *(f"emiss.{path.parent.name}" for path in own)}
    for name in PACKAGES:
        inits = (root / name).rglob("__init__.py")
        found |= {".".join(("emiss", *path.parent.relative_to(root).parts)) for path in inits}
    assert set(build["packages"]) == found
    assert build["package-dir"] == {"emiss": "emiss"} | {f"emiss.{name}": name for name in PACKAGES}


@pytest.mark.parametrize("name", sorted(PACKAGES))
def test_the_links_for_the_type_checker_and_import_linter(name):
    root = Path(__file__).parents[1]
    link = root / "emiss" / name
    if link.is_file():
        pytest.skip(
            "a clone without symbolic links (core.symlinks is false): mypy, pyright and lint-imports see half of emiss"
        )
    assert link.is_symlink()
    assert link.readlink() == Path("..", name)
