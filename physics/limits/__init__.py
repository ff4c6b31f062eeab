"""Upper limits from counted events: CLs, exact, by toys, asymptotic; unified intervals; the background budget."""

from __future__ import annotations

from emiss.physics.limits.limit import METHODS, Limit, Method, upper_limit
from emiss.physics.limits.period import Correlations, NoLimitError, Period, Shift

__all__ = ["METHODS", "Correlations", "Limit", "Method", "NoLimitError", "Period", "Shift", "upper_limit"]
