"""How large alpha_D may be if the dark coupling is to stay finite up to a scale: published bounds, and one loop.

The bounds are those of N. V. Krasnikov, "Search for dark matter at accelerators. NA64 experiment" (talk, INR RAS and JINR,
undated), after H. Davoudiasl and W. J. Marciano, Phys. Rev. D 92 (2015) 035008. One loop alone, with one particle of unit
charge, gives twice as much: what enters beside it (the dark Higgs, two loops) is theirs, so that both are offered.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Bound:
    """Largest alpha_D for dark matter of a kind, free of a Landau pole up to `scale` (GeV)."""

    kind: str
    scale: float
    alpha_d: float


BOUNDS = (
    Bound("scalar", 1e3, 0.8),
    Bound("majorana", 1e3, 0.2),
    Bound("pseudo_dirac", 1e3, 0.2),
    Bound("scalar", 1.2e19, 0.2),
    Bound("majorana", 1.2e19, 0.05),
    Bound("pseudo_dirac", 1.2e19, 0.05),
)
"""Of the talk: up to 1 TeV, and up to the Planck mass."""

SLOPES = {"scalar": 1.0 / (6.0 * math.pi), "dirac": 2.0 / (3.0 * math.pi)}
"""d alpha_D/d ln mu over alpha_D^2 of one particle of unit charge at one loop."""


def bound(kind: str, scale: float) -> float:
    """Return the talk's bound for a kind at one of its two scales (1e3 or 1.2e19 GeV)."""
    for known in BOUNDS:
        if known.kind == kind and math.isclose(known.scale, scale, rel_tol=0.05):
            return known.alpha_d
    msg = f"the talk gives no bound for '{kind}' at {scale:g} GeV; it has " + ", ".join(
        f"{known.kind} at {known.scale:g} GeV" for known in BOUNDS
    )
    raise ValueError(msg)


def one_loop(kind: str, mass: float, scale: float) -> float:
    """Return the alpha_D at `mass` that diverges at `scale`: 1/(slope ln(scale/mass)).

    Parameters
    ----------
    kind : 'scalar' or 'dirac'
    mass, scale : float
        Where alpha_D is taken, and where it may diverge, GeV.
    """
    if kind not in SLOPES or not 0.0 < mass < scale:
        msg = f"one loop is known for {' and '.join(SLOPES)}, from a mass to a larger scale; not '{kind}', {mass:g}, {scale:g}"
        raise ValueError(msg)
    return 1.0 / (SLOPES[kind] * math.log(scale / mass))
