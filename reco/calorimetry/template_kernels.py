"""The numba kernels of templates: one pulse, or two, of a shape that a table has, fitted to the samples of a waveform.

The fits begin with what those of the analytic pulse have found and are Gauss-Newton steps in sizes and starts. A template is
evaluated for all samples at once: all of them are at the same phase of the clock, so that the weights of the cubic polynomials
between two phases are the same.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.compiled import fused
from emiss.reco.calorimetry.pair_kernels import FEWEST, ROWS, TRIED, are_two, find_two, products, solve
from emiss.reco.calorimetry.templates import PHASES
from emiss.reco.calorimetry.waveform_kernels import GOOD, NO_PULSE, PILE_UP, SATURATED, SECOND, prepare, pulse

if TYPE_CHECKING:
    from emiss.configs.arrays import Array, Bytes, Floats, Ints

_inlined = fused(forceinline=True)

STEPS = 40

SMALL = 3e-4
"""Steps of the start, in samples, that end a fit."""

LARGEST = 0.7
"""Samples that a start is moved by in a step."""

AWAY = 3.0
"""Rise times from the start that a fit begins with behind which it has failed."""


def scratch(samples: int) -> Floats:
    """Return room for fits to waveforms of so many samples."""
    return np.empty((12, max(samples + 1, FEWEST, ROWS * TRIED)))


@_inlined
def _slices(heights: Floats, first: int, slices: int, height: float) -> tuple[int, float]:
    """Return the slice below a height and the share of the one above it."""
    if slices < 2:
        return first, 0.0
    at = math.log(max(height, 1e-9))
    low = first
    while low < first + slices - 2 and at >= heights[low + 1]:
        low += 1
    return low, min(max((at - heights[low]) / (heights[low + 1] - heights[low]), 0.0), 1.0)


@_inlined
def _fill(
    shapes: Floats,
    heights: Floats,
    origin: int,
    first: int,
    slices: int,
    height: float,
    start: float,
    begin: int,
    stop: int,
    g: Floats,
    d: Floats,
) -> None:
    """Fill `g` with the template of a start at the samples begin to stop, `d` with its derivative by the start."""
    low, share = _slices(heights, first, slices, height)
    sample = math.ceil(start)
    place = (sample - start) * PHASES
    phase = min(int(place), PHASES - 1)
    f = place - phase
    h00, h10 = (1.0 + 2.0 * f) * (1.0 - f) * (1.0 - f), f * (1.0 - f) * (1.0 - f)
    h01, h11 = f * f * (3.0 - 2.0 * f), f * f * (f - 1.0)
    s00, s10 = 6.0 * f * (f - 1.0), (1.0 - f) * (1.0 - 3.0 * f)
    s01, s11 = -s00, f * (3.0 * f - 2.0)
    size = shapes.shape[3]
    zero = sample + origin  # the sample that the first one of the table is at
    one, two = min(max(zero, begin), stop), min(max(zero + size, begin), stop)
    for k in range(begin, one):
        g[k], d[k] = 0.0, 0.0
    for k in range(two, stop):
        g[k], d[k] = 0.0, 0.0
    count = two - one
    left, down = shapes[low, 0, phase, one - zero : two - zero], shapes[low, 1, phase, one - zero : two - zero]
    right, up = shapes[low, 0, phase + 1, one - zero : two - zero], shapes[low, 1, phase + 1, one - zero : two - zero]
    own_g, own_d = g[one:two], d[one:two]
    for k in range(count):
        own_g[k] = h00 * left[k] + h10 * down[k] + h01 * right[k] + h11 * up[k]
        own_d[k] = -PHASES * (s00 * left[k] + s10 * down[k] + s01 * right[k] + s11 * up[k])
    if share > 0.0:
        left, down = (
            shapes[low + 1, 0, phase, one - zero : two - zero],
            shapes[low + 1, 1, phase, one - zero : two - zero],
        )
        right = shapes[low + 1, 0, phase + 1, one - zero : two - zero]
        up = shapes[low + 1, 1, phase + 1, one - zero : two - zero]
        for k in range(count):
            more = h00 * left[k] + h10 * down[k] + h01 * right[k] + h11 * up[k]
            slope = -PHASES * (s00 * left[k] + s10 * down[k] + s01 * right[k] + s11 * up[k])
            own_g[k] += share * (more - own_g[k])
            own_d[k] += share * (slope - own_d[k])


@_inlined
def _single(
    values: Floats,
    use: Floats,
    begin: int,
    stop: int,
    height: float,
    start: float,
    width: float,
    shapes: Floats,
    heights: Floats,
    origin: int,
    first: int,
    slices: int,
    g: Floats,
    d: Floats,
) -> tuple[bool, float, float, float]:
    """Fit a template to the samples begin to stop, those whose `use` is 1.

    Returns
    -------
    good : bool
    height : float
    start : float
    rest : float
        Sum of the squares that are left.
    """
    size, at = height, start
    good = True
    for _ in range(STEPS):
        _fill(shapes, heights, origin, first, slices, size, at, begin, stop, g, d)
        gg, gd, dd, gy, dy = 0.0, 0.0, 0.0, 0.0, 0.0
        for k in range(begin, stop):
            one, two = g[k] * use[k], d[k] * use[k]
            gg += one * g[k]
            gd += one * d[k]
            dd += two * d[k]
            gy += one * values[k]
            dy += two * values[k]
        determinant = gg * dd - gd * gd
        if not determinant > 1e-9 * gg * dd:
            good = False
            break
        size, moved = (dd * gy - gd * dy) / determinant, (gg * dy - gd * gy) / determinant
        if not size > 0.0:
            good = False
            break
        step = min(max(moved / size, -LARGEST), LARGEST)
        at += step
        if not abs(at - start) < AWAY * width:
            good = False
            break
        if abs(step) < SMALL:
            break
    if not good:
        size, at = height, start
    _fill(shapes, heights, origin, first, slices, size, at, begin, stop, g, d)
    rest = 0.0
    for k in range(begin, stop):
        left = (values[k] - size * g[k]) * use[k]
        rest += left * left
    return good, size, at, rest


@_inlined
def _rest(
    values: Floats,
    a: float,
    s: float,
    b: float,
    t: float,
    shapes: Floats,
    heights: Floats,
    origin: int,
    first: int,
    slices: int,
    work: Floats,
) -> float:
    """Fill rows 0 to 3 of `work` with the templates from s and t; return the sum of squares that sizes a and b leave."""
    count = len(values)
    _fill(shapes, heights, origin, first, slices, a, s, 0, count, work[0], work[1])
    _fill(shapes, heights, origin, first, slices, b, t, 0, count, work[2], work[3])
    g, h = work[0], work[2]
    rest = 0.0
    for k in range(count):
        left = values[k] - a * g[k] - b * h[k]
        rest += left * left
    return rest


@_inlined
def _pair(
    values: Floats,
    a: float,
    s: float,
    b: float,
    t: float,
    shapes: Floats,
    heights: Floats,
    origin: int,
    first: int,
    slices: int,
    work: Floats,
    numbers: Floats,
) -> tuple[float, float, float, float, float]:
    """Return heights and starts of two pulses that fit the samples best, and the sum of squares: Levenberg and Marquardt."""
    count = len(values)
    normal = numbers[4:24].reshape(4, 5)
    damping = 1e-4
    rest = _rest(values, a, s, b, t, shapes, heights, origin, first, slices, work)
    fresh = True
    for _ in range(STEPS):
        if not fresh:
            _rest(values, a, s, b, t, shapes, heights, origin, first, slices, work)
        g, gs, h, ht = work[0], work[1], work[2], work[3]
        n00, n01, n02, n03, n11, n12, n13, n22, n23, n33 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        r0, r1, r2, r3 = 0.0, 0.0, 0.0, 0.0
        for k in range(count):
            left = values[k] - a * g[k] - b * h[k]
            n00 += g[k] * g[k]
            n01 += g[k] * gs[k]
            n02 += g[k] * h[k]
            n03 += g[k] * ht[k]
            n11 += gs[k] * gs[k]
            n12 += gs[k] * h[k]
            n13 += gs[k] * ht[k]
            n22 += h[k] * h[k]
            n23 += h[k] * ht[k]
            n33 += ht[k] * ht[k]
            r0 += g[k] * left
            r1 += gs[k] * left
            r2 += h[k] * left
            r3 += ht[k] * left
        more = 1.0 + damping
        normal[0, 0], normal[0, 1], normal[0, 2], normal[0, 3], normal[0, 4] = n00 * more, a * n01, n02, b * n03, r0
        normal[1, 0], normal[1, 1], normal[1, 2] = a * n01, a * a * n11 * more, a * n12
        normal[1, 3], normal[1, 4] = a * b * n13, a * r1
        normal[2, 0], normal[2, 1], normal[2, 2], normal[2, 3], normal[2, 4] = n02, a * n12, n22 * more, b * n23, r2
        normal[3, 0], normal[3, 1], normal[3, 2] = b * n03, a * b * n13, b * n23
        normal[3, 3], normal[3, 4] = b * b * n33 * more, b * r3
        if not solve(normal):
            break
        a1, b1 = a + normal[0, 4], b + normal[2, 4]
        one, two = normal[1, 4], normal[3, 4]
        s1, t1 = s + min(max(one, -LARGEST), LARGEST), t + min(max(two, -LARGEST), LARGEST)
        near = a1 > 0.0 and b1 > 0.0 and abs(s1) < count and abs(t1) < count
        new = math.inf
        if near:
            new = _rest(values, a1, s1, b1, t1, shapes, heights, origin, first, slices, work)
        fresh = new < rest
        if fresh:
            done = max(abs(one), abs(two)) < SMALL or rest - new < 1e-6 * rest
            a, s, b, t, rest = a1, s1, b1, t1, new
            damping *= 0.1
            if done:
                break
        else:
            if max(abs(one), abs(two)) < SMALL:
                break
            damping = max(10.0 * damping, 1e-3)
            if damping > 1e4:
                break
    return a, s, b, t, rest


@fused
def measure(
    samples: Array,
    n_samples: Array,
    channel: Array,
    rows: Ints,
    even: Array,
    odd: Array,
    sigma: Array,
    threshold: float,
    before: int,
    after: int,
    full_scale: int,
    period: float,
    rise: float,
    pulses: int,
    shapes: Floats,
    origin: int,
    heights: Floats,
    firsts: Ints,
    counts: Ints,
    room: Floats,
    work: Floats,
    charge: Floats,
    start: Floats,
    status: Bytes,
    chi2: Floats,
) -> None:
    """Measure the waveforms `rows` with templates: `pulses_kernels.measure`, but for the shape of the pulses.

    The charge is the height times e rise/period, as that of the analytic pulse, so that gains keep their meaning.

    Parameters
    ----------
    shapes, origin, heights, firsts, counts
        Of `templates.Grid`; channels with no template are measured with the analytic pulse.
    room : float64 array
        From `waveform_kernels.scratch`.
    work : float64 array
        From `scratch`.
    charge, start, status, chi2 : arrays of shape (D, P), written in `rows`
        ADC, ns after the first sample, bits, per degree of freedom; of one pulse in its window, of two in the waveform.
    """
    width = rise / period
    area = math.e * width
    fall = prepare(samples.shape[1], width, room)
    products(samples.shape[1], fall, work)
    powers, numbers = room[1], work[5]
    tried = work[6, : ROWS * TRIED].reshape(ROWS, TRIED)
    use, fits = work[7], work[8:12]
    gain = threshold * threshold
    for n in range(len(rows)):
        digit = rows[n]
        count, row = min(np.int64(n_samples[digit]), samples.shape[1]), channel[digit]
        bar = threshold * sigma[row]
        state, total, begin, low, stop = pulse(
            samples[digit, :count], even[row], odd[row], bar, before, after, full_scale, width, fall, room
        )
        status[digit, 0], charge[digit, 0], start[digit, 0], chi2[digit, 0] = state, total, begin * period, np.nan
        for other in range(1, charge.shape[1]):
            status[digit, other], charge[digit, other], start[digit, other] = NO_PULSE, 0.0, np.nan
            chi2[digit, other] = np.nan
        if state == NO_PULSE or counts[row] == 0:
            continue
        values = room[0, :count]  # less their pedestals, but 0 where saturated
        used, highest = 0, 0.0
        for k in range(low, stop):
            use[k] = 1.0 if samples[digit, k] < full_scale else 0.0
            used += use[k] > 0.0
            highest = max(highest, values[k])
        first, slices = firsts[row], counts[row]
        noise = math.sqrt(sigma[row] * sigma[row] + 1.0 / 12.0)  # and that of the rounding
        good, size, at, rest = _single(
            values, use, low, stop, total / area, begin, width, shapes, heights, origin, first, slices, fits[0], fits[1]
        )
        if good:
            charge[digit, 0], start[digit, 0] = size * area, at * period
        chi2[digit, 0] = rest / (noise * noise) / max(used - 2, 1)
        if state & SATURATED:
            continue
        _fill(shapes, heights, origin, first, slices, size, at, 0, count, fits[0], fits[1])
        g = fits[0]
        limit = max(bar, SECOND * highest)
        more, single, top, most = 0, 0.0, 0, 0.0
        for k in range(count):
            left = values[k] - size * g[k]
            single += left * left
            more += left > limit
            if left > most:
                top, most = k, left
        single /= noise * noise
        status[digit, 0] = GOOD | PILE_UP if more else GOOD
        if pulses < 2 or not single > gain + count:
            continue
        # the other one stands out of the first, or both are as the analytic pulse has them
        a, s, b, t, best = _pair(
            values, size, at, most, top - width, shapes, heights, origin, first, slices, fits, numbers
        )
        best /= noise * noise
        if (
            not best < gain + count
            and find_two(values, begin, noise, width, fall, powers, work[:3], work[3:5], tried, math.inf, numbers)
            < math.inf
        ):
            a1, s1, b1, t1 = numbers[0] / math.e, numbers[1], numbers[2] / math.e, numbers[3]
            if abs(s1) < count and abs(t1) < count:
                a1, s1, b1, t1, other = _pair(
                    values, a1, s1, b1, t1, shapes, heights, origin, first, slices, fits, numbers
                )
                other /= noise * noise
                if other < best:
                    a, s, b, t, best = a1, s1, b1, t1, other
        if b > a:
            a, s, b, t = b, t, a, s
        if single - best > gain and are_two(a, s, b, t, bar, count, width):
            for k in range(2):
                status[digit, k], chi2[digit, k] = GOOD | PILE_UP, best / max(count - 4, 1)
            charge[digit, 0], start[digit, 0] = a * area, s * period
            charge[digit, 1], start[digit, 1] = b * area, t * period
