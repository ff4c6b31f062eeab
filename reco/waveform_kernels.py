"""The numba kernels of the waveform stage: one pass over the samples of each digit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numba
import numpy as np

if TYPE_CHECKING:
    from events.lists import Array

NO_PULSE, GOOD, SATURATED, PILE_UP = 0, 1, 2, 4
"""Bits of the status of a waveform; 0 where nothing is above the threshold."""

STEPS = 16
"""Most Gauss-Newton steps of the pulse fit; most pulses need two or three."""

SETTLED = 0.01
"""The fit ends when a step changes the time by less than this, ns: far below what the noise of one sample does."""

KINK = 0.25
"""A sample just before the start of a fitted pulse belongs to the pulse if it has this share of the amplitude."""

SECOND = 0.15
"""A second pulse counts from this share of the first (smaller ones hide in differences of the pulse shape)."""


@numba.njit(cache=True, nogil=True)
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
    charge, start, status : arrays of shape (D,), written
        ADC, ns after the first sample, bits; NaN time where there is no pulse.
    """
    values = np.empty(samples.shape[1], np.float64)
    for digit in range(len(samples)):
        count, row = np.int64(n_samples[digit]), channel[digit]
        pedestal = (even[row], odd[row])
        top, highest, largest = 0, -1.0e30, 0
        for k in range(count):
            sample = np.int64(samples[digit, k])
            value = sample - pedestal[k & 1]
            values[k] = value
            largest = max(largest, sample)
            if value > highest:
                top, highest = k, value
        status[digit], charge[digit], start[digit] = NO_PULSE, 0.0, np.nan
        bar = threshold * sigma[row]
        if count == 0 or highest <= bar:
            continue
        clipped = largest >= full_scale
        first, last = max(0, top - before), min(count, top + after + 1)
        amplitude, time = _fit(
            samples[digit], values, first, last, top, full_scale if clipped else largest + 1, period, rise
        )
        if not amplitude > 0.0 or (amplitude > 2.0 * highest and not clipped):
            amplitude, time = highest, top * period - rise
            area = 0.0
            for k in range(count):
                area += values[k]
        else:
            area = amplitude * math.e * rise / period
        bits = GOOD | (SATURATED if clipped else 0)
        bar = max(bar, SECOND * highest)
        if not clipped and _leaves_more(values, count, amplitude, time, period, rise, bar):
            bits |= PILE_UP
        status[digit], charge[digit], start[digit] = bits, area, time


@numba.njit(cache=True, nogil=True)
def _fit(
    samples: Array, values: Array, first: int, last: int, top: int, full_scale: int, period: float, rise: float
) -> tuple[float, float]:
    """Return amplitude and start time of the pulse in samples `first` to `last`; amplitude 0 where the fit fails.

    Samples that reach `full_scale` are left out. A sample before the start has no say in where the start is, so that a fit may
    come to rest just behind a sample that belongs to the pulse: then it begins again before that sample, and the better of
    the two is taken.
    """
    amplitude, time = _first_guess(samples, values, first, last, top, full_scale, period, rise)
    amplitude, time = _descend(samples, values, first, last, full_scale, period, rise, amplitude, time)
    before = math.floor(time / period)
    if first <= before < last and values[before] > KINK * amplitude:
        other, earlier = _descend(
            samples, values, first, last, full_scale, period, rise, amplitude, (before - 0.5) * period
        )
        there = _chi2(samples, values, first, last, full_scale, period, rise, other, earlier)
        if there < _chi2(samples, values, first, last, full_scale, period, rise, amplitude, time):
            amplitude, time = other, earlier
    return (amplitude, time) if abs(time + rise - top * period) < 3.0 * rise else (0.0, time)


@numba.njit(cache=True, nogil=True)
def _first_guess(
    samples: Array, values: Array, first: int, last: int, top: int, full_scale: int, period: float, rise: float
) -> tuple[float, float]:
    """Return amplitude and start time from the maximum and, where they can be used, the samples on both sides of it.

    Of a pulse without noise f(k + 1)/f(k - 1) = (u + d)/(u - d) exp(-2 d), with u from the start to the maximum and d the
    period, both in rise times.
    """
    if first < top < last - 1 and samples[top] < full_scale and values[top - 1] > 0.0:
        ratio = values[top + 1] / values[top - 1] * math.exp(2.0 * period / rise)
        if ratio > 2.0:
            u = (ratio + 1.0) / (ratio - 1.0) * period / rise
            return values[top] / (u * math.exp(1.0 - u)), top * period - u * rise
    return values[top], top * period - rise


@numba.njit(cache=True, nogil=True)
def _descend(
    samples: Array,
    values: Array,
    first: int,
    last: int,
    full_scale: int,
    period: float,
    rise: float,
    amplitude: float,
    time: float,
) -> tuple[float, float]:
    """Return amplitude and start time after Gauss-Newton steps until they settle."""
    step, change, scale = math.exp(-period / rise), 0.0, 1.0
    for _ in range(STEPS):
        aa, at, tt, ra, rt = 0.0, 0.0, 0.0, 0.0, 0.0
        begin = max(first, math.floor(time / period) + 1)  # samples before the start add nothing
        u = (begin * period - time) / rise
        decay = math.exp(1.0 - u)  # from sample to sample it falls by the same factor: one exponential is enough
        for k in range(begin, last):
            if samples[k] < full_scale:
                shape, slope = u * decay, (u - 1.0) * decay * (amplitude / rise)
                residual = values[k] - amplitude * shape
                aa += shape * shape
                at += shape * slope
                tt += slope * slope
                ra += shape * residual
                rt += slope * residual
            u += period / rise
            decay *= step
        determinant = aa * tt - at * at
        if determinant <= 1e-12 * aa * tt:
            break
        amplitude += (ra * tt - rt * at) / determinant
        previous, change = change, (rt * aa - ra * at) / determinant
        if change * previous < 0.0 and abs(change) > 0.5 * abs(previous):
            scale *= 0.5  # with a sample near the kink at the start, full steps may jump to and fro
        change = min(max(scale * change, -period), period)
        time += change
        if abs(change) < SETTLED:
            break
    return amplitude, time


@numba.njit(cache=True, nogil=True)
def _chi2(
    samples: Array,
    values: Array,
    first: int,
    last: int,
    full_scale: int,
    period: float,
    rise: float,
    amplitude: float,
    time: float,
) -> float:
    """Return the sum of squares of what a pulse leaves in samples `first` to `last`."""
    total = 0.0
    for k in range(first, last):
        if samples[k] < full_scale:
            u = (k * period - time) / rise
            total += (values[k] - (amplitude * u * math.exp(1.0 - u) if u > 0.0 else 0.0)) ** 2
    return total


@numba.njit(cache=True, nogil=True)
def _leaves_more(
    values: Array, count: int, amplitude: float, time: float, period: float, rise: float, bar: float
) -> bool:
    """Return whether a sample of the waveform is above the pulse by more than `bar`."""
    begin = min(count, max(0, math.floor(time / period) + 1))
    for k in range(begin):
        if values[k] > bar:
            return True
    u = (begin * period - time) / rise
    decay = amplitude * math.exp(1.0 - u)
    step = math.exp(-period / rise)
    for k in range(begin, count):
        if values[k] - u * decay > bar:
            return True
        u += period / rise
        decay *= step
    return False
