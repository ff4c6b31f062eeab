"""Makes the multiplexing map that ships: ``python -m tests.reco.detector.make_multiplex > multiplex.txt``."""

from __future__ import annotations

import sys
from math import gcd
from typing import TYPE_CHECKING

import numpy as np

from emiss.reco.detector.model import load_detector

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from emiss.configs.arrays import Array
    from emiss.reco.parts.quantities import View
    from emiss.reco.parts.tracker import StripView

_HEADER = """\
# Which read-out channel reads which strip of a Micromegas, for each view: view strip channel.
# No pair of channels stands next to each other, or with one strip between, more than once.
# source: illustrative (made by a genetic algorithm; the wiring of NA64's chambers is not public)
"""


def genetic_map(strips: int, channels: int, reach: int = 2) -> Array:
    """Return the read-out channel of each strip, such that the neighbours of a channel never repeat.

    The strips are cut into blocks of `channels` strips; in each block all channels appear once, with a stride of their
    own between neighbours: channel = (first + stride * position) mod channels. Strides and first channels are the
    smallest with which no pair of channels repeats.

    Parameters
    ----------
    strips, channels : int
        Numbers of strips and of read-out channels.
    reach : int
        No pair of channels is found twice at a distance of up to `reach` strips.

    Returns
    -------
    int32 array of shape (strips,)

    Raises
    ------
    ValueError
        If there is no such map of this form.
    """
    made: list[int] = []
    used: set[tuple[int, int]] = set()
    strides = [stride for stride in range(1, (channels + 1) // 2) if gcd(stride, channels) == 1]
    while len(made) < strips:
        count = min(channels, strips - len(made))
        for block in _blocks(strides, channels, count):
            pairs = list(_pairs([*made[-reach:], *block], reach, skip=min(reach, len(made))))
            if used.isdisjoint(pairs) and len(set(pairs)) == len(pairs) and all(a != b for a, b in pairs):
                made += block
                used.update(pairs)
                break
        else:
            msg = f"no multiplexing map of {strips} strips on {channels} channels found"
            raise ValueError(msg)
    return np.array(made, np.int32)


def _blocks(strides: Iterable[int], channels: int, count: int) -> Iterator[list[int]]:
    for stride in strides:
        for first in range(channels):
            yield [(first + stride * position) % channels for position in range(count)]


def _pairs(channel: list[int], reach: int, skip: int) -> Iterator[tuple[int, int]]:
    """Yield the pairs up to `reach` apart that end behind the first `skip` strips, smaller channel first."""
    for strip in range(skip, len(channel)):
        for other in range(max(0, strip - reach), strip):
            a, b = channel[other], channel[strip]
            yield (a, b) if a < b else (b, a)


def table(maps: Mapping[View, Array]) -> str:
    """Return the text of the table ``view strip channel`` that `emiss.reco.parts.multiplex` reads."""
    rows = [f"{view} {strip} {channel}\n" for view, channels in maps.items() for strip, channel in enumerate(channels)]
    return _HEADER + "".join(rows)


def text_of(views: Mapping[View, StripView]) -> str:
    """Return the text of the table for the views of a detector."""
    return table({view: genetic_map(size.strips, size.channels) for view, size in views.items()})


if __name__ == "__main__":
    sys.stdout.write(text_of(load_detector("na64e_lfc").trackers.plane.views))
