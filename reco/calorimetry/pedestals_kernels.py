"""The numba kernels of pedestals: histograms of samples, and moments of waveforms without a pulse."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from emiss.configs.compiled import kernel

if TYPE_CHECKING:
    from emiss.configs.arrays import Array, Floats, Ints

LONG = 16
"""Samples from which on the first quarter of a waveform is left out."""

ENDS = 3
"""Samples of each kind at both ends of a waveform that the tail of a pulse would lift."""


@kernel
def levels(samples: Array, n_samples: Array, channel: Array, most: int, counts: Array) -> None:
    """Count the values of even and odd samples, the first `most` of each waveform; `counts` has shape (C, 2, values)."""
    top = counts.shape[2] - 1
    for digit in range(len(samples)):
        row = channel[digit]
        for k in range(min(int(n_samples[digit]), most)):
            counts[row, k & 1, min(int(samples[digit, k]), top)] += 1


@kernel
def quiet(
    offsets: Ints,
    samples: Array,
    n_samples: Array,
    channel: Array,
    most: int,
    level: Floats,
    sigma: Floats,
    near: float,
    flat: float,
    loud: int,
    counts: Ints,
    moments: Floats,
    waveforms: Ints,
) -> None:
    """Add the waveforms without a pulse, those of quiet events and of others apart.

    Parameters
    ----------
    offsets : array of shape (N + 1,)
        Of events in the waveforms.
    samples, n_samples, channel : arrays of shape (D, S), (D,), (D,)
    most : int
        Samples of a waveform that are looked at.
    level, sigma : arrays of shape (C, 2), (C,)
        Where samples lie.
    near, flat : float
        See `emiss.calibrate.calorimeters.pedestals`.
    loud : int
        Waveforms with a pulse from which on an event is not quiet.
    counts : array of shape (2, C, 2, bins), added to
        Of samples less the rounded `level`, in bins of one ADC.
    moments : array of shape (2, C, 2, 4), added to
        Sums of the means of waveforms less `level` and of their squares, of squares around the mean, of degrees of freedom.
    waveforms : array of shape (3, C), added to
        Those without a pulse in quiet events and in others, and all.
    """
    half = counts.shape[3] // 2
    for event in range(len(offsets) - 1):
        begin, end = offsets[event], offsets[event + 1]
        pulses = 0
        for digit in range(begin, end):
            row = channel[digit]
            waveforms[2, row] += 1
            pulses += not _flat(samples[digit], min(int(n_samples[digit]), most), level[row], sigma[row], near, flat)
        which = 1 if pulses >= loud else 0
        for digit in range(begin, end):
            row = channel[digit]
            length = min(int(n_samples[digit]), most)
            if not _flat(samples[digit], length, level[row], sigma[row], near, flat):
                continue
            waveforms[which, row] += 1
            for parity in range(2):
                total = square = 0.0
                n = 0
                middle = math.floor(level[row, parity] + 0.5)
                for k in range(_skipped(length) + parity, length, 2):
                    value = samples[digit, k] - level[row, parity]
                    total += value
                    square += value * value
                    n += 1
                    place = int(samples[digit, k]) - middle + half
                    if 0 <= place < 2 * half:
                        counts[which, row, parity, place] += 1
                mean = total / n
                moments[which, row, parity, 0] += mean
                moments[which, row, parity, 1] += mean * mean
                moments[which, row, parity, 2] += square - n * mean * mean
                moments[which, row, parity, 3] += n - 1


@kernel
def _skipped(length: int) -> int:
    """Return how many samples are left out at the beginning, an even number: the tails of pulses before are there."""
    return 2 * (length // 8) if length >= LONG else 0


@kernel
def _flat(samples: Array, length: int, level: Floats, sigma: float, near: float, flat: float) -> bool:
    """Return whether a waveform has no pulse."""
    if length < 4:
        return False
    bar = near * sigma + 0.5
    for k in range(length):
        if abs(samples[k] - level[k & 1]) > bar:
            return False
    ends = min(2 * ENDS, length // 2)
    head = tail = 0.0
    for k in range(ends):
        head += samples[k] - level[k & 1]
        last = length - 1 - k
        tail += samples[last] - level[last & 1]
    bar = flat * sigma * math.sqrt(ends) + 0.25 * ends
    return abs(head) <= bar and abs(tail) <= bar
