"""Where slow hadrons and nuclear stars leave their energy: spots around the place, and what of them is seen.

Visible energy is on the electrons' scale of a calorimeter: charged nucleons and pions show mip/e of what they lose, photons all
of it, neutrons what they leave on hydrogen, binding energy nothing. Each spot fluctuates as the sampling of its slab says.
Neutrons spread around their star (diffusion; R. Wigmans, Calorimetry, Sec. 2.4). What meets no slab has leaked.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from emiss.configs.compiled import apart, fused
from emiss.physics.constants import PROTON_MASS
from emiss.physics.hadrons.cross_section_kernels import is_baryon, shadowed
from emiss.physics.passage.species_kernels import STABLE, available, charge, mass
from emiss.samples.walk.frame_kernels import cell, inside, into, out_of
from emiss.samples.walk.tracks import CARRIED, ENERGY, ID, LAST, PDG, ROW, TX, TY, X, Y, Z
from emiss.samples.walk.world import PANELS

if TYPE_CHECKING:
    import numpy as np

    from emiss.configs.arrays import Floats
    from emiss.samples.walk.hadron_tables import HadronLine
    from emiss.samples.walk.world import Seen, World

ACROSS = 0.03
"""Interaction lengths; spread of the charged part of a star along the flight (mean) and across it (one standard deviation)."""

ASIDE = 0.5
"""Interaction (radiation) lengths at which what leaves a slab through its side ends in those behind, if it meets them."""

SPOTS, MOST = 1.5, 12
"""Spots of a pi0 per GeV, and at most."""

CONVERTS, FORM = 9.0 / 7.0, 0.43
"""Mean way of a photon before it converts, and the form of the profile behind it beside ln(E/Ec)/2, radiation lengths; the
mean depth of electrons of 100 GeV in Geant4, ln(E/Ec) + 1.1, is that of photons but for the way to their conversion."""

CORE, TAIL, IN_CORE = 0.2, 0.8, 0.85
"""Moliere radii; spread of the two parts of a shower in x and y, and the first one's part."""

ROUGH = 1.25
"""Sampling fluctuations of what hadrons lose, over those of electrons: single tracks cross plates that showers average over
(R. Wigmans, Calorimetry, Sec. 4.2, has 2). Fitted to pions of 100 GeV in the HCAL of Geant4."""

WIDEST = 6.0
"""Variance of the logarithm of what is seen of a spot, at most."""

FLATTEST = 20.0
"""The largest slope of what comes out of a star."""

EXCHANGE = 0.15
"""Mean share of photons (from pi0) in the star that a slow pion or kaon makes."""

UNEVEN = 0.3
"""Relative spread of the charged share from one star to the next."""

CLUSTER, CLUSTERS = 0.025, 4
"""GeV of the neutrons of a star that go together, and how many such lots there are at most."""

ONWARD = 0.4
"""Part of the neutrons of a star that would fly backward but do not: the fast ones among them."""

RANGE = 0.8
"""Range of a proton of 1 GeV over the way on which a minimum ionizing particle loses 1 GeV; as T^(7/4) (PDG, Fig. 34.4)."""


@fused
def leave(
    line: HadronLine,
    seen: Seen,
    row: int,
    s: int,
    x: float,
    y: float,
    energy: float,
    visible: float,
    rough: float,
    rng: np.random.Generator,
) -> None:
    """Book energy (GeV) at a place across slab `s`, its own frame, mm.

    `visible` of it is seen, as far as this slab's scale goes: a log-normal number of the variance that the slab's sampling
    gives it, times `rough` squared.
    """
    seen.deposited[row, line.slabs.part[s]] += energy
    shown = visible * line.slabs.visible_of_hadrons[s]
    if shown <= 0.0:
        return
    grain = rough * rough * line.slabs.stochastic[s] * line.slabs.stochastic[s]
    if grain > 0.0:
        width = min(math.log(1.0 + grain / shown), WIDEST)  # grain/shown overflows for what is next to nothing
        shown *= math.exp(math.sqrt(width) * rng.standard_normal() - 0.5 * width)
    place = cell(line.slabs, s, x, y)
    if place < 0:
        return
    if line.slabs.kind[s] == PANELS:
        slope = math.exp(y / line.slabs.attenuation[s])
        seen.visible[row, line.channels[place]] += shown * slope
        seen.visible[row, line.channels[place + 1]] += shown / slope
    else:
        seen.visible[row, line.channels[place]] += shown


@fused
def fly(
    line: HadronLine,
    lengths: Floats,
    share: Floats,
    first: int,
    last: int,
    s: int,
    row: int,
    energy: float,
    x: float,
    y: float,
    z: float,
    tx: float,
    ty: float,
    depth: float,
    rough: float,
    seen: Seen,
    rng: np.random.Generator,
) -> None:
    """Book energy (GeV) at `depth` mm from a place in slab `s`, on a line; behind it, or before it for `depth` below 0.

    Place and slopes are in the frame of the set-up, mm. Behind the end of the slab the rest of `depth` is that in the matter
    of the next ones, in units of `lengths` (mm, by mixture: radiation or interaction lengths): air counts nothing. What leaves
    through a side goes on, too, for `ASIDE` lengths. What meets no slab has leaked.
    """
    px, py, pz, lx, ly = into(line.slabs, s, x, y, z, tx, ty)
    to = min(max(pz, 0.0), line.slabs.depth[s]) + depth  # a place in the air before the slab counts as its front
    way = 1 if depth > 0.0 else -1
    beyond = to - line.slabs.depth[s] if way > 0 else -to
    if beyond <= 0.0:
        px, py = px + (to - pz) * lx, py + (to - pz) * ly
        if inside(line.slabs, s, px, py):
            leave(line, seen, row, s, px, py, energy, energy * share[s], rough, rng)
            return
        beyond = ASIDE * lengths[s]
    rest = beyond / lengths[s]
    j = s + way
    while first <= j < last:
        px, py, pz, lx, ly = into(line.slabs, j, x, y, z, tx, ty)
        own = lengths[j]
        front = 0.0 if way > 0 else line.slabs.depth[j]
        dz = front + way * min(rest * own, line.slabs.depth[j]) - pz
        if dz * way >= 0.0 and inside(line.slabs, j, px + dz * lx, py + dz * ly):
            rest -= line.slabs.depth[j] / own
            if rest <= 0.0:
                leave(line, seen, row, j, px + dz * lx, py + dz * ly, energy, energy * share[j], rough, rng)
                return
        j += way
    seen.leaked[row, line.slabs.part[s]] += energy


@fused
def glow(
    line: HadronLine,
    first: int,
    last: int,
    s: int,
    row: int,
    energy: float,
    x: float,
    y: float,
    z: float,
    tx: float,
    ty: float,
    way: float,
    seen: Seen,
    rng: np.random.Generator,
) -> None:
    """Book the photons of a pi0 as a few spots on Longo's profile; `way` is -1 for what flies backward.

    What is no pi0 (electrons, photons that fly backward) is taken as one, too.
    """
    apart()
    x0, moliere = line.slabs.x0[s], line.slabs.moliere[s]
    one = energy * rng.random()
    for photon in (one, energy - one):
        form = max(0.5 * math.log(photon / line.slabs.critical[s] + 1e-9), 0.0) + FORM
        begin = CONVERTS * rng.standard_exponential()
        count = min(1 + int(SPOTS * photon), MOST)
        part = photon / count
        for _ in range(count):
            depth = way * x0 * (begin + 2.0 * rng.standard_gamma(form))
            radius = moliere * (CORE if rng.random() < IN_CORE else TAIL)
            gx, gy = radius * rng.standard_normal(), radius * rng.standard_normal()
            fly(
                line, line.slabs.x0, line.slabs.unit, first, last, s, row, part, x + gx, y + gy, z, tx, ty, depth,
                1.0, seen, rng,
            )  # fmt: skip


@fused
def star(
    line: HadronLine,
    first: int,
    last: int,
    s: int,
    row: int,
    energy: float,
    photons: float,
    x: float,
    y: float,
    z: float,
    tx: float,
    ty: float,
    seen: Seen,
    rng: np.random.Generator,
) -> None:
    """Book what a nucleus that was hit and its slow fragments leave around a place in slab `s` (frame of the set-up).

    Parameters
    ----------
    energy : float
        GeV in all.
    photons : float
        Mean share of it in pi0.
    """
    length = line.slabs.length[s]
    light = 0.0
    if photons > 0.0:
        light = energy * min(photons * rng.standard_exponential(), 0.9)
    rest = energy - light
    charged = rest * min(line.slabs.protons[s] * min(max(1.0 + UNEVEN * rng.standard_normal(), 0.1), 2.0), 0.9)
    neutral = min(rest * line.slabs.neutrons[s] * (0.5 + rng.random()), rest - charged)
    px, py, _, _, _ = into(line.slabs, s, x, y, z, tx, ty)
    px += ACROSS * length * rng.standard_normal()
    py += ACROSS * length * rng.standard_normal()
    leave(line, seen, row, s, px, py, energy - neutral, charged * line.slabs.ionising[s] + light, ROUGH, rng)
    count = min(1 + int(neutral / CLUSTER), CLUSTERS)
    for _ in range(count):
        cosine, phi = 2.0 * rng.random() - 1.0, 2.0 * math.pi * rng.random()
        if cosine < 0.0 and rng.random() < ONWARD:
            cosine = -cosine
        far = line.slabs.diffusion[s] * rng.standard_exponential()
        slope = min(math.sqrt(1.0 - cosine * cosine) / max(abs(cosine), 1e-3), FLATTEST)
        fly(
            line, line.slabs.diffusion, line.slabs.neutron_seen, first, last, s, row, neutral / count,
            x, y, z, slope * math.cos(phi), slope * math.sin(phi), far * cosine, ROUGH, seen, rng,
        )  # fmt: skip


@fused
def to_the_side(world: World, s: int, x: float, y: float, tx: float, ty: float) -> float:
    """Return the depth (mm) after which a straight line leaves the box of a slab through its sides."""
    depth = STABLE
    if tx != 0.0:
        depth = max((math.copysign(world.half_x[s], tx) - x) / tx, 0.0)
    if ty != 0.0:
        depth = min(depth, max((math.copysign(world.half_y[s], ty) - y) / ty, 0.0))
    return depth


@fused
def absorb(
    line: HadronLine,
    first: int,
    last: int,
    s: int,
    row: int,
    pdg: int,
    energy: float,
    x: float,
    y: float,
    z: float,
    tx: float,
    ty: float,
    way: float,
    stack: Floats,
    waiting: int,
    seen: Seen,
    rng: np.random.Generator,
) -> int:
    """Take a slow hadron to where it stops, interacts, or leaves the slab; return how many wait.

    It ionises on the way, and a star takes the rest. What comes out of the slab goes on the stack, but for what flies
    backward, which ends in those before.

    Parameters
    ----------
    pdg, energy : int, float
        Total energy, GeV.
    x, y, z, tx, ty : float
        In the frame of the set-up, mm; in slab `s` or the air before it.
    way : float
        1 for one that flies forward, -1 for backward (then the slopes are those of its line).
    """
    apart()
    room = available(pdg, energy)
    own = mass(pdg)
    kinetic = max(energy - own, 0.0)
    px, py, pz, lx, ly = into(line.slabs, s, x, y, z, tx, ty)
    if pz < 0.0 < way:  # in the air before it
        px, py, pz = px - pz * lx, py - pz * ly, 0.0
    stretch = math.sqrt(1.0 + lx * lx + ly * ly)
    ahead = min(line.slabs.depth[s] - pz if way > 0.0 else pz, to_the_side(line.slabs, s, px, py, way * lx, way * ly))
    ahead = max(ahead, 0.0)
    path = line.slabs.length[s] / shadowed(pdg, energy, line.slabs.shadowing[s]) * rng.standard_exponential()
    reach, stops = STABLE, False
    if charge(pdg) != 0 and line.slabs.minimum[s] > 0.0:
        like = kinetic * PROTON_MASS / own  # a proton of the same velocity
        reach = RANGE * like * like / math.sqrt(math.sqrt(like + 1e-9)) * own / PROTON_MASS / line.slabs.minimum[s]
        stops = path >= reach
        path = min(path, reach)
    dz = path / stretch
    out = dz > ahead
    if out:
        dz = ahead
    spent = 0.0
    if reach != STABLE:
        if stops and not out:
            spent = kinetic
        else:
            part = min(dz * stretch / max(reach, 1e-9), 1.0)
            spent = kinetic * part * (0.571 + 0.1 * part + 0.329 * part**4)  # 1 - (1 - part)^(4/7) within 5 %
        mid = way * rng.random() * dz
        leave(line, seen, row, s, px + mid * lx, py + mid * ly, spent, spent * line.slabs.ionising[s], ROUGH, rng)
        room -= spent
    if room <= 1e-12:
        seen.deposited[row, line.slabs.part[s]] += room
        return waiting
    if out and way > 0.0 and waiting < len(stack) - 1:
        dz += 1e-6
        track = stack[waiting]
        track[ROW], track[PDG], track[ENERGY] = row, pdg, energy - spent
        track[X], track[Y], track[Z], track[TX], track[TY] = out_of(
            line.slabs, s, px + dz * lx, py + dz * ly, pz + dz, lx, ly
        )
        track[LAST], track[ID], track[CARRIED] = line.slabs.part[s], -1.0, 0.0
        return waiting + 1
    if out:
        to = way * (path / stretch)
        fly(line, line.slabs.length, line.slabs.both, first, last, s, row, room, x, y, z, tx, ty, to, ROUGH, seen, rng)
        return waiting
    photons = 0.0 if is_baryon(pdg) or stops else EXCHANGE
    gx, gy, gz, _, _ = out_of(line.slabs, s, px + way * dz * lx, py + way * dz * ly, pz + way * dz, lx, ly)
    star(line, first, last, s, row, room, photons, gx, gy, gz, tx, ty, seen, rng)
    return waiting
