"""Two pulses (t/rise) exp(1 - t/rise) in one waveform, without a loop over its samples at each try.

Behind its start such a pulse is (p + q j) fall^j, j samples behind its first one, and so is its derivative by the start.
Products of two of them, or of one with the samples, are sums over j of fall^j or fall^2j times 1, j, j^2, from a sample to the
end. These are made once for all samples (`sums_of`, `products`); chi2 of two pulses and all that the fit wants of them are
then some multiplications, for any starts.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from emiss.configs.compiled import fused
from emiss.reco.calorimetry.waveform_kernels import SECOND

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats

_inlined = fused(forceinline=True)

STEPS = 30
"""Of the fit of two pulses."""

APART = 0.5
"""Two pulses that begin closer than this many rise times are one."""

RESOLVED = 2.5
"""But not where they begin so many samples apart: a fast digitiser tells more."""

GRID = 0.25
"""Step of the starts that are tried, in rise times."""

EARLY, EARLIER = 8, 0.2
"""So many starts of the first pulse are tried, each so many rise times before the other."""

BEFORE, BEHIND = 1.5, 3.0
"""Rise times around the pulse that was found in which the other one is looked for with each of these starts."""

BEYOND = 0.8
"""Samples behind a start, and before it, from which another descent begins where the first one has found no good fit."""

FEWEST = 28
"""Places of `work` that are for the equations of the fit."""

TRIED = 20
"""Columns of what is kept of the starts that are tried near the pulse: (BEFORE + BEHIND) / GRID + 1, and one to spare."""

ROWS = 5
"""What is kept of each of them: first sample, p, q, the product with the samples, the square."""


@_inlined
def products(size: int, fall: float, made: Floats) -> None:
    """Fill sums over j of fall^2j times 1, j, j^2 of the last m samples, for m from 0 to `size`, shape (3, > size)."""
    square = fall * fall
    one, j, jj = 0.0, 0.0, 0.0
    made[0, 0], made[1, 0], made[2, 0] = 0.0, 0.0, 0.0
    for m in range(1, size + 1):
        jj, j, one = square * (jj + 2.0 * j + one), square * (j + one), square * one + 1.0
        made[0, m], made[1, m], made[2, m] = one, j, jj


@_inlined
def sums_of(values: Floats, fall: float, made: Floats) -> float:
    """Fill the sums over j of fall^j y and j fall^j y from each sample on, y the samples; return that of their squares.

    `made` is of shape (2, > samples).
    """
    count = len(values)
    y, jy, squares = 0.0, 0.0, 0.0
    made[0, count], made[1, count] = 0.0, 0.0
    for m in range(1, count + 1):
        k = count - m
        part = fall * y
        jy = fall * jy + part
        y = part + values[k]
        squares += values[k] * values[k]
        made[0, k], made[1, k] = y, jy
    return squares


@_inlined
def _shape(start: float, count: int, width: float) -> tuple[int, float, float]:
    """Return the first sample b, p and q of u exp(-u), u = (k - start)/width: (p + q j) fall^j from b on."""
    if start >= count:
        return count, 0.0, 0.0
    begin = max(0, math.floor(start) + 1)
    late = begin - start
    slope = math.exp(-late / width) / width
    return begin, slope * late, slope


@_inlined
def _with(y: Floats, begin: int, p: float, q: float) -> float:
    """Return the product of a shape with the samples."""
    return p * y[0, begin] + q * y[1, begin]


@_inlined
def _both(squares: Floats, left: int, p: float, q: float, r: float, s: float) -> float:
    """Return the product of (p + q j) fall^j and (r + s j) fall^j over the `left` last samples."""
    return p * r * squares[0, left] + (p * s + q * r) * squares[1, left] + q * s * squares[2, left]


@_inlined
def single_chi2(values: Floats, size: float, start: float, width: float, powers: Floats, noise: float) -> float:
    """Return chi2 of the samples for one pulse size u exp(-u), u = (k - start)/width; `powers` are those of fall."""
    begin, p, q = _shape(start, len(values), width)
    level, slope = size * p, size * q
    total = 0.0
    for k in range(begin):
        total += values[k] * values[k]
    behind = values[begin:]
    for j in range(len(behind)):
        rest = behind[j] - (level + slope * j) * powers[j]
        total += rest * rest
    return total / (noise * noise)


@_inlined
def find_two(
    values: Floats,
    begin: float,
    noise: float,
    width: float,
    fall: float,
    powers: Floats,
    squares: Floats,
    y: Floats,
    tried: Floats,
    enough: float,
    work: Floats,
) -> float:
    """Fit two pulses to the samples of a waveform that one from `begin` on was fitted to; return chi2, infinite without any.

    Size and start of each are in `work`, the larger one first.

    Parameters
    ----------
    squares, y : arrays of shapes (3, > samples), (2, > samples)
        From `products`; room for `sums_of`.
    tried : array of shape (ROWS, TRIED)
        Scratch.
    enough : float
        A chi2 that is that of a good fit.
    work : array of shape (>= FEWEST,)
    """
    count = len(values)
    total = sums_of(values, fall, y)
    scale = 1.0 / (noise * noise)
    a, s, b, t, found = _scan(count, begin, width, powers, squares, y, tried)
    if not found > 0.0:
        return math.inf
    a, s, b, t, best = _refine(
        a, s, b, t, (total - found) * scale, total, scale, count, width, powers, squares, y, work
    )
    # chi2 has a kink where a start passes a sample, and a descent may come to rest there: look beyond
    for turn in range(4):
        if best < enough:
            break
        s1, t1 = s + (turn == 0) * BEYOND - (turn == 1) * BEYOND, t + (turn == 2) * BEYOND - (turn == 3) * BEYOND
        first, second = _shape(s1, count, width), _shape(t1, count, width)
        taken, a1, b1 = _solved(
            _both(squares, count - first[0], first[1], first[2], first[1], first[2]),
            _crossed(first[0], first[1], first[2], second[0], second[1], second[2], count, powers, squares),
            _both(squares, count - second[0], second[1], second[2], second[1], second[2]),
            _with(y, first[0], first[1], first[2]),
            _with(y, second[0], second[1], second[2]),
        )
        if taken > 0.0:
            a1, s1, b1, t1, other = _refine(
                a1, s1, b1, t1, (total - taken) * scale, total, scale, count, width, powers, squares, y, work
            )
            if other < best:
                a, s, b, t, best = a1, s1, b1, t1, other
    if b > a:
        a, s, b, t = b, t, a, s
    work[0], work[1], work[2], work[3] = a, s, b, t
    return best


@_inlined
def are_two(high: float, s: float, low: float, t: float, bar: float, count: int, width: float) -> bool:
    """Return whether two pulses of these heights and starts are two.

    They are if both are as high as a pulse has to be and the lower one `SECOND` of the other, and if they begin `APART` at
    least, or `RESOLVED`.
    """
    there = -width < min(s, t) and max(s, t) < count - 2
    return there and low > max(bar, SECOND * high) and abs(s - t) >= min(APART * width, RESOLVED)


@_inlined
def _scan(
    count: int, begin: float, width: float, powers: Floats, squares: Floats, y: Floats, tried: Floats
) -> tuple[float, float, float, float, float]:
    """Return sizes and starts of two pulses that take most from the squares of the samples, and how much that is.

    All that could be the start of the other pulse is tried, and near to it also starts of this one before what was found.
    """
    best, a, s, b, t = 0.0, 0.0, 0.0, 0.0, 0.0
    grow = math.exp(GRID)
    # all starts, with the pulse where it was found
    first, p, q = _shape(begin, count, width)
    own_y, own = _with(y, first, p, q), _both(squares, count - first, p, q, p, q)
    low = -width
    rise = math.exp(low / width) / width
    for step in range(int((count - 2.0 - low) / (GRID * width)) + 1):
        other = low + GRID * step * width
        k = max(0, math.floor(other) + 1)
        # exp(-(k - other)/width): the tables know the powers of whole samples
        slope = rise * powers[k]
        rise *= grow
        if abs(other - begin) < GRID * width:
            continue
        level = slope * (k - other)
        ty = _with(y, k, level, slope)
        if not own * ty > 0.0:  # its size would not be positive
            continue
        tt = _both(squares, count - k, level, slope, level, slope)
        st = _crossed(first, p, q, k, level, slope, count, powers, squares)
        taken, one, two = _solved(own, st, tt, own_y, ty)
        if taken > best:
            best, a, s, b, t = taken, one, begin, two, other
    low = begin - BEFORE * width
    steps = min(int((BEFORE + BEHIND) / GRID) + 1, TRIED)
    for step in range(steps):
        other = low + GRID * step * width
        k, level, slope = _shape(other, count, width)
        tried[0, step], tried[1, step], tried[2, step] = k, level, slope
        tried[3, step] = _with(y, k, level, slope)
        tried[4, step] = _both(squares, count - k, level, slope, level, slope)
    for early in range(1, EARLY):
        at = begin - EARLIER * early * width
        first, p, q = _shape(at, count, width)
        own_y, own = _with(y, first, p, q), _both(squares, count - first, p, q, p, q)
        for step in range(steps):
            other = low + GRID * step * width
            if abs(other - at) < GRID * width:
                continue
            st = _crossed(first, p, q, int(tried[0, step]), tried[1, step], tried[2, step], count, powers, squares)
            taken, one, two = _solved(own, st, tried[4, step], own_y, tried[3, step])
            if taken > best:
                best, a, s, b, t = taken, one, at, two, other
    return a, s, b, t, best


@_inlined
def _crossed(
    i: int, p: float, q: float, k: int, r: float, s: float, count: int, powers: Floats, squares: Floats
) -> float:
    """Return the product of a shape from sample i on with another from k on."""
    if i <= k:
        return powers[k - i] * _both(squares, count - k, p + q * (k - i), q, r, s)
    return powers[i - k] * _both(squares, count - i, p, q, r + s * (i - k), s)


@_inlined
def _solved(ss: float, st: float, tt: float, sy: float, ty: float) -> tuple[float, float, float]:
    """Return by how much two shapes lower the squares of the samples, and their sizes; 0 where one of them is not positive."""
    determinant = ss * tt - st * st
    one, two = tt * sy - st * ty, ss * ty - st * sy
    if not (determinant > 1e-9 * ss * tt and one > 0.0 and two > 0.0):
        return 0.0, 0.0, 0.0
    inverse = 1.0 / determinant
    one, two = one * inverse, two * inverse
    return one * sy + two * ty, one, two


@_inlined
def _refine(
    a: float,
    s: float,
    b: float,
    t: float,
    chi2: float,
    total: float,
    scale: float,
    count: int,
    width: float,
    powers: Floats,
    squares: Floats,
    y: Floats,
    work: Floats,
) -> tuple[float, float, float, float, float]:
    """Return sizes and starts of two pulses at the minimum of chi2, and chi2: the method of Levenberg and Marquardt."""
    damping = 1e-3
    normal = work[4:24].reshape(4, 5)
    i, p, q = _shape(s, count, width)
    k, r, v = _shape(t, count, width)
    for _ in range(STEPS):
        # the derivatives by the starts
        dp, dq = -a * (q - p / width), a * q / width
        dr, dv = -b * (v - r / width), b * v / width
        one, two = count - i, count - k
        normal[0, 0] = _both(squares, one, p, q, p, q)
        normal[0, 1] = _both(squares, one, p, q, dp, dq)
        normal[1, 1] = _both(squares, one, dp, dq, dp, dq)
        normal[2, 2] = _both(squares, two, r, v, r, v)
        normal[2, 3] = _both(squares, two, r, v, dr, dv)
        normal[3, 3] = _both(squares, two, dr, dv, dr, dv)
        normal[0, 2] = _crossed(i, p, q, k, r, v, count, powers, squares)
        normal[0, 3] = _crossed(i, p, q, k, dr, dv, count, powers, squares)
        normal[1, 2] = _crossed(i, dp, dq, k, r, v, count, powers, squares)
        normal[1, 3] = _crossed(i, dp, dq, k, dr, dv, count, powers, squares)
        normal[0, 4] = _with(y, i, p, q) - a * normal[0, 0] - b * normal[0, 2]
        normal[1, 4] = _with(y, i, dp, dq) - a * normal[0, 1] - b * normal[1, 2]
        normal[2, 4] = _with(y, k, r, v) - a * normal[0, 2] - b * normal[2, 2]
        normal[3, 4] = _with(y, k, dr, dv) - a * normal[0, 3] - b * normal[2, 3]
        for row in range(4):
            for column in range(row):
                normal[row, column] = normal[column, row]
            normal[row, row] *= 1.0 + damping
        if not solve(normal):
            break
        a1, s1, b1, t1 = a + normal[0, 4], s + normal[1, 4], b + normal[2, 4], t + normal[3, 4]
        new = math.inf
        i1, p1, q1, k1, r1, v1 = i, p, q, k, r, v
        if abs(s1) < 2 * count and abs(t1) < 2 * count:  # a step beyond the waveform is none
            i1, p1, q1 = _shape(s1, count, width)
            k1, r1, v1 = _shape(t1, count, width)
            new = total - 2.0 * (a1 * _with(y, i1, p1, q1) + b1 * _with(y, k1, r1, v1))
            new += a1 * a1 * _both(squares, count - i1, p1, q1, p1, q1)
            new += b1 * b1 * _both(squares, count - k1, r1, v1, r1, v1)
            new += 2.0 * a1 * b1 * _crossed(i1, p1, q1, k1, r1, v1, count, powers, squares)
            new *= scale
        if new < chi2:
            done = chi2 - new < 1e-4
            a, s, b, t, chi2 = a1, s1, b1, t1, new
            i, p, q, k, r, v = i1, p1, q1, k1, r1, v1
            damping *= 0.2
            if done:
                break
        else:
            damping *= 10.0
            if damping > 1e6:
                break
    return a, s, b, t, chi2


@_inlined
def solve(rows: Floats) -> bool:
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
