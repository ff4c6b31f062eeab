"""Binned extended maximum likelihood for many channels at once: one iteration is a few arrays, not a loop over channels.

Fisher scoring with the damping of Levenberg and Marquardt, channel by channel; the derivatives of the model are central
differences. The minimum is that of iminuit's `ExtendedBinnedNLL` (a test compares them).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from emiss.configs.arrays import Bools, Floats, Ints

TINY = 1e-9
"""The least that is expected in a bin."""

MANY = 5.0
"""Expected in a bin above which its count is about a Gaussian."""

ITERATIONS = 60

DONE = 1e-4
"""Change of the deviance at which a fit has converged."""


class Fits(NamedTuple):
    """Fits of C channels with P parameters.

    Attributes
    ----------
    values, errors : float arrays of shape (C, P)
        The error of a parameter at its limit is 0.
    covariance : float array of shape (C, P, P)
    deviance : float array of shape (C,)
        Twice the logarithm of the likelihood ratio to the counts themselves; about chi2.
    freedom : int array of shape (C,)
    converged : bool array of shape (C,)
        Whether the minimum was found and the covariance is positive.
    """

    values: Floats
    errors: Floats
    covariance: Floats
    deviance: Floats
    freedom: Ints
    converged: Bools


def fit_many(
    model: Callable[[Floats], Floats],
    counts: Floats,
    start: Floats,
    steps: Floats,
    low: Floats,
    high: Floats,
    used: Bools | None = None,
) -> Fits:
    """Fit expected counts in bins to those found.

    Parameters
    ----------
    model : callable
        Parameters (C, P) to expected counts (C, B).
    counts : array of shape (C, B)
    start, steps : arrays of shape (C, P)
        Where fits begin, and what derivatives are taken with.
    low, high : arrays that broadcast to (C, P)
        Limits of the parameters.
    used : bool array of shape (C, B), optional
        The bins that count; all by default.
    """
    used = np.ones(counts.shape, bool) if used is None else used
    channels, size = start.shape
    low, high = (np.broadcast_to(one, start.shape) for one in (low, high))
    values = np.clip(start, low, high)
    expected = np.maximum(model(values), TINY)
    best = _deviance(counts, expected, used)
    damping = np.full(channels, 1e-2)
    converged = np.zeros(channels, bool)
    for _ in range(ITERATIONS):
        slope, fisher, _ = _derivatives(model, counts, expected, values, steps, low, high, used)
        shift = _solved(fisher, slope, damping)
        trial = np.clip(values + shift, low, high)
        there = np.maximum(model(trial), TINY)
        found = _deviance(counts, there, used)
        better = found <= best
        converged |= better & (best - found < DONE)
        values = np.where(better[:, None], trial, values)
        expected = np.where(better[:, None], there, expected)
        best = np.where(better, found, best)
        damping = np.where(better, damping * 0.2, damping * 8.0).clip(1e-9, 1e9)
        converged |= damping > 1e8  # no smaller step helps: it is a minimum as far as numbers go
        if converged.all():
            break
    _, fisher, held = _derivatives(model, counts, expected, values, steps, low, high, used)
    covariance = _inverse(fisher)
    variance = np.einsum("cii->ci", covariance)
    fine = np.isfinite(variance).all(axis=1) & (variance > 0.0).all(axis=1)
    errors = np.where(held, 0.0, np.sqrt(np.where(variance > 0.0, variance, np.nan)))
    freedom = used.sum(axis=1) - size + held.sum(axis=1)
    return Fits(values, errors, covariance, best, freedom, converged & fine)


def cropped(used: Bools) -> Ints:
    """Return for each channel as many bins in a row as hold all that are used, shape (C, room): what is not used costs time."""
    size = used.shape[1]
    first = used.argmax(axis=1)
    room = max(int((size - used[:, ::-1].argmax(axis=1) - first).max(initial=1)), 1)
    return np.asarray(np.minimum(first, size - room)[:, None] + np.arange(room))


def pearson(counts: Floats, expected: Floats, parameters: Ints | int) -> Floats:
    """Return chi2 per degree of freedom over the bins in which more than `MANY` are expected, shape (C,); NaN without any.

    Parameters
    ----------
    counts, expected : arrays of shape (C, B)
    parameters : int, or array of shape (C,)
        What was fitted.
    """
    used = expected > MANY
    each = np.where(used, (counts - expected) ** 2 / np.where(used, expected, 1.0), 0.0)
    freedom = used.sum(axis=1) - parameters
    return np.asarray(np.where(freedom > 0, each.sum(axis=1) / np.maximum(freedom, 1), np.nan))


def coarser(counts: Floats, together: int) -> Floats:
    """Return counts (..., B) with so many bins in each, without those that are left over at the end."""
    bins = counts.shape[-1] // together
    return np.asarray(counts[..., : bins * together].reshape(*counts.shape[:-1], bins, together).sum(axis=-1))


def _deviance(counts: Floats, expected: Floats, used: Bools) -> Floats:
    seen = np.where(counts > 0.0, counts, 1.0)
    each = expected - counts + np.where(counts > 0.0, counts * np.log(seen / expected), 0.0)
    return 2.0 * np.where(used, each, 0.0).sum(axis=1)


def _derivatives(
    model: Callable[[Floats], Floats],
    counts: Floats,
    expected: Floats,
    values: Floats,
    steps: Floats,
    low: Floats,
    high: Floats,
    used: Bools,
) -> tuple[Floats, Floats, Bools]:
    """Return the slopes of the likelihood (C, P), Fisher's matrix (C, P, P), and which parameters are held by a limit (C, P).

    One that is held has no part in the matrix but a 1 on the diagonal.
    """
    jacobian = np.empty((*counts.shape, values.shape[1]))
    for p in range(values.shape[1]):
        up, down = values.copy(), values.copy()
        up[:, p] = np.minimum(values[:, p] + steps[:, p], high[:, p])
        down[:, p] = np.maximum(values[:, p] - steps[:, p], low[:, p])
        width = np.maximum(up[:, p] - down[:, p], 1e-300)
        jacobian[:, :, p] = (model(up) - model(down)) / width[:, None]
    weight = np.where(used, 1.0 / expected, 0.0)
    slope = np.einsum("cbp,cb->cp", jacobian, weight * (counts - expected))
    held = ((values <= low) & (slope <= 0.0)) | ((values >= high) & (slope >= 0.0))
    jacobian = np.where(held[:, None, :], 0.0, jacobian)
    fisher = np.einsum("cbp,cb,cbq->cpq", jacobian, weight, jacobian)
    return np.where(held, 0.0, slope), fisher + held[:, :, None] * np.eye(values.shape[1]), held


def _scales(fisher: Floats) -> Floats:
    diagonal = np.einsum("cii->ci", fisher)
    return np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0))


def _solved(fisher: Floats, slope: Floats, damping: Floats) -> Floats:
    scale = _scales(fisher)
    matrix = fisher / (scale[:, :, None] * scale[:, None, :])
    matrix = matrix + (damping[:, None, None] + 1e-12) * np.eye(fisher.shape[1])
    return np.linalg.solve(matrix, (slope / scale)[:, :, None])[:, :, 0] / scale


def _inverse(fisher: Floats) -> Floats:
    """Return the inverses, NaN where there is none."""
    scale = _scales(fisher)
    matrix = fisher / (scale[:, :, None] * scale[:, None, :])
    finite: Bools = np.isfinite(matrix).reshape(len(matrix), -1).min(axis=1, initial=True)
    condition = np.linalg.cond(np.where(finite[:, None, None], matrix, np.eye(fisher.shape[1])))
    good = finite & (condition < 1e12)
    safe = np.where(good[:, None, None], matrix, np.eye(fisher.shape[1]))
    inverse = np.linalg.inv(safe) / (scale[:, :, None] * scale[:, None, :])
    return np.where(good[:, None, None], inverse, np.nan)
