"""Where slow hadrons and nuclear stars leave their energy: spots around the place, and what of them is seen.

Visible energy is on the electrons' scale of a calorimeter: charged nucleons and pions show mip/e of what they lose, photons
all of it, neutrons a part (elastic scattering off hydrogen), binding energy nothing. Each spot fluctuates as the sampling of
its slab says. Spots of slow pions and nucleons lie along the flight, as far as their range and their interaction length
allow; those of neutrons spread around the place by some half of an interaction length (diffusion; R. Wigmans, Calorimetry,
Sec. 2.4). A spot in the air between two slabs belongs to the one ahead; what lies outside of all is leaked.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from emiss.configs.compiled import fused
from emiss.physics.constants import PROTON_MASS
from emiss.physics.hadrons.cross_section_kernels import is_baryon, shadowed
from emiss.physics.passage.species_kernels import available, charge, mass
from emiss.samples.walk.frame_kernels import inside, into, show

if TYPE_CHECKING:
    import numpy as np

    from emiss.configs.arrays import Floats
    from emiss.samples.walk.hadron_tables import HadronMatter
    from emiss.samples.walk.world import Seen, World

ALONG, ACROSS = 0.05, 0.17
"""Interaction lengths; spread of the charged part of a star along the flight (mean) and across it (one standard deviation)."""

ASIDE = 0.5
"""Interaction (radiation) lengths at which what leaves a slab through its side ends in those behind, if it meets them."""

EXCHANGE = 0.20
"""Mean share of photons (from pi0) in the star that a slow pion or kaon makes."""

UNEVEN = 0.3
"""Relative spread of the charged share from one star to the next."""

RANGE = 0.8
"""Range of a proton of 1 GeV over the way on which a minimum ionizing particle loses 1 GeV; as T^(7/4) (PDG, Fig. 34.4)."""


@fused
def home(
    world: World,
    lengths: Floats,
    first: int,
    last: int,
    s: int,
    x: float,
    y: float,
    z: float,
    tx: float,
    ty: float,
    depth: float,
) -> tuple[int, float, float]:
    """Return the slab of a place on a line and where across it; -1 where there is none.

    The place is `depth` mm of slab `s` behind a point in it, or before it for `depth` below 0.

    The line goes from the point (mm, frame of the set-up) with the slopes given. Behind the end of the slab the rest of
    `depth` is that in the matter of the next one, in units of `lengths` (mm, by mixture: radiation or interaction lengths):
    air counts nothing. What leaves through a side goes on, too, for `ASIDE` lengths.
    """
    px, py, pz, lx, ly = into(world, s, x, y, z, tx, ty)
    to = pz + depth
    way = 1 if depth > 0.0 else -1
    beyond = to - world.depth[s] if way > 0 else -to
    if beyond <= 0.0:
        px, py = px + depth * lx, py + depth * ly
        if inside(world, s, px, py):
            return s, px, py
        beyond = ASIDE * lengths[world.mixture[s]]
    rest = beyond / lengths[world.mixture[s]]
    j = s + way
    while first <= j < last:
        px, py, pz, lx, ly = into(world, j, x, y, z, tx, ty)
        own = lengths[world.mixture[j]]
        front = 0.0 if way > 0 else world.depth[j]
        dz = front + way * min(rest * own, world.depth[j]) - pz
        if dz * way >= 0.0 and inside(world, j, px + dz * lx, py + dz * ly):
            rest -= world.depth[j] / own
            if rest <= 0.0:
                return j, px + dz * lx, py + dz * ly
        j += way
    return -1, px, py


@fused
def spot(
    world: World,
    lengths: Floats,
    first: int,
    last: int,
    s: int,
    row: int,
    energy: float,
    visible: float,
    x: float,
    y: float,
    z: float,
    tx: float,
    ty: float,
    depth: float,
    seen: Seen,
    rng: np.random.Generator,
) -> None:
    """Book energy (GeV) on a line from a place in slab `s`, see `home`: as deposited, or as leaked.

    `visible` of it is seen, as far as this slab's scale goes; a log-normal number of the variance that the sampling of the
    slab where it is left gives it.
    """
    at, px, py = home(world, lengths, first, last, s, x, y, z, tx, ty, depth)
    if at < 0:
        seen.leaked[row, world.part[s]] += energy
        return
    seen.deposited[row, world.part[at]] += energy
    shown = visible * world.visible[at]
    grain = world.stochastic[at] * world.stochastic[at]
    if grain > 0.0 and shown > 0.0:
        width = math.log(1.0 + grain / shown)
        shown *= math.exp(math.sqrt(width) * rng.standard_normal() - 0.5 * width)
    show(world, seen, row, at, px, py, shown)


@fused
def star(
    world: World,
    matter: HadronMatter,
    first: int,
    last: int,
    s: int,
    row: int,
    energy: float,
    photons: float,
    spent: float,
    x: float,
    y: float,
    z: float,
    tx: float,
    ty: float,
    ahead: float,
    seen: Seen,
    rng: np.random.Generator,
) -> None:
    """Book what a nucleus that was hit and its slow fragments leave around a place.

    Parameters
    ----------
    energy : float
        GeV in all.
    photons : float
        Mean share of it in pi0.
    spent : float
        GeV that a charged particle lost on its way to the star, beside `energy`.
    x, y, z, tx, ty, ahead : float
        A point in slab `s` and a line through it (frame of the set-up); mm of depth from there to the star, below 0 backward.
    """
    m = world.mixture[s]
    length = matter.length[m]
    light = 0.0
    if photons > 0.0:
        light = energy * min(photons * rng.standard_exponential(), 0.9)
    rest = energy - light
    charged = rest * min(matter.protons[m] * min(max(1.0 + UNEVEN * rng.standard_normal(), 0.1), 2.0), 0.9)
    neutral = min(rest * matter.neutrons[m] * 2.0 * rng.random(), rest - charged)
    way = 1.0 if ahead >= 0.0 else -1.0
    sx = x + ACROSS * length * rng.standard_normal()
    sy = y + ACROSS * length * rng.standard_normal()
    visible = (charged + spent) * matter.ionising[m] + light
    bound = energy + spent - neutral  # stays with the charged part, unseen
    u = way * ALONG * length * rng.standard_exponential()
    to = ahead * (1.0 - rng.random() * spent / max(spent + energy, 1e-12)) + u
    spot(world, matter.length, first, last, s, row, bound, visible, sx, sy, z, tx, ty, to, seen, rng)
    cosine, phi = 2.0 * rng.random() - 1.0, 2.0 * math.pi * rng.random()
    far = matter.diffusion[m] * rng.standard_exponential()
    side = far * math.sqrt(1.0 - cosine * cosine)
    sx, sy, to = x + side * math.cos(phi), y + side * math.sin(phi), ahead + far * cosine
    visible = neutral * matter.neutron_seen[m]
    spot(world, matter.length, first, last, s, row, neutral, visible, sx, sy, z, tx, ty, to, seen, rng)


@fused
def absorb(
    world: World,
    matter: HadronMatter,
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
    seen: Seen,
    rng: np.random.Generator,
) -> None:
    """End a slow hadron: it ionises until it stops or interacts, and a star takes the rest.

    Parameters
    ----------
    pdg, energy : int, float
        Total energy, GeV.
    x, y, z, tx, ty : float
        In the frame of the set-up, mm.
    way : float
        1 for one that flies forward, -1 for backward (then the slopes are those of its line).
    """
    m = world.mixture[s]
    room = available(pdg, energy)
    kinetic = max(energy - mass(pdg), 0.0)
    path = matter.length[m] / shadowed(pdg, energy, matter.shadowing[m]) * rng.standard_exponential()
    spent, stops = 0.0, False
    if charge(pdg) != 0 and matter.minimum[m] > 0.0:
        m0 = mass(pdg)
        like = kinetic * PROTON_MASS / m0  # a proton of the same velocity
        reach = RANGE * like * like / math.sqrt(math.sqrt(like + 1e-9)) * m0 / PROTON_MASS / matter.minimum[m]
        stops = path >= reach
        if stops:
            path, spent = reach, kinetic
        else:
            part = path / reach
            spent = kinetic * part * (0.571 + 0.1 * part + 0.329 * part**4)  # 1 - (1 - part)^(4/7) within 5 %
    dz = way * path / math.sqrt(1.0 + tx * tx + ty * ty)
    photons = 0.0 if is_baryon(pdg) or stops else EXCHANGE
    star(world, matter, first, last, s, row, max(room - spent, 0.0), photons, spent, x, y, z, tx, ty, dz, seen, rng)
