"""What of one event can be drawn, as arrays: waveforms above their pedestal, cells, clusters, and the paths of tracks.

Pictures (`emiss.look.show`) and the page of `emiss look` are made of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emiss.reco.detector.boards import by_channel
from emiss.reco.parts.grid import Grid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emiss.calib.conditions import RunConditions
    from emiss.configs.arrays import Array, Floats, Ints
    from emiss.events.batch import Batch
    from emiss.events.table import EventTable
    from emiss.look.sources import One
    from emiss.reco.detector.model import Detector
    from emiss.reco.detector.spectrometers import Arm

BEHIND = 200.0
"""mm that a track is drawn on behind the last plane."""

POINTS = 100
"""Of the path of a track."""

STATE = ("x", "y", "tx", "ty", "q_over_p")


@dataclass(frozen=True)
class Waveforms:
    """The waveforms of one event.

    Attributes
    ----------
    channel, count : int arrays of shape (D,)
        Number of the channel, and of samples.
    period : array of shape (D,)
        ns between two samples.
    level : array of shape (D, S)
        ADC above the pedestal, which is the mean of the first samples, of even and odd ones apart; 0 behind the last one.
    """

    channel: Ints
    count: Ints
    period: Floats
    level: Floats

    @property
    def largest_first(self) -> Ints:
        """The order by height."""
        order: Ints = np.argsort(-self.level.max(axis=1, initial=0.0), kind="stable")
        return order


def waveforms(batch: Batch, detector: Detector) -> Waveforms | None:
    """Return the waveforms of a batch of one event; None where it has hits and no digits."""
    if batch.sadc is None:
        return None
    samples, count = batch.sadc["samples"].astype(float), batch.sadc["n_samples"]
    channel = batch.sadc["channel"]
    level = samples.copy()
    for parity in (0, 1):  # the first samples lie before the pulse
        level[:, parity::2] -= samples[:, parity:6:2].mean(axis=1)[:, None]
    level[np.arange(level.shape[1]) >= count[:, None]] = 0.0
    period = by_channel(detector.boards, lambda board: board.digitiser.period)[channel]
    return Waveforms(channel, count, period, level)


@dataclass(frozen=True)
class Deposits:
    """Energy in the cells of one event that are in its sums: channel number, GeV, ns relative to the reference; (C,) each."""

    channel: Ints
    energy: Floats
    time: Floats


def deposits(one: One, detector: Detector) -> Deposits:
    """Return the cells of an event: all of them from the run file, or those that the table lists."""
    from emiss.reco.calorimetry.sums import cells_of

    if one.batch is not None and one.conditions is not None:
        cells = cells_of(one.batch, detector, one.conditions)
        used = cells["used"]
        return Deposits(cells["channel"][used].astype(np.int64), cells["energy"][used], cells["time"][used])
    parts = [_listed(one.table, name, part, detector) for name, part in detector.of_kind(Grid).items()]
    none = Deposits(np.zeros(0, np.int64), np.zeros(0), np.zeros(0))
    found = [part for part in parts if part is not None] or [none]
    return Deposits(*(np.concatenate([getattr(part, key) for part in found]) for key in ("channel", "energy", "time")))


def _listed(table: EventTable, name: str, part: Grid, detector: Detector) -> Deposits | None:
    """Return the cells that a table lists of a calorimeter."""
    cells = table.lists.get(f"{name}_cells")
    if cells is None or not {"layer", "ix", "iy", "energy"} <= cells.columns.keys():
        return None
    layers = list(part.layers)
    places = zip(*(cells[key].tolist() for key in ("layer", "ix", "iy")), strict=True)
    names = [f"{layers[layer]}.{ix}.{iy}" for layer, ix, iy in places]
    channel = np.array([detector.channel_number[key] for key in names], np.int64)
    time = cells.columns.get("time", np.full(len(channel), np.nan))
    return Deposits(channel, cells["energy"].astype(float), np.asarray(time, float))


@dataclass(frozen=True)
class Path:
    """The path of a particle through a spectrometer: places in mm, and what is known of its momentum (GeV) and charge."""

    arm: str
    z: Floats
    x: Floats
    y: Floats
    p: float
    charge: float

    @property
    def said(self) -> str:
        """Charge and momentum in words."""
        return f"charge {self.charge:+.0f}, {self.p:.1f} GeV" if np.isfinite(self.p) else "straight"


def track_paths(table: EventTable, detector: Detector, conditions: RunConditions | None) -> list[Path]:
    """Return the paths of the tracks of one event through the fields of its run, in each spectrometer."""
    found: list[Path] = []
    for name, arm in detector.arms.items():
        tracks = table.lists.get(name)
        if tracks is None or not {*STATE, "p", "charge"} <= tracks.columns.keys():
            continue
        states = np.stack([tracks[key] for key in STATE], axis=1)
        found += paths(name, arm, conditions, states, tracks["p"], tracks["charge"])
    return found


def paths(
    name: str, arm: Arm, conditions: RunConditions | None, states: Array, p: Sequence[float] | Array, charge: Array
) -> list[Path]:
    """Return the paths of particles with states (N, 5) at the first plane of a spectrometer."""
    first, last = arm.planes[0].z, arm.planes[-1].z + BEHIND
    along = np.linspace(first, last, POINTS)
    states = np.array(states, float)
    states[:, 4] = np.nan_to_num(states[:, 4])  # straight tracks have no momentum
    field = arm.field
    if conditions is not None and arm.name:
        field = field.scaled(float(conditions.get("magnet.field", [arm.name])["scale"][0]))
    places = np.stack([field.transport(states, first, z)[0][:, :2] for z in along], axis=1)
    return [
        Path(name, along, place[:, 0], place[:, 1], float(momentum), float(sign))
        for place, momentum, sign in zip(places, p, charge, strict=True)
    ]


def spectrometer(detector: Detector) -> str | None:
    """Return the last spectrometer along the beam."""
    arms = detector.arms
    return max(arms, key=lambda name: arms[name].planes[0].z) if arms else None
