"""Noise of strips with all channels: Gaussians in histograms of samples that may be truncated, and cut off at 0."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.calibrate.likelihood import fit_many

if TYPE_CHECKING:
    from emiss.calibrate.likelihood import Fits
    from emiss.configs.arrays import Array, Floats, Ints

NEAR = 64
"""ADC of histograms around the level of a channel, on each side."""

INSIDE = 4.0
"""Widths of a Gaussian on each side that a fit takes: beyond are particles."""

LEAST_NOISE = 0.3
"""ADC."""


def steps_of(counts: Floats, clipped: Array) -> Ints:
    """Return to which steps the samples of channels are truncated, from histograms of whole numbers (C, 2 NEAR)."""
    made = np.ones(len(counts), np.int64)
    place = np.arange(2 * NEAR) - NEAR
    for step in (2, 4):
        made[clipped & (counts[:, place % step > 0].sum(axis=1) == 0)] = step
    return made


def gaussians(counts: Floats, steps: Ints, clipped: Array) -> Fits:
    """Fit number, mean and width of Gaussians to histograms (C, 2 NEAR) of numbers that are rounded, then truncated to steps.

    Of clipped channels all that is below 0 is in the bin at 0.
    """
    from scipy.special import ndtr, ndtri

    place = np.arange(2 * NEAR) - NEAR
    first = place[None, :] - 0.5
    last = first + steps[:, None]
    used = (place[None, :] % steps[:, None] == 0) & (~clipped[:, None] | (place >= 0))
    first = np.where(clipped[:, None] & (place == 0), -1e6, first)
    total = np.maximum(counts.sum(axis=1), 1.0)
    # particles are in the tail: the part above the first step, or the middle half, tell the width to begin with
    above = np.clip(np.where(place >= steps[:, None], counts, 0.0).sum(axis=1) / total, 1e-4, 0.49)
    quartile = [
        (np.cumsum(counts, axis=1) >= share * total[:, None]).argmax(axis=1) - NEAR for share in (0.25, 0.5, 0.75)
    ]
    sigma = np.where(clipped, (steps - 0.5) / -ndtri(above), (quartile[2] - quartile[0]) / 1.349)
    sigma = np.clip(sigma, 2.0 * LEAST_NOISE, 0.5 * NEAR)
    mean = np.where(clipped, 0.0, quartile[1])
    used &= np.abs(place - mean[:, None]) < np.maximum(INSIDE * sigma, 2.0 * steps)[:, None]

    def model(values: Floats) -> Floats:
        number, middle, width = values.T[:, :, None]
        return np.asarray(number * (ndtr((last - middle) / width) - ndtr((first - middle) / width)))

    start = np.column_stack([total, mean, sigma])
    widths = np.column_stack([1e-3 * total, 0.01 * sigma, 0.01 * sigma])
    low = np.column_stack([0.5 * total, mean - 3.0 * sigma, np.full(len(sigma), LEAST_NOISE)])
    high = np.column_stack([2.0 * total, mean + 3.0 * sigma, np.full(len(sigma), float(NEAR))])
    # what is cut off tells no number beside mean and width: it is that of the events
    held = clipped[:, None] & (np.arange(3) == 0)
    low, high = np.where(held, start * (1.0 - 1e-9), low), np.where(held, start, high)
    return fit_many(model, counts, start, widths, low, high, used)


def medians(values: Floats, key: Ints, size: int) -> Floats:
    """Return the median of the values of each key, shape (size,); 0 for none."""
    order = np.lexsort((values, key))
    count = np.bincount(key, minlength=size)
    first = np.concatenate(([0], np.cumsum(count)))[:-1]
    made = np.zeros(size)
    there = np.flatnonzero(count)
    sorted_ = values[order]
    low, high = first[there] + (count[there] - 1) // 2, first[there] + count[there] // 2
    made[there] = 0.5 * (sorted_[low] + sorted_[high])
    return made
