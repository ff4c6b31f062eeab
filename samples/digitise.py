"""Digitisation: hits to samples of waveforms and APV amplitudes, with the constants of the conditions in reverse.

What the reconstruction does, undone: waveform = pedestal + noise + charge * pulse, strip charge on the multiplexed
channels, three samples whose ratio tells the time; counts of TDCs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.errors import UserError
from emiss.events.lists import Lists, offsets_of
from emiss.reco.detector.boards import board_numbers
from emiss.reco.formats.date.writing.encode import APV_SHIFT, no_hits

if TYPE_CHECKING:
    from emiss.calib.conditions import RunConditions
    from emiss.configs.arrays import Array
    from emiss.reco.detector.boards import Board
    from emiss.reco.detector.model import Detector
    from emiss.samples.config import Digitisation

STRIPS = 5
"""Strips around a point that are looked at."""

FIBRE = 1e-6
"""mm; fibres share no charge."""

FIRST_RATIO = 0.25
"""Size of the first sample over the second of an in-time pulse (illustrative; the timing does not use it)."""

LARGEST = tuple(mask << shift for mask, shift in zip((0xFF, 0xFF, 0x1FF), APV_SHIFT, strict=True))


def waveforms(
    cells: Lists,
    detector: Detector,
    conditions: RunConditions,
    settings: Digitisation,
    rng: np.random.Generator,
) -> Lists:
    """Return the waveforms of cells: channel, samples, n_samples; channels below the zero suppression are left out.

    Parameters
    ----------
    cells : Lists
        channel, energy (GeV), time (ns relative to the reference; that of its counters is relative to the trigger).
    """
    names = detector.channels
    pedestal = conditions.get("sadc.pedestal", names)
    gain = conditions.get("sadc.gain", names)["gain"]
    offset = conditions.get("sadc.time", names)["offset"]
    channel, event = cells["channel"], cells.parents
    zero = start_times(cells, detector.reference)
    start = offset[channel] + cells["time"] + np.where(detector.reference[channel] > 0, 0.0, zero[event])
    charge = cells["energy"] / gain[channel]
    samples = np.zeros((len(channel), detector.samples), np.uint16)
    count, kept = np.empty(len(channel), np.uint16), np.empty(len(channel), bool)
    number = board_numbers(detector.boards)[channel]
    for position, board in enumerate(detector.boards):
        rows = np.flatnonzero(number == position)
        own = channel[rows]
        count[rows] = length = board.digitiser.samples
        base = np.where(np.arange(length) % 2, pedestal["odd"][own, None], pedestal["even"][own, None])
        pulse = charge[rows, None] * _shape(board, start[rows])
        noise = pedestal["sigma"][own, None] * rng.normal(size=pulse.shape)
        made = np.clip(np.rint(base + noise + pulse), 0, board.digitiser.full_scale).astype(np.uint16)
        samples[rows, :length] = made
        kept[rows] = (made - base).max(axis=1) > settings.zero_suppression * pedestal["sigma"][own]
    return Lists(cells.offsets, {"channel": channel, "samples": samples, "n_samples": count}).rows(kept)


def start_times(cells: Lists, weights: Array) -> Array:
    """Return the time of the reference in each event, ns: the mean over its counters that have a cell, 0 without any."""
    weight = weights[cells["channel"]]
    total = np.bincount(cells.parents, weight * cells["time"], len(cells))
    norm = np.bincount(cells.parents, weight, len(cells))
    return np.divide(total, norm, out=np.zeros(len(cells)), where=norm > 0)


def _shape(board: Board, start: Array) -> Array:
    """Return the samples of pulses of charge 1 that start at `start` (ns), shape (pulses, samples)."""
    digitiser, rise = board.digitiser, board.pulse.rise
    u = (np.arange(digitiser.samples) * digitiser.period - start[:, None]) / rise
    # (t/rise) exp(1 - t/rise) has the integral e rise: divided by it and times the period, the samples sum to 1
    shape: Array = np.where(u > 0, u * np.exp(-np.maximum(u, 0.0)), 0.0) * digitiser.period / rise
    return shape


def strips(
    points: Lists,
    detector: Detector,
    conditions: RunConditions,
    settings: Digitisation,
    rng: np.random.Generator,
) -> Lists:
    """Return the APV digits of points: plane, wire (read-out channel), a0, a1, a2, without those below threshold.

    The charge is shared by a Gaussian of rms `strip_spread` around the point, or stays in one fibre. Points of one
    read-out channel add up. The third sample is the amplitude; the second follows from the time by the ratio of `apv.time`.
    """
    from scipy.special import ndtr

    planes = detector.planes
    if any(one.timed for one in planes):
        points = points.rows(np.array([not one.timed for one in planes])[points["plane"]])
    plane = points["plane"].astype(np.int64)
    pitch = np.array([p.pitch for p in planes])[plane]
    count = np.array([p.strips for p in planes])[plane]
    shift = conditions.get("tracker.alignment", detector.plane_names)["shift"][plane]
    edge = np.array([float(p.position(np.zeros(1))[0]) - 0.5 * p.pitch for p in planes])[plane]
    place = (points["position"] - shift - edge) / pitch  # in strips from the edge of strip 0
    strip = np.floor(place).astype(np.int64)[:, None] + np.arange(STRIPS) - STRIPS // 2
    spread = [FIBRE if p.technology == "hodoscope" else settings.strip_spread for p in planes]
    width = (np.array(spread)[plane] / pitch)[:, None]
    share = ndtr((strip + 1 - place[:, None]) / width) - ndtr((strip - place[:, None]) / width)
    inside = (strip >= 0) & (strip < count[:, None])
    widest = max((p.strips for p in planes), default=1)
    channel_of = np.full((len(planes), widest), -1, np.int64)
    for number, p in enumerate(planes):
        channel_of[number, : p.strips] = detector.wiring(p)
    wire = channel_of[plane[:, None], np.where(inside, strip, 0)]
    charge = np.where(inside, points["charge"][:, None] * share, 0.0)
    time = np.broadcast_to(points["time"][:, None], charge.shape)
    event = np.broadcast_to(points.parents[:, None], charge.shape)
    # one digit per read-out channel and event
    channels = max((p.channels for p in planes), default=1) or 1
    key = ((event * len(planes) + plane[:, None]) * channels + wire)[inside]
    unique, inverse = np.unique(key, return_inverse=True)
    total = np.bincount(inverse, charge[inside], len(unique))
    when = np.bincount(inverse, (charge * time)[inside], len(unique)) / np.maximum(total, 1e-12)
    wire, rest = unique % channels, unique // channels
    plane, event = rest % len(planes), rest // len(planes)
    names = [f"{detector.plane_names[p]}.{w}" for p, w in zip(plane.tolist(), wire.tolist(), strict=True)]
    constants = conditions.get("apv.gain", names)
    timing = {name: np.ones(len(planes)) for name in ("t0", "r0", "a0")}
    own = [number for number, one in enumerate(planes) if not one.timed]
    for name, values in conditions.get("apv.time", [planes[number].name for number in own]).items():
        timing[name][own] = values
    third = total * constants["gain"]
    second = third * timing["r0"][plane] / (1.0 + np.exp((when - timing["t0"][plane]) / timing["a0"][plane]))
    frames = np.stack([FIRST_RATIO * second, second, third])
    frames += constants["noise"] * rng.normal(size=frames.shape)
    amplitudes = [
        (np.clip(np.rint(frame), 0, largest).astype(np.int16) >> low) << low
        for frame, largest, low in zip(frames, LARGEST, APV_SHIFT, strict=True)
    ]
    kept = np.max(amplitudes, axis=0) > settings.strip_threshold * constants["noise"]
    kept &= conditions.get("apv.status", names)["status"] == 0
    columns: dict[str, Array] = {
        "plane": plane[kept].astype(np.int16),
        "wire": wire[kept].astype(np.int16),
        **{f"a{frame}": values[kept] for frame, values in enumerate(amplitudes)},
    }
    return Lists(offsets_of(np.bincount(event[kept], minlength=len(points))), columns)


def timed(points: Lists, detector: Detector, conditions: RunConditions) -> Lists:
    """Return the TDC hits of points: plane, wire, time (counts).

    What comes in the dead time after another hit of its channel is lost, and so are times outside the range of the TDC.

    Raises
    ------
    UserError
        If the alignment moves straws: drift times are those of wires at their places.
    """
    planes = detector.planes
    if not detector.timed:
        return no_hits(len(points))
    points = points.rows(np.array([one.timed for one in planes])[points["plane"]])
    plane, event = points["plane"].astype(np.int64), points.parents
    pitch, first, strips_of = (
        np.array(values)[plane]
        for values in (
            [one.pitch for one in planes],
            [float(one.position(np.zeros(1))[0]) for one in planes],
            [one.strips for one in planes],
        )
    )
    tdcs = [detector.tdc(one) if one.timed else None for one in planes]
    width, dead, full = (
        np.array(values)[plane]
        for values in (
            [1.0 if one is None else one.bin for one in tdcs],
            [0.0 if one is None else one.dead_time for one in tdcs],
            [0 if one is None else 1 << one.bits for one in tdcs],
        )
    )
    shift = conditions.get("tracker.alignment", detector.plane_names)["shift"]
    for one, moved in zip(planes, shift.tolist(), strict=True):
        if one.straw is not None and moved != 0.0:
            raise UserError(
                f"straws are simulated where the detector file has them, and {one.name} is moved by {moved:g} mm",
                at=conditions.location("tracker.alignment", one.name),
                hint="simulate with an alignment of 0 mm",
            )
    wire = np.rint((points["position"] - shift[plane] - first) / pitch).astype(np.int64)
    names = [f"{planes[p].name}.{w}" for p, w in zip(plane.tolist(), wire.tolist(), strict=True)]
    t0 = conditions.get("tdc.time", names)["t0"]
    good = conditions.get("tdc.status", names)["status"] == 0
    count = np.floor((points["time"] + t0) / width + 0.5).astype(np.int64)
    good &= (wire >= 0) & (wire < strips_of) & (count >= 0) & (count < full)
    order = np.lexsort((points["time"], wire, plane, event))
    same = np.ones(len(order), bool)
    for values in (wire, plane, event):
        same &= np.diff(values[order], prepend=-1) == 0
    late = np.diff(points["time"][order], prepend=0.0)
    kept = order[~(same & (late < dead[order])) & good[order]]
    columns: dict[str, Array] = {
        "plane": plane[kept].astype(np.int16),
        "wire": wire[kept].astype(np.int16),
        "time": count[kept].astype(np.int32),
    }
    return Lists(offsets_of(np.bincount(event[kept], minlength=len(points))), columns)
