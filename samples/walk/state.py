"""`State`: particles under way, as flat arrays that the parts of the response move along z and change in place."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from emiss.samples.walk.tracks import ENERGY, MUON_MASS, PDG, ROW, TX, TY, X, Y, Z, charges, masses

if TYPE_CHECKING:
    from emiss.configs.arrays import Array, Bools, Floats


@dataclass
class State:
    """M particles on their way.

    Attributes
    ----------
    event : array of shape (M,)
        The event of each.
    charge : array of shape (M,)
        e.
    energy : array of shape (M,)
        Total energy, GeV; the mass for one that has stopped.
    x, y, z, tx, ty : arrays of shape (M,)
        mm and slopes. A particle that is born further down stands there already.
    alive : bool array of shape (M,)
        False for one that has stopped or was turned back.
    mass : array of shape (M,) or float
        GeV.
    """

    event: Array
    charge: Array
    energy: Floats
    x: Floats
    y: Floats
    z: Floats
    tx: Floats
    ty: Floats
    alive: Bools
    mass: Floats | float = MUON_MASS

    @classmethod
    def of(cls, tracks: Floats) -> State:
        """Return the state of tracks (`emiss.samples.walk.tracks`); `give_back` writes it into them."""
        moving = {
            name: tracks[:, column].copy()
            for name, column in (("energy", ENERGY), ("x", X), ("y", Y), ("z", Z), ("tx", TX), ("ty", TY))
        }
        pdg = tracks[:, PDG]
        return cls(
            event=tracks[:, ROW].astype(np.int64),
            charge=charges(pdg),
            alive=np.ones(len(tracks), np.bool_),
            mass=masses(pdg),
            **moving,
        )

    def give_back(self, tracks: Floats) -> None:
        """Write energy, place and slopes into tracks."""
        for name, column in (("energy", ENERGY), ("x", X), ("y", Y), ("z", Z), ("tx", TX), ("ty", TY)):
            tracks[:, column] = getattr(self, name)

    def rows(self, which: Array) -> State:
        """Return a copy of some of the particles."""
        values = {part.name: getattr(self, part.name) for part in fields(self)}
        return State(
            **{name: value[which].copy() if isinstance(value, np.ndarray) else value for name, value in values.items()}
        )

    def put(self, which: Array, others: State) -> None:
        """Give particles the place, slopes, energy and fate of others."""
        for name in ("energy", "x", "y", "z", "tx", "ty", "alive"):
            getattr(self, name)[which] = getattr(others, name)

    @property
    def momentum(self) -> Floats:
        """GeV."""
        return np.sqrt(np.maximum(self.energy**2 - np.square(self.mass), 0.0))

    @property
    def stretch(self) -> Floats:
        """Path length over the distance in z."""
        return np.sqrt(1.0 + self.tx**2 + self.ty**2)

    def drift_to(self, z: float) -> None:
        """Move in a straight line to `z`; those that are born behind it stay."""
        step = np.where(self.alive, np.maximum(z - self.z, 0.0), 0.0)
        self.x += self.tx * step
        self.y += self.ty * step
        self.z += step

    def at(self, z: float) -> Bools:
        """Tell which particles are under way at `z`, after `drift_to(z)`."""
        return self.alive & (self.z <= z)

    def scatter(self, theta: Floats, length: Floats | float, rng: np.random.Generator) -> None:
        """Kick by multiple scattering of rms angle `theta` per view, with the displacement that goes with it.

        PDG (2022), Eqs. 34.22 and 34.23: with two normal numbers z1, z2 the displacement is
        z1 L theta/sqrt(12) + z2 L theta/2 and the angle z2 theta.

        Parameters
        ----------
        theta : array of shape (M,)
            rad; 0 for those that are not scattered.
        length : array of shape (M,) or float
            mm of matter.
        """
        one, two, three, four = rng.normal(size=(4, len(theta)))
        self.x += theta * length * (one / np.sqrt(12.0) + 0.5 * two)
        self.y += theta * length * (three / np.sqrt(12.0) + 0.5 * four)
        self.tx += theta * two
        self.ty += theta * four
