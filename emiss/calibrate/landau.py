"""Landau's distribution convolved with a Gaussian, for many channels at once: its integral is tabulated and interpolated.

A shape has a most probable value `mode`, the width of the Landau part, and the variance of the Gaussian one, in which the
likelihood is smooth down to 0. The table is in the sum of width and sigma, and in sigma's part of it, the mixture. The mode
is that of the convolution, what a histogram peaks at, not that of the Landau part alone.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from emiss.calibrate.likelihood import cropped, fit_many

if TYPE_CHECKING:
    from emiss.calibrate.likelihood import Fits
    from emiss.configs.arrays import Bools, Floats

LEFT, RIGHT, STEP = -10.0, 50.0, 0.02
"""Of the table, in scales from the mode."""

MIXTURES = np.linspace(0.0, 1.0, 51)

NARROWEST = 0.02
"""Width of the Landau part that a fit may find, over that at its start."""

COUNT, MODE, WIDTH, VARIANCE = range(4)
"""The parameters."""


@cache
def _table() -> Floats:
    """Return the spline coefficients of the integral, by mixture and distance from the mode."""
    from scipy.ndimage import spline_filter

    x = np.arange(LEFT, RIGHT + 0.5 * STEP, STEP)
    return np.asarray(spline_filter([_integral(mixture, x) for mixture in MIXTURES]), np.float64)


def _integral(mixture: float, x: Floats) -> Floats:
    from scipy.signal import fftconvolve
    from scipy.stats import landau

    fine = STEP / 4.0
    wide = np.arange(LEFT - 12.0, RIGHT + 12.0, fine)
    width, sigma = max(1.0 - mixture, 1e-3), max(mixture, 1e-3)
    # the density of bins, so that a narrow shape has its whole area
    density = np.diff(landau.cdf(np.append(wide, wide[-1] + fine) - 0.5 * fine, scale=width)) / fine
    reach = np.arange(-8.0 * sigma, 8.0 * sigma + fine, fine)
    smeared = np.exp(-0.5 * (reach / sigma) ** 2)
    density = fftconvolve(density, smeared / smeared.sum(), mode="same")
    top = int(density[4:-4].argmax()) + 4
    a, b, c = density[top - 1 : top + 2]
    mode = wide[top] + 0.5 * fine * (a - c) / (a - 2.0 * b + c)
    return np.interp(x, wide + 0.5 * fine - mode, np.cumsum(density) * fine)


def integral(x: Floats, mode: Floats, width: Floats, variance: Floats) -> Floats:
    """Return the integral up to x, shape (C, E); the parameters have shape (C,)."""
    from scipy.ndimage import map_coordinates

    sigma = np.sqrt(variance)
    scale = width + sigma
    mixture = sigma / scale
    place = ((x - mode[:, None]) / scale[:, None] - LEFT) / STEP
    row = np.broadcast_to((mixture * (len(MIXTURES) - 1))[:, None], place.shape)
    return np.asarray(map_coordinates(_table(), [row, place], order=3, mode="nearest", prefilter=False))


def fit_landau(edges: Floats, counts: Floats, mode: Floats, scale: Floats, used: Bools) -> Fits:
    """Fit Landau's distribution with a Gaussian to histograms of C channels; see `likelihood.fit_many`.

    Parameters
    ----------
    edges : array of shape (B + 1,)
    counts : array of shape (C, B)
    mode, scale : arrays of shape (C,)
        Where the fits begin.
    used : bool array of shape (C, B)

    Returns
    -------
    Fits
        Of entries, mode, width, variance.
    """
    bins = cropped(used)
    edges = edges[np.column_stack([bins, bins[:, -1] + 1])]
    counts, used = np.take_along_axis(counts, bins, axis=1), np.take_along_axis(used, bins, axis=1)
    seen = np.where(used, counts, 0.0).sum(axis=1)
    start = np.column_stack([1.1 * seen, mode, 0.5 * scale, 0.25 * scale**2])
    steps = np.column_stack([1e-3 * np.maximum(seen, 1.0), 1e-3 * scale, 1e-3 * scale, 2e-3 * scale**2])
    low = np.column_stack([0.5 * seen, 0.3 * mode, NARROWEST * scale, np.zeros(len(mode))])
    high = np.column_stack([20.0 * seen + 10.0, 3.0 * mode, 20.0 * scale, 400.0 * scale**2])
    found = fit_many(lambda values: expected(edges, values), counts, start, steps, low, high, used)
    left = np.flatnonzero(~found.converged)
    if not len(left):
        return found
    start[left, WIDTH], start[left, VARIANCE] = 0.8 * scale[left], 0.05 * scale[left] ** 2
    again = fit_many(
        lambda values: expected(edges[left], values),
        counts[left], start[left], steps[left], low[left], high[left], used[left],
    )  # fmt: skip
    for kept, new in zip(found, again, strict=True):
        kept[left] = new
    return found


def expected(edges: Floats, values: Floats) -> Floats:
    """Return the expected counts (C, B) between edges, (B + 1,) or (C, B + 1), of parameters (C, 4)."""
    below = integral(np.broadcast_to(edges, (len(values), edges.shape[-1])), *values[:, MODE:].T)
    return np.asarray(values[:, COUNT, None] * np.diff(below, axis=1))
