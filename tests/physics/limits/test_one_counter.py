"""One counter over a wide grid: finite, monotonic, covering, and equal to dense averages that share no code."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from emiss.physics.limits import Period, upper_limit
from emiss.physics.limits.one_counter import OneCounter, log_survival, quantile
from emiss.physics.limits.poisson import log_cdf


def dense(n, signal, background, error, reach=12.0, points=400_001):
    """ln P(N <= n) by a plain sum over a fine grid of the background's parameter."""
    u = np.linspace(-reach, reach, points)
    rate = signal + background * np.exp(math.log1p(error) * u)
    return math.log(special.gammaincc(n + 1, rate) @ stats.norm.pdf(u) * (u[1] - u[0]))


@pytest.mark.parametrize(
    ("n", "background", "error"),
    [
        (0, 1.95, 0.25),
        (5, 1.95, 1.0),
        (110, 100.0, 0.1),
        (200, 150.0, 0.5),
        (3_000, 3_500.0, 0.3),
        (1_000_000, 1e6, 0.05),
        (900_000, 1e6, 0.25),
        (1_000_000, 1e6, 1.0),
    ],
)
@pytest.mark.parametrize("share", [0.0, 0.01, 1.0])
def test_averages_are_those_of_dense_sums(n, background, error, share):
    signal = share * math.sqrt(background + (error * background) ** 2)
    ours = log_survival(n, np.array([signal]), background, error)[0]
    assert ours == pytest.approx(dense(n, signal, background, error), abs=1e-8)


@pytest.mark.parametrize(
    ("n", "background", "error", "efficiency_error"),
    [(2, 1.95, 0.25, 0.1), (60, 40.0, 0.5, 0.2), (10_200, 1e4, 0.05, 0.1), (1_000_000, 1e6, 0.3, 0.0)],
)
def test_limits_are_those_of_dense_sums(n, background, error, efficiency_error):
    # the comb of few nodes was 14 % off here, where error * sqrt(background) is above 3
    limit = upper_limit(Period(1.0, background, n, error, efficiency_error)).observed
    t = np.linspace(-8.0, 8.0, 41) if efficiency_error else np.zeros(1)
    logs = [dense(n, limit * (1 + efficiency_error) ** e, background, error, points=20_001) for e in t]
    cls = np.exp(np.array(logs) - dense(n, 0.0, background, error)) @ stats.norm.pdf(t) / stats.norm.pdf(t).sum()
    assert cls == pytest.approx(0.1, rel=1e-5)


@pytest.mark.parametrize(
    "period",
    [
        Period(1.0, 800.0, 0),
        Period(1.0, 1e4, 0),
        Period(1.0, 800.0, 0, 0.5),
        Period(1.0, 30.0, 0, 5.0, 1.0),
        Period(1.0, 1.0, 1, 1e3),
        Period(1.0, 1e5, 3, 0.1, 0.1),
        Period(1.0, 1e-8, 0),
        Period(1e-8, 1e6, 1_000_000, 0.2),
        Period(1.0, 0.0, 1_000_000, 0.0, 1e3),
    ],
)
def test_improbable_numbers_have_limits(period):
    limit = upper_limit(period)
    assert limit.method == "exact"
    assert np.all(np.isfinite([limit.observed, *limit.expected]))
    assert np.all(np.diff(limit.expected) >= 0)
    if period.observed == 0:
        alone = upper_limit(Period(1.0, 0.0, 0, 0.0, period.efficiency_error))
        assert limit.observed == pytest.approx(alone.observed, rel=1e-6)  # whatever the background


rates = st.floats(-6.0, 5.0).map(lambda x: 10.0**x) | st.just(0.0)
errors = st.floats(0.0, 0.5) | st.floats(-3.0, 3.0).map(lambda x: 10.0**x)


@given(background=rates, error=errors, efficiency_error=errors, seen=st.floats(0.0, 3.0))
@settings(max_examples=12, deadline=None)
def test_limits_are_finite_and_rise_with_what_is_observed(background, error, efficiency_error, seen):
    n = int(seen * (background + 2.0))
    limits = [
        OneCounter(float(count), background, error).limit(0.9, efficiency_error) for count in (n, n + 1, 2 * n + 2)
    ]
    assert np.all(np.isfinite(limits))
    assert limits[0] < limits[1] < limits[2]
    # at least the limit without background and errors for no event: CLs does not exclude what it cannot see
    assert limits[0] > 0.999 * math.log(10.0)


@pytest.mark.parametrize(("background", "error", "efficiency_error"), [(3.0, 0.5, 0.0), (0.5, 2.0, 0.3)])
def test_limits_cover(background, error, efficiency_error):
    """Averaged over the nuisance parameters, 90 % of the limits or more are above the true signal."""
    counts = np.arange(20)
    limits = np.array([OneCounter(float(n), background, error).limit(0.9, efficiency_error) for n in counts])
    u = np.linspace(-7, 7, 281)
    density = stats.norm.pdf(u) / stats.norm.pdf(u).sum()
    for signal in (0.5, 2.5, 5.0, 12.0):
        rate = np.add.outer(signal * (1 + efficiency_error) ** u[::4], background * (1 + error) ** u)
        outer = stats.norm.pdf(u[::4]) / stats.norm.pdf(u[::4]).sum()
        excluded = [n for n, limit in zip(counts, limits, strict=True) if limit < signal]
        missed = outer @ stats.poisson.cdf(max(excluded), rate) @ density if excluded else 0.0
        assert excluded == list(range(len(excluded)))
        assert len(excluded) < len(counts)
        assert missed <= 0.1 + 1e-9


def test_quantiles_are_those_of_the_averaged_background():
    rng = np.random.default_rng(3)
    drawn = rng.poisson(50.0 * 1.4 ** rng.standard_normal(200_000))
    for probability in (0.1587, 0.5, 0.9772):
        assert quantile(probability, 50.0, 0.4) == pytest.approx(np.quantile(drawn, probability), abs=1.5)
    assert quantile(0.5, 0.1, 0.0) == 0.0
    with pytest.raises(OverflowError, match="too many"):
        quantile(0.9772, 1e14, 1e3)


@pytest.mark.parametrize(("n", "rate"), [(0, 5000.0), (3, 900.0), (100, 1500.0), (100_000, 150_000.0)])
def test_the_far_tail_is_that_of_the_sum_term_by_term(n, rate):
    k = np.arange(n + 1.0)
    exact = special.logsumexp(special.xlogy(k, rate) - rate - special.gammaln(k + 1))
    assert log_cdf(n, np.array([rate]))[0] == pytest.approx(exact, rel=1e-10)


def test_the_far_tail_joins_the_closed_form():
    rate = np.array([1000.0, 1200.0])  # both within the range of numbers
    from emiss.physics.limits import poisson

    exact = np.log(special.gammaincc(301.0, rate))
    try:
        poisson.UNDERFLOW, before = 1.0, poisson.UNDERFLOW
        assert log_cdf(300, rate) == pytest.approx(exact, rel=1e-12)
    finally:
        poisson.UNDERFLOW = before
