"""Bars and tests of histograms against other ways to the same numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from emiss.selection.counting.intervals import LEVEL, garwood
from emiss.selection.plotting.agreement import agreement, probability
from emiss.selection.plotting.series import Reach, Series

COUNTS = st.lists(st.integers(0, 40), min_size=3, max_size=12)


def counts(values, factor: float = 1.0, role: str = "background") -> Series:
    array = np.asarray(values, float)
    return Series("s", role, array, array, factor)


@given(st.integers(0, 200))
def test_garwood_leaves_half_of_the_rest_on_either_side(n: int) -> None:
    low, high = (float(end[0]) for end in garwood(np.array([float(n)])))
    tail = (1.0 - LEVEL) / 2.0
    assert stats.poisson.cdf(n, high) == pytest.approx(tail)
    assert low == 0.0 if n == 0 else stats.poisson.sf(n - 1, low) == pytest.approx(tail)


def test_bars_of_counts_are_poisson_and_scale_with_them() -> None:
    below, above = counts([0, 1, 100], 0.5).errors
    assert above[0] == pytest.approx(0.5 * 1.84, abs=0.01)
    assert below[0] == 0.0
    assert below[2] < above[2] == pytest.approx(5.0, abs=0.6)
    weighted = Series("s", "data", np.array([1.5]), np.array([4.0]))
    assert weighted.errors == (2.0, 2.0)


@given(COUNTS, st.randoms(use_true_random=False))
def test_agreement_of_counts(first: list[int], random) -> None:
    second = [random.randint(0, 40) for _ in first]
    kept = np.array([first, second])[:, np.array(first) + np.array(second) > 0]
    if min(sum(first), sum(second)) == 0 or kept.shape[1] < 2:
        return
    found = agreement(counts(first), counts(second, 7.0))  # whatever they are normalised to
    other = stats.chi2_contingency(kept, correction=False)
    assert (found.chi2, found.ndf) == (pytest.approx(other.statistic), other.dof)
    assert found.chi2_p == pytest.approx(other.pvalue)
    points = [np.repeat(np.arange(len(one)), one) for one in (first, second)]
    assert found.distance == pytest.approx(stats.ks_2samp(*points).statistic)


def test_agreement_of_weights_is_that_of_counts_where_weights_are_all_the_same() -> None:
    a, b = np.array([30.0, 50.0, 20.0]), np.array([20.0, 60.0, 20.0])
    weighted = Series("b", "background", 0.5 * b, 0.25 * b)
    assert agreement(counts(a), weighted).ks_p == pytest.approx(agreement(counts(a), counts(b)).ks_p)
    assert agreement(counts(a), weighted).chi2 == pytest.approx(agreement(counts(a), counts(b)).chi2, rel=0.05)
    assert str(agreement(counts(a), counts([0, 0, 0]))) == "nothing to compare"
    assert probability(0.0) == "p < 1e-06"


def test_one_event_of_a_small_weight_does_not_stretch_the_axis() -> None:
    reach = Reach.of([counts([1e6, 1e5, 1e-9])])
    assert reach.least == pytest.approx(1e3)
    assert (Reach.of([counts([1e6]), counts([2.0])])).least == 2.0  # but a small sample is seen
    assert not Reach.of([counts([0.0])]).log
    assert (Reach() | Reach(1.0, 3.0)) == Reach(1.0, 3.0)
