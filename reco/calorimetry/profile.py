"""Shower profiles against a library: what a calorimeter's cells say, and how a library is made of electrons.

The shares s of the 3 x 3 cells around the one of most energy are compared with the mean m and the covariance C of electrons of
that energy at that place: chi2 = (s - m) C^-1 (s - m) / n, whose mean over electrons is 1. `FLOOR` is added to C for what no
calibration knows better, and n = tr(C^-1 C0), with C0 as it was found, counts the shares that vary by more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.calib.table_types import SHARES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.configs.arrays import Array, Bytes, Floats, Ints
    from emiss.events.lists import Lists
    from emiss.reco.detector.model import Detector
    from emiss.reco.parts.grid import Grid
    from emiss.reco.parts.profiles import Library

FLOOR = 0.002
"""Of the rms of a share, in quadrature."""

FEWEST = 30
"""Electrons that a profile is made of at least."""

PAIRS = np.triu_indices(SHARES, 1)


@dataclass(frozen=True)
class Found:
    """Shares of N events, folded (`profile_kernels.fold`), with where they lie, the ring's part and the cell of most energy."""

    shares: Floats
    place: Ints
    ring: Floats
    where: Ints


class Profiles:
    """The shares of one calorimeter with a library.

    Parameters
    ----------
    detector : Detector
    name : str
        Of the part.
    part : Grid
    """

    def __init__(self, detector: Detector, name: str, part: Grid) -> None:
        assert part.library is not None  # noqa: S101 - who asks has looked
        self.name, self.library = name, part.library
        self._size = part.columns, part.rows
        self._edges = np.array(part.library.edges)
        self._cell = np.full(len(detector.channels), -1, np.int64)
        for layer in part.main:
            numbers = detector.numbers(layer)
            self._cell[numbers] = detector.channel_x[numbers] * part.rows + detector.channel_y[numbers]

    def find(self, cells: Lists, kind: Bytes) -> Found:
        """Return the shares of events from their cells; `kind` is that of `sums_kernels.add`."""
        from emiss.reco.calorimetry import profile_kernels, sums_kernels

        size = len(cells.offsets) - 1
        shares, ring = np.empty((size, SHARES)), np.empty(size)
        where, place = np.empty((2, size), np.int64), np.empty(size, np.int64)
        profile_kernels.blocks(
            cells.offsets,
            cells["channel"],
            cells["energy"],
            kind,
            sums_kernels.USED,
            self._cell,
            self._size,
            np.empty(self._size[0] * self._size[1]),
            shares,
            ring,
            where,
        )
        profile_kernels.fold(shares, self._edges, place)
        return Found(shares, place, ring, where)

    def columns(self, found: Found, energy: Floats, constants: Mapping[str, Array]) -> dict[str, Any]:
        """Return the columns of a part.

        Parameters
        ----------
        found : Found
        energy : array of shape (N,)
            In all layers, GeV; NaN where it is not known.
        constants : mapping
            Those of `NAME.profile`.
        """
        from emiss.reco.calorimetry import profile_kernels

        chi2 = np.empty(len(energy))
        logs, *tables = arrays(self.library, constants)
        room = np.empty((SHARES + 1, SHARES))
        profile_kernels.distances(found.shares, found.place, energy, logs, *tables, room, chi2)
        name = self.name
        return {
            f"{name}.profile_chi2": chi2,
            f"{name}.ring_fraction": np.where(np.isnan(energy), np.nan, found.ring),
            f"{name}.max_ix": np.where(np.isnan(energy), -1, found.where[0]).astype(np.int32),
            f"{name}.max_iy": np.where(np.isnan(energy), -1, found.where[1]).astype(np.int32),
        }


def arrays(library: Library, constants: Mapping[str, Array]) -> tuple[Floats, Floats, Floats, Floats]:
    """Return a library as the kernels take it: logarithms of its energies, means, covariances, degrees of freedom."""
    energies = len(library.energies)
    mean, rms = (np.stack([constants[f"{key}{k}"] for k in range(SHARES)], axis=-1) for key in ("mean", "rms"))
    correlation = np.zeros((len(mean), SHARES, SHARES)) + np.eye(SHARES)
    for a, b in zip(*PAIRS, strict=True):
        correlation[:, a, b] = correlation[:, b, a] = constants[f"corr{a}{b}"]
    as_found = correlation * rms[:, :, None] * rms[:, None, :]
    covariance = as_found + FLOOR**2 * np.eye(SHARES)
    free = np.trace(np.linalg.solve(covariance, as_found), axis1=1, axis2=2)
    shape = (energies, len(mean) // energies)
    return (
        np.log(np.array(library.energies)),
        mean.reshape(*shape, SHARES),
        covariance.reshape(*shape, SHARES, SHARES),
        np.maximum(free, 1.0).reshape(shape),
    )


def profiles_of(shares: Floats, place: Ints, places: int) -> tuple[Floats, Ints]:
    """Return the profiles of electrons of one energy as rows of the conditions, and how many electrons there were.

    Parameters
    ----------
    shares, place : arrays of shape (N, 9) and (N,)
        Of `Found`.
    places : int
        How many places there are.

    Returns
    -------
    rows : array of shape (places, 54)
        Values of `emiss.calib.table_types.PROFILE`. A place with fewer than `FEWEST` electrons has the row of the
        nearest one before it that has enough, or else behind it.
    counts : int array of shape (places,)
    """
    rows = np.full((places, 2 * SHARES + len(PAIRS[0])), np.nan)
    counts = np.bincount(place[place >= 0], minlength=places)
    for number in np.flatnonzero(counts >= FEWEST):
        own = shares[place == number]
        rms = own.std(axis=0)
        safe = np.where(rms > 0.0, rms, 1.0)
        correlation = ((own - own.mean(axis=0)) / safe).T @ ((own - own.mean(axis=0)) / safe) / len(own)
        rows[number] = np.concatenate([own.mean(axis=0), rms, correlation[PAIRS]])
    return rows[nearest(counts)], counts


def nearest(counts: Ints) -> Ints:
    """Return for each place the one whose profile it has: itself, or the nearest before it of enough electrons, or behind."""
    places = np.arange(len(counts))
    there = np.flatnonzero(counts >= FEWEST)
    if not len(there):
        return places
    before = np.maximum(np.searchsorted(there, places, side="right") - 1, 0)
    return np.asarray(there[before], np.int64)
