"""The closed loop of calibration on few events: what it writes, and what wrong constants do to its comparisons."""

import json
import math

import numpy as np
import pytest

from emiss.samples.simulate import simulate
from emiss.validate import loop_after
from emiss.validate import loop_truth as runs
from emiss.validate.loop import Step, planned, validate_calibration


@pytest.fixture(scope="module")
def electrons(tmp_path_factory):
    """Constants drawn at random, and a run of electrons made with them."""
    out = tmp_path_factory.mktemp("loop")
    truth = runs.draw(out, np.random.default_rng(3))
    return truth, simulate(runs.sample(truth, runs.ELECTRONS, seed=5), out / "check.dat", events=600)


def _as_derived(truth, scale):
    """Take the true constants as derived ones, with the gains `scale` of them."""
    text = (truth.true / "constants.txt").read_text()
    lines, inside = [], False
    for line in text.splitlines():
        inside = line == "type = sadc.gain" if line.startswith("type = ") else inside
        name, _, value = line.partition(" ")
        gain = inside and "=" not in line and value
        lines.append(f"{name} {scale * float(value):.9g}" if gain else line)
    (truth.first / "constants.txt").write_text("\n".join(lines) + "\n")


def test_true_constants_give_what_true_constants_give(electrons):
    truth, file = electrons
    _as_derived(truth, 1.0)
    energy, resolution, design = loop_after.electrons(truth, file, 1.0)
    assert abs(energy.bias) < 1e-4
    assert abs(resolution.bias) < 1e-3
    assert abs(design.bias) < 15.0
    assert design.true == pytest.approx(math.hypot(0.1 / math.sqrt(100.0), 0.03))


def test_gains_that_are_wrong_are_seen_in_the_energy(electrons):
    truth, file = electrons
    _as_derived(truth, 1.02)
    energy, resolution, _ = loop_after.electrons(truth, file, 1.0)
    assert energy.bias == pytest.approx(2.0, abs=0.1)
    assert not energy.passed
    assert abs(resolution.bias) < 2.0


def test_numbers_and_page_are_written(tmp_path):
    steps = (Step("pedestals", (runs.PEDESTAL,)),)
    found = validate_calibration(tmp_path, events=400, seed=7, steps=steps)
    assert planned(events=400, steps=steps) == 400
    made = json.loads((tmp_path / "validation.json").read_text())
    assert set(made) == {"pedestals, even", "pedestals, odd", "noise"}
    for one in made.values():
        assert one["passed"]
        assert one["channels"] == 98
        assert 0.75 < one["pull_width"] < 1.25
        assert abs(one["bias"]) < one["limit"]
    assert found.passed
    page = (tmp_path / "validation.html").read_text()
    assert "pedestals, even" in page
    assert "<script" not in page
