"""The numba kernels of the waveform stage: one pass over the samples of each digit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.compiled import fused

if TYPE_CHECKING:
    from emiss.configs.arrays import Array, Floats

NO_PULSE, GOOD, SATURATED, PILE_UP = 0, 1, 2, 4
"""Bits of the status of a waveform; 0 where nothing is above the threshold."""

MOMENTS = 5
"""Rows of `_moments`."""

SECOND = 0.15
"""A second pulse counts from this share of the first (smaller ones hide in differences of the pulse shape)."""


@fused
def measure(
    samples: Array,
    n_samples: Array,
    channel: Array,
    even: Array,
    odd: Array,
    sigma: Array,
    threshold: float,
    before: int,
    after: int,
    full_scale: int,
    period: float,
    rise: float,
    scratch: Floats,
    charge: Array,
    start: Array,
    status: Array,
) -> None:
    """Measure charge, start time and status of waveforms.

    The pedestal of even and odd samples is subtracted, then (t/rise) exp(1 - t/rise) is fitted by least squares to the
    unsaturated samples from `before` samples before the maximum to `after` behind it, in amplitude and start time. The
    charge is the area of the fitted pulse, e rise/period samples times its height: unlike a sum over samples it does not
    ripple with the phase of the clock (1 % here), and it recovers a pulse that saturates. Where the fit fails, the sum of
    the samples is the charge and the maximum gives the time.

    Parameters
    ----------
    samples : uint16 array of shape (D, S)
    n_samples : integer array of shape (D,)
    channel : integer array of shape (D,)
        Row of each digit in the constants.
    even, odd, sigma : arrays of shape (channels,), ADC
    threshold : float
        In units of sigma.
    full_scale : int
        Largest value of a sample; one that reaches it is saturated.
    period, rise : float, ns
    scratch : float64 array of shape (1 + 2 * MOMENTS, S + 1)
    charge, start, status : arrays of shape (D,), written
        ADC, ns after the first sample, bits; NaN time where there is no pulse.
    """
    width = rise / period  # from here on in samples
    fall = math.exp(-1.0 / width)
    values, weights, partial = scratch[0], scratch[1 : 1 + MOMENTS], scratch[1 + MOMENTS :]
    values[:] = 0.0
    _moments(values, fall, weights)
    for digit in range(len(samples)):
        count, row = min(np.int64(n_samples[digit]), samples.shape[1]), channel[digit]
        status[digit], charge[digit], start[digit] = NO_PULSE, 0.0, np.nan
        bar = threshold * sigma[row]
        # most channels hold noise: they are done with the largest even and odd sample
        largest_even, largest_odd = _largest(samples[digit], count)
        if count == 0 or max(largest_even - even[row], largest_odd - odd[row]) <= bar:
            continue
        pedestal = (even[row], odd[row])
        for k in range(0, count - 1, 2):
            values[k] = samples[digit, k] - pedestal[0]
            values[k + 1] = samples[digit, k + 1] - pedestal[1]
        if count & 1:
            values[count - 1] = samples[digit, count - 1] - pedestal[0]
        top, highest = 0, max(largest_even - pedestal[0], largest_odd - pedestal[1])
        while values[top] < highest and top < count - 1:
            top += 1
        first, stop = max(0, top - before), min(count, top + after + 1)
        saturated = max(largest_even, largest_odd) >= full_scale
        used = weights
        if saturated:
            for k in range(count):
                if samples[digit, k] >= full_scale:
                    values[k] = np.nan  # the fit leaves these out
            used = partial
            _moments(values[first:stop], fall, partial)
        slope, level, begin = _fit(values[first:stop], top - first, fall, used)
        begin += first
        early = level / slope if slope > 0.0 else np.nan
        total = slope * width * width * math.exp(early / width)
        if not abs(begin - early + width - top) < 3.0 * width or (
            total > 2.0 * math.e * width * highest and not saturated
        ):
            begin = max(0, math.floor(top - width) + 1)
            early = begin - (top - width)
            slope = highest / width * math.exp(1.0 - early / width)
            level = slope * early
            total = 0.0
            for k in range(count):
                total += samples[digit, k] - pedestal[k & 1]
        bits = GOOD | SATURATED if saturated else GOOD
        if not saturated and _leaves_more(values[:count], slope, level, begin, fall, max(bar, SECOND * highest)):
            bits |= PILE_UP
        status[digit], charge[digit], start[digit] = bits, total, (begin - early) * period


@fused
def _moments(values: Array, fall: float, moments: Array) -> None:
    """Fill what the equations of `_fit` take from the samples that there are (those that are not NaN).

    Column m is for the last m samples: sums of fall^2j times 1, j, j^2 over j from the first of them, and the inverse of
    their determinant and of the last one, 0 where there is none.
    """
    square = fall * fall
    one, j, jj = 0.0, 0.0, 0.0
    for m in range(len(values)):
        jj, j, one = square * (jj + 2.0 * j + one), square * (j + one), square * one
        if not math.isnan(values[len(values) - 1 - m]):
            one += 1.0
        determinant = one * jj - j * j
        moments[0, m + 1], moments[1, m + 1], moments[2, m + 1] = one, j, jj
        moments[3, m + 1] = 1.0 / determinant if determinant > 1e-12 * one * jj else 0.0
        moments[4, m + 1] = 1.0 / jj if jj > 0.0 else 0.0


@fused
def _largest(samples: Array, count: int) -> tuple[int, int]:
    """Return the largest even and the largest odd sample, 0 where there is none."""
    even = odd = np.uint16(0)
    for k in range(count // 2):
        even = max(even, samples[2 * k])
        odd = max(odd, samples[2 * k + 1])
    if count & 1:
        even = max(even, samples[count - 1])
    return np.int64(even), np.int64(odd)


@fused
def _fit(values: Array, top: int, fall: float, moments: Array) -> tuple[float, float, int]:
    """Return slope a, level c and first sample b of the pulse in some samples; slope 0 where there is none.

    Behind its start a pulse is (a j + c) fall^j, j samples behind b, its first sample: linear in a and c. So with b known
    the least squares are two linear equations, and their solution is the minimum wanted if the pulse that it describes starts
    between b - 1 and b, at b - c/a, which is 0 < c <= a. Elsewhere the best start between the two is at an end, at b with
    c = 0. From b to b - 1 the sums over j take on one sample, so that one pass towards earlier samples solves the
    equations of every b, and of these minima the deepest one is that of all starts.

    Parameters
    ----------
    values : array of shape (S,), ADC
        NaN where saturated.
    top : int
        The sample of the maximum, the last one that a pulse may begin with.
    fall : float
        exp(-1/width), by which the exponential falls from sample to sample.
    moments : array of shape (MOMENTS, > S)
        See `_moments`.
    """
    y, jy, part = 0.0, 0.0, 0.0  # sums over the samples of fall^j y and j fall^j y
    size = len(values)
    for b in range(size - 1, top, -1):
        part = fall * y
        jy = fall * jy + part
        y = part + (0.0 if math.isnan(values[b]) else values[b])
    best, slope, level, begin = 0.0, 0.0, 0.0, 0
    for b in range(top, -1, -1):
        part = fall * y
        jy = fall * jy + part
        y = part + (0.0 if math.isnan(values[b]) else values[b])
        one, j, jj = moments[0, size - b], moments[1, size - b], moments[2, size - b]
        a, c = (one * jy - j * y) * moments[3, size - b], (jj * y - j * jy) * moments[3, size - b]
        if not (c > 0.0 and a > 0.0 and (c <= a or b == 0)):
            a, c = max(jy, 0.0) * moments[4, size - b], 0.0
        gain = a * jy + c * y
        if gain > best:
            best, slope, level, begin = gain, a, c, b
    return slope, level, begin


@fused
def _leaves_more(values: Array, slope: float, level: float, begin: int, fall: float, bar: float) -> bool:
    """Return whether a sample is above the pulse (slope j + level) fall^j, j from sample `begin` on, by more than `bar`."""
    begin = min(len(values), begin)
    for k in range(begin):
        if values[k] > bar:
            return True
    last = len(values)
    while last > begin and not values[last - 1] > bar:
        last -= 1  # what is not above the bar itself cannot be so after the pulse is taken away
    decay = 1.0
    for k in range(begin, last):
        if values[k] - level * decay > bar:
            return True
        level += slope
        decay *= fall
    return False
