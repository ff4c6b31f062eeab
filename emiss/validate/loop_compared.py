"""Derived constants beside the true ones: bias, rms, pulls, and whether they are within what is wanted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emiss.calib.templates import templates
from emiss.calibrate.frame import Options
from emiss.reco.calorimetry.templates import Shape
from emiss.reco.detector.boards import by_channel
from emiss.validate import loop_corrections, loop_strips
from emiss.validate.loop_alignment import differences

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from emiss.calibrate.frame import Found, Made
    from emiss.configs.arrays import Floats
    from emiss.validate.loop_truth import Truth

PULLS = (0.9, 1.1)
"""What the width of pulls may be, and so many of its own errors more."""

WITHIN = 3.0
"""Of some fifteen widths in a loop, one is often outside 2 of its errors."""


@dataclass(frozen=True)
class Wanted:
    """What is wanted of a kind.

    Attributes
    ----------
    name : str
    type, column : str
        Of the table.
    limit : float
        Of bias and rms, in `unit`, with the events of the whole loop.
    unit : str
        Relative differences have ``%``.
    pulls : bool
        Whether the pulls are looked at.
    """

    name: str
    type: str
    column: str
    limit: float
    unit: str
    pulls: bool = True


WANTED = {
    "pedestals": (
        Wanted("pedestals, even", "sadc.pedestal", "even", 0.1, "ADC"),
        Wanted("pedestals, odd", "sadc.pedestal", "odd", 0.1, "ADC"),
        Wanted("noise", "sadc.pedestal", "sigma", 0.05, "ADC"),
    ),
    "times": (Wanted("times", "sadc.time", "offset", 0.2, "ns"),),
    "mip": (Wanted("MIP scale", "sadc.gain", "gain", 1.0, "%"),),
    "apv.status": (Wanted("dead and hot strips", "apv.status", "status", 0.0, "", pulls=False),),
    "apv": (Wanted("gain of strips", "apv.gain", "gain", 2.0, "%"),),
    "apv.time": (Wanted("times of strips", "apv.time", "t0", 0.2, "ns"),),
    "spectrum": (Wanted("SRD scale", "sadc.gain", "gain", 1.0, "%"),),
    "ecal": (
        Wanted("ECAL intercalibration", "sadc.gain", "gain", 1.0, "%"),
        Wanted("ECAL scale", "sadc.gain", "gain", 0.3, "%", pulls=False),
    ),
    "alignment": (
        Wanted("alignment", "tracker.alignment", "shift", 10.0, "um"),
        Wanted("rotations of planes", "tracker.alignment", "rotation", 0.1, "mrad"),
        Wanted("planes along the beam", "tracker.alignment", "z", 0.3, "mm"),
    ),
    "field": (Wanted("field scale", "magnet.field", "scale", 0.1, "%", pulls=False),),
    "status": (Wanted("dead and hot channels", "sadc.status", "status", 0.0, "", pulls=False),),
    "walk": (Wanted("time walk", "sadc.walk", "slope", 0.1, "ns"),),
    "led": (),  # drifts tell whether it is right
    "drift": (Wanted("drift of gains", "sadc.drift", "response", 0.5, "%"),),
    "in_spill": (Wanted("gains along the spill", "sadc.in_spill", "response", 1.0, "%", pulls=False),),
}


@dataclass(frozen=True)
class Compared:
    """Constants of a kind beside the true ones.

    Attributes
    ----------
    name, unit : str
    channels : tuple of str
    true, values, errors : arrays of shape (channels,)
    away, sigma : arrays of shape (channels,)
        Differences and their errors in `unit`.
    missing : int
        Channels without a value.
    limit : float
        Of bias and rms, for the events that there were.
    pulls : bool
    """

    name: str
    unit: str
    channels: tuple[str, ...]
    true: Floats
    values: Floats
    errors: Floats
    away: Floats
    sigma: Floats
    missing: int
    limit: float
    pulls: bool

    @property
    def bias(self) -> float:
        """Mean difference."""
        return float(self.away.mean()) if len(self.away) else math.inf

    @property
    def rms(self) -> float:
        """Of the differences."""
        return float(np.sqrt((self.away**2).mean())) if len(self.away) else math.inf

    @property
    def pull(self) -> tuple[float, float]:
        """Mean and width of the pulls."""
        pulls = self.away / self.sigma
        return (float(pulls.mean()), float(pulls.std())) if len(pulls) > 1 else (float(pulls.sum()), 1.0)

    @property
    def passed(self) -> bool:
        """Whether all are there and within the limit, with pulls of the right width."""
        margin = WITHIN / math.sqrt(2.0 * max(len(self.away), 1))
        right = PULLS[0] - margin <= self.pull[1] <= PULLS[1] + margin
        return (
            not self.missing and abs(self.bias) <= self.limit and self.rms <= self.limit and (right or not self.pulls)
        )

    def to_json(self) -> dict[str, object]:
        """Return what ``validation.json`` holds of it."""
        mean, width = self.pull
        return {
            "channels": len(self.channels),
            "missing": self.missing,
            "unit": self.unit,
            "bias": self.bias,
            "rms": self.rms,
            "pull_mean": mean,
            "pull_width": width,
            "limit": self.limit,
            "passed": self.passed,
        }


@dataclass(frozen=True)
class Loop:
    """What a closed loop has found.

    Attributes
    ----------
    events : int
        Of each run.
    compared : tuple of Compared
    seconds : mapping of kind to float
        Of processor and waiting, by derivation.
    """

    events: int
    compared: tuple[Compared, ...]
    seconds: dict[str, float]

    @property
    def passed(self) -> bool:
        """Whether all kinds are within their limits."""
        return all(one.passed for one in self.compared)

    def to_json(self) -> dict[str, object]:
        """Return what ``validation.json`` holds."""
        return {one.name: one.to_json() for one in self.compared}


def compare(found: Found, truth: Truth, wider: float) -> Iterator[Compared]:
    """Yield the comparisons of what was found; limits are `wider` by the events that are missing."""
    if found.kind == "templates":
        yield _shapes(found.made[0], truth, found.runs[0], wider)
        return
    for wanted in WANTED[found.kind]:
        made = next(one for one in found.made if one.type == wanted.type)
        one = _corrected if loop_corrections.is_correction(wanted.type) else _compared
        yield one(wanted, made, truth, found.runs[0], wider)


def _corrected(wanted: Wanted, made: Made, truth: Truth, run: int, wider: float) -> Compared:
    """Return the comparison of corrections, of which there need be none for each channel."""
    limit = wanted.limit * wider
    channels, true, values, errors = loop_corrections.beside(made, wanted.column, truth.conditions(run), limit)
    away, sigma = (
        (100.0 * (values / true - 1.0), 100.0 * errors / true) if wanted.unit == "%" else (values - true, errors)
    )
    return Compared(wanted.name, wanted.unit, channels, true, values, errors, away, sigma, 0, limit, wanted.pulls)


def _compared(wanted: Wanted, made: Made, truth: Truth, run: int, wider: float) -> Compared:
    from emiss.configs.units import parse_unit

    if wanted.type.startswith("apv."):
        return _strips(wanted, made, truth, run, wider)
    unit = made.units[wanted.column]
    factor = 1.0 if unit == "-" else parse_unit(unit).factor
    good = made.found
    channels = tuple(name for name, one in zip(made.channels, good, strict=True) if one)
    true = truth.conditions(run).get(wanted.type, channels)[wanted.column] / factor
    if wanted.type == "sadc.pedestal":
        true = rounded(truth.conditions(run).get(wanted.type, channels))[wanted.column]
    values, errors = made.values[wanted.column][good], made.errors[wanted.column][good]
    relative = wanted.unit == "%"
    away, sigma = (values - true, errors) if not relative else (100.0 * (values / true - 1.0), 100.0 * errors / true)
    if wanted.type == "sadc.time":  # all contain the mean of the reference, whose error they share
        own = truth.loaded().reference[[truth.loaded().channel_number[name] for name in channels]]
        away = away - np.where(own > 0, 0.0, float(own @ away) / own.sum())
    if wanted.type == "tracker.alignment":
        away = differences(made, truth.conditions(run), truth.loaded(), wanted.column)[good]
        inner = sigma > 0.0
        channels = tuple(name for name, one in zip(channels, inner, strict=True) if one)
        true, values, errors, away, sigma = (one[inner] for one in (true, values, errors, away, sigma))
    if wanted.name == "ECAL scale":  # one number: the mean over cells by their errors
        weight = sigma**-2.0
        channels, true, values, errors = ("all cells",), np.ones(1), np.ones(1), np.zeros(1)
        away, sigma = np.array([weight @ away / weight.sum()]), np.array([weight.sum() ** -0.5])
    missing = int((~good).sum())
    return Compared(
        wanted.name, wanted.unit, channels, true, values, errors, away, sigma, missing, wanted.limit * wider, wanted.pulls
    )  # fmt: skip


def _shapes(made: Made, truth: Truth, run: int, wider: float) -> Compared:
    """Return how far the templates of channels are from the pulses that runs were made with: the rms over their points."""
    detector = truth.loaded()
    assert made.shapes is not None  # noqa: S101 - templates have them
    number = {name: detector.channel_number[name] for name in made.channels}
    shapes, which = templates(truth.conditions(run), detector.channels, needed=False)
    rises = by_channel(detector.boards, lambda board: board.pulse.rise)
    away = []
    for row in np.flatnonzero(made.found).tolist():
        channel = number[made.channels[row]]
        times = 0.5 * (made.shapes.edges[row][1:] + made.shapes.edges[row][:-1])
        rise = rises[channel]
        late = np.maximum(times / rise, 0.0)
        true = late * np.exp(1.0 - late)
        if which[channel] >= 0:
            true = Shape(shapes[which[channel]], rise)(times)[-1]
        away.append(100.0 * float(np.sqrt(np.mean((made.shapes.counts[row] - true) ** 2))))
    size = len(away)
    names = tuple(name for name, one in zip(made.channels, made.found, strict=True) if one)
    zero, one = np.zeros(size), np.ones(size)
    # channels with few pulses have the template of their element
    return Compared(
        "pulse shapes", "%", names, zero, np.array(away), zero, np.array(away), one, 0, 0.5 * wider, pulls=False
    )


def _strips(wanted: Wanted, made: Made, truth: Truth, run: int, wider: float) -> Compared:
    channels, true, values, away, sigma = loop_strips.away(made, truth.conditions(run), wanted.limit * wider)
    missing = int((~made.found & (made.entries >= Options.least)).sum())  # others are dead, or hardly in the beam
    return Compared(
        wanted.name, wanted.unit, channels, true, values, sigma, away, sigma, missing, wanted.limit * wider, wanted.pulls
    )  # fmt: skip


def rounded(pedestals: Mapping[str, Floats]) -> dict[str, Floats]:
    """Return mean and noise of samples that are rounded to whole numbers: even, odd, sigma, as they are given without rounding.

    Where the noise is small, the mean of rounded numbers is not that of the numbers.
    """
    from scipy.special import ndtr

    sigma, made, means = pedestals["sigma"], [], {}
    for name in ("even", "odd"):
        level = pedestals[name]
        k = np.floor(level)[:, None] + np.arange(-12, 13)
        share = ndtr((k + 0.5 - level[:, None]) / sigma[:, None]) - ndtr((k - 0.5 - level[:, None]) / sigma[:, None])
        mean = (share * k).sum(axis=1)
        means[name] = mean
        made.append((share * (k - mean[:, None]) ** 2).sum(axis=1))
    return {**means, "sigma": np.asarray(np.sqrt(0.5 * (made[0] + made[1])))}
