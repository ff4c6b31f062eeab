"""Backgrounds from counts where they can be seen: ABCD, zone to zone, and the tail of a spectrum, each with its closure.

A closure is the same estimate for a place where events were counted: its pull is the difference over what fluctuations of the
count and the error of the estimate make of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from emiss.configs.arrays import Floats

CLOSES = 2.0
"""Pull, in standard deviations, up to which an estimate is said to close."""

FEWEST = 5
"""Counts below which an estimate leans on the Gaussian form of its error; a note says so."""


@dataclass(frozen=True)
class Counted:
    """A count: events, or a sum of weights with its variance."""

    value: float
    variance: float

    @classmethod
    def events(cls, number: int) -> Counted:
        """Return a count of events. None of them is taken as one for its error."""
        return cls(float(number), float(max(number, 1)))

    @property
    def relative(self) -> float:
        """Relative standard deviation."""
        return math.sqrt(self.variance) / self.value if self.value else math.inf

    def __add__(self, other: Counted) -> Counted:
        return Counted(self.value + other.value, self.variance + other.variance)

    def __sub__(self, other: Counted) -> Counted:
        return Counted(self.value - other.value, self.variance + other.variance)


@dataclass(frozen=True)
class Estimate:
    """An estimate of a number of events and its standard deviation."""

    value: float
    error: float
    notes: tuple[str, ...] = ()

    def pull(self, seen: Counted) -> float:
        """Return (seen - estimated) over its standard deviation; the fluctuation is that of the estimate if it is larger."""
        spread = math.sqrt(max(seen.variance, self.value) + self.error**2)
        return (seen.value - self.value) / spread if spread else 0.0

    def closes(self, seen: Counted) -> bool:
        """Return whether the pull is within `CLOSES`."""
        return abs(self.pull(seen)) <= CLOSES


def abcd(b: Counted, c: Counted, d: Counted) -> Estimate:
    """Return B C/D: what is in A if the two cuts that make the four regions are independent.

    A passes both cuts, B and C one of them, D none.

    Raises
    ------
    ValueError
        If D is empty.
    """
    if not d.value > 0.0:
        msg = "ABCD divides by the events that pass neither cut, and there are none"
        raise ValueError(msg)
    value = b.value * c.value / d.value
    error = math.sqrt((c.value**2 * b.variance + b.value**2 * c.variance) / d.value**2 + value**2 * d.relative**2)
    return Estimate(value, error, _few({"B": b, "C": c, "D": d}))


def correlation(a: Counted, b: Counted, c: Counted, d: Counted) -> tuple[float, float]:
    """Return phi, the correlation of the two cuts in the four regions, and its standard deviation; 0 if they are independent.

    phi = (AD - BC)/sqrt((A+B)(C+D)(A+C)(B+D)); the error is that without correlation, 1/sqrt(n) for events that count 1 each.
    """
    n = a.value + b.value + c.value + d.value
    margins = (a.value + b.value) * (c.value + d.value) * (a.value + c.value) * (b.value + d.value)
    variance = a.variance + b.variance + c.variance + d.variance
    if not margins > 0.0:
        return 0.0, math.inf
    phi = (a.value * d.value - b.value * c.value) / math.sqrt(margins)
    return phi, math.sqrt(variance) / n


def transferred(zone: Counted, into: Counted, of: Counted) -> Estimate:
    """Return what a zone says of a region: its events times the ratio of both in a sample that holds both (simulation, say).

    Parameters
    ----------
    zone : Counted
        Seen in the zone.
    into, of : Counted
        In the sample: in the region and in the zone.

    Raises
    ------
    ValueError
        If the sample has no event in the zone.
    """
    if not of.value > 0.0:
        msg = "the sample has no event in the zone: it has no ratio"
        raise ValueError(msg)
    ratio = into.value / of.value
    error = math.sqrt(
        ratio**2 * zone.variance
        + (zone.value / of.value) ** 2 * into.variance
        + (zone.value * ratio * of.relative) ** 2
    )
    return Estimate(zone.value * ratio, error, _few({"the zone": zone, "the sample's region": into}))


def normalisation(seen: Counted, simulated: Counted) -> tuple[float, float]:
    """Return data over simulation in a control region, and its standard deviation.

    Raises
    ------
    ValueError
        If the simulation has no event there.
    """
    if not simulated.value > 0.0:
        msg = "the simulation has no event in the control region"
        raise ValueError(msg)
    ratio = seen.value / simulated.value
    return ratio, math.sqrt(seen.variance / simulated.value**2 + (ratio * simulated.relative) ** 2)


def _few(counts: dict[str, Counted]) -> tuple[str, ...]:
    return tuple(
        f"{name} has {count.value:.3g} events: the error is a rough one"
        for name, count in counts.items()
        if count.value < FEWEST
    )


@dataclass(frozen=True)
class Fit:
    """A fitted spectrum.

    Attributes
    ----------
    shape : callable
        Integral of the density between two places, of the parameters.
    parameters : array of shape (P,)
    covariance : array of shape (P, P)
    chi2, ndf : float, int
        -2 ln of the likelihood ratio to a model that has each count.
    """

    shape: Callable[[Floats, float, float], float]
    parameters: Floats
    covariance: Floats
    chi2: float
    ndf: int

    def between(self, low: float, high: float) -> Estimate:
        """Return the events expected between two places, with the error of the fit."""
        value = self.shape(self.parameters, low, high)
        slopes = np.empty(len(self.parameters))
        for i, width in enumerate(np.sqrt(np.diag(self.covariance))):
            step = np.zeros(len(self.parameters))
            step[i] = 0.01 * width
            up, down = (self.shape(self.parameters + sign * step, low, high) for sign in (1.0, -1.0))
            slopes[i] = (up - down) / (2.0 * step[i]) if step[i] else 0.0
        return Estimate(value, float(np.sqrt(slopes @ self.covariance @ slopes)))


def exponential(parameters: Floats, low: float, high: float) -> float:
    """Return the integral of exp(a - b x); parameters a and b."""
    a, b = parameters
    if abs(b * (high - low)) < 1e-9:
        return float(np.exp(a - b * low) * (high - low))
    return float((np.exp(a - b * low) - np.exp(a - b * high)) / b)


def polynomial(parameters: Floats, low: float, high: float) -> float:
    """Return the integral of c0 + c1 x + ..., 0 where that is below 0."""
    powers = np.arange(1, len(parameters) + 1)
    return max(float(np.sum(parameters * (high**powers - low**powers) / powers)), 0.0)


def fitted(
    edges: Floats,
    counts: Floats,
    shape: Callable[[Floats, float, float], float],
    start: Sequence[float],
    used: Sequence[bool],
) -> Fit:
    """Fit a density to counts in bins by the Poisson likelihood (iminuit).

    Parameters
    ----------
    edges : array of shape (n + 1,)
    counts : array of shape (n,)
    shape : callable
    start : sequence of P floats
    used : sequence of n bools
        Bins that take part.

    Raises
    ------
    ValueError
        If too few bins take part, there is no event in them, or the fit finds no minimum.
    """
    from iminuit import Minuit
    from scipy.special import xlogy

    bins = [i for i, one in enumerate(used) if one]
    if len(bins) <= len(start):
        msg = f"{len(bins)} bins are too few for a fit of {len(start)} parameters"
        raise ValueError(msg)
    seen = np.asarray(counts, float)[bins]
    if not seen.sum() > 0.0:
        msg = "there is no event in the bins of the fit"
        raise ValueError(msg)

    def twice(parameters: Floats) -> float:
        mean = np.array([shape(parameters, float(edges[i]), float(edges[i + 1])) for i in bins])
        mean = np.maximum(mean, 1e-12)
        return float(2.0 * np.sum(mean - seen + xlogy(seen, seen / mean)))

    fit = Minuit(twice, np.asarray(start, float))
    fit.errordef = Minuit.LIKELIHOOD * 2.0
    fit.migrad()
    fit.hesse()
    if not fit.valid or fit.covariance is None:
        msg = "the fit finds no minimum"
        raise ValueError(msg)
    return Fit(shape, np.array(fit.values), np.array(fit.covariance), float(fit.fval or 0.0), len(bins) - len(start))


def tail(edges: Floats, counts: Floats, low: float, high: float) -> Fit:
    """Fit an exponential to the bins between two places.

    Raises
    ------
    ValueError
        As `fitted`.
    """
    centres = 0.5 * (edges[1:] + edges[:-1])
    used = [low <= one and other <= high for one, other in pairwise(edges)]
    height = np.log(np.maximum(counts, 0.5) / np.diff(edges))
    inside = np.array(used)
    if inside.sum() > 2:
        slope, at = np.polyfit(centres[inside], height[inside], 1, w=np.sqrt(np.maximum(counts[inside], 0.5)))
    else:
        slope, at = 0.0, 0.0
    return fitted(edges, counts, exponential, [float(at), float(-slope)], used)


def sideband(edges: Floats, counts: Floats, bands: Sequence[tuple[float, float]], degree: int = 1) -> Fit:
    """Fit a polynomial to the bins inside of some bands.

    Raises
    ------
    ValueError
        As `fitted`.
    """
    used = [any(low <= one and other <= high for low, high in bands) for one, other in pairwise(edges)]
    inside = np.array(used)
    mean = float(np.mean((counts / np.diff(edges))[inside])) if inside.any() else 0.0
    return fitted(edges, counts, polynomial, [mean, *[0.0] * degree], used)
