"""Numba kernel of the shower Monte Carlo of `emiss.physics.shower.transport.simulate`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.compiled import kernel

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats


ELECTRON, POSITRON, PHOTON = 0, 1, 2
"""Kinds of particles, the first index of the lengths."""

STACK = 128
"""Particles that can wait to be followed. Of two the one with more energy waits, so that each that waits has at least twice the
energy of the next, and there are at most log2(E0/E_lowest)."""


@kernel
def _score(lengths: Floats, kind: int, energy: float, begin: float, end: float, edges: Floats, depth: Floats) -> None:
    """Add a piece of track to the cells of depth that it crosses, at one energy."""
    column = int(np.searchsorted(edges, energy, side="right")) - 1
    if column < 0 or column >= len(edges) - 1:
        return
    row = max(int(np.searchsorted(depth, begin, side="right")) - 1, 0)
    while row < len(depth) - 1 and depth[row] < end:
        lengths[kind, row, column] += min(end, depth[row + 1]) - max(begin, depth[row])
        row += 1


@kernel
def showers(
    primary: float,
    count: int,
    edges: Floats,
    depth: Floats,
    slope: float,
    softest: float,
    rng: np.random.Generator,
) -> tuple[Floats, Floats]:
    """Follow showers down to the lowest energy of `edges`; return the sums of track lengths and of their squares.

    Bremsstrahlung of less than the share `softest` of the energy is a steady loss; its fluctuations are of that order.

    Parameters
    ----------
    primary : float
        Energy of the electron, GeV.
    count : int
        Showers.
    edges, depth : arrays of shape (B + 1,), (D + 1,)
        Cells in energy (GeV) and depth (radiation lengths), rising. Particles leave below the first energy and behind the
        last depth.
    slope : float
        a of `emiss.physics.shower.approximation_a`.
    softest : float
        Smallest share that is emitted as a photon.
    rng : numpy Generator

    Returns
    -------
    sums, squares : arrays of shape (3, D, B)
        By `ELECTRON`, `POSITRON`, `PHOTON`; the squares are of whole showers.
    """
    rate = slope * (softest - 1.0 - np.log(softest)) + 0.5 * (1.0 - softest * softest)
    steady = slope * (softest - 0.5 * softest * softest) + softest**3 / 3.0
    conversion = 1.0 - slope / 6.0
    lowest, last = edges[0], depth[-1]
    shape = (3, len(depth) - 1, len(edges) - 1)
    sums, squares = np.zeros(shape), np.zeros(shape)
    kinds, energies, places = np.empty(STACK, np.int64), np.empty(STACK), np.empty(STACK)
    for _ in range(count):
        lengths = np.zeros(shape)
        kinds[0], energies[0], places[0] = ELECTRON, primary, 0.0
        waiting = 1
        while waiting > 0:
            waiting -= 1
            kind, energy, place = kinds[waiting], energies[waiting], places[waiting]
            while energy > lowest and place < last:
                step = rng.standard_exponential() / (conversion if kind == PHOTON else rate)
                if kind == PHOTON:
                    _score(lengths, kind, energy, place, place + step, edges, depth)
                else:
                    _score(lengths, kind, energy * np.exp(-0.5 * steady * step), place, place + step, edges, depth)
                    energy *= np.exp(-steady * step)
                place += step
                if place >= last:
                    break
                if kind == PHOTON:
                    share = rng.random()
                    while rng.random() > 1.0 - slope * share * (1.0 - share):
                        share = rng.random()
                    kind, other = ELECTRON, POSITRON
                else:
                    share = softest ** rng.random()
                    while rng.random() * slope > slope * (1.0 - share) + share * share:
                        share = softest ** rng.random()
                    other = PHOTON
                # `other` takes the share
                taken = share * energy
                energy -= taken
                if taken > energy:
                    kind, other = other, kind
                    energy, taken = taken, energy
                if taken > lowest:
                    kinds[waiting], energies[waiting], places[waiting] = kind, energy, place
                    waiting += 1
                    kind, energy = other, taken
        sums += lengths
        squares += lengths * lengths
    return sums, squares
