"""Gains of cells from the energies of events: regularised least squares by class of events, and means by class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from emiss.calibrate.frame import Sums
    from emiss.configs.arrays import Array, Floats, Ints

PRIOR = 0.3
"""Relative width of the prior that holds the gains of cells that are hardly lit where they were."""

HOLD = 1e12
"""Weight of an unknown that has a value."""


@dataclass(frozen=True)
class Targets:
    """What is expected in events by their cell of largest energy.

    Attributes
    ----------
    mean, number : arrays of shape (cells,)
        Mean energy (GeV) and events; 0 events where nothing is known.
    first : array of shape (cells,)
        Mean energy in all layers but the last, GeV.
    peak : float
        Of the energies of all events in the cells inside the edge, GeV.
    sums : Sums
        The normal equations of the energies themselves, as those of the charges.
    """

    mean: Floats
    number: Floats
    first: Floats
    peak: float
    sums: Sums


def by_means(sums: Sums, classes: Ints, targets: Targets, before: Floats, rows: Ints) -> tuple[Floats, Floats]:
    """Return gains and errors of some channels, such that their mean energies by class are those wanted, over those before."""
    scale = np.where(before > 0.0, before, 1.0)[rows]
    number, wanted = sums["number"][classes], targets.first[classes]
    both = 1.0 / (1.0 / number + 1.0 / targets.number[classes])  # the means of both have errors
    mean = sums["sum"][classes][:, rows] * scale / number[:, None]
    square = sums["square"][classes][:, rows[:, None], rows] * scale[:, None] * scale
    gain = np.ones(len(rows))
    for _ in range(4):
        spread = np.einsum("i,kij,j->k", gain, square, gain) / number - (mean @ gain) ** 2
        weight = both / np.maximum(spread, (1e-3 * wanted) ** 2)
        matrix = np.einsum("k,ki,kj->ij", weight, mean, mean) + np.diag(np.full(len(rows), PRIOR**-2))
        gain = np.linalg.solve(matrix, (weight * wanted) @ mean + PRIOR**-2)
    return gain, np.sqrt(np.diag(np.linalg.inv(matrix)))


def solved(
    sums: Sums,
    classes: Ints,
    target: Floats,
    before: Floats,
    stochastic: float,
    held: Ints,
    fixed: tuple[Floats, Floats] | None,
) -> dict[str, Array]:
    """Return the gains of regularised least squares; those of the channels `held` are `fixed`, where these are known."""
    scale = np.where(before > 0.0, before, 1.0)
    square = sums["square"][classes] * scale[:, None] * scale
    total = sums["sum"][classes] * scale
    number, wanted = sums["number"][classes], target[classes]
    # what sampling adds to the squares of energies: a^2 E, in GeV
    sampling = stochastic**2 * total
    variance = np.full(len(classes), (0.04 * wanted.mean()) ** 2)
    gain = np.ones(len(scale))
    for _ in range(4):
        weight = 1.0 / variance
        matrix = np.einsum("k,kij->ij", weight, square) - np.diag(weight @ sampling)
        prior = np.diag(np.full(len(scale), PRIOR**-2))
        right = (weight * wanted) @ total + prior.diagonal()
        if fixed is not None:
            matrix, right = _without(matrix, right, held, fixed[0])
        gain = np.linalg.solve(matrix + prior, right)
        left = wanted**2 - (2.0 * wanted * (total @ gain) - np.einsum("i,kij,j->k", gain, square, gain)) / number
        variance = np.maximum(left, (1e-3 * wanted) ** 2)
    inverse = np.linalg.inv(matrix + prior)
    spread = np.einsum("k,kij->ij", weight, square)
    if fixed is not None:
        spread, _ = _without(spread, right, held, fixed[0])
    covariance = inverse @ spread @ inverse
    error = np.sqrt(np.maximum(np.diag(covariance), 0.0) + (np.diag(inverse) * PRIOR**-1) ** 2)
    if fixed is not None:
        error[held] = fixed[1]
    energy = total.sum(axis=0) * gain
    return {
        "gain": gain * scale,
        "error": error * scale,
        "before": before,
        "hit": sums["hit"],
        "share": energy / max(energy.sum(), 1e-300),
    }


def _without(matrix: Floats, right: Floats, held: Ints, values: Floats) -> tuple[Floats, Floats]:
    """Return normal equations in which some unknowns have values."""
    right = right - matrix[:, held] @ values
    matrix = matrix.copy()
    matrix[held], matrix[:, held] = 0.0, 0.0
    matrix[held, held] = HOLD
    right[held] = HOLD * values
    return matrix, right
