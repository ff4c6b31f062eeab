"""Final states of processes and products of decays: what comes out, with energies and angles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from emiss.configs.arrays import Array, Floats

X = 0
"""In the place of a PDG code: the new particle itself, which has none."""


@dataclass(frozen=True)
class Emitted:
    """One particle per event: PDG code (`X` for the new one), energy, polar angle and azimuth around the beam particle.

    Attributes
    ----------
    pdg : array of shape (N,) or int
    energy, theta, phi : arrays of shape (N,)
        Total energy, GeV; rad.
    """

    pdg: Array | int
    energy: Floats
    theta: Floats
    phi: Floats


@dataclass(frozen=True)
class FinalStates:
    """N final states of a process, as they come out of the target's matter.

    Attributes
    ----------
    parent : array of shape (N,)
        Energy of the particle of the shower, or of the beam, that makes X, GeV.
    depth : array of shape (N,)
        How far behind the front of the target, mm.
    x : Emitted
        The new particle.
    others : tuple of Emitted
        What comes out beside it: a scattered muon, a nucleus' remains; the rest of an electron's energy is in the shower.
    seen : array of shape (N,)
        Energy that goes on in the shower of the beam particle, GeV: that of the beam less what `x` and `others` have.
    weight : array of shape (N,)
        Mean 1 where all of the phase space is drawn.
    """

    parent: Floats
    depth: Floats
    x: Emitted
    others: tuple[Emitted, ...]
    seen: Floats
    weight: Floats


@dataclass(frozen=True)
class Decay:
    """What becomes of N new particles in one channel.

    Attributes
    ----------
    flying : array of shape (N,)
        Energy of what flies to the place of the decay, GeV: of X, or of the heavier one of a pair that X becomes at once.
    products : tuple of Emitted
        What is seen, with angles to the flight of X.
    lost : array of shape (N,)
        Energy that nothing sees, GeV.
    prompt : bool
        Whether the products come from where X is made, whatever `Model.unstable` says.
    """

    flying: Floats
    products: tuple[Emitted, ...]
    lost: Floats
    prompt: bool = False


def mixed(first: FinalStates, second: FinalStates, rng: np.random.Generator) -> FinalStates:
    """Return the states of two processes in a random order; both have as many `others`."""
    order = rng.permutation(len(first.parent) + len(second.parent))

    def joined(one: Array, two: Array) -> Floats:
        return np.concatenate([one, two])[order].astype(np.float64)

    def both(one: Emitted, two: Emitted) -> Emitted:
        pdg = joined(*(np.broadcast_to(e.pdg, e.energy.shape) for e in (one, two))).astype(np.int64)
        return Emitted(pdg, joined(one.energy, two.energy), joined(one.theta, two.theta), joined(one.phi, two.phi))

    return FinalStates(
        joined(first.parent, second.parent),
        joined(first.depth, second.depth),
        both(first.x, second.x),
        tuple(both(one, two) for one, two in zip(first.others, second.others, strict=True)),
        joined(first.seen, second.seen),
        joined(first.weight, second.weight),
    )
