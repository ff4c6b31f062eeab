"""Dead and hot channels of cells, from ordinary runs: how often they have a pulse, how large, and how their samples scatter.

A channel is dead if it has no pulse where those that should see as many do: cells beside it on both sides, those mirrored at
the beam, the other elements of its part, or what simulated hits say. It is hot if its samples scatter far more than those of
the others do, or if it has far more pulses than any of these. Noise is measured between samples of one converter, before the
pulse, so that neither pedestals nor tails have a part in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.calibrate.calorimeters.cells import Measuring
from emiss.calibrate.frame import Derivation, Doubts, Found, Made, Sums
from emiss.reco.calorimetry.corrections import DEAD, GOOD, HOT, STATUS
from emiss.reco.parts.grid import Grid

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from emiss.calib.conditions import RunConditions
    from emiss.configs.arrays import Array, Bools, Floats, Ints
    from emiss.events.batch import Batch
    from emiss.reco.detector.model import Detector

FIRST = 4
"""Samples before the pulse."""

STEP, LEVELS = 0.5, 400
"""ADC of the histograms of differences between samples."""

INNER, WIDTH = 0.9, 1.645
"""Share of the differences that the noise is taken from, and the sigma within which they are."""

NOISY, QUIET = 4.0, 0.2
"""The noise over that of the constants, and of all others in the middle: above and below, a channel is hot or dead."""

EXPECTED = 30.0
"""Pulses that have to be expected of a dead channel, so that none of them is no accident."""

LEAST, MOST = 0.002, 8.0
"""Of what is expected: with fewer pulses a channel is dead, with more than that of the largest expectation it is hot."""

SURE, MAYBE = 1.5, 0.5
"""Of a pulse at the threshold: what simulated hits count for the least, and for the most that is expected."""

ROUNDS = 3
"""How often dead channels are looked for, beside those that were found."""

FEW = 3
"""Pulses that show that a channel sees something."""

BUSY, OFTEN = 0.05, 0.5
"""Share of events that a hot channel has a pulse in at least, with simulated hits and without."""

APART = ((1, 0), (0, 1), (1, 1), (1, -1), (2, 0), (0, 2))
"""Columns and rows to the cells on both sides of one: one pair has to be good."""

SHOWN = 20
"""Channels that a remark names."""

WEAK, STRONG = 0.2, 5.0
"""The mean charge in energy over that of the mirrored cells: what is outside is looked at."""


class Statuses(Derivation):
    """Which channels are dead or hot."""

    kind = "status"
    meaning = "dead and hot channels (sadc.status), with reasons"
    wants = "ordinary runs of electrons, muons or both"

    def __init__(self, detector: Detector, options: Any) -> None:
        super().__init__(detector, options)
        self._measure = Measuring(detector, without=(STATUS,))
        self._beside = _beside(detector)
        self._mirrored = _mirrored(detector)
        self._expected: Floats | None = None
        self._sigma = self._gain = np.ones(len(detector.channels))

    def begin_run(self, conditions: RunConditions) -> None:
        """Take the constants of a run."""
        self._measure.begin_run(conditions)
        self._sigma = conditions.get("sadc.pedestal", self.detector.channels)["sigma"]
        self._gain = conditions.get("sadc.gain", self.detector.channels)["gain"]

    def refer(self, batches: Iterable[Batch]) -> None:
        """Take how often each channel is seen from simulated hits."""
        from emiss.reco.detector.boards import by_channel

        # what a pulse at the threshold is worth
        area = by_channel(
            self.detector.boards,
            lambda board: float(board.digitiser.measure.threshold * np.e * board.pulse.rise / board.digitiser.period),
        )
        least = area * self._sigma * self._gain
        channels = len(least)
        seen, events = np.zeros((2, channels)), 0
        for batch in batches:
            hits = batch.cells
            assert hits is not None  # noqa: S101 - who asks has looked
            channel = hits["channel"].astype(np.int64)
            for row, over in enumerate((SURE, MAYBE)):
                chosen = hits["energy"] > over * least[channel]
                # several hits of a channel in an event are one pulse
                key = np.unique(hits.parents[chosen] * channels + channel[chosen])
                seen[row] += np.bincount(key % channels, minlength=channels)
            events += len(batch)
        self._expected = seen / max(events, 1)

    def empty(self, learned: Any) -> Sums:  # noqa: ARG002 - there is no pilot
        """Return nothing seen yet."""
        channels = len(self.detector.channels)
        return Sums(
            {
                "noise": np.zeros((channels, LEVELS), np.int64),
                "waveforms": np.zeros(channels, np.int64),
                "pulses": np.zeros(channels, np.int64),
                "energy": np.zeros(channels),
                "sigma": np.zeros(channels),
                "batches": np.zeros(1),
            }
        )

    def add(self, batch: Batch, sums: Sums, learned: Any) -> None:  # noqa: ARG002 - there is no pilot
        """Add the waveforms of a batch."""
        digits = batch.sadc
        assert digits is not None  # noqa: S101 - raw files have digits
        channels = len(self.detector.channels)
        channel = digits["channel"].astype(np.int64)
        sums["waveforms"] += np.bincount(channel, minlength=channels)
        whole = digits["n_samples"] >= FIRST
        first = digits["samples"][whole, :FIRST].astype(np.int32)
        place = np.minimum(np.abs(first[:, 2:] - first[:, :-2]) / (np.sqrt(2.0) * STEP), LEVELS - 1).astype(np.int64)
        flat = (channel[whole][:, None] * LEVELS + place).ravel()
        sums["noise"] += np.bincount(flat, minlength=channels * LEVELS).reshape(channels, LEVELS)
        pulses = self._measure(batch)
        sums["pulses"] += np.bincount(pulses.channel, minlength=channels)
        sums["energy"] += np.bincount(pulses.channel, pulses.charge * self._gain[pulses.channel], channels)
        sums["sigma"] += self._sigma
        sums["batches"] += 1.0

    def finish(self, sums: Sums, learned: Any) -> Found:  # noqa: ARG002 - there is no pilot
        """Return the table of statuses."""
        pulses = sums["pulses"].astype(np.float64)
        waveforms = sums["waveforms"]
        noise = _noise(sums["noise"].astype(np.float64))
        sigma = sums["sigma"] / max(float(sums["batches"][0]), 1.0)
        ratio = np.where(sums["noise"].sum(axis=1) >= EXPECTED, noise / sigma, np.nan)
        middle = float(np.nanmedian(ratio)) if np.isfinite(ratio).any() else 1.0
        doubts = Doubts(len(pulses))
        status = np.full(len(pulses), float(GOOD))

        def say(which: Array, value: int, texts: list[str]) -> None:
            new = which & (status == GOOD)
            status[new] = value
            doubts.add(new, texts)

        with np.errstate(invalid="ignore"):
            noisy, silent = ratio > NOISY * max(middle, 0.5), ratio < QUIET * middle
        say(
            noisy,
            HOT,
            [
                f"hot: its samples scatter by {one:.3g} ADC, by the constants {two:.3g}"
                for one, two in zip(noise, sigma, strict=True)
            ],
        )
        say(silent, DEAD, [f"dead: its samples do not scatter, {one:.3g} ADC" for one in noise])
        for _ in range(ROUNDS):  # what is found to be dead says nothing of its neighbours any more
            least, most = self._wanted(pulses, status, sums.used)
            dead = (least >= EXPECTED) & (pulses < LEAST * least)
            texts = [
                f"dead: {int(n)} pulses in {sums.used} events, others like it have {int(m)}"
                for n, m in zip(pulses, least, strict=True)
            ]
            say(dead, DEAD, texts)
        many = (most > 0.0) & (pulses > MOST * np.maximum(most, EXPECTED)) & (pulses > BUSY * sums.used)
        texts = [
            f"hot: {int(n)} pulses in {sums.used} events, others like it have {int(m)}"
            for n, m in zip(pulses, most, strict=True)
        ]
        # without simulated hits, the beam may be where nobody expects it
        say(many & ((pulses > OFTEN * sums.used) | (self._expected is not None)), HOT, texts)
        doubts.add(
            many & (status == GOOD), [f"{text.replace('hot', 'busy', 1)}: or is the beam there?" for text in texts]
        )
        unknown = (least < EXPECTED) & (pulses < FEW) & (status == GOOD)
        doubts.add(unknown, [f"not sure: {int(n)} pulses, and others like it have as few" for n in pulses])
        self._look_at_sizes(doubts, sums["energy"], pulses, status)
        rows = np.flatnonzero(self.channels_of(list(self.detector.read_out)))
        value = np.where(unknown, np.nan, status)
        made = Made(
            STATUS,
            tuple(self.detector.channels[row] for row in rows),
            {"status": "-"},
            {"status": value[rows]},
            {"status": np.where(np.isfinite(value), 0.0, np.nan)[rows]},
            waveforms[rows],
            np.full(len(rows), np.nan),
            tuple(doubts.texts[row] for row in rows),
        )
        unsure = int(unknown[rows].sum())
        remarks = (
            *(
                f"{what}: {_listed(made.channels, status[rows] == one)}."
                for what, one in (("Dead", DEAD), ("Hot", HOT))
            ),
            f"Of {unsure} channels nothing is known: they have no row, and count as good.",
        )
        return Found(self.kind, (made,), tuple(sorted(sums.runs)), sums.read, sums.used, remarks)

    def _wanted(self, pulses: Floats, status: Floats, events: int) -> tuple[Floats, Floats]:
        """Return how many pulses channels have to have at least, and the most that any good one of those like it has."""
        if self._expected is not None:
            return self._expected[0] * events, self._expected[1] * events
        least, most = np.zeros(len(pulses)), np.zeros(len(pulses))
        for number in range(len(pulses)):
            pairs = [list(pair) for pair in self._beside[number] if (status[list(pair)] == GOOD).all()]
            mirrors = [one for one in self._mirrored[number] if status[one] == GOOD]
            # between two cells there are not fewer than in the lower one
            found = [float(pulses[like].min()) for like in (*pairs, mirrors) if len(like)]
            least[number] = max(found, default=0.0)
            most[number] = pulses[mirrors].max() if mirrors else 0.0
        return least, most

    def _look_at_sizes(self, doubts: Doubts, energy: Floats, pulses: Floats, status: Floats) -> None:
        """Say which channels are much weaker or stronger than those that should see the same."""
        mean = np.where(pulses >= self.options.least, energy / np.maximum(pulses, 1.0), np.nan)
        for number, mirrors in enumerate(self._mirrored):
            like = mean[[one for one in mirrors if status[one] == GOOD and np.isfinite(mean[one])]]
            if not len(like) or status[number] != GOOD or not np.isfinite(mean[number]):
                continue
            which = np.arange(len(pulses)) == number
            if mean[number] < WEAK * like.min() or mean[number] > STRONG * like.max():
                doubts.add(which, f"its mean energy is {mean[number] / np.median(like):.2g} of that of others like it")


def _listed(names: Sequence[str], which: Bools) -> str:
    """Return the names of some channels."""
    chosen = [name for name, one in zip(names, which, strict=True) if one]
    more = f" and {len(chosen) - SHOWN} more" if len(chosen) > SHOWN else ""
    return ", ".join(chosen[:SHOWN]) + more if chosen else "none"


def _noise(counts: Floats) -> Floats:
    """Return the noise from differences between samples, ADC: the rms of those inside, as if they were a Gaussian's."""
    total = counts.sum(axis=1, keepdims=True)
    cumulated = np.cumsum(counts, axis=1)
    taken = np.diff(np.minimum(cumulated, INNER * total), axis=1, prepend=0.0)
    middle = STEP * (np.arange(counts.shape[1]) + 0.5)
    middle[0] = 0.0
    square = (taken * middle**2).sum(axis=1) / np.maximum(INNER * total[:, 0], 1e-300)
    # of a Gaussian cut at w: 1 - 2 w phi(w) / p
    left = 1.0 - 2.0 * WIDTH * np.exp(-0.5 * WIDTH**2) / np.sqrt(2.0 * np.pi) / INNER
    return np.sqrt(square / left)


def _beside(detector: Detector) -> list[list[tuple[int, int]]]:
    """Return the pairs of cells on both sides of each channel, in its element."""
    made: list[list[tuple[int, int]]] = []
    for name in detector.channels:
        element, x, y = name.split(".")
        pairs = (
            (f"{element}.{int(x) - dx}.{int(y) - dy}", f"{element}.{int(x) + dx}.{int(y) + dy}") for dx, dy in APART
        )
        number = detector.channel_number
        made.append([(number[a], number[b]) for a, b in pairs if a in number and b in number])
    return made


def _mirrored(detector: Detector) -> list[Ints]:
    """Return the channels mirrored at the beam in the element of each; of elements of one channel the others of its part."""
    made: list[Ints] = []
    single = {name for name in detector.channels if len(detector.numbers(name.partition(".")[0])) == 1}
    part = {channel: one.channels() for one in detector.read_out.values() for channel in one.channels()}
    beam = {layer: one.beam_cell for one in detector.of_kind(Grid).values() for layer in one.layers}
    for name in detector.channels:
        element, x, y = name.split(".")
        own = detector.numbers(element)
        wide, high = int(detector.channel_x[own].max()), int(detector.channel_y[own].max())
        if element in beam:
            wide, high = (2 * one for one in beam[element])
        places = {(wide - int(x), int(y)), (int(x), high - int(y)), (wide - int(x), high - int(y))}
        names = {f"{element}.{a}.{b}" for a, b in places} if name not in single else set(part[name]) & single
        found = [detector.channel_number[one] for one in names - {name} if one in detector.channel_number]
        made.append(np.array(sorted(found), np.int64))
    return made
