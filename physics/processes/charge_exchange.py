"""Charge exchange of pions and kaons on nuclei, pi- (Z, A) -> M0 (Z - 1, A): M0 has the whole energy of the beam.

Regge parametrisation of V. E. Lyubovitskij and others for NA64's search of eta, eta' -> invisible (Phys. Rev. D 109 (2024); in
Geant4 as G4ChargeExchangeXS), x = s/(10 GeV^2), s of hadron and proton:

    sigma = Z^(2/3) A^(-0.041 ln A) a x^-p (1 + g)/c ub,   g = g0 + g1 ln x,   c = c0 + c1 ln x,
    dsigma/dt proportional to (1 + g c t) exp(-c t), t in GeV^2.

The constants a of eta and eta' are those of sigma x Br(2 gamma) and are divided by these: later versions of Geant4 have
78.8 and 59.4 in their place, which says the same. Those versions have less absorption in the nucleus, too (A^(-0.0108 ln A),
2.4 times as much on lead): this is how well it is known. Kaons: 56.3 ub Z^(2/3) (p/10 GeV)^-1.6 (the same source), half K0S and
half K0L. A positive hadron meets neutrons, A - Z in the place of Z.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emiss.physics.constants import KAON_MASS, PION_MASS, PROTON_MASS, Nucleus
from emiss.physics.hadrons.cross_section_kernels import relative
from emiss.physics.processes.base import Production

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats
    from emiss.physics.processes.base import Beam, Target

MICROBARN = 1e-28
"""mm^2."""

ABSORPTION = 0.041
"""Of A^(-0.041 ln A): mesons that do not leave the nucleus."""


@dataclass(frozen=True)
class Regge:
    """Constants of the parametrisation, and the branching ratio that `a` holds."""

    a: float
    p: float
    g0: float
    g1: float
    c0: float
    c1: float
    within: float = 1.0


PION_CONSTANTS = {
    "pi0": Regge(430.0, 1.04, 2.55, -0.23, 12.7, 1.57),
    "eta": Regge(36.0, 1.26, 4.6, -0.5, 6.0, 1.6, within=0.394),
    "eta_prime": Regge(1.37, 1.35, 3.7, 0.0, 6.84, 1.7, within=0.023),
    "omega": Regge(2.0, 0.94, 5.5, 0.0, 6.5, 1.23),
    "f2": Regge(60.0, 0.94, 4.6, -2.0, 8.0, 2.6),
}
"""Branching ratios to two photons: PDG 2022."""

KAON_CONSTANT, KAON_POWER, KAON_SLOPE = 56.3, -1.60, 6.0
"""ub, power of the momentum over 10 GeV, and a slope of dsigma/dt in 1/GeV^2, of the order of the others'."""

MASSES = {
    "pi0": 0.1349768, "eta": 0.547862, "eta_prime": 0.95778, "omega": 0.78266, "f2": 1.2755,
    "K0S": 0.497611, "K0L": 0.497611,
}  # fmt: skip
"""GeV (PDG 2022)."""


def invariant(pdg: int, energy: float) -> float:
    """Return s (GeV^2) of a hadron of a total energy and a proton at rest."""
    mass = _mass(pdg)
    return PROTON_MASS**2 + mass**2 + 2.0 * PROTON_MASS * energy


def _mass(pdg: int) -> float:
    known = {211: PION_MASS, 321: KAON_MASS}
    if abs(pdg) not in known:
        msg = f"the beam particle {pdg} has no charge exchange here: there are pions (211) and kaons (321)"
        raise ValueError(msg)
    return known[abs(pdg)]


def cross_section(pdg: int, energy: float, meson: str, nucleus: Nucleus) -> float:
    """Return sigma in mm^2.

    Parameters
    ----------
    pdg : int
        Of the hadron: +-211, +-321.
    energy : float
        GeV.
    meson : str
        Of `MASSES`.
    nucleus : Nucleus

    Raises
    ------
    ValueError
        For another hadron, or a meson that it does not give.
    """
    mass = _mass(pdg)
    struck = max(nucleus.z if pdg < 0 else nucleus.a - nucleus.z, 0.0)
    given = tuple(PION_CONSTANTS) if abs(pdg) == 211 else ("K0S", "K0L")
    if meson not in given:
        msg = f"{pdg} gives no '{meson}' by charge exchange; it gives {', '.join(given)}"
        raise ValueError(msg)
    if abs(pdg) == 321:
        momentum = np.sqrt(max(energy**2 - mass**2, 1e-12))
        return float(0.5 * MICROBARN * KAON_CONSTANT * struck ** (2 / 3) * (momentum / 10.0) ** KAON_POWER)
    own = PION_CONSTANTS[meson]
    x = invariant(pdg, energy) / 10.0
    g, c = own.g0 + own.g1 * np.log(x), own.c0 + own.c1 * np.log(x)
    on_proton = own.a / own.within * x**-own.p * max(1.0 + g, 0.0) / c
    return float(MICROBARN * on_proton * struck ** (2 / 3) * nucleus.a ** (-ABSORPTION * np.log(nucleus.a)))


def interaction_length(pdg: int, energy: float, target: Target) -> float:
    """Return the mean free path (mm) of a hadron, of inelastic collisions.

    On a nucleus 41.5 A^0.70 mb, within 4 % of the tabulated lengths, times what the kind of hadron makes of it
    (`emiss.physics.hadrons.cross_section_kernels`).
    """
    plain = getattr(relative, "py_func", relative)
    inverse = sum(
        number * 41.5e-25 * nucleus.a**0.70 * plain(pdg, energy, float(nucleus.a))
        for nucleus, number in target.elements
    )
    return 1.0 / inverse


@dataclass(frozen=True)
class Exchanged:
    """Mesons per hadron on target, with the depth that falls off as the hadrons do.

    Attributes
    ----------
    total : float
    path, thickness : float
        Interaction length and thickness, mm.
    energy, mass : float
        Of the meson, GeV.
    slope, rise : float
        c and g of dsigma/dt.
    """

    total: float
    path: float
    thickness: float
    energy: float
    mass: float
    slope: float
    rise: float

    def production(self, edges: Floats) -> Production:
        """Return mesons in bins of energy: all are in one."""
        rate, depth = np.zeros(len(edges) - 1), np.zeros(len(edges) - 1)
        place = min(int(np.searchsorted(edges, self.energy, side="right")) - 1, len(rate) - 1)
        if place >= 0:
            rate[place] = self.total
            left = np.exp(-self.thickness / self.path)
            depth[place] = self.path - self.thickness * left / (1.0 - left)
        return Production(edges, rate, depth, power=0)

    def draw(self, events: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Return depths (mm) and angles (rad)."""
        depth: Floats = -self.path * np.log1p(rng.random(events) * np.expm1(-self.thickness / self.path))
        # (1 + g c t) exp(-c t) is a sum of an exponential and a gamma distribution of order 2
        single = rng.random(events) * (1.0 + self.rise) < 1.0
        t = np.where(single, rng.standard_exponential(events), rng.standard_gamma(2.0, events)) / self.slope
        return depth, np.sqrt(t) / self.energy


def exchanged(meson: str, beam: Beam, target: Target) -> Exchanged:
    """Return the mesons that the hadrons of a beam make before their first other interaction."""
    path = interaction_length(beam.pdg, beam.energy, target)
    per_mm = sum(number * cross_section(beam.pdg, beam.energy, meson, nucleus) for nucleus, number in target.elements)
    total = per_mm * path * -np.expm1(-target.thickness / path)
    rise, slope = 0.0, KAON_SLOPE
    if meson in PION_CONSTANTS:
        own, log = PION_CONSTANTS[meson], np.log(invariant(beam.pdg, beam.energy) / 10.0)
        rise, slope = max(own.g0 + own.g1 * log, 0.0), own.c0 + own.c1 * log
    return Exchanged(float(total), path, target.thickness, beam.energy, MASSES[meson], float(slope), float(rise))
