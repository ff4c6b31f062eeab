"""Which events of a raw run file lack a front-end block: one cheap pass over block headers, no digit is decoded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.reco.formats.date import layout
from emiss.reco.formats.date.decoding import workspace
from emiss.reco.formats.date.decoding.decode import groups, words_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from emiss.configs.arrays import Bools, Bytes
    from emiss.reco.formats.date.channels.channel_map import ChannelMaps
    from emiss.reco.formats.date.index.events import Index, Policy

BATCH = 4096
ROOM = np.array([0, 0, 0, 0, 4 * layout.SOURCES, 0], np.int64)
"""Rows of a workspace that takes no digits, only the records of one event."""


def lost_blocks(data: Bytes, index: Index, maps_of: Callable[[int], ChannelMaps], policy: Policy) -> Bools:
    """Return which physics events lack a block: a source of the maps, an MSADC module, or what stood behind damage.

    Parameters
    ----------
    data : uint8 array of shape (bytes,), read-only
    index : Index
    maps_of : callable
        Returns the maps of a run.
    policy : "safe" or "oracle"

    Returns
    -------
    bool array of shape (N,)
        False for events that are lost or are not physics.
    """
    from emiss.reco.formats.date.lost_blocks_kernels import mark_lost_blocks

    lost = np.zeros(len(index), bool)
    wanted = np.flatnonzero(index.good & (index.type == layout.PHYSICS))
    if not len(wanted):
        return lost
    largest = int(index.size[wanted].max()) // 4
    out = workspace.allocate(1, largest, ROOM)
    tables: dict[int, workspace.Tables] = {}
    for low, high in groups(index.run[wanted], index.offset[wanted], BATCH):
        entries = wanted[low:high]
        run, phase = int(index.run[entries[0]]), int(index.offset[entries[0]]) % 4
        if run not in tables:
            tables[run] = workspace.tables(maps_of(run))
        lost[entries] = mark_lost_blocks(
            words_at(data, phase),
            (index.offset[entries] - phase) // 4,
            index.size[entries] // 4,
            policy == "safe",
            tables[run],
            out,
        )
    return lost
