from __future__ import annotations

import math

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from emiss.selection.counting import intervals

levels = st.sampled_from([0.5, 0.683, 0.9, 0.95, 0.99])


@given(n=st.integers(1, 100_000), share=st.floats(0, 1), level=levels)
@example(n=100_000, share=1e-5, level=0.99)
@settings(deadline=None, max_examples=80)
def test_clopper_pearson_is_the_exact_interval_of_scipy_stats(n: int, share: float, level: float) -> None:
    from scipy.stats import binom, binomtest

    k = round(share * n)
    low, high = intervals.clopper_pearson(k, n, level)
    oracle = binomtest(k, n).proportion_ci(level, method="exact")
    assert (low, high) == pytest.approx((oracle.low, oracle.high), rel=1e-7, abs=4e-12)  # its roots are good to 2e-12
    # small ends need more: at each the tail beyond k has its share, by definition
    tail = (1.0 - level) / 2.0
    assert low == 0.0 if k == 0 else binom.sf(k - 1, n, low) == pytest.approx(tail, rel=1e-7)
    assert high == 1.0 if k == n else binom.cdf(k, n, high) == pytest.approx(tail, rel=1e-7)


@given(n=st.integers(1, 100_000), share=st.floats(0, 1), level=levels)
@settings(deadline=None, max_examples=80)
def test_with_weights_all_alike_the_weighted_interval_is_wilsons(n: int, share: float, level: float) -> None:
    from scipy.stats import binomtest

    k = round(share * n)
    oracle = binomtest(k, n).proportion_ci(level, method="wilson")
    for w in (1.0, 0.37, 4e5):
        found = intervals.wilson_effective(w * k, w * w * k, w * n, w * w * n, level)
        assert found == pytest.approx((oracle.low, oracle.high), rel=1e-7, abs=1e-12)


@pytest.mark.parametrize("n", [1, 7, 20_500])
def test_no_interval_has_zero_width_at_the_ends(n: int) -> None:
    for low, high in (intervals.clopper_pearson(0, n), intervals.wilson_effective(0.0, 0.0, 2.0 * n, 4.0 * n)):
        assert low == 0.0
        assert 0.5 / n < high < min(1.0, 2.5 / n) or n == 1
    for low, high in (
        intervals.clopper_pearson(n, n),
        intervals.wilson_effective(2.0 * n, 4.0 * n, 2.0 * n, 4.0 * n),
    ):
        assert high == 1.0
        assert low < 1.0 - 0.4 / n


def test_nothing_out_of_nothing_has_no_interval() -> None:
    assert intervals.clopper_pearson(0, 0) is None
    assert intervals.wilson_effective(0.0, 0.0, 0.0, 0.0) is None


def test_upper_end_at_zero_in_closed_form() -> None:
    low, high = intervals.clopper_pearson(0, 18_794, 0.683)
    assert (low, high) == (0.0, pytest.approx(1 - 0.1585 ** (1 / 18_794), rel=1e-9))
    assert high == pytest.approx(9.8e-5, rel=2e-3)


@given(
    weights=st.lists(st.tuples(st.floats(0.01, 100), st.booleans()), min_size=1, max_size=60),
    level=levels,
)
@settings(deadline=None, max_examples=100)
def test_weighted_interval_holds_the_efficiency_and_lies_in_0_1(
    weights: list[tuple[float, bool]], level: float
) -> None:
    passed = [w for w, good in weights if good]
    sums = (
        math.fsum(passed),
        math.fsum(w * w for w in passed),
        math.fsum(w for w, _ in weights),
        math.fsum(w * w for w, _ in weights),
    )
    low, high = intervals.wilson_effective(*sums, level)
    assert 0.0 <= low <= sums[0] / sums[2] + 1e-12
    assert sums[0] / sums[2] - 1e-12 <= high <= 1.0
    assert high - low > 0.0


def test_effective_trials_give_the_variance_of_the_weighted_efficiency() -> None:
    import numpy as np

    rng = np.random.default_rng(20)
    n, true = 400, 0.3
    w = rng.exponential(size=(4000, n))  # fixed per trial would do; varying weights average over them
    good = rng.random((4000, n)) < true
    p = (w * good).sum(1) / w.sum(1)
    trials = [
        intervals.effective_trials(float((a * g).sum()), float((a * a * g).sum()), float(a.sum()), float((a * a).sum()))
        for a, g in zip(w[:300], good[:300], strict=True)
    ]
    assert np.mean(trials) == pytest.approx(true * (1 - true) / p.var(), rel=0.08)
    assert np.mean(trials) < 0.6 * n  # exponential weights: half of the events


def test_weights_that_correlate_with_passing_move_the_effective_number() -> None:
    # one heavy event passes among many light ones: the efficiency is known from about one event
    assert intervals.effective_trials(100.0, 10_000.0, 200.0, 10_100.0) == pytest.approx(0.25 * 4e4 / 2525.0)


def test_negative_weights_that_leave_0_1_have_no_interval_and_rounding_is_forgiven() -> None:
    assert intervals.wilson_effective(-1.0, 3.0, 10.0, 12.0) is None
    assert intervals.wilson_effective(11.0, 12.0, 10.0, 14.0) is None
    exact = intervals.wilson_effective(10.0, 12.0, 10.0, 12.0)
    assert intervals.wilson_effective(10.0 * (1 + 1e-15), 12.0, 10.0, 12.0) == exact


@given(k=st.integers(0, 30), n=st.integers(0, 30))
def test_more_content_is_a_wider_interval(k: int, n: int) -> None:
    assume(0 < n >= k)
    narrow, wide = intervals.clopper_pearson(k, n, 0.683), intervals.clopper_pearson(k, n, 0.95)
    assert wide[0] <= narrow[0] <= k / n <= narrow[1] <= wide[1]


def test_impossible_arguments_are_refused() -> None:
    for k, n in ((3, 2), (-1, 2), (0, -1)):
        with pytest.raises(ValueError, match="no efficiency"):
            intervals.clopper_pearson(k, n)
    for level in (0.0, 1.0, 68.3):
        with pytest.raises(ValueError, match="between 0 and 1"):
            intervals.clopper_pearson(1, 2, level)


def test_names_are_those_of_the_file() -> None:
    assert intervals.interval_name(unit_weights=True) == "clopper-pearson 68.3 %"
    assert intervals.interval_name(unit_weights=False, level=0.95) == "wilson effective-n 95 %"


@given(
    weights=st.lists(st.floats(0.01, 100), min_size=2, max_size=60),
    orders=st.tuples(st.randoms(use_true_random=False), st.randoms(use_true_random=False)),
    level=levels,
)
def test_sums_in_another_order_give_the_interval_of_all_or_nothing(weights, orders, level) -> None:
    sums = []
    for order in orders:
        order.shuffle(weights)
        total = squares = 0.0
        for w in weights:
            total += w
            squares += w * w
        sums += [total, squares]
    low, high = intervals.wilson_effective(*sums, level)
    exact = intervals.wilson_effective(sums[2], sums[3], sums[2], sums[3], level)
    assert (low, high) == exact
    assert high == 1.0
    assert high - low > 0.2 / len(weights) ** 2


@pytest.mark.parametrize("ulps", [-40, -2, -1, 0, 1, 2, 40])
def test_an_ulp_below_1_or_above_0_is_no_certainty(ulps: int) -> None:
    all_of_them = 1000.0 * (1.0 + ulps * 2.0**-53)
    assert intervals.wilson_effective(all_of_them, 1000.0, 1000.0, 1000.0) == intervals.wilson(1.0, 1000.0)
    assert intervals.wilson_effective(1e-13 * ulps, 1e-13 * abs(ulps), 1000.0, 1000.0) == intervals.wilson(0.0, 1000.0)
