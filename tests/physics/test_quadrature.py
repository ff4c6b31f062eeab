"""Adaptive quadrature in lanes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emiss.physics.quadrature import ConvergenceError, integrate


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.floats(-5, 5), st.floats(0.001, 20), st.floats(1e-3, 3)), min_size=1, max_size=8))
def test_each_lane_has_its_own_peak(lanes):
    centre, length, width = np.array(lanes).T

    def peak(x, lane):
        return 1.0 / (1.0 + ((x - centre[lane][:, None]) / width[lane][:, None]) ** 2)

    value, error = integrate(peak, centre - 1.0, centre - 1.0 + length, rtol=1e-9)
    wanted = width * (np.arctan((length - 1.0) / width) - np.arctan(-1.0 / width))
    np.testing.assert_allclose(value, wanted, rtol=1e-8)
    assert (error <= 1e-9 * wanted).all()


def test_a_polynomial_is_exact_in_one_round():
    calls = []

    def power(x, lane):
        calls.append(len(lane))
        return x**19

    value, _ = integrate(power, np.array([0.0, 0.0]), np.array([1.0, 2.0]), rtol=1e-12)
    np.testing.assert_allclose(value, [1 / 20, 2**20 / 20], rtol=1e-13)
    assert calls == [2]


def test_an_empty_lane_and_a_zero_integrand():
    value, error = integrate(lambda x, _: 0.0 * x, np.array([1.0, 0.0]), np.array([0.0, 1.0]), rtol=1e-6)
    assert (value == 0).all()
    assert (error == 0).all()


def test_what_does_not_converge_says_so():
    with pytest.raises(ConvergenceError, match="1 of 1 integrals"):
        integrate(lambda x, _: 1.0 / x, np.array([1e-300]), np.array([1.0]), rtol=1e-6)
    with pytest.raises(ConvergenceError, match="not finite"), np.errstate(invalid="ignore"):
        integrate(lambda x, _: np.sqrt(x - 10.0), np.array([0.0]), np.array([1.0]), rtol=1e-6)


def test_a_noise_is_given_up_before_it_fills_the_memory():
    points = []

    def noise(x, _):
        points.append(x.size)
        return 1.0 + 1e-3 * np.modf(np.abs(np.sin(x * 1e5)) * 43758.5453)[0]

    with pytest.raises(ConvergenceError, match="1 of 2 integrals"):
        integrate(lambda x, lane: np.where(lane[:, None] == 0, 1.0, noise(x, lane)), np.zeros(2), np.ones(2), rtol=1e-9)
    assert sum(points) < 100_000
