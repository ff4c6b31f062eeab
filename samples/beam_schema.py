"""The schema of `beam`, `tagging`, `trigger` and `splitting` in sample files: what comes, how often, what is recorded."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from emiss.configs.errors import did_you_mean
from emiss.configs.schema import Angle, Energy, Length, Model, Number, Time
from emiss.configs.schema import Field as Flux
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


def names(value: Any) -> Any:
    """Take one name for a list of one."""
    return [value] if isinstance(value, str) else value


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


class Bend(Model):
    """The dipole before the synchrotron radiation detector."""

    by: Annotated[Flux, Field(ge=-50, le=50)] = 1.7
    length: Annotated[Length, Field(gt=0, le=1e5)] = 4000.0


class Tagging(Model):
    """What modules before the target see of synchrotron radiation where a set-up has neither magnet nor places for them.

    All are illustrative unless the text says otherwise.

    Attributes
    ----------
    bend : Bend
        Published: 6.8 T m in two dipoles of 2 m.
    share : float
        Of the photons that come to one module: 60 mm of a fan of 280 mm (20.4 mrad, 14 m behind the middle of the bend).
    softest : float
        Photons below are absorbed before the modules.
    stochastic : float
        Of sampling modules: 2.7 % sqrt(active plate in mm/sampling fraction) with 0.1 mm of lead and 1 mm of scintillator
        (R. Wigmans, Calorimetry, Eq. 4.16).
    photoelectrons : float
        Per MeV, of modules of an active material alone (LYSO).
    matter : float
        g/cm^2 before each module whose knock-on electrons come to it: 3 mm of scintillator.
    z_over_a : float
        Of this matter.
    knock_on : float
        Kinetic energy above which they are drawn.
    """

    bend: Bend = Bend()
    share: Share = 0.21
    softest: Annotated[Energy, Field(ge=0)] = 50e-6
    stochastic: Share = 0.035
    photoelectrons: Annotated[Number, Field(gt=0)] = 100.0
    matter: Annotated[Number, Field(ge=0, le=1000)] = 0.31
    z_over_a: Annotated[Number, Field(gt=0, le=1)] = 0.5414
    knock_on: Annotated[Energy, Field(gt=0)] = 0.2e-3


class Required(Model):
    """Which triggers are recorded: events with one of the bits `require`, and one in N of those with the bits of `prescale`.

    All other events are drawn again; the electrons on target count them.
    """

    require: Annotated[tuple[str, ...], BeforeValidator(names), Field(min_length=1)]
    prescale: dict[str, Annotated[int, Field(gt=0)]] = Field(default_factory=dict)


class Splitting(Model):
    """Events that have what is asked for in front of the part `before` are followed from there `copies` times as often.

    Weights make up for it. What is asked for, all of it: how much `energy` goes on there, from the first to below the second;
    how many of the muons of the process do, with `muon_energy` at least.
    """

    before: str
    copies: int = Field(ge=2, le=1000)
    energy: tuple[Energy, Energy] | None = None
    muons: int | None = Field(default=None, ge=0)
    muon_energy: Energy = Field(default=0.0, ge=0)

    @model_validator(mode="after")
    def _says_when(self) -> Splitting:
        if self.energy is None and self.muons is None:
            msg = "splitting needs energy or muons: which events are worth it"
            raise ValueError(msg)
        if self.energy is not None and not 0.0 <= self.energy[0] < self.energy[1]:
            msg = "energy is [lowest, highest]"
            raise ValueError(msg)
        return self
