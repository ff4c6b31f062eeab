"""Synchrotron light of electrons in the fields of the walk: photon by photon, as tracks that go on by themselves.

A uniform field is gone through on helices from photon to photon; in soft edges and field maps the electron goes its way as if
it did not radiate; its photons are those of the uniform box of the same integral. Muons and hadrons do not radiate (a muon's
light is softer by the cube of the mass ratio). Formulas: `emiss.physics.passage.synchrotron`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from emiss.physics.passage.synchrotron import before, radiate
from emiss.reco.field.transport import UniformBox
from emiss.samples.walk.stations import transport
from emiss.samples.walk.tracks import ELECTRON, ENERGY, PDG, PHOTON, tracks

if TYPE_CHECKING:
    from emiss.configs.arrays import Bools, Floats, Ints
    from emiss.reco.field.transport import Field
    from emiss.samples.walk.state import State

LIGHT = 1e-3
"""GeV; an electron's mass is below."""


class Shone(NamedTuple):
    """What electrons have radiated.

    Attributes
    ----------
    photons : array of shape (P, COLUMNS)
        Tracks, by the electron that they come from.
    row : int array of shape (N,)
        Beam particles.
    soft : array of shape (N,)
        Energy (GeV) of the photons that were too soft to be kept.
    """

    photons: Floats
    row: Ints
    soft: Floats


def electrons(state: State) -> Bools:
    """Tell which particles are electrons or positrons."""
    found: Bools = (state.charge != 0.0) & (np.asarray(state.mass) < LIGHT)
    return found


def bent(state: State, field: Field, z: float, least: float, rng: np.random.Generator) -> Shone:
    """Take electrons through a field to `z` (mm), in place; return what they radiate from `least` (GeV) on.

    One that the field turns back is dead, at the energy that it has then.
    """
    box = field.box
    states = np.stack([state.x, state.y, state.tx, state.ty], axis=1)
    made = radiate(
        states, state.energy, by=box.by, region=box.z_range, rng=rng, z=state.z, end=z, charge=state.charge, least=least
    )
    if isinstance(field, UniformBox):
        back = np.isnan(made.states[:, 0])
        state.alive &= ~back
        states[~back] = made.states[~back]
        state.x, state.y, state.tx, state.ty = states.T.copy()
        state.z = np.maximum(state.z, z)
    else:
        transport(state, field, z)
    state.energy = made.energy
    columns = dict(zip(("x", "y", "z", "tx", "ty", "energy"), made.photons.T, strict=True))
    photons = tracks({"row": state.event[made.row], "pdg": PHOTON, **columns}, len(made.photons))
    return Shone(photons, state.event, made.lost)


def pairs(photons: Floats, rng: np.random.Generator) -> Floats:
    """Return the electrons and positrons that photons convert to where they are; they share the energy evenly at random."""
    share = rng.random(len(photons))
    made = np.concatenate([photons, photons])
    made[:, PDG] = np.repeat([ELECTRON, -ELECTRON], len(photons))
    made[:, ENERGY] *= np.concatenate([share, 1.0 - share])
    return made


def had(state: State, field: Field) -> Floats:
    """Return the energies (GeV) that particles had before a field: electrons what they radiate in it more, on average."""
    energy = state.energy.copy()
    which = electrons(state)
    low, high = field.box.z_range
    energy[which] = before(energy[which], field.box.by, high - low)
    return energy
