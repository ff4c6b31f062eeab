"""Digitisation of trackers: points to APV amplitudes on multiplexed channels and to counts of TDCs, with noise.

What the reconstruction does, undone: strip charge on the read-out channels, three samples whose ratio tells the time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.errors import UserError
from emiss.events.lists import Lists, offsets_of
from emiss.reco.formats.date.writing.encode import APV_SHIFT, no_hits
from emiss.reco.parts.technologies import measured
from emiss.reco.tracking.placement import Placement, read
from emiss.samples.walk.stations import TRUE

if TYPE_CHECKING:
    from emiss.calib.conditions import RunConditions
    from emiss.configs.arrays import Array, Floats, Ints
    from emiss.reco.detector.model import Detector
    from emiss.samples.config import Digitisation

STRIPS = 5
"""Strips around a point that are looked at."""

FIBRE = 1e-6
"""mm; fibres share no charge."""

FIRST_RATIO = 0.25
"""Size of the first sample over the second of an in-time pulse (illustrative; the timing does not use it)."""

LARGEST = tuple(mask << shift for mask, shift in zip((0xFF, 0xFF, 0x1FF), APV_SHIFT, strict=True))

DEAD, HOT = 1, 2
"""In the tables of status."""


def in_place(points: Lists, detector: Detector, conditions: RunConditions, rng: np.random.Generator) -> Lists:
    """Return points with the positions that planes see from where they are (`tracker.alignment`): without the shift.

    What a plane measures keeps its error; fibres and tubes are hit anew where the plane is turned or moved, as which one it is
    depends on that. Points that do not say where particles crossed the plane can be of planes that are shifted, no more.

    Raises
    ------
    UserError
        If those points are of straws that are not in their places, or of planes that are turned or moved along the beam.
    """
    planes = detector.planes
    placed = Placement.of(conditions, detector.plane_names)
    plane = points["plane"].astype(np.int64)
    columns = dict(points.columns)
    position = points["position"] - placed.shift[plane]
    known = all(name in columns for name in TRUE)
    if known:
        view = np.array([int(one.view == "y") for one in planes], np.int64)[plane]
        own, across, slope, slope_across, late = (columns[name] for name in TRUE)
        local = read(view, placed.rotation[plane], placed.z[plane], own, across, (slope, slope_across))
        local -= placed.shift[plane]
    inside = np.ones(len(plane), bool)
    for number, one in enumerate(planes):
        away = placed.rotation[number] != 0.0 or placed.z[number] != 0.0
        cells = one.technology == "hodoscope" or one.straw is not None
        rows = np.flatnonzero(plane == number)
        if not (away or (cells and placed.shift[number] != 0.0)) or not len(rows):
            continue
        if not known:
            if away or one.straw is not None:
                raise _not_simulated(one.name, placed, number, conditions)
            continue
        if not cells:
            position[rows] = points["position"][rows] - own[rows] + local[rows]
            continue
        told = measured(one, local[rows], rng)
        position[rows] = told.position
        if told.time is not None:
            columns["time"] = np.array(columns["time"])
            columns["time"][rows] = late[rows] + told.time
        inside[rows] = np.abs(local[rows] - one.centre) < 0.5 * one.strips * one.pitch
        if told.inside is not None:
            inside[rows] &= told.inside
    columns["position"] = position
    made = Lists(points.offsets, columns)
    return made if inside.all() else made.rows(inside)


def _not_simulated(name: str, placed: Placement, number: int, conditions: RunConditions) -> UserError:
    return UserError(
        f"these hits are those of planes where the detector file has them, and {name} is moved by {placed.shift[number]:g} mm, "
        f"turned by {1e3 * placed.rotation[number]:g} mrad and {placed.z[number]:g} mm further downstream",
        at=conditions.location("tracker.alignment", name),
        hint="simulate with an alignment of 0 mm",
    )


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
    Dead channels (`apv.status`) see nothing, hot ones have `hot_noise` times their noise in every event.
    """
    planes = detector.planes
    if any(one.timed for one in planes):
        points = points.rows(np.array([not one.timed for one in planes])[points["plane"]])
    points = in_place(points, detector, conditions, rng)
    own = [number for number, one in enumerate(planes) if not one.timed]
    widest = max((p.channels for p in planes), default=1) or 1
    gain, noise, status = _constants(detector, conditions, own, widest)
    event, channel, charge, time = _shared(points, detector, settings, widest)
    per_event = len(planes) * widest
    always = np.flatnonzero(((status == HOT) | settings.all_channels) & (noise > 0.0) & (status != DEAD))
    quiet = (np.arange(len(points))[:, None] * per_event + always).ravel()
    # one digit per read-out channel and event
    key, inverse = np.unique(np.concatenate([event * per_event + channel, quiet]), return_inverse=True)
    inverse = inverse.ravel()[: len(charge)]
    event, channel = key // per_event, key % per_event
    total = np.bincount(inverse, charge, len(key))
    when = np.bincount(inverse, charge * time, len(key)) / np.maximum(total, 1e-12)
    plane = channel // widest
    timing = {name: np.ones(len(planes)) for name in ("t0", "r0", "a0")}
    for name, values in conditions.get("apv.time", [planes[number].name for number in own]).items():
        timing[name][own] = values
    third = total * gain[channel]
    second = third * timing["r0"][plane] / (1.0 + np.exp((when - timing["t0"][plane]) / timing["a0"][plane]))
    frames = np.stack([FIRST_RATIO * second, second, third])
    shaken = np.where(status == HOT, settings.hot_noise, 1.0) * noise
    frames += shaken[channel] * rng.normal(size=frames.shape)
    amplitudes = [
        (np.clip(np.rint(frame), 0, largest).astype(np.int16) >> low) << low
        for frame, largest, low in zip(frames, LARGEST, APV_SHIFT, strict=True)
    ]
    kept = np.max(amplitudes, axis=0) > settings.strip_threshold * noise[channel]
    kept &= status[channel] != DEAD
    columns: dict[str, Array] = {
        "plane": plane[kept].astype(np.int16),
        "wire": (channel % widest)[kept].astype(np.int16),
        **{f"a{frame}": values[kept] for frame, values in enumerate(amplitudes)},
    }
    return Lists(offsets_of(np.bincount(event[kept], minlength=len(points))), columns)


def _constants(
    detector: Detector, conditions: RunConditions, own: list[int], widest: int
) -> tuple[Floats, Floats, Floats]:
    """Return gain, noise (0 where there is no channel) and status of the channels of the planes `own`, by plane and wire."""
    planes = detector.planes
    where = np.array([number * widest + wire for number in own for wire in range(planes[number].channels)], np.int64)
    names = [f"{planes[number].name}.{wire}" for number in own for wire in range(planes[number].channels)]
    found = []
    for type_, column in (("apv.gain", "gain"), ("apv.gain", "noise"), ("apv.status", "status")):
        values = np.zeros(len(planes) * widest)
        values[where] = conditions.get(type_, names)[column]
        found.append(values)
    gain, noise, status = found
    return gain, noise, status


def _shared(
    points: Lists, detector: Detector, settings: Digitisation, widest: int
) -> tuple[Ints, Ints, Floats, Floats]:
    """Return how points are shared among channels: event, channel (plane * widest + wire), charge and time of each share."""
    from scipy.special import ndtr

    planes = detector.planes
    plane = points["plane"].astype(np.int64)
    pitch = np.array([p.pitch for p in planes])[plane]
    count = np.array([p.strips for p in planes])[plane]
    edge = np.array([float(p.position(np.zeros(1))[0]) - 0.5 * p.pitch for p in planes])[plane]
    place = (points["position"] - edge) / pitch  # in strips from the edge of strip 0
    strip = np.floor(place).astype(np.int64)[:, None] + np.arange(STRIPS) - STRIPS // 2
    spread = [FIBRE if p.technology == "hodoscope" else settings.strip_spread for p in planes]
    width = (np.array(spread)[plane] / pitch)[:, None]
    share = ndtr((strip + 1 - place[:, None]) / width) - ndtr((strip - place[:, None]) / width)
    inside = (strip >= 0) & (strip < count[:, None])
    channel_of = np.full((len(planes), max((p.strips for p in planes), default=1)), -1, np.int64)
    for number, p in enumerate(planes):
        channel_of[number, : p.strips] = detector.wiring(p)
    wire = channel_of[plane[:, None], np.where(inside, strip, 0)]
    charge = points["charge"][:, None] * share
    time = np.broadcast_to(points["time"][:, None], charge.shape)
    event = np.broadcast_to(points.parents[:, None], charge.shape)
    return event[inside], (plane[:, None] * widest + wire)[inside], charge[inside], time[inside]


def timed(
    points: Lists,
    detector: Detector,
    conditions: RunConditions,
    settings: Digitisation | None = None,
    rng: np.random.Generator | None = None,
) -> Lists:
    """Return the TDC hits of points: plane, wire, time (counts).

    What comes in the dead time after another hit of its channel is lost, and so are times outside the range of the TDC. Dead
    wires (`tdc.status`) have no hits; noisy ones have `noisy_hits` more at any time, with settings and random numbers.

    Raises
    ------
    UserError
        As `in_place`.
    """
    planes = detector.planes
    if not detector.timed:
        return no_hits(len(points))
    points = points.rows(np.array([one.timed for one in planes])[points["plane"]])
    points = in_place(points, detector, conditions, np.random.default_rng(0) if rng is None else rng)
    plane, event, time = points["plane"].astype(np.int64), points.parents, points["time"]
    first = np.array([float(one.position(np.zeros(1))[0]) for one in planes])
    pitch, wires = (np.array(values) for values in ([one.pitch for one in planes], [one.strips for one in planes]))
    wire = np.rint((points["position"] - first[plane]) / pitch[plane]).astype(np.int64)
    inside = (wire >= 0) & (wire < wires[plane])
    plane, event, time, wire = plane[inside], event[inside], time[inside], wire[inside]
    if settings is not None and rng is not None:
        more = _noise_of_wires(len(points), detector, conditions, settings.noisy_hits, rng)
        plane, event, time, wire = (np.concatenate(pair) for pair in zip((plane, event, time, wire), more, strict=True))
    tdcs = [detector.tdc(one) if one.timed else None for one in planes]
    width, dead, full = (
        np.array(values)[plane]
        for values in (
            [1.0 if one is None else one.bin for one in tdcs],
            [0.0 if one is None else one.dead_time for one in tdcs],
            [0 if one is None else 1 << one.bits for one in tdcs],
        )
    )
    names = [f"{planes[p].name}.{w}" for p, w in zip(plane.tolist(), wire.tolist(), strict=True)]
    t0 = conditions.get("tdc.time", names)["t0"]
    count = np.floor((time + t0) / width + 0.5).astype(np.int64)
    good = (conditions.get("tdc.status", names)["status"] != DEAD) & (count >= 0) & (count < full)
    order = np.lexsort((time, wire, plane, event))
    same = np.ones(len(order), bool)
    for values in (wire, plane, event):
        same &= np.diff(values[order], prepend=-1) == 0
    late = np.diff(time[order], prepend=0.0)
    kept = order[~(same & (late < dead[order])) & good[order]]
    columns: dict[str, Array] = {
        "plane": plane[kept].astype(np.int16),
        "wire": wire[kept].astype(np.int16),
        "time": count[kept].astype(np.int32),
    }
    return Lists(offsets_of(np.bincount(event[kept], minlength=len(points))), columns)


def _noise_of_wires(
    events: int, detector: Detector, conditions: RunConditions, mean: float, rng: np.random.Generator
) -> tuple[Ints, Ints, Floats, Ints]:
    """Return plane, event, time (ns) and wire of the hits of noisy wires, at any time in the range of their TDC."""
    found: list[tuple[Ints, Ints, Floats, Ints]] = []
    for number, one in enumerate(detector.planes):
        if not one.timed:
            continue
        names = [f"{one.name}.{wire}" for wire in range(one.strips)]
        noisy = np.flatnonzero(conditions.get("tdc.status", names)["status"] == HOT)
        t0 = conditions.get("tdc.time", names)["t0"]
        hits = rng.poisson(mean, (events, len(noisy)))
        event, which = (
            np.repeat(values, hits.ravel()) for values in np.divmod(np.arange(hits.size), max(len(noisy), 1))
        )
        wire = noisy[which] if len(noisy) else which
        time = rng.random(len(wire)) * detector.tdc(one).range - t0[wire]
        found.append((np.full(len(wire), number), event, time, wire))
    plane, event, time, wire = (np.concatenate(values) for values in zip(*found, strict=True))
    return plane, event, time, wire
