"""What comes out where a hadron interacts with a nucleus: a leading particle, a chain of others, and what the nucleus keeps.

A chain in energy, after R. D. Field and R. P. Feynman, Nucl. Phys. B 136 (1978) 1, in the laboratory: the nucleus takes its
part first, then each hadron takes a share z of what is left, the leading one with the density (1 - z)^alpha (times (1 +
alpha)), the others with (1 - z)^beta, down to `LOWEST`. So there are (1 + beta) hadrons per unit of rapidity, and energy is
conserved exactly whatever is drawn. Struck nucleons (`struck`; one plus a geometric number) soften the leading particle and
make the chain denser. beta fluctuates from event to event, which widens multiplicity to D/<n> of nearly one half.

Of what the nucleus takes, nucleons carry out the greater part (`CASCADE`), as slow ones in all directions but mostly forward.

Numbers are fitted to: 6.6 charged hadrons of pi- p at 100 GeV (bubble chambers), rising by about half of it with each
further struck nucleon (W. Busza et al., Phys. Rev. Lett. 34 (1975) 836); leading nucleons keep one half of the energy on one
nucleon and a third in nuclei; 10 % of kaons; 10 % of diffraction on one nucleon. To 500 showers of pions of 100 GeV in Geant4
(FTFP_BERT) are fitted: the softening of leading pions and the denser chain in nuclei, what the nucleus takes (`NUCLEUS`; it
goes as A^(1/3) per struck nucleon), the nucleons that come out, and those that are knocked on (`MORE_BARYONS`).

Conserved: the sum of `available` energies, exactly. Not conserved event by event: charge (on average within that of the
target), transverse momentum, baryon number and strangeness (in the mean by the leading particle). Left out: Lambda and other
hyperons (a kaon's partner is a nucleon or nothing), eta (in the share of pi0), charm, correlations by resonances.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from emiss.configs.compiled import apart, fused
from emiss.physics.hadrons.cross_section_kernels import is_baryon, struck
from emiss.physics.passage.species_kernels import (
    KAON,
    KAON_LONG,
    KAON_SHORT,
    NEUTRON,
    PION,
    PION0,
    PROTON,
    available,
    mass,
)

if TYPE_CHECKING:
    import numpy as np

    from emiss.configs.arrays import Floats, Ints

SECONDARIES = 48
"""Most particles that one interaction makes; what is left then stays in the nucleus."""

LOWEST = 0.8
"""GeV; where a chain ends. The rest stays where it is, as what slow pions and nucleons leave."""

NUCLEUS = 0.32
"""GeV that a nucleus takes in the mean, per struck nucleon and A^(1/3): cascade nucleons, evaporation and binding.

Fitted to pions of 100 GeV in Geant4: the protons behind the ECAL, the energy in the first plates behind an interaction."""

MESON_LEADING, BARYON_LEADING, SOFTENING = 1.9, 0.7, 1.0
"""alpha of leading mesons and baryons on one nucleon; what each further struck nucleon adds to it."""

DENSITY, DENSER, SPREAD = 0.9, 1.2, 0.3
"""beta on one nucleon, what each further one adds, and the relative spread of 1 + beta between events."""

DIFFRACTION = 0.10
"""Part of collisions with one nucleon that leave the projectile whole, with 2 to 20 % of its energy lost."""

TRANSVERSE = 0.32
"""GeV; transverse momentum in each of two directions, one standard deviation (mean 0.4 GeV; 0.35 on one nucleon)."""

CASCADE, SLOPE, FORWARD = 0.75, 0.30, 2.5
"""Part of what a nucleus takes that nucleons carry out, the mean of their exponential spectrum (GeV), and the steepness of
exp(FORWARD cos(theta)) of their directions. Fitted with `NUCLEUS` and `MORE_BARYONS` to the protons behind the ECAL
(Geant4)."""

SLOWEST, PROTONS = 0.02, 0.45
"""GeV; nucleons of less are left to the nucleus. Part of protons among those that come out."""

NEUTRAL_PIONS, KAONS, BARYONS, MORE_BARYONS = 0.33, 0.09, 0.05, 0.05
"""Parts of the chain: pi0 (with eta), kaons, nucleons and antinucleons (`MORE_BARYONS` more for each of up to three further
struck nucleons, which are knocked on); the others are charged pions."""

ANTIBARYONS = 0.012
"""Part of the chain."""


@fused
def _kaon(rng: np.random.Generator) -> int:
    u = rng.random()
    if u < 0.5:
        return KAON if u < 0.25 else -KAON
    return KAON_LONG if u < 0.75 else KAON_SHORT


@fused
def _species(baryons: float, rng: np.random.Generator) -> int:
    """Return what a link of the chain is."""
    u = rng.random()
    if u < NEUTRAL_PIONS:
        return PION0
    if u > NEUTRAL_PIONS + KAONS + baryons:
        return PION if rng.random() < 0.5 else -PION
    if u < NEUTRAL_PIONS + KAONS:
        return _kaon(rng)
    u = rng.random()
    kind = PROTON if u < 0.5 else NEUTRON
    return kind if rng.random() < 1.0 - ANTIBARYONS / baryons else -kind


@fused
def leading(pdg: int, rng: np.random.Generator) -> int:
    """Return what a projectile becomes that does not stay itself by diffraction.

    A pion keeps its charge in 60 %, is a pi0 in 22 %, turns over in 6 % and becomes a kaon or a nucleon in the rest; a kaon
    stays strange; a nucleon stays a baryon, in 60 % of the same charge (from the quarks that are handed on, decays of
    resonances included).
    """
    u = rng.random()
    kind = abs(pdg)
    if kind == PION:
        if u < 0.60:
            return pdg
        if u < 0.82:
            return PION0
        if u < 0.88:
            return -pdg
        return _kaon(rng) if u < 0.96 else NEUTRON
    if kind == KAON:
        if u < 0.55:
            return pdg
        if u < 0.90:
            return KAON_LONG if rng.random() < 0.5 else KAON_SHORT
        return PION0
    if kind in (KAON_LONG, KAON_SHORT):
        if u < 0.55:
            return KAON_LONG if rng.random() < 0.5 else KAON_SHORT
        if u < 0.90:
            return KAON if rng.random() < 0.5 else -KAON
        return PION0
    sign = 1 if pdg > 0 else -1
    return pdg if u < 0.6 else sign * (NEUTRON if kind == PROTON else PROTON)


@fused
def _place(kind: int, energy: float, p: Floats, n: int, rng: np.random.Generator) -> None:
    """Fill row `n` with the momentum of a hadron: transverse momentum as drawn; slow ones come out into a wide cone."""
    m = mass(kind)
    size = math.sqrt(max(energy * energy - m * m, 0.0))
    px, py = TRANSVERSE * rng.standard_normal(), TRANSVERSE * rng.standard_normal()
    square = size * size - px * px - py * py
    if square > 0.0:
        pz = math.sqrt(square)
    else:
        cosine = 1.3 * rng.random() - 0.3
        scale = size * math.sqrt((1.0 - cosine * cosine) / (px * px + py * py))
        px, py, pz = scale * px, scale * py, size * cosine
    p[n, 0], p[n, 1], p[n, 2], p[n, 3] = energy, px, py, pz


@fused
def _nucleus(room: float, hit: float, a: float, rng: np.random.Generator) -> float:
    """Return what the nucleus takes of `room` GeV: a gamma distribution of two degrees whose mean stays below a third."""
    mean = NUCLEUS * hit * a ** (1.0 / 3.0)
    mean = mean / (1.0 + 3.0 * mean / room)
    taken = 0.5 * mean * (rng.standard_exponential() + rng.standard_exponential())
    return min(taken, 0.8 * room)


@fused
def interact(pdg: int, energy: float, a: float, rng: np.random.Generator, kinds: Ints, p: Floats) -> tuple[int, float]:
    """Let a hadron interact with a nucleus; return the number of secondaries and the energy that stays in the nucleus.

    Parameters
    ----------
    pdg : int
        pi+-, K+-, K0L, K0S, nucleon or antinucleon.
    energy : float
        Total energy, GeV.
    a : float
        Mass number of the nucleus.
    rng : numpy Generator
    kinds : int array of at least `SECONDARIES`
        Filled with pdg codes; pi0 are among them.
    p : array of shape (SECONDARIES or more, 4)
        Filled with energy, px, py, pz, GeV, z along the flight of the projectile; total energies.

    Returns
    -------
    n, left : int, float
        available(projectile) = sum of available(secondaries) + left, to rounding.
    """
    apart()
    room = available(pdg, energy)
    if room < LOWEST:
        rest, n = _cascade(room, kinds, p, 0, rng)
        return n, rest
    mean = struck(pdg, energy, a)
    hit = 1.0
    stop = 1.0 / mean  # geometric
    while hit < 12.0 and rng.random() > stop:
        hit += 1.0
    left = _nucleus(room, hit, a, rng)
    room -= left
    n = 0
    if room < LOWEST:
        rest, n = _cascade(left + room, kinds, p, 0, rng)
        return n, rest
    first = pdg
    baryon = is_baryon(pdg)
    if hit == 1.0 and rng.random() < DIFFRACTION and room > 4.0:
        share = 1.0 - 0.02 * 10.0 ** rng.random()
    else:
        alpha = (BARYON_LEADING if baryon else MESON_LEADING) + SOFTENING * (hit - 1.0)
        share = 1.0 - rng.random() ** (1.0 / (1.0 + alpha))
        first = leading(pdg, rng)
    room = _link(first, share * room, room, kinds, p, n, rng)
    if kinds[n] != 0:
        n += 1
    width = SPREAD * SPREAD
    power = width / (rng.standard_gamma(1.0 / width) * width) / (width * (1.0 + DENSITY + DENSER * (hit - 1.0)))
    baryons = BARYONS + MORE_BARYONS * min(hit - 1.0, 3.0)
    while room > LOWEST and n < SECONDARIES - 1:
        room = _link(_species(baryons, rng), (1.0 - rng.random() ** power) * room, room, kinds, p, n, rng)
        if kinds[n] != 0:
            n += 1
    rest, n = _cascade(left, kinds, p, n, rng)
    return n, rest + room


@fused
def _cascade(left: float, kinds: Ints, p: Floats, n: int, rng: np.random.Generator) -> tuple[float, int]:
    """Let nucleons out of a nucleus that has taken energy; return what stays, and how many particles there are."""
    budget = CASCADE * left
    while n < SECONDARIES:
        kinetic = SLOWEST + SLOPE * rng.standard_exponential()
        if kinetic > budget:
            break
        kinds[n] = PROTON if rng.random() < PROTONS else NEUTRON
        m = mass(kinds[n])
        size = math.sqrt(kinetic * (kinetic + 2.0 * m))
        cosine = max(1.0 + math.log(1.0 - rng.random() * (1.0 - math.exp(-2.0 * FORWARD))) / FORWARD, -1.0)
        phi = 2.0 * math.pi * rng.random()
        across = size * math.sqrt(max(1.0 - cosine * cosine, 0.0))
        p[n, 0], p[n, 1], p[n, 2], p[n, 3] = kinetic + m, across * math.cos(phi), across * math.sin(phi), size * cosine
        budget -= kinetic
        left -= kinetic
        n += 1
    return left, n


@fused
def _link(kind: int, share: float, room: float, kinds: Ints, p: Floats, n: int, rng: np.random.Generator) -> float:
    """Put a hadron of an available energy near `share` into row `n`, if there is `room`; return what is left."""
    m = mass(kind)
    own = available(kind, m)  # 0 of nucleons, twice the mass of antinucleons
    share = max(share, own + 0.05)
    if share > room:
        kinds[n] = 0
        return room
    kinds[n] = kind
    _place(kind, share - own + m, p, n, rng)
    return room - share
