"""Gains that change: from spill to spill, and along the spill.

Those of spills are relative to the mean of their run, or to the light that a channel gave when its gain was found, where the
constants tell that (`sadc.led`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.calib.steps import by_places, by_spills
from emiss.calibrate.calorimeters import responses
from emiss.calibrate.calorimeters.changing import FAR, Changing, Level
from emiss.calibrate.calorimeters.leds import Light, light_of
from emiss.calibrate.calorimeters.sizes import BEAM, LED
from emiss.calibrate.frame import Doubts
from emiss.configs.errors import UserError
from emiss.reco.calorimetry.corrections import DRIFT, IN_SPILL, LIGHT

if TYPE_CHECKING:
    from emiss.calib.conditions import RunConditions
    from emiss.calibrate.frame import Found, Sums
    from emiss.configs.arrays import Array, Bools, Floats
    from emiss.events.batch import Batch
    from emiss.reco.detector.model import Detector

PLACES = 10
"""Bins of the place in the spill."""


class Drift(Changing):
    """Responses by spill."""

    kind = "drift"
    meaning = (
        "drift of gains from spill to spill of one run (sadc.drift), of each channel from LEDs (since sadc.led, where "
        "there is one), of parts from the beam"
    )
    wants = "events of LEDs in the run itself, or with --events beam any beam of one energy"
    type = DRIFT
    without = (DRIFT,)
    one_run = True
    label = "spills"

    def __init__(self, detector: Detector, options: Any) -> None:
        super().__init__(detector, options)
        self._light: Light | None = None

    def begin_run(self, conditions: RunConditions) -> None:
        """Take the constants of a run, and the light of LEDs where they have it."""
        super().begin_run(conditions)
        self._light = light_of(conditions, self.targets) if self.source == LED else None

    def level(self, counts: Floats, sums: Sums, learned: Floats) -> Level | None:
        """Return the light of the run over that of the constants, where these have it."""
        if self._light is None:
            return None
        known = np.isfinite(self._light.charge)
        mean, error = responses.means(counts, sums["sizes"])
        mean = mean * learned / self._light.charge
        doubts = Doubts(len(mean))
        doubts.add(~known, f"it has no light in {LIGHT}: relative to its mean in this run")
        doubts.add(np.abs(mean - 1.0) > FAR, [f"its light is {one:.2f} of that in {LIGHT}" for one in mean])
        return Level(
            mean,
            np.hypot(error, self._light.error),
            tuple(doubts.texts),
            f"the light in {LIGHT}, when gains were found",
        )

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
    without = (IN_SPILL,)
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
