"""Templates that are learned from pulses: splines through samples over their heights, at their times since the start.

Sizes and starts come from a fit with the template of the round before, and the template from them: in turn they come to the
least squares of both. What that leaves open is what goes round with the clock. All samples of a waveform are at one phase of
it, so a template whose times are bent, or whose values are multiplied, by anything with the period of the clock fits as well,
with other starts and sizes. The starts are right if the pulses do not know the clock, so that their phases are uniform
(`_bent`); the sizes if the tail, which is smooth, has no ripple of this period (`_rippled`). And a start is where the pulse
has half its height, less what the nominal pulse takes for that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.calib.templates import Template
    from emiss.configs.arrays import Array, Bools, Floats, Ints
    from emiss.events.lists import Lists
    from emiss.reco.calorimetry.waveform import Settings

KNOTS_BEFORE, KNOTS_BEHIND, FINE = 1, 10, 16
"""Rise times before the start and behind it that a template has, and points in each."""

HALF = 0.2319605
"""Rise times after which t exp(1 - t) has half its height."""

HARMONICS = 3
"""Of the clock, that starts are bent by at most."""

TAIL = (0.5, 0.03)
"""Rise times behind the maximum, and part of it, between which the tail is looked at."""

TIDE = 4
"""Parameters of the smooth tail: a polynomial of its logarithm."""

HIGH = 30.0
"""Height over the noise of pulses that are learned from."""

NEAR = (0.5, 0.1)
"""Rms of what the fit leaves over the height, above which a pulse is not one: in the first round, and in others."""

SMOOTH = 1e-9
"""What the curvature of a spline weighs, of its largest weight."""

TOLD = 5.0
"""Points with an error of so many times that of the one in the middle of all are not told by samples."""

FIT = 4.0
"""But chi2 per degree of freedom below this is good in any case."""


class Knots(NamedTuple):
    """Times of a template since the start: the first one, the step (ns), their number."""

    first: float
    step: float
    points: int

    @classmethod
    def of(cls, rise: float) -> Knots:
        """Return those for pulses of a rise time."""
        return cls(-KNOTS_BEFORE * rise, rise / FINE, 1 + FINE * (KNOTS_BEFORE + KNOTS_BEHIND))

    def times(self) -> Floats:
        """Return the times, ns."""
        return np.asarray(self.first + self.step * np.arange(self.points))


POINTS = Knots.of(1.0).points


class Learned(NamedTuple):
    """Templates from sums.

    Attributes
    ----------
    values, errors : arrays of shape (..., points)
        Over the height; NaN where there are no pulses.
    chi2 : array of shape (...)
        Per degree of freedom.
    heights : array of shape (...)
        Mean height, ADC.
    pulses : array of shape (...)
    """

    values: Floats
    errors: Floats
    chi2: Floats
    heights: Floats
    pulses: Floats


def empty(channels: int, slices: int) -> dict[str, Array]:
    """Return sums of nothing; they add."""
    splines = POINTS + 2
    return {
        "normal": np.zeros((channels, slices, splines, 4)),
        "right": np.zeros((channels, slices, splines)),
        "moments": np.zeros((channels, slices, 4)),
        "phases": np.zeros((channels, 2 * HARMONICS + 1)),
    }


def add(
    digits: Lists,
    rows: Ints,
    constants: Mapping[str, Array],
    settings: Settings,
    templates: list[Template] | None,
    edges: Floats,
    sums: Mapping[str, Array],
    chosen: Bools | None = None,
    index: Ints | None = None,
) -> None:
    """Add pulses to sums.

    Parameters
    ----------
    digits : Lists
        channel, samples, n_samples.
    rows : int array
        Waveforms of one digitiser.
    constants : mapping
        even, odd, sigma by channel, ADC; and offset (ns), within `settings.rise` of which pulses have to start.
    settings : Settings
    templates : list of Template, optional
        Those of the round before; the analytic pulse without them.
    edges : array
        Heights between slices, ADC.
    sums : mapping
        From `empty`.
    chosen : bool array of shape (channels,), optional
        The channels that are wanted.
    index : int array of shape (channels,), optional
        Which template each channel has, -1 for none.
    """
    from dataclasses import replace

    from emiss.reco.calorimetry import learning_kernels as kernels
    from emiss.reco.calorimetry.templates import grid
    from emiss.reco.calorimetry.waveform import measure_pulses
    from emiss.reco.calorimetry.waveform_kernels import GOOD, SATURATED

    size = len(digits["channel"])
    charge, start, chi2 = (np.full((size, 1), np.nan) for _ in range(3))
    status = np.zeros((size, 1), np.uint8)
    made = None
    if templates is not None and index is not None:
        shape = {"period": settings.period, "rise": settings.rise, "samples": digits["samples"].shape[1]}
        made = grid(templates, index, **shape)
    measure_pulses(digits, rows, constants, replace(settings, pulses=1), made, (charge, start, status, chi2))
    charge, start, status, chi2 = charge[:, 0], start[:, 0], status[:, 0], chi2[:, 0]
    channel = digits["channel"]
    height = charge * settings.period / (np.e * settings.rise)
    variance = constants["sigma"][channel] ** 2 + 1.0 / 12.0
    first = templates is None
    good = (status & GOOD > 0) & (status & SATURATED == 0) if first else status == GOOD
    good &= height > HIGH * constants["sigma"][channel]
    with np.errstate(invalid="ignore", divide="ignore"):
        rest = np.sqrt(chi2 * variance) / height
    good &= (rest < NEAR[0 if first else 1]) | (chi2 < FIT)
    if "offset" in constants:
        good &= np.abs(start - constants["offset"][channel]) < settings.rise
    if chosen is not None:
        good &= chosen[channel]
    knots = Knots.of(settings.rise)
    kernels.add(
        digits["samples"],
        digits["n_samples"],
        channel,
        rows,
        constants["even"],
        constants["odd"],
        constants["sigma"],
        settings.full_scale,
        settings.period,
        height,
        start,
        good,
        edges,
        knots.first,
        knots.step,
        sums["normal"],
        sums["right"],
        sums["moments"],
        sums["phases"],
    )


def learn(sums: Mapping[str, Array], rise: float, period: float) -> Learned:
    """Return the templates that sums of shape (C, S, ...) tell, all at their nominal start and over their height.

    Channels with few pulses take over how the clock bends starts from all others.
    """
    normal, right, moments = sums["normal"], sums["right"], sums["moments"]
    knots = Knots.of(rise)
    shape = moments.shape[:2]
    values, errors = np.full((*shape, knots.points), np.nan), np.full((*shape, knots.points), np.nan)
    chi2 = np.full(shape, np.nan)
    bends = _bends(sums["phases"])
    for one in zip(*np.nonzero(moments[:, :, 2] > 0), strict=True):
        found, error, taken = _spline(normal[one], right[one], float(np.exp(-knots.step / rise)))
        freedom = moments[one][1] - 2.0 * moments[one][2] - len(right[one])
        if freedom > 0.0:
            chi2[one] = (moments[one][0] - taken) / freedom
        bent = _bent(found, knots, bends[one[0]], period)
        moved, height = placed(_rippled(bent, knots, rise, period), knots, rise)
        values[one], errors[one] = moved, error * np.sqrt(max(chi2[one], 1.0) if freedom > 0.0 else 1.0) / height
    pulses = moments[:, :, 2]
    return Learned(values, errors, chi2, moments[:, :, 3] / np.maximum(pulses, 1.0), pulses)


def _spline(normal: Floats, right: Floats, fall: float) -> tuple[Floats, Floats, float]:
    """Return values at the knots, their errors, and by how much the spline lowers the sum of squares.

    Before the first knot that samples tell it is 0, and behind the last one it goes down by `fall` from knot to knot.
    """
    from scipy.linalg import cho_solve_banded, cholesky_banded

    size = len(right)
    bands = normal.T.copy()
    most = bands[0].max()
    # a curvature that no sample tells is 0: 1, -2, 1 squared, of three splines in a row
    for k, parts in enumerate(((1.0, 4.0, 1.0), (-2.0, -2.0), (1.0,))):
        for at, part in enumerate(parts):
            bands[k, at : at + size - 2] += SMOOTH * most * part
    factor = cholesky_banded(bands, lower=True), True
    found, inverse = cho_solve_banded(factor, right), cho_solve_banded(factor, np.eye(size))
    mean = np.array([1.0, 4.0, 1.0]) / 6.0
    points = size - 2
    values = np.convolve(found, mean, "valid")
    variance = sum(
        mean[i] * mean[j] * inverse[i : i + points, j : j + points].diagonal() for i in range(3) for j in range(3)
    )
    errors = np.sqrt(np.maximum(variance, 0.0))
    told = np.flatnonzero(errors < TOLD * np.median(errors))
    first, last = int(told[0]), int(told[-1])
    behind = np.arange(points - last)
    values[last:] = values[last] * fall**behind
    errors[last:] = errors[last] * fall**behind
    values[:first], errors[:first] = 0.0, 0.0
    return values, errors, float(found @ right)


def _bends(phases: Floats) -> Floats:
    """Return by which harmonics starts are bent, shape (C, 2 HARMONICS): between a channel's own and those of all.

    Each counts by how well it is known: a channel's own by its pulses, those of all by how different channels are.
    """
    total = phases.sum(axis=0)
    common = 2.0 * total[1:] / max(total[0], 1.0)
    known = phases[:, 0] > 0.0
    count = np.maximum(phases[:, :1], 1.0)
    own = 2.0 * phases[:, 1:] / count
    variance = 2.0 / count
    weight = np.where(known[:, None], count, 0.0) / max(total[0], 1.0)
    spread = np.maximum((weight * ((own - common) ** 2 - variance)).sum(axis=0), 0.0)
    return np.asarray(common + (own - common) * spread / (spread + variance))


def _bent(values: Floats, knots: Knots, bends: Floats, period: float) -> Floats:
    """Return a template with its times bent so that the phases of the starts are uniform.

    With a density 1 + sum (a cos n x + b sin n x) of the phases x, uniform is x + sum (a sin n x - b cos n x)/n.
    """
    from scipy.interpolate import CubicSpline

    times = knots.times()
    fine = np.linspace(times[0], times[-1], 8 * len(times) - 7)
    phase = -2.0 * np.pi * fine / period  # of the start, at a sample at this time behind it
    bend = np.zeros(len(fine))
    for n in range(1, HARMONICS + 1):
        a, b = bends[2 * n - 2], bends[2 * n - 1]
        bend += (a * np.sin(n * phase) - b * np.cos(n * phase)) / n
    bend *= period / (2.0 * np.pi)
    true = np.maximum.accumulate(fine - bend)
    return np.asarray(np.interp(times, true, CubicSpline(times, values)(fine)))


def _rippled(values: Floats, knots: Knots, rise: float, period: float) -> Floats:
    """Return a template without the ripple of the clock that its tail has."""
    times, top = knots.times(), int(np.argmax(values))
    behind = np.arange(len(values)) > top + TAIL[0] * rise / knots.step
    low = behind & (values < TAIL[1] * values[top])
    last = int(np.argmax(low)) if low.any() else len(values)
    rows = np.flatnonzero(behind & (np.arange(len(values)) < last))
    harmonics = min(2, int(period / (3.0 * knots.step)))
    if harmonics < 1 or len(rows) * knots.step < 3.0 * period:
        return values
    x = 2.0 * np.pi * times / period
    waves = np.stack([f(n * x) for n in range(1, harmonics + 1) for f in (np.cos, np.sin)], axis=1)
    scaled = np.linspace(-1.0, 1.0, len(rows))
    smooth = np.stack([scaled**k for k in range(TIDE)], axis=1)
    weight = values[rows]
    found, *_ = np.linalg.lstsq(
        weight[:, None] * np.hstack([smooth, waves[rows]]), weight * np.log(values[rows]), rcond=None
    )
    return np.asarray(values * np.exp(-waves @ found[TIDE:]))


def placed(values: Floats, knots: Knots, rise: float) -> tuple[Floats, float]:
    """Return a template over its height with half of it where the nominal pulse has that, and the height it had."""
    from scipy.interpolate import CubicSpline

    times = knots.times()
    spline = CubicSpline(times, values, bc_type="natural")
    fine = np.linspace(times[0], times[-1], 16 * len(times) - 15)
    shape = spline(fine)
    top = int(np.argmax(shape))
    height = float(shape[top])
    if not height > 0.0 or top == 0:
        return np.full(len(values), np.nan), 1.0
    below = int(np.flatnonzero(shape[:top] < 0.5 * height)[-1]) if (shape[:top] < 0.5 * height).any() else 0
    share = (0.5 * height - shape[below]) / (shape[below + 1] - shape[below])
    half = fine[below] + share * (fine[1] - fine[0])
    moved = times + (half - HALF * rise)
    found = np.where(moved < times[0], 0.0, spline(np.clip(moved, times[0], times[-1]))) / height
    tail = np.maximum(moved - times[-1], 0.0)
    return np.asarray(found * np.exp(-tail / rise)), height
