"""Gaussians on a flat background, fitted to the highest peaks of many histograms at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from emiss.calibrate.likelihood import cropped, fit_many

if TYPE_CHECKING:
    from collections.abc import Callable

    from emiss.configs.arrays import Bools, Floats

FIT = 4.0
"""Of a fit on each side of the peak, in its rms."""


class Gaussians(NamedTuple):
    """Gaussians on a flat background; arrays of shape (C,), `curve` of shape (C, B) is NaN outside the fit."""

    place: Floats
    error: Floats
    sigma: Floats
    sigma_error: Floats
    chi2: Floats
    curve: Floats
    converged: Bools


def gaussians(counts: Floats, edges: Floats) -> Gaussians:
    """Fit the highest peaks of histograms (C, B); errors hold for peaks that are not quite Gaussians.

    That of a place is the scatter that the counts have, that of a width grows with chi2 where it is above 1.
    """
    from scipy.special import ndtr

    centre, rms = peaks(counts, edges)
    middle = 0.5 * (edges[1:] + edges[:-1])
    step = float(edges[1] - edges[0])
    used = np.abs(middle - centre[:, None]) < np.maximum(FIT * rms, 10.0 * step)[:, None]
    bins = cropped(used)
    inside, chosen = np.take_along_axis(counts, bins, axis=1), np.take_along_axis(used, bins, axis=1)
    at = edges[np.column_stack([bins, bins[:, -1] + 1])]
    seen = np.where(chosen, inside, 0.0).sum(axis=1)

    def model(values: Floats) -> Floats:
        number, mean, width, flat = values.T[:, :, None]
        return np.asarray(number * np.diff(ndtr((at - mean) / width), axis=1) + flat)

    start = np.column_stack([0.95 * seen, centre, rms, 0.01 * seen / np.maximum(used.sum(axis=1), 1)])
    steps = np.column_stack([1e-3 * seen + 1e-3, 1e-3 * rms, 1e-3 * rms, 1e-4 * seen + 1e-4])
    low = np.column_stack([0.2 * seen, centre - 3.0 * rms, 0.1 * rms, np.zeros(len(rms))])
    high = np.column_stack([2.0 * seen + 1.0, centre + 3.0 * rms, 5.0 * rms, seen + 1.0])
    fits = fit_many(model, inside, start, steps, low, high, chosen)
    each = fits.deviance / np.maximum(fits.freedom, 1)
    errors = robust(model, np.where(chosen, inside, 0.0), fits.values, steps, fits.errors, chosen)
    errors[:, 2] = fits.errors[:, 2] * np.sqrt(np.maximum(each, 1.0))
    curve = np.full(counts.shape, np.nan)
    np.put_along_axis(curve, bins, np.where(chosen & fits.converged[:, None], model(fits.values), np.nan), axis=1)
    return Gaussians(
        fits.values[:, 1],
        errors[:, 1],
        fits.values[:, 2],
        errors[:, 2],
        np.where(fits.converged, each, np.nan),
        curve,
        fits.converged,
    )


def robust(
    model: Callable[[Floats], Floats], counts: Floats, values: Floats, steps: Floats, errors: Floats, used: Bools
) -> Floats:
    """Return the errors of parameters of a model that is not quite right, (C, P), those of the likelihood where they are none.

    They are of the matrix F^-1 J F^-1, where F is the information that the model expects and J the scatter that the counts
    have (H. White, Econometrica 50 (1982) 1): with chi2 alone, the place of a peak would be as unsure as its shape is wrong.
    """
    expected = np.maximum(model(values), 1e-9)
    slopes = np.empty((*expected.shape, values.shape[1]))
    for one in range(values.shape[1]):
        away = np.zeros_like(values)
        away[:, one] = steps[:, one]
        slopes[:, :, one] = (model(values + away) - model(values - away)) / (2.0 * steps[:, one, None])
    slopes = np.where(used[:, :, None] & np.isfinite(slopes), slopes, 0.0)
    information = np.einsum("cbi,cbj,cb->cij", slopes, slopes, 1.0 / expected)
    scatter = np.einsum("cbi,cbj,cb->cij", slopes, slopes, counts / expected**2)
    inverse = np.linalg.pinv(information, hermitian=True)
    variance = np.einsum("cij,cjk,cki->ci", inverse, scatter, inverse)
    good = np.isfinite(variance) & (variance > 0.0)
    return np.where(good, np.sqrt(np.where(good, variance, 1.0)), errors)


def peaks(counts: Floats, edges: Floats) -> tuple[Floats, Floats]:
    """Return place and about the rms of the highest peak in histograms (C, B): the rms of what is near, twice over."""
    from scipy.ndimage import gaussian_filter1d

    middle = 0.5 * (edges[1:] + edges[:-1])
    centre = middle[gaussian_filter1d(counts, 5.0, axis=1).argmax(axis=1)]
    step = float(edges[1] - edges[0])
    rms = np.full(len(counts), 20.0 * step)
    for _ in range(4):
        near = np.where(np.abs(middle - centre[:, None]) < np.maximum(2.5 * rms, 4.0 * step)[:, None], counts, 0.0)
        total = np.maximum(near.sum(axis=1), 1e-9)
        centre = np.where(near.any(axis=1), (near * middle).sum(axis=1) / total, centre)
        rms = np.sqrt(np.maximum((near * (middle - centre[:, None]) ** 2).sum(axis=1) / total, (0.5 * step) ** 2))
    return centre, 1.1 * rms
