"""Masses, charges and lifetimes of the particles that walk, by pdg code. GeV, mm; PDG 2022."""

from __future__ import annotations

import math

from emiss.configs.compiled import fused
from emiss.physics.constants import (
    ELECTRON_MASS,
    KAON_LIFETIME,
    KAON_MASS,
    LEPTON_MASSES,
    MUON_LIFETIME,
    MUON_MASS,
    PION_LIFETIME,
    PION_MASS,
    PROTON_MASS,
)

PHOTON, ELECTRON, MUON, TAU = 22, 11, 13, 15
PION, PION0, KAON, KAON_LONG, KAON_SHORT, PROTON, NEUTRON = 211, 111, 321, 130, 310, 2212, 2112
"""pdg codes."""

TAU_MASS, TAU_LIFETIME = LEPTON_MASSES["tau"], 87.03e-3
PION0_MASS, PION0_LIFETIME = 0.1349768, 25.3e-6
KAON0_MASS, KAON_LONG_LIFETIME, KAON_SHORT_LIFETIME = 0.497611, 15.34e3, 26.844
NEUTRON_MASS = 0.93956542
"""GeV; c tau in mm (PDG 2022). Neutrons live for 2.6e11 mm: they are stable here."""

STABLE = math.inf


@fused
def mass(pdg: int) -> float:
    """Return the mass of a particle or antiparticle, GeV; 0 of photons, neutrinos and all that is not listed."""
    kind = abs(pdg)
    if kind == PION:
        found = PION_MASS
    elif kind == PION0:
        found = PION0_MASS
    elif kind == KAON:
        found = KAON_MASS
    elif kind in (KAON_LONG, KAON_SHORT):
        found = KAON0_MASS
    elif kind == PROTON:
        found = PROTON_MASS
    elif kind == NEUTRON:
        found = NEUTRON_MASS
    elif kind == MUON:
        found = MUON_MASS
    elif kind == ELECTRON:
        found = ELECTRON_MASS
    elif kind == TAU:
        found = TAU_MASS
    else:
        found = 0.0
    return found


@fused
def lifetime(pdg: int) -> float:
    """Return c tau of a particle, mm; infinite of what does not decay here."""
    kind = abs(pdg)
    if kind == PION:
        found = PION_LIFETIME
    elif kind == PION0:
        found = PION0_LIFETIME
    elif kind == KAON:
        found = KAON_LIFETIME
    elif kind == KAON_LONG:
        found = KAON_LONG_LIFETIME
    elif kind == KAON_SHORT:
        found = KAON_SHORT_LIFETIME
    elif kind == MUON:
        found = MUON_LIFETIME
    elif kind == TAU:
        found = TAU_LIFETIME
    else:
        found = STABLE
    return found


@fused
def charge(pdg: int) -> int:
    """Return the charge of a particle in units of e."""
    kind = abs(pdg)
    sign = 1 if pdg > 0 else -1
    if kind in (PION, KAON, PROTON):
        return sign
    if kind in (ELECTRON, MUON, TAU):
        return -sign
    return 0


@fused
def is_hadron(pdg: int) -> bool:
    """Tell whether a particle is one of the hadrons that walk."""
    return abs(pdg) in (PION, PION0, KAON, KAON_LONG, KAON_SHORT, PROTON, NEUTRON)


@fused
def available(pdg: int, energy: float) -> float:
    """Return the part of a total energy (GeV) that a particle can leave in matter.

    The mass of a nucleon stays what it is, that of an antinucleon comes back twice as it annihilates with one of the
    target's, and all of any other particle goes into what it decays to. Interactions conserve the sum of it.
    """
    kind = abs(pdg)
    if kind in (PROTON, NEUTRON):
        own = PROTON_MASS if kind == PROTON else NEUTRON_MASS
        return energy - own if pdg > 0 else energy + own
    return energy
