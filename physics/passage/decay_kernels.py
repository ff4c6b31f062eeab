"""Decays of pi, K, K0, mu and tau with exact kinematics: what comes out, with which momenta.

Two-body decays are isotropic at rest. Three-body decays are drawn evenly from their Dalitz plot (phase space is flat in two
of the energies) and taken with the probability of their matrix element: leptons with that of V-A, (p_L . p_nubar)(p_l .
p_nu) (which is Michel's spectrum); K -> pi l nu with the density A + B xi + C xi^2 of the PDG's note on K_l3 form factors; K
-> 3 pi with the linear and quadratic slopes of `decay_table`. tau -> rho nu, a1 nu, 4 pi nu: the mass of the hadrons from a
resonance (a rising density for 4 pi) times (1 - s)^2 (1 + 2 s), s = q^2/m_tau^2 (Y.-S. Tsai, Phys. Rev. D 4 (1971) 2821),
the hadrons in phase space. Left out: polarisation (of the muon from a pion, of the tau), radiative corrections, CP
violation, eta and omega. Lambda and other hyperons do not walk.

Momenta are rows (energy, px, py, pz) in GeV, with z along the flight of the parent.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from emiss.configs.compiled import apart, fused
from emiss.physics.constants import ELECTRON_MASS, MUON_MASS, PION_MASS
from emiss.physics.passage.decay_table import (
    A1,
    A1_WIDTH,
    FLAT,
    KAON_MODES,
    LEPTONIC,
    LONG_MODES,
    PION_MODES,
    PIONS_P00,
    PIONS_PM0,
    PIONS_PPM,
    RHO,
    RHO_WIDTH,
    SCALAR_POLE,
    SEMILEPTONIC,
    SHORT_MODES,
    SLOPES,
    TAU_MODES,
    VECTOR_POLE,
)
from emiss.physics.passage.species_kernels import (
    ELECTRON,
    KAON,
    KAON_LONG,
    KAON_SHORT,
    MUON,
    PHOTON,
    PION,
    PION0,
    PION0_MASS,
    STABLE,
    TAU,
    TAU_MASS,
    lifetime,
    mass,
)

if TYPE_CHECKING:
    import numpy as np

    from emiss.configs.arrays import Floats, Ints

PRODUCTS = 5
"""Most particles that one decay makes."""


@fused
def decay_path(pdg: int, energy: float) -> float:
    """Return the mean path to the decay of a particle of total energy `energy` (GeV), mm; infinite where it does not decay."""
    m = mass(pdg)
    tau = lifetime(pdg)
    if tau == STABLE or m == 0.0:
        return STABLE
    gamma = energy / m
    return tau * math.sqrt(max(gamma * gamma - 1.0, 0.0))


@fused
def momentum(parent: float, first: float, second: float) -> float:
    """Return the momentum of both particles of a two-body decay at rest (masses in GeV); 0 below threshold."""
    square = (parent**2 - (first + second) ** 2) * (parent**2 - (first - second) ** 2)
    return 0.5 * math.sqrt(max(square, 0.0)) / parent


@fused
def direction(rng: np.random.Generator) -> tuple[float, float, float]:
    """Return a unit vector, isotropic."""
    cosine = 2.0 * rng.random() - 1.0
    sine = math.sqrt(1.0 - cosine * cosine)
    phi = 2.0 * math.pi * rng.random()
    return sine * math.cos(phi), sine * math.sin(phi), cosine


@fused
def boost(p: Floats, begin: int, end: int, energy: float, px: float, py: float, pz: float, m: float) -> None:
    """Take the momenta of rows `begin` to `end` from the rest frame of a particle of mass `m` to where it has this momentum."""
    for row in range(begin, end):
        along = p[row, 1] * px + p[row, 2] * py + p[row, 3] * pz
        factor = (along / (energy + m) + p[row, 0]) / m
        p[row, 0] = (energy * p[row, 0] + along) / m
        p[row, 1] += factor * px
        p[row, 2] += factor * py
        p[row, 3] += factor * pz


@fused
def _put(p: Floats, row: int, m: float, size: float, ux: float, uy: float, uz: float) -> None:
    p[row, 0] = math.sqrt(m * m + size * size)
    p[row, 1] = size * ux
    p[row, 2] = size * uy
    p[row, 3] = size * uz


@fused
def pair(parent: float, first: float, second: float, p: Floats, row: int, rng: np.random.Generator) -> None:
    """Fill rows `row` and the next with a two-body decay at rest, isotropic."""
    size = momentum(parent, first, second)
    ux, uy, uz = direction(rng)
    _put(p, row, first, size, ux, uy, uz)
    _put(p, row + 1, second, -size, ux, uy, uz)


@fused
def _pole(t: float, m: float) -> float:
    return 1.0 / (1.0 - t / (m * m))


@fused
def semileptonic(parent: float, pion: float, lepton: float, e_pion: float, e_lepton: float) -> float:
    """Return the density of K -> pi l nu over the Dalitz plot of the energies of pion and lepton at rest, in GeV^3.

    rho = f+^2 (A + B xi + C xi^2), xi = f-/f+, with poles for f+ and f0 = f+ + f- t/(m_K^2 - m_pi^2).
    """
    t = parent**2 + pion**2 - 2.0 * parent * e_pion
    plus, scalar = _pole(t, VECTOR_POLE), _pole(t, SCALAR_POLE)
    gap = parent**2 - pion**2
    xi = (scalar / plus - 1.0) * gap / t if t > 1e-12 else gap * (SCALAR_POLE**-2 - VECTOR_POLE**-2)
    neutrino = parent - e_pion - e_lepton
    missing = (parent**2 + pion**2 - lepton**2) / (2.0 * parent) - e_pion
    a = parent * (2.0 * e_lepton * neutrino - parent * missing) + lepton**2 * (0.25 * missing - neutrino)
    b = lepton**2 * (neutrino - 0.5 * missing)
    c = 0.25 * lepton**2 * missing
    return plus**2 * (a + b * xi + c * xi * xi)


@fused
def three_pions(shape: int, parent: float, first: float, second: float, odd: float, e1: float, e2: float) -> float:
    """Return |M|^2 of K -> 3 pi over its value in the middle of the Dalitz plot, by the energies of the two like pions."""
    e3 = parent - e1 - e2
    s1 = parent**2 + first**2 - 2.0 * parent * e1
    s2 = parent**2 + second**2 - 2.0 * parent * e2
    s3 = parent**2 + odd**2 - 2.0 * parent * e3
    u = (s3 - (s1 + s2 + s3) / 3.0) / PION_MASS**2
    v = (s2 - s1) / PION_MASS**2
    slopes = SLOPES[shape]
    return max(1.0 + slopes[0] * u + slopes[1] * u * u + slopes[2] * v * v, 0.0)


@fused
def density(shape: int, parent: float, first: float, second: float, third: float, e1: float, e2: float) -> float:
    """Return the density over the Dalitz plot by shape, divided by a bound above it: between 0 and 1."""
    if shape == FLAT:
        return 1.0
    if shape == LEPTONIC:  # rows: l, nu of L, antineutrino of l
        e3 = parent - e1 - e2
        return 8.0 * parent * e3 * (parent**2 - first**2 - 2.0 * parent * e3) / (parent**2 - first**2) ** 2
    if shape == SEMILEPTONIC:  # rows: pi, l, nu; 2 E_l E_nu is at most (E_l + E_nu)^2/2 and f+ as its largest t says
        plus = _pole((parent - first) ** 2, VECTOR_POLE)
        return semileptonic(parent, first, second, e1, e2) / (0.125 * parent**3 * plus * plus)
    slopes = SLOPES[shape]
    least, most = (first + second) ** 2, (parent - third) ** 2  # of s3
    middle = (parent**2 + first**2 + second**2 + third**2) / 3.0
    reach = max(abs(least - middle), abs(most - middle)) / PION_MASS**2
    return three_pions(shape, parent, first, second, third, e1, e2) / (
        1.0 + abs(slopes[0]) * reach + (abs(slopes[1]) + 4.0 * abs(slopes[2])) * reach * reach
    )


@fused
def triple(
    shape: int,
    parent: float,
    first: float,
    second: float,
    third: float,
    p: Floats,
    row: int,
    rng: np.random.Generator,
) -> None:
    """Fill rows `row` to `row + 2` with a three-body decay at rest, isotropic, the energies as the shape says.

    Rows by shape: `LEPTONIC` charged lepton, neutrino of the parent, antineutrino of the lepton; `SEMILEPTONIC` pion, charged
    lepton, neutrino; pions with the odd one last.
    """
    most1 = (parent**2 + first**2 - (second + third) ** 2) / (2.0 * parent)
    most2 = (parent**2 + second**2 - (first + third) ** 2) / (2.0 * parent)
    while True:
        e1 = first + (most1 - first) * rng.random()
        e2 = second + (most2 - second) * rng.random()
        e3 = parent - e1 - e2
        if e3 < third:
            continue
        p1 = math.sqrt(e1 * e1 - first * first)
        p2 = math.sqrt(e2 * e2 - second * second)
        p3 = math.sqrt(e3 * e3 - third * third)
        if abs(p1 - p2) <= p3 <= p1 + p2 and rng.random() < density(shape, parent, first, second, third, e1, e2):
            break
    cosine = (p3 * p3 - p1 * p1 - p2 * p2) / (2.0 * p1 * p2) if p1 * p2 > 0.0 else 1.0
    cosine = min(max(cosine, -1.0), 1.0)
    sine = math.sqrt(1.0 - cosine * cosine)
    ux, uy, uz = direction(rng)
    vx, vy, vz = _across(ux, uy, uz, 2.0 * math.pi * rng.random())
    _put(p, row, first, p1, ux, uy, uz)
    _put(p, row + 1, second, p2, cosine * ux + sine * vx, cosine * uy + sine * vy, cosine * uz + sine * vz)
    p[row + 2, 0] = e3
    for axis in range(1, 4):
        p[row + 2, axis] = -p[row, axis] - p[row + 1, axis]


@fused
def _across(ux: float, uy: float, uz: float, phi: float) -> tuple[float, float, float]:
    """Return a unit vector at right angles to a unit vector, at azimuth `phi` about it."""
    if abs(uz) < 0.9:
        size = math.sqrt(ux * ux + uy * uy)
        ax, ay, az = -uy / size, ux / size, 0.0
    else:
        size = math.sqrt(uy * uy + uz * uz)
        ax, ay, az = 0.0, -uz / size, uy / size
    bx, by, bz = uy * az - uz * ay, uz * ax - ux * az, ux * ay - uy * ax
    c, s = math.cos(phi), math.sin(phi)
    return c * ax + s * bx, c * ay + s * by, c * az + s * bz


@fused
def rotate(tx: float, ty: float, px: float, py: float, pz: float) -> tuple[float, float, float]:
    """Return a momentum given along the flight of a particle of slopes `tx`, `ty` in the frame where these are measured.

    The parent flies towards +z; a product may come out with pz below 0.
    """
    transverse = math.sqrt(tx * tx + ty * ty)
    length = math.sqrt(1.0 + transverse * transverse)
    cosine, sine = 1.0 / length, transverse / length
    cp, sp = (tx / transverse, ty / transverse) if transverse > 0.0 else (1.0, 0.0)
    radial = cosine * px + sine * pz
    return cp * radial - sp * py, sp * radial + cp * py, cosine * pz - sine * px


@fused
def _pion(sign: int, kinds: Ints, p: Floats, rng: np.random.Generator) -> int:
    heavy = rng.random() < PION_MODES[0]
    kinds[0] = -sign * (MUON if heavy else ELECTRON)
    kinds[1] = sign * (14 if heavy else 12)
    pair(PION_MASS, MUON_MASS if heavy else ELECTRON_MASS, 0.0, p, 0, rng)
    return 2


@fused
def _kaon(sign: int, kinds: Ints, p: Floats, rng: np.random.Generator) -> int:
    u = rng.random()
    m = mass(KAON)
    if u < KAON_MODES[0]:
        kinds[0], kinds[1] = -sign * MUON, sign * 14
        pair(m, MUON_MASS, 0.0, p, 0, rng)
        return 2
    if u < KAON_MODES[1]:
        kinds[0], kinds[1] = sign * PION, PION0
        pair(m, PION_MASS, PION0_MASS, p, 0, rng)
        return 2
    if u < KAON_MODES[2]:
        kinds[0], kinds[1], kinds[2] = sign * PION, sign * PION, -sign * PION
        triple(PIONS_PPM, m, PION_MASS, PION_MASS, PION_MASS, p, 0, rng)
    elif u < KAON_MODES[3]:
        kinds[0], kinds[1], kinds[2] = PION0, -sign * ELECTRON, sign * 12
        triple(SEMILEPTONIC, m, PION0_MASS, ELECTRON_MASS, 0.0, p, 0, rng)
    elif u < KAON_MODES[4]:
        kinds[0], kinds[1], kinds[2] = PION0, -sign * MUON, sign * 14
        triple(SEMILEPTONIC, m, PION0_MASS, MUON_MASS, 0.0, p, 0, rng)
    else:
        kinds[0], kinds[1], kinds[2] = PION0, PION0, sign * PION
        triple(PIONS_P00, m, PION0_MASS, PION0_MASS, PION_MASS, p, 0, rng)
    return 3


@fused
def _kaon_long(kinds: Ints, p: Floats, rng: np.random.Generator) -> int:
    u = rng.random()
    m = mass(KAON_LONG)
    sign = 1 if rng.random() < 0.5 else -1
    if u < LONG_MODES[1]:
        electron = u < LONG_MODES[0]
        kinds[0], kinds[1], kinds[2] = (
            sign * PION,
            sign * (ELECTRON if electron else MUON),
            -sign * (12 if electron else 14),
        )
        triple(SEMILEPTONIC, m, PION_MASS, ELECTRON_MASS if electron else MUON_MASS, 0.0, p, 0, rng)
        return 3
    if u < LONG_MODES[2]:
        kinds[0], kinds[1], kinds[2] = PION0, PION0, PION0
        triple(FLAT, m, PION0_MASS, PION0_MASS, PION0_MASS, p, 0, rng)
        return 3
    if u < LONG_MODES[3]:
        kinds[0], kinds[1], kinds[2] = PION, -PION, PION0
        triple(PIONS_PM0, m, PION_MASS, PION_MASS, PION0_MASS, p, 0, rng)
        return 3
    return _two_pions(m, u < LONG_MODES[4], kinds, p, rng)


@fused
def _two_pions(m: float, charged: bool, kinds: Ints, p: Floats, rng: np.random.Generator) -> int:
    kinds[0], kinds[1] = (PION, -PION) if charged else (PION0, PION0)
    pion = PION_MASS if charged else PION0_MASS
    pair(m, pion, pion, p, 0, rng)
    return 2


@fused
def _lepton(m: float, sign: int, light: int, own: int, kinds: Ints, p: Floats, rng: np.random.Generator) -> int:
    """Let a lepton decay to a lighter one and two neutrinos; `own` is the code of the parent's neutrino."""
    kinds[0], kinds[1], kinds[2] = sign * light, sign * own, -sign * (light + 1)
    triple(LEPTONIC, m, mass(light), 0.0, 0.0, p, 0, rng)
    return 3


@fused
def _resonance(peak: float, width: float, least: float, rng: np.random.Generator) -> float:
    """Return a mass between `least` and the tau's, from a Breit-Wigner density in mass squared times that of tau -> X nu."""
    low = math.atan((least**2 - peak**2) / (peak * width))
    high = math.atan((TAU_MASS**2 - peak**2) / (peak * width))
    while True:
        square = peak**2 + peak * width * math.tan(low + (high - low) * rng.random())
        s = square / TAU_MASS**2
        room = 1.0 - least**2 / max(square, least**2)  # of the pions' phase space
        if rng.random() < (1.0 - s) ** 2 * (1.0 + 2.0 * s) * room * math.sqrt(room):
            return math.sqrt(max(square, least**2))


@fused
def _four_pions(sign: int, neutral: bool, kinds: Ints, p: Floats, rng: np.random.Generator) -> None:
    """Fill rows 1 to 4 with four pions in phase space (Raubold and Lynch), boosted against the neutrino of row 0."""
    kinds[1], kinds[4] = sign * PION, PION0
    kinds[2], kinds[3] = (PION0, PION0) if neutral else (sign * PION, -sign * PION)
    m1, m2, m3, m4 = mass(kinds[1]), mass(kinds[2]), mass(kinds[3]), mass(kinds[4])
    least = m1 + m2 + m3 + m4
    while True:
        q = math.sqrt(least**2 + (TAU_MASS**2 - least**2) * rng.random())
        s = (q / TAU_MASS) ** 2
        if (
            rng.random() < 9.0 * (1.0 - s) ** 2 * (1.0 + 2.0 * s) * ((q - least) / (TAU_MASS - least)) ** 3
        ):  # at most 0.11
            break
    free = q - least
    while True:
        a, b = rng.random(), rng.random()
        low, high = min(a, b), max(a, b)
        two, three = m1 + m2 + low * free, m1 + m2 + m3 + high * free
        weight = momentum(two, m1, m2) * momentum(three, two, m3) * momentum(q, three, m4)
        bound = (
            momentum(m1 + m2 + free, m1, m2)
            * momentum(m1 + m2 + m3 + free, m1 + m2, m3)
            * momentum(q, m1 + m2 + m3, m4)
        )
        if rng.random() * bound < weight:
            break
    # from inside out: each pair or triple is boosted to where it recoils against the next pion
    pair(two, m1, m2, p, 1, rng)
    ux, uy, uz = direction(rng)
    size = momentum(three, two, m3)
    boost(p, 1, 3, math.sqrt(two * two + size * size), size * ux, size * uy, size * uz, two)
    _put(p, 3, m3, -size, ux, uy, uz)
    ux, uy, uz = direction(rng)
    size = momentum(q, three, m4)
    boost(p, 1, 4, math.sqrt(three * three + size * size), size * ux, size * uy, size * uz, three)
    _put(p, 4, m4, -size, ux, uy, uz)
    _recoil(q, 5, p, rng)


@fused
def _recoil(q: float, end: int, p: Floats, rng: np.random.Generator) -> None:
    """Put the neutrino of a tau at rest into row 0 and boost the hadrons of mass `q` in rows 1 to `end` against it."""
    size = momentum(TAU_MASS, q, 0.0)
    ux, uy, uz = direction(rng)
    boost(p, 1, end, math.sqrt(q * q + size * size), size * ux, size * uy, size * uz, q)
    _put(p, 0, 0.0, -size, ux, uy, uz)


@fused
def _tau(sign: int, kinds: Ints, p: Floats, rng: np.random.Generator) -> int:
    """Of a tau- for `sign` 1; pions have the charge -sign."""
    u = rng.random()
    if u < TAU_MODES[1]:
        return _lepton(TAU_MASS, sign, ELECTRON if u < TAU_MODES[0] else MUON, 16, kinds, p, rng)
    kinds[0] = sign * 16
    if u < TAU_MODES[2] or u >= TAU_MODES[7]:
        kinds[1] = -sign * (PION if u < TAU_MODES[2] else KAON)
        pair(TAU_MASS, 0.0, mass(kinds[1]), p, 0, rng)
        return 2
    if u < TAU_MODES[3]:
        kinds[1], kinds[2] = -sign * PION, PION0
        q = _resonance(RHO, RHO_WIDTH, PION_MASS + PION0_MASS, rng)
        pair(q, PION_MASS, PION0_MASS, p, 1, rng)
        _recoil(q, 3, p, rng)
        return 3
    if u < TAU_MODES[5]:
        neutral = u < TAU_MODES[4]
        kinds[1], kinds[2] = (PION0, PION0) if neutral else (-sign * PION, -sign * PION)
        kinds[3] = -sign * PION if neutral else sign * PION
        light, odd = (PION0_MASS, PION_MASS) if neutral else (PION_MASS, PION_MASS)
        q = _resonance(A1, A1_WIDTH, 2.0 * light + odd, rng)
        triple(FLAT, q, light, light, odd, p, 1, rng)
        _recoil(q, 4, p, rng)
        return 4
    _four_pions(-sign, u >= TAU_MODES[6], kinds, p, rng)
    return 5


@fused
def decay(pdg: int, energy: float, rng: np.random.Generator, kinds: Ints, p: Floats) -> int:
    """Let a particle decay; return the number of particles that it decays to, 0 if it does not.

    Parameters
    ----------
    pdg : int
        pi+-, pi0, K+-, K0L, K0S, mu+-, tau+-.
    energy : float
        Total energy, GeV; not below the mass.
    rng : numpy Generator
    kinds : int array of at least `PRODUCTS`
        Filled with pdg codes, neutrinos included.
    p : array of shape (PRODUCTS or more, 4)
        Filled with energy, px, py, pz, GeV, z along the flight; the sum of the energies is `energy` to rounding.
    """
    apart()
    kind, sign = abs(pdg), 1 if pdg > 0 else -1
    if kind == PION:
        made = _pion(sign, kinds, p, rng)
    elif kind == PION0:
        kinds[0], kinds[1] = PHOTON, PHOTON
        pair(PION0_MASS, 0.0, 0.0, p, 0, rng)
        made = 2
    elif kind == KAON:
        made = _kaon(sign, kinds, p, rng)
    elif kind == KAON_LONG:
        made = _kaon_long(kinds, p, rng)
    elif kind == KAON_SHORT:
        made = _two_pions(mass(KAON_SHORT), rng.random() < SHORT_MODES[0], kinds, p, rng)
    elif kind == MUON:
        made = _lepton(MUON_MASS, sign, ELECTRON, 14, kinds, p, rng)
    elif kind == TAU:
        made = _tau(sign, kinds, p, rng)
    else:
        return 0
    m = mass(pdg)
    boost(p, 0, made, energy, 0.0, 0.0, math.sqrt(max(energy * energy - m * m, 0.0)), m)
    return made
