"""Digitisation: hits to samples of waveforms and APV amplitudes, with the constants of the conditions in reverse.

What the reconstruction does, undone: waveform = pedestal + noise + charge * pulse, strip charge on the multiplexed
channels, three samples whose ratio tells the time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.errors import Location, UserError
from emiss.events.lists import Lists, offsets_of
from emiss.reco.detector.boards import board_numbers
from emiss.reco.formats.date.writing.encode import APV_SHIFT

if TYPE_CHECKING:
    from emiss.calib.conditions import RunConditions
    from emiss.configs.arrays import Array
    from emiss.reco.detector.boards import Board
    from emiss.reco.detector.model import Detector
    from emiss.samples.config import Digitisation

STRIPS = 5
"""Strips around a point that are looked at."""

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

    The charge is shared by a Gaussian of rms `strip_spread` around the point. Points that light the same read-out channel
    add up. The third sample is the amplitude; the second follows from the time by the ratio of `apv.time`.
    """
    from scipy.special import ndtr

    planes = detector.planes
    for one in planes:
        if one.technology == "hodoscope":
            raise UserError(
                f"the raw format of {one.technology} planes ({one.part}) is not public: simulate hits, to a .root file",
                at=Location(str(detector.file)),
            )
    plane = points["plane"].astype(np.int64)
    pitch = np.array([p.pitch for p in planes])[plane]
    count = np.array([p.strips for p in planes])[plane]
    shift = conditions.get("tracker.alignment", detector.plane_names)["shift"][plane]
    edge = np.array([float(p.position(np.zeros(1))[0]) - 0.5 * p.pitch for p in planes])[plane]
    place = (points["position"] - shift - edge) / pitch  # in strips from the edge of strip 0
    strip = np.floor(place).astype(np.int64)[:, None] + np.arange(STRIPS) - STRIPS // 2
    width = settings.strip_spread / pitch[:, None]
    share = ndtr((strip + 1 - place[:, None]) / width) - ndtr((strip - place[:, None]) / width)
    inside = (strip >= 0) & (strip < count[:, None])
    widest = max(p.strips for p in planes)
    channel_of = np.full((len(planes), widest), -1, np.int64)
    for number, p in enumerate(planes):
        channel_of[number, : p.strips] = detector.wiring(p)
    wire = channel_of[plane[:, None], np.where(inside, strip, 0)]
    charge = np.where(inside, points["charge"][:, None] * share, 0.0)
    time = np.broadcast_to(points["time"][:, None], charge.shape)
    event = np.broadcast_to(points.parents[:, None], charge.shape)
    # one digit per read-out channel and event
    channels = max(p.channels for p in planes)
    key = ((event * len(planes) + plane[:, None]) * channels + wire)[inside]
    unique, inverse = np.unique(key, return_inverse=True)
    total = np.bincount(inverse, charge[inside], len(unique))
    when = np.bincount(inverse, (charge * time)[inside], len(unique)) / np.maximum(total, 1e-12)
    wire, rest = unique % channels, unique // channels
    plane, event = rest % len(planes), rest // len(planes)
    names = [f"{detector.plane_names[p]}.{w}" for p, w in zip(plane.tolist(), wire.tolist(), strict=True)]
    constants = conditions.get("apv.gain", names)
    timing = conditions.get("apv.time", detector.plane_names)
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
