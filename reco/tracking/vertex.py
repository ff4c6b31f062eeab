"""The vertex of two tracks: where they come nearest to each other, their angle and invariant mass."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from emiss.configs.arrays import Array, Floats
    from emiss.events.lists import Lists

FIELDS = ("x", "y", "z", "distance", "angle", "mass")


def vertices(tracks: Lists, z: float, mass: float) -> dict[str, Floats]:
    """Return the vertex of the two tracks of each event that come nearest to each other; NaN where there are not two.

    Tracks are drawn on in straight lines from the first plane, with the momenta they have there: matter on the way is left out.

    Parameters
    ----------
    tracks : Lists
        With x, y (mm), tx, ty, p (GeV) and charge at z. Two of the same charge are no pair; those without one may be.
    z : float
        mm.
    mass : float
        Of both particles, GeV.

    Returns
    -------
    mapping of `FIELDS` to arrays of shape (N,)
        mm, rad, GeV.
    """
    first, second = pairs(tracks)
    same = tracks["charge"][first] * tracks["charge"][second] > 0.0  # False for NaN
    first, second = first[~same], second[~same]
    a, b = (np.stack([tracks["x"][row], tracks["y"][row], np.full(len(row), z)], axis=1) for row in (first, second))
    u, v = (np.stack([tracks["tx"][row], tracks["ty"][row], np.ones(len(row))], axis=1) for row in (first, second))
    u, v = (way / np.linalg.norm(way, axis=1, keepdims=True) for way in (u, v))
    across, along = np.cross(u, v), np.sum(u * v, axis=1)
    square = np.sum(across**2, axis=1)
    apart = b - a
    with np.errstate(divide="ignore", invalid="ignore"):  # parallel tracks have no vertex
        on_u = np.sum(np.cross(apart, v) * across, axis=1) / square
        on_v = np.sum(np.cross(apart, u) * across, axis=1) / square
    near_u, near_v = a + on_u[:, None] * u, b + on_v[:, None] * v
    point, distance = 0.5 * (near_u + near_v), np.linalg.norm(near_u - near_v, axis=1)
    angle = np.arctan2(np.sqrt(square), along)
    p, q = tracks["p"][first], tracks["p"][second]
    energies = np.hypot(p, mass) * np.hypot(q, mass)
    total = np.sqrt(2.0 * mass**2 + 2.0 * (energies - p * q) + 4.0 * p * q * np.sin(0.5 * angle) ** 2)
    values = np.column_stack([point, distance, angle, total])
    event = tracks.parents[first]
    order = np.lexsort((distance, event))  # NaN last
    nearest = order[np.diff(event[order], prepend=-1) > 0]
    out = np.full((len(tracks), len(FIELDS)), np.nan)
    out[event[nearest]] = values[nearest]
    return dict(zip(FIELDS, out.T.copy(), strict=True))


def pairs(lists: Lists) -> tuple[Array, Array]:
    """Return the rows of all pairs of entries of the same event, the first before the second."""
    count = np.repeat(lists.counts, lists.counts)  # entries of the event of each entry
    end = np.repeat(lists.offsets[1:], lists.counts)
    row = np.arange(len(count))
    later = end - row - 1
    first = np.repeat(row, later)
    second = first + 1 + np.arange(len(first)) - np.repeat(np.cumsum(later) - later, later)
    return first, second
