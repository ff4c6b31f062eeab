"""Events of the raw tier: hits with their digits, and between them what the DAQ writes of runs and spills."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.events.lists import Lists, offsets_of
from emiss.reco.formats.date.writing.encode import RawEvents
from emiss.samples.digitise import waveforms
from emiss.samples.digitise_trackers import strips, timed

if TYPE_CHECKING:
    from emiss.calib.conditions import RunConditions
    from emiss.events.batch import Batch
    from emiss.reco.detector.model import Detector
    from emiss.samples.config import Digitisation

START_OF_RUN, START_OF_BURST, END_OF_RUN = 1, 5, 2

COLUMNS = ("spill", "in_spill", "in_run", "time", "type", "trigger")


def digitised(
    batch: Batch, detector: Detector, conditions: RunConditions, settings: Digitisation, rng: np.random.Generator
) -> RawEvents:
    """Return the raw events of a batch of hits."""
    if batch.cells is None or batch.points is None:
        msg = "a simulated batch has hits"
        raise ValueError(msg)
    shared = (detector, conditions, settings, rng)
    return RawEvents(
        run=batch.run,
        **{name: batch.header[name].astype(np.int64) for name in COLUMNS},
        sadc=waveforms(batch.cells, *shared, batch.header),
        apv=strips(batch.points, *shared),
        tdc=timed(batch.points, *shared),
    )


def with_marks(events: RawEvents, start: int, of: int, per_spill: int) -> RawEvents:
    """Return raw events with start of run, starts of burst and end of run between them, as the DAQ writes them.

    Parameters
    ----------
    events : RawEvents
    start, of : int
        The number of the first of these events among all of the run, and how many there are in all.
    per_spill : int
        Events of a spill.
    """
    number = len(events)
    begins = np.flatnonzero(np.arange(start, start + number) % per_spill == 0)
    first, last = ([0] if start == 0 else []), ([number] if start + number == of else [])
    at = np.concatenate((first, begins, last)).astype(np.int64)
    kinds = np.array(
        [*[START_OF_RUN] * len(first), *[START_OF_BURST] * len(begins), *[END_OF_RUN] * len(last)], np.int64
    )
    near = np.minimum(at, number - 1)
    none = np.zeros(len(kinds), np.int64)
    marks = {
        "spill": np.where(kinds == START_OF_BURST, events.spill[near], 0),
        "in_spill": none,
        "in_run": none,
        "time": events.time[near],
        "type": kinds,
        "trigger": none,
    }

    def spread(lists: Lists) -> Lists:
        return Lists(offsets_of(np.insert(lists.counts, at, 0)), lists.columns)

    merged: dict[str, Any] = {name: np.insert(getattr(events, name), at, marks[name]) for name in COLUMNS}
    return replace(
        events,
        **merged,
        sadc=spread(events.sadc),
        apv=spread(events.apv),
        tdc=None if events.tdc is None else spread(events.tdc),
    )
