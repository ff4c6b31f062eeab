"""Adaptive quadrature over many lanes at once: each lane is an integral of its own limits, all are refined together.

Gauss-Kronrod rules of 10 and 21 points with the error estimate of QUADPACK (R. Piessens et al., QUADPACK, Springer 1983).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from emiss.configs.arrays import Floats


_KRONROD = (
    (0.995657163025808080735527280689003, 0.011694638867371874278064396062192),
    (0.973906528517171720077964012084452, 0.032558162307964727478818972459390),
    (0.930157491355708226001207180059508, 0.054755896574351996031381300244580),
    (0.865063366688984510732096688423493, 0.075039674810919952767043140916190),
    (0.780817726586416897063717578345042, 0.093125454583697605535065465083366),
    (0.679409568299024406234327365114874, 0.109387158802297641899210590325805),
    (0.562757134668604683339000099272694, 0.123491976262065851077958109585166),
    (0.433395394129247190799265943165784, 0.134709217311473325928054001771707),
    (0.294392862701460198131126603103866, 0.142775938577060080797094273138717),
    (0.148874338981631210884826001129720, 0.147739104901338491374841515972068),
    (0.000000000000000000000000000000000, 0.149445554002916905664936468389821),
)
_GAUSS = (
    0.066671344308688137593568809893332,
    0.149451349150580593145863396957658,
    0.219086362515982043995534934228163,
    0.269266719309996355091226921569469,
    0.295524224714752870173815619188769,
)
_POINTS = np.array([-node for node, _ in _KRONROD] + [node for node, _ in reversed(_KRONROD[:-1])])
_WEIGHTS = np.array([weight for _, weight in _KRONROD] + [weight for _, weight in reversed(_KRONROD[:-1])])
_CHECK = np.zeros(len(_POINTS))  # weights of the 10-point rule, whose nodes are every second of the 21
_CHECK[1:10:2] = _GAUSS
_CHECK[11:20:2] = _GAUSS[::-1]

MAX_ROUNDS = 24

MAX_PANELS = 512
"""Open panels of one lane: more of them are those of a noise, not of a peak."""


class ConvergenceError(ArithmeticError):
    """An integral did not reach its tolerance."""


def integrate(
    function: Callable[[Floats, np.ndarray[Any, np.dtype[np.intp]]], Floats],
    low: Floats,
    high: Floats,
    *,
    rtol: float,
    panels: int = 1,
) -> tuple[Floats, Floats]:
    """Integrate `function` from low to high in each lane.

    Parameters
    ----------
    function : callable
        Takes points of shape (P, 21) and the lane of each row, shape (P,); returns values of shape (P, 21).
    low, high : arrays of shape (L,)
        Limits; a lane with high <= low gives 0.
    rtol : float
        Tolerance on the estimated error, relative to the lane's integral.
    panels : int
        Equal parts to begin with.

    Returns
    -------
    value, error : arrays of shape (L,)

    Raises
    ------
    ConvergenceError
        If a lane is not at its tolerance after `MAX_ROUNDS` bisections or with `MAX_PANELS` panels, or a value is not finite.
    """
    count = len(low)
    value, error = np.zeros(count), np.zeros(count)
    alive = np.flatnonzero(high > low)
    edges = np.linspace(low[alive], high[alive], panels + 1)
    start, stop, lane = edges[:-1].ravel(), edges[1:].ravel(), np.tile(alive, panels)
    for _ in range(MAX_ROUNDS):
        if not len(lane):
            return value, error
        if np.bincount(lane).max() > MAX_PANELS:
            break
        panel, doubt = _rule(function, start, stop, lane)
        # what a lane has when all its open panels are counted in
        whole = np.abs(value + np.bincount(lane, panel, count))
        budget = rtol * whole
        spent = error + np.bincount(lane, doubt, count)
        share = np.bincount(lane, minlength=count)
        # a lane within its budget is done; in the others a panel is kept when it takes less than an even share of half
        keep = (spent <= budget)[lane] | (doubt <= 0.5 * (budget / np.maximum(share, 1))[lane])
        value += np.bincount(lane[keep], panel[keep], count)
        error += np.bincount(lane[keep], doubt[keep], count)
        start, stop, lane = start[~keep], stop[~keep], lane[~keep]
        middle = 0.5 * (start + stop)
        start, stop = np.concatenate([start, middle]), np.concatenate([middle, stop])
        lane = np.tile(lane, 2)
    msg = f"{len(np.unique(lane))} of {count} integrals are not at a relative error of {rtol:g}"
    raise ConvergenceError(msg)


def _rule(
    function: Callable[[Floats, np.ndarray[Any, np.dtype[np.intp]]], Floats],
    start: Floats,
    stop: Floats,
    lane: np.ndarray[Any, np.dtype[np.intp]],
) -> tuple[Floats, Floats]:
    """Return integral and estimated error of each panel."""
    half, middle = 0.5 * (stop - start), 0.5 * (stop + start)
    values = function(middle[:, None] + half[:, None] * _POINTS, lane)
    if not np.all(np.isfinite(values)):
        msg = "the integrand is not finite"
        raise ConvergenceError(msg)
    result = half * (values @ _WEIGHTS)
    difference = np.abs(result - half * (values @ _CHECK))
    spread = half * (np.abs(values - (0.5 * result / np.where(half > 0, half, 1.0))[:, None]) @ _WEIGHTS)
    ratio = np.divide(200.0 * difference, spread, out=np.zeros_like(spread), where=spread > 0)
    return result, spread * np.minimum(1.0, ratio**1.5)
