"""CLs from the asymptotic profile likelihood ratio, through pyhf (NumPy backend).

The statistic is q~_mu of G. Cowan, K. Cranmer, E. Gross and O. Vitells, Eur. Phys. J. C 71 (2011) 1554, with the median and
the bands from the Asimov data of the background. It holds for many events; `few` says where it does not.
"""

from __future__ import annotations

import logging
import math
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.physics.limits.period import NoLimitError, observed_counts
from emiss.physics.limits.workspace import channels

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from emiss.configs.arrays import Floats
    from emiss.physics.limits.period import Correlations, Period

RTOL = 1e-4

MOST = 1e5
"""Events of a period: with more, fits end away from the minimum without a word."""

FEW = 100.0
"""Events, expected or observed: with more, and errors below the next two numbers, the asymptotic limits are within 3 % of the
exact ones and their bands within 8 %. Compared for one period of 10 to 10,000 events; see docs/limits.md."""

LARGE = 0.1
"""Relative error of the efficiency."""

DOMINANT = 1.0
"""Error of the background over its fluctuation."""

LOWEST = 1e-3
"""Events at which the search for the root begins: at none at all the statistic is 0/0."""


def limits(
    periods: Sequence[Period], confidence: float, common: Correlations
) -> tuple[float | None, tuple[float, ...]]:
    """Return the observed limit (None without an observation in every period) and the five expected ones, as strengths.

    Raises
    ------
    NoLimitError
        If a period has no background (the Asimov data are empty then), there are too many events, or the fit fails or finds
        no root.
    """
    if any(period.background == 0.0 for period in periods):
        msg = "the asymptotic limit needs some background in every period"
        raise NoLimitError(msg)
    from pyhf.exceptions import FailedMinimization
    from pyhf.infer import hypotest
    from scipy.optimize import brentq

    # what fails in pyhf is told by our errors, not by its log as well
    logging.getLogger("pyhf").addHandler(logging.NullHandler())

    if max(max(period.background, period.observed or 0) for period in periods) > MOST:
        msg = f"pyhf's fits are not reliable with more than {MOST:g} events"
        raise NoLimitError(msg)
    # the parameter is about 1 at the limit, which the minimiser needs when there are many events
    scale = sum(period.signal for period in periods)
    seen = observed_counts(periods)
    nominal = np.array([period.background for period in periods])
    counts = nominal if seen is None else seen
    whole = [period.resolved()[0] for period in periods]
    spread = sum((period.background_error * period.background) ** 2 for period in whole)
    unit = 1.0 + np.sqrt(max(counts.sum(), nominal.sum()) + spread)
    excess = max(float(counts.sum() - nominal.sum()), 0.0)
    top = (20.0 + 10.0 * unit + excess) * (1.0 + 4.0 * max(period.efficiency_error for period in whole)) / unit
    found = model(periods, common, scale / unit, 2.0 * top)

    def solver(data: Floats) -> Callable[[int], float]:
        full = [*data.tolist(), *found.config.auxdata]

        @cache
        def cls(strength: float) -> tuple[float, ...]:
            # both statistics are 0 in a fit that cannot tell the hypothesis from the background: CLs is 1, not 0/0
            with np.errstate(divide="ignore", invalid="ignore"):
                try:
                    observed, expected = hypotest(strength, full, found, return_expected_set=True)
                except FailedMinimization as error:
                    msg = f"the asymptotic fit fails: {error}"
                    raise NoLimitError(msg) from error
            return tuple(1.0 if np.isnan(value) else float(value) for value in (observed, *expected))

        def solve(which: int) -> float:
            def excess(strength: float) -> float:
                return cls(strength)[which] - (1.0 - confidence)

            if excess(LOWEST / unit) <= 0.0 or excess(top) >= 0.0:
                msg = f"the asymptotic CLs does not come to {1.0 - confidence:.3g} below {top * unit:.3g} events"
                raise NoLimitError(msg)
            return float(brentq(excess, LOWEST / unit, top, rtol=RTOL)) * unit / scale

        return solve

    # pyhf gives the quantiles of CLs from the smallest limit to the largest; expected ones are those before the data
    of_nominal = solver(nominal)
    return None if seen is None else solver(seen)(0), tuple(of_nominal(which) for which in range(1, 6))


def model(periods: Sequence[Period], common: Correlations, scale: float, top: float) -> Any:
    """Return the pyhf model: one channel per period, signal in units of one event, errors as ``normsys``.

    Parameters
    ----------
    periods : sequence of Period
    common : Correlations
        Errors that share a name are one nuisance parameter for pyhf.
    scale : float
        Strength of the parameter 1 is 1/scale.
    top : float
        Upper bound of the parameter.
    """
    import pyhf

    specification = {
        "channels": channels(periods, common, scale),
        "parameters": [{"name": "mu", "inits": [1.0], "bounds": [[0.0, top]]}],
    }
    return pyhf.Model(specification, poi_name="mu", validate=False)


def few(periods: Sequence[Period]) -> tuple[str, ...]:
    """Return why the asymptotic formulas do not hold; nothing where they do."""
    notes = []
    for number, period in enumerate(one.resolved()[0] for one in periods):
        where = f"period {period.name or number + 1}: " if len(periods) > 1 else ""
        if period.observed == 0:
            notes.append(
                f"{where}no event observed: the asymptotic limit is too low, by 15 to 40 % for a background below 3"
            )
        elif period.observed is not None and period.observed < FEW:
            notes.append(f"{where}{period.observed} events observed are too few for the asymptotic limit")
        if period.background < FEW:
            notes.append(f"{where}{period.background:.3g} background events are too few for the asymptotic limit")
        if period.efficiency_error > LARGE:
            notes.append(
                f"{where}an efficiency error of {period.efficiency_error:.2g} makes the asymptotic band too wide"
            )
        if period.background_error * math.sqrt(period.background) > DOMINANT:
            notes.append(
                f"{where}the background's error is larger than its fluctuation: the asymptotic band is up to 70 % off"
            )
    return tuple(notes)
