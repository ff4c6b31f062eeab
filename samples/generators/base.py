"""What generators have in common: their protocol, places in the ECAL, the making of `Particles`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from emiss.events.lists import Lists, offsets_of
from emiss.samples.particles import MUON_COLUMNS, Particles

if TYPE_CHECKING:
    from emiss.configs.arrays import Array, Floats
    from emiss.reco.parts.grid import Grid
    from emiss.samples.config import Beam
    from emiss.samples.particles import BeamState


class Generator(Protocol):
    """Makes events of one process."""

    def generate(self, events: int, rng: np.random.Generator) -> tuple[Particles, Floats]:
        """Return events and their weights, shape (N,)."""
        ...

    def on_target(self, events: int) -> float | None:
        """Return the electrons on target that so many events stand for, None where there is no such number."""
        ...


def place(target: Grid, depth: Floats) -> Floats:
    """Return z (mm) in the target at a depth in radiation lengths."""
    z: Floats = target.z + depth / target.radiation_lengths * target.depth
    return z


def particles(
    beam: Beam,
    state: BeamState,
    pdg: int,
    *,
    shower: Floats,
    lost: Floats,
    emission: Floats,
    muons: dict[str, Array],
    per_event: int,
) -> Particles:
    """Return `Particles` with the same number of muons in each event (rows of `muons` in the order of the events)."""
    events = len(shower)
    columns = {name: np.asarray(muons.get(name, np.empty(0)), kind) for name, kind in MUON_COLUMNS.items()}
    return Particles(
        pdg=np.full(events, pdg, np.int32),
        energy=np.full(events, beam.energy),
        x=state.x,
        y=state.y,
        tx=state.tx,
        ty=state.ty,
        shower=shower,
        lost=lost,
        emission=emission,
        muons=Lists(offsets_of(np.full(events, per_event, np.int64)), columns),
    )
