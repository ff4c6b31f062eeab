"""Templates of pulses: the mean pulse of each channel over its height, in slices of heights, as a table that fits can take.

The pilot learns the shape of each channel in some rounds, beginning with the analytic pulse of the set-up
(`emiss.reco.calorimetry.learning` says how); then all events go into the sums of each slice. Pulses are those that start in
time, alone in their waveforms and not saturated. Channels with few of them take
the template of their element, or of their part where it has few, which has a row of its own in the table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from emiss.calib.tables import ANY, SLICE
from emiss.calib.templates import TYPE, Template
from emiss.calibrate.frame import Derivation, Doubts, Found, Made, Shapes, Sums
from emiss.configs.errors import UserError
from emiss.reco.calorimetry import learning
from emiss.reco.calorimetry.waveform import CONSTANTS, Settings
from emiss.reco.detector.boards import by_channel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from emiss.calib.conditions import RunConditions
    from emiss.configs.arrays import Array, Bools, Floats
    from emiss.events.batch import Batch
    from emiss.events.lists import Lists
    from emiss.reco.detector.boards import Board
    from emiss.reco.detector.model import Detector

SLICES = (0.1, 0.4)
"""Parts of the full scale between the slices of heights."""

UNLIKE = 0.05
"""Part of the height that a channel's template may be away from that of its part."""

SIGMA = 6.0
"""And in its errors."""

BAD = 5.0
"""chi2 per degree of freedom that is looked at, where pulses are small: of larger ones each part in a thousand is seen."""

SEVERAL = 3
"""Channels of a part of which one is in the middle."""

ALONE = 500
"""Pulses of the pilot from which on a channel is measured with a template of its own."""

REMARK = (
    "A row of the table is a channel and a slice of heights; NAME.* is for the channels of an element that have none of their "
    "own. A start is where a pulse has half its height, less what the nominal pulse takes for that: derive times again with "
    "these templates."
)

SHAPE = "pulse shapes"


class Told(NamedTuple):
    """What the pilot tells: templates by row, and which one each channel has, -1 for none.

    Attributes
    ----------
    values : array of shape (T, points)
    which : int array of shape (channels,)
    """

    values: Floats
    which: Array


class Templates(Derivation):
    """The shapes of pulses."""

    kind = "templates"
    meaning = "the pulse of each channel over its height, by slices of heights (sadc.template)"
    wants = "runs with pulses: electrons, muons, hadrons, several of them together"
    pilot = 20_000
    everywhere = True
    rounds = 4

    def __init__(self, detector: Detector, options: Any) -> None:
        super().__init__(detector, options)
        self._wanted = self.channels_of(list(detector.read_out))
        self._threshold = by_channel(detector.boards, lambda board: board.measure.threshold)
        self._constants: dict[str, Array] = {}
        self._told: tuple[Told | None, dict[int, list[Template]]] = (None, {})

    def begin_run(self, conditions: RunConditions) -> None:
        """Take the constants of a run."""
        self._constants = {}
        for type_ in CONSTANTS:
            self._constants |= conditions.get(type_, self.detector.channels)

    def empty(self, learned: Told | None) -> Sums:
        """Return sums of nothing: of one slice for the pilot."""
        del learned
        return Sums(learning.empty(len(self.detector.channels), len(SLICES) + 1))

    def add(self, batch: Batch, sums: Sums, learned: Told | None) -> None:
        """Add the pulses of a batch."""
        digits = batch.sadc
        assert digits is not None  # noqa: S101 - raw files have digits
        if learned is not self._told[0]:
            self._told = learned, {}
        of_board = np.full(len(self.detector.channels), -1, np.int64)
        for number, board in enumerate(self.detector.boards):
            of_board[board.channels] = number
        place = np.where(self._started(digits)[digits.parents], of_board[digits["channel"]], -1)
        for number, board in enumerate(self.detector.boards):
            settings = Settings.of(board)
            learning.add(
                digits,
                np.flatnonzero(place == number),
                self._constants,
                settings,
                None if learned is None else self._templates(learned, board, number),
                np.array(SLICES) * settings.full_scale,
                sums.arrays,
                self._wanted,
                None if learned is None else learned.which,
            )

    def _started(self, digits: Lists) -> Bools:
        """Return which events have a pulse in a counter of the reference: a particle came."""
        counters = self.detector.reference > 0
        above = digits["samples"].max(axis=1, initial=0)
        channel = digits["channel"]
        base = np.maximum(self._constants["even"], self._constants["odd"])[channel]
        seen = counters[channel] & (above - base > self._threshold[channel] * self._constants["sigma"][channel])
        started: Bools = np.bincount(digits.parents, seen, len(digits)) > 0
        return started

    def _templates(self, told: Told, board: Board, number: int) -> list[Template]:
        """Return the templates that are told, as the digitiser of a board has their times."""
        known = self._told[1]
        if number not in known:
            knots = learning.Knots.of(board.pulse.rise)
            known[number] = [Template(np.ones(1), knots.first, knots.step, row[None]) for row in told.values]
        return known[number]

    def learn(self, sums: Sums) -> Told:
        """Return the template of each channel, or of its part where there are few pulses."""
        arrays = sums.arrays
        whole = {name: arrays[name].sum(axis=1, keepdims=True) for name in ("normal", "right", "moments")}
        whole["phases"] = arrays["phases"]
        rows: list[Floats] = []
        index = np.full(len(self.detector.channels), -1, np.int64)
        for board, channels, _ in self._groups():
            found = self._learned(board, whole, channels, together=True)
            if not np.isfinite(found.values).all():
                continue
            rows.append(found.values[0, 0])
            index[channels] = len(rows) - 1
            own = self._learned(board, whole, channels)
            for place in np.flatnonzero(own.pulses[:, 0] >= max(self.options.least, ALONE)):
                if np.isfinite(own.values[place, 0]).all():
                    rows.append(own.values[place, 0])
                    index[channels[place]] = len(rows) - 1
        return Told(np.array(rows).reshape(-1, learning.POINTS), index)

    def _groups(self) -> Iterator[tuple[Board, Array, str]]:
        """Yield boards with the channels of a part that they read, and the name of the part."""
        for name in self.detector.read_out:
            numbers = np.asarray(self.detector.part_numbers(name))
            for board in self.detector.boards:
                own = numbers[np.isin(numbers, board.channels)]
                if len(own) and self._wanted[own].any():
                    yield board, own, name

    def _learned(
        self, board: Board, arrays: dict[str, Array], channels: Array, *, together: bool = False
    ) -> learning.Learned:
        """Return the templates of channels, or the one of all `together`."""
        own = {name: values[channels] for name, values in arrays.items()}
        if together:
            own = {name: values.sum(axis=0, keepdims=True) for name, values in own.items()}
        return learning.learn(own, board.pulse.rise, board.digitiser.period)

    def finish(self, sums: Sums, learned: Told | None) -> Found:
        """Return the table of templates, and what is to be seen of them.

        Raises
        ------
        UserError
            If there are no pulses to learn from.
        """
        del learned
        if not sums["moments"][:, :, 2].any():
            raise UserError(
                f"none of {sums.used} events has a pulse of {learning.HIGH:g} sigma that starts in time, alone and not "
                "saturated",
                hint=f"templates want {self.wants}; 'derive times' first where times are not known",
            )
        table, seen = _Rows(), _Seen()
        for board, channels, part in self._groups():
            common = self._learned(board, sums.arrays, channels, together=True)
            own = self._learned(board, sums.arrays, channels)
            names = [self.detector.channels[number] for number in channels]
            for element in dict.fromkeys(name.partition(".")[0] for name in names):
                of = channels[[name.partition(".")[0] == element for name in names]]
                shared = self._learned(board, sums.arrays, of, together=True)
                enough = bool((shared.pulses[0] >= self.options.least).any())
                table.add(f"{element}.{ANY}", board, shared if enough else common, 0, self.options.least)
            for place, name in enumerate(names):
                table.add(name, board, own, place, self.options.least)
            seen.add(part, names, board, own, common, self.options.least)
        made = seen.made()
        return Found(
            self.kind,
            (made,),
            tuple(sorted(sums.runs)),
            sums.read,
            sums.used,
            tables=(table.made(),),
            remarks=(REMARK,),
        )


class _Rows:
    """The rows of the table while they are made."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._rows: list[tuple[Floats, Floats, float, float]] = []

    def add(self, name: str, board: Board, found: learning.Learned, place: int, least: int) -> None:
        """Add the slices of a channel that have pulses enough; of all in one where none has."""
        knots = learning.Knots.of(board.pulse.rise)
        good = np.flatnonzero((found.pulses[place] >= least) & np.isfinite(found.values[place]).all(axis=1))
        for number, one in enumerate(good.tolist()):
            head = np.array([found.heights[place, one], knots.first, knots.step])
            self._names.append(f"{name}{SLICE}{number}")
            self._rows.append(
                (
                    np.concatenate([head, found.values[place, one]]),
                    np.concatenate([np.zeros(3), found.errors[place, one]]),
                    float(found.pulses[place, one]),
                    float(found.chi2[place, one]),
                )
            )

    def made(self) -> Made:
        """Return the table."""
        columns = ["height", "first", "step", *(f"v{k}" for k in range(learning.POINTS))]
        units = {"height": "ADC", "first": "ns", "step": "ns"}
        values = np.array([row[0] for row in self._rows]).reshape(-1, len(columns))
        errors = np.array([row[1] for row in self._rows]).reshape(-1, len(columns))
        return Made(
            TYPE,
            tuple(self._names),
            {name: units.get(name, "-") for name in columns},
            {name: values[:, k] for k, name in enumerate(columns)},
            {name: errors[:, k] for k, name in enumerate(columns)},
            np.array([row[2] for row in self._rows], np.int64),
            np.array([row[3] for row in self._rows]),
            ("",) * len(self._names),
        )


class _Seen:
    """What is shown of each channel: the best known slice, beside the template of its part."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._lines: list[list[float]] = []
        self._shapes: list[tuple[Floats, Floats, Floats]] = []
        self._doubts: list[str] = []

    def add(
        self,
        part: str,
        names: Sequence[str],
        board: Board,
        own: learning.Learned,
        common: learning.Learned,
        least: int,
    ) -> None:
        """Add the channels of a part on a board."""
        knots = learning.Knots.of(board.pulse.rise)
        times = knots.times()
        edges = np.append(times, times[-1] + knots.step) - 0.5 * knots.step
        best = own.pulses.argmax(axis=1)
        doubts = Doubts(len(names))
        pulses = own.pulses.sum(axis=1)
        doubts.add(pulses == 0, "dead or not hit: no pulse to learn from")
        rows = np.arange(len(names))
        few = own.pulses[rows, best] < least
        doubts.add(few, [f"{int(n)} pulses are too few: that of the element is taken" for n in pulses])
        shape = np.nan_to_num(own.values[rows, best])
        beside = np.nan_to_num(common.values[0, best])
        if (~few).sum() >= SEVERAL:  # the one in the middle: the largest pulses would make the mean
            beside = np.broadcast_to(np.median(shape[~few], axis=0), shape.shape)
        away = np.abs(shape - beside)
        sure = away > SIGMA * np.hypot(own.errors[rows, best], 1e-3)
        worst = np.where(sure, away, 0.0).max(axis=1, initial=0.0)
        doubts.add(~few & (worst > UNLIKE), [f"unlike {part}: {one:.1%} of the height away" for one in worst])
        # only of small pulses: the noise of large ones is less than a part in a thousand of them
        doubts.add(~few & (own.chi2[rows, 0] > BAD), [f"pulses differ: chi2 {one:.1f}" for one in own.chi2[rows, 0]])
        for place, name in enumerate(names):
            known = not few[place]
            line = [pulses[place], *(_figures(shape[place], times) if known else (np.nan,) * 3)]
            self._names.append(name)
            self._lines.append([*line, float(own.chi2[place, best[place]])])
            self._shapes.append((edges, shape[place] if known else 0.0 * times, beside[place]))
            self._doubts.append(doubts.texts[place])

    def made(self) -> Made:
        """Return what is shown."""
        lines = np.array(self._lines)
        columns = ("rise", "width", "tail")
        none = np.full(len(lines), np.nan)
        edges, counts, curve = (np.array(one) for one in zip(*self._shapes, strict=True))
        return Made(
            SHAPE,
            tuple(self._names),
            dict.fromkeys(columns, "ns"),
            {name: lines[:, 1 + k] for k, name in enumerate(columns)},
            dict.fromkeys(columns, none),
            lines[:, 0].astype(np.int64),
            lines[:, -1],
            tuple(self._doubts),
            Shapes(
                "time since the start [ns]; the pulse over its height, black: that of the part", edges, counts, curve
            ),
        )


def _figures(shape: Floats, times: Floats) -> tuple[float, float, float]:
    """Return the rise from 10 to 90 %, the width at half height, and the fall from 90 to 10 %, ns."""
    top = int(shape.argmax())
    up = np.interp((0.1, 0.5, 0.9), np.maximum.accumulate(shape[: top + 1]), times[: top + 1])
    falling = np.minimum.accumulate(shape[top:])[::-1]
    down = np.interp((0.1, 0.5, 0.9), falling, times[top:][::-1])
    return float(up[2] - up[0]), float(down[1] - up[1]), float(down[0] - down[2])
