"""Which digitiser samples which channels, and the shape of the pulses there: the waveform stage and the simulation go by it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.errors import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from emiss.configs.arrays import Array
    from emiss.configs.document import YamlPath
    from emiss.reco.parts.base import Part, ReadOut
    from emiss.reco.parts.digitiser import Digitiser, Pulse


@dataclass(frozen=True)
class Board:
    """Channels that are sampled alike and see pulses of one shape.

    Attributes
    ----------
    name : str
        Of the digitiser.
    digitiser : Digitiser
    pulse : Pulse
    channels : int array
        Numbers of the channels.
    """

    name: str
    digitiser: Digitiser
    pulse: Pulse
    channels: Array


def boards_of(
    digitisers: Mapping[str, Digitiser], parts: Mapping[str, ReadOut], numbers: Mapping[str, Sequence[int]]
) -> tuple[Board, ...]:
    """Return the boards in the order in which the parts come to them; `numbers` are the channels of each part."""
    found: dict[tuple[str, Pulse], list[int]] = {}
    for name, part in parts.items():
        board = part.digitiser or next(iter(digitisers))
        pulse = part.pulse or digitisers[board].pulse
        found.setdefault((board, pulse), []).extend(numbers[name])
    return tuple(
        Board(name, digitisers[name], pulse, np.array(channels, np.int64)) for (name, pulse), channels in found.items()
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


def mistakes(parts: Mapping[str, Part], digitisers: Mapping[str, Digitiser]) -> Iterator[tuple[YamlPath, str]]:
    """Yield what is wrong with the digitisers and pulses that parts name, with the path of the node."""
    for name, part in parts.items():
        board = getattr(part, "digitiser", None) or next(iter(digitisers))
        if board not in digitisers:
            yield ("parts", name, "digitiser"), f"there is no digitiser '{board}'; {did_you_mean(board, digitisers)}"
        elif (pulse := getattr(part, "pulse", None)) is not None:
            try:
                digitisers[board].room_for(pulse)
            except ValueError as error:
                yield ("parts", name, "pulse", "start"), str(error)
