"""How numbers are written in every report: counts, efficiencies with their intervals, expected events."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emiss.selection.counting.counts import Tally

NONE = "-"
"""Stands where there is no value, as for 0/0."""

_MAX_DECIMALS = 9


def significant(x: float, digits: int = 4) -> str:
    """Return `x` with `digits` significant digits (whole numbers up to 99999 in full), such as 12.35, 20512, 1.234e7."""
    if x == 0.0:
        return "0"
    exponent = math.floor(math.log10(abs(x)))
    if float(f"{abs(x):.0f}") >= 1e5 or exponent < -3:
        mantissa, _, power = f"{x:.{digits - 1}e}".partition("e")
        return f"{_trimmed(mantissa)}e{int(power)}"
    return _trimmed(f"{x:.{max(0, digits - 1 - exponent)}f}")


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def count(tally: Tally) -> str:
    """Return how many events: a whole number where all weights are 1, else the sum of weights."""
    return str(tally.n) if tally.unit_weights else significant(tally.sum_w)


@dataclass(frozen=True)
class Percent:
    """An efficiency in percent as text: value with errors, or (`limit`) the value it lies below."""

    value: str
    up: str = ""
    down: str = ""
    limit: bool = False


def percent(value: float | None, low: float | None, high: float | None) -> Percent | None:
    """Return an efficiency with its interval as text; the larger error has two significant digits.

    With nothing left it is the upper end of the interval; with everything left only the lower error has a meaning.
    """
    if value is None:
        return None
    if low is None or high is None:
        return Percent(significant(100.0 * value))
    if value <= 0.0:
        return Percent(significant(100.0 * high, 2), limit=True)
    up, down = max(0.0, 100.0 * (high - value)), max(0.0, 100.0 * (value - low))
    if value >= 1.0:
        return Percent("100", down=significant(down, 2))
    places = _places(max(up, down))
    return Percent(f"{100.0 * value:.{places}f}", f"{up:.{places}f}", f"{down:.{places}f}")


def efficiency(value: float | None, low: float | None, high: float | None) -> str:
    """Return an efficiency in percent with its interval: ``4.12 +0.21 -0.20 %``, ``< 0.0098 %``, ``100 -0.0098 %``."""
    written = percent(value, low, high)
    if written is None:
        return NONE
    if written.limit:
        return f"< {written.value} %"
    errors = f" +{written.up}" * bool(written.up) + f" -{written.down}" * bool(written.down)
    return f"{written.value}{errors} %"


def expected(factor: float | None, passed: float, upper: float | None) -> str:
    """Return events expected: `factor` times the sum of weights; with nothing left, less than `factor` times `upper`."""
    if factor is None:
        return NONE
    if passed == 0.0:
        return f"< {significant(factor * upper, 2)}" if upper else NONE
    return significant(factor * passed)


def _places(error: float) -> int:
    """Return the number of decimals that gives `error` two significant digits."""
    if error <= 0.0:
        return 2
    # the digits of the rounded error: 0.0996 is 0.10
    exponent = int(f"{error:.1e}".partition("e")[2])
    return min(max(0, 1 - exponent), _MAX_DECIMALS)


def particles(n: float) -> str:
    """Return a number of particles on target: ``1e11``, ``1.5e11``, ``20500``."""
    return significant(n, 5)


def fraction(x: float) -> str:
    """Return a fraction in percent with three significant digits: ``0.12 %``, ``0 %``."""
    return f"{significant(100.0 * x, 3)} %"
