"""Limits on counted events: published tables, the three methods against each other, combination of periods."""

from __future__ import annotations

import json
import re
import warnings
from dataclasses import replace

import numpy as np
import pytest
from scipy import integrate, optimize, stats

from emiss.physics import RangeWarning
from emiss.physics.limits import Correlations, Period, Shift, counting, upper_limit
from emiss.physics.limits.asymptotic import few
from emiss.physics.limits.feldman_cousins import interval
from emiss.physics.limits.workspace import channels

# PDG, Review of Particle Physics, Statistics, Table 40.3: 90 % upper limits of a Poisson mean without background, n = 0...10
PDG_90 = [2.30, 3.89, 5.32, 6.68, 7.99, 9.27, 10.53, 11.77, 12.99, 14.21, 15.41]


@pytest.mark.parametrize(("n", "published"), list(enumerate(PDG_90)))
def test_without_background_the_limit_is_that_of_the_pdg(n, published):
    limit = upper_limit(Period(1.0, 0.0, n))
    assert limit.method == "exact"
    assert limit.observed == pytest.approx(published, abs=0.006)


@pytest.mark.parametrize("background", [0.0, 0.3, 1.95, 20.0])
def test_nothing_observed_gives_the_logarithm_for_any_background(background):
    assert upper_limit(Period(1.0, background, 0)).observed == pytest.approx(-np.log(0.1), rel=1e-6)


@pytest.mark.parametrize(("n", "background"), [(1, 0.5), (3, 1.95), (7, 12.0), (50, 40.0)])
def test_one_period_is_the_ratio_of_two_poisson_sums(n, background):
    root = optimize.brentq(
        lambda s: stats.poisson.cdf(n, s + background) / stats.poisson.cdf(n, background) - 0.1, 0, 99
    )
    assert upper_limit(Period(1.0, background, n)).observed == pytest.approx(root, rel=1e-5)


def test_expected_limits_are_those_of_the_quantiles_of_the_background():
    limit = upper_limit(Period(1.0, 1.95))
    counts = [int(stats.poisson.ppf(p, 1.95)) for p in (0.0228, 0.1587, 0.5, 0.8413, 0.9772)]
    assert limit.observed is None
    assert limit.expected == pytest.approx([upper_limit(Period(1.0, 1.95, n)).observed for n in counts])
    assert limit.band68 == (limit.expected[1], limit.expected[3])
    assert limit.band95[0] < limit.median < limit.band95[1]


def test_an_uncertain_efficiency_lengthens_the_limit_as_cousins_and_highland_say():
    # Nucl. Instrum. Meth. A 320 (1992) 331: for n = 0 longer by U0 sigma^2 / 2
    sigma = 0.1
    longer = upper_limit(Period(1.0, 0.0, 0, 0.0, sigma)).observed / -np.log(0.1) - 1.0
    # theirs is a normal efficiency: the log-normal one is on average ln(1.1)^2 / 2 higher, and a little narrower
    width = np.log1p(sigma)
    assert longer == pytest.approx(-np.log(0.1) * width**2 / 2.0 - width**2 / 2.0, abs=1e-3)


def test_errors_are_averaged_over_as_an_integral_says():
    period = Period(1.0, 4.0, 3, 0.4, 0.15)

    def probability(strength):
        def density(b, e):
            rate = strength * 1.15**e + 4.0 * 1.4**b
            return stats.poisson.cdf(3, rate) * stats.norm.pdf(b) * stats.norm.pdf(e)

        return integrate.dblquad(density, -6, 6, -6, 6, epsabs=1e-5)[0]

    limit = upper_limit(period).observed
    assert probability(limit) / probability(0.0) == pytest.approx(0.1, rel=5e-4)


@pytest.mark.parametrize(
    ("period", "correlations"),
    [
        ([Period(1.0, 1.95, 3)], Correlations()),
        ([Period(1.0, 40.0, 50, 0.1, 0.1)], Correlations()),
        ([Period(0.5, 1.0, 1, 0.3, 0.1), Period(0.3, 1.5, 2, 0.3, 0.1), Period(0.2, 0.2, 0, 0.3, 0.2)], Correlations()),
        (
            [Period(0.7, 1.0, 1, 0.3, 0.1), Period(0.3, 1.5, 2, 0.5, 0.1)],
            Correlations(background=False, efficiency=False),
        ),
    ],
)
def test_toys_agree_with_the_exact_sum(period, correlations):
    exact = upper_limit(period, method="exact", correlations=correlations)
    toys = upper_limit(period, method="toys", correlations=correlations, toys=20_000)
    assert 0 < toys.error < 0.03 * toys.observed
    assert toys.observed == pytest.approx(exact.observed, abs=4.0 * toys.error)
    assert toys.expected[1:4] == pytest.approx(exact.expected[1:4], rel=0.06)  # a count more or less at a quantile


def asymptotic(n, background):
    """q~_mu of one counter without errors, in closed form (Cowan et al., Eur. Phys. J. C 71 (2011) 1554)."""

    def statistic(observed, s):
        best = max(observed - background, 0.0)
        if best > s:
            return 0.0
        logs = observed * np.log((best + background) / (s + background)) if observed else 0.0
        return 2.0 * (s - best + logs)

    def cls(s):
        q, asimov = statistic(n, s), statistic(background, s)
        if q <= asimov:
            return stats.norm.sf(np.sqrt(q)) / stats.norm.cdf(np.sqrt(asimov) - np.sqrt(q))
        root = np.sqrt(asimov)
        return stats.norm.sf((q + asimov) / (2 * root)) / stats.norm.sf((q - asimov) / (2 * root))

    return optimize.brentq(lambda s: cls(s) - 0.1, 1e-3, 200)


@pytest.mark.parametrize(("n", "background"), [(0, 1.95), (50, 40.0), (100, 110.0)])
def test_pyhf_agrees_with_the_closed_form(n, background):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RangeWarning)
        limit = upper_limit(Period(1.0, background, n), method="asymptotic")
    assert limit.observed == pytest.approx(asymptotic(n, background), rel=2e-3)


def test_the_asymptotic_limit_is_close_where_it_holds_and_says_where_it_does_not():
    many = Period(2.0, 300.0, 310, 0.05, 0.05)
    exact = upper_limit(many, method="exact")
    assert upper_limit(many, method="asymptotic").observed == pytest.approx(exact.observed, rel=0.03)
    with pytest.warns(RangeWarning) as said:
        nothing = upper_limit(Period(1.0, 0.01, 0), method="asymptotic")
    assert [str(warning.message) for warning in said] == list(nothing.notes)
    assert "no event observed" in nothing.notes[0]
    assert nothing.observed == pytest.approx(0.6 * 2.3026, rel=0.02)  # 40 % too low
    assert len(nothing.notes) == 2  # few are expected, too
    assert few([many]) == ()


def test_combining_equal_periods_is_one_long_period():
    whole = upper_limit(Period(1.0, 2.0, 3, 0.2, 0.1))
    halves = [Period(0.5, 1.0, n, 0.2, 0.1) for n in (2, 1)]
    observed, expected = counting.limits(halves, 0.9, Correlations())  # summed over the outcomes of both
    assert observed == pytest.approx(whole.observed, rel=1e-5)
    assert expected == pytest.approx(whole.expected, rel=1e-5)
    assert upper_limit(halves).observed == pytest.approx(whole.observed, rel=1e-5)
    assert upper_limit(halves).expected == pytest.approx(whole.expected, rel=1e-5)
    assert upper_limit([replace(half, observed=None) for half in halves]).observed is None
    apart = upper_limit(halves, correlations=Correlations(background=False, efficiency=False))
    assert apart.median < whole.median  # independent errors average out


@pytest.mark.parametrize("extra", [Period(1e-4, 5.0, 5), Period(0.0, 5.0, 9), Period(1e-3, 0.1, 0, 0.3, 0.1)])
def test_a_period_without_signal_to_speak_of_changes_nothing(extra):
    alone = Period(1.0, 0.5, 1, 0.2, 0.1)
    joined = upper_limit([alone, replace(extra, name="tail")])
    assert joined.method == "exact"
    assert joined.observed == pytest.approx(upper_limit(alone).observed, rel=2e-3)
    assert joined.expected == pytest.approx(upper_limit(alone).expected, rel=2e-3)
    assert joined.notes == ("without period tail, which tells less than 1% of the signal",)


def test_periods_that_are_nearly_alike_are_added_up():
    whole = upper_limit(Period(2.0, 3.0, 3, 0.2, 0.1))
    split = upper_limit([Period(1.0, 1.5, 1, 0.2, 0.1), Period(1.05, 1.5, 2, 0.2, 0.1)])
    assert split.observed * 2.05 / 2.0 == pytest.approx(whole.observed, rel=1e-9)
    assert split.median * 2.05 / 2.0 == pytest.approx(whole.median, rel=1e-9)


def test_the_method_chosen_fits_the_case():
    assert upper_limit(Period(1.0, 1e-3, 0)).method == "exact"
    many = upper_limit([Period(1.0, b, int(b), 0.01, 0.1) for b in (200.0, 300.0, 450.0)])
    assert many.method == "asymptotic"
    assert many.notes == ("asymptotic: within 3 % of the exact limit, the band within 8 %",)
    small = [Period(1.0, 3.0 + i, 3 + i, 0.1, 0.1) for i in range(6)]
    found = upper_limit(small, toys=2000)
    assert found.method == "toys"
    assert found.notes == ("2000 toys per hypothesis",)
    with pytest.raises(ValueError, match="too many to be enumerated"):
        upper_limit(small, method="exact")


def test_a_background_far_too_high_is_said_so():
    with pytest.raises(ValueError, match="too few for the background"):
        upper_limit([Period(1.0, 800.0, 0), Period(2.0, 700.0, 1)])
    with pytest.raises(ValueError, match="as good as impossible"):
        upper_limit(Period(1.0, 800.0, 0, unseen=(1.0,)), method="exact")


def test_toys_rise_with_what_is_observed():
    periods = [Period(1.0, 6.0, n, 0.3, 0.2) for n in (1, 2, 5, 11)]
    limits = [upper_limit([p, Period(0.5, 5.0, 4, 0.3, 0.2)], method="toys", toys=5000).observed for p in periods]
    assert np.all(np.diff(limits) > 0)


def test_expected_limits_of_the_asymptotic_method_do_not_know_the_data():
    limits = [upper_limit(Period(1.0, 400.0, n, 0.04, 0.05), method="asymptotic") for n in (360, 450)]
    assert limits[0].expected == pytest.approx(limits[1].expected, rel=1e-4)
    assert limits[0].observed < limits[0].median < limits[1].observed


@pytest.mark.parametrize("period", [Period(1.0, 100.0, 110, 0.1, 0.1), Period(3.0, 5000.0, 5100, 0.01, 0.0)])
def test_the_asymptotic_limit_is_as_close_as_it_says(period):
    assert few([period]) == ()
    close, exact = (upper_limit(period, method=method) for method in ("asymptotic", "exact"))
    assert (close.observed, close.median) == pytest.approx((exact.observed, exact.median), rel=0.03)
    assert close.expected == pytest.approx(exact.expected, rel=0.08)


def test_the_exact_sum_of_several_periods_is_that_of_dense_averages():
    # few events each, errors common; the average over both parameters on a grid of its own
    one, two = Period(1.0, 2.0, 1, 0.5, 0.2), Period(0.4, 3.0, 4, 0.5, 0.2)
    strength = upper_limit([one, two], method="exact").observed
    worth = [np.log1p(strength * p.signal / p.background) for p in (one, two)]
    n = np.arange(40)
    lower = np.add.outer(n * worth[0], n * worth[1]) <= one.observed * worth[0] + two.observed * worth[1] + 1e-9
    t = np.linspace(-7.0, 7.0, 57)
    density = stats.norm.pdf(t) / stats.norm.pdf(t).sum()

    def below(mu):
        total = 0.0
        for u, w in zip(t, density, strict=True):
            rates = [mu * p.signal * 1.2**t + p.background * 1.5**u for p in (one, two)]
            a, b = (stats.poisson.pmf(n[:, None], rate) for rate in rates)
            total += w * np.einsum("ak,bk,ab,k->", a, b, lower, density)
        return total

    assert below(strength) / below(0.0) == pytest.approx(0.1, rel=1e-5)


def test_samples_of_which_nothing_is_left_enter_with_an_exponential():
    # one event of the sample stands for two of the data: a mean of 2, and 90 % below 4.6
    mean, period = 2.0, Period(1.0, 1.5, 2, 0.3, 0.1, unseen=(2.0,))
    strength, expected = counting.limits([period], 0.9, Correlations())
    t, x = np.linspace(-6, 6, 49), (np.arange(1000) + 0.5) * 0.04
    normal = stats.norm.pdf(t) / stats.norm.pdf(t).sum()
    held = np.exp(-x / mean) / np.exp(-x / mean).sum()

    def below(mu):
        background = (1.5 * 1.3**t)[:, None] + x
        return sum(
            w * (normal @ stats.poisson.cdf(2, mu * 1.1**e + background) @ held)
            for e, w in zip(t, normal, strict=True)
            if mu or e == 0.0
        ) / (1.0 if mu else normal[len(t) // 2])

    assert below(strength) / below(0.0) == pytest.approx(0.1, rel=1e-4)
    alone = upper_limit(replace(period, unseen=()))
    assert strength < alone.observed  # more background explains the two events
    assert expected[2] > 1.2 * alone.median  # and brings more of them
    whole = upper_limit(period)
    assert whole.observed == alone.observed  # what nobody has seen does not make a limit smaller
    assert whole.median == expected[2]
    assert "the larger one, with it or without" in whole.notes[-1]
    assert upper_limit(replace(period, observed=0)).observed == pytest.approx(
        2.3162, abs=1e-3
    )  # whatever the background


def test_samples_of_which_nothing_is_left_are_common_to_the_periods():
    halves = [Period(0.5, 0.75, 1, 0.3, 0.1, unseen=(1.0, 0.25)) for _ in range(2)]
    whole = Period(1.0, 1.5, 2, 0.3, 0.1, unseen=(2.0, 0.5))
    wanted = upper_limit(whole)
    assert upper_limit(halves).expected == pytest.approx(wanted.expected, rel=1e-6)
    toys = upper_limit([halves[0], replace(halves[1], signal=0.5 * 1.001, efficiency_error=0.1001)], toys=20_000)
    assert toys.method == "toys"
    assert toys.observed == pytest.approx(wanted.observed, abs=4.0 * toys.error)
    assert toys.median == pytest.approx(wanted.median, rel=0.02)
    with pytest.raises(ValueError, match="simulate more"):
        upper_limit(Period(1.0, 1.0, unseen=(60.0, 60.0)))
    with pytest.warns(RangeWarning):
        without = upper_limit(whole, method="asymptotic")
    assert (
        without.notes[-1] == "asymptotic: without the 2.5 events that samples of which nothing is left leave room for"
    )


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: upper_limit(Period(0.0, 1.0)), "needs signal in at least one period"),
        (lambda: Period(1.0, 1.0, unseen=(-1.0,)), "unseen must be 0 or more"),
        (lambda: upper_limit(Period(1.0, 1e16), method="exact"), "more than 1e\\+15 events"),
        (lambda: Period(1.0, -1.0), "0 or more"),
        (lambda: Period(1.0, float("nan")), "finite"),
        (lambda: Period(1.0, 1.0, -1), "no number of events"),
        (lambda: upper_limit([]), "at least one period"),
        (lambda: upper_limit(Period(1.0, 1.0), method="best"), "no method 'best'"),
        (lambda: upper_limit(Period(1.0, 1.0), confidence=90), "lies between 0 and 1"),
        (lambda: interval(-1, 0.0), "no interval"),
    ],
)
def test_what_makes_no_sense_is_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()


def test_an_asymptotic_limit_needs_background():
    with pytest.raises(ValueError, match="needs some background"):
        upper_limit(Period(1.0, 0.0, 3), method="asymptotic")
    with pytest.raises(ValueError, match="not reliable with more than"):
        upper_limit(Period(1.0, 1e6), method="asymptotic")


# Feldman and Cousins, Phys. Rev. D 57 (1998) 3873, Table IV (90 %)
@pytest.mark.parametrize(
    ("n", "background", "low", "high"),
    [
        (0, 0.0, 0.00, 2.44),
        (1, 0.0, 0.11, 4.36),
        (4, 0.0, 1.47, 8.60),
        (2, 0.5, 0.03, 5.41),
        (0, 1.0, 0.00, 1.61),
        (3, 1.0, 0.10, 6.42),
        (5, 1.0, 1.25, 8.99),
        (0, 3.0, 0.00, 1.08),
        (3, 5.0, 0.00, 2.78),
    ],
)
def test_unified_intervals_are_the_published_ones(n, background, low, high):
    assert interval(n, background) == pytest.approx((low, high), abs=0.012)


def test_a_variation_of_the_signal_alone_is_an_error_of_the_efficiency():
    shift = Shift("scale", signal=(1.1, 1 / 1.1))
    by_hand, moved = Period(1.0, 4.0, 3, 0.2, 0.1), Period(1.0, 4.0, 3, 0.2, shifts=(shift,))
    assert upper_limit(moved).observed == pytest.approx(upper_limit(by_hand).observed, rel=1e-6)
    assert upper_limit(moved).expected == pytest.approx(upper_limit(by_hand).expected, rel=1e-6)
    # and so it is for pyhf, whose parameter has another name alone
    specifications = [
        re.sub(r'"(efficiency|variation_scale)"', "", json.dumps(channels([one], Correlations())))
        for one in (by_hand, moved)
    ]
    assert specifications[0] == specifications[1]


@pytest.mark.parametrize("on_background", [(1.25, 0.8), (0.8, 1.25), (1.5, 1 / 1.5)])
def test_one_variation_moves_signal_and_background_together(on_background):
    """Against an integral over the one parameter."""
    shift = Shift("scale", (1.25, 0.8), on_background)
    of_s, of_b = (np.log(ends[0]) for ends in (shift.signal, shift.background))

    def below(s: float) -> float:
        def integrand(t: float) -> float:
            return stats.norm.pdf(t) * stats.poisson.cdf(3, s * np.exp(of_s * t) + 4.0 * np.exp(of_b * t))

        return integrate.quad(integrand, -8, 8, epsrel=1e-9)[0]

    root = optimize.brentq(lambda s: below(s) / below(0.0) - 0.1, 1.0, 30.0, rtol=1e-8)
    assert upper_limit(Period(1.0, 4.0, 3, shifts=(shift,))).observed == pytest.approx(root, rel=1e-4)


def test_variations_of_several_periods_are_drawn_and_those_alike_are_one_counter():
    shift = Shift("scale", (1.2, 1 / 1.2), (1.1, 1 / 1.1))
    alike = [Period(1.0, 2.0, 1, shifts=(shift,)), Period(2.0, 4.0, 3, shifts=(shift,))]
    assert upper_limit(alike).observed == pytest.approx(upper_limit(Period(3.0, 6.0, 4, shifts=(shift,))).observed)
    other = replace(alike[1], shifts=(Shift("scale", (1.0, 1.0), (1.1, 1 / 1.1)),))
    assert upper_limit([alike[0], other], toys=2000).method == "toys"


def test_directions_of_a_variation():
    assert Shift("a", (1.1, 0.9)).widths[0] == pytest.approx(0.5 * np.log(1.1 / 0.9))
    assert Shift("a", (1.1, 1.02)).widths[0] == pytest.approx(np.log(1.1))  # the larger one where both go up
    assert Shift("a", (0.99, 0.9)).widths[0] == pytest.approx(-np.log(0.9))
    with pytest.raises(ValueError, match="above 0"):
        Shift("a", (1.0, 0.0))
