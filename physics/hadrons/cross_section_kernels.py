"""How far hadrons go: their interaction lengths relative to the nuclear one of the PDG tables, by kind, energy and nucleus.

On a nucleon: total cross sections of A. Donnachie and P. V. Landshoff, Phys. Lett. B 296 (1992) 227, X s^0.0808 + Y
s^-0.4525 (mb, GeV^2). On a nucleus shadowing weakens the difference between kinds: sigma(h A)/sigma(n A) = (sigma(h
N)/sigma(n N))^p with p = 1.5 A^(-1/3), at most 1, where the exponent is fitted to the nuclear and the pion interaction
lengths of PDG's table of atomic and nuclear properties (C 85.8, 117.8; Fe 132.1, 160.8; Pb 199.6, 226.2 g/cm^2; it gives
their ratios to 1 %). Left out: the Delta resonance and all structure below some 2 GeV, where the value at `LEAST` holds;
Coulomb barrier.
"""

from __future__ import annotations

import math

from emiss.configs.compiled import fused
from emiss.physics.constants import PROTON_MASS
from emiss.physics.passage.species_kernels import KAON, KAON_LONG, KAON_SHORT, NEUTRON, PION, PION0, PROTON, mass

POMERON, REGGEON = 0.0808, -0.4525
LEAST = 12.0
"""GeV^2; the parametrisation is taken at this s below it (3.5 GeV pions to 5.4 GeV nucleons)."""

LEAST_RISING, LEAST_FALLING = LEAST**POMERON, LEAST**REGGEON

REFERENCE = 38.4
"""mb; nucleons of 100 GeV, for which the nuclear interaction length is tabulated."""

FLAT, LETAW_LEAST = 1.5, 0.02
"""GeV of kinetic energy; between, nucleons follow J. R. Letaw, R. Silberberg, C. H. Tsao, Astrophys. J. Suppl. 51 (1983) 271:
sigma(E) = sigma(high) (1 - 0.62 exp(-E/200) sin(10.9 E^-0.28)), E in MeV: 14 % less at 200 MeV, half as much again at 20."""

SHADOWING = 1.5
"""p A^(1/3) of the ratio of nuclear cross sections."""


@fused
def on_nucleon(pdg: int, energy: float) -> float:
    """Return the total cross section (mb) on a nucleon, the mean of proton and neutron, for a total energy in GeV."""
    m = mass(pdg)
    s = max(m * m + PROTON_MASS * PROTON_MASS + 2.0 * PROTON_MASS * energy, LEAST)
    if s > LEAST:
        rising = math.exp(POMERON * math.log(s))
        falling = math.exp(REGGEON * math.log(s))
    else:
        rising, falling = LEAST_RISING, LEAST_FALLING
    kind = abs(pdg)
    if kind in (PION, PION0):
        found = 13.63 * rising + 31.79 * falling
    elif kind == KAON:
        found = 11.87 * rising + (8.15 if pdg > 0 else 26.36) * falling
    elif kind in (KAON_LONG, KAON_SHORT):
        found = 11.87 * rising + 17.25 * falling
    elif pdg > 0:
        found = 21.70 * rising + 55.4 * falling
    else:
        found = 21.70 * rising + 95.5 * falling
    return found


@fused
def relative(pdg: int, energy: float, a: float) -> float:
    """Return the inelastic cross section on a nucleus `a` over that of the tabulated nuclear interaction length."""
    return shadowed(pdg, energy, min(SHADOWING * a ** (-1.0 / 3.0), 1.0))


@fused
def shadowed(pdg: int, energy: float, power: float) -> float:
    """Return the same by the exponent p of the nucleus, for which `relative` takes min(SHADOWING A^(-1/3), 1)."""
    found = math.exp(power * math.log(on_nucleon(pdg, energy) / REFERENCE))
    if is_baryon(pdg) and pdg > 0:
        kinetic = energy - mass(pdg)
        if kinetic < FLAT:
            mev = 1e3 * max(kinetic, LETAW_LEAST)
            found *= 1.0 - 0.62 * math.exp(-mev / 200.0) * math.sin(10.9 * mev**-0.28)
    return found


@fused
def struck(pdg: int, energy: float, a: float) -> float:
    """Return the mean number of nucleons that a hadron strikes in a nucleus: A sigma(h N)/sigma(h A), inelastic both.

    sigma(n A) = 41.5 A^0.70 mb (the tabulated lengths of C, Fe and Pb, to 4 %); 0.83 of the total on a nucleon is inelastic.
    """
    size = math.log(a)
    power = min(SHADOWING * math.exp(-size / 3.0), 1.0)
    single = on_nucleon(pdg, energy)
    nuclear = 41.5 * math.exp(0.70 * size + power * math.log(single / REFERENCE))
    return max(0.83 * a * single / nuclear, 1.0)


@fused
def is_baryon(pdg: int) -> bool:
    """Tell whether a hadron that walks is a nucleon or an antinucleon."""
    return abs(pdg) in (PROTON, NEUTRON)
