"""A set-up as the walk sees it: its parts cut into slabs of matter along z, with what reads them out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np

from emiss.reco.parts.base import ReadOut
from emiss.reco.parts.counter import Counter
from emiss.reco.parts.grid import Grid
from emiss.reco.parts.modules import Modules
from emiss.reco.parts.panels import Panels
from emiss.samples.walk.hadron_tables import hadron_matter
from emiss.samples.walk.matter import ACTIVE, Stack, mixtures
from emiss.samples.walk.shower import shower_matter
from emiss.samples.walk.world import CELLS, COLUMNS, PANELS, PASSIVE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from emiss.configs.arrays import Floats, Ints
    from emiss.reco.detector.model import Detector
    from emiss.reco.parts.base import Part, Volume
    from emiss.reco.parts.materials import Material
    from emiss.samples.walk.matter import Mixtures
    from emiss.samples.walk.world import World

WHOLE = 0.999
"""A sampling fraction above this is that of a block of active material."""

PLATE = 4.0
"""mm of an active plate where a detector file does not say how many plates there are."""


class Built(NamedTuple):
    """A set-up as the walk sees it.

    Attributes
    ----------
    world : World
    channels : int array
        See `Seen`.
    parts : tuple of str
        Names of the parts that slabs are booked under. The first, "beam line", is what no part is responsible for.
    materials : mapping of name to material
    mixtures : Mixtures
        Of these materials, in this order; `World.mixture` counts them.
    """

    world: World
    channels: Ints
    parts: tuple[str, ...]
    materials: dict[str, Material]
    mixtures: Mixtures


@dataclass(frozen=True)
class _Slab:
    """One slab on its way into a `World`: its outline, where in it it begins, and what reads it out."""

    part: str
    body: str
    volume: Volume
    begin: float
    end: float
    stack: Stack
    kind: int = PASSIVE
    columns: int = 1
    rows: int = 1
    channels: tuple[int, ...] = ()
    mip: float = 0.0
    stochastic: float = 0.0
    constant: float = 0.0
    attenuation: float = 0.0
    by_muons: bool = False


def world_of(detector: Detector, *, attenuation: float) -> Built:
    """Return a set-up as slabs, with the parts that they are booked under and their materials.

    Parameters
    ----------
    detector : Detector
    attenuation : float
        Attenuation length of panels, mm.
    """
    slabs = [slab for name, part in detector.parts.items() for slab in _slabs(detector, name, part, attenuation)]
    slabs.sort(key=lambda slab: (slab.volume.z + slab.begin * np.cos(slab.volume.angle), slab.volume.x))
    parts = ("beam line", *detector.parts)
    bodies = list(dict.fromkeys(slab.body for slab in slabs))
    materials = {
        name: detector.material(name) for name in dict.fromkeys(n for slab in slabs for n in slab.stack.matter)
    }
    first = np.cumsum([0, *(len(slab.channels) for slab in slabs)])[:-1]
    stacks = list(dict.fromkeys(_key(slab.stack) for slab in slabs))
    mixture = np.array([stacks.index(_key(slab.stack)) for slab in slabs], np.int64)
    mixed = mixtures([Stack(dict(matter), depth, plates) for matter, depth, plates in stacks], materials)

    def of(*names: str) -> list[Floats]:
        return [np.array([getattr(slab.volume, name) for slab in slabs], np.float64) for name in names]

    x, y, z, width, height, angle = of("x", "y", "z", "width", "height", "angle")
    hole = np.array([slab.volume.hole for slab in slabs], np.float64).reshape(-1, 2)
    begin = np.array([slab.begin for slab in slabs])
    depth = np.array([slab.end for slab in slabs]) - begin
    mip = np.array([slab.mip for slab in slabs])
    # where all is active, what a minimum ionizing particle most probably leaves: 2 MeV cm^2/g (PDG 2022, Sec. 34.2.9)
    left = np.where(mixed.sampling > WHOLE, 0.2e-3 * mixed.density, 0.0)[mixture] * depth
    visible = np.where((left > 0.0) & (mip > 0.0), mip / np.where(left > 0.0, left, 1.0), 1.0)
    stochastic = np.array([slab.stochastic for slab in slabs]) if slabs else np.zeros(0)
    world = laid(
        mixed,
        materials,
        x=x + begin * np.sin(angle),
        y=y,
        z=z + begin * np.cos(angle),
        sine=np.sin(angle),
        cosine=np.cos(angle),
        depth=depth,
        half_x=0.5 * width,
        half_y=0.5 * height,
        hole_x=0.5 * hole[:, 0],
        hole_y=0.5 * hole[:, 1],
        mixture=mixture,
        part=np.array([parts.index(slab.part) for slab in slabs], np.int64),
        body=np.array([bodies.index(slab.body) for slab in slabs], np.int64),
        kind=np.array([slab.kind for slab in slabs], np.int64),
        columns=np.array([slab.columns for slab in slabs], np.int64),
        rows=np.array([slab.rows for slab in slabs], np.int64),
        first=first.astype(np.int64),
        mip=mip,
        visible=visible,
        visible_of_hadrons=visible,
        stochastic=np.where(stochastic > 0.0, stochastic, sampling_term(mixed)[mixture]),
        constant=np.array([slab.constant for slab in slabs]),
        attenuation=np.array([slab.attenuation for slab in slabs]),
        by_muons=np.array([slab.by_muons for slab in slabs], np.int64),
    )
    channels = np.array([number for slab in slabs for number in slab.channels], np.int64)
    return Built(world, channels, parts, materials, mixed)


def laid(mixed: Mixtures, materials: Mapping[str, Material], **columns: Floats | Ints) -> World:
    """Return slabs as one array: columns by name, and those that follow from their mixtures."""
    found = np.zeros(len(columns["mixture"]), COLUMNS).view(np.recarray)
    for name, values in columns.items():
        found[name] = values
    for name, values in {**hadron_matter(mixed), **shower_matter(mixed, materials)}.items():
        found[name] = values[found.mixture]
    bodies = found.body.tolist()
    found.like, found.scale = [bodies.index(body) for body in bodies], 1.0
    return cast("World", found)


def _key(stack: Stack) -> tuple[tuple[tuple[str, float], ...], float, int]:
    return tuple(stack.matter.items()), stack.depth, stack.plates


def sampling_term(mixed: Mixtures) -> Floats:
    """Return stochastic/sqrt(E/GeV) of sampling calorimeters: 2.7 % sqrt(active plate in mm/sampling fraction).

    R. Wigmans, Calorimetry (Oxford, 2000), Eq. 4.16; 0 where all matter is active.
    """
    found: Floats = np.where(
        mixed.sampling < WHOLE, 0.027 * np.sqrt(mixed.plate / np.maximum(mixed.sampling, 1e-6)), 0.0
    )
    return found


def _slabs(detector: Detector, name: str, part: Part, attenuation: float) -> Iterator[_Slab]:
    """Yield the slabs of a part; those of a read-out part without size or matter are left out."""
    if isinstance(part, Grid):
        volume = part.volumes(name)[0]
        shower = part.shower
        reached = 0.0
        for layer, what in part.layers.items():
            share = what.radiation_lengths / part.radiation_lengths
            stack = _stack(part.matter, part.depth, part.plates, 1.0)
            yield _Slab(
                name, name, volume, reached * part.depth, (reached + share) * part.depth, stack, CELLS,
                part.columns, part.rows, tuple(detector.numbers(layer).tolist()), share * part.mip,
                shower.stochastic if shower else 0.0, shower.constant if shower else 0.0,
            )  # fmt: skip
            reached += share
    elif isinstance(part, Panels):
        volumes = part.volumes(name)
        one = volumes[0]
        whole = type(one)(
            name, part.x, part.y, part.z, len(volumes) * one.width, one.height, one.depth, one.angle, matter=one.matter
        )
        numbers = [detector.channel_number[channel] for channel in part.channels()]
        stack = Stack(one.matter or {}, one.depth, 1)
        yield _Slab(
            name, name, whole, 0.0, one.depth, stack, PANELS, len(volumes), 2, tuple(numbers), part.mip,
            attenuation=attenuation,
        )  # fmt: skip
    else:
        yield from _boxes(detector, name, part)


def _boxes(detector: Detector, name: str, part: Part) -> Iterator[_Slab]:
    """Yield one slab for each volume of a part that has matter and a size."""
    mips = dict(zip(part.names(), part.mips(), strict=True)) if isinstance(part, Counter) else {}
    for volume in part.volumes(name):
        if not volume.matter or min(volume.width, volume.height, volume.depth) <= 0.0:
            continue
        stack = _stack(volume.matter, volume.depth, volume.plates, 1.0)
        if isinstance(part, Modules):
            mips[volume.name] = part.elements[volume.name].mip or part.mip or 0.0
        read = isinstance(part, ReadOut)
        yield _Slab(
            name, volume.name, volume, 0.0, volume.depth, stack, CELLS if read else PASSIVE, volume.columns, volume.rows,
            tuple(detector.numbers(volume.name).tolist()) if read else (), mips.get(volume.name, 0.0),
            by_muons=isinstance(part, Modules) and part.shower_scale == "muons",
        )  # fmt: skip


def _stack(matter: Mapping[str, float], depth: float, plates: int | None, share: float) -> Stack:
    """Return the stack of a part's share of matter; without a number of plates the active ones have `PLATE`."""
    active = sum(length for name, length in matter.items() if name in ACTIVE)
    if plates is None:
        plates = 1 if active >= sum(matter.values()) else max(round(active / PLATE), 1)
    return Stack({name: length * share for name, length in matter.items()}, depth * share, plates)
