"""What comes out where a hadron interacts with a nucleus: a leading particle, a chain of others, and what the nucleus keeps.

A chain, after R. D. Field and R. P. Feynman, Nucl. Phys. B 136 (1978) 1, in the laboratory: the nucleus takes its part first,
then each hadron takes a share z of what is left as (E + pz)/2, the leading one with the density (1 - z)^alpha, the others
with (1 - z)^beta, down to `LOWEST`. So there are (1 + beta) hadrons per unit of rapidity, slow ones have the angles of a
fireball, and energy is conserved exactly whatever is drawn. Transverse momenta follow exp(-mT/T). Nucleons are struck by a
Poisson number in a sphere (`struck` in the mean): they soften the leading particle and make the chain denser, the more so the
slower. The density fluctuates from event to event, which widens multiplicity to D/<n> of nearly one half.

Of what the nucleus takes, nucleons carry out the greater part (`CASCADE`), as slow ones in all directions but mostly forward.

Numbers are fitted to: 6.6 charged hadrons of pi- p at 100 GeV (bubble chambers), (1 + nu)/2 times as many fast ones of nuclei
(W. Busza et al., Phys. Rev. Lett. 34 (1975) 836; reached to 15 %); leading nucleons keep one half of the energy on one
nucleon; 10 % of diffraction on one nucleon. To charged hadrons behind the ECAL of 500 pions of 100 GeV in Geant4 (FTFP_BERT),
by kind, energy and angle, are fitted: `SOFTENING`, `THICKER`, `DENSER`, `TEMPERATURE`, `SEAGULL`, what the nucleus takes
(`NUCLEUS`; it goes as A^(1/3) per struck nucleon), the nucleons that come out, those that are knocked on, and the energies at
which strange ones and pairs of baryons are half as frequent. `NEUTRAL_PIONS` is a third of what are no kaons and baryons,
with eta.

Conserved: the sum of `available` energies, exactly. Not conserved event by event: charge (on average within that of the
target), momentum, baryon number and strangeness (in the mean by the leading particle). Left out: Lambda and other
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

SECONDARIES = 64
"""Most particles that one interaction makes; what is left then stays in the nucleus."""

MOST_STRUCK = 12.0
"""Nucleons that are struck, at most."""

LOWEST = 0.3
"""GeV; where a chain ends. The rest stays where it is, as what slow pions and nucleons leave."""

NUCLEUS = 0.25
"""GeV that a nucleus takes in the mean, per struck nucleon and A^(1/3): cascade nucleons, evaporation and binding.

Fitted to pions of 100 GeV in Geant4: the protons behind the ECAL, the energy in the first plates behind an interaction."""

MESON_LEADING, BARYON_LEADING, SOFTENING = 1.9, 0.7, 2.0
"""alpha of leading mesons and baryons on one nucleon; what each further struck nucleon adds to it."""

LINKS, THICKER, DENSER, SPREAD = 1.85, 1.35, 1.2, 0.25
"""1 + beta on one nucleon; what each further one adds to it, relative, everywhere, and at the slow end (the latter falls
linearly in the logarithm of energy to nothing at the projectile's: S. Brodsky, J. Gunion, J. Kuehn, Phys. Rev. Lett. 39
(1977) 1120); its relative spread between events."""

DIFFRACTION = 0.10
"""Part of collisions with one nucleon that leave the projectile whole, with 2 to 20 % of its energy lost."""

TEMPERATURE, SEAGULL = 0.15, 0.9
"""GeV; T of transverse momenta, dN/dpT^2 ~ exp(-mT/T), and what T rises by with x = E/E(projectile)."""

BACKWARD = 0.2
"""GeV; E - pz of a hadron of the chain is at most so much above its mass: the target has no more to give."""

CASCADE, SLOPE, FORWARD = 0.6, 0.2, 4.5
"""Part of what a nucleus takes that nucleons carry out, the mean of their exponential spectrum (GeV), and what p (GeV) is
multiplied with in exp(FORWARD p cos(theta)) of their directions: a source that moves. Fitted with `NUCLEUS` and `KNOCKED`
to the protons behind the ECAL (Geant4)."""

SLOWEST, PROTONS = 0.02, 0.45
"""GeV; nucleons of less are left to the nucleus. Part of protons among those that come out."""

NEUTRAL_PIONS = 0.30
"""Part of pi0 (with eta) in the chain."""

KAONS, STRANGE = 0.13, 1.5
"""Part of kaons in the chain at high energy, and the energy (GeV) at which it is half of that."""

PAIRS, MASSIVE = 0.06, 3.0
"""Part of nucleons and antinucleons, made in pairs; the same."""

KNOCKED, SLOWED = 0.10, 2.0
"""Part of the target's nucleons, knocked on, at low energy for each struck one up to four; the energy at which it is half."""


@fused
def _kaon(rng: np.random.Generator) -> int:
    u = rng.random()
    if u < 0.5:
        return KAON if u < 0.25 else -KAON
    return KAON_LONG if u < 0.75 else KAON_SHORT


@fused
def _species(share: float, struck_more: float, rng: np.random.Generator) -> int:
    """Return what a link of the chain of `share` GeV is: pairs of strange quarks and of baryons need energy."""
    u = rng.random()
    if u < NEUTRAL_PIONS:
        return PION0
    u -= NEUTRAL_PIONS
    kaons = KAONS * share / (share + STRANGE)
    if u < kaons:
        return _kaon(rng)
    u -= kaons
    pairs = PAIRS * share / (share + MASSIVE)
    if u < pairs:
        kind = PROTON if rng.random() < 0.5 else NEUTRON
        return kind if rng.random() < 0.5 else -kind
    u -= pairs
    if u < KNOCKED * struck_more / (1.0 + share / SLOWED):
        return PROTON if rng.random() < 0.5 else NEUTRON
    return PION if rng.random() < 0.5 else -PION


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
    deep = 1.5 * (struck(pdg, energy, a) - 1.0) * math.sqrt(rng.random())  # of a sphere
    hit, reached = 1.0, rng.standard_exponential()
    while reached < deep and hit < MOST_STRUCK:
        hit += 1.0
        reached += rng.standard_exponential()
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
    most = room
    room = _link(first, share * room, room, most, kinds, p, n, rng)
    if kinds[n] != 0:
        n += 1
    width = SPREAD * SPREAD
    dense = rng.standard_gamma(1.0 / width) * width * LINKS
    more, rise = hit - 1.0, DENSER / math.log(most / LOWEST + 1.0)
    knocked = min(hit, 4.0)
    while room > LOWEST and n < SECONDARIES - 1:
        power = 1.0 / (dense * (1.0 + more * (THICKER + rise * math.log(most / room))))
        share = (1.0 - rng.random() ** power) * room
        room = _link(_species(share, knocked, rng), share, room, most, kinds, p, n, rng)
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
        steep = FORWARD * size
        cosine = max(1.0 + math.log(1.0 - rng.random() * (1.0 - math.exp(-2.0 * steep))) / steep, -1.0)
        phi = 2.0 * math.pi * rng.random()
        across = size * math.sqrt(max(1.0 - cosine * cosine, 0.0))
        p[n, 0], p[n, 1], p[n, 2], p[n, 3] = kinetic + m, across * math.cos(phi), across * math.sin(phi), size * cosine
        budget -= kinetic
        left -= kinetic
        n += 1
    return left, n


@fused
def _link(
    kind: int, share: float, room: float, most: float, kinds: Ints, p: Floats, n: int, rng: np.random.Generator
) -> float:
    """Put a hadron into row `n`, if there is `room` for its available energy; return what is left.

    `share` (GeV) is the available energy of one that flies straight on, without the mass of mesons; the transverse momentum
    adds to it, as far as there is room.
    """
    m = mass(kind)
    own = 0.0
    forward = 2.0 * share  # E + pz
    if is_baryon(kind):
        own = available(kind, m)  # 0 of nucleons, twice the mass of antinucleons
        kinetic = max(share - own, 0.0)
        forward = kinetic + m + math.sqrt(kinetic * (kinetic + 2.0 * m))
    else:
        own = m
    most_energy = room - own + m
    limit = forward * min(2.0 * most_energy - forward, m + BACKWARD)  # of m_T^2
    if limit <= m * m or most_energy <= m:
        kinds[n] = 0
        return room
    hot = TEMPERATURE * (1.0 + SEAGULL * math.sqrt(share / most))
    above = hot * rng.standard_exponential()
    if rng.random() * (m + hot) > m:
        above += hot * rng.standard_exponential()
    across2 = above * (above + 2.0 * m)
    if across2 + m * m > limit:
        across2 = (limit - m * m) * rng.random()
    backward = (across2 + m * m) / forward
    energy, along = 0.5 * (forward + backward), 0.5 * (forward - backward)
    across, phi = math.sqrt(across2), 2.0 * math.pi * rng.random()
    kinds[n] = kind
    p[n, 0], p[n, 1], p[n, 2], p[n, 3] = energy, across * math.cos(phi), across * math.sin(phi), along
    return room - (energy - m + own)
