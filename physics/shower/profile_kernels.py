"""Numba kernels of the shape of an electromagnetic shower, along its axis and across it, by energy and material.

Along: a gamma distribution of the depth in radiation lengths whose maximum T and shape alpha are log-normal and correlated
from shower to shower (E. Longo, I. Sestili, Nucl. Instrum. Meth. 128 (1975) 283; G. Grindhammer, S. Peters,
hep-ex/0001020, "GFLASH", Secs. 3.1 and 4.1; y is the energy in critical energies, Z the charge number, 1/Fs the depth of one
pair of plates in radiation lengths, e the ratio e/mip). A gamma distribution ends as exp(-beta t), steeper than the most
penetrating photons (3-4 MeV) are absorbed. Here it is continued, where its own slope has reached that of the photons, by their
exponential.

Across: a core and a tail (GFLASH, Secs. 3.2 and 4.2), both of the form 2 r R^2/(r^2 + R^2)^2, R in Moliere radii and by the
depth tau in units of the maximum's. Its integral over a rectangle is closed.

What is fitted, to 280 electrons of 100 GeV in 1.5 mm lead + 1.5 mm polystyrene (Geant4): the constants in capitals below.
GFLASH's own corrections for sampling come from plates two to ten times as thick.
"""

from __future__ import annotations

import math

from emiss.configs.compiled import fused

MAXIMUM = 0.33
"""By how much of GFLASH's correction for sampling the maximum is earlier than in a homogeneous block."""

ALPHA_SHIFT = 0.45
"""Added to alpha per 1/Fs, where GFLASH subtracts 0.476."""

SPREAD_MAXIMUM, SPREAD_ALPHA = 0.80, 1.05
"""The spreads of ln T and ln alpha in units of GFLASH's for sampling calorimeters."""

CORRELATION = -0.335
"""Added to GFLASH's correlation of ln T and ln alpha in sampling calorimeters."""

CORE, CORE_WEIGHT, TAIL = 1.092, 0.847, 1.165
"""The radii of core and tail, and the core's weight, in units of GFLASH's, in sampling calorimeters: all cells of the 280
showers then agree within 4 % (corners 20 %)."""

SOFTEST_ALPHA = 1.3
"""alpha is not below: what starts at some critical energies is one particle's track."""

EPSILON = 1e-9
"""Of the incomplete gamma function."""

TURN = 0.5 / math.pi
"""Per radian."""

A0, A1, A2, A3, A4, A5 = (
    0.9999999999293016, -0.3333333129085777, 0.1999990110129012, -0.14283813245671934, 0.11091922902426976, -0.08974171736743607
)  # fmt: skip
A6, A7, A8, A9, A10, A11 = (
    0.07228277842402048, -0.05395667328411947, 0.03382621230472675, -0.015828319131590735, 0.004732483163631211,
    -0.0006633953501780828,
)  # fmt: skip
"""Chebyshev's approximation of atan(t)/t for t from 0 to 1, by powers of t^2: within 4e-11."""


@fused
def rising(a: float, x: float) -> float:
    """Return the regularised lower incomplete gamma function P(a, x) to 1e-9."""
    return rising_and_density(a, x, math.lgamma(a))[0]


@fused
def rising_and_density(a: float, x: float, ln_gamma: float) -> tuple[float, float]:
    """Return P(a, x) to 1e-9, by series or continued fraction, and x^a exp(-x)/Gamma(a+1): P(a+1, x) is less by so much.

    Parameters
    ----------
    ln_gamma : float
        ln Gamma(a).
    """
    if x <= 0.0:
        return 0.0, 0.0
    front = math.exp(a * math.log(x) - x - ln_gamma)
    if x < a + 1.0:
        term = total = 1.0 / a
        n = a
        while term > total * EPSILON:
            n += 1.0
            term *= x / n
            total += term
        return front * total, front / a
    # Lentz's algorithm for the upper one (Press et al., Numerical Recipes, Sec. 6.2)
    b = x + 1.0 - a
    c = 1e300
    d = 1.0 / b
    h = d
    for i in range(1, 200):
        an = -i * (i - a)
        b += 2.0
        d = 1.0 / (an * d + b)
        c = b + an / c
        step = c * d
        h *= step
        if abs(step - 1.0) < EPSILON:
            break
    return 1.0 - front * h, front / a


@fused
def longitudinal(ln_y: float, z: float, plates: float, e_mip: float) -> tuple[float, float, float, float, float]:
    """Return the means of ln T and ln alpha, their spreads and correlation.

    Parameters
    ----------
    ln_y : float
        ln of the energy over the critical energy; below some 1.5 the formulas are continued so that the mean depth goes to 0.
    z : float
        Charge number.
    plates : float
        1/Fs, radiation lengths per pair of plates; 0 for homogeneous matter.
    e_mip : float
        e/mip; 1 for homogeneous matter.
    """
    # ln y - 0.812 above, 0.19 y below: what one electron of some critical energies does
    t = ln_y - 0.812
    maximum = t if t > 1.0 else math.exp(t - 1.0)
    alpha = 0.81 + (0.458 + 2.26 / z) * max(ln_y, 0.0)
    over = max(ln_y, 3.0)  # spreads are GFLASH's for showers of many particles
    if plates > 0.0:
        maximum -= MAXIMUM * (0.55 * plates + 0.69 * (1.0 - e_mip)) * min(maximum / 3.0, 1.0)
        alpha += ALPHA_SHIFT * plates
        spread_t = SPREAD_MAXIMUM / (-2.5 + 1.25 * over)
        spread_a = SPREAD_ALPHA / (-0.82 + 0.79 * over)
        correlation = 0.784 - 0.023 * ln_y + CORRELATION
    else:
        spread_t = 1.0 / (-1.4 + 1.26 * over)
        spread_a = 1.0 / (-0.58 + 0.86 * over)
        correlation = 0.705 - 0.023 * ln_y
    alpha = max(alpha, SOFTEST_ALPHA)
    return math.log(maximum), math.log(alpha), min(spread_t, 0.5), min(spread_a, 0.5), correlation


@fused
def drawn(
    mean_t: float, mean_a: float, spread_t: float, spread_a: float, correlation: float, first: float, second: float
) -> tuple[float, float]:
    """Return alpha and beta of one shower from two standard normal numbers (GFLASH, Eq. 15)."""
    common, opposite = math.sqrt(0.5 * (1.0 + correlation)), math.sqrt(0.5 * (1.0 - correlation))
    maximum = math.exp(mean_t + spread_t * (common * first + opposite * second))
    alpha = max(math.exp(mean_a + spread_a * (common * first - opposite * second)), 1.0 + 0.5 * (SOFTEST_ALPHA - 1.0))
    return alpha, (alpha - 1.0) / maximum


@fused
def tail(alpha: float, beta: float, slope: float) -> tuple[float, float]:
    """Return where photons take over from the gamma distribution, and the share that they carry behind.

    Where the logarithmic slope of the distribution, beta - (alpha-1)/t, is that of the photons.

    Parameters
    ----------
    alpha, beta : float
        Of the gamma distribution.
    slope : float
        Absorption of the photons per radiation length.
    """
    if beta < 1.02 * slope:
        return 1e9, 0.0
    begin = min((alpha - 1.0) / (beta - slope), 60.0)
    density = math.exp(alpha * math.log(beta) - math.lgamma(alpha) + (alpha - 1.0) * math.log(begin) - beta * begin)
    return begin, density / slope


@fused
def radii(tau: float, ln_e: float, z: float, plates: float, e_mip: float) -> tuple[float, float, float]:
    """Return the radii of core and tail, in Moliere radii, and the core's weight.

    Parameters
    ----------
    tau : float
        Depth in units of the maximum's.
    ln_e : float
        ln of the energy in GeV.
    z, plates, e_mip : float
        As for `longitudinal`.
    """
    ln_e = max(ln_e, -1.0)
    tau = min(tau, 5.0)
    core = 0.0251 + 0.00319 * ln_e + (0.1162 - 0.000381 * z) * tau
    wide = (0.659 - 0.00309 * z) * (
        math.exp(-2.59 * (tau - 0.645)) + math.exp((0.3585 + 0.0421 * ln_e) * (tau - 0.645))
    )
    fall = 1.313 - 0.0686 * ln_e
    place = (0.401 + 0.00187 * z - tau) / fall
    weight = (2.632 - 0.00094 * z) * math.exp(place - math.exp(place))
    if plates > 0.0:
        near = plates * math.exp(-tau)
        core += -0.0203 * (1.0 - e_mip) + 0.0397 * near
        wide += -0.14 * (1.0 - e_mip) - 0.495 * near
        weight += (1.0 - e_mip) * (0.348 - 0.642 * plates * math.exp(-((tau - 1.0) ** 2)))
        core, wide, weight = CORE * core, TAIL * wide, CORE_WEIGHT * weight
    return max(core, 0.005), max(wide, 0.1), min(max(weight, 0.0), 1.0)


@fused
def arctangent(y: float, x: float) -> float:
    """Return atan(y/x) for x > 0 within 4e-11; no branch and no call, so that several are done at a time."""
    height = abs(y)
    steep = height > x
    t = (x if steep else height) / (height if steep else x)
    u = t * t
    u2 = u * u
    low = (A0 + A1 * u) + u2 * (A2 + A3 * u)
    middle = (A4 + A5 * u) + u2 * (A6 + A7 * u)
    high = (A8 + A9 * u) + u2 * (A10 + A11 * u)
    angle = t * (low + u2 * u2 * (middle + u2 * u2 * high))
    angle = 0.5 * math.pi - angle if steep else angle
    return -angle if y < 0.0 else angle


@fused
def corner(x: float, y: float, x_root: float, y_root: float) -> float:
    """Return the integral of R^2/(pi (r^2 + R^2)^2) from the origin to (x, y).

    The integral over a rectangle is the sum over its corners with alternating signs; over the plane it is 1.

    Parameters
    ----------
    x, y : float
        The corner.
    x_root, y_root : float
        sqrt(x^2 + R^2) and sqrt(y^2 + R^2).
    """
    return (x / x_root * arctangent(y, x_root) + y / y_root * arctangent(x, y_root)) * TURN
