"""Units and dimensions: every quantity is held in GeV, mm, ns and T; angles and counts are pure numbers; c = 1.

A config gives quantities as text (``20 GeV``, ``250 um``, ``0.5 GeV/mm``); `parse_quantity` turns it into base units.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

BASE = ("GeV", "mm", "ns", "T")


@dataclass(frozen=True)
class Dimension:
    """Powers of GeV, mm, ns and T."""

    powers: tuple[Fraction, ...] = (Fraction(0),) * len(BASE)

    def __mul__(self, other: Dimension) -> Dimension:
        return Dimension(tuple(a + b for a, b in zip(self.powers, other.powers, strict=True)))

    def __truediv__(self, other: Dimension) -> Dimension:
        return Dimension(tuple(a - b for a, b in zip(self.powers, other.powers, strict=True)))

    def __pow__(self, power: Fraction | int) -> Dimension:
        return Dimension(tuple(a * power for a in self.powers))

    @property
    def pure(self) -> bool:
        """Whether this is a pure number."""
        return not any(self.powers)

    def __str__(self) -> str:
        """Return the base unit, e.g. ``GeV``, ``mm/ns``, ``GeV^2``; a pure number is ``1``."""
        above = [_power(b, p) for b, p in zip(BASE, self.powers, strict=True) if p > 0]
        below = [_power(b, -p) for b, p in zip(BASE, self.powers, strict=True) if p < 0]
        if not above and not below:
            return "1"
        return "/".join(["*".join(above) or "1", *below])


def _power(base: str, power: Fraction) -> str:
    if power == 1:
        return base
    return f"{base}^{power}" if power.denominator == 1 else f"{base}^({power})"


def _base(name: str) -> Dimension:
    return Dimension(tuple(Fraction(int(b == name)) for b in BASE))


PURE = Dimension()
ENERGY, LENGTH, TIME, FIELD = (_base(name) for name in BASE)


@dataclass(frozen=True)
class Unit:
    """A named unit: its value in base units and its dimension."""

    factor: float
    dimension: Dimension


UNITS: dict[str, Unit] = {
    "1": Unit(1.0, PURE),
    "-": Unit(1.0, PURE),
    "rad": Unit(1.0, PURE),
    "mrad": Unit(1e-3, PURE),
    "urad": Unit(1e-6, PURE),
    "deg": Unit(math.pi / 180.0, PURE),
    "percent": Unit(1e-2, PURE),
    "ADC": Unit(1.0, PURE),
    "bits": Unit(1.0, PURE),
    "e": Unit(1.0, PURE),
    "eV": Unit(1e-9, ENERGY),
    "keV": Unit(1e-6, ENERGY),
    "MeV": Unit(1e-3, ENERGY),
    "GeV": Unit(1.0, ENERGY),
    "TeV": Unit(1e3, ENERGY),
    "um": Unit(1e-3, LENGTH),
    "mm": Unit(1.0, LENGTH),
    "cm": Unit(10.0, LENGTH),
    "m": Unit(1e3, LENGTH),
    "km": Unit(1e6, LENGTH),
    "ps": Unit(1e-3, TIME),
    "ns": Unit(1.0, TIME),
    "us": Unit(1e3, TIME),
    "ms": Unit(1e6, TIME),
    "s": Unit(1e9, TIME),
    "mT": Unit(1e-3, FIELD),
    "T": Unit(1.0, FIELD),
    "kG": Unit(0.1, FIELD),
}

NUMBER = r"(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?"
"""A number without a sign, as a regular expression: ``1_000``, ``.5``, ``1e11``."""

_WITH_UNIT = re.compile(rf"\s*([+-]?)(\s*)({NUMBER})\s*(.*?)\s*", re.DOTALL)


class UnitError(ValueError):
    """A text that is no quantity, or a quantity of the wrong dimension."""


@lru_cache(maxsize=512)
def parse_unit(text: str) -> Unit:
    """Return the unit that `text` names: one of `UNITS`, with ``*``, ``/`` and ``^n`` between them.

    Raises
    ------
    UnitError
        If a name is unknown; the message says which and what is close to it.
    """
    factor, dimension = 1.0, PURE
    for index, part in enumerate(re.split(r"([*/])", text.strip())):
        if index % 2:
            continue
        sign = -1 if index and re.split(r"([*/])", text.strip())[index - 1] == "/" else 1
        name, _, power = part.strip().partition("^")
        unit = UNITS.get(name)
        if unit is None:
            msg = f"unknown unit '{name}'" + _closest(name)
            raise UnitError(msg)
        try:
            exponent = sign * (int(power) if power else 1)
        except ValueError:
            msg = f"'{power}' is no whole power of a unit"
            raise UnitError(msg) from None
        factor *= unit.factor**exponent
        dimension *= unit.dimension**exponent
    return Unit(factor, dimension)


def _closest(name: str) -> str:
    from emiss.configs.errors import suggest

    close = suggest(name, UNITS)
    return f"; did you mean '{close[0]}'?" if close else ""


@dataclass(frozen=True)
class Written:
    """A number with what stands behind it, as written; `apart` if its sign does not touch it."""

    value: float
    unit: str
    apart: bool


def read_number(text: str) -> Written | None:
    """Return the number and the name of the unit in ``20 GeV``, with whatever may stand there; None if there is no number."""
    match = _WITH_UNIT.fullmatch(text)
    if match is None:
        return None
    sign, gap, digits, unit = match.groups()
    return Written(float(sign + digits.replace("_", "")), unit, bool(sign and gap))


def parse_quantity(text: str | float, dimension: Dimension) -> float:
    """Turn ``'20 GeV'`` into base units and check that it has the `dimension`; the number 0 fits all.

    Raises
    ------
    UnitError
        If `text` is no number with a unit, or has another dimension.
    """
    written = read_number(text if isinstance(text, str) else repr(float(text)))
    if written is None or written.apart:
        msg = f"'{text}' is no number" + ("" if dimension.pure else f" with a unit (such as '1 {dimension}')")
        raise UnitError(msg)
    value = written.value
    if not math.isfinite(value):
        msg = f"'{text}' is too large"
        raise UnitError(msg)
    name = written.unit
    if not name:
        if dimension.pure or value == 0.0:
            return value
        msg = f"'{text}' needs a unit: write '{text} {dimension}'"
        raise UnitError(msg)
    unit = parse_unit(name)
    if unit.dimension != dimension:
        wanted = "a pure number" if dimension.pure else f"a quantity in {dimension}"
        msg = f"'{text}' is in {unit.dimension}, where {wanted} is needed"
        raise UnitError(msg)
    return value * unit.factor
