"""The multiplexing map of strip detectors, which read-out channel reads which strip, from the table it is stored in.

A channel reads several strips far apart. As long as the pairs of channels on neighbouring strips never repeat, two
neighbouring strips hit by one particle name their place ("genetic multiplexing", S. Procureur et al., Nucl. Instrum.
Meth. A 729 (2013) 888). How NA64's chambers are wired is not public: the map that ships is illustrative.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.errors import Location, Problems, UserError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from emiss.configs.arrays import Array
    from emiss.reco.parts.quantities import View
    from emiss.reco.parts.tracker import StripView


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


def wiring(path: Path | None, views: Mapping[View, StripView]) -> dict[View, Array]:
    """Return the read-out channel of every strip from a table; without one each strip has its own.

    Raises
    ------
    UserError
        As `read_table`.
    """
    if path is None:
        return {view: np.arange(size.strips, dtype=np.int32) for view, size in views.items()}
    return read_table(path, views)


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
    if not (0 <= strip < size.strips and 0 <= value < size.read):
        msg = f"strip {strip} or channel {value} is outside {size.strips} strips, {size.read} channels"
        raise ValueError(msg)
    return view, strip, value
