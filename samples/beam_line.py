"""The beam particle upstream of the target: from its state at the ECAL back through the upstream spectrometer, and its points.

The deflection turns the beam onto the z axis, so that upstream stations stand beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.events.lists import Lists, offsets_of
from emiss.reco.field.transport import UniformBox
from emiss.samples.muon_state import MUON_MASS, MuonState
from emiss.samples.particles import ELECTRON, MUON
from emiss.samples.spectrometer import through_spectrometer

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats
    from emiss.reco.detector.spectrometers import Arm
    from emiss.reco.field.transport import Field
    from emiss.samples.config import Response
    from emiss.samples.particles import Particles

ROUNDS = 4
"""Newton steps back through a field; from the arc in the box of the same integral two are enough."""


def back(states: Floats, field: Field, z: float, target: float) -> Floats:
    """Return the states (N, 5) at `z` that `field` takes to `states` at `target` > z.

    First guess: in a box the way back is the way forth seen in a mirror, with z and the slopes reversed.
    """
    mirror = np.array([1.0, 1.0, -1.0, -1.0, 1.0])
    low, high = field.box.z_range
    guess, _ = UniformBox(field.box.by, (-high, -low)).transport(states * mirror, -target, -z)
    guess *= mirror
    for _ in range(ROUNDS):
        arrived, jacobian = field.transport(guess, z, target)
        guess -= np.linalg.solve(jacobian, (arrived - states)[:, :, None])[:, :, 0]
    return guess


def through_upstream(
    particles: Particles,
    arm: Arm,
    front: float,
    settings: Response,
    start: Floats,
    scale: float,
    rng: np.random.Generator,
) -> Lists:
    """Return the points of the beam particles in the upstream stations, fields as in `Batch.points`.

    Scattering and radiation in the planes change what the next planes see, not the state at the ECAL that was generated.

    Parameters
    ----------
    arm : Arm
    front : float
        z of the target's front face, mm, where particles are generated.
    start : array of shape (events,)
        Time of the beam particle relative to the trigger, ns.
    scale : float
        Factor on the magnet's field, from the conditions.
    """
    events = len(particles)
    charge = np.full(events, -1.0)
    muon = particles.pdg == MUON
    charge[muon] = particles.muons["charge"][particles.muons.offsets[:-1][muon]]
    momentum = particles.energy.astype(np.float64)
    at_target = np.stack([particles.x, particles.y, particles.tx, particles.ty, charge / momentum], axis=1)
    z = min(plane.z for plane in arm.planes)
    x, y, tx, ty, _ = back(at_target, arm.field.scaled(scale), z, front).T.copy()
    beam = MuonState(
        event=np.arange(events),
        charge=charge,
        energy=np.hypot(momentum, MUON_MASS),
        x=x,
        y=y,
        z=np.full(events, z),
        tx=tx,
        ty=ty,
        alive=np.ones(events, np.bool_),
    )
    points, _ = through_spectrometer(
        beam, arm, settings, start, scale, rng, radiating=np.abs(particles.pdg) == ELECTRON
    )
    return points


def merged(first: Lists, second: Lists) -> Lists:
    """Return the entries of two collections of the same events, those of the first before those of the second."""
    event = np.concatenate([first.parents, second.parents])
    order = np.argsort(event, kind="stable")
    columns = {name: np.concatenate([first[name], second[name]])[order] for name in first.columns}
    return Lists(offsets_of(first.counts + second.counts), columns)
