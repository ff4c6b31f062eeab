"""Backgrounds from regions: values by hand, errors as pseudo-experiments have them, closure in 95 of 100."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from emiss.physics.limits.extrapolation import (
    Counted,
    Estimate,
    abcd,
    correlation,
    exponential,
    normalisation,
    sideband,
    tail,
    transferred,
)

COUNT = Counted.events


def test_abcd_by_hand_and_its_error_as_drawn():
    found = abcd(COUNT(40), COUNT(90), COUNT(300))
    assert found.value == 12.0
    rng = np.random.default_rng(1)
    b, c, d = (rng.poisson(mean, 400_000) for mean in (40, 90, 300))
    assert found.error == pytest.approx(float(np.std(b * c / d)), rel=0.02)


def closures(make, seed=7, experiments=100):
    rng = np.random.default_rng(seed)
    return sum(estimate.closes(seen) for estimate, seen in (make(rng) for _ in range(experiments)))


def test_independent_cuts_close_in_95_of_100_pseudo_experiments():
    def make(rng):
        a, b, c, d = (COUNT(int(rng.poisson(mean))) for mean in (12.0, 40.0, 90.0, 300.0))
        return abcd(b, c, d), a

    assert 92 <= closures(make) <= 99


def test_zones_close_in_95_of_100_pseudo_experiments():
    def make(rng):
        zone, seen = COUNT(int(rng.poisson(200.0))), COUNT(int(rng.poisson(30.0)))
        into, of = COUNT(int(rng.poisson(150.0))), COUNT(int(rng.poisson(1000.0)))
        return transferred(zone, into, of), seen

    assert 92 <= closures(make) <= 99


def test_a_tail_closes_in_95_of_100_pseudo_experiments():
    edges = np.linspace(0.0, 100.0, 51)
    mean = np.array([exponential(np.array([6.0, 0.07]), a, b) for a, b in pairwise(edges)])

    def make(rng):
        counts = rng.poisson(mean)
        return tail(edges, counts, 0.0, 50.0).between(50.0, 100.0), COUNT(int(counts[25:].sum()))

    assert 4 * 92 <= closures(make, experiments=400) <= 4 * 99


def test_cuts_that_are_not_independent_do_not_close_and_the_correlation_says_so():
    a, b, c, d = COUNT(120), COUNT(40), COUNT(90), COUNT(300)
    assert not abcd(b, c, d).closes(a)
    phi, error = correlation(a, b, c, d)
    assert phi > 5.0 * error > 0.0
    assert phi == pytest.approx(np.corrcoef(_table(120, 40, 90, 300))[0, 1], rel=1e-12)
    assert correlation(COUNT(12), b, c, d)[0] == pytest.approx(0.0, abs=1e-12)


def _table(a, b, c, d):
    """Return both cuts for each event."""
    first = np.repeat([1, 1, 0, 0], [a, b, c, d])
    second = np.repeat([1, 0, 1, 0], [a, b, c, d])
    return np.array([first, second], float)


def test_the_error_of_correlation_is_the_one_of_independent_cuts():
    rng = np.random.default_rng(2)
    drawn = []
    for _ in range(2000):
        x, y = rng.random((2, 500)) < np.array([[0.3], [0.6]])
        counts = [COUNT(int(np.sum(one))) for one in (x & y, x & ~y, ~x & y, ~x & ~y)]
        drawn.append(correlation(*counts))
    assert np.std([phi for phi, _ in drawn]) == pytest.approx(np.mean([error for _, error in drawn]), rel=0.05)


def test_a_zone_says_as_much_of_a_region_as_the_sample_says_of_both():
    found = transferred(COUNT(200), Counted(3.0, 0.5), Counted(60.0, 8.0))
    assert found.value == 10.0
    assert found.error == pytest.approx(10.0 * math.sqrt(1 / 200 + 0.5 / 9.0 + 8.0 / 3600.0))
    ratio, error = normalisation(COUNT(210), Counted(200.0, 16.0))
    assert ratio == 1.05
    assert error == pytest.approx(1.05 * math.sqrt(1 / 210 + 16.0 / 200.0**2))


def test_a_tail_is_the_integral_of_its_exponential():
    edges = np.linspace(10.0, 60.0, 26)
    true = np.array([8.0, 0.1])
    counts = np.array([exponential(true, a, b) for a, b in pairwise(edges)])
    fit = tail(edges, counts, 10.0, 40.0)
    assert fit.parameters == pytest.approx(true, rel=1e-3)
    found = fit.between(60.0, 80.0)
    assert found.value == pytest.approx(math.exp(8.0) / 0.1 * (math.exp(-6.0) - math.exp(-8.0)), rel=1e-2)
    assert 0.0 < found.error < found.value
    assert fit.ndf == 13


def test_a_sideband_is_a_line_under_a_window():
    edges = np.linspace(0.0, 10.0, 21)
    centres = 0.5 * (edges[1:] + edges[:-1])
    counts = (20.0 + 3.0 * centres) * 0.5
    counts[8:12] += 100.0
    fit = sideband(edges, counts, [(0.0, 4.0), (6.0, 10.0)])
    assert fit.between(4.0, 6.0).value == pytest.approx(20.0 * 2.0 + 3.0 * 10.0, rel=1e-3)


def test_few_events_are_told():
    assert abcd(COUNT(2), COUNT(90), COUNT(300)).notes == ("B has 2 events: the error is a rough one",)
    assert abcd(COUNT(0), COUNT(90), COUNT(300)).error > 0.0


def test_what_cannot_be_estimated_is_refused():
    with pytest.raises(ValueError, match="pass neither cut"):
        abcd(COUNT(1), COUNT(1), COUNT(0))
    with pytest.raises(ValueError, match="no event in the zone"):
        transferred(COUNT(1), Counted(0.0, 0.0), Counted(0.0, 0.0))
    with pytest.raises(ValueError, match="no event in the control region"):
        normalisation(COUNT(1), Counted(0.0, 0.0))
    edges = np.linspace(0.0, 10.0, 11)
    with pytest.raises(ValueError, match="2 bins are too few"):
        tail(edges, np.ones(10), 0.0, 2.0)
    with pytest.raises(ValueError, match="no event in the bins"):
        tail(edges, np.zeros(10), 0.0, 10.0)


def test_a_pull_takes_the_larger_fluctuation():
    assert Estimate(9.0, 0.0).pull(COUNT(0)) == -3.0
    assert Estimate(0.0, 0.0).pull(Counted(0.0, 0.0)) == 0.0
