"""The sums over cells: one pass, for the parts of any set-up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emiss.configs.compiled import bare

if TYPE_CHECKING:
    from emiss.configs.arrays import Bools, Bytes, Floats, Ints, Words

LOW, LATE, USED = 0, 1, 2
"""What a cell is: below the threshold of its part, out of its time window, or in its sum."""


@bare
def add(
    offsets: Ints,
    channel: Ints,
    energy: Floats,
    time: Floats,
    quality: Words,
    threshold: Floats,
    first: Floats,
    last: Floats,
    slot: Ints,
    element: Ints,
    x: Floats,
    y: Floats,
    reference: Bools,
    late_bit: int,
    sums: Floats,
    outside: Floats,
    bits: Words,
    kind: Bytes,
) -> None:
    """Add the cells of N events up, in their order.

    Parameters
    ----------
    offsets, channel, energy, time, quality : arrays
        The cells, as in the product ``cells``.
    threshold, first, last, slot, element, x, y : arrays over channels
        Threshold (GeV), time window (ns), the sum that a channel adds to in time and the one out of time, its place (mm).
    reference : bool array over channels
        The channels whose pulse, the first one of an event, is always in time.
    late_bit : int
        Of `event.quality`, for a pulse out of time.
    sums : array of shape (4, N, slots)
        Is added to: energy, and energy times time, x, y.
    outside : array of shape (N, elements)
        Is added to: energy out of time.
    bits : array of shape (N,)
        Of `event.quality`: gets those of cells above threshold.
    kind : array over cells
        Is filled: `LOW`, `LATE`, `USED`.
    """
    for event in range(len(offsets) - 1):
        for row in range(offsets[event], offsets[event + 1]):
            number = channel[row]
            deposit = energy[row]
            if not deposit > threshold[number]:
                kind[row] = LOW
                continue
            bits[event] |= quality[row]
            when = time[row]
            own = reference[number] and (row == offsets[event] or channel[row - 1] != number)
            if own or first[number] <= when <= last[number]:
                place = slot[number]
                sums[0, event, place] += deposit
                sums[1, event, place] += deposit * when
                sums[2, event, place] += deposit * x[number]
                sums[3, event, place] += deposit * y[number]
                kind[row] = USED
            else:
                outside[event, element[number]] += deposit
                bits[event] |= late_bit
                kind[row] = LATE
