"""What channels or parts give in events: charges of the light of LEDs, or energies that the beam leaves.

LEDs tell of each channel by itself. Of the beam, the energy of a part in an event has a distribution that keeps its shape, and
moves as the gains of the part do: it tells of parts as a whole.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from emiss.calibrate.calorimeters import responses
from emiss.calibrate.calorimeters.cells import Measuring
from emiss.calibrate.frame import Derivation, Sums
from emiss.configs.errors import UserError
from emiss.reco.formats.date.layout import CALIBRATION, PHYSICS

if TYPE_CHECKING:
    from collections.abc import Collection

    from emiss.calib.conditions import RunConditions
    from emiss.configs.arrays import Bools, Floats, Ints
    from emiss.events.batch import Batch
    from emiss.reco.detector.model import Detector

LED, BEAM = "led", "beam"

BIT = "calibration"
"""The trigger bit of LEDs, where the set-up has one; they are events of the type calibration, too."""

LOW, WIDTH, LEVELS = 0.0, 0.02, 1200
"""Bins of the pilot's histogram of the logarithm of the charge, or of the energy in `UNIT`."""

UNIT = 1e-6
"""GeV."""


class Sized(Derivation):
    """Sizes of channels or parts, relative to the medians of the first events.

    `without` are the corrections that are not made.
    """

    pilot = 20_000
    without: ClassVar[Collection[str]] = ()
    sources: ClassVar[tuple[str, ...]] = (LED, BEAM)

    def __init__(self, detector: Detector, options: Any) -> None:
        super().__init__(detector, options)
        self.source = options.events or self.sources[0]
        self._measure = Measuring(detector, self.without)
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
        size = len(self.targets)
        return Sums({"seen": np.zeros(size, np.int64), "sizes": np.zeros((2, size, 2 * responses.HALF))})

    def add(self, batch: Batch, sums: Sums, learned: Any) -> None:
        """Add the events of a batch."""
        event, target, size = self.sizes(batch)
        if learned is None:
            with np.errstate(divide="ignore", invalid="ignore"):
                at = (np.log(size) - LOW) / WIDTH
            inside = np.isfinite(at) & (at >= 0.0) & (at < LEVELS)
            np.add.at(sums["levels"], (target[inside], at[inside].astype(np.int64)), 1)
            return
        sums["seen"] += np.bincount(target, minlength=len(self.targets))
        place, inside = responses.place(size, learned[target])
        relative = size[inside] / learned[target[inside]]
        bins = target[inside], place[inside]
        for total, values in zip(sums["sizes"], (relative, relative**2), strict=True):
            np.add.at(total, bins, values)
        for name, which in self.groups(batch).items():
            rows = inside & which[event]
            if rows.any():
                counts = sums.arrays.setdefault(name, np.zeros((len(self.targets), 2 * responses.HALF), np.int32))
                np.add.at(counts, (target[rows], place[rows]), 1)

    def sizes(self, batch: Batch) -> tuple[Ints, Ints, Floats]:
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
