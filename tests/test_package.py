"""What is installed: the packages at top level, and their data from any directory."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

PACKAGES = {"calib", "configs", "emiss", "events", "physics", "reco", "samples", "selection"}


def test_nothing_else_is_installed_at_top_level():
    listed = importlib.metadata.distribution("emiss").read_text("top_level.txt")
    assert listed is not None
    assert set(listed.split()) == PACKAGES


def test_every_package_is_typed():
    root = Path(__file__).parents[1]
    assert {path.parent.name for path in root.glob("*/py.typed")} == PACKAGES


def test_shipped_configs_are_found_from_any_directory(tmp_path, monkeypatch):
    from calib.conditions import Conditions
    from configs import loader
    from reco.detector import load_detector
    from samples.config import load_sample
    from selection import load

    monkeypatch.chdir(tmp_path)
    assert load_detector("na64e_lfc").maps_path.is_dir()
    assert len(Conditions.load("demo").tables) == 13
    assert load("e_to_mu_phi").name == "e_to_mu_phi"
    assert {load_sample(name).name for name in loader.shipped("samples")} == set(loader.shipped("samples"))


def test_the_shipped_samples_are_small_and_complete():
    from reco.detector import load_detector
    from reco.readers import open_run_file

    folder = Path(__file__).parents[1] / "samples" / "data"
    files = sorted(folder.glob("*.dat"))
    assert [path.stem for path in files] == ["beam", "dimuon", "kaon_decay", "pion_decay", "signal"]
    assert sum(path.stat().st_size for path in files) < 6_000_000
    detector = load_detector("na64e_lfc")
    for path in files:
        file = open_run_file(path, detector)
        file.check()
        assert int((file.index().type == 7).sum()) == 500
