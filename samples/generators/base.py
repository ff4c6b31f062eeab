"""What generators have in common: their protocol, the depth of a process in the ECAL, the making of `Particles`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from events.lists import Array, Lists, offsets_of
from samples.particles import MUON_COLUMNS, Particles

if TYPE_CHECKING:
    from reco.detector import Ecal
    from samples.config import Beam
    from samples.particles import BeamState

DEPTH = 0.6
"""Radiation lengths per e-fold of energy between the beam and the particle that makes the muons, added to one
(illustrative: a shower loses about a factor e in energy per radiation length)."""


class Generator(Protocol):
    """Makes events of one process."""

    def generate(self, events: int, rng: np.random.Generator) -> tuple[Particles, Array]:
        """Return events and their weights, shape (N,)."""
        ...

    def on_target(self, events: int) -> float | None:
        """Return the electrons on target that so many events stand for, None where there is no such number."""
        ...


def depth(ecal: Ecal, beam_energy: float, energy: Array, rng: np.random.Generator) -> Array:
    """Return z (mm) at which a particle of `energy` (GeV) of the shower makes the muons.

    Exponential in depth with a mean of 1 + 0.6 ln(E0/E) radiation lengths (illustrative).
    """
    mean = 1.0 + DEPTH * np.log(np.maximum(beam_energy / energy, 1.0))
    lengths = np.minimum(rng.exponential(mean), 0.9 * ecal.radiation_lengths)
    return ecal.z + lengths / ecal.radiation_lengths * ecal.depth


def particles(
    beam: Beam,
    state: BeamState,
    pdg: int,
    *,
    shower: Array,
    lost: Array,
    emission: Array,
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
