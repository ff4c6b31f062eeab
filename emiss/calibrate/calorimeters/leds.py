"""The light of LEDs in each channel when its gain was found, to which drifts of later runs are relative."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from emiss.calib.lookup import constants
from emiss.calib.run_ranges import RunRange
from emiss.calibrate.calorimeters import responses
from emiss.calibrate.calorimeters.sizes import LED, Sized
from emiss.calibrate.frame import Doubts, Found, Made, Shapes, Sums
from emiss.configs.errors import UserError
from emiss.reco.calorimetry.corrections import LIGHT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emiss.calib.conditions import RunConditions
    from emiss.configs.arrays import Bools, Floats
    from emiss.events.batch import Batch

ALL = "all"
"""The only group of events."""


class Light(NamedTuple):
    """Mean charges of light (ADC), and their errors relative to them; (channels,), NaN and 0 where there are none."""

    charge: Floats
    error: Floats


def light_of(conditions: RunConditions, channels: Sequence[str]) -> Light | None:
    """Return the light of channels that the constants of a run have, None if they have none of any."""
    place = {name: number for number, name in enumerate(channels)}
    charge, error = np.full(len(channels), np.nan), np.zeros(len(channels))
    run = RunRange(conditions.run, conditions.run)
    for one in constants(conditions.tables, LIGHT, channels, run):
        charge[place[one.channel]] = one.value
        error[place[one.channel]] = (one.error or 0.0) / one.value
    return Light(charge, error) if np.isfinite(charge).any() else None


class Leds(Sized):
    """Mean charges of the light of LEDs, with the corrections that gains are found with."""

    kind = "led"
    meaning = f"charge of the light of LEDs in each channel ({LIGHT}), to which drifts of later runs are relative"
    wants = "events of LEDs in the runs that gains are derived from"
    sources = (LED,)

    def groups(self, batch: Batch) -> dict[str, Bools]:
        """Return that all events are of one group."""
        return {ALL: np.ones(len(batch), bool)}

    def finish(self, sums: Sums, learned: Floats) -> Found:
        """Return the table of charges.

        Raises
        ------
        UserError
            If no charge is near to those of the first events.
        """
        if ALL not in sums.arrays:
            raise UserError(f"nothing to derive {self.kind} from: no charge is near to those of the first events")
        counts = sums[ALL].astype(np.float64)
        entries = sums[ALL].sum(axis=1)
        mean, error = responses.means(counts, sums["sizes"])
        charge = np.where(entries >= self.options.least, learned * mean, np.nan)
        doubts = Doubts(len(self.targets))
        doubts.add(sums["seen"] == 0, "dead or not lit: no pulse")
        doubts.add(entries < self.options.least, [f"{number} entries are too few" for number in entries])
        shape = len(self.targets), 2 * responses.HALF
        made = Made(
            LIGHT,
            self.targets,
            {"charge": "-"},
            {"charge": charge},
            {"charge": charge * error},
            entries.astype(np.int64),
            np.full(len(charge), np.nan),
            tuple(doubts.texts),
            Shapes(
                "ln(charge / middle)",
                np.broadcast_to(responses.edges(), (shape[0], shape[1] + 1)),
                counts,
                np.full(shape, np.nan),
            ),
        )
        return Found(self.kind, (made,), tuple(sorted(sums.runs)), sums.read, sums.used)
