"""Templates of pulses as fits want them: cubic splines on a grid of phases of the clock, with their derivatives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from emiss.calib.templates import templates

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emiss.calib.conditions import RunConditions
    from emiss.calib.templates import Template
    from emiss.configs.arrays import Array, Floats, Ints

PHASES = 8
"""Of the clock, between which pulses are interpolated by cubic polynomials that have their values and slopes."""

MARGIN = 3
"""Samples before the first point of a template."""


class Grid(NamedTuple):
    """Templates for the fits of one digitiser.

    Attributes
    ----------
    shapes : array of shape (T, 2, PHASES + 1, samples)
        Values, and derivatives by the phase, of template t, phase j and sample k: j/PHASES + k + `origin` samples behind the
        start of the pulse.
    origin : int
    heights : array of shape (T,)
        Logarithms of the heights (ADC) of the slices.
    first, slices : int arrays of shape (channels,)
        First template and number of slices of a channel; 0 slices where it has none.
    """

    shapes: Floats
    origin: int
    heights: Floats
    first: Ints
    slices: Ints


@dataclass(frozen=True)
class Shape:
    """The spline of a template: 0 before its points, and behind them it falls with the rise time of the nominal pulse.

    Attributes
    ----------
    template : Template
    rise : float
        ns.
    """

    template: Template
    rise: float

    def __call__(self, time: Floats, *, slope: bool = False) -> Floats:
        """Return the pulses of all slices at times since the start (ns), or their derivatives, shape (S, *time)."""
        from scipy.interpolate import CubicSpline

        times = self.template.times()
        spline = CubicSpline(times, self.template.values, axis=1, bc_type="natural")
        inside = np.clip(time, times[0], times[-1])
        found = spline(inside, 1 if slope else 0)
        tail = self.template.values[:, -1].reshape(-1, *(1,) * time.ndim) * np.exp((inside - time) / self.rise)
        found = np.where(time > times[-1], -tail / self.rise if slope else tail, found)
        return np.asarray(np.where(time < times[0], 0.0, found))


def share(heights: Floats, height: Floats) -> tuple[Ints, Floats]:
    """Return the slice below each height and the part that the one above it has, 0 to 1: linear in the logarithm."""
    place = np.interp(np.log(np.maximum(height, 1e-9)), np.log(heights), np.arange(len(heights)))
    low = np.minimum(place.astype(np.int64), max(len(heights) - 2, 0))
    return low, place - low


def grid_of(
    conditions: RunConditions, channels: Sequence[str], numbers: Array, *, period: float, rise: float, samples: int
) -> Grid:
    """Return the templates of the channels `numbers` out of `channels`, those of one digitiser.

    Raises
    ------
    UserError
        If one has no template.
    """
    made, which = templates(conditions, [channels[number] for number in numbers])
    index = np.full(len(channels), -1, np.int64)
    index[numbers] = which
    return grid(made, index, period=period, rise=rise, samples=samples)


def grid(made: Sequence[Template], index: Ints, *, period: float, rise: float, samples: int) -> Grid:
    """Return templates for a digitiser; `index` is that of each channel's, -1 for none."""
    origin = min((int(np.floor(one.first / period)) for one in made), default=0) - MARGIN
    length = 2 * samples + MARGIN - origin
    at = (origin + np.arange(length) + np.arange(PHASES + 1)[:, None] / PHASES) * period
    counts = np.array([len(one.heights) for one in made], np.int64)
    begins = np.concatenate([[0], np.cumsum(counts)])
    shapes = np.zeros((int(begins[-1]), 2, PHASES + 1, length))
    for one, begin, count in zip(made, begins.tolist(), counts.tolist(), strict=False):
        shape = Shape(one, rise)
        shapes[begin : begin + count, 0] = shape(at)
        shapes[begin : begin + count, 1] = shape(at, slope=True) * (period / PHASES)
    known = index >= 0
    safe = np.where(known, index, 0)
    none = np.zeros(len(index), np.int64)
    return Grid(
        shapes,
        origin,
        np.log(np.concatenate([one.heights for one in made])) if made else np.zeros(0),
        np.where(known, begins[safe], 0) if made else none,
        np.where(known, counts[safe], 0) if made else none,
    )
