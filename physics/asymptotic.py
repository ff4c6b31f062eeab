"""CLs from the asymptotic profile likelihood ratio, through pyhf (NumPy backend).

The statistic is q~_mu of G. Cowan, K. Cranmer, E. Gross and O. Vitells, Eur. Phys. J. C 71 (2011) 1554, with the median and
the bands from the Asimov data of the background. It holds for many events; `physics.limits.few` says where it does not.
"""

from __future__ import annotations

import logging
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from physics.counting import observed_counts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from physics.limits import Correlations, Period

RTOL = 1e-4

LOWEST = 1e-3
"""Events at which the search for the root begins: at none at all the statistic is 0/0."""


def limits(
    periods: Sequence[Period], confidence: float, common: Correlations
) -> tuple[float | None, tuple[float, ...]]:
    """Return the observed limit (None without an observation in every period) and the five expected ones, as strengths.

    Raises
    ------
    ValueError
        If a period has no background: the Asimov data are empty then.
    """
    if any(period.background == 0.0 for period in periods):
        msg = "the asymptotic limit needs some background in every period"
        raise ValueError(msg)
    from pyhf.exceptions import FailedMinimization
    from pyhf.infer import hypotest
    from scipy.optimize import brentq

    # what fails in pyhf is told by our errors, not by its log as well
    logging.getLogger("pyhf").addHandler(logging.NullHandler())

    scale = sum(period.signal for period in periods)
    seen = observed_counts(periods)
    counts = np.array([period.background for period in periods]) if seen is None else seen
    total = float(max(counts.sum(), sum(period.background for period in periods)))
    spread = 1.0 + 4.0 * max(max(period.efficiency_error, period.background_error) for period in periods)
    top = (20.0 + 10.0 * np.sqrt(total) + total) * spread  # in events; an expected limit at two deviations is below
    found = model(periods, common, scale, 2.0 * top)
    data = [*counts.tolist(), *found.config.auxdata]

    @cache
    def cls(events: float) -> tuple[float, ...]:
        # both statistics are 0 in a fit that cannot tell the hypothesis from the background: CLs is 1 there, not 0/0
        with np.errstate(divide="ignore", invalid="ignore"):
            try:
                observed, expected = hypotest(events, data, found, return_expected_set=True)
            except FailedMinimization as error:
                msg = f"the asymptotic fit fails: {error}"
                raise ValueError(msg) from error
        return tuple(1.0 if np.isnan(value) else float(value) for value in (observed, *expected))

    def solve(which: int) -> float:
        return float(brentq(lambda events: cls(events)[which] - (1.0 - confidence), LOWEST, top, rtol=RTOL)) / scale

    # pyhf gives the quantiles of CLs from the smallest limit to the largest
    return None if seen is None else solve(0), tuple(solve(which) for which in range(1, 6))


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

    channels = []
    for number, period in enumerate(periods):
        errors = {
            "efficiency": (period.efficiency_error, common.efficiency),
            "background": (period.background_error, common.background),
        }
        systematic = {
            name: [
                {
                    "name": name if shared else f"{name}_{number}",
                    "type": "normsys",
                    "data": {"hi": 1.0 + error, "lo": 1.0 / (1.0 + error)},
                }
            ]
            if error
            else []
            for name, (error, shared) in errors.items()
        }
        strength = {"name": "mu", "type": "normfactor", "data": None}
        signal = {
            "name": "signal",
            "data": [period.signal / scale],
            "modifiers": [strength, *systematic["efficiency"]],
        }
        background = {"name": "background", "data": [period.background], "modifiers": systematic["background"]}
        channels.append({"name": f"period_{number}", "samples": [signal, background]})
    specification = {
        "channels": channels,
        "parameters": [{"name": "mu", "inits": [1.0], "bounds": [[0.0, top]]}],
    }
    return pyhf.Model(specification, poi_name="mu", validate=False)
