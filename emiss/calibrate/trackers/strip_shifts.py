"""Gains of many channels whose spectra are alike: shifts of the logarithm against the spectrum of all, fitted at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from emiss.calibrate.calorimeters.spectra import at
from emiss.calibrate.likelihood import fit_many

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats, Ints

STEP, BINS = 2, 512
"""ADC: third samples are even where the front end truncates them; so bins begin at even numbers."""

FINE = np.linspace(2.0, 7.2, 521)
"""Logarithms of charges at which the integral of the spectrum of a plane is known."""

ROUNDS = 4
"""How often the spectrum of a plane is made."""

SMOOTH = 6.0
"""Places of `FINE` over which the spectrum of a plane is smoothed, so that its statistics show no features."""

MUCH = 3.0
"""Over the median of the channels of a plane: what is lit more often counts no more for its spectrum."""


class Shifted(NamedTuple):
    """Shifts of the logarithms of C spectra, beside those before, and what was fitted.

    Attributes
    ----------
    shift, error, chi2 : arrays of shape (C,)
        Errors and chi2 per degree of freedom are NaN where nothing is found.
    counts, curve : arrays of shape (C, B)
    cuts : int array of shape (B + 1,)
        Where bins begin, in steps of the samples.
    """

    shift: Floats
    error: Floats
    chi2: Floats
    counts: Floats
    curve: Floats
    cuts: Ints


def shifts(counts: Floats, before: Floats, cuts: Ints) -> Shifted:
    """Return the shifts of spectra against that of all.

    Parameters
    ----------
    counts : array of shape (C, BINS)
    before : array of shape (C,)
        Logarithms of the gains that there were.
    cuts : int array
    """
    own = np.concatenate([np.zeros((len(counts), 1)), np.cumsum(counts, axis=1)], axis=1)
    inside = np.diff(own[:, cuts], axis=1)
    seen, shift = inside.sum(axis=1), np.zeros(len(counts))
    if not len(counts):
        return Shifted(shift, shift, shift, inside, inside, cuts)
    edges = np.log(STEP * cuts - 0.5) - before[:, None]  # samples are rounded first
    # one that is hot would be all of the spectrum
    weight = np.minimum(1.0, MUCH * float(np.median(seen)) / np.maximum(seen, 1.0))
    for _ in range(ROUNDS):
        there = np.exp(FINE + (before + shift)[:, None]) + 0.5
        share = np.broadcast_to(_smooth(weight @ at(own, there, STEP)), (len(counts), len(FINE)))

        def model(values: Floats, share: Floats = share) -> Floats:
            place = edges - values[:, 1:] - FINE[0]
            return np.asarray(values[:, :1] * np.diff(at(share, place, float(FINE[1] - FINE[0])), axis=1))

        part = np.maximum(model(np.column_stack([np.ones(len(counts)), shift])).sum(axis=1), 1e-3)
        start = np.column_stack([np.maximum(seen, 1.0) / part, shift])
        steps = np.column_stack([1e-3 * start[:, 0], np.full(len(seen), 5e-3)])
        low = np.column_stack([0.02 * start[:, 0], np.full(len(seen), -0.7)])
        high = np.column_stack([50.0 * start[:, 0], np.full(len(seen), 0.7)])
        fits = fit_many(model, inside, start, steps, low, high)
        shift = np.where(fits.converged, fits.values[:, 1], 0.0)
    good = fits.converged & (fits.errors[:, 1] > 0.0)
    chi2 = np.where(good, fits.deviance / np.maximum(fits.freedom, 1), np.nan)
    curve = np.where(good[:, None], model(fits.values), np.nan)
    return Shifted(shift, np.where(good, fits.errors[:, 1], np.nan), chi2, inside, curve, cuts)


def _smooth(below: Floats) -> Floats:
    """Return the integral of a spectrum that is smoothed, over its whole."""
    from scipy.ndimage import gaussian_filter1d

    made = np.concatenate([[0.0], np.cumsum(gaussian_filter1d(np.diff(below), SMOOTH, mode="nearest"))])
    return np.asarray(made / max(float(made[-1]), 1e-9))
