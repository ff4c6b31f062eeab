"""The schema of `beam` in sample files: what comes in, how it is spread, and how often."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from emiss.configs.errors import did_you_mean
from emiss.configs.schema import Angle, Energy, Length, Model, Number, Time
from emiss.reco.parts.quantities import Window

PARTICLES = {
    "e-": 11,
    "e+": -11,
    "mu-": 13,
    "mu+": -13,
    "pi-": -211,
    "pi+": 211,
    "K-": -321,
    "K+": 321,
    "p": 2212,
    "pbar": -2212,
}
"""PDG codes of what a beam may consist of."""

ROUNDING = 1e-3
"""Shares of a composition may add up to 1 within this: those of impurities are given beside a main part of 1."""

MANY = 100.0
"""So many particles in the window of one event are no beam that a detector can stand."""


def _composition(shares: dict[str, float]) -> dict[str, float]:
    for name in shares:
        if name not in PARTICLES:
            msg = f"no beam particle '{name}'; {did_you_mean(name, PARTICLES, otherwise='one of')}"
            raise ValueError(msg)
    total = math.fsum(shares.values())
    if shares and abs(total - 1.0) > ROUNDING:
        msg = f"the shares of the beam particles add up to {total:.6g} and not to 1"
        raise ValueError(msg)
    return {name: share / total for name, share in shares.items() if share > 0.0}


def _mean_number(pile_up: PileUp) -> PileUp:
    if pile_up.mean > MANY:
        msg = f"{pile_up.mean:.4g} particles in the window of one event: more than {MANY:g} are not simulated"
        raise ValueError(msg)
    return pile_up


Share = Annotated[Number, Field(ge=0, le=1)]
Spread = Annotated[Number, Field(ge=0, le=0.3)]
Extent = Annotated[Length, Field(ge=0, le=1e4)]
Divergence = Annotated[Angle, Field(ge=0, le=0.1)]


class BeamView(Model):
    """What is particular to one view (x or y).

    `correlation` is that of position and slope at the ECAL front: -alpha/sqrt(1 + alpha^2) in Twiss' parameters.
    """

    size: Extent | None = None
    divergence: Divergence | None = None
    correlation: Annotated[Number, Field(ge=-1, le=1)] = 0.0
    offset: Annotated[Length, Field(ge=-1e4, le=1e4)] = 0.0
    tilt: Annotated[Angle, Field(ge=-0.1, le=0.1)] = 0.0


class MomentumTail(Model):
    """A share of the particles whose momentum is spread further.

    `both`: a Gaussian of width `spread`; `low`: below the nominal momentum only, exponentially with the mean `spread`.
    """

    fraction: Share
    spread: Spread
    side: Literal["both", "low"] = "both"


class Halo(Model):
    """A share of the particles in a wide spot (rms), with a divergence of its own, around the same axis."""

    fraction: Share
    size: Extent
    divergence: Divergence


class PileUp(Model):
    """Beam particles beside the one that triggers: so many `particles` in a time `per`, in a window around the trigger.

    5e6 per 4.8 s is a spill of the SPS.
    """

    particles: Annotated[Number, Field(ge=0)]
    per: Annotated[Time, Field(gt=0)]
    window: Window

    @property
    def rate(self) -> float:
        """Particles per ns."""
        return self.particles / self.per

    @property
    def mean(self) -> float:
        """Mean number of particles in the window."""
        return self.rate * (self.window[1] - self.window[0])


class Beam(Model):
    """The beam at the ECAL front: energy, and the rms of position and slope in each view.

    The beam line selects a momentum: it is that of the particle with the largest share at `energy`, and all have it, spread by
    `spread` (relative, Gaussian) and `tail`. Without a composition all are of one kind, that of the set-up.
    """

    energy: Annotated[Energy, Field(gt=0, le=1e5)]
    size: Extent
    divergence: Divergence
    source: str
    composition: Annotated[dict[str, Share], AfterValidator(_composition)] = Field(default_factory=dict)
    spread: Spread = 0.0
    tail: MomentumTail | None = None
    x: BeamView = BeamView()
    y: BeamView = BeamView()
    halo: Halo | None = None
    pile_up: Annotated[PileUp, AfterValidator(_mean_number)] | None = None
