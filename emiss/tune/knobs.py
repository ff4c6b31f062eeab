"""What a parameter looks like on the page: its unit, the range and the step of its slider, and what the file says of it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.errors import UserError
from emiss.configs.units import NUMBER, parse_unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from emiss.events.language.meaning.parameters import Parameter
    from emiss.selection.counting.scans import BoundScan
    from emiss.selection.tuning.live import Choice, Live
    from emiss.selection.tuning.opened import Knob

STEPS = 120
"""About so many steps has a slider."""

MOST = 2000
"""Most steps of a range that a user asks for."""

LARGEST = 1e15
"""The largest end of a range."""

_WRITTEN = re.compile(rf"\s*([+-]?\s*{NUMBER})\s*(.*?)\s*", re.DOTALL)
_SCANNED = re.compile(r"(\w+)\s*(?:\[\s*(\d+)\s*\])?")


@dataclass(frozen=True)
class Range:
    """From where to where a value is looked at, in its unit; `factor` turns that into base units."""

    start: float
    stop: float
    step: float
    unit: str
    factor: float

    def shown(self) -> tuple[float, ...]:
        """Return the steps in the unit."""
        count = min(MOST, max(1, round((self.stop - self.start) / self.step)))
        return tuple(float(f"{x:.12g}") for x in np.linspace(self.start, self.stop, count + 1))

    def limits(self) -> tuple[float, ...]:
        """Return the steps in base units."""
        return tuple(x * self.factor for x in self.shown())


def ranges(live: Live, choice: Choice, scans: Iterable[BoundScan]) -> dict[Knob, Range]:
    """Return the ranges of all knobs: those of scans in the file, else those in which the events lie, else around the value."""
    scanned = dict(_scanned(scans))
    found: dict[Knob, Range] = {}
    for knob in live.knobs:
        parameter = choice.parameters[knob[0]]
        unit, factor = unit_of(parameter, knob[1])
        value = parameter.values[knob[1]].value / factor
        if knob in scanned:
            low, high = (end / factor for end in scanned[knob])
        else:
            low, high = _of_events(live, choice, knob, factor) or _around(value)
        found[knob] = _nice(min(low, value), max(high, value), unit, factor)
    return found


def _scanned(scans: Iterable[BoundScan]) -> Iterable[tuple[Knob, tuple[float, float]]]:
    for scan in scans:
        for axis in scan.axes:
            match = _SCANNED.fullmatch(axis.parameter.strip())
            if match is not None:
                ends = sorted((axis.values[0] * axis.factor, axis.values[-1] * axis.factor))
                yield (match[1], int(match[2] or 0)), (ends[0], ends[1])


def unit_of(parameter: Parameter, at: int) -> tuple[str, float]:
    """Return the unit that a value is written in, with its factor."""
    quantity = parameter.values[at]
    match = _WRITTEN.fullmatch(quantity.text)
    unit = match[2] if match else ""
    return (unit, parse_unit(unit).factor) if unit else ("", 1.0)


def _of_events(live: Live, choice: Choice, knob: Knob, factor: float) -> tuple[float, float] | None:
    """Return where the numbers lie that are held against a threshold, but for the last percent on both sides."""
    ends = []
    for name, sample in live.samples.items():
        gate = live.gates(name, choice, {knob: (0.0, 1.0)}).get(knob)
        if gate is None:
            return None
        sample.turn(choice.values(sample.opened.knobs))
        sample.need(gate.part.roots)
        numbers = [block.number(gate.compared) for block in sample.blocks]
        known = np.concatenate([*(x[np.isfinite(x)] for x in numbers), np.zeros(0)])
        if len(known):
            ends.append(np.quantile(known, [0.01, 0.99]) / factor)
    if not ends:
        return None
    low, high = float(min(end[0] for end in ends)), float(max(end[1] for end in ends))
    value = choice.parameters[knob[0]].values[knob[1]].value / factor
    if value > 0.0:  # a tail that is much longer than the threshold would leave it no room
        low, high = max(low, -3.0 * value), min(high, 5.0 * value)
        low = 0.0 if 0.0 <= low <= 0.5 * value else low
        high = max(high, 1.5 * value)
    return (low, high) if high > low else None


def _around(value: float) -> tuple[float, float]:
    if value == 0.0:
        return -1.0, 1.0
    return (0.0, 2.0 * value) if value > 0.0 else (2.0 * value, 0.0)


def _nice(low: float, high: float, unit: str, factor: float) -> Range:
    """Return a range with a step of 1, 2 or 5 times a power of ten, and ends that are multiples of ten steps."""
    step = nice_step((high - low) / STEPS)
    coarse = 10.0 * step
    start, stop = math.floor(low / coarse + 1e-9) * coarse, math.ceil(high / coarse - 1e-9) * coarse
    return Range(float(f"{start:.12g}"), float(f"{stop:.12g}"), step, unit, factor)


def nice_step(rough: float) -> float:
    """Return 1, 2 or 5 times a power of ten, not below a positive number."""
    power = 10.0 ** math.floor(math.log10(rough))
    return float(f"{next(n * power for n in (1, 2, 5, 10) if n * power >= rough * (1 - 1e-9)):.12g}")


def comment(parameter: Parameter) -> str:
    """Return the comment above a parameter in its file, or behind it, as one text."""
    document = parameter.place.document
    at = document.locate(parameter.place.path, key=True)
    lines = document.text.split("\n")
    above: list[str] = []
    for line in reversed(lines[: max(at.line - 1, 0)]):
        bare = line.strip()
        if not bare.startswith("#"):
            break
        above.insert(0, bare.lstrip("#").strip())
    behind = lines[at.line - 1].partition(" #")[2].strip() if 0 < at.line <= len(lines) else ""
    return " ".join([*above, *([behind] if behind else [])])


def label(parameter: Parameter, at: int) -> str:
    """Return how a value is called: ``e_miss_min``, ``hcal_mip[0]``."""
    return f"{parameter.name}[{at}]" if parameter.several else parameter.name


def knob_of(name: str, known: Sequence[Knob], several: Iterable[str]) -> Knob | None:
    """Return the knob that is called so."""
    lists = set(several)
    return next((k for k in known if name == (f"{k[0]}[{k[1]}]" if k[0] in lists else k[0])), None)


def reach(range_: Range, start: float, stop: float) -> Range:
    """Return another range with steps as they suit it.

    Raises
    ------
    UserError
        If it is none.
    """
    if not start < stop or max(abs(start), abs(stop)) > LARGEST or stop - start < 1e-9 * max(abs(start), abs(stop)):
        raise UserError(f"a range goes from a smaller to a larger number, not from {start:g} to {stop:g}")
    return _nice(start, stop, range_.unit, range_.factor)
