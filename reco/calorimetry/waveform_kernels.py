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

STEPS = 16
"""Most Gauss-Newton steps of the pulse fit; most pulses need two or three."""

SETTLED = 1e-3
"""The fit ends when a step changes the start by less than this, in samples: far below what noise does to it."""

KINK = 1.5
"""A sample just before the start of a fitted pulse may belong to the pulse if it is above this many sigma."""

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
    values: Floats,
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
    values : float64 array of shape (S,)
        Scratch.
    charge, start, status : arrays of shape (D,), written
        ADC, ns after the first sample, bits; NaN time where there is no pulse.
    """
    width = rise / period  # from here on in samples
    fall = math.exp(-1.0 / width)
    for digit in range(len(samples)):
        count, row = min(np.int64(n_samples[digit]), samples.shape[1]), channel[digit]
        status[digit], charge[digit], start[digit] = NO_PULSE, 0.0, np.nan
        bar = threshold * sigma[row]
        # most channels hold noise: they are done with the largest even and odd sample
        largest_even, largest_odd = _largest(samples[digit], count)
        if count == 0 or max(largest_even - even[row], largest_odd - odd[row]) <= bar:
            continue
        largest = max(largest_even, largest_odd)
        pedestal = (even[row], odd[row])
        for k in range(0, count - 1, 2):
            values[k] = samples[digit, k] - pedestal[0]
            values[k + 1] = samples[digit, k + 1] - pedestal[1]
        if count & 1:
            values[count - 1] = samples[digit, count - 1] - pedestal[0]
        top, highest = 0, max(largest_even - pedestal[0], largest_odd - pedestal[1])
        while values[top] < highest and top < count - 1:
            top += 1
        bits = GOOD
        if largest >= full_scale:
            bits |= SATURATED
            for k in range(count):
                if samples[digit, k] >= full_scale:
                    values[k] = np.nan  # the fit leaves these out
        first = max(0, top - before)
        amplitude, time = _fit(
            values[first : min(count, top + after + 1)], top - first, highest, sigma[row], width, fall
        )
        time += first
        total = amplitude * math.e * width
        if not amplitude > 0.0 or (amplitude > 2.0 * highest and not bits & SATURATED):
            amplitude, time = highest, top - width
            total = 0.0
            for k in range(count):
                total += samples[digit, k] - pedestal[k & 1]
        if not bits & SATURATED and _leaves_more(
            values[:count], amplitude, time, width, fall, max(bar, SECOND * highest)
        ):
            bits |= PILE_UP
        status[digit], charge[digit], start[digit] = bits, total, time * period


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
def _fit(values: Array, top: int, highest: float, sigma: float, width: float, fall: float) -> tuple[float, float]:
    """Return amplitude and start of the pulse in some samples; amplitude 0 where the fit fails.

    A sample before the start has no say in where the start is, so that a fit may come to rest just behind a sample that
    belongs to the pulse: then it begins again before that sample, and the better of the two is taken.

    Parameters
    ----------
    values : array of shape (S,), ADC
        NaN where saturated.
    top : int
        The sample of the maximum.
    highest : float
        Its value.
    sigma : float
        Noise.
    width : float
        Rise time in samples.
    fall : float
        exp(-1/width), by which the exponential falls from sample to sample.
    """
    amplitude, time = _first_guess(values, top, highest, width, fall)
    amplitude, time = _descend(values, width, fall, amplitude, time)
    before = math.floor(time)
    if 0 <= before < len(values) and values[before] > KINK * sigma:
        other, earlier = _descend(values, width, fall, amplitude, before - 0.1)
        if _distance(values, width, other, earlier) < _distance(values, width, amplitude, time):
            amplitude, time = other, earlier
    return (amplitude, time) if abs(time + width - top) < 3.0 * width else (0.0, time)


@fused
def _first_guess(values: Array, top: int, highest: float, width: float, fall: float) -> tuple[float, float]:
    """Return amplitude and start from the maximum and, where they can be used, the samples on both sides of it.

    Of a pulse without noise f(k + 1)/f(k - 1) = (u + d)/(u - d) exp(-2 d), with u from the start to the maximum and d a
    sample, both in rise times.
    """
    if 0 < top < len(values) - 1 and values[top - 1] > 0.0:
        ratio = values[top + 1] / (values[top - 1] * fall * fall)
        if ratio > 2.0:  # never with a NaN
            u = (ratio + 1.0) / (ratio - 1.0) / width
            return highest / (u * math.exp(1.0 - u)), top - u * width
    return highest, top - width


@fused
def _descend(values: Array, width: float, fall: float, amplitude: float, time: float) -> tuple[float, float]:
    """Return amplitude and start after Gauss-Newton steps until they settle."""
    change, scale = 0.0, 1.0
    for _ in range(STEPS):
        aa, at, tt, ra, rt = 0.0, 0.0, 0.0, 0.0, 0.0
        begin = max(0, math.floor(time) + 1)  # samples before the start add nothing
        u = (begin - time) / width
        decay = math.exp(1.0 - u)  # from sample to sample it falls by the same factor: one exponential is enough
        for k in range(begin, len(values)):
            if not math.isnan(values[k]):
                shape, slope = u * decay, (u - 1.0) * decay * (amplitude / width)
                residual = values[k] - amplitude * shape
                aa += shape * shape
                at += shape * slope
                tt += slope * slope
                ra += shape * residual
                rt += slope * residual
            u += 1.0 / width
            decay *= fall
        determinant = aa * tt - at * at
        if determinant <= 1e-12 * aa * tt:
            break
        inverse = 1.0 / determinant
        previous, change = change, (rt * aa - ra * at) * inverse
        if change * previous < 0.0 and abs(change) > 0.5 * abs(previous):
            scale *= 0.5  # with a sample near the kink at the start, full steps may jump to and fro
        part = scale if abs(change) <= 1.0 else min(scale, 1.0 / abs(change))  # no step is longer than a sample
        change *= part
        time += change
        amplitude += part * (ra * tt - rt * at) * inverse
        if abs(change) < SETTLED:
            break
    return amplitude, time


@fused
def _distance(values: Array, width: float, amplitude: float, time: float) -> float:
    """Return the sum of squares of what a pulse leaves in the samples."""
    total = 0.0
    for k in range(len(values)):
        if not math.isnan(values[k]):
            u = (k - time) / width
            total += (values[k] - (amplitude * u * math.exp(1.0 - u) if u > 0.0 else 0.0)) ** 2
    return total


@fused
def _leaves_more(values: Array, amplitude: float, time: float, width: float, fall: float, bar: float) -> bool:
    """Return whether a sample is above the pulse by more than `bar`."""
    begin = min(len(values), max(0, math.floor(time) + 1))
    for k in range(begin):
        if values[k] > bar:
            return True
    last = len(values)
    while last > begin and not values[last - 1] > bar:
        last -= 1  # what is not above the bar itself cannot be so after the pulse is taken away
    u = (begin - time) / width
    decay = amplitude * math.exp(1.0 - u)
    for k in range(begin, last):
        if values[k] - u * decay > bar:
            return True
        u += 1.0 / width
        decay *= fall
    return False
