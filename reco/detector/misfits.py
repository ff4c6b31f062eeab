"""Constants against the detector: what no table alone can tell, such as a pedestal above the range of this digitiser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emiss.calib.conditions import RunConditions
    from emiss.configs.arrays import Array
    from emiss.reco.detector.model import Detector


def misfits(detector: Detector, conditions: RunConditions) -> Iterator[UserError]:
    """Yield an error for each kind of waveform constant with which no pulse could be measured, at its first channel.

    A pulse at the threshold has to lie below the full scale of its digitiser, and an in-time one has to start inside the
    waveform.
    """
    channels = detector.channels
    pedestal = conditions.get("sadc.pedestal", channels)
    offset = conditions.get("sadc.time", channels)["offset"]
    for board in detector.boards:
        digitiser = board.digitiser
        own = np.zeros(len(channels), bool)
        own[board.channels] = True
        least = np.maximum(pedestal["even"], pedestal["odd"]) + digitiser.measure.threshold * pedestal["sigma"]
        full, sigma = digitiser.full_scale, digitiser.measure.threshold
        text = f"leaves no room below the full scale of {full} ADC: pedestal and {sigma:g} sigma are"
        yield from _first(own & (least >= full), least, conditions, detector, "sadc.pedestal", text, "ADC")
        length = digitiser.length
        text = f"is outside the waveform of {digitiser.samples} samples, 0 to {length:g} ns: a pulse would start at"
        outside = own & ((offset < 0) | (offset >= length))
        yield from _first(outside, offset, conditions, detector, "sadc.time", text, "ns")


def _first(
    wrong: Array, values: Array, conditions: RunConditions, detector: Detector, type_: str, text: str, unit: str
) -> Iterator[UserError]:
    found = np.flatnonzero(wrong)
    if len(found):
        channel = detector.channels[found[0]]
        more = f" (and {len(found) - 1} channels more)" if len(found) > 1 else ""
        yield UserError(
            f"{type_} of channel '{channel}' {text} {values[found[0]]:g} {unit}{more}",
            at=conditions.location(type_, channel),
        )
