"""Soft edges and maps in the detector file: from the simulation back to the momentum, and mistakes."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from emiss import reco
from emiss.configs.errors import UserError
from emiss.reco.detector.model import load_detector
from emiss.reco.field.field_map import FieldMap
from emiss.reco.field.transport import SoftBox
from emiss.samples.config import load_sample
from emiss.samples.simulate import simulate

BY = "    by: 1.4 T\n"


@pytest.fixture
def variant(detector, tmp_path):
    """Make a copy of the demo set-up whose magnet says something else."""

    def make(text: str) -> Path:
        folder = tmp_path / "setup"
        shutil.copytree(detector.folder, folder)
        file = folder / "detector.yaml"
        said = file.read_text()
        assert BY in said
        file.write_text(said.replace(BY, text))
        return file

    return make


def write_map(path: Path) -> None:
    """Write a dipole of 2.8 T m around its own origin, By - i Bz analytic in z + iy."""
    axes = (np.arange(-300.0, 301, 150), np.arange(-60.0, 61, 20), np.arange(-1600.0, 1601, 40))
    x, y, z = (grid.ravel() for grid in np.meshgrid(*axes, indexing="ij"))
    w = z + 1j * y
    f = 0.7 * (np.tanh((w + 1000) / 150) - np.tanh((w - 1000) / 150))
    np.savetxt(path, np.column_stack([x, y, z, 0 * x, f.real, f.imag]), fmt="%.9g")


def check_momentum(file: Path, folder: Path) -> None:
    sample = load_sample("muon").model_copy(update={"detector": str(file)})
    table = reco.process(reco.open(simulate(sample, folder / "m.root", events=1500), detector=file))
    tracks = table.lists["tracks"]
    one = (tracks.counts == 1) & (table["truth.p_spec"] > 0)
    row = tracks.offsets[:-1][one]
    assert one.mean() > 0.6
    pulls = tracks["q_over_p"][row] - table["truth.charge"][one] / table["truth.p_spec"][one]
    pulls = pulls / tracks["sigma_q_over_p"][row]
    assert abs(np.mean(pulls)) < 4 / np.sqrt(len(row))
    assert np.std(pulls[np.abs(pulls) < 5]) == pytest.approx(1.0, abs=0.07)


def test_soft_edges(variant, tmp_path):
    file = variant("    by: 1.4 T\n    edge: 80 mm\n")
    assert load_detector(file).field("MBPL") == SoftBox(1.4, (5800.0, 7800.0), 80.0)
    check_momentum(file, tmp_path)


def test_a_map(variant, tmp_path):
    file = variant("    map: {file: mbpl.txt, at: [0 mm, 0 mm, 6.8 m]}\n")
    write_map(file.parent / "mbpl.txt")
    field = load_detector(file).field("MBPL")
    assert isinstance(field, FieldMap)
    assert field.integral == pytest.approx(2800, rel=1e-3)
    assert field.box.z_range == pytest.approx((5800, 7800), abs=10)
    assert file.parent / "mbpl.txt" in load_detector(file).files
    check_momentum(file, tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a magnet has either a field 'by' or a 'map'"),
        ("    by: 1.4 T\n    map: {file: a.txt}\n", "a magnet has either a field 'by' or a 'map'"),
        ("    map: {file: a.txt}\n    edge: 10 mm\n", "'edge' goes with 'by'"),
        ("    by: 1.4 T\n    edge: 0 mm\n", "greater than 0.*edge"),
        ("    by: 1.4 T\n    egde: 10 mm\n", "unknown key 'egde'.*did you mean 'edge'"),
        ("    map: {file: a.txt, at: [1, 2, 3]}\n", "needs a unit"),
    ],
)
def test_mistakes_in_the_detector_file(variant, text, message):
    file = variant(text)
    with pytest.raises(UserError, match=message) as told:
        load_detector(file)
    assert "detector.yaml:" in str(told.value)


def test_a_map_that_is_not_there(variant):
    file = variant("    map: {file: nowhere.txt}\n")
    with pytest.raises(UserError, match=r"there is no file 'nowhere\.txt' beside this one"):
        reco.open(Path("samples/data/signal.dat"), detector=file)
