"""Gains that change: from spill to spill, from the light of LEDs or the beam's own peaks, and along the spill.

LEDs tell of each channel by itself. Of the beam, the energy of a part in an event has a distribution that keeps its shape, and
moves as the gains of the part do: it tells of parts as a whole.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from emiss.calib.steps import by_places, by_spills
from emiss.calibrate.calorimeters import responses
from emiss.calibrate.calorimeters.cells import Measuring
from emiss.calibrate.frame import Derivation, Doubts, Found, Made, Shapes, Sums
from emiss.configs.errors import UserError
from emiss.reco.calorimetry.corrections import DRIFT, IN_SPILL
from emiss.reco.formats.date.layout import CALIBRATION, PHYSICS

if TYPE_CHECKING:
    from emiss.calib.conditions import RunConditions
    from emiss.configs.arrays import Array, Bools, Floats, Ints
    from emiss.events.batch import Batch
    from emiss.reco.detector.model import Detector

LED, BEAM = "led", "beam"

BIT = "calibration"
"""The trigger bit of LEDs, where the set-up has one; they are events of the type calibration, too."""

LOW, WIDTH, LEVELS = 0.0, 0.02, 1200
"""Bins of the pilot's histogram of the logarithm of the charge, or of the energy in `UNIT`."""

UNIT = 1e-6
"""GeV."""

FEW = 20
"""Entries of spills below which they are taken together with those behind them."""

SEEN = 0.5
"""Share of events with energy in a part below which its distribution says nothing of its gains."""

PLACES = 10
"""Bins of the place in the spill."""

WANTED = 0.01
"""The error of a response; groups that have more are taken together with those behind them."""

JUMP, FAR = 0.1, 0.3
"""Changes between neighbours, and distances from 1 that are looked at."""


class Group(NamedTuple):
    """What is found of one channel or part: names of rows, responses with errors, chi2, entries, and why eyes are needed."""

    names: list[str]
    response: Floats
    error: Floats
    chi2: Floats
    entries: Ints
    doubts: list[str]


class Changing(Derivation):
    """Responses of channels or parts in groups of events, relative to their mean."""

    pilot = 20_000
    type: ClassVar[str]
    label: ClassVar[str]
    sources = (LED, BEAM)

    def __init__(self, detector: Detector, options: Any) -> None:
        super().__init__(detector, options)
        self.source = options.events or self.sources[0]
        self._measure = Measuring(detector, without=(self.type,))
        wanted = [name for name in detector.read_out if not options.parts or name in options.parts]
        if not wanted:
            raise UserError(f"{self.kind} is of cells, and {', '.join(options.parts)} has none")
        self._of = np.full(len(detector.channels), -1, np.int64)
        if self.source == LED:
            chosen = np.flatnonzero(self.channels_of(wanted))
            self._of[chosen] = np.arange(len(chosen))
            self.targets = tuple(detector.channels[number] for number in chosen)
        else:
            for number, name in enumerate(wanted):
                self._of[detector.part_numbers(name)] = number
            self.targets = tuple(wanted)
        self._gain = np.ones(0)

    @property
    def types(self) -> tuple[int, ...]:
        """Events of LEDs may be of the type physics where the set-up has a trigger bit for them."""
        return (PHYSICS, CALIBRATION) if self.source == LED else (PHYSICS,)

    def takes(self, batch: Batch) -> Bools | None:
        """Return which events are those of LEDs, or those that are not."""
        bits = self.detector.trigger_bits
        lit: Bools = batch.header["type"] == CALIBRATION
        if BIT in bits:
            lit |= (batch.header["trigger"] >> np.uint32(bits[BIT])) & 1 > 0
        return lit if self.source == LED else ~lit

    def lacking(self, read: int) -> tuple[str, str]:
        """Return why no event was taken."""
        if self.source == BEAM:
            return f"none of {read} events is of the beam", "'--events led' takes the light of LEDs"
        bit = f", or with the trigger bit '{BIT}'" if BIT in self.detector.trigger_bits else ""
        return f"none of {read} events is of the type calibration{bit}", "'--events beam' takes the peaks of the beam"

    def begin_run(self, conditions: RunConditions) -> None:
        """Take the constants of a run."""
        self._measure.begin_run(conditions)
        self._gain = conditions.get("sadc.gain", self.detector.channels)["gain"]

    def empty(self, learned: Any) -> Sums:
        """Return histograms of logarithms of charges or energies for the pilot; else nothing: groups come as they are met."""
        if learned is None:
            return Sums({"levels": np.zeros((len(self.targets), LEVELS), np.int64)})
        return Sums({"seen": np.zeros(len(self.targets), np.int64)})

    def add(self, batch: Batch, sums: Sums, learned: Any) -> None:
        """Add the events of a batch."""
        event, target, size = self._sizes(batch)
        if learned is None:
            with np.errstate(divide="ignore", invalid="ignore"):
                at = (np.log(size) - LOW) / WIDTH
            inside = np.isfinite(at) & (at >= 0.0) & (at < LEVELS)
            np.add.at(sums["levels"], (target[inside], at[inside].astype(np.int64)), 1)
            return
        sums["seen"] += np.bincount(target, minlength=len(self.targets))
        place, inside = responses.place(size, learned[target])
        for name, group in self.groups(batch).items():
            rows = inside & group[event]
            if rows.any():
                counts = sums.arrays.setdefault(name, np.zeros((len(self.targets), 2 * responses.HALF), np.int32))
                np.add.at(counts, (target[rows], place[rows]), 1)

    def _sizes(self, batch: Batch) -> tuple[Ints, Ints, Floats]:
        """Return event, channel or part, and charge or energy in `UNIT` of what was seen in a batch; of good pulses alone."""
        pulses = self._measure(batch)
        of = self._of[pulses.channel]
        if self.source == LED:
            rows = np.flatnonzero((of >= 0) & pulses.good)
            return pulses.event[rows], of[rows], pulses.charge[rows]
        rows = np.flatnonzero(of >= 0)
        key = pulses.event[rows] * len(self.targets) + of[rows]
        length = len(batch) * len(self.targets)
        energy = np.bincount(key, pulses.charge[rows] * self._gain[pulses.channel[rows]] / UNIT, length)
        bad = np.bincount(key, ~pulses.good[rows], length) > 0
        chosen = np.flatnonzero((energy > 0.0) & ~bad)
        return chosen // len(self.targets), chosen % len(self.targets), energy[chosen].astype(np.float64)

    @abstractmethod
    def groups(self, batch: Batch) -> dict[str, Bools]:
        """Return which events of a batch are of which group."""

    def learn(self, sums: Sums) -> Floats:
        """Return the medians of charges or energies, NaN where there are none, shape (targets,).

        Raises
        ------
        UserError
            If there is no such event among the first ones.
        """
        counts = sums["levels"]
        if not counts.any():
            why, hint = self.lacking(sums.read)
            raise UserError(f"nothing to derive {self.kind} from: {why}", hint=hint)
        middle = np.exp(LOW + WIDTH * (np.arange(LEVELS) + 0.5))
        half = 0.5 * counts.sum(axis=1, keepdims=True)
        return np.where(half[:, 0] > 0, middle[(np.cumsum(counts, axis=1) >= half).argmax(axis=1)], np.nan)

    def finish(self, sums: Sums, learned: Any) -> Found:  # noqa: ARG002 - sums are relative to it
        """Return the table of responses."""
        names, counts = self._counts(sums)
        wanted = self.options.least
        rows: list[Group] = []
        common, expected, spread = [], [], []
        for number, target in enumerate(self.targets):
            own = counts[:, number].astype(np.float64)
            total = int(own.sum())
            why = self._useless(int(sums["seen"][number]), total, wanted, sums.used)
            one, total_counts, curve = (
                (_nothing(target, why), own.sum(axis=0), np.full(own.shape[1], np.nan))
                if why
                else self._one(target, names, own)
            )
            rows.append(one)
            common.append(total_counts)
            expected.append(curve)
            spread.append(float(np.std(one.response)))
        made = Made(
            self.type,
            tuple(name for one in rows for name in one.names),
            {"response": "-"},
            {"response": np.concatenate([one.response for one in rows])},
            {"response": np.concatenate([one.error for one in rows])},
            np.concatenate([one.entries for one in rows]),
            np.concatenate([one.chi2 for one in rows]),
            tuple(why for one in rows for why in one.doubts),
        )
        size = len(self.targets)
        shapes = Shapes(
            "ln(charge / middle)" if self.source == LED else "ln(energy / middle)",
            np.broadcast_to(responses.edges(), (size, 2 * responses.HALF + 1)),
            np.array(common),
            np.array(expected),
        )
        steady = Made(
            f"change of responses, {self.label}",
            self.targets,
            {"rms": "-"},
            {"rms": np.array(spread)},
            {"rms": np.full(size, np.nan)},
            counts.sum(axis=(0, 2)),
            np.array([np.nan if not np.isfinite(one.chi2).any() else np.nanmean(one.chi2) for one in rows]),
            ("",) * size,
            shapes,
        )
        remark = "Responses are relative to their mean over all entries: gains are those of the whole run."
        return Found(self.kind, (made, steady), tuple(sorted(sums.runs)), sums.read, sums.used, (remark,))

    @abstractmethod
    def _counts(self, sums: Sums) -> tuple[list[int], Array]:
        """Return what groups are, and their counts, shape (groups, targets, bins)."""

    @abstractmethod
    def names(self, target: str, firsts: list[int]) -> list[str]:
        """Return the names of rows, of groups from some first ones on."""

    def _useless(self, seen: int, inside: int, wanted: int, events: int) -> str:
        """Return why nothing can be said of a target, "" if something can."""
        if not seen:
            return "dead or not lit: no pulse"
        if self.source == BEAM and seen < SEEN * events:
            return f"seen in {seen / max(events, 1):.0%} of the events alone"
        return f"{inside} entries are too few" if inside < wanted else ""

    def _one(self, target: str, groups: list[int], counts: Floats) -> tuple[Group, Floats, Floats]:
        """Return what is found of a target, its counts of all groups moved to one place, and the common distribution."""
        _, joined = _joined(groups, counts, FEW)
        rough = responses.shifts(joined)
        each = float(np.nanmedian(rough.error * np.sqrt(joined.sum(axis=1))))
        firsts, joined = _joined(groups, counts, max(FEW, (each / WANTED) ** 2))
        if len(firsts) < 2:
            why = f"too broad, or too few: {(each / WANTED) ** 2:.0f} entries would tell a response to {WANTED:.0%}"
            return _nothing(target, why), counts.sum(axis=0), np.full(counts.shape[1], np.nan)
        made = responses.shifts(joined)
        names = self.names(target, firsts)
        doubts = Doubts(len(names))
        step = np.abs(np.diff(made.response, prepend=made.response[:1]))
        sure = step > 5.0 * np.hypot(made.error, np.roll(made.error, 1))
        doubts.add((step > JUMP) & sure, [f"it has changed by {one:.0%}" for one in step])
        doubts.add(np.abs(made.response - 1.0) > FAR, [f"{one:.2f} of the mean" for one in made.response])
        group = Group(names, made.response, made.error, made.chi2, joined.sum(axis=1).astype(np.int64), doubts.texts)
        together = responses.moved_back(joined, np.log(made.response)).sum(axis=0)
        return group, together, joined.sum() * made.common


class Drift(Changing):
    """Responses by spill."""

    kind = "drift"
    meaning = (
        "drift of gains from spill to spill of one run (sadc.drift), of each channel from LEDs, of parts from the beam"
    )
    wants = "events of LEDs in the run itself, or with --events beam any beam of one energy"
    type = DRIFT
    one_run = True
    label = "spills"

    def groups(self, batch: Batch) -> dict[str, Bools]:
        """Return which events are of which spill."""
        spill = batch.header["spill"]
        return {f"spill {number}": spill == number for number in np.unique(spill).tolist()}

    def finish(self, sums: Sums, learned: Any) -> Found:
        """Return the table of responses.

        Raises
        ------
        UserError
            If there are several runs: spills are counted in each of them.
        """
        if len(sums.runs) > 1:
            runs = ", ".join(map(str, sorted(sums.runs)))
            raise UserError(f"spills are counted in each run: derive {self.kind} of one run, not of {runs} together")
        return super().finish(sums, learned)

    def _counts(self, sums: Sums) -> tuple[list[int], Array]:
        spills = sorted(int(name.split()[1]) for name in sums.arrays if name.startswith("spill "))
        if not spills:
            raise UserError(f"nothing to derive {self.kind} from: no charge is near to those of the first events")
        return spills, np.stack([sums[f"spill {one}"] for one in spills])

    def names(self, target: str, firsts: list[int]) -> list[str]:
        """Return the names of rows, of spills from some first ones on."""
        return by_spills(target, firsts)


class InSpill(Changing):
    """Responses by place in the spill."""

    kind = "in_spill"
    meaning = "gains along the spill (sadc.in_spill), of parts from the beam, of each channel from LEDs"
    wants = "beam of one energy in whole spills, or with --events led LEDs in the spill"
    type = IN_SPILL
    label = "places in the spill"
    sources = (BEAM, LED)

    def groups(self, batch: Batch) -> dict[str, Bools]:
        """Return which events are where in the spill."""
        place = np.clip((batch.header["spill_position"] * PLACES).astype(np.int64), 0, PLACES - 1)
        return {f"place {number}": place == number for number in range(PLACES)}

    def _counts(self, sums: Sums) -> tuple[list[int], Array]:
        empty = np.zeros((len(self.targets), 2 * responses.HALF), np.int32)
        return list(range(PLACES)), np.stack([sums.arrays.get(f"place {one}", empty) for one in range(PLACES)])

    def names(self, target: str, firsts: list[int]) -> list[str]:
        """Return the names of rows, of places from some first ones on."""
        return by_places(target, [0.0, *(one / PLACES for one in firsts[1:]), 1.0])


def _joined(groups: list[int], counts: Floats, least: float) -> tuple[list[int], Floats]:
    """Return groups in a row that have so many entries at least: the first number of each, and their counts."""
    firsts: list[int] = []
    made: list[Floats] = []
    for number, own in zip(groups, counts, strict=True):
        if made and made[-1].sum() < least:
            made[-1] = made[-1] + own
        else:
            firsts.append(number)
            made.append(own)
    if len(made) > 1 and made[-1].sum() < least:
        last = made.pop()
        firsts.pop()
        made[-1] = made[-1] + last
    return firsts, np.array(made)


def _nothing(target: str, why: str) -> Group:
    """Return a target of which nothing is known."""
    none = np.full(1, np.nan)
    return Group([target], none, none, none, np.zeros(1, np.int64), [why])
