"""The numba kernels of the waveform stage: one pass over the samples of each digit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.compiled import fused

if TYPE_CHECKING:
    from emiss.configs.arrays import Array, Floats, Ints

_inlined = fused(forceinline=True)
"""What is called is laid into the caller. Left as functions, they would be compiled once by themselves and once with their
caller, and which of the two runs, with sums that are rounded otherwise, depends on whether the code was kept from a process
before."""

NO_PULSE, GOOD, SATURATED, PILE_UP = 0, 1, 2, 4
"""Bits of the status of a waveform; 0 where nothing is above the threshold."""

MOMENTS = 4
"""Rows of `_moments`."""

SECOND = 0.15
"""A second pulse counts from this share of the first (smaller ones hide in differences of the pulse shape)."""


def scratch(samples: int) -> Floats:
    """Return room for the work on waveforms of so many samples, filled by `prepare`.

    Its rows are the samples less their pedestals, the powers of `fall`, the moments of windows in which all samples are used,
    and those of one in which some are saturated.
    """
    return np.empty((2 + 2 * MOMENTS, samples + 1))


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
    room: Floats,
    charge: Array,
    start: Array,
    status: Array,
) -> None:
    """Measure charge, start time and status of waveforms.

    The pedestal of even and odd samples is subtracted, then (t/rise) exp(1 - t/rise) is fitted by least squares to the
    unsaturated samples from `before` samples before the maximum, or the first saturated one, to `after` behind it, or the last
    saturated one that follows without a gap, in amplitude and start time. The
    charge is the area of the fitted pulse, e rise/period samples times its height: unlike a sum over samples it does not
    ripple with the phase of the clock (1 % here), and it recovers a pulse that saturates. Where the fit fails, the sum of
    the samples is the charge and the maximum, or the first saturated sample, gives the time.

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
    room : float64 array
        From `scratch`.
    charge, start, status : arrays of shape (D,), written
        ADC, ns after the first sample, bits; NaN time where there is no pulse.
    """
    width = rise / period
    fall = prepare(samples.shape[1], width, room)
    for digit in range(len(samples)):
        count, row = min(np.int64(n_samples[digit]), samples.shape[1]), channel[digit]
        status[digit], charge[digit], time, _, _ = pulse(
            samples[digit, :count],
            even[row],
            odd[row],
            threshold * sigma[row],
            before,
            after,
            full_scale,
            width,
            fall,
            room,
        )
        start[digit] = time * period


@fused
def cells(
    offsets: Ints,
    samples: Array,
    n_samples: Array,
    channel: Array,
    constants: tuple[Array, Array, Array, Array, Array],
    threshold: float,
    before: int,
    after: int,
    full_scale: int,
    period: float,
    rise: float,
    reference: int,
    bits: tuple[int, int],
    room: Floats,
    cell_offsets: Ints,
    cell_channel: Array,
    energy: Array,
    time: Array,
    quality: Array,
    lacking: Array,
) -> None:
    """Measure the waveforms of events as `measure` does, and write the pulses alone, calibrated.

    Parameters
    ----------
    offsets : int64 array of shape (N + 1,)
        Of the events in the digits.
    constants : arrays of shape (channels,)
        even, odd, sigma (ADC), gain (GeV per ADC), offset (ns).
    reference : int
        Channel that the times are relative to.
    bits : (int, int)
        Of `quality`: saturated, pile-up.
    cell_offsets : int64 array of shape (N + 1,), written
    cell_channel, energy, time, quality : int32, float64, float64 and uint32 arrays of shape (>= pulses,), written
    lacking : bool array of shape (N,), written
        There is no pulse in the reference channel: the times of the event stay as they are.
    """
    even, odd, sigma, gain, offset = constants
    width = rise / period
    fall = prepare(samples.shape[1], width, room)
    n = 0
    cell_offsets[0] = 0
    for event in range(len(offsets) - 1):
        zero = 0.0
        lacking[event] = True
        for digit in range(offsets[event], offsets[event + 1]):
            count, row = min(np.int64(n_samples[digit]), samples.shape[1]), channel[digit]
            status, charge, start, _, _ = pulse(
                samples[digit, :count],
                even[row],
                odd[row],
                threshold * sigma[row],
                before,
                after,
                full_scale,
                width,
                fall,
                room,
            )
            if status == NO_PULSE:
                continue
            cell_channel[n], energy[n], time[n] = row, charge * gain[row], start * period - offset[row]
            quality[n] = (bits[0] if status & SATURATED else 0) | (bits[1] if status & PILE_UP else 0)
            if row == reference:
                zero, lacking[event] = time[n], False
            n += 1
        for cell in range(cell_offsets[event], n):
            if cell_channel[cell] != reference:
                time[cell] -= zero
        cell_offsets[event + 1] = n


@_inlined
def prepare(size: int, width: float, room: Floats) -> float:
    """Set up the room of `pulse` for waveforms of `size` samples, with pulses that rise for `width` samples.

    Returns exp(-1/width), by which the exponential falls from sample to sample.
    """
    fall = math.exp(-1.0 / width)
    values, powers = room[0, :size], room[1, :size]
    power = 1.0
    for j in range(size):
        values[j], powers[j] = 0.0, power
        power *= fall
    room[1, size] = power
    _moments(values, fall, room[2 : 2 + MOMENTS])
    return fall


@_inlined
def pulse(
    samples: Array,
    even: float,
    odd: float,
    bar: float,
    before: int,
    after: int,
    full_scale: int,
    width: float,
    fall: float,
    room: Floats,
) -> tuple[int, float, float, int, int]:
    """Return status, charge (ADC), start (samples after the first) and window of one waveform; see `measure`.

    The window is its first sample and the one behind its last. `bar` is the threshold in ADC,
    `width` the rise time in samples, `fall` comes from `prepare`.
    """
    count = len(samples)
    # most channels hold noise: they are done with the largest even and odd sample
    largest_even, largest_odd = _largest(samples, count)
    highest = max(largest_even - even, largest_odd - odd)
    if count == 0 or highest <= bar:
        return NO_PULSE, 0.0, np.nan, 0, 0
    values, moments = room[0], room[2 : 2 + MOMENTS]
    bar = max(bar, SECOND * highest)
    above = _subtract(samples, count, even, odd, bar, values)
    top = 0
    while values[top] < highest and top < count - 1:
        top += 1
    last, saturated = top, max(largest_even, largest_odd) >= full_scale
    if saturated:  # from the first saturated sample to behind the last one of them, where the pulse comes down again
        top = 0
        while samples[top] < full_scale:
            top += 1
        last = top
        while last + 1 < count and samples[last + 1] >= full_scale:
            last += 1
    first, stop = max(0, top - before), min(count, last + after + 1)
    if saturated:
        moments = room[2 + MOMENTS :]
        _leave_out(samples[first:stop], full_scale, values[first:stop], fall, moments)
    slope, level, begin = _fit(values[first:stop], top - first, fall, moments)
    begin += first
    early = level / slope  # NaN where there is no pulse
    total = slope * width * width * math.exp(early / width)
    too_high = total > 2.0 * math.e * width * highest and not saturated
    if too_high or not abs(begin - early + width - top) < 3.0 * width:
        begin = top if saturated else max(0, math.floor(top - width) + 1)
        early = 0.5 if saturated else begin - (top - width)
        slope = highest / width * math.exp(1.0 - early / width)
        level = slope * early
        total = 0.0
        for k in range(count):
            total += samples[k] - (odd if k & 1 else even)
    status = GOOD | SATURATED if saturated else GOOD
    if not saturated and _leaves_more(values[:count], slope, level, begin, room[1], bar, above):
        status |= PILE_UP
    return status, total, begin - early, first, stop


@_inlined
def _largest(samples: Array, count: int) -> tuple[int, int]:
    """Return the largest even and the largest odd sample, 0 where there is none."""
    even = odd = np.uint16(0)
    for k in range(count // 2):
        even = max(even, samples[2 * k])
        odd = max(odd, samples[2 * k + 1])
    if count & 1:
        even = max(even, samples[count - 1])
    return np.int64(even), np.int64(odd)


@_inlined
def _subtract(samples: Array, count: int, even: float, odd: float, bar: float, values: Array) -> int:
    """Fill `values` with the samples less their pedestals; return how many of them are above `bar`."""
    above = 0
    for k in range(count):
        values[k] = samples[k] - (odd if k & 1 else even)
        above += values[k] > bar
    return above


@_inlined
def _leave_out(samples: Array, full_scale: int, values: Array, fall: float, moments: Array) -> None:
    """Make saturated samples add nothing to `values` of a window, nor to its `moments`."""
    for k in range(len(samples)):
        if samples[k] >= full_scale:
            values[k] = np.nan
    _moments(values, fall, moments)
    for k in range(len(samples)):
        if math.isnan(values[k]):
            values[k] = 0.0


@_inlined
def _moments(values: Array, fall: float, moments: Array) -> None:
    """Fill what the equations of `_fit` take from the samples that are used, those that are not NaN.

    Column m is for the last m samples: sums of fall^2j times 1, j, j^2 over j from the first of them, divided by the
    determinant of the two equations, and the inverse of the last sum; 0 where there is none.
    """
    square = fall * fall
    one, j, jj = 0.0, 0.0, 0.0
    for m in range(len(values)):
        jj, j, one = square * (jj + 2.0 * j + one), square * (j + one), square * one
        if not math.isnan(values[len(values) - 1 - m]):
            one += 1.0
        determinant = one * jj - j * j
        inverse = 1.0 / determinant if determinant > 1e-12 * one * jj else 0.0
        moments[0, m + 1], moments[1, m + 1], moments[2, m + 1] = inverse * one, inverse * j, inverse * jj
        moments[3, m + 1] = 1.0 / jj if jj > 0.0 else 0.0


@_inlined
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
        0 where saturated.
    top : int
        The sample of the maximum, the last one that a pulse may begin with.
    fall : float
        exp(-1/width), by which the exponential falls from sample to sample.
    moments : array of shape (MOMENTS, > S)
        See `_moments`.
    """
    y, jy = 0.0, 0.0  # sums over the samples of fall^j y and j fall^j y
    size = len(values)
    for m in range(1, size - top):
        part = fall * y
        jy = fall * jy + part
        y = part + values[size - m]
    best, slope, level, begin = 0.0, 0.0, 0.0, 0
    for m in range(size - top, size + 1):
        part = fall * y
        jy = fall * jy + part
        y = part + values[size - m]
        a = moments[0, m] * jy - moments[1, m] * y
        c = moments[2, m] * y - moments[1, m] * jy
        if not ((c > 0.0) & (a > 0.0) & ((c <= a) | (m == size))):
            a, c = moments[3, m] * jy if jy > 0.0 else 0.0, 0.0
        gain = a * jy + c * y
        if gain > best:
            best, slope, level, begin = gain, a, c, size - m
    return slope, level, begin


@_inlined
def _leaves_more(values: Array, slope: float, level: float, begin: int, powers: Array, bar: float, above: int) -> bool:
    """Return whether a sample is above the pulse (slope j + level) fall^j, j from sample `begin` on, by more than `bar`.

    `above` samples are so before the pulse is taken away; `powers` are those of fall.
    """
    behind = values[begin:]
    for j in range(len(behind)):
        above += behind[j] - (slope * j + level) * powers[j] > bar
        above -= behind[j] > bar
    return above > 0
