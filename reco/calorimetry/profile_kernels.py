"""Kernels of shower profiles: shares of the cells around the one of most energy, and their distance to a library."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from emiss.configs.compiled import bare, fused

if TYPE_CHECKING:
    from emiss.configs.arrays import Bytes, Floats, Ints

SIDE, SHARES = 3, 9


@bare
def blocks(
    offsets: Ints,
    channel: Ints,
    energy: Floats,
    kind: Bytes,
    used: int,
    cell: Ints,
    size: tuple[int, int],
    room: Floats,
    shares: Floats,
    ring: Floats,
    where: Ints,
) -> None:
    """Find the cell of most energy of N events, and the shares of the 3 x 3 cells around it, column by column.

    Parameters
    ----------
    offsets, channel, energy, kind : arrays
        The cells, as in `sums_kernels.add`; those of the kind `used` count.
    cell : int array over channels
        Number column * rows + row of the cell that a channel adds to, -1 for none.
    size : (int, int)
        Columns and rows.
    room : array of shape (columns * rows,)
        To work in.
    shares : array of shape (N, 9)
        Is filled: parts of the energy in all cells; NaN without energy.
    ring : array of shape (N,)
        Is filled: the part of the eight cells around.
    where : int array of shape (2, N)
        Is filled: column and row of the cell, -1 without energy.
    """
    columns, rows = size
    for event in range(len(offsets) - 1):
        room[:] = 0.0
        total = 0.0
        for k in range(offsets[event], offsets[event + 1]):
            number = cell[channel[k]]
            if number >= 0 and kind[k] == used:
                room[number] += energy[k]
                total += energy[k]
        if not total > 0.0:
            shares[event] = math.nan
            ring[event] = math.nan
            where[:, event] = -1
            continue
        most = 0
        for number in range(columns * rows):
            if room[number] > room[most]:
                most = number
        ix, iy = most // rows, most % rows
        where[0, event], where[1, event] = ix, iy
        around = 0.0
        for a in range(SIDE):
            for b in range(SIDE):
                x, y = ix + a - 1, iy + b - 1
                inside = 0 <= x < columns and 0 <= y < rows
                share = room[x * rows + y] / total if inside else 0.0
                shares[event, SIDE * a + b] = share
                around += share
        ring[event] = around - shares[event, SHARES // 2]


@bare
def fold(shares: Floats, edges: Floats, place: Ints) -> None:
    """Mirror the shares of N events until the larger asymmetry is in x and both are positive, and tell where they lie.

    Parameters
    ----------
    shares : array of shape (N, 9)
        Is changed.
    edges : array
        Of the intervals of both asymmetries.
    place : int array of shape (N,)
        Is filled: number u (u + 1) / 2 + v of the intervals; -1 without energy.
    """
    for event in range(len(shares)):
        one = shares[event]
        block = 0.0
        for k in range(SHARES):
            block += one[k]
        if not block > 0.0:
            place[event] = -1
            continue
        u = (one[6] + one[7] + one[8] - one[0] - one[1] - one[2]) / block
        v = (one[2] + one[5] + one[8] - one[0] - one[3] - one[6]) / block
        if u < 0.0:
            for b in range(SIDE):
                one[b], one[6 + b] = one[6 + b], one[b]
        if v < 0.0:
            for a in range(SIDE):
                one[SIDE * a], one[SIDE * a + 2] = one[SIDE * a + 2], one[SIDE * a]
        u, v = abs(u), abs(v)
        if v > u:
            u, v = v, u
            for a in range(SIDE):
                for b in range(a):
                    one[SIDE * a + b], one[SIDE * b + a] = one[SIDE * b + a], one[SIDE * a + b]
        first = second = 0
        for edge in edges:
            first += u >= edge
            second += v >= edge
        place[event] = first * (first + 1) // 2 + second


@bare
def distances(
    shares: Floats,
    place: Ints,
    energy: Floats,
    logs: Floats,
    means: Floats,
    covariances: Floats,
    free: Floats,
    room: Floats,
    chi2: Floats,
) -> None:
    """Return chi2 per degree of freedom of folded shares: (s - m) C^-1 (s - m) / n.

    Parameters
    ----------
    shares, place, energy : arrays over N events
        `fold`; GeV.
    logs : array of shape (E,)
        Logarithms of the energies of the library.
    means, covariances, free : arrays of shape (E, B, 9), (E, B, 9, 9), (E, B)
        Of the library, by energy and place; `free` is n.
    room : array of shape (10, 9)
        To work in.
    chi2 : array of shape (N,)
        Is filled; NaN without energy.
    """
    lower, off = room[:SHARES], room[SHARES]
    for event in range(len(shares)):
        at = place[event]
        if at < 0 or not energy[event] > 0.0:
            chi2[event] = math.nan
            continue
        low, weight = _between(logs, math.log(energy[event]))
        high = min(low + 1, len(logs) - 1)
        for k in range(SHARES):
            off[k] = shares[event, k] - ((1.0 - weight) * means[low, at, k] + weight * means[high, at, k])
            for j in range(k + 1):
                lower[k, j] = (1.0 - weight) * covariances[low, at, k, j] + weight * covariances[high, at, k, j]
        chi2[event] = _solved(lower, off) / ((1.0 - weight) * free[low, at] + weight * free[high, at])


@fused
def _between(grid: Floats, value: float) -> tuple[int, float]:
    """Return the node at or below a value, and how far it is to the next; the ends stand for what is beyond them."""
    low = 0
    while low + 2 < len(grid) and value >= grid[low + 1]:
        low += 1
    if len(grid) == 1:
        return 0, 0.0
    return low, min(max((value - grid[low]) / (grid[low + 1] - grid[low]), 0.0), 1.0)


@fused
def _solved(lower: Floats, off: Floats) -> float:
    """Return d C^-1 d of a symmetric matrix, given by its lower triangle, by Cholesky's decomposition; both are changed."""
    total = 0.0
    for k in range(SHARES):
        for j in range(k):
            value = lower[k, j]
            for i in range(j):
                value -= lower[k, i] * lower[j, i]
            lower[k, j] = value / lower[j, j]
        diagonal, rest = lower[k, k], off[k]
        for i in range(k):
            diagonal -= lower[k, i] * lower[k, i]
            rest -= lower[k, i] * off[i]
        lower[k, k] = math.sqrt(max(diagonal, 1e-12))
        off[k] = rest / lower[k, k]
        total += off[k] * off[k]
    return total
