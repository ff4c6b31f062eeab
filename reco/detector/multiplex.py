"""Multiplexing maps of strip detectors: which read-out channel reads which strip, and the table they are stored in.

A channel reads several strips far apart. As long as the pairs of channels on neighbouring strips never repeat, two
neighbouring strips hit by one particle name their place ("genetic multiplexing", S. Procureur et al., Nucl. Instrum.
Meth. A 729 (2013) 888). How NA64's chambers are wired is not public: the maps made here are illustrative.
"""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.errors import Location, Problems, UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from emiss.events.lists import Array
    from emiss.reco.detector.parts import StripView, View

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
    """Return the text of the table ``view strip channel`` that `emiss.reco.detector.model` reads."""
    rows = [f"{view} {strip} {channel}\n" for view, channels in maps.items() for strip, channel in enumerate(channels)]
    return _HEADER + "".join(rows)


def read_table(path: Path, views: Mapping[View, StripView]) -> dict[View, Array]:
    """Read the table ``view strip channel``; lines that begin with # are comments.

    Returns
    -------
    mapping of view to int32 array of shape (strips,)
        The read-out channel of every strip.

    Raises
    ------
    UserError
        For all mistakes at once: what is no such line, a strip or channel that is not there, a strip given twice or not
        at all.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"the multiplexing table cannot be read: {error}", at=Location(str(path))) from None
    problems = Problems()
    channel = {view: np.full(size.strips, -1, np.int32) for view, size in views.items()}
    last = dict.fromkeys(views, 1)
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        try:
            view, strip, value = _entry(words, views)
        except ValueError as wrong:
            problems.add(UserError(str(wrong), at=Location(str(path), number, 1, len(line), text=line)))
            continue
        last[view] = number
        if channel[view][strip] >= 0:
            at = Location(str(path), number, 1, len(line), text=line)
            problems.add(UserError(f"strip {strip} of view {view} is given twice", at=at))
        channel[view][strip] = value
    for view, values in channel.items():
        missing = np.flatnonzero(values < 0)
        if len(missing):
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            at = Location(str(path), last[view], 1, text=lines[last[view] - 1] if lines else "")
            problems.add(UserError(f"no channel is given for strip {missing[0]}{more} of view {view}", at=at))
    problems.check()
    return channel


def _entry(words: list[str], views: Mapping[View, StripView]) -> tuple[View, int, int]:
    """Return view, strip and channel of a line; raise a ValueError that says what is wrong."""
    known = {str(view): view for view in views}
    try:
        view, strip, value = known[words[0]], int(words[1]), int(words[2])
    except (KeyError, IndexError, ValueError):
        msg = f"expected: view strip channel, with the views {' and '.join(known)}"
        raise ValueError(msg) from None
    size = views[view]
    if len(words) > 3 and not words[3].startswith("#"):
        msg = "expected: view strip channel, and nothing behind it"
        raise ValueError(msg)
    if not (0 <= strip < size.strips and 0 <= value < size.channels):
        msg = f"strip {strip} or channel {value} is outside {size.strips} strips, {size.channels} channels"
        raise ValueError(msg)
    return view, strip, value
