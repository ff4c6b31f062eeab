"""Scattering with tails against Moliere's distribution by its Hankel transform, Highland's width, and Rutherford's law."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import j1

from emiss.physics.passage.muons import highland_angle
from emiss.physics.passage.single_scattering import CARBON, deflections

SIZE = 2_000_000
THICKNESS = 0.003


def moliere(theta, momentum):
    """Share of angles beyond `theta` (rad) of Moliere's theory: 1 - t int J1(t u) exp(-u^2/4 + u^2/(4 B) ln(u^2/4)) du."""
    chi_c = CARBON.characteristic_angle(momentum, THICKNESS)
    b = np.log((chi_c / CARBON.screening_angle(momentum)) ** 2) + 1 - 2 * np.euler_gamma
    large = brentq(lambda value: value - np.log(value) - b, 1.5, 40)
    t = theta / (chi_c * np.sqrt(large))
    inside = quad(lambda u: t * j1(t * u) * np.exp(-(u**2) / 4 * (1 - np.log(u**2 / 4) / large)), 1e-9, 12, limit=400)[
        0
    ]
    return 1 - inside


def test_against_molieres_distribution():
    x, y = deflections(np.full(SIZE, 10.0), THICKNESS, np.random.default_rng(1), point_like=True)
    angle = np.hypot(x, y)
    width = highland_angle(np.array(10.0), THICKNESS) * np.sqrt(2)
    for factor in (0.3, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0):
        expected = moliere(factor * width, 10.0)
        found = np.mean(angle > factor * width)
        # the core is a Gaussian here: up to 4 % off where it goes over into the tail
        assert found == pytest.approx(expected, rel=0.06, abs=4 * np.sqrt(expected / SIZE))


def test_the_core_is_as_wide_as_highlands():
    x, _ = deflections(np.full(SIZE // 4, 40.0), THICKNESS, np.random.default_rng(2))
    inner = np.quantile(np.abs(x), 0.6827)
    assert inner == pytest.approx(highland_angle(np.array(40.0), THICKNESS), rel=0.12)


def test_the_tail_is_rutherfords_and_ends_at_the_nucleus():
    momentum = np.full(SIZE, 20.0)
    chi_c = float(CARBON.characteristic_angle(20.0, THICKNESS))
    x, y = deflections(momentum, THICKNESS, np.random.default_rng(3), point_like=True)
    angle = np.hypot(x, y)
    for factor in (30.0, 100.0):
        expected = 1 / factor**2
        assert np.mean(angle > factor * chi_c) == pytest.approx(expected, rel=0.15, abs=4 * np.sqrt(expected / SIZE))
    x, y = deflections(momentum, THICKNESS, np.random.default_rng(3))
    beyond = np.mean(np.hypot(x, y) * 20.0 > 0.15)  # GeV of transfer: far inside the nucleus
    assert beyond < 0.3 * np.mean(angle * 20.0 > 0.15)


def test_suppression_has_its_limits():
    assert CARBON.suppression(np.array([0.0])) == pytest.approx(6 / 7)
    assert CARBON.suppression(np.array([0.6])) == pytest.approx((1 + 0.36 / 0.71) ** -4 / 7, rel=0.02)


def test_nothing_scatters_in_nothing():
    x, y = deflections(np.array([10.0, 20.0]), 0.0, np.random.default_rng(4))
    assert not x.any()
    assert not y.any()
