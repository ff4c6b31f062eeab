"""Contours: the ends are those that can be written down, no interval is missed, and no limit is a value."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import lambertw

from emiss.physics.limits.contours import closing_mass, excluded, power_law


def decaying(strength, lifetime):
    """N over the limit of what is made with g^2 and has to fly far enough, g^2 in the exponent: both ends by Lambert's W."""
    return lambda g: strength * g**2 * math.exp(-lifetime * g**2)


@given(st.floats(3.0, 1e12), st.floats(1e-3, 1e3))
def test_both_branches_are_those_of_lamberts_w(size, lifetime):
    strength = size * lifetime  # s/t e^-1 is the maximum
    (found,), peak = excluded(decaying(strength, lifetime), 1e-9 / math.sqrt(lifetime), 1e3 / math.sqrt(lifetime))
    ends = [math.sqrt(float(-lambertw(-lifetime / strength, k).real) / lifetime) for k in (0, -1)]
    assert [found.low, found.high] == pytest.approx(ends, rel=1e-6)
    assert not found.open_low
    assert not found.open_high
    assert peak.coupling == pytest.approx(1.0 / math.sqrt(lifetime), rel=1e-3)
    assert peak.ratio == pytest.approx(strength / lifetime / math.e, rel=1e-6)


@given(st.floats(0.5, 2.6))
def test_just_below_the_closing_there_is_none_and_just_above_a_narrow_one(size):
    found, peak = excluded(decaying(size, 1.0), 1e-6, 1e3)
    assert bool(found) == (size > math.e) == (peak.ratio > 1.0)
    found, _ = excluded(decaying(math.e * 1.0001, 1.0), 1e-6, 1e3)
    assert len(found) == 1
    assert found[0].high / found[0].low < 1.05


def test_several_intervals_are_all_found():
    def ratio(g):
        x = math.log10(g)
        return 2.0 * (math.exp(-((x + 5.0) ** 2) / 0.02) + math.exp(-((x + 3.0) ** 2) / 0.02) + 10.0 ** (x - 0.5))

    found, _ = excluded(ratio, 1e-8, 10.0)
    assert len(found) == 3
    assert [one.open_high for one in found] == [False, False, True]
    assert all(ratio(end) == pytest.approx(1.0, rel=1e-6) for one in found[:2] for end in (one.low, one.high))


@given(st.floats(1e-6, 1e6), st.sampled_from([-4, -2, 1, 2, 4]), st.floats(1e-4, 1e-1))
def test_a_power_law_is_what_the_search_finds(ratio, power, coupling):
    closed, peak = power_law(ratio, coupling, power, 1e-8, 1.0)
    searched, found = excluded(lambda g: ratio * (g / coupling) ** power, 1e-8, 1.0)
    assert len(closed) == len(searched)
    for one, other in zip(closed, searched, strict=True):
        assert [one.low, one.high] == pytest.approx([other.low, other.high], rel=1e-6)
        assert (one.open_low, one.open_high) == (other.open_low, other.open_high)
    assert peak.ratio == pytest.approx(found.ratio, rel=1e-9)


def test_no_limit_is_a_value():
    assert excluded(lambda _: 0.0, 1e-6, 1.0) == ((), excluded(lambda _: 0.0, 1e-6, 1.0)[1])
    assert power_law(0.0, 1e-4, 2, 1e-6, 1.0)[0] == ()


def test_the_closing_mass():
    assert closing_mass(lambda m: (0.0553 / m) ** 3, 0.02, 0.2) == pytest.approx(0.0553, rel=5e-3)
    assert closing_mass(lambda m: math.exp(20.0 * (0.0553 - m)), 0.2, 0.02, rtol=1e-4) == pytest.approx(
        0.0553, rel=1e-4
    )
    assert closing_mass(lambda m: 2.0 if m < 0.1 else 0.0, 0.02, 0.2) == pytest.approx(0.1, rel=5e-3)


@pytest.mark.parametrize(("low", "high"), [(1.0, 1.0), (0.0, 1.0), (2.0, 1.0), (1.0, np.inf)])
def test_a_range_that_is_none(low, high):
    with pytest.raises(ValueError, match="between two numbers"):
        excluded(lambda g: g, low, high)


def test_numbers_that_are_none_are_told():
    with pytest.raises(ValueError, match="nan expected events"):
        excluded(lambda _: float("nan"), 1e-3, 1.0)
    with pytest.raises(ValueError, match="gives no limit"):
        power_law(1.0, 1.0, 0, 0.1, 1.0)
