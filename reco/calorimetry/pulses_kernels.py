"""The numba kernels of set-ups with several digitisers, counters of reference, or pulses per waveform.

`measure` is for the waveforms of one digitiser, `collect` for all of them; both together do what `waveform_kernels.cells` does
in one pass for the common case.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.compiled import fused
from emiss.reco.calorimetry.waveform_kernels import GOOD, NO_PULSE, PILE_UP, SATURATED, SECOND, prepare, pulse

if TYPE_CHECKING:
    from emiss.configs.arrays import Array, Bytes, Floats, Ints

_inlined = fused(forceinline=True)

STEPS = 30
"""Of the fit of two pulses."""

APART = 0.5
"""Two pulses that begin closer than this many rise times are one."""


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
    room: Floats,
    work: Floats,
    charge: Floats,
    start: Floats,
    status: Bytes,
) -> None:
    """Measure the waveforms `rows`, as `waveform_kernels.measure` does, and with `pulses` 2 a second pulse where there is one.

    Parameters
    ----------
    rows : int64 array
        The digits of this digitiser.
    room : float64 array
        From `waveform_kernels.scratch`.
    work : float64 array of shape (>= 28,)
        Scratch.
    charge, start, status : arrays of shape (D, P), written in `rows`
        ADC, ns after the first sample, bits; P is `pulses` at least, and what is beyond the pulses there are has status 0.
    """
    width = rise / period
    fall = prepare(samples.shape[1], width, room)
    for n in range(len(rows)):
        digit = rows[n]
        count, row = min(np.int64(n_samples[digit]), samples.shape[1]), channel[digit]
        bar = threshold * sigma[row]
        state, total, begin = pulse(
            samples[digit, :count], even[row], odd[row], bar, before, after, full_scale, width, fall, room
        )
        status[digit, 0], charge[digit, 0], start[digit, 0] = state, total, begin * period
        for other in range(1, charge.shape[1]):
            status[digit, other], charge[digit, other], start[digit, other] = NO_PULSE, 0.0, np.nan
        if pulses < 2 or state == NO_PULSE or state & SATURATED:
            continue
        noise = math.sqrt(sigma[row] * sigma[row] + 1.0 / 12.0)  # and that of the rounding
        # `pulse` leaves the samples less their pedestals in the room
        if _two(room[0, :count], total / width, begin, bar, noise, threshold, width, fall, work):
            for k in range(2):
                status[digit, k] = GOOD | PILE_UP
                charge[digit, k], start[digit, k] = work[2 * k] * width, work[2 * k + 1] * period


@_inlined
def _chi2(values: Floats, a: float, s: float, b: float, t: float, width: float, fall: float, noise: float) -> float:
    """Return chi2 of the samples for two pulses a u exp(-u), u = (k - s)/width, and b likewise from t."""
    total = 0.0
    first, second = math.exp(s / width), math.exp(t / width)
    for k in range(len(values)):
        rest = values[k]
        if k > s:
            rest -= a * (k - s) / width * first
        if k > t:
            rest -= b * (k - t) / width * second
        first *= fall
        second *= fall
        total += rest * rest
    return total / (noise * noise)


@_inlined
def _sizes(values: Floats, s: float, t: float, width: float, fall: float, noise: float) -> tuple[float, float, float]:
    """Return the sizes of pulses from s and t that fit the samples best, and chi2; infinite where there are none."""
    ss, st, tt, sy, ty, yy = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    first, second = math.exp(s / width), math.exp(t / width)
    for k in range(len(values)):
        one = (k - s) / width * first if k > s else 0.0
        two = (k - t) / width * second if k > t else 0.0
        first *= fall
        second *= fall
        ss += one * one
        st += one * two
        tt += two * two
        sy += one * values[k]
        ty += two * values[k]
        yy += values[k] * values[k]
    determinant = ss * tt - st * st
    if not determinant > 1e-9 * ss * tt:
        return 0.0, 0.0, math.inf
    a, b = (tt * sy - st * ty) / determinant, (ss * ty - st * sy) / determinant
    if not (a > 0.0 and b > 0.0):
        return 0.0, 0.0, math.inf
    return a, b, (yy - a * sy - b * ty) / (noise * noise)


@_inlined
def _two(
    values: Floats,
    size: float,
    begin: float,
    bar: float,
    noise: float,
    threshold: float,
    width: float,
    fall: float,
    work: Floats,
) -> bool:
    """Look for two pulses in the samples of a waveform that one of `size` from `begin` on was fitted to.

    Two they are if that lowers chi2 by more than the threshold squared, if both are as high as a pulse has to be and the lower
    one `SECOND` of the other, and if they begin `APART` at least. The larger one comes first: size and start of each in `work`.
    """
    count = len(values)
    single = _chi2(values, size, begin, 0.0, 1e9, width, fall, noise)
    gain = threshold * threshold
    if not single > gain + count:
        return False
    # all that could be the start of the other pulse, and near to it also starts of this one before what was found
    best = single
    a, s, b, t = 0.0, 0.0, 0.0, 0.0
    for early in range(8):
        own = begin - 0.2 * early * width
        low, high = (-width, count - 2.0) if early == 0 else (begin - 1.5 * width, begin + 3.0 * width)
        for step in range(int((high - low) / (0.25 * width)) + 1):
            other = low + 0.25 * step * width
            if abs(other - own) < 0.25 * width:
                continue
            one, two, chi2 = _sizes(values, own, other, width, fall, noise)
            if chi2 < best:
                best, a, s, b, t = chi2, one, own, two, other
    if not best < single:
        return False
    a, s, b, t, best = _refine(values, a, s, b, t, best, width, fall, noise, work)
    high, low = max(a, b) / math.e, min(a, b) / math.e
    there = -width < min(s, t) and max(s, t) < count - 2
    if not (there and single - best > gain and low > max(bar, SECOND * high) and abs(s - t) >= APART * width):
        return False
    if b > a:
        a, s, b, t = b, t, a, s
    work[0], work[1], work[2], work[3] = a, s, b, t
    return True


@_inlined
def _refine(
    values: Floats,
    a: float,
    s: float,
    b: float,
    t: float,
    chi2: float,
    width: float,
    fall: float,
    noise: float,
    work: Floats,
) -> tuple[float, float, float, float, float]:
    """Return sizes and starts of two pulses at the minimum of chi2, and chi2: the method of Levenberg and Marquardt."""
    damping = 1e-3
    normal, right = work[4:24].reshape(4, 5), work[24:28]
    for _ in range(STEPS):
        normal[:], right[:] = 0.0, 0.0
        first, second = math.exp(s / width), math.exp(t / width)
        for k in range(len(values)):
            u, v = (k - s) / width, (k - t) / width
            one, two = (
                (first, second) if u > 0.0 and v > 0.0 else (first if u > 0.0 else 0.0, second if v > 0.0 else 0.0)
            )
            first *= fall
            second *= fall
            d0, d1 = u * one, -a / width * (1.0 - u) * one
            d2, d3 = v * two, -b / width * (1.0 - v) * two
            rest = values[k] - a * d0 - b * d2
            right[0] += d0 * rest
            right[1] += d1 * rest
            right[2] += d2 * rest
            right[3] += d3 * rest
            normal[0, 0] += d0 * d0
            normal[0, 1] += d0 * d1
            normal[0, 2] += d0 * d2
            normal[0, 3] += d0 * d3
            normal[1, 1] += d1 * d1
            normal[1, 2] += d1 * d2
            normal[1, 3] += d1 * d3
            normal[2, 2] += d2 * d2
            normal[2, 3] += d2 * d3
            normal[3, 3] += d3 * d3
        for i in range(4):
            for j in range(i):
                normal[i, j] = normal[j, i]
            normal[i, i] *= 1.0 + damping
            normal[i, 4] = right[i]
        if not _solve(normal):
            break
        a1, s1, b1, t1 = a + normal[0, 4], s + normal[1, 4], b + normal[2, 4], t + normal[3, 4]
        # a step beyond the waveform is none
        near = abs(s1) < 2 * len(values) and abs(t1) < 2 * len(values)
        new = _chi2(values, a1, s1, b1, t1, width, fall, noise) if near else math.inf
        if new < chi2:
            done = chi2 - new < 1e-4
            a, s, b, t, chi2 = a1, s1, b1, t1, new
            damping *= 0.2
            if done:
                break
        else:
            damping *= 10.0
            if damping > 1e6:
                break
    return a, s, b, t, chi2


@_inlined
def _solve(rows: Floats) -> bool:
    """Solve four equations (positive definite, the right side in the last column); the last column becomes the solution."""
    for i in range(4):
        if not rows[i, i] > 1e-30:
            return False
        for j in range(i + 1, 4):
            factor = rows[j, i] / rows[i, i]
            for k in range(i, 5):
                rows[j, k] -= factor * rows[i, k]
    for i in range(3, -1, -1):
        for k in range(i + 1, 4):
            rows[i, 4] -= rows[i, k] * rows[k, 4]
        rows[i, 4] /= rows[i, i]
    return True


@fused
def collect(
    offsets: Ints,
    channel: Array,
    gain: Floats,
    offset: Floats,
    weight: Floats,
    charge: Floats,
    start: Floats,
    status: Bytes,
    bits: tuple[int, int],
    cell_offsets: Ints,
    cell_channel: Array,
    energy: Floats,
    time: Floats,
    quality: Array,
    lacking: Array,
) -> None:
    """Write the pulses that were measured as cells of events, calibrated, in the order of the waveforms.

    Of a counter of the reference the pulse next to its nominal time comes first, keeps its time and makes the reference; all
    other times are relative to the reference. For the rest see `waveform_kernels.cells`.

    Parameters
    ----------
    gain, offset, weight : arrays of shape (channels,)
        GeV per ADC, ns, weight in the reference.
    charge, start, status : arrays of shape (D, P)
        From `measure`.
    """
    n = 0
    cell_offsets[0] = 0
    pulses = status.shape[1]
    for event in range(len(offsets) - 1):
        total, norm = 0.0, 0.0
        for digit in range(offsets[event], offsets[event + 1]):
            row = channel[digit]
            nearest = 0
            if weight[row] > 0.0:
                for other in range(1, pulses):
                    if status[digit, other] != NO_PULSE and abs(start[digit, other] - offset[row]) < abs(
                        start[digit, nearest] - offset[row]
                    ):
                        nearest = other
                if status[digit, nearest] != NO_PULSE:
                    total += weight[row] * (start[digit, nearest] - offset[row])
                    norm += weight[row]
            for turn in range(pulses):
                # the nearest one in the place of the first
                which = nearest if turn == 0 else 0 if turn == nearest else turn
                state = status[digit, which]
                if state == NO_PULSE:
                    continue
                cell_channel[n], energy[n] = row, charge[digit, which] * gain[row]
                time[n] = start[digit, which] - offset[row]
                quality[n] = (bits[0] if state & SATURATED else 0) | (bits[1] if state & PILE_UP else 0)
                n += 1
        lacking[event] = norm == 0.0
        if norm > 0.0:
            zero = total / norm
            for cell in range(cell_offsets[event], n):
                row = cell_channel[cell]
                first = cell == cell_offsets[event] or cell_channel[cell - 1] != row
                if not (weight[row] > 0.0 and first):
                    time[cell] -= zero
        cell_offsets[event + 1] = n
