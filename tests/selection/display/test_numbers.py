from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emiss.selection.counting.counts import Tally
from emiss.selection.display import numbers


@pytest.mark.parametrize(
    ("x", "text"),
    [
        *[(0.0, "0"), (1.0, "1"), (12.3456, "12.35"), (20512.3, "20512"), (99999.6, "1e5"), (1.5e11, "1.5e11")],
        *[(123456.0, "1.235e5"), (0.00123456, "0.001235"), (1e-4, "1e-4"), (-3.21, "-3.21"), (9.9996, "10")],
    ],
)
def test_significant(x: float, text: str) -> None:
    assert numbers.significant(x) == text


@given(x=st.floats(1e-300, 1e300), sign=st.sampled_from([-1, 1]), digits=st.integers(1, 6))
@settings(deadline=None)
def test_a_written_number_is_right_to_its_last_digit(x: float, sign: int, digits: int) -> None:
    assert float(numbers.significant(sign * x, digits)) == pytest.approx(sign * x, rel=0.51 * 10.0 ** (1 - digits))


@pytest.mark.parametrize(
    ("value", "low", "high", "text"),
    [
        (0.0412, 0.0392, 0.0433, "4.12 +0.21 -0.20 %"),
        (0.0, 0.0, 9.8e-5, "< 0.0098 %"),
        (1.0, 1 - 9.8e-5, 1.0, "100 -0.0098 %"),
        (0.5, 0.2, 0.8, "50 +30 -30 %"),
        (0.5, 0.49004, 0.50996, "50.0 +1.0 -1.0 %"),
        (4.9e-5, 9e-6, 1.6e-4, "0.005 +0.011 -0.004 %"),
        (0.25, None, None, "25 %"),
        (-0.1, None, None, "-10 %"),
        (None, None, None, "-"),
    ],
)
def test_efficiency(value: float | None, low: float | None, high: float | None, text: str) -> None:
    assert numbers.efficiency(value, low, high) == text


def test_expected_events() -> None:
    assert numbers.expected(2.0, 21.0, 30.0) == "42"
    assert numbers.expected(1e8, 0.0, 1.84) == "< 1.8e8"
    assert numbers.expected(None, 3.0, 4.0) == "-"
    assert numbers.expected(1.0, 0.0, None) == "-"


def test_counts_are_whole_without_weights() -> None:
    assert numbers.count(Tally(1234567, 1234567.0, 1234567.0)) == "1234567"
    assert numbers.count(Tally(1234567, 1234.5678, 3.0)) == "1235"
    # a sum of weights that happens to be the number of events is a sum of weights
    assert numbers.count(Tally(200000, 200000.0, 400000.0)) == "2e5"
