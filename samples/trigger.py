"""The trigger of simulated events: its bits, which ones are required or prescaled, and drawing until there are enough."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

from emiss.configs.errors import Problems, UserError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable

    from emiss.configs.arrays import Array, Bools, Floats, Ints
    from emiss.configs.document import YamlPath
    from emiss.reco.detector.model import Detector
    from emiss.samples.config import Required, Sample

T = TypeVar("T")

ROUNDS = 200
"""So many rounds without an event that is recorded are the end."""


def fired(detector: Detector, visible: Floats) -> Array:
    """Return the trigger words of events, uint32 array of shape (N,): the conditions under `trigger` of the detector file.

    Parameters
    ----------
    detector : Detector
    visible : array of shape (N, channels)
        Energy seen in each channel of `detector.channels`, GeV.
    """
    return detector.conditions.fired(visible)


def check(sample: Sample, detector: Detector) -> None:
    """See that the triggers that a sample asks for have conditions in its set-up.

    Raises
    ------
    UserError
        At the place in the sample's file.
    """
    if sample.trigger is None:
        return
    problems, known = Problems(), list(detector.conditions.nodes)
    asked: list[tuple[YamlPath, str]] = [(("trigger", "require"), bit) for bit in sample.trigger.require]
    asked += [(("trigger", "prescale", bit), bit) for bit in sample.trigger.prescale]
    for path, bit in asked:
        if bit not in known:
            message = f"the set-up {detector.name} has no condition for a trigger '{bit}'"
            hint = did_you_mean(bit, known, otherwise="its conditions are for")
            at = None if sample.document is None else sample.document.locate(path, key=path[1] == "prescale")
            problems.add(UserError(message, at=at, hint=hint))
    problems.check()


def recorded(required: Required, detector: Detector, words: Array, rng: np.random.Generator) -> tuple[Bools, Array]:
    """Return which events are recorded, and their trigger words.

    Parameters
    ----------
    required : Required
    detector : Detector
    words : uint32 array of shape (N,)
        `fired`.
    rng : numpy Generator
        Draws whose turn it is: each event with a prescaled bit is recorded with the probability 1/N by itself.

    Returns
    -------
    keep : bool array of shape (N,)
    words : uint32 array of shape (N,)
        Without the prescaled bits of events whose turn it was not.
    """
    left = words.astype(np.uint32)
    keep = np.zeros(len(words), np.bool_)
    for bit, one_in in required.prescale.items():
        mask = np.uint32(1 << detector.trigger_bits[bit])
        turn = rng.random(len(words)) * one_in < 1.0
        keep |= turn & (left & mask > 0)
        left &= np.where(turn, np.uint32(0xFFFFFFFF), ~mask)
    for bit in required.require:
        keep |= left & np.uint32(1 << detector.trigger_bits[bit]) > 0
    return keep, left


def until(wanted: int, draw: Callable[[int], tuple[T, Bools]], required: Required) -> tuple[list[tuple[T, Ints]], int]:
    """Draw rounds of events until enough are recorded.

    Parameters
    ----------
    wanted : int
        Events.
    draw : callable
        Takes the number of the round, returns its events and which of them are recorded.
    required : Required
        For the message.

    Returns
    -------
    pieces : list of (events, int array)
        The rounds with the rows that are recorded, `wanted` in all.
    generated : int
        Events up to the last one recorded: wanted/generated is the trigger's efficiency, and the particles on target are
        those of so many events.

    Raises
    ------
    UserError
        If in many rounds no event is recorded.
    """
    pieces: list[tuple[T, Ints]] = []
    missing, generated, idle, number, seen = wanted, 0, 0, 0, 0
    while missing > 0:
        events, keep = draw(number)
        rows = np.flatnonzero(keep)[:missing]
        number, seen = number + 1, seen + len(keep)
        missing -= len(rows)
        generated += len(keep) if missing else int(rows[-1]) + 1
        idle = 0 if len(rows) else idle + 1
        if len(rows):
            pieces.append((events, rows))
        if idle >= ROUNDS:
            asked = " or ".join(f"'{bit}'" for bit in (*required.require, *required.prescale))
            raise UserError(f"of {seen} events none fires the trigger {asked}: wrong beam, process or condition")
    return pieces, generated
