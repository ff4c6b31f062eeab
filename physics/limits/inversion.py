"""From the distribution of the statistic to limits: `Cls` at one strength of the signal, and the strength where it is small."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from emiss.physics.limits.period import SIGMAS, NoLimitError, observed_counts
from emiss.physics.limits.statistic import weights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emiss.configs.arrays import Floats
    from emiss.physics.limits.period import Period

Hypotheses = Callable[[float], "Cls"]

RARE = 1e-290
"""An outcome that is less likely has no CLs: the numbers end at 1e-308."""


class Cls:
    """The distribution of the statistic at one strength of the signal, with and without signal.

    Parameters
    ----------
    statistic : array of shape (N,)
        q of the outcomes.
    both, background : arrays of shape (N,)
        Their probability under signal and background, and under background alone.
    """

    def __init__(self, statistic: Floats, both: Floats, background: Floats) -> None:
        order = np.argsort(statistic, kind="stable")
        q = statistic[order]
        # outcomes of equal q are one: only the last of them carries the sums
        last = np.append(np.diff(q) > 1e-9 * np.maximum(np.abs(q[1:]), 1e-300), True)
        self.statistic = q[last]
        self.both = np.cumsum(both[order])[last]
        self.background = np.cumsum(background[order])[last]

    def at(self, q: float) -> tuple[float, float]:
        """Return P(<= q | s + b) and P(<= q | b).

        Raises
        ------
        NoLimitError
            If the second is too small for a number.
        """
        i = int(np.searchsorted(self.statistic, q * (1.0 + 1e-9), side="right")) - 1
        if i < 0 or self.background[i] < RARE:
            msg = "so few events as observed are as good as impossible with this background"
            raise NoLimitError(msg)
        return float(self.both[i]), float(self.background[i])

    def quantile(self, probability: float) -> tuple[float, float]:
        """Return the same of the first outcome that is reached with this probability under the background alone."""
        i = min(int(np.searchsorted(self.background, probability - 1e-12)), len(self.statistic) - 1)
        return float(self.both[i]), float(self.background[i])


def invert(
    hypotheses: Hypotheses, periods: Sequence[Period], confidence: float, *, rtol: float = 1e-7
) -> tuple[float | None, tuple[float, ...]]:
    """Return the strengths at which CLs falls to 1 - confidence, for what was observed and for the expected quantiles."""
    from scipy.optimize import brentq
    from scipy.special import ndtr

    made: dict[float, Cls] = {0.0: hypotheses(0.0)}

    def known(strength: float) -> Cls:
        if strength not in made:
            made[strength] = hypotheses(strength)
        return made[strength]

    def solve(probabilities: Callable[[float], tuple[float, float]]) -> float:
        def excess(strength: float) -> float:
            both, background = probabilities(strength)
            return both / background - (1.0 - confidence)

        # what is known of other limits is the best place to begin
        low = max(strength for strength in made if excess(strength) > 0.0)
        high = min((strength for strength in made if strength > low), default=_start(periods))
        while excess(high) > 0.0:
            high *= 2.0
        return float(brentq(excess, low, high, rtol=rtol, xtol=1e-9 * high))

    def expected(probability: float) -> float:
        return solve(lambda strength: known(strength).quantile(probability))

    seen = observed_counts(periods)
    band = tuple(expected(float(ndtr(z))) for z in SIGMAS)
    if seen is None:
        return None, band
    return solve(lambda strength: known(strength).at(float(weights(periods, strength) @ seen))), band


def _start(periods: Sequence[Period]) -> float:
    """Return a strength around which the limit may be."""
    background = sum(period.expected for period in periods)
    seen = sum(period.observed or 0 for period in periods)
    return (5.0 + 3.0 * float(np.sqrt(max(background, seen))) + max(seen - background, 0.0)) / sum(
        period.signal for period in periods
    )
