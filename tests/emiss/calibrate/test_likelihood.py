"""Fits of many channels at once against iminuit's, and the shape of muons against a histogram of drawn numbers."""

import numpy as np
import pytest
from iminuit import Minuit
from iminuit.cost import ExtendedBinnedNLL
from scipy.special import ndtr
from scipy.stats import landau

from emiss.calibrate.landau import MODE, expected, fit_landau
from emiss.calibrate.likelihood import coarser, fit_many, pearson

EDGES = np.linspace(-5.0, 5.0, 41)


def _gauss(edges, number, mean, sigma):
    return number * ndtr((edges - mean) / sigma)


def _fit(counts):
    channels = len(counts)
    start = np.tile([800.0, 0.3, 1.4], (channels, 1))
    steps = np.tile([1.0, 1e-3, 1e-3], (channels, 1))

    def model(values):
        return np.diff(_gauss(EDGES, *values.T[:, :, None]), axis=1)

    return fit_many(model, counts, start, steps, np.array([0.0, -5.0, 0.1]), np.array([1e5, 5.0, 9.0]))


def test_the_minimum_and_its_errors_are_those_of_iminuit():
    rng = np.random.default_rng(3)
    counts = np.stack([np.histogram(rng.normal(0.2 * k, 1.0, 1000), EDGES)[0] for k in range(4)]).astype(float)
    found = _fit(counts)
    assert found.converged.all()
    for k, row in enumerate(counts):
        minuit = Minuit(ExtendedBinnedNLL(row, EDGES, _gauss), number=1000, mean=0.1, sigma=1.1)
        minuit.migrad()
        minuit.hesse()
        assert np.abs((found.values[k] - minuit.values) / minuit.errors).max() < 1e-2
        assert found.errors[k] == pytest.approx(np.array(minuit.errors), rel=0.05)  # Fisher's matrix, not the Hessian
        assert found.deviance[k] == pytest.approx(minuit.fval, abs=1e-3)


def test_chi2_is_one_on_the_average_and_bins_with_little_in_them_are_left_out():
    rng = np.random.default_rng(8)
    expected = np.tile(np.concatenate([np.full(40, 20.0), np.full(40, 0.5)]), (500, 1))
    found = pearson(rng.poisson(expected).astype(float), expected, 0)
    assert found.mean() == pytest.approx(1.0, abs=0.05)
    assert pearson(expected + 5.0, expected, np.full(500, 10)) == pytest.approx(np.full(500, 40 * 25.0 / 20.0 / 30))
    assert np.isnan(pearson(expected, expected, 40)).all()
    assert coarser(np.arange(14.0).reshape(2, 7), 3).tolist() == [[3.0, 12.0], [24.0, 33.0]]


def test_pulls_have_the_width_one():
    rng = np.random.default_rng(4)
    counts = np.stack([np.histogram(rng.normal(0.1, 1.2, 500), EDGES)[0] for _ in range(400)]).astype(float)
    found = _fit(counts)
    pulls = (found.values[:, 1:] - [0.1, 1.2]) / found.errors[:, 1:]
    assert np.std(pulls, axis=0) == pytest.approx([1.0, 1.0], abs=0.11)
    assert np.mean(pulls, axis=0) == pytest.approx([0.0, 0.0], abs=0.2)


def test_a_parameter_at_its_limit_is_held_and_the_others_have_their_errors():
    counts = np.histogram(np.random.default_rng(5).normal(0.0, 1.0, 1000), EDGES)[0][None].astype(float)
    free = _fit(counts)

    def model(values):
        return np.diff(_gauss(EDGES, *values.T[:3, :, None]), axis=1) + values[:, 3:]

    start, steps = np.array([[900.0, 0.1, 1.2, 1.0]]), np.full((1, 4), 1e-3)
    low, high = np.array([0.0, -5.0, 0.1, 2.0]), np.array([1e5, 5.0, 9.0, 9.0])  # more background than there is
    found = fit_many(model, counts, start, steps, low, high)
    assert found.converged.all()
    assert found.values[0, 3] == 2.0
    assert found.errors[0, 3] == 0.0
    assert found.errors[0, 1] == pytest.approx(free.errors[0, 1], rel=0.2)


@pytest.mark.parametrize(("width", "sigma"), [(0.05, 0.12), (0.1, 0.02), (0.02, 0.2)])
def test_the_mode_of_landau_with_a_gaussian_is_where_most_values_are(width, sigma):
    rng = np.random.default_rng(6)
    values = landau.rvs(scale=width, size=200_000, random_state=rng) + rng.normal(1.0, sigma, 200_000)
    edges = np.linspace(0.0, 4.0, 401)
    counts = np.histogram(values, edges)[0][None].astype(float)
    middle = 0.5 * (edges[1:] + edges[:-1])
    used = ((middle > 0.6) & (middle < 2.5))[None]
    found = fit_landau(edges, counts, np.array([1.0]), np.array([width + sigma]), used)
    assert found.converged.all()
    assert found.deviance[0] < found.freedom[0] + 6.0 * np.sqrt(2.0 * found.freedom[0])
    fine = np.linspace(0.5, 1.5, 20_001)
    curve = np.histogram(values, np.linspace(0.5, 1.5, 51))[0]
    top = np.argmax(expected(fine, found.values)[0])
    assert fine[top] == pytest.approx(found.values[0, MODE], abs=1e-3)
    assert found.values[0, MODE] == pytest.approx(0.51 + 0.02 * np.argmax(curve), abs=0.04)
