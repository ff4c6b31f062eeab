"""Branching ratios and shapes of the decays of pi, K, mu and tau, in one place.

All from the Review of Particle Physics (PDG 2022) where nothing else is said. The shares of a particle are scaled to a sum
of one: what is left out (radiative and rarer modes; Dalitz pairs, 1.2 % of pi0) is below one part in a thousand, for the tau
3 % (modes with kaons and more pions).
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def cumulative(shares: Sequence[float]) -> tuple[float, ...]:
    """Return running sums of shares, scaled such that the last is 1."""
    total = sum(shares)
    return tuple(one / total for one in accumulate(shares))


PION_SHARES = (0.9998770, 1.230e-4)
"""Of pi+: mu nu, e nu."""

KAON_SHARES = (0.6356, 0.2067, 0.05583, 0.0507, 0.03352, 0.01760)
"""Of K+: mu nu, pi+ pi0, pi+ pi+ pi-, pi0 e nu, pi0 mu nu, pi+ pi0 pi0."""

LONG_SHARES = (0.4055, 0.2704, 0.1952, 0.1254, 1.967e-3, 8.64e-4)
"""Of K0L: pi e nu, pi mu nu, pi0 pi0 pi0, pi+ pi- pi0, pi+ pi-, pi0 pi0."""

SHORT_SHARES = (0.6920, 0.3069)
"""Of K0S: pi+ pi-, pi0 pi0."""

TAU_SHARES = (0.1782, 0.1739, 0.1082, 0.2549, 0.0926, 0.0899, 0.0446, 0.0104, 0.0070)
"""Of tau-: e nu, mu nu, pi-, pi- pi0 (rho), pi- pi0 pi0, pi- pi- pi+ (a1), pi- pi- pi+ pi0, pi- pi0 pi0 pi0, K-."""

PION_MODES, KAON_MODES, LONG_MODES, SHORT_MODES, TAU_MODES = (
    cumulative(shares) for shares in (PION_SHARES, KAON_SHARES, LONG_SHARES, SHORT_SHARES, TAU_SHARES)
)
"""Running sums of the shares."""

FLAT, LEPTONIC, SEMILEPTONIC, PIONS_PPM, PIONS_P00, PIONS_PM0 = 0, 1, 2, 3, 4, 5
"""Shapes of three-body decays: phase space; l -> l' nu nu; K -> pi l nu; K+ -> pi+ pi+ pi-, pi0 pi0 pi+, K0L -> pi+ pi- pi0."""

SLOPES = (
    (0.0, 0.0, 0.0),
    (0.0, 0.0, 0.0),
    (0.0, 0.0, 0.0),
    (-0.21134, 0.01848, -0.00463),
    (0.626, 0.052, 0.0054),
    (0.678, 0.076, 0.0099),
)
"""g, h, k of |M|^2 = 1 + g u + h u^2 + k v^2, u = (s3 - s0)/m^2, v = (s2 - s1)/m^2, m the charged pion's mass; by shape."""

VECTOR_POLE, SCALAR_POLE = 0.878, 1.254
"""GeV; f+ and f0 of K_l3 go as 1/(1 - t/M^2) (pole fits of the PDG's note on K_l3 form factors)."""

RHO, RHO_WIDTH = 0.77526, 0.1474
A1, A1_WIDTH = 1.230, 0.420
"""GeV."""
