"""Ratios of samples at known times: what is expected of t = t0 + a0 ln(r0/r - 1), and fits of many planes at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.calibrate.likelihood import MANY, coarser, fit_many, pearson

if TYPE_CHECKING:
    from emiss.calibrate.likelihood import Fits
    from emiss.configs.arrays import Array, Floats

RATIO, TOP = 0.01, 2.0
"""Bins of the ratio, and the largest."""

T0, R0, A0, SIGMA, FLAT = range(5)
"""The parameters."""

COLUMNS = ("t0", "r0", "a0")


def smearing(noise: Floats, number: Floats) -> Floats:
    """Return what the noise of the samples makes of ratios.

    Parameters
    ----------
    noise : array of shape (C, K, 2)
        Sums of the variance of second and third samples over the square of the third.
    number : array of shape (C, K)
        Of what the sums are.

    Returns
    -------
    array of shape (C, K, R, R)
        The share of the true bin (first) that is found in another one (second).
    """
    from scipy.special import ndtr

    bins = round(TOP / RATIO)
    middle, edges = RATIO * (np.arange(bins) + 0.5), RATIO * np.arange(bins + 1)
    second, third = (
        np.divide(noise[:, :, k], number, out=np.full(number.shape, 1e-6), where=number > 0) for k in (0, 1)
    )
    sigma = np.sqrt(second[:, :, None] + third[:, :, None] * middle**2)
    place = middle * (1.0 + third[:, :, None])  # the mean of one over a number with noise
    below = ndtr((edges - place[..., None]) / sigma[..., None])
    return np.asarray(np.diff(below, axis=-1))


def model(values: Floats, number: Floats, times: Floats, smear: Floats) -> Floats:
    """Return the expected histograms of ratios, shape (C, K, T, R), for numbers (C, K, T) at reference times (T,)."""
    from scipy.special import ndtr

    bins = smear.shape[-1]
    edges = RATIO * np.arange(1, bins + 1)
    t0, r0, a0, sigma, flat = values.T[:, :, None]
    inside = edges < r0
    when = t0 + a0 * np.log(r0 / np.where(inside, edges, 0.5 * r0) - 1.0)
    # later hits have smaller ratios: what is below an edge comes after its time; bins are 0 at the first edge
    late = ndtr((times[:, None] - when[:, None, :]) / sigma[:, None])
    below = np.where(inside[:, None, :], late, 1.0)
    below = np.concatenate([np.zeros((*below.shape[:2], 1)), below], axis=2)
    shape = np.diff(below, axis=2)[:, None] @ smear
    share = (1.0 - flat)[:, :, None, None] * shape + flat[:, :, None, None] / bins
    return np.asarray(number[..., None] * share)


def fit(counts: Floats, times: Floats, smear: Floats) -> Fits:
    """Fit t0, r0, a0, the width of the hits' times and the background to histograms (C, K, T, R)."""
    number = counts.sum(axis=3)
    planes = len(counts)
    middle = RATIO * (np.arange(counts.shape[3]) + 0.5)
    at_time = counts.sum(axis=1)
    total = np.maximum(at_time.sum(axis=(1, 2)), 1.0)
    mean_time, mean = (at_time.sum(axis=2) @ times) / total, (at_time.sum(axis=1) @ middle) / total
    spread = (at_time.sum(axis=2) @ times**2) / total - mean_time**2
    both = np.einsum("ctr,t,r->c", at_time, times, middle) / total - mean_time * mean
    slope = np.maximum(-both / np.maximum(spread, 1e-9), 1e-3)
    rms = np.sqrt(np.maximum((at_time.sum(axis=1) @ middle**2) / total - mean**2, 1e-4))
    r0 = np.clip(2.0 * mean, 0.2, TOP)
    a0 = np.clip(0.25 * r0 / slope, 1.0, 200.0)
    width = np.clip(np.sqrt(np.maximum((rms / slope) ** 2 - spread, 1.0)), 1.0, 50.0)
    start = np.column_stack([mean_time, r0, a0, width, np.full(planes, 0.01)])
    steps = np.column_stack([1e-2 * width, 2e-3 * r0, 2e-3 * a0, 1e-2 * width, np.full(planes, 1e-4)])
    low, high = np.array([-200.0, 0.05, 0.2, 0.2, 0.0]), np.array([200.0, 10.0, 1000.0, 100.0, 0.9])

    def flat_model(values: Floats) -> Floats:
        return model(values, number, times, smear).reshape(planes, -1)

    return fit_many(flat_model, counts.reshape(planes, -1), start, steps, low, high)


def agreement(counts: Floats, expected: Floats) -> Floats:
    """Return chi2 per degree of freedom of histograms (C, K, T, R), in coarser bins that hold enough, shape (C,)."""
    seen, there = (coarser(one.sum(axis=1), 4) for one in (counts, expected))
    # five parameters, and how many there are at each time
    fitted = 5 + (there > MANY).any(axis=2).sum(axis=1)
    return pearson(seen.reshape(len(seen), -1), there.reshape(len(there), -1), fitted)


def correlations(fits: Fits, good: Array) -> dict[tuple[str, str], Floats]:
    """Return the correlations of the columns, by pair; arrays of shape (C,)."""
    made = {}
    for a, one in enumerate(COLUMNS):
        for b, other in enumerate(COLUMNS[:a]):
            scale = np.sqrt(np.abs(fits.covariance[:, a, a] * fits.covariance[:, b, b]))
            value = np.divide(fits.covariance[:, a, b], scale, out=np.zeros(len(scale)), where=scale > 0)
            made[other, one] = np.where(good, np.clip(value, -1.0, 1.0), np.nan)
    return made


def in_time_error(fits: Fits) -> Floats:
    """Return the error of the time of a hit at 0 ns from that of the constants, shape (C,)."""
    t0, r0, a0 = fits.values[:, :3].T
    ratio = r0 / (1.0 + np.exp(-t0 / a0))
    slope = np.column_stack([np.ones(len(t0)), a0 / (r0 - ratio), np.log(r0 / ratio - 1.0)])
    return np.asarray(np.sqrt(np.maximum(np.einsum("ci,cij,cj->c", slope, fits.covariance[:, :3, :3], slope), 0.0)))
