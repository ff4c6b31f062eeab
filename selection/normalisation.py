"""From sums of weights to events expected: for how many particles on target, and by which factor."""

from __future__ import annotations

PER_ON_TARGET = 1e11
"""Particles on target that expected events are given for, unless the user says otherwise."""


def factor(on_target: float | None, scale: float, target: float = PER_ON_TARGET) -> float | None:
    """Return the factor from sums of weights to events expected for `target` particles on target.

    None where it is not known for how many particles, `on_target`, the sums stand.
    """
    return target / on_target * scale if on_target else None
