"""Multiple scattering over a path: a Gaussian core and the few collisions beyond it, angle and displacement in both views."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from emiss.configs.compiled import fused

if TYPE_CHECKING:
    import numpy as np

    from emiss.physics.passage.scattering_tables import ScatteringTables

SINGLE = 0.5
"""Collisions drawn one by one per path, on average."""


@fused(forceinline=True)
def scatter(
    tables: ScatteringTables, m: int, scale: float, inverse_beta2: float, path: float, rng: np.random.Generator
) -> tuple[float, float, float, float]:
    """Return the kicks in x and y (rad) of a particle over a path (mm), and by how much it is off its line at the end (mm).

    The displacement of the core has the rms path theta/sqrt(3), correlated by sqrt(3)/2 with the angle (PDG 2022, Sec. 34.3);
    a single collision is anywhere on the path.

    Parameters
    ----------
    tables : ScatteringTables
    m : int
        The mixture.
    scale : float
        1/momentum, 1/GeV; over a path with loss sqrt(1/(p before * p after)), which is exact for a loss even along it.
    inverse_beta2 : float
        1/beta^2, likewise.
    path : float
        mm.
    rng : numpy Generator
    """
    length = path * inverse_beta2
    nodes = tables.transfer.shape[1]
    expected = SINGLE
    border = tables.often[m] - math.log(expected / length)  # how far down in rate
    if not border > 0.0:  # so thin that all are single
        if not length > 0.0:
            return 0.0, 0.0, 0.0, 0.0
        border = 0.0
        expected = length * math.exp(tables.often[m])
    place = min(border * tables.per_step[m], nodes - 1.0001)
    i = int(place)
    sum_of_squares = tables.below[m, i] + (place - i) * (tables.below[m, i + 1] - tables.below[m, i])
    sigma = scale * math.sqrt(0.5 * sum_of_squares * length)
    kick_x, kick_y = sigma * rng.standard_normal(), sigma * rng.standard_normal()
    narrow = sigma * path / math.sqrt(12.0)
    off_x = 0.5 * path * kick_x + narrow * rng.standard_normal()
    off_y = 0.5 * path * kick_y + narrow * rng.standard_normal()
    count = rng.standard_exponential()
    while count < expected:
        place = min((border + rng.standard_exponential()) * tables.per_step[m], nodes - 1.0001)
        i = int(place)
        low, high = tables.transfer[m, i], tables.transfer[m, i + 1]
        angle = min(scale * math.exp(low + (place - i) * (high - low)), 1.0)
        phi = 2.0 * math.pi * rng.random()
        lever = path * rng.random()
        one, other = angle * math.cos(phi), angle * math.sin(phi)
        kick_x += one
        kick_y += other
        off_x += one * lever
        off_y += other * lever
        count += rng.standard_exponential()
    return kick_x, kick_y, off_x, off_y
