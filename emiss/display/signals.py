"""What a part has measured in an event, for a click on it: waveforms and their pulses, strips, wires and clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.configs.errors import UserError, did_you_mean
from emiss.display.event import number, numbers
from emiss.look.drawn import waveforms
from emiss.reco.calorimetry.sums import cells_of
from emiss.reco.tracking.clusters import clusters_of

if TYPE_CHECKING:
    from emiss.calib.conditions import RunConditions
    from emiss.events.batch import Batch
    from emiss.look.sources import One
    from emiss.reco.detector.model import Detector
    from emiss.reco.parts.tracker import Plane

MOST = 64
"""Waveforms that are shown of a part, largest first."""


def signals(one: One, detector: Detector, part: str) -> dict[str, Any]:
    """Return the digits or hits of a part.

    Raises
    ------
    UserError
        If the set-up has no such part, or the run file cannot be read.
    """
    if part not in detector.read_out and part not in detector.trackers:
        known = [*detector.read_out, *detector.trackers]
        raise UserError(f"no part '{part}' with read-out", hint=did_you_mean(part, known))
    batch, conditions = one.batch, one.conditions
    if batch is None or conditions is None:
        raise UserError(f"only the run file has waveforms and strips: {one.lacking}")
    if part in detector.trackers:
        planes = [(i, plane) for i, plane in enumerate(detector.planes) if plane.part == part]
        found = clusters_of(batch, detector, conditions)
        clusters = [found[name] for name in ("plane", "position", "charge", "time", "size")]
        return {"planes": [_plane(batch, detector, at, plane, clusters) for at, plane in planes]}
    return {"channels": _channels(batch, detector, conditions, part), "unit": "GeV"}


def _channels(batch: Batch, detector: Detector, conditions: RunConditions, part: str) -> list[dict[str, Any]]:
    """Return the channels of a part with a waveform or a hit, largest first."""
    own = set(detector.part_numbers(part).tolist())
    cells = cells_of(batch, detector, conditions)
    pulses: dict[int, list[dict[str, Any]]] = {}
    columns = (cells[name].tolist() for name in ("channel", "energy", "time", "used"))
    for channel, energy, time, used in zip(*columns, strict=True):
        if channel in own:
            pulses.setdefault(channel, []).append({"energy": number(energy), "time": number(time), "used": used})
    found = waveforms(batch, detector)
    if found is None:
        order = sorted(pulses, key=lambda channel: -max(pulse["energy"] or 0.0 for pulse in pulses[channel]))
        return [{"name": detector.channels[channel], "pulses": pulses[channel]} for channel in order[:MOST]]
    rows = [row for row in found.largest_first.tolist() if int(found.channel[row]) in own]
    return [
        {
            "name": detector.channels[int(found.channel[row])],
            "period": float(found.period[row]),
            "level": [round(float(level), 1) for level in found.level[row, : int(found.count[row])]],
            "pulses": pulses.get(int(found.channel[row]), []),
        }
        for row in rows[:MOST]
    ]


def _plane(batch: Batch, detector: Detector, at: int, plane: Plane, clusters: list[Any]) -> dict[str, Any]:
    """Return strips, wires and clusters of a plane, by their place in mm."""
    half = 0.5 * plane.strips * plane.pitch
    mine = clusters[0] == at
    return {
        "name": plane.name,
        "ends": [plane.centre - half, plane.centre + half],
        "pitch": plane.pitch,
        "strips": _strips(batch, detector, at, plane),
        "wires": _wires(batch, at, plane),
        "points": _points(batch, at),
        "clusters": [
            {"position": number(x), "charge": number(q), "time": number(t), "size": int(n)}
            for x, q, t, n in zip(*(values[mine].tolist() for values in clusters[1:]), strict=True)
        ],
    }


def _strips(batch: Batch, detector: Detector, at: int, plane: Plane) -> list[list[float | int | None]]:
    """Return place (mm) and largest amplitude (ADC) of all strips that a read-out channel with a signal reads."""
    if batch.apv is None or plane.timed:
        return []
    rows = batch.apv["plane"] == at
    height = np.zeros(plane.channels)
    samples = np.stack([batch.apv[name][rows] for name in ("a0", "a1", "a2")])
    np.maximum.at(height, batch.apv["wire"][rows], samples.max(axis=0))
    level = height[detector.wiring(plane)]
    strips = np.flatnonzero(level > 0)
    return [[number(x), number(y)] for x, y in zip(plane.position(strips), level[strips], strict=True)]


def _wires(batch: Batch, at: int, plane: Plane) -> list[list[float | int | None]]:
    """Return place (mm) and time (counts of the TDC) of the wires that have been hit."""
    if batch.tdc is None or not plane.timed:
        return []
    rows = batch.tdc["plane"] == at
    places = plane.position(batch.tdc["wire"][rows].astype(float))
    return [[number(x), number(t)] for x, t in zip(places, batch.tdc["time"][rows].tolist(), strict=True)]


def _points(batch: Batch, at: int) -> list[float | int | None]:
    """Return the places (mm) of simulated hits."""
    if batch.points is None:
        return []
    return numbers(batch.points["position"][batch.points["plane"] == at])
