"""The numba kernel of the strip stage: de-multiplexing and clustering of the digits of one view after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np

if TYPE_CHECKING:
    from events.lists import Array

SMALLEST = 2
"""Strips of the smallest cluster: of a single channel one cannot tell which of its strips was hit."""

GAP = 2
"""Neighbouring strips of a cluster are at most this far apart (one may be dead)."""


@numba.njit(cache=True, nogil=True)
def cluster(
    first: Array,
    channel: Array,
    charge: Array,
    time: Array,
    strip_start: Array,
    strip_of: Array,
    out_group: Array,
    out_strip: Array,
    out_charge: Array,
    out_time: Array,
    out_size: Array,
) -> int:
    """Find the clusters of every group of digits; returns how many there are.

    A group holds the digits of one view in one event. Every digit lights all strips that its channel reads; the largest
    run of lit neighbours (then the one of highest charge) is a cluster, its digits are taken out, and so on while runs of
    two and more strips are left.

    Parameters
    ----------
    first : int64 array of shape (G + 1,)
        Offsets of the groups in the digits.
    channel, charge, time : arrays of shape (D,)
        Read-out channel (numbered through all planes), charge (ADC), time (ns, NaN where unknown) of each digit.
    strip_start, strip_of : int64 arrays
        The strips of channel c are strip_of[strip_start[c] : strip_start[c + 1]].
    out_* : arrays of length >= D, written
        Group, position in strips, charge, charge-weighted time, number of strips.
    """
    found = 0
    for group in range(len(first) - 1):
        low, high = first[group], first[group + 1]
        lit_count = 0
        for digit in range(low, high):
            lit_count += strip_start[channel[digit] + 1] - strip_start[channel[digit]]
        if lit_count == 0:
            continue
        strips, owner = np.empty(lit_count, np.int64), np.empty(lit_count, np.int64)
        n = 0
        for digit in range(low, high):
            for k in range(strip_start[channel[digit]], strip_start[channel[digit] + 1]):
                strips[n], owner[n] = strip_of[k], digit
                n += 1
        order = np.argsort(strips)
        free = np.ones(high - low, np.bool_)
        while True:
            best_from, best_to, best_size, best_charge = 0, 0, 0, 0.0
            begin, previous, size, total = -1, -10 * GAP, 0, 0.0
            for position in range(n + 1):
                alive = position < n and free[owner[order[position]] - low]
                strip = strips[order[position]] if position < n else 1 << 60
                if position < n and not alive:
                    continue
                if strip - previous > GAP:
                    if size > best_size or (size == best_size and total > best_charge):
                        best_from, best_to, best_size, best_charge = begin, position, size, total
                    begin, size, total = position, 0, 0.0
                if position < n:
                    size += 1
                    total += charge[owner[order[position]]]
                    previous = strip
            if best_size < SMALLEST:
                break
            q, qx, qt, timed = 0.0, 0.0, 0.0, 0.0
            for position in range(best_from, best_to):
                digit = owner[order[position]]
                if not free[digit - low]:
                    continue
                free[digit - low] = False
                q += charge[digit]
                qx += charge[digit] * strips[order[position]]
                if not np.isnan(time[digit]):
                    qt += charge[digit] * time[digit]
                    timed += charge[digit]
            out_group[found], out_strip[found], out_charge[found] = group, qx / q, q
            out_time[found] = qt / timed if timed > 0 else np.nan
            out_size[found] = best_size
            found += 1
    return found
