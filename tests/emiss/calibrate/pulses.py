"""Pulses made by tests for derivations, in place of those that are measured."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from emiss.calibrate.calorimeters.cells import Pulses
from emiss.calibrate.frame import Options, Sums


class Batch(SimpleNamespace):
    """Events with their pulses."""

    def __len__(self):
        return len(self.header["spill"])


class Given:
    """Gives the pulses of a batch in the place of `Measuring`."""

    def begin_run(self, conditions):
        pass

    def __call__(self, batch):
        return batch.pulses


def pulses(charge, time=None):
    """Pulses of events and channels, arrays of shape (events, channels); NaN where there is none."""
    event, channel = np.nonzero(np.isfinite(charge))
    times = np.zeros(len(event)) if time is None else time[event, channel]
    return Pulses(event, channel, charge[event, channel], times, np.ones(len(event), bool))


def derived(kind, detector, conditions, batches, options=None):
    """Return what a kind finds in batches, each of which is a range of its own."""
    one = kind(detector, options or Options())
    one.begin_run(conditions)
    one._measure = Given()
    learned = None
    for turn in range(one.rounds + 1 if one.pilot else 1):
        parts = []
        for batch in batches:
            sums = one.empty(learned)
            one.add(batch, sums, learned)
            sums.read = sums.used = len(batch)
            sums.runs |= {6101}
            parts.append(sums)
        total = Sums.total(parts)
        if turn < one.rounds and one.pilot:
            learned = one.learn(total)
    return one.finish(total, learned)
