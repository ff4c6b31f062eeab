"""Strips of the closed loop: what is drawn can be read, and what is found is compared with it."""

from dataclasses import replace

import numpy as np
import pytest

from emiss.calib.conditions import Conditions
from emiss.calibrate.frame import Made
from emiss.reco.detector.model import load_detector
from emiss.setups.constants import block
from emiss.validate import loop_strips


@pytest.fixture
def true(tmp_path):
    drawn = loop_strips.drawn(load_detector("na64e_lfc"), np.random.default_rng(3))
    path = tmp_path / "true.txt"
    path.write_text("\n".join(block(kind, "1-9", rows) for kind, rows in drawn.items()))
    return Conditions.load(path).for_run(5)


def _made(type_, names, values, errors, **more):
    units = dict.fromkeys(values, "-")
    nothing = np.zeros(len(names))
    return Made(type_, names, units, values, errors, nothing, nothing, ("",) * len(names), **more)


def test_gains_are_compared_over_the_mean_of_their_plane(true):
    names = tuple(f"{plane}.{wire}" for plane in ("MM1X", "MM1Y") for wire in range(60))
    was = true.get("apv.gain", names)["gain"]
    shared = np.repeat([1.3, 0.9], 60)
    own = np.where(np.arange(120) == 5, 1.02, 1.0)
    status = true.get("apv.status", names)["status"]
    made = _made("apv.gain", names, {"gain": was * shared * own}, {"gain": 0.01 * was})
    channels, _, _, away, sigma = loop_strips.away(made, true, 2.0)
    assert len(channels) == (status == 0).sum() < 120
    wide = np.where(np.arange(120) == 7, 0.03, 0.01)
    fewer, *_ = loop_strips.away(replace(made, errors={"gain": wide * made.values["gain"]}), true, 2.0)
    assert set(channels) - set(fewer) == {names[7]}
    assert np.abs(away).max() == pytest.approx(2.0, abs=0.1)
    assert np.sort(np.abs(away))[-2] < 0.1
    assert sigma.max() < 1.3


def test_times_are_compared_where_a_hit_is_at_zero_with_their_covariance(true):
    names = ("MM1X", "MM2Y")
    was = true.get("apv.time", names)
    moved = {**was, "t0": was["t0"] + np.array([0.3, -0.1])}
    errors = {"t0": np.full(2, 0.5), "r0": np.full(2, 1e-9), "a0": np.full(2, 1e-9)}
    nothing = {("t0", "r0"): np.zeros(2), ("t0", "a0"): np.zeros(2), ("r0", "a0"): np.zeros(2)}
    _, zero, _, away, sigma = loop_strips.away(_made("apv.time", names, moved, errors, correlations=nothing), true, 2.0)
    assert (zero == 0.0).all()
    assert away == pytest.approx([0.3, -0.1])
    assert sigma == pytest.approx([0.5, 0.5])
    away, sigma = (
        loop_strips.away(_made("apv.time", names, dict(was), errors, correlations=nothing), true, 2.0)[k]
        for k in (3, 4)
    )
    assert away == pytest.approx([0.0, 0.0], abs=1e-9)


def test_a_status_that_is_another_one_is_told(true):
    names = tuple(f"MM1X.{wire}" for wire in range(200))
    status = true.get("apv.status", names)["status"]
    assert sorted(status[status > 0]) == [1, 1, 2, 2]
    wrong = status.copy()
    wrong[np.flatnonzero(status == 1)[0]] = 0.0
    away = loop_strips.away(_made("apv.status", names, {"status": wrong}, {"status": np.full(200, np.nan)}), true, 2.0)[
        3
    ]
    assert np.abs(away).sum() == 1.0
