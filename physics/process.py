"""`Process`: the leptons, the scalar and the nucleus of l_i N -> l_f N phi, and the limits of its kinematics.

Invariants as in Eq. 8 of arXiv:2404.15931. The lepton's and the scalar's roles are symmetric in the kinematics: what is
said of phi (mass m_phi, share x of the energy) holds for the outgoing lepton (m_f, y) when the two masses are exchanged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.physics.constants import ALPHA, ELECTRON_MASS, LEPTON_MASSES, PICOBARN, Nucleus

if TYPE_CHECKING:
    from emiss.configs.arrays import Bools, Floats


SCALARS, VECTORS = ("S", "P"), ("V", "A")

BOSONS = ("chiral", *SCALARS, *VECTORS)


@dataclass(frozen=True)
class Process:
    """l_i N -> l_f N phi at given masses; all fields in GeV, GeV^2 or pure numbers.

    Attributes
    ----------
    m_i, m_f : float
        Masses of incoming and outgoing lepton.
    m_phi, energy : arrays of shape (L,)
        Mass of the scalar and energy of the incoming lepton, one entry per lane.
    nucleus : Nucleus
    coupling : float
        h of Eq. 1, or the vector's coupling to the lepton.
    boson : str
        What is emitted: ``chiral``, the scalar of Eq. 1, which turns a left-handed lepton into a right-handed one of the other
        kind; or, with one lepton before and after, ``S``, ``P``, ``V``, ``A``, which couple to 1, i gamma5, gamma_mu,
        gamma_mu gamma5.
    """

    m_i: float
    m_f: float
    m_phi: Floats
    energy: Floats
    nucleus: Nucleus
    coupling: float
    boson: str = "chiral"

    @classmethod
    def of(
        cls,
        m_phi: Floats,
        energy: Floats,
        *,
        coupling: float,
        nucleus: Nucleus,
        beam: str,
        final: str,
        boson: str = "chiral",
    ) -> Process:
        """Return the process of the named leptons.

        Raises
        ------
        ValueError
            If a lepton or a boson is unknown, a boson that is not chiral changes the lepton, a number is not finite, or one
            could decay to the other one and phi: the tree level then has a pole in the physical region, and production is the
            decay of a real lepton.
        """
        for name in (beam, final):
            if name not in LEPTON_MASSES:
                msg = f"'{name}' is no lepton of emiss.physics.constants; known: {', '.join(LEPTON_MASSES)}"
                raise ValueError(msg)
        if boson not in BOSONS or (boson != "chiral" and beam != final):
            msg = f"no '{boson}' of {beam} and {final}: there are {', '.join(BOSONS)}, all but the first of one lepton"
            raise ValueError(msg)
        m_i, m_f = LEPTON_MASSES[beam], LEPTON_MASSES[final]
        if not (np.all(np.isfinite(m_phi)) and np.all(np.isfinite(energy)) and np.isfinite(coupling)):
            msg = "m_phi, energy and coupling must be finite"
            raise ValueError(msg)
        if np.any(m_phi <= 0) or np.any(energy <= 0) or not coupling > 0:
            msg = "m_phi, energy and coupling must be above 0"
            raise ValueError(msg)
        if np.any(m_phi <= abs(m_f - m_i)):
            heavy, light = (final, beam) if m_f > m_i else (beam, final)
            msg = f"m_phi must be above {abs(m_f - m_i):.6g} GeV: below, the {heavy} decays to {light} and phi"
            raise ValueError(msg)
        return cls(m_i, m_f, m_phi, energy, nucleus, coupling, boson)

    def lanes(self, which: Any) -> Process:
        """Return the process of the lanes picked by an index or mask."""
        return self._with(self.m_phi[which], self.energy[which])

    def _with(self, m_phi: Floats, energy: Floats) -> Process:
        """Return the process of other lanes."""
        return Process(self.m_i, self.m_f, m_phi, energy, self.nucleus, self.coupling, self.boson)

    def rows(self, which: Any) -> Process:
        """Return the process of the lanes picked, as columns of shape (P, 1), for points of shape (P, Q)."""
        return self.lanes((which, None))

    def at(self, energy: Floats) -> Process:
        """Return the process of the first lane's mass at other energies (GeV), one lane each."""
        m_phi = np.full(len(energy), self.m_phi[0])
        return self._with(m_phi, energy)

    @property
    def delta(self) -> Floats:
        """Delta m^2 = m_phi^2 - m_i^2 - m_f^2 (below Eq. 10), GeV^2."""
        return self.m_phi**2 - self.m_i**2 - self.m_f**2

    @property
    def mass_term(self) -> Floats:
        """Return what multiplies the last term of the squared amplitude in Weizsaecker-Williams form (Eq. 20), GeV^2.

        Delta m^2 of the chiral scalar, 2 (m^2 - 4 m_l^2) of S, 2 m^2 of P, 4 (m^2 + 2 m_l^2) of V, 4 (m^2 - 4 m_l^2) of A.
        """
        times, lepton = {"S": (2.0, -4.0), "P": (2.0, 0.0), "V": (4.0, 2.0), "A": (4.0, -4.0)}.get(
            self.boson, (0.0, 0.0)
        )
        return times * (self.m_phi**2 + lepton * self.m_i**2) if times else self.delta

    @property
    def scale(self) -> float:
        """How many times the chiral amplitude with another mass term an S or a P has."""
        return 2.0 if self.boson in SCALARS else 1.0

    @property
    def exact_mass_term(self) -> Floats:
        """Return what multiplies the last term of the squared amplitude (Eq. 10), over `scale`, GeV^2.

        That of an axial vector is of the part that it shares with a vector (`amplitude.squared_2_to_3_axial`).
        """
        lepton, own = self.m_i * self.m_i, self.m_phi**2
        if self.boson in SCALARS:
            return own - 4.0 * lepton if self.boson == "S" else own
        if self.boson in VECTORS:
            return 4.0 * (own + 2.0 * lepton) if self.boson == "V" else 4.0 * (own - 6.0 * lepton)
        return own - lepton - self.m_f * self.m_f

    @property
    def momentum(self) -> Floats:
        """|p| of the incoming lepton, GeV; 0 below its mass."""
        return np.sqrt(np.maximum(self.energy**2 - self.m_i**2, 0.0))

    @property
    def screening(self) -> tuple[float, float]:
        """t_a and t_d of the form factor, GeV^2 (Eq. 6; t_d = 0.164 A^(-2/3) GeV^2 is misprinted there).

        The screening radius 111 Z^(-1/3)/m_e is the atom's: the electron's mass whatever the beam.
        """
        t_a = (ELECTRON_MASS * self.nucleus.z ** (1 / 3) / 111.0) ** 2
        return t_a, 0.164 * self.nucleus.a ** (-2 / 3)

    @property
    def factor(self) -> float:
        """alpha^2 h^2 Z^2 in pb GeV^2, common to all formulas; Z^2 of the form factor once (misprinted in the paper)."""
        return PICOBARN * (ALPHA * self.coupling * self.nucleus.z) ** 2

    def open(self) -> Bools:
        """Return for each lane whether the energy is above threshold."""
        return np.asarray(self._invariant() > self.nucleus.mass + self.m_f + self.m_phi)

    def _invariant(self) -> Floats:
        """Return sqrt(s) of lepton and nucleus, GeV."""
        mass = self.nucleus.mass
        return np.sqrt(mass**2 + self.m_i**2 + 2.0 * mass * self.energy)

    def energy_range(self, emitted: Floats | float, other: Floats | float) -> tuple[Floats, Floats]:
        """Return lowest and highest energy (GeV) of the emitted particle, recoil of the nucleus included.

        The highest is reached when nucleus and other particle move as one of mass M + m_other. Only for lanes that are
        open.

        Parameters
        ----------
        emitted, other : arrays of shape (L,) or floats
            Masses of the particle in question and of the other one, GeV.
        """
        root = self._invariant()
        rest = self.nucleus.mass + other
        star = 0.5 * (root**2 + emitted**2 - rest**2) / root
        k = np.sqrt(np.maximum(star**2 - np.asarray(emitted) ** 2, 0.0))
        gamma, boost = (self.energy + self.nucleus.mass) / root, self.momentum / root
        highest = gamma * star + boost * k
        # at rest in the laboratory where its speed in the centre of mass exceeds that of the boost
        lowest = np.where(gamma * k >= boost * star, emitted, gamma * star - boost * k)
        return lowest, highest

    def angular(self, emitted: Floats | float, other: Floats | float, energy: Floats) -> tuple[Floats, Floats, Floats]:
        """Return the emitted particle's momentum, its variable at zero angle, and the largest eta.

        With eta = |p||k|(1 - cos theta), the variable u~ = (p - k)^2 - m_other^2 is -(U_0 + 2 eta). U_0 is formed without
        the cancellation in 1 - beta_i beta_k. eta ends at 180 degrees or where the remaining energy cannot make the
        other particle and the recoil.

        Returns
        -------
        momentum : array of shape (L,)
            |k|, GeV.
        start : array of shape (L,)
            U_0 > 0, GeV^2.
        eta_max : array of shape (L,)
            GeV^2, 0 where the energy is out of reach.
        """
        m_k2, m_o2 = np.asarray(emitted) ** 2, np.asarray(other) ** 2
        momentum = np.sqrt(np.maximum(energy**2 - m_k2, 0.0))
        product = self.momentum * momentum
        ratio_i, ratio_k = (self.m_i / self.energy) ** 2, m_k2 / energy**2
        one_minus = (ratio_i + ratio_k - ratio_i * ratio_k) / (1.0 + product / (self.energy * energy))
        start = m_o2 - self.m_i**2 - m_k2 + 2.0 * self.energy * energy * one_minus
        reach = 2.0 * self.nucleus.mass * (self.energy - energy - np.asarray(other))
        eta_max = np.minimum(2.0 * product, np.maximum(0.5 * (reach - start), 0.0))
        return momentum, start, eta_max
