"""The fast detector response: from `Particles` to cells, points, trigger bits and truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emiss.events.lists import Lists, offsets_of
from emiss.reco.parts.counter import Counter
from emiss.reco.parts.grid import Grid
from emiss.reco.parts.modules import Modules
from emiss.reco.parts.panels import Panels
from emiss.samples.absorber import behind, moyal, through_calorimeters
from emiss.samples.beam_line import merged, through_upstream
from emiss.samples.muon_state import MuonState
from emiss.samples.particles import ELECTRON
from emiss.samples.shower import cell_energies
from emiss.samples.spectrometer import FirstPlane, through_spectrometer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.configs.arrays import Array
    from emiss.reco.detector.model import Detector
    from emiss.samples.config import Response
    from emiss.samples.particles import Particles
    from emiss.samples.setup import SetUp

POINTS = {"plane": "i2", "position": "f8", "charge": "f8", "time": "f8"}
"""Fields of points, as in `emiss.events.batch.Batch`."""

STORED = 0.1
"""Cells below this part of their detector's threshold are not stored."""

TRUTH: Mapping[str, tuple[str, str]] = {
    "pdg": ("1", "PDG code of the beam particle"),
    "e_beam": ("GeV", "energy of the beam particle"),
    "e_ecal": ("GeV", "energy that showers in the ECAL"),
    "e_lost": ("GeV", "energy of phi or neutrino"),
    "e_emission": ("GeV", "energy of the particle that gave the muons: electron, photon or hadron; 0 for none"),
    "n_mu": ("1", "muons produced"),
    "n_mu_exit": ("1", "muons that leave the last HCAL module through its back face"),
    "n_mu_downstream": ("1", "muons under way behind the last HCAL module, those that left a side before it included"),
    "n_mu_spec": ("1", "muons inside the first Micromegas"),
    "charge": ("e", "charge of the muon of highest energy; 0 for none"),
    "e_mu": ("GeV", "energy of the muon of highest energy at its production; 0 for none"),
    "e_mu2": ("GeV", "the same for the muon of second highest energy"),
    "z_mu": ("mm", "z of the production of the muons; 0 for none"),
    "theta_mu": ("rad", "angle to z of the muon of highest energy at its production"),
    "p_exit": ("GeV", "momentum of the muon of highest energy behind the last HCAL module; 0 if it stopped"),
    "p_spec": ("GeV", "momentum of the muon of highest energy at the first Micromegas; 0 if it is not there"),
    "x": ("mm", "x of the muon of highest energy at the first Micromegas"),
    "y": ("mm", "y of the muon of highest energy at the first Micromegas"),
    "tx": ("1", "dx/dz of the muon of highest energy at the first Micromegas"),
    "ty": ("1", "dy/dz of the muon of highest energy at the first Micromegas"),
}
"""Unit and meaning of the truth columns, by name without the prefix."""


@dataclass(frozen=True)
class Hits:
    """What the detector saw of N events.

    Attributes
    ----------
    cells, points : Lists
        As in `emiss.events.batch.Batch`.
    trigger : u4 array of shape (N,)
        Trigger bits: beam always, physics where its condition holds (recorded, not required).
    truth : mapping of name to array of shape (N,)
        The columns of `TRUTH`.
    """

    cells: Lists
    points: Lists
    trigger: Array
    truth: Mapping[str, Array]


def respond(
    particles: Particles,
    setup: SetUp,
    settings: Response,
    rng: np.random.Generator,
    *,
    field_scales: Mapping[str, float] | None = None,
) -> Hits:
    """Return what the detector sees of generated events.

    Parameters
    ----------
    particles : Particles
    setup : SetUp
    settings : Response
    rng : numpy Generator
        Its state alone decides the outcome.
    field_scales : mapping of spectrometer to float, optional
        Factors on the fields of their magnets, from the conditions; 1 where there is none.
    """
    detector, events = setup.detector, len(particles)
    scales = {} if field_scales is None else field_scales
    energy = np.zeros((events, len(detector.channels)))
    _counters(particles, setup, settings, energy, rng)
    target = detector.part_numbers(setup.target_name)
    energy[:, target] += cell_energies(setup, settings, particles.shower, particles.x, particles.y, rng)

    muons = MuonState.of(particles.muons)
    through_calorimeters(muons, setup, settings, energy, rng)
    downstream, exited = behind(muons, setup)
    p_exit = np.where(downstream, muons.momentum, 0.0)
    time = _times(setup, settings, events, rng)
    start = (time @ detector.reference) / detector.reference.sum()
    points, at_first = None, FirstPlane(*(np.zeros(len(muons.event)) for _ in range(5)))
    for number, (name, arm) in enumerate(setup.downstream.items()):
        seen, state = through_spectrometer(muons, arm, settings, start, scales.get(name, 1.0), rng)
        at_first = at_first if number else state
        points = seen if points is None else merged(points, seen)
    for name, arm in setup.upstream.items():
        seen = through_upstream(particles, arm, setup.target.z, settings, start, scales.get(name, 1.0), rng)
        points = seen if points is None else merged(points, seen)
    if points is None:
        points = Lists.empty(events, POINTS)

    kept = energy > STORED * thresholds(detector)
    row, channel = np.nonzero(kept)
    cells = Lists(
        offsets_of(np.bincount(row, minlength=events)),
        {"channel": channel.astype(np.int32), "energy": energy[kept], "time": time[kept]},
    )
    return Hits(
        cells, points, _trigger(setup, settings, energy), _truth(particles, downstream, exited, p_exit, at_first)
    )


def thresholds(detector: Detector) -> Array:
    """Return the threshold of the detector file for each channel, GeV, shape (channels,)."""
    return np.concatenate([np.full(len(part.channels()), part.threshold) for part in detector.read_out.values()])


def _counters(particles: Particles, setup: SetUp, settings: Response, energy: Array, rng: np.random.Generator) -> None:
    """Add one MIP in each counter of the beam and the synchrotron radiation (or the little a heavy particle leaves)."""
    events, number = len(particles), setup.detector.channel_number
    for name, mip in setup.counters.items():
        energy[:, number[f"{name}.0.0"]] += mip * moyal(settings.landau, events, rng)
    modules = np.array([number[f"{name}.0.0"] for name in setup.taggers], np.int64)
    shape = settings.synchrotron_shape
    light = rng.gamma(shape, settings.synchrotron / shape, size=(events, len(modules)))
    little = rng.exponential(settings.hadron_srd, size=(events, len(modules)))
    energy[:, modules] += np.where((particles.pdg == ELECTRON)[:, None], light, little)


def _times(setup: SetUp, settings: Response, events: int, rng: np.random.Generator) -> Array:
    """Return the time of each channel, shape (events, channels), ns: S0 relative to the trigger, others relative to S0.

    The flight times are calibrated away. Cells of one calorimeter or module and ends of one panel share their time.
    """
    detector = setup.detector
    groups: list[tuple[float, list[str]]] = [(settings.srd_time, [name]) for name in setup.taggers]
    parts = detector.read_out.values()
    groups += [(settings.counter_time, [name]) for part in parts if isinstance(part, Counter) for name in part.names()]
    groups += [(settings.ecal_time, list(part.names())) for part in parts if isinstance(part, Grid)]
    panels = [part for part in parts if isinstance(part, Panels)]
    groups += [(settings.veto_time, list(pair)) for part in panels for pair in part.elements.values()]
    modules = [name for part in parts if isinstance(part, Modules) for name in part.names()]
    groups += [(settings.hcal_time, [name]) for name in modules if name not in setup.taggers]
    number = {name: index for index, (_, names) in enumerate(groups) for name in names}
    group = np.array([number[name.partition(".")[0]] for name in detector.channels])
    drawn = rng.normal(size=(events, len(groups))) * np.array([rms for rms, _ in groups])
    time = drawn[:, group]
    phase = settings.clock_phase * (rng.random(events) - 0.5)
    counters = np.flatnonzero(detector.reference)
    if len(counters) == 1:
        time[:, counters[0]] = phase
    else:  # each has its own resolution, their mean is the start
        mean = (time @ detector.reference) / detector.reference.sum()
        time[:, counters] += (phase - mean)[:, None]
    return np.asarray(time)


def _trigger(setup: SetUp, settings: Response, energy: Array) -> Array:
    """Return the trigger bits: counters x preshower > 2 GeV x target < 95 GeV sets `physics`, `beam` is always set.

    Bits that the detector file does not name are not set.
    """
    detector = setup.detector
    first = energy[:, detector.numbers(next(iter(setup.target.layers)))].sum(axis=1)
    total = first
    for layer in list(setup.target.layers)[1:]:
        total = total + energy[:, detector.numbers(layer)].sum(axis=1)
    fired = (first > settings.physics_preshower) & (total < settings.physics_ecal)
    for part in detector.of_kind(Counter).values():
        for name in set(part.names()) & set(setup.counters):
            fired &= energy[:, detector.channel_number[f"{name}.0.0"]] > part.threshold
    bits = detector.trigger_bits
    word = np.full(len(energy), 1 << bits["beam"] if "beam" in bits else 0, np.uint32)
    if "physics" in bits:
        word |= fired.astype(np.uint32) << np.uint32(bits["physics"])
    return word


def _truth(
    particles: Particles, downstream: Array, exited: Array, p_exit: Array, first: FirstPlane
) -> dict[str, Array]:
    """Return the truth columns; `downstream` and `exited` are those of `absorber.behind`."""
    muons, events = particles.muons, len(particles)
    parents = muons.parents
    energy = muons["energy"]
    order = np.lexsort((-energy, parents))  # by event, highest energy first
    counts = muons.counts
    has, has_two = counts > 0, counts > 1
    leading = order[muons.offsets[:-1][has]]
    second = order[muons.offsets[:-1][has_two] + 1]

    def of(values: Array, rows: Array, where: Array) -> Array:
        result = np.zeros(events, values.dtype)
        result[where] = values[rows]
        return result

    return {
        "pdg": particles.pdg.astype(np.int32),
        "e_beam": particles.energy,
        "e_ecal": particles.shower,
        "e_lost": particles.lost,
        "e_emission": particles.emission,
        "n_mu": counts.astype(np.int32),
        "n_mu_exit": np.bincount(parents[exited], minlength=events).astype(np.int32),
        "n_mu_downstream": np.bincount(parents[downstream], minlength=events).astype(np.int32),
        "n_mu_spec": np.bincount(parents[first.momentum > 0], minlength=events).astype(np.int32),
        "charge": of(muons["charge"].astype(np.int32), leading, has),
        "e_mu": of(energy, leading, has),
        "e_mu2": of(energy, second, has_two),
        "z_mu": of(muons["z"], leading, has),
        "theta_mu": of(np.arctan(np.hypot(muons["tx"], muons["ty"])), leading, has),
        "p_exit": of(p_exit, leading, has),
        "p_spec": of(first.momentum, leading, has),
        "x": of(first.x, leading, has),
        "y": of(first.y, leading, has),
        "tx": of(first.tx, leading, has),
        "ty": of(first.ty, leading, has),
    }
