"""Muons through calorimeters and panels: visible energy, true energy loss, multiple scattering, stopping, acceptance.

Visible energy (on the electron scale) is the detector file's, in proportion to the path; it fluctuates independently of
the true loss, whose mean is that of `emiss.physics.passage.muons`. Left out: delta electrons and showers that leave a cell,
decay of stopped muons.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.errors import Location, UserError
from emiss.reco.parts.grid import Grid
from emiss.samples.muon_state import MUON_MASS, MuonState
from emiss.samples.setup import on_axis

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.configs.arrays import Array, Floats
    from emiss.reco.detector.model import Detector
    from emiss.reco.parts.base import Volume
    from emiss.reco.parts.modules import Modules
    from emiss.reco.parts.panels import Panels
    from emiss.samples.config import Response
    from emiss.samples.setup import SetUp

GRID_STEPS, MODULE_STEPS = 3, 4


@dataclass(frozen=True)
class Slab:
    """A part of a calorimeter that a muon crosses in one step.

    Attributes
    ----------
    module : int
        Number of the calorimeter part that fluctuates as one: the grids, then the modules.
    channels : int array of shape (columns, rows)
        Channel numbers of the cells.
    x, y : (float, float)
        Edges, mm.
    start, stop : float
        z, mm.
    matter : mapping of material to mm
    radiation_lengths : float
    visible : float
        GeV for a muon that crosses all of it along z.
    hole : (float, float)
        Width and height of an opening in its middle, mm.
    """

    module: int
    channels: Array
    x: tuple[float, float]
    y: tuple[float, float]
    start: float
    stop: float
    matter: Mapping[str, float]
    radiation_lengths: float
    visible: float
    hole: tuple[float, float] = (0.0, 0.0)

    def cell(self, x: Array, y: Array) -> Array:
        """Return the channel of the cell at x, y (mm), -1 outside."""
        columns, rows = self.channels.shape
        ix = np.floor((x - self.x[0]) / (self.x[1] - self.x[0]) * columns)
        iy = np.floor((y - self.y[0]) / (self.y[1] - self.y[0]) * rows)
        inside = (ix >= 0) & (ix < columns) & (iy >= 0) & (iy < rows)
        width, height = self.hole
        inside &= (np.abs(x - np.mean(self.x)) >= 0.5 * width) | (np.abs(y - np.mean(self.y)) >= 0.5 * height)
        return np.where(
            inside, self.channels[np.where(inside, ix, 0).astype(int), np.where(inside, iy, 0).astype(int)], -1
        )


def slabs(setup: SetUp) -> tuple[Slab, ...]:
    """Return the layers of grids (the first in one step, the others in steps) and the modules in steps, along the beam."""
    from emiss.physics.passage.muons import MATERIALS

    detector = setup.detector
    result = []
    number = 0
    for grid in detector.of_kind(Grid).values():
        result += _grid(detector, grid, number)
        number += 1
    for part in setup.absorbers.values():
        for volume in part.volumes(""):
            result += _module(detector, part, volume, number)
            number += 1
    for material in {name for slab in result for name in slab.matter} - set(MATERIALS):
        hint = f"it is known for {', '.join(MATERIALS)}"
        raise UserError(
            f"the energy loss of muons in '{material}' is not known", at=Location(str(detector.file)), hint=hint
        )
    return tuple(sorted(result, key=lambda slab: slab.start))


def _grid(detector: Detector, grid: Grid, module: int) -> list[Slab]:
    x = tuple(grid.x + (edge - grid.beam_cell[0] - 0.5) * grid.pitch for edge in (0, grid.columns))
    y = tuple(grid.y + (edge - grid.beam_cell[1] - 0.5) * grid.pitch for edge in (0, grid.rows))
    steps: list[tuple[str, float, float]] = []
    reached = 0.0
    for position, (name, layer) in enumerate(grid.layers.items()):
        last = position == len(grid.layers) - 1
        # each layer takes the share of the depth of its radiation lengths
        stop = 1.0 if last else reached + layer.radiation_lengths / grid.radiation_lengths
        count = 1 if position == 0 and not last else GRID_STEPS
        edges = [reached, *(reached + (stop - reached) * np.arange(1, count + 1) / count)]
        steps += [(name, low, high) for low, high in pairwise(edges)]
        reached = stop
    return [
        Slab(
            module=module,
            channels=detector.numbers(name).reshape(grid.columns, grid.rows),
            x=(x[0], x[1]),
            y=(y[0], y[1]),
            start=grid.z + low * grid.depth,
            stop=grid.z + high * grid.depth,
            matter={material: (high - low) * length for material, length in grid.matter.items()},
            radiation_lengths=(high - low) * grid.radiation_lengths,
            visible=(high - low) * grid.mip,
            hole=grid.hole or (0.0, 0.0),
        )
        for name, low, high in steps
    ]


def _module(detector: Detector, part: Modules, volume: Volume, module: int) -> list[Slab]:
    """Return a module in steps; its radiation lengths are those of the absorber, the material that is named first."""
    matter = volume.matter or {}
    absorber, length = next(iter(matter.items()))
    x0 = detector.material(absorber).x0
    element = part.elements[volume.name]
    return [
        Slab(
            module=module,
            channels=detector.numbers(volume.name).reshape(part.columns, part.rows),
            x=(volume.x - 0.5 * volume.width, volume.x + 0.5 * volume.width),
            y=(volume.y - 0.5 * volume.height, volume.y + 0.5 * volume.height),
            start=volume.z + volume.depth * step / MODULE_STEPS,
            stop=volume.z + volume.depth * (step + 1) / MODULE_STEPS,
            matter={material: value / MODULE_STEPS for material, value in matter.items()},
            radiation_lengths=length / MODULE_STEPS / x0,
            visible=(element.mip or part.mip or 0.0) / MODULE_STEPS,
            hole=volume.hole,
        )
        for step in range(MODULE_STEPS)
    ]


def moyal(width: float, shape: int | tuple[int, ...], rng: np.random.Generator) -> Floats:
    """Return energies of most probable value 1 from the Moyal distribution of that width, a stand-in for Landau's.

    The variable -ln(z^2) of a normal z follows Moyal's density exp(-(v + exp(-v))/2)/sqrt(2 pi).
    """
    normal = np.abs(rng.normal(size=shape))
    return np.maximum(1.0 - 2.0 * width * np.log(np.maximum(normal, 1e-12)), 0.0)


def fluctuation(spread: float, shape: int | tuple[int, ...], rng: np.random.Generator) -> Floats:
    """Return gamma-distributed factors of mean 1 and relative spread `spread`."""
    if spread <= 0:
        return np.ones(shape)
    return np.asarray(rng.gamma(spread**-2, spread**2, size=shape))


def cross(
    muons: MuonState, slab: Slab, straggling: Floats, total_lengths: float, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Move muons through a slab; return the channel each crosses (-1: none) and the path over the slab's thickness.

    Parameters
    ----------
    straggling : array of shape (M,)
        Factor on the mean energy loss.
    total_lengths : float
        Radiation lengths of all the calorimeters, for the logarithm of the Highland formula, which is meant for the
        whole of what is crossed.
    """
    from emiss.physics.passage.muons import highland_angle

    muons.drift_to(slab.start)
    begin = np.maximum(muons.z, slab.start)
    share = np.clip((slab.stop - begin) / (slab.stop - slab.start), 0.0, 1.0)
    length = share * (slab.stop - slab.start)
    channel = slab.cell(muons.x + 0.5 * length * muons.tx, muons.y + 0.5 * length * muons.ty)
    channel = np.where(muons.alive & (share > 0), channel, -1)
    inside = channel >= 0
    path = np.where(inside, share * muons.stretch, 0.0)

    kinetic = np.maximum(muons.energy - MUON_MASS, 0.0)
    first = straggling * path * _loss(muons.energy, slab.matter)
    middle = np.maximum(muons.energy - 0.5 * np.minimum(first, kinetic), MUON_MASS * 1.05)
    loss = straggling * path * _loss(middle, slab.matter)
    stops = inside & (loss >= kinetic)
    travelled = np.where(stops, kinetic / np.where(stops, loss, 1.0), 1.0)

    p = np.sqrt(np.maximum(middle**2 - MUON_MASS**2, 1e-6))
    lengths = slab.radiation_lengths * path
    theta = np.sqrt(lengths / total_lengths) * highland_angle(p, total_lengths)
    theta = np.where(inside & ~stops, theta, 0.0)
    muons.drift_to(slab.stop)
    muons.scatter(theta, length, rng)
    muons.energy = np.where(inside, np.where(stops, MUON_MASS, muons.energy - loss), muons.energy)
    muons.alive &= ~stops
    return channel, path * travelled


def through_calorimeters(
    muons: MuonState,
    setup: SetUp,
    settings: Response,
    energy: Floats,
    rng: np.random.Generator,
) -> None:
    """Take muons through calorimeters and panels, adding what they leave to `energy`, shape (N, channels), GeV."""
    if not len(muons.event):
        return
    detector, parts = setup.detector, slabs(setup)
    count = len(muons.event)
    grids = len(detector.of_kind(Grid))
    spreads = [part.mip_spread for part in setup.absorbers.values() for _ in part.elements]
    modules = grids + len(spreads)
    visible = np.empty((modules, count))
    visible[:grids] = moyal(settings.landau, (grids, count), rng)
    for number, spread in enumerate(spreads, grids):
        visible[number] = fluctuation(spread, count, rng)
    straggling = fluctuation(settings.straggling, (modules, count), rng)
    total_lengths = sum(slab.radiation_lengths for slab in parts)
    waiting = list(setup.panels.values())
    for slab in parts:
        while waiting and slab.start >= waiting[0].z:
            _panels(muons, detector, waiting.pop(0), settings, energy, rng)
        channel, path = cross(muons, slab, straggling[slab.module], total_lengths, rng)
        hit = channel >= 0
        np.add.at(energy, (muons.event[hit], channel[hit]), (slab.visible * visible[slab.module] * path)[hit])
    for panels in waiting:
        _panels(muons, detector, panels, settings, energy, rng)


def behind(muons: MuonState, setup: SetUp) -> tuple[Array, Array]:
    """Tell which muons are under way behind the last calorimeter, and which of them come out of its back face.

    To be asked after `through_calorimeters`. The others have left a side of a calorimeter before, with less matter crossed.

    Returns
    -------
    downstream, exited : bool arrays of shape (M,)
    """
    volumes = [volume for part in setup.absorbers.values() for volume in part.volumes("")]
    volumes = [volume for volume in volumes if on_axis(volume)] or [*setup.target.volumes("")]
    last = max(volumes, key=lambda volume: volume.z)
    end = last.z + last.depth
    muons.drift_to(end)
    downstream = muons.at(end)
    inside = (np.abs(muons.x - last.x) < 0.5 * last.width) & (np.abs(muons.y - last.y) < 0.5 * last.height)
    return downstream, downstream & inside


def _panels(
    muons: MuonState, detector: Detector, part: Panels, settings: Response, energy: Floats, rng: np.random.Generator
) -> None:
    """Cross panels: a Moyal fluctuation for the panel, attenuation along y and photon statistics for each end.

    Both ends are on the scale of the panel's energy, so that the geometric mean gives it back.
    """
    muons.drift_to(part.z)
    pairs = list(part.elements.values())
    number = np.floor((muons.x - part.x) / part.width + 0.5 * len(pairs)).astype(int)
    y = muons.y - part.y
    hit = muons.at(part.z) & (number >= 0) & (number < len(pairs)) & (np.abs(y) < 0.5 * part.height)
    deposit = part.mip * moyal(settings.landau, len(number), rng) * muons.stretch
    photons = rng.normal(size=(2, len(number)))
    for end, sign in enumerate((1.0, -1.0)):
        channels = np.array([detector.channel_number[f"{pair[end]}.0.0"] for pair in pairs])
        seen = deposit * np.exp(sign * y / settings.attenuation)
        seen = np.maximum(seen + photons[end] * np.sqrt(seen * part.mip / settings.light_yield), 0.0)
        np.add.at(energy, (muons.event[hit], channels[number[hit]]), seen[hit])


def _loss(energy: Floats, matter: Mapping[str, float]) -> Floats:
    """Return the mean energy loss (GeV) of muons in a stack of materials (mm of each)."""
    from emiss.physics.passage.muons import mean_loss

    total = np.zeros_like(energy)
    for material, length in matter.items():
        total += mean_loss(energy, material) * length
    return total
