"""Which digitiser samples which channels, and the shape of the pulses there: the waveform stage and the simulation go by it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.errors import did_you_mean
from emiss.reco.parts.base import ReadOut
from emiss.reco.parts.digitiser import Digitiser, Tdc
from emiss.reco.parts.tracker import Tracker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from emiss.configs.arrays import Array
    from emiss.configs.document import YamlPath
    from emiss.reco.parts.base import Part
    from emiss.reco.parts.digitiser import AnyDigitiser, Measurement, Pulse


@dataclass(frozen=True)
class Board:
    """Channels that are sampled alike, and see pulses of one shape that are measured alike.

    Attributes
    ----------
    name : str
        Of the digitiser.
    digitiser : Digitiser
    pulse : Pulse
    measure : Measurement
    channels : int array
        Numbers of the channels.
    """

    name: str
    digitiser: Digitiser
    pulse: Pulse
    measure: Measurement
    channels: Array

    @property
    def templated(self) -> bool:
        """Whether the templates of the conditions are fitted."""
        return self.measure.fit == "template"


def boards_of(
    digitisers: Mapping[str, AnyDigitiser], parts: Mapping[str, ReadOut], numbers: Mapping[str, Sequence[int]]
) -> tuple[Board, ...]:
    """Return the boards in the order in which the parts come to them; `numbers` are the channels of each part."""
    sampling = {name: board for name, board in digitisers.items() if isinstance(board, Digitiser)}
    found: dict[tuple[str, Pulse, Measurement], list[int]] = {}
    for name, part in parts.items():
        board = part.digitiser or next(iter(sampling))
        pulse, measure = part.pulse or sampling[board].pulse, part.measure or sampling[board].measure
        found.setdefault((board, pulse, measure), []).extend(numbers[name])
    return tuple(
        Board(name, sampling[name], pulse, measure, np.array(channels, np.int64))
        for (name, pulse, measure), channels in found.items()
    )


def by_channel(boards: Sequence[Board], value: Callable[[Board], float], type_: type = np.float64) -> Array:
    """Return a number of each channel's board, shape (channels,)."""
    made: Array = np.zeros(sum(len(board.channels) for board in boards), type_)
    for board in boards:
        made[board.channels] = value(board)
    return made


def board_numbers(boards: Sequence[Board]) -> Array:
    """Return the position in `boards` of each channel's board, shape (channels,)."""
    position = {id(board): number for number, board in enumerate(boards)}
    return by_channel(boards, lambda board: position[id(board)], np.int64)


def mistakes(parts: Mapping[str, Part], digitisers: Mapping[str, AnyDigitiser]) -> Iterator[tuple[YamlPath, str]]:
    """Yield what is wrong with the digitisers and pulses that parts name, with the path of the node."""
    sampling = [name for name, board in digitisers.items() if isinstance(board, Digitiser)]
    for name, part in parts.items():
        if isinstance(part, Tracker):
            yield from _timed(name, part, digitisers)
        elif isinstance(part, ReadOut):
            yield from _sampled(name, part, digitisers, sampling)


def _sampled(
    name: str, part: ReadOut, digitisers: Mapping[str, AnyDigitiser], sampling: Sequence[str]
) -> Iterator[tuple[YamlPath, str]]:
    """Yield what is wrong with the digitiser or the pulse of a part of cells."""
    if part.digitiser is None and not sampling:
        yield (
            ("digitisers",),
            f"the part '{name}' needs a digitiser that samples pulses; here are: {', '.join(digitisers)}",
        )
        return
    named = part.digitiser or sampling[0]
    board = digitisers.get(named)
    if board is None:
        yield ("parts", name, "digitiser"), f"there is no digitiser '{named}'; {did_you_mean(named, list(digitisers))}"
    elif isinstance(board, Tdc):
        hint = did_you_mean(named, sampling) if sampling else "there is none that does"
        yield ("parts", name, "digitiser"), f"'{named}' is a TDC, which samples no pulses; {hint}"
    else:
        yield from _no_room(name, part, board)


def _no_room(name: str, part: ReadOut, board: Digitiser) -> Iterator[tuple[YamlPath, str]]:
    """Yield where a part has a pulse or a fit of its own that is not inside the waveform."""
    try:
        at: YamlPath = ("parts", name, "pulse", "start")
        if part.pulse is not None:
            board.room_for(part.pulse)
        at = ("parts", name, "measure")
        if part.measure is not None:
            board.room_for_fit(part.measure)
    except ValueError as error:
        yield at, str(error)


def _timed(name: str, part: Tracker, digitisers: Mapping[str, AnyDigitiser]) -> Iterator[tuple[YamlPath, str]]:
    """Yield what is wrong with the TDC of a tracker: its kind, and a window beyond its range."""
    if part.digitiser is None:
        return
    tdcs = [known for known, board in digitisers.items() if isinstance(board, Tdc)]
    board = digitisers.get(part.digitiser)
    if board is None or not isinstance(board, Tdc):
        what = f"there is no digitiser '{part.digitiser}'" if board is None else f"'{part.digitiser}' samples pulses"
        hint = did_you_mean(part.digitiser, tdcs) if tdcs else "add one under 'digitisers' with 'kind: tdc'"
        yield ("parts", name, "digitiser"), f"{what}; a tracker is read by one of the kind tdc; {hint}"
        return
    first, last = part.window
    if first < -board.start or last > board.range - board.start:
        reach = f"{-board.start:g} to {board.range - board.start:g} ns"
        yield (
            ("parts", name, "window"),
            f"the window {first:g} to {last:g} ns is outside the range of '{part.digitiser}', {reach}",
        )
