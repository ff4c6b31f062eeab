"""Digits of the strips that APVs read, for derivations: which read-out channels are lit beside each other in an event.

A channel reads several strips, far from each other; a particle lights strips side by side, noise a channel alone. So a channel
of which both neighbours of one of its strips are lit, and none higher, is the peak of a cluster at that strip.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from emiss.configs.errors import UserError

if TYPE_CHECKING:
    from emiss.configs.arrays import Array, Bools, Floats, Ints
    from emiss.events.batch import Batch
    from emiss.reco.detector.model import Detector


class Lit(NamedTuple):
    """Channels that are lit in a batch, those of each event together; arrays of shape (D,).

    Attributes
    ----------
    event, plane, channel : int arrays
        `plane` counts the planes of `Strips`, `channel` goes through all planes of the detector.
    samples : int array of shape (D, 3)
    alone : bool array
        No strip beside one of the channel's is lit.
    peak : int array
        The strip, counted through the planes of `Strips`, that a cluster peaks at; -1 for none.
    """

    event: Ints
    plane: Ints
    channel: Ints
    samples: Ints
    alone: Bools
    peak: Ints


class Strips:
    """The strips of the planes that APVs read, of some parts or of all; a UserError says that there are none.

    Attributes
    ----------
    planes : int array of shape (P,)
        Their numbers in the detector.
    channels : tuple of str
        All read-out channels of the detector, named PLANE.WIRE.
    own : int array
        Rows of `channels` that are of these planes.
    plane_of, channel_of : int arrays of shape (strips,)
        Of each strip: row of `planes` and of `channels`.
    first : int array of shape (P + 1,)
        The first strip of each plane.
    """

    def __init__(self, detector: Detector, parts: tuple[str, ...] = ()) -> None:
        planes = detector.planes
        self.planes = np.flatnonzero(
            [not one.timed and one.channels > 0 and (not parts or one.part in parts) for one in planes]
        )
        if not len(self.planes):
            of = f"'{', '.join(parts)}' in " if parts else ""
            raise UserError(f"{of}the set-up {detector.name} has no strips that APVs read")
        self._base = np.concatenate(([0], np.cumsum([one.channels for one in planes])))
        self.channels = tuple(f"{one.name}.{wire}" for one in planes for wire in range(one.channels))
        self.own = np.concatenate(
            [np.empty(0, np.int64), *(np.arange(self._base[p], self._base[p + 1]) for p in self.planes)]
        )
        self._number = np.full(len(planes), -1, np.int64)
        self._number[self.planes] = np.arange(len(self.planes))
        wired = [self._base[p] + detector.wiring(planes[p]) for p in self.planes]
        self.channel_of = np.concatenate([np.empty(0, np.int64), *wired]).astype(np.int64)
        sizes = [len(one) for one in wired]
        self.first = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
        self.plane_of = np.repeat(np.arange(len(sizes)), sizes)
        self._strips = self._by_channel()
        left, right = np.full((2, len(self.channel_of) + 1), len(self.channels), np.int64)
        side = np.flatnonzero(np.diff(self.plane_of) == 0)
        left[side + 1], right[side] = self.channel_of[side], self.channel_of[side + 1]
        self._left, self._right = left[self._strips], right[self._strips]  # of no strip: the channel behind all

    def _by_channel(self) -> Ints:
        """Return the strips of each channel, shape (channels, most); the number of strips stands for none."""
        count = np.bincount(self.channel_of, minlength=len(self.channels))
        made = np.full((len(count), max(int(count.max(initial=1)), 1)), len(self.channel_of), np.int64)
        order = np.argsort(self.channel_of, kind="stable")
        place = np.arange(len(order)) - np.repeat(np.cumsum(count) - count, count)
        made[self.channel_of[order], place] = order
        return made

    def first_samples(self, batch: Batch) -> tuple[Ints, Ints, Ints, Ints]:
        """Return event, channel, first and largest sample of all digits of these planes."""
        digits = batch.apv
        assert digits is not None  # noqa: S101 - raw files have digits
        rows = np.flatnonzero(self._number[digits["plane"]] >= 0)
        channel = self._base[digits["plane"][rows].astype(np.int64)] + digits["wire"][rows]
        samples = [digits[f"a{k}"][rows].astype(np.int64) for k in range(3)]
        return digits.parents[rows], channel, samples[0], np.maximum(np.maximum(*samples[:2]), samples[2])

    def __call__(self, batch: Batch, floor: Floats, ratio: Floats | None = None) -> Lit:
        """Return the channels of a batch whose largest sample is above a floor, shape (channels,).

        With ratios of second to third samples, shape (P,), the highest of a cluster is that of most charge by both samples,
        so that noise moves no ratio.
        """
        digits = batch.apv
        assert digits is not None  # noqa: S101 - raw files have digits
        plane = self._number[digits["plane"]]
        channel = self._base[digits["plane"].astype(np.int64)] + digits["wire"]
        samples = np.column_stack([digits[f"a{k}"] for k in range(3)]).astype(np.int64).reshape(-1, 3)
        height = samples.max(axis=1, initial=0)
        rows = np.flatnonzero((plane >= 0) & (height > floor[channel]))
        event, plane, channel, samples, height = (
            one[rows] for one in (digits.parents, plane, channel, samples, height)
        )
        high = np.zeros((len(batch), len(self.channels) + 1))
        height = height if ratio is None else samples[:, 2] + ratio[plane] * samples[:, 1]
        high[event, channel] = height
        left, right = high[event[:, None], self._left[channel]], high[event[:, None], self._right[channel]]
        alone = ~((left > 0) | (right > 0)).any(axis=1)
        own = height[:, None]
        top = (left > 0) & (right > 0) & (own >= left) & (own >= right)
        strip = np.take_along_axis(self._strips[channel], top.argmax(axis=1)[:, None], axis=1)[:, 0]
        return Lit(event, plane, channel, samples, alone, np.where(top.any(axis=1), strip, -1))

    def sums(self, of_strips: Array) -> Array:
        """Return for each read-out channel of the detector the sum over its strips."""
        return np.bincount(self.channel_of, of_strips, len(self.channels))

    def beside(self, which: Bools) -> Ints:
        """Return how many neighbours of one strip, 0 to 2, are among some of the `own` channels, the most of all strips."""
        among = np.zeros(len(self.channels) + 1, bool)
        among[self.own] = which
        return (among[self._left].astype(np.int64) + among[self._right]).max(axis=1)[self.own]
