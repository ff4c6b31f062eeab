"""Digitisation: hits to MSADC samples and APV amplitudes, with the constants of the conditions in reverse.

What the reconstruction does, undone: waveform = pedestal + noise + charge * pulse, strip charge on the multiplexed
channels, three samples whose ratio tells the time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.errors import Location, UserError
from emiss.events.lists import Lists, offsets_of
from emiss.reco.formats.date.writing.encode import APV_SHIFT

if TYPE_CHECKING:
    from emiss.calib.conditions import RunConditions
    from emiss.configs.arrays import Array
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
    """Return the MSADC digits of cells: channel, samples; channels below the zero suppression are left out.

    Parameters
    ----------
    cells : Lists
        channel, energy (GeV), time (ns relative to S0; S0's own is relative to the trigger).
    """
    names = detector.channels
    pedestal = conditions.get("sadc.pedestal", names)
    gain = conditions.get("sadc.gain", names)["gain"]
    offset = conditions.get("sadc.time", names)["offset"]
    channel, event = cells["channel"], cells.parents
    reference = channel == detector.reference
    zero = np.zeros(len(cells))
    zero[event[reference]] = cells["time"][reference]
    start = offset[channel] + cells["time"] + np.where(reference, 0.0, zero[event])
    count = detector.digitiser.samples
    u = (np.arange(count) * detector.digitiser.period - start[:, None]) / detector.digitiser.pulse.rise
    # (t/rise) exp(1 - t/rise) has the integral e rise: divided by it and times the period, the samples sum to 1
    shape = (
        np.where(u > 0, u * np.exp(-np.maximum(u, 0.0)), 0.0)
        * detector.digitiser.period
        / detector.digitiser.pulse.rise
    )
    pulse = (cells["energy"] / gain[channel])[:, None] * shape
    base = np.where(np.arange(count) % 2, pedestal["odd"][channel, None], pedestal["even"][channel, None])
    noise = pedestal["sigma"][channel, None] * rng.normal(size=pulse.shape)
    top = detector.digitiser.full_scale
    samples = np.clip(np.rint(base + noise + pulse), 0, top).astype(np.uint16)
    kept = (samples - base).max(axis=1) > settings.zero_suppression * pedestal["sigma"][channel]
    return Lists(cells.offsets, {"channel": channel, "samples": samples}).rows(kept)


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
