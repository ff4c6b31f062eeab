"""How responses differ between groups of events, such as spills, in each channel or part: shifts of one distribution.

What a channel gives more in a group moves the logarithm of its charge, and keeps the shape of its distribution, whatever that
is: the light of LEDs, the sum of an electron shower, a muon's Landau. The likelihood of the shift of each group is a product
of its counts with the logarithms of the common distribution at all shifts: no fit is made of any group by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from emiss.calibrate.likelihood import pearson

if TYPE_CHECKING:
    from emiss.configs.arrays import Array, Bools, Floats

BIN, HALF = 0.01, 100
"""Bins of the logarithm of a charge over that of the middle, and so many on each side."""

SHIFT, MOST, BESIDE = 0.005, 0.5, 0.1
"""Steps of shifts that are tried, the largest, and how much more than means of groups differ."""

ROUNDS = 3
"""How often groups are moved to where they have been found, to make the common distribution."""

SMOOTH = 0.4
"""Of the rms of a distribution: bins are smeared by it, as it is made of as many events as there are."""

FLOOR = 1e-4
"""Of all entries, in each bin besides: an entry where the common distribution has none is no proof."""


CORE, NEARER = 4.0, 8
"""Of a mean: rms around the median within which entries count, and how often that is found anew."""


class Shifts(NamedTuple):
    """Responses of G groups.

    Attributes
    ----------
    response, error : arrays of shape (G,)
        Relative to the mean over all entries; NaN without entries.
    chi2 : array of shape (G,)
        Of the counts to the common distribution, per degree of freedom.
    common : array of shape (B,)
        The common distribution, normalised, in bins of `edges`.
    """

    response: Floats
    error: Floats
    chi2: Floats
    common: Floats


def edges() -> Floats:
    """Return the edges of bins: the logarithm of a charge over that of the middle, shape (2 HALF + 1,)."""
    return np.asarray(BIN * (np.arange(2 * HALF + 1) - HALF), np.float64)


def place(charge: Floats, middle: Floats) -> tuple[Array, Bools]:
    """Return the bins of charges, and which are inside."""
    with np.errstate(divide="ignore", invalid="ignore"):
        at = np.log(charge / middle) / BIN + HALF
    inside = np.isfinite(at) & (at >= 0.0) & (at < 2 * HALF)
    return np.where(inside, at, 0.0).astype(np.int64), inside


def means(counts: Floats, sizes: Floats) -> tuple[Floats, Floats]:
    """Return the means of what is around the medians, and their errors relative to them, shape (T,); NaN without entries.

    Parameters
    ----------
    counts : array of shape (T, B)
        Entries in bins of `edges`.
    sizes : array of shape (2, T, B)
        The sums of their charges over that of the middle, and of the squares of these.
    """
    bins = np.arange(counts.shape[1])
    half = 0.5 * counts.sum(axis=1, keepdims=True)
    away = np.abs(bins - (np.cumsum(counts, axis=1) >= half).argmax(axis=1)[:, None])
    near = counts
    for _ in range(NEARER):
        number = np.maximum(near.sum(axis=1), 1.0)
        rms = np.sqrt((near * away**2).sum(axis=1) / number)
        near = np.where(away <= np.maximum(CORE * rms, 2.0)[:, None], counts, 0.0)
    total = near.sum(axis=1)
    number = np.maximum(total, 1.0)
    mean, square = np.where(near > 0.0, sizes, 0.0).sum(axis=2) / number
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(np.maximum(square / mean**2 - 1.0, 0.0) / number)
    return np.where(total > 0, mean, np.nan), np.where(total > 0, error, np.nan)


def shifts(counts: Floats) -> Shifts:
    """Find by how much groups are shifted, counts of shape (G, B) to their responses.

    Errors are those of the score (P. J. Huber, Proc. 5th Berkeley Symp. 1 (1967) 221), as a smeared distribution is not the
    true one.
    """
    total = counts.sum(axis=1)
    moved = counts
    found = np.zeros(len(counts))
    for _ in range(ROUNDS):
        common = _common(moved.sum(axis=0))
        found, error, chi2 = _likeliest(counts, common)
        mean = float(np.average(np.where(total > 0, found, 0.0), weights=np.maximum(total, 1e-300)))
        found = found - mean
        moved = moved_back(counts, found)
    response = np.exp(found)
    response /= np.average(response, weights=np.maximum(total, 1e-300))
    gone = total <= 0
    return Shifts(
        np.where(gone, np.nan, response), np.where(gone, np.nan, response * error), np.where(gone, np.nan, chi2), common
    )


def _common(counts: Floats) -> Floats:
    """Return the smeared distribution of counts (B,), above 0 everywhere."""
    from scipy.ndimage import gaussian_filter1d

    bins = np.arange(len(counts))
    total = max(float(counts.sum()), 1.0)
    middle = float((np.cumsum(counts) >= 0.5 * total).argmax())
    near = np.abs(bins - middle) <= max(_reach(counts, middle, total), 2.0)
    rms = np.sqrt(float((counts[near] * (bins[near] - middle) ** 2).sum()) / max(float(counts[near].sum()), 1.0))
    smooth = gaussian_filter1d(counts.astype(np.float64), max(SMOOTH * rms, 0.7), mode="constant") + FLOOR * total
    return np.asarray(smooth / smooth.sum())


def _reach(counts: Floats, middle: float, total: float) -> float:
    """Return within how many bins of the middle nine in ten entries are."""
    away = np.abs(np.arange(len(counts)) - middle)
    order = np.argsort(away)
    return float(away[order][(np.cumsum(counts[order]) >= 0.9 * total).argmax()])


def _likeliest(counts: Floats, common: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the likeliest shift of each group, its error, and chi2 per degree of freedom there."""
    from scipy.interpolate import CubicSpline

    middle = 0.5 * (edges()[1:] + edges()[:-1])
    total = counts.sum(axis=1)
    means = (counts @ middle)[total > 0] / total[total > 0]
    far = min(float(np.abs(means - np.average(means, weights=total[total > 0])).max()) + BESIDE, MOST)
    steps = SHIFT * (np.arange(2 * round(far / SHIFT) + 1) - round(far / SHIFT))
    spline = CubicSpline(middle, np.log(common))
    # what is moved in from outside is as rare as it is at the end
    at = np.clip(middle[:, None] - steps, middle[0], middle[-1])
    logarithm = spline(at)
    logarithm -= np.log(np.exp(logarithm).sum(axis=0))
    seen = np.flatnonzero(counts.any(axis=0))
    counts, logarithm = counts[:, seen], logarithm[seen]
    # no library of many threads: they wait for each other longer than this takes
    likelihood = np.einsum("gb,bs->gs", counts, logarithm)
    top = likelihood.argmax(axis=1).clip(1, len(steps) - 2)
    rows = np.arange(len(counts))
    below, here, above = (likelihood[rows, top + k] for k in (-1, 0, 1))
    bend = below - 2.0 * here + above
    away = np.where(bend < 0.0, 0.5 * (below - above) / np.where(bend < 0.0, bend, -1.0), 0.0).clip(-1.0, 1.0)
    found = steps[top] + SHIFT * away
    # the score and its slope, of all groups together: those of one have too few entries
    slope = (logarithm[:, top + 1] - logarithm[:, top - 1]) / (2.0 * SHIFT)
    curve = (logarithm[:, top + 1] - 2.0 * logarithm[:, top] + logarithm[:, top - 1]) / SHIFT**2
    score = float(np.einsum("gb,bg->", counts, slope**2)) / max(float(total.sum()), 1.0)
    bent = -float(np.einsum("gb,bg->", counts, curve)) / max(float(total.sum()), 1.0)
    each = np.sqrt(max(score, 1e-300)) / max(bent, 1e-300)
    error = each / np.sqrt(np.maximum(total, 1.0))
    expected = total[:, None] * np.exp(logarithm[:, top]).T
    return found, error, pearson(counts, expected, 1)


def moved_back(counts: Floats, shift: Floats) -> Floats:
    """Return counts (G, B) moved back by shifts (G,); entries of a bin are spread evenly over it."""
    cumulated = np.concatenate([np.zeros((len(counts), 1)), np.cumsum(counts, axis=1)], axis=1)
    at = np.arange(counts.shape[1] + 1) + shift[:, None] / BIN
    low = np.clip(np.floor(at), 0, counts.shape[1]).astype(np.int64)
    high = np.minimum(low + 1, counts.shape[1])
    part = np.clip(at - low, 0.0, 1.0)
    values = (
        np.take_along_axis(cumulated, low, axis=1) * (1.0 - part) + np.take_along_axis(cumulated, high, axis=1) * part
    )
    return np.asarray(np.diff(values, axis=1))
