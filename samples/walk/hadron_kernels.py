"""Hadrons through slabs: ionisation on the way, interaction or decay, and what these put on the walk's stack.

A track is a row of `emiss.samples.walk.tracks`, in the frame of the set-up. The path to the interaction is exponential in
the length of its kind and energy, the path to the decay in beta gamma c tau; whatever comes first happens. Secondaries above
`ABSORBED` go on the stack, slower ones end in one step (`hadron_spot_kernels`), as do those that come out backwards. pi0
decay where they are made; photons of slow ones are spots, those of others go on the stack.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from emiss.configs.compiled import apart, fused
from emiss.physics.hadrons.cross_section_kernels import is_baryon, shadowed
from emiss.physics.hadrons.interaction_kernels import interact
from emiss.physics.passage.decay_kernels import decay, decay_path, rotate
from emiss.physics.passage.knock_on_kernels import largest_transfer
from emiss.physics.passage.species_kernels import ELECTRON, PHOTON, PION0, STABLE, available, charge, is_hadron, mass
from emiss.samples.walk.frame_kernels import inside, into, out_of
from emiss.samples.walk.hadron_spot_kernels import absorb, glow, star, to_the_side
from emiss.samples.walk.hadron_tables import ABSORBED, NUCLEONS_ABSORBED
from emiss.samples.walk.thin_kernels import ionise
from emiss.samples.walk.tracks import CARRIED, ENERGY, ID, LAST, PDG, ROW, TX, TY, X, Y, Z
from emiss.samples.walk.world import NEUTRINO

if TYPE_CHECKING:
    import numpy as np

    from emiss.configs.arrays import Floats, Ints
    from emiss.samples.walk.hadron_tables import HadronLine
    from emiss.samples.walk.muons import MuonWorld
    from emiss.samples.walk.world import Seen, World

LIGHT = 10.0
"""GeV; a slower pi0 is a few spots, not a shower."""

STEEP = 5.0
"""Slope above which a particle ends where it is."""


@fused
def slow(pdg: int, energy: float) -> bool:
    """Tell whether a hadron of a total energy (GeV) ends where it next interacts."""
    return available(pdg, energy) < (NUCLEONS_ABSORBED if is_baryon(pdg) else ABSORBED)


@fused
def push(
    stack: Floats,
    waiting: int,
    row: float,
    pdg: int,
    energy: float,
    x: float,
    y: float,
    z: float,
    tx: float,
    ty: float,
    part: int,
) -> int:
    """Put a track made on the way on the stack; return how many wait."""
    track = stack[waiting]
    track[ROW], track[PDG], track[ENERGY] = row, pdg, energy
    track[X], track[Y], track[Z], track[TX], track[TY] = x, y, z, tx, ty
    track[LAST], track[ID], track[CARRIED] = part, -1.0, 0.0
    return waiting + 1


@fused
def scatter_products(
    line: HadronLine,
    first: int,
    last: int,
    s: int,
    row: int,
    n: int,
    kinds: Ints,
    p: Floats,
    x: float,
    y: float,
    z: float,
    tx: float,
    ty: float,
    stack: Floats,
    waiting: int,
    seen: Seen,
    rng: np.random.Generator,
) -> int:
    """Send the products of an interaction or decay on their way; return how many tracks wait on the stack.

    The place is in the frame of the set-up. Momenta in `p` are along the flight of the parent, whose slopes are given.
    """
    apart()
    part = line.slabs.part[s]
    thick = line.slabs.depth[s] > line.slabs.x0[s]
    for i in range(n):
        pdg, energy = kinds[i], p[i, 0]
        if abs(pdg) in (12, 14, 16):
            seen.lost[row, NEUTRINO] += energy
            continue
        qx, qy, qz = rotate(tx, ty, p[i, 1], p[i, 2], p[i, 3])
        way = 1.0 if qz > 0.0 else -1.0
        steep = max(abs(qx), abs(qy)) >= STEEP * abs(qz)
        if steep:
            sx, sy = min(max(qx, -STEEP), STEEP), min(max(qy, -STEEP), STEEP)
        else:
            sx, sy = qx / qz, qy / qz
        ends = steep or way < 0.0 or waiting >= len(stack)
        if is_hadron(pdg) and pdg != PION0:
            if ends or slow(pdg, energy):
                waiting = absorb(
                    line, first, last, s, row, pdg, energy, x, y, z, sx, sy, way, stack, waiting, seen, rng
                )
                continue
        elif ends or (pdg == PION0 and energy < LIGHT):
            glow(line, first, last, s, row, energy, x, y, z, sx, sy, way, seen, rng)
            continue
        elif pdg == PION0 and thick and waiting < len(stack) - 1:
            pdg = PHOTON  # the two are nearer to each other than a shower is wide
            share = rng.random()
            waiting = push(stack, waiting, row, pdg, share * energy, x, y, z, sx, sy, part)
            energy *= 1.0 - share
        waiting = push(stack, waiting, row, pdg, energy, x, y, z, sx, sy, part)
    return waiting


@fused
def hadron_decays(
    line: HadronLine,
    first: int,
    last: int,
    s: int,
    track: Floats,
    stack: Floats,
    waiting: int,
    kinds: Ints,
    p: Floats,
    seen: Seen,
    rng: np.random.Generator,
) -> int:
    """Let a track (frame of the set-up) decay where it is; return how many wait. Slab `s` is where its products begin."""
    apart()
    n = decay(int(track[PDG]), track[ENERGY], rng, kinds, p)
    return scatter_products(
        line, first, last, s, int(track[ROW]), n, kinds, p,
        track[X], track[Y], track[Z], track[TX], track[TY], stack, waiting, seen, rng,
    )  # fmt: skip


@fused
def hadron_interacts(
    line: HadronLine,
    first: int,
    last: int,
    s: int,
    track: Floats,
    stack: Floats,
    waiting: int,
    kinds: Ints,
    p: Floats,
    seen: Seen,
    rng: np.random.Generator,
) -> int:
    """Let a track (frame of the set-up) interact in slab `s`; return how many wait."""
    apart()
    row = int(track[ROW])
    x, y, z, tx, ty = track[X], track[Y], track[Z], track[TX], track[TY]
    n, left = interact(int(track[PDG]), track[ENERGY], line.slabs.nucleus[s], rng, kinds, p)
    star(line, first, last, s, row, left, 0.0, x, y, z, tx, ty, seen, rng)
    return scatter_products(line, first, last, s, row, n, kinds, p, x, y, z, tx, ty, stack, waiting, seen, rng)


@fused
def knock_on(
    world: World,
    muons: MuonWorld,
    line: HadronLine,
    s: int,
    track: Floats,
    x: float,
    y: float,
    z: float,
    tx: float,
    ty: float,
    step: float,
    stack: Floats,
    waiting: int,
    rng: np.random.Generator,
) -> int:
    """Put the delta electrons above the muons' cut that a track makes in a step (mm of depth) on the stack.

    Place and slopes are in the slab's frame. `ionise` has all that is softer.
    """
    pdg, energy = int(track[PDG]), track[ENERGY]
    own, least = mass(pdg), muons.tables.cut
    largest = largest_transfer(energy, own)
    if largest <= least:
        return waiting
    m = world.mixture[s]
    beta2 = 1.0 - own * own / (energy * energy)
    matter = (muons.tables.xi[m, 0] + muons.tables.xi[m, 1]) * step * math.sqrt(1.0 + tx * tx + ty * ty) / beta2
    expected = matter * (1.0 / least - 1.0 / largest)
    count = rng.standard_exponential()
    while count < expected and waiting < len(stack) - 1:
        kinetic = 1.0 / (1.0 / least - rng.random() * (1.0 / least - 1.0 / largest))
        if rng.random() < 1.0 - beta2 * kinetic / largest and kinetic < track[ENERGY] - own:
            at = step * rng.random()
            gx, gy, gz, gtx, gty = out_of(line.slabs, s, x + at * tx, y + at * ty, z + at, tx, ty)
            waiting = push(stack, waiting, track[ROW], ELECTRON, kinetic, gx, gy, gz, gtx, gty, line.slabs.part[s])
            track[ENERGY] -= kinetic
        count += rng.standard_exponential()
    return waiting


@fused(forceinline=True)
def through_hadron(
    world: World,
    muons: MuonWorld,
    line: HadronLine,
    first: int,
    last: int,
    s: int,
    track: Floats,
    stack: Floats,
    waiting: int,
    kinds: Ints,
    p: Floats,
    seen: Seen,
    rng: np.random.Generator,
) -> tuple[bool, int]:
    """Take a hadron to slab `s` and through it, to where it comes out, interacts, decays or is slow enough to end.

    Parameters
    ----------
    first, last : int
        The slabs of this piece of the line, where secondaries may leave something.
    track : array of shape (COLUMNS,)
        Changed in place.
    stack : array of shape (K, COLUMNS)
        Of tracks that wait, in the frame of the set-up.
    waiting : int
        How many do.
    kinds, p : arrays of shapes (SECONDARIES,), (SECONDARIES, 4)
        To work in.

    Returns
    -------
    alive : bool
        Whether the track goes on behind the slab.
    waiting : int
    """
    pdg, row, part = int(track[PDG]), int(track[ROW]), line.slabs.part[s]
    x, y, z, tx, ty = into(line.slabs, s, track[X], track[Y], track[Z], track[TX], track[TY])
    left = line.slabs.depth[s] - z
    if left <= 0.0:
        return True, waiting
    stretch = math.sqrt(1.0 + tx * tx + ty * ty)
    decays = decay_path(pdg, track[ENERGY])
    lives = decays * rng.standard_exponential() / stretch if decays != STABLE else STABLE  # mm of depth
    if z < 0.0:  # in the air before it
        if lives < -z:
            z += lives
            x, y = x + lives * tx, y + lives * ty
            track[X], track[Y], track[Z], track[TX], track[TY] = out_of(line.slabs, s, x, y, z, tx, ty)
            return False, hadron_decays(line, first, last, s, track, stack, waiting, kinds, p, seen, rng)
        lives += z
        x, y, z = x - z * tx, y - z * ty, 0.0
        left = line.slabs.depth[s]
    if not inside(line.slabs, s, x, y) and not inside(line.slabs, s, x + left * tx, y + left * ty):
        return True, waiting  # it stays where it is: another slab may stand beside this one
    track[LAST] = part
    if slow(pdg, track[ENERGY]):
        track[X], track[Y], track[Z], track[TX], track[TY] = out_of(line.slabs, s, x, y, z, tx, ty)
        waiting = absorb(
            line, first, last, s, row, pdg, track[ENERGY],
            track[X], track[Y], track[Z], track[TX], track[TY], 1.0, stack, waiting, seen, rng,
        )  # fmt: skip
        return False, waiting
    sideways = to_the_side(line.slabs, s, x, y, tx, ty)
    meets = (
        line.slabs.length[s]
        / shadowed(pdg, track[ENERGY], line.slabs.shadowing[s])
        * rng.standard_exponential()
        / stretch
    )
    step = min(left, sideways, meets, lives)
    if charge(pdg) != 0:
        track[ENERGY] -= ionise(
            world,
            muons,
            seen,
            row,
            s,
            x + 0.5 * step * tx,
            y + 0.5 * step * ty,
            track[ENERGY],
            mass(pdg),
            step * stretch,
            rng,
        )
        waiting = knock_on(world, muons, line, s, track, x, y, z, tx, ty, step, stack, waiting, rng)
    x, y, z = x + step * tx, y + step * ty, z + step
    track[X], track[Y], track[Z], track[TX], track[TY] = out_of(line.slabs, s, x, y, z, tx, ty)
    if slow(pdg, track[ENERGY]):
        waiting = absorb(
            line, first, last, s, row, pdg, track[ENERGY],
            track[X], track[Y], track[Z], track[TX], track[TY], 1.0, stack, waiting, seen, rng,
        )  # fmt: skip
        return False, waiting
    if step == lives:
        return False, hadron_decays(line, first, last, s, track, stack, waiting, kinds, p, seen, rng)
    if step == meets:
        return False, hadron_interacts(line, first, last, s, track, stack, waiting, kinds, p, seen, rng)
    return True, waiting
