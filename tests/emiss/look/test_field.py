"""``emiss field check``."""

from __future__ import annotations

import json

import numpy as np
import pytest


@pytest.fixture
def map_file(tmp_path):
    """A quadrupole-free dipole with soft edges, By - i Bz analytic in z + iy, in cm and kG."""
    axes = (np.arange(-8.0, 9, 4), np.arange(-4.0, 5, 2), np.arange(-160.0, 161, 4))
    x, y, z = (grid.ravel() for grid in np.meshgrid(*axes, indexing="ij"))
    w = z + 1j * y
    f = 7.0 * (np.tanh((w + 100) / 15) - np.tanh((w - 100) / 15))
    head = "columns = x, y, z, By, Bz\nunits = cm, cm, cm, kG, kG"
    np.savetxt(tmp_path / "mbpl.txt", np.column_stack([x, y, z, f.real, f.imag]), header=head, comments="")
    return tmp_path / "mbpl.txt"


def test_a_good_map_is_told_and_drawn(cli, map_file, tmp_path):
    done = cli("field", "check", map_file, "--out", tmp_path / "field.png")
    assert done.code == 0, done.err
    for said in ("-1600 to 1600 mm, 81 nodes, 40 mm apart", "2.79", "T m of By", "divergence", "written: "):
        assert said in done.out
    assert (tmp_path / "field.png").read_bytes().startswith(b"\x89PNG")
    done = cli("field", "check", map_file, "--json")
    told = json.loads(done.out)
    assert told["nodes"] == [5, 5, 81]
    assert told["integral"] == pytest.approx(2.8, rel=2e-3)
    assert told["kick"] == pytest.approx(0.2998 * 2.8, rel=2e-3)
    assert told["box"]["z"] == pytest.approx([-1000, 1000], abs=5)
    assert told["divergence"] < 0.05


def test_a_bad_map_is_a_mistake_with_its_place(cli, map_file):
    text = map_file.read_text().splitlines()
    text[9] = text[9].replace(" ", " x", 1)
    map_file.write_text("\n".join(text))
    done = cli("field", "check", map_file)
    assert done.code == 2
    assert "mbpl.txt:10:1: no row of numbers" in done.err


def test_check_refuses_a_detector_that_process_could_not_use(cli, tmp_path):
    file = tmp_path / "detector.yaml"
    file.write_text("extends: na64e_lfc\nparts:\n  mm: {stations: {MM2: {z: 5.1 m}}}\n")
    done = cli("check", file)
    assert (done.code, done.out) == (2, "")
    assert f"{file}:3:28: MM1 and MM2 stand at one z, 5100 mm" in done.err
