"""The numba kernel of templates that are learned: least squares of splines through normalised samples, as sums that add."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from emiss.configs.compiled import kernel

if TYPE_CHECKING:
    from emiss.configs.arrays import Array, Bools, Floats, Ints


@kernel
def add(
    samples: Array,
    n_samples: Array,
    channel: Array,
    rows: Ints,
    even: Floats,
    odd: Floats,
    sigma: Floats,
    full_scale: int,
    period: float,
    height: Floats,
    start: Floats,
    good: Bools,
    edges: Floats,
    first: float,
    step: float,
    normal: Floats,
    right: Floats,
    moments: Floats,
    phases: Floats,
) -> None:
    """Add the samples of some waveforms to the equations of the splines of their channels.

    Parameters
    ----------
    rows : int array
        Waveforms that are looked at; those that are `good` are added.
    height, start, good : arrays of shape (D,)
        Of the pulses: ADC, ns after the first sample.
    edges : array of shape (S - 1,)
        Heights between the slices, ADC.
    first, step : float
        Of the knots, ns since the start of the pulse.
    normal, right : arrays of shapes (C, S, B, 4), (C, S, B)
        The equations of B cubic B-splines, in units of the noise: of each with the three behind it, and with the samples.
    moments : array of shape (C, S, 4)
        Sum of the squares of the samples over that of the noise, numbers of samples and of pulses, sum of heights.
    phases : array of shape (C, 2 N + 1)
        Number of pulses, then the sums of cos and sin of n times the phase of the clock at the start, n = 1 to N.
    """
    knots = right.shape[2] - 2
    slices = right.shape[1]
    for n in range(len(rows)):
        digit = rows[n]
        if not good[digit]:
            continue
        row = channel[digit]
        a, at = height[digit], start[digit]
        place = 0
        while place < slices - 1 and a >= edges[place]:
            place += 1
        weight = 1.0 / (sigma[row] * sigma[row] + 1.0 / 12.0)
        equations, wanted, sums = normal[row, place], right[row, place], moments[row, place]
        for k in range(min(int(n_samples[digit]), samples.shape[1])):
            if samples[digit, k] >= full_scale:
                continue
            x = (k * period - at - first) / step
            if not 0.0 <= x < knots - 1:
                continue
            i = int(x)
            f = x - i
            y = samples[digit, k] - (odd[row] if k & 1 else even[row])
            g = 1.0 - f
            b0, b1 = g * g * g / 6.0, (3.0 * f * f * f - 6.0 * f * f + 4.0) / 6.0
            b2, b3 = (3.0 * g * g * g - 6.0 * g * g + 4.0) / 6.0, f * f * f / 6.0
            one, two = weight * a * a, weight * a * y
            equations[i, 0] += one * b0 * b0
            equations[i, 1] += one * b0 * b1
            equations[i, 2] += one * b0 * b2
            equations[i, 3] += one * b0 * b3
            equations[i + 1, 0] += one * b1 * b1
            equations[i + 1, 1] += one * b1 * b2
            equations[i + 1, 2] += one * b1 * b3
            equations[i + 2, 0] += one * b2 * b2
            equations[i + 2, 1] += one * b2 * b3
            equations[i + 3, 0] += one * b3 * b3
            wanted[i] += two * b0
            wanted[i + 1] += two * b1
            wanted[i + 2] += two * b2
            wanted[i + 3] += two * b3
            sums[0] += weight * y * y
            sums[1] += 1.0
        sums[2] += 1.0
        sums[3] += a
        phases[row, 0] += 1.0
        angle = 2.0 * math.pi * at / period
        for harmonic in range(1, (phases.shape[1] - 1) // 2 + 1):
            phases[row, 2 * harmonic - 1] += math.cos(harmonic * angle)
            phases[row, 2 * harmonic] += math.sin(harmonic * angle)
