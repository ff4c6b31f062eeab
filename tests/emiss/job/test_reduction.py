"""Sums of a fixed shape: no order of the parts changes a bit, and none is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emiss.job.reduction import FAN, Reduction


def plainly(parts: list[float | None]) -> float | None:
    """The same sum by its definition: groups of FAN, from left to right, level by level."""
    while len(parts) > 1:
        groups = [[part for part in parts[i : i + FAN] if part is not None] for i in range(0, len(parts), FAN)]
        parts = [add(group) if group else None for group in groups]
    return parts[0] if parts else None


def add(parts: list[float]) -> float:
    total = parts[0]
    for part in parts[1:]:
        total += part
    return total


@given(
    st.lists(st.one_of(st.none(), st.floats(-1e9, 1e9)), min_size=2, max_size=3 * FAN * FAN),
    st.randoms(use_true_random=False),
)
def test_the_order_changes_no_bit(parts, random):
    numbers = list(range(len(parts)))
    random.shuffle(numbers)
    reduction = Reduction(len(parts), add)
    for number in numbers:
        reduction.put(number, parts[number])
    assert reduction.held == 0
    assert reduction.result() == plainly(parts)


@given(st.integers(1, 1000), st.randoms(use_true_random=False))
def test_each_part_enters_once(count, random):
    numbers = list(range(count))
    random.shuffle(numbers)
    reduction = Reduction(count, lambda parts: [number for part in parts for number in part])
    for number in numbers:
        reduction.put(number, [number])
    assert reduction.result() == list(range(count))


def test_what_is_held_stays_small_in_order():
    reduction = Reduction(FAN**3, sum)
    most = 0
    for number in range(FAN**3):
        reduction.put(number, 1)
        most = max(most, reduction.held)
    assert reduction.result() == FAN**3
    assert most <= 3 * FAN


def test_mistakes():
    reduction = Reduction(3, sum)
    reduction.put(1, 1)
    with pytest.raises(RuntimeError, match="not all"):
        reduction.result()
    with pytest.raises(ValueError, match="before"):
        reduction.put(1, 1)
    with pytest.raises(ValueError, match="no part 3"):
        reduction.put(3, 1)
    assert Reduction(0, sum).result() is None
