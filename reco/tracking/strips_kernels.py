"""The numba kernel of the strip stage: de-multiplexing and clustering of the digits of one view after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.compiled import bare, kernel

if TYPE_CHECKING:
    from emiss.configs.arrays import Array, Ints

SMALLEST = 2
"""Strips of the smallest cluster: of a single channel one cannot tell which of its strips was hit, unless it reads one."""

GAP = 2
"""Distance of strips between which one is missing (dead, or below threshold)."""

APART = 5.0
"""Sigmas by which the times of neighbouring strips of a cluster may differ."""

SPREAD = 5.0
"""ns; spread of the times of the strips of one particle beyond their errors (illustrative)."""

RISE = 3.0
"""Noise sigmas by which the charge may rise again on the way out from the peak of a cluster."""


@bare(error_model="numpy")
def _apart(a: int, b: int, time: Array, error: Array) -> bool:
    """Whether two digits are of different times; one whose time is unknown may belong to any."""
    return abs(time[a] - time[b]) > APART * np.sqrt(error[a] ** 2 + error[b] ** 2 + SPREAD**2)  # False for NaN


@bare(error_model="numpy")
def _reach(
    strip: int,
    side: int,
    reach: int,
    digit_at: Array,
    charge: Array,
    noise: Array,
    time: Array,
    error: Array,
    free: Array,
) -> int:
    """Return the last strip of the cluster that peaks at `strip`, going to one side (-1, 1) in steps of up to `reach`.

    The charge does not rise on the way, and no strip is of another time than the one at the peak.
    """
    last = strip
    while True:
        found = -1
        for distance in range(1, reach + 1):
            following = last + side * distance
            if not 0 <= following < len(digit_at) or digit_at[following] < 0:
                continue
            if free[digit_at[following]]:
                found = following
                break
        if found < 0:
            return last
        inner, outer = digit_at[last], digit_at[found]
        if charge[outer] > charge[inner] + RISE * np.hypot(noise[inner], noise[outer]):
            return last
        if _apart(digit_at[strip], outer, time, error) or _apart(inner, outer, time, error):
            return last
        last = found


@bare(error_model="numpy")
def _best(
    lit: Array, reach: int, digit_at: Array, charge: Array, noise: Array, time: Array, error: Array, free: Array
) -> tuple[int, int, int]:
    """Return first strip, last strip and size of the largest free cluster (then of highest charge, then the first)."""
    best_first, best_last, best_size, best_charge = -1, -1, 0, 0.0
    for strip in lit:
        if not free[digit_at[strip]]:
            continue
        first = _reach(strip, -1, reach, digit_at, charge, noise, time, error, free)
        last = _reach(strip, 1, reach, digit_at, charge, noise, time, error, free)
        size, total = 0, 0.0
        for member in range(first, last + 1):
            if digit_at[member] >= 0 and free[digit_at[member]]:
                size += 1
                total += charge[digit_at[member]]
        better = size > best_size or (size == best_size and total > best_charge)
        if better or (size == best_size and total == best_charge and first < best_first):
            best_first, best_last, best_size, best_charge = first, last, size, total
    return best_first, best_last, best_size


@bare(error_model="numpy")
def _join(
    strip: int,
    digit: int,
    found: int,
    begin: int,
    first: Array,
    last: Array,
    edge: Array,
    charge: Array,
    time: Array,
    error: Array,
) -> int:
    """Return the cluster that a left-over digit on `strip` continues beyond one missing strip, or -1."""
    for cluster in range(begin, found):
        for side in range(2):
            beyond = last[cluster] + GAP if side else first[cluster] - GAP
            outermost = edge[cluster, side]
            if strip == beyond and charge[digit] <= charge[outermost] and not _apart(outermost, digit, time, error):
                return cluster
    return -1


@kernel(error_model="numpy")
def cluster(
    offsets: Ints,
    channel: Array,
    charge: Array,
    noise: Array,
    time: Array,
    error: Array,
    strip_start: Ints,
    strip_of: Ints,
    strips: int,
    member: Ints,
    place: Ints,
    group: Ints,
) -> int:
    """Assign the digits of every group to clusters; return how many clusters there are.

    A group holds the digits of one view in one event. Every digit lights all strips that its channel reads. A cluster is a
    run of neighbouring lit strips of one time whose charge falls from its peak to both sides: where it rises again, or the
    time changes, another particle's digit or noise happens to be a neighbour. The largest cluster (then the one of highest
    charge) takes its digits out, and so on while there are clusters of two strips and more; then those with a missing strip;
    then a digit that is left over joins the cluster it continues beyond one missing strip. What is left then is no cluster.

    Parameters
    ----------
    offsets : int64 array of shape (G + 1,)
        Of the groups in the digits.
    channel, charge, noise, time, error : arrays of shape (D,)
        Read-out channel (numbered through all planes), charge and its noise (ADC), time and its error (ns, NaN: unknown).
    strip_start, strip_of : int64 arrays
        The strips of channel c are strip_of[strip_start[c] : strip_start[c + 1]].
    strips : int
        Strips of the largest plane.
    member, place : int64 arrays of shape (D,), written
        Cluster of each digit (-1: none), and the strip where it was hit.
    group : int64 array of shape (D,), written
        Group of each cluster.
    """
    found = 0
    digit_at = np.full(strips, -1, np.int64)
    free = np.empty(len(channel), np.bool_)
    first, last = np.empty(len(channel), np.int64), np.empty(len(channel), np.int64)
    edge = np.empty((len(channel), 2), np.int64)
    room = 0
    for c in range(len(strip_start) - 1):
        room = max(room, strip_start[c + 1] - strip_start[c])
    largest = 0
    for g in range(len(offsets) - 1):
        largest = max(largest, offsets[g + 1] - offsets[g])
    lit = np.empty(room * largest, np.int64)
    for g in range(len(offsets) - 1):
        n = 0
        for digit in range(offsets[g], offsets[g + 1]):
            free[digit], member[digit], place[digit] = True, -1, -1
            for k in range(strip_start[channel[digit]], strip_start[channel[digit] + 1]):
                lit[n] = strip_of[k]
                digit_at[strip_of[k]] = digit
                n += 1
        begin = found
        widest = 1
        for digit in range(offsets[g], offsets[g + 1]):
            widest = max(widest, strip_start[channel[digit] + 1] - strip_start[channel[digit]])
        smallest = SMALLEST if widest > 1 else 1
        for reach in range(1, GAP + 1):
            while True:
                low, high, size = _best(lit[:n], reach, digit_at, charge, noise, time, error, free)
                if size < smallest:
                    break
                group[found], first[found], last[found] = g, low, high
                edge[found, 0], edge[found, 1] = digit_at[low], digit_at[high]
                for strip in range(low, high + 1):
                    digit = digit_at[strip]
                    if digit >= 0 and free[digit]:
                        free[digit], member[digit], place[digit] = False, found, strip
                found += 1
        for i in range(n):
            digit = digit_at[lit[i]]
            if free[digit]:
                joined = _join(lit[i], digit, found, begin, first, last, edge, charge, time, error)
                if joined >= 0:
                    free[digit], member[digit], place[digit] = False, joined, lit[i]
        for i in range(n):
            digit_at[lit[i]] = -1
    return found
