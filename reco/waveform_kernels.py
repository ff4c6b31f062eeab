"""The numba kernel of the waveform stage: one pass over the samples of each digit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numba
import numpy as np

if TYPE_CHECKING:
    from events.lists import Array

NO_PULSE, GOOD, SATURATED, PILE_UP = 0, 1, 2, 4
"""Bits of the status of a waveform; 0 where nothing is above the threshold."""

STEPS = 4
"""Gauss-Newton steps of the pulse fit; after four nothing changes on pulses of the right shape."""

SECOND = 0.15
"""A second pulse counts from this share of the first (smaller ones hide in differences of the pulse shape)."""


@numba.njit(cache=True, nogil=True)
def measure(
    samples: Array,
    n_samples: Array,
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
    n_samples : array of shape (D,)
    even, odd, sigma : arrays of shape (D,), ADC
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
        count = n_samples[digit]
        top, highest = 0, -1.0e30
        for k in range(count):
            value = samples[digit, k] - (odd[digit] if k & 1 else even[digit])
            values[k] = value
            if value > highest:
                top, highest = k, value
        status[digit], charge[digit], start[digit] = NO_PULSE, 0.0, np.nan
        if count == 0 or highest <= threshold * sigma[digit]:
            continue
        first, last = max(0, top - before), min(count, top + after + 1)
        total, clipped = 0.0, False
        for k in range(count):
            total += values[k]
            clipped = clipped or samples[digit, k] >= full_scale
        bits = GOOD | (SATURATED if clipped else 0)
        amplitude, time = highest, top * period - rise
        for _ in range(STEPS):
            aa, at, tt, ra, rt = 0.0, 0.0, 0.0, 0.0, 0.0
            for k in range(first, last):
                if samples[digit, k] >= full_scale:
                    continue
                u = (k * period - time) / rise
                shape, slope = 0.0, 0.0
                if u > 0.0:
                    decay = math.exp(1.0 - u)
                    shape, slope = u * decay, -(1.0 - u) * decay / rise * amplitude
                residual = values[k] - amplitude * shape
                aa += shape * shape
                at += shape * slope
                tt += slope * slope
                ra += shape * residual
                rt += slope * residual
            determinant = aa * tt - at * at
            if determinant <= 1e-12 * aa * tt or determinant == 0.0:
                break
            amplitude += (ra * tt - rt * at) / determinant
            time += min(max((rt * aa - ra * at) / determinant, -period), period)
        failed = not (amplitude > 0.0 and abs(time - (top * period - rise)) < 3.0 * rise)
        if failed or (not clipped and amplitude > 2.0 * highest):
            amplitude, time = highest, top * period - rise
        else:
            total = amplitude * math.e * rise / period
        for k in range(count):
            u = (k * period - time) / rise
            shape = u * math.exp(1.0 - u) if u > 0.0 else 0.0
            rest = values[k] - amplitude * shape
            if not clipped and rest > threshold * sigma[digit] and rest > SECOND * highest:
                bits |= PILE_UP
        status[digit], charge[digit], start[digit] = bits, total, time
