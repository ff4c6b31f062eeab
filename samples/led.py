"""The light of LEDs: a pulse in each channel of cells, in events of the type calibration."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from emiss.events.lists import Lists, offsets_of
from emiss.reco.detector.boards import by_channel

if TYPE_CHECKING:
    from emiss.calib.conditions import RunConditions
    from emiss.reco.detector.boards import Board
    from emiss.reco.detector.model import Detector
    from emiss.samples.config import LedProcess
    from emiss.samples.response import Hits

TRIGGER = "calibration"
"""The trigger bit of these events, where the set-up has one."""


def lit(
    hits: Hits, process: LedProcess, detector: Detector, conditions: RunConditions, rng: np.random.Generator
) -> Hits:
    """Return hits with the light of LEDs in all channels of each event beside what was there, and its trigger bit."""
    events, channels = len(hits.trigger), len(detector.channels)
    pedestal, gain = (conditions.get(type_, detector.channels) for type_ in ("sadc.pedestal", "sadc.gain"))
    largest = by_channel(detector.boards, _area) * (detector.full_scale - pedestal["even"])
    energy = process.light * largest * gain["gain"]
    light = 1.0 + process.flicker * rng.normal(size=(events, 1)) + process.spread * rng.normal(size=(events, channels))
    made = {
        "channel": np.tile(np.arange(channels, dtype=np.int32), events),
        "energy": (energy * np.maximum(light, 0.0)).ravel(),
        "time": np.zeros(events * channels),
    }
    there = hits.cells
    event = np.concatenate([np.repeat(np.arange(events), channels), there.parents])
    order = np.argsort(event, kind="stable")
    columns = {name: np.concatenate([values, there[name]])[order] for name, values in made.items()}
    cells = Lists(offsets_of(np.bincount(event, minlength=events)), columns)
    bits = detector.trigger_bits
    word = np.uint32(1 << bits[TRIGGER] if TRIGGER in bits else 0)
    return replace(hits, cells=cells, trigger=np.full(events, word, np.uint32))


def _area(board: Board) -> float:
    """Return the charge of a pulse over its height."""
    return float(np.e * board.pulse.rise / board.digitiser.period)
