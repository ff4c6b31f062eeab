"""What generators have in common: their protocol, and places in the target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from emiss.samples.walk.tracks import ENERGY, ID

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats
    from emiss.reco.parts.grid import Grid
    from emiss.samples.particles import Beamed, Products


ENOUGH = 0.5
"""Beam particles that have lost more than the rest of their energy on the way are left alone."""


class Generator(Protocol):
    """A beam, and one process.

    `takes_over` is the z (mm) where beam particles that come there become what the process makes of them; None where they go on
    as they are.
    """

    @property
    def takes_over(self) -> float | None:
        """Where `products` is asked, mm."""
        ...

    def beam(self, events: int, rng: np.random.Generator) -> Beamed:
        """Return one beam particle per event."""
        ...

    def products(self, arrived: Floats, rng: np.random.Generator) -> Products:
        """Return what the process makes of tracks of beam particles, one per event, at `takes_over`."""
        ...

    @property
    def least(self) -> float:
        """GeV; beam particles that come with less are left alone: nothing happens to them."""
        ...

    @property
    def weight(self) -> float:
        """Of each event."""
        ...

    def on_target(self, events: int) -> float | None:
        """Return the electrons on target that so many events stand for, None where there is no such number."""
        ...


def depth_in(target: Grid, lengths: Floats) -> Floats:
    """Return how far (mm) behind the front of the target a depth in radiation lengths is."""
    depth: Floats = lengths / target.radiation_lengths * target.depth
    return depth


def rest(arrived: Floats, taken: Floats) -> Floats:
    """Return beam particles that have given away energy (GeV) of the shower that they make: what is left of it."""
    left = arrived.copy()
    left[:, ENERGY] -= taken
    left[:, ID] = -1.0
    return left[left[:, ENERGY] > 0.0]


def scaled(arrived: Floats, nominal: float) -> Floats:
    """Return by how much beam particles have arrived with less than the energy that a process was tabulated for."""
    share: Floats = np.minimum(arrived[:, ENERGY] / nominal, 1.0)
    return share
