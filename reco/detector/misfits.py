"""Constants against the detector: what no table alone can tell, such as a pedestal above the range of this digitiser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.calib.templates import templates
from emiss.configs.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emiss.calib.conditions import RunConditions
    from emiss.configs.arrays import Array
    from emiss.reco.detector.model import Detector


def misfits(detector: Detector, conditions: RunConditions) -> Iterator[UserError]:
    """Yield an error for each kind of constant of digitisers with which no pulse could be measured, at its first channel.

    A pulse at the threshold has to lie below the full scale of its digitiser, and an in-time one has to start inside the
    waveform; the window of what a TDC reads has to lie in its range, and the rows of a template have to be one.
    """
    channels = detector.channels
    pedestal = conditions.get("sadc.pedestal", channels)
    offset = conditions.get("sadc.time", channels)["offset"]
    for board in detector.boards:
        digitiser = board.digitiser
        own = np.zeros(len(channels), bool)
        own[board.channels] = True
        least = np.maximum(pedestal["even"], pedestal["odd"]) + board.measure.threshold * pedestal["sigma"]
        full, sigma = digitiser.full_scale, board.measure.threshold
        text = f"leaves no room below the full scale of {full} ADC: pedestal and {sigma:g} sigma are"
        yield from _first(own & (least >= full), least, conditions, detector, "sadc.pedestal", text, "ADC")
        length = digitiser.length
        text = f"is outside the waveform of {digitiser.samples} samples, 0 to {length:g} ns: a pulse would start at"
        outside = own & ((offset < 0) | (offset >= length))
        yield from _first(outside, offset, conditions, detector, "sadc.time", text, "ns")
    yield from _ranges(detector, conditions)
    try:
        for board in detector.boards:
            if board.templated:
                templates(conditions, [channels[number] for number in board.channels])
    except UserError as error:
        yield error


def _ranges(detector: Detector, conditions: RunConditions) -> Iterator[UserError]:
    """Yield an error for each plane of a TDC whose window is not in the range, as the constants have it."""
    for plane in (plane for plane in detector.planes if plane.timed):
        board = detector.tdc(plane)
        names = [f"{plane.name}.{wire}" for wire in range(plane.strips)]
        t0 = conditions.get("tdc.time", names)["t0"]
        low, high = plane.window
        found = np.flatnonzero((low + t0 < 0.0) | (high + t0 > board.range))
        if len(found):
            more = f" (and {len(found) - 1} wires more)" if len(found) > 1 else ""
            yield UserError(
                f"tdc.time of wire '{names[found[0]]}' takes the window {low:g} to {high:g} ns out of the range of the TDC, "
                f"0 to {board.range:g} ns: t0 is {t0[found[0]]:g} ns{more}",
                at=conditions.location("tdc.time", names[found[0]]),
            )


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
