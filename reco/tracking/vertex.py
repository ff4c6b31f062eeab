"""The vertex of two tracks: where they come nearest to each other, their angle and invariant mass."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from emiss.configs.arrays import Array, Floats
    from emiss.events.lists import Lists

FIELDS = ("x", "y", "z", "distance", "angle", "mass")

STEP = 0.1
"""In errors of the tracks, of the differences that derivatives are taken of."""


def vertices(tracks: Lists, cov: Floats, z: float, mass: float) -> dict[str, Floats]:
    """Return the vertex of the two tracks of each event that come nearest to each other; NaN where there are not two.

    Tracks are drawn on in straight lines from the first plane, with the momenta they have there: matter on the way is left out.
    Errors follow from those of the two fits, to first order.

    Parameters
    ----------
    tracks : Lists
        With x, y (mm), tx, ty, p (GeV) and charge at z. Two of the same charge are no pair; those without one may be.
    cov : array of shape (tracks, 5, 5)
        Of x, y, tx, ty, q/p.
    z : float
        mm.
    mass : float
        Of both particles, GeV.

    Returns
    -------
    mapping of `FIELDS`, and of these with ``sigma_`` before them, to arrays of shape (N,)
        mm, rad, GeV.
    """
    first, second = pairs(tracks)
    same = tracks["charge"][first] * tracks["charge"][second] > 0.0  # False for NaN
    first, second = first[~same], second[~same]
    states = np.stack([tracks[name] for name in ("x", "y", "tx", "ty", "p")], axis=1).astype(np.float64)
    values, _ = _nearest(states[first], states[second], z, mass)
    event = tracks.parents[first]
    order = np.lexsort((values[:, 3], event))  # NaN last
    nearest = order[np.diff(event[order], prepend=-1) > 0]
    out = np.full((len(tracks), 2 * len(FIELDS)), np.nan)
    with_p = _with_momentum(cov, tracks["p"], tracks["charge"])
    of = event[nearest], first[nearest], second[nearest]
    out[of[0], : len(FIELDS)] = values[nearest]
    out[of[0], len(FIELDS) :] = _errors(states[of[1]], states[of[2]], with_p[of[1]], with_p[of[2]], z, mass)
    return dict(zip((*FIELDS, *(f"sigma_{name}" for name in FIELDS)), out.T.copy(), strict=True))


def _nearest(one: Floats, other: Floats, z: float, mass: float) -> tuple[Floats, Floats]:
    """Return `FIELDS` (N, 6) of pairs of tracks (N, 5), and the distance with a sign, which it changes where tracks meet."""
    a, b = (np.column_stack([track[:, :2], np.full(len(track), z)]) for track in (one, other))
    u, v = (np.column_stack([track[:, 2:4], np.ones(len(track))]) for track in (one, other))
    u, v = (way / np.linalg.norm(way, axis=1, keepdims=True) for way in (u, v))
    across, along = np.cross(u, v), np.sum(u * v, axis=1)
    square = np.sum(across**2, axis=1)
    apart = b - a
    with np.errstate(divide="ignore", invalid="ignore"):  # parallel tracks have no vertex
        on_u = np.sum(np.cross(apart, v) * across, axis=1) / square
        on_v = np.sum(np.cross(apart, u) * across, axis=1) / square
        signed = np.sum(apart * across, axis=1) / np.sqrt(square)
    near_u, near_v = a + on_u[:, None] * u, b + on_v[:, None] * v
    point, distance = 0.5 * (near_u + near_v), np.linalg.norm(near_u - near_v, axis=1)
    angle = np.arctan2(np.sqrt(square), along)
    p, q = one[:, 4], other[:, 4]
    energies = np.hypot(p, mass) * np.hypot(q, mass)
    total = np.sqrt(2.0 * mass**2 + 2.0 * (energies - p * q) + 4.0 * p * q * np.sin(0.5 * angle) ** 2)
    return np.column_stack([point, distance, angle, total]), signed


def _with_momentum(cov: Floats, p: Array, charge: Array) -> Floats:
    """Return covariances (N, 5, 5) of x, y, tx, ty, p; 0 for the momentum of straight tracks."""
    scale = np.ones((len(cov), 5))
    scale[:, 4] = -charge * p**2
    found: Floats = scale[:, :, None] * cov * scale[:, None, :]
    return np.where(np.isfinite(found), found, 0.0)


def _errors(one: Floats, other: Floats, cov: Floats, cov_other: Floats, z: float, mass: float) -> Floats:
    """Return the errors of `FIELDS` (N, 6) of pairs."""
    variance = np.zeros((len(one), len(FIELDS)))
    for moved, own in ((0, cov), (1, cov_other)):
        slopes = np.zeros((len(one), len(FIELDS), 5))
        sigma = np.sqrt(np.einsum("nkk->nk", own))
        for k in range(5):
            step = np.where(sigma[:, k] > 0.0, STEP * sigma[:, k], 1.0)
            ends = []
            for sign in (1.0, -1.0):
                tracks = one.copy(), other.copy()
                tracks[moved][:, k] += sign * step
                values, signed = _nearest(tracks[0], tracks[1], z, mass)
                values[:, 3] = signed
                ends.append(values)
            slopes[:, :, k] = (ends[0] - ends[1]) / (2.0 * step[:, None])
        variance += np.einsum("nik,nkl,nil->ni", slopes, own, slopes)
    return np.sqrt(variance)


def pairs(lists: Lists) -> tuple[Array, Array]:
    """Return the rows of all pairs of entries of the same event, the first before the second."""
    count = np.repeat(lists.counts, lists.counts)  # entries of the event of each entry
    end = np.repeat(lists.offsets[1:], lists.counts)
    row = np.arange(len(count))
    later = end - row - 1
    first = np.repeat(row, later)
    second = first + 1 + np.arange(len(first)) - np.repeat(np.cumsum(later) - later, later)
    return first, second
