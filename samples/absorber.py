"""Muons through ECAL, VETO and HCAL: visible energy, true energy loss, multiple scattering, stopping, acceptance.

Visible energy (on the electron scale) is the detector file's, in proportion to the path; it fluctuates independently of
the true loss, whose mean is that of `emiss.physics.passage.muons`. Left out: delta electrons and showers that leave a cell,
decay of stopped muons.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emiss.samples.muon_state import MUON_MASS, MuonState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.configs.arrays import Array, Floats
    from emiss.reco.detector.model import Detector
    from emiss.samples.config import Response

ECAL_LEAD, ECAL_SCINTILLATOR = 225.0, 225.0
"""mm: 150 x (1.5 mm Pb + 1.5 mm Sc), published."""

IRON_RADIATION_LENGTH = 17.57
"""mm, PDG 2022."""

ECAL_STEPS, HCAL_STEPS = 3, 4


@dataclass(frozen=True)
class Slab:
    """A part of a calorimeter that a muon crosses in one step.

    Attributes
    ----------
    module : int
        Number of the calorimeter part that fluctuates as one: 0 ECAL, 1 ... the HCAL modules.
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

    def cell(self, x: Array, y: Array) -> Array:
        """Return the channel of the cell at x, y (mm), -1 outside."""
        columns, rows = self.channels.shape
        ix = np.floor((x - self.x[0]) / (self.x[1] - self.x[0]) * columns)
        iy = np.floor((y - self.y[0]) / (self.y[1] - self.y[0]) * rows)
        inside = (ix >= 0) & (ix < columns) & (iy >= 0) & (iy < rows)
        return np.where(
            inside, self.channels[np.where(inside, ix, 0).astype(int), np.where(inside, iy, 0).astype(int)], -1
        )


def slabs(detector: Detector) -> tuple[Slab, ...]:
    """Return the ECAL (preshower, then the main part in steps) and the HCAL modules in steps, along the beam."""
    ecal, hcal = detector.ecal, detector.hcal
    result = []
    x = tuple((edge - ecal.beam_cell[0] - 0.5) * ecal.pitch for edge in (0, ecal.columns))
    y = tuple((edge - ecal.beam_cell[1] - 0.5) * ecal.pitch for edge in (0, ecal.rows))
    # the preshower is read out over the share of the depth that 4 of 40 radiation lengths take (published)
    first = 4.0 / ecal.radiation_lengths
    edges = [0.0, first, *(first + (1.0 - first) * np.arange(1, ECAL_STEPS + 1) / ECAL_STEPS)]
    for part, low, high in zip([ecal.preshower] + ECAL_STEPS * [ecal.main], edges[:-1], edges[1:], strict=True):
        share = high - low
        result.append(
            Slab(
                module=0,
                channels=detector.numbers(part).reshape(ecal.columns, ecal.rows),
                x=(x[0], x[1]),
                y=(y[0], y[1]),
                start=ecal.z + low * ecal.depth,
                stop=ecal.z + high * ecal.depth,
                matter={"lead": share * ECAL_LEAD, "scintillator": share * ECAL_SCINTILLATOR},
                radiation_lengths=share * ecal.radiation_lengths,
                visible=share * ecal.muon,
            )
        )
    half_x, half_y = 0.5 * hcal.columns * hcal.pitch, 0.5 * hcal.rows * hcal.pitch
    for number, (name, module) in enumerate(hcal.modules.items(), 1):
        channels = detector.numbers(name).reshape(hcal.columns, hcal.rows)
        result += [
            Slab(
                module=number,
                channels=channels,
                x=(-half_x, half_x),
                y=(-half_y, half_y),
                start=module.z + hcal.depth * step / HCAL_STEPS,
                stop=module.z + hcal.depth * (step + 1) / HCAL_STEPS,
                matter={"iron": hcal.iron / HCAL_STEPS, "scintillator": (hcal.depth - hcal.iron) / HCAL_STEPS},
                radiation_lengths=hcal.iron / HCAL_STEPS / IRON_RADIATION_LENGTH,
                visible=hcal.mip / HCAL_STEPS,
            )
            for step in range(HCAL_STEPS)
        ]
    return tuple(sorted(result, key=lambda slab: slab.start))


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
    detector: Detector,
    settings: Response,
    energy: Floats,
    rng: np.random.Generator,
) -> None:
    """Take muons through ECAL, VETO and HCAL, adding what they leave to `energy`, shape (N, channels), GeV."""
    if not len(muons.event):
        return
    parts = slabs(detector)
    count = len(muons.event)
    modules = 1 + len(detector.hcal.modules)
    visible = np.empty((modules, count))
    visible[0] = moyal(settings.landau, count, rng)
    visible[1:] = fluctuation(detector.hcal.mip_spread, (modules - 1, count), rng)
    straggling = fluctuation(settings.straggling, (modules, count), rng)
    total_lengths = sum(slab.radiation_lengths for slab in parts)
    veto_done = False
    for slab in parts:
        if not veto_done and slab.start >= detector.veto.z:
            _veto(muons, detector, settings, energy, rng)
            veto_done = True
        channel, path = cross(muons, slab, straggling[slab.module], total_lengths, rng)
        hit = channel >= 0
        np.add.at(energy, (muons.event[hit], channel[hit]), (slab.visible * visible[slab.module] * path)[hit])


def behind(muons: MuonState, detector: Detector) -> tuple[Array, Array]:
    """Tell which muons are under way behind the last HCAL module, and which of them come out of its back face.

    To be asked after `through_calorimeters`. The others have left a side of a calorimeter before, with less matter crossed.

    Returns
    -------
    downstream, exited : bool arrays of shape (M,)
    """
    hcal = detector.hcal
    end = max(module.z for module in hcal.modules.values()) + hcal.depth
    muons.drift_to(end)
    downstream = muons.at(end)
    inside = (np.abs(muons.x) < 0.5 * hcal.columns * hcal.pitch) & (np.abs(muons.y) < 0.5 * hcal.rows * hcal.pitch)
    return downstream, downstream & inside


def _veto(muons: MuonState, detector: Detector, settings: Response, energy: Floats, rng: np.random.Generator) -> None:
    """Cross the VETO: a Moyal fluctuation for the panel, attenuation along y and photon statistics for each end.

    Both ends are on the scale of the panel's energy, so that the geometric mean gives it back.
    """
    veto = detector.veto
    muons.drift_to(veto.z)
    panels = len(veto.panels)
    number = np.floor(muons.x / veto.width + 0.5 * panels).astype(int)
    hit = muons.at(veto.z) & (number >= 0) & (number < panels) & (np.abs(muons.y) < 0.5 * veto.height)
    deposit = veto.mip * moyal(settings.landau, len(number), rng) * muons.stretch
    photons = rng.normal(size=(2, len(number)))
    for end, sign in enumerate((1.0, -1.0)):
        channels = np.array([detector.channel_number[f"{pair[end]}.0.0"] for pair in veto.panels])
        seen = deposit * np.exp(sign * muons.y / settings.attenuation)
        seen = np.maximum(seen + photons[end] * np.sqrt(seen * veto.mip / settings.light_yield), 0.0)
        np.add.at(energy, (muons.event[hit], channels[number[hit]]), seen[hit])


def _loss(energy: Floats, matter: Mapping[str, float]) -> Floats:
    """Return the mean energy loss (GeV) of muons in a stack of materials (mm of each)."""
    from emiss.physics.passage.muons import mean_loss

    total = np.zeros_like(energy)
    for material, length in matter.items():
        total += mean_loss(energy, material) * length
    return total
