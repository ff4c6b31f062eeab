"""A generic X of spin and parity S, P, V or A, coupling to leptons with g = eps e: NA64's search for X -> invisible."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from emiss.physics.constants import LEPTON_MASSES
from emiss.physics.processes import widths
from emiss.physics.processes.base import INVISIBLE
from emiss.physics.processes.bremsstrahlung import ELEMENTARY
from emiss.physics.processes.portal import OF_BEAM, Portal
from emiss.physics.validity import RangeWarning

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats
    from emiss.physics.processes.base import Beam, Production, Target

Defaults = Mapping[str, float | str]

CHARGES = {"electron": "electron", "muon": "muon", "tau": "muon"}
"""Which parameter is a lepton's; taus go with muons."""


@dataclass(frozen=True)
class Generic(Portal):
    """X with couplings `electron` and `muon` times eps e, and Dirac dark particles of mass m/ratio with alpha_D."""

    defaults: ClassVar[Defaults] = {
        "alpha_d": 0.1, "ratio": 3.0, "electron": 1.0, "muon": 1.0, "method": "exact",
    }  # fmt: skip

    def charge(self, lepton: str) -> float:
        """Return e times the parameter of the lepton."""
        return ELEMENTARY * self.number(CHARGES[lepton])

    def channels(self, mass: float, coupling: float, at: Floats) -> Mapping[str, Floats]:
        """Return pairs of leptons and of dark particles."""
        dark = widths.dark_pair(self.boson, "dirac", at, mass / self.number("ratio"), self.number("alpha_d"))
        return {**self.pairs(coupling, at), INVISIBLE: dark}


@dataclass(frozen=True)
class Scalar(Generic):
    """A scalar, -eps e X l-bar l."""

    boson: ClassVar[str] = "S"
    name: ClassVar[str] = "scalar"
    title: ClassVar[str] = "scalar X"


@dataclass(frozen=True)
class Pseudoscalar(Generic):
    """A pseudoscalar, -i eps e X l-bar gamma5 l."""

    boson: ClassVar[str] = "P"
    name: ClassVar[str] = "pseudoscalar"
    title: ClassVar[str] = "pseudoscalar X"


@dataclass(frozen=True)
class Vector(Generic):
    """A vector, -eps e X l-bar gamma l: a dark photon that hadrons do not see."""

    boson: ClassVar[str] = "V"
    resonates: ClassVar[bool] = True
    name: ClassVar[str] = "vector"
    title: ClassVar[str] = "vector X"


@dataclass(frozen=True)
class Axial(Generic):
    """An axial vector, -eps e X l-bar gamma gamma5 l.

    Its longitudinal part grows as (m_l/m)^2: below some m_l it needs a theory that gives both masses.
    """

    boson: ClassVar[str] = "A"
    name: ClassVar[str] = "axial"
    title: ClassVar[str] = "axial vector X"

    def production(
        self, mass: float, beam: Beam, target: Target, *, threshold: float, coupling: float = 0.0
    ) -> Production:
        """Return bremsstrahlung; a `RangeWarning` says where the longitudinal part needs another theory."""
        lepton = LEPTON_MASSES.get(OF_BEAM.get(abs(beam.pdg), ""), 0.0)
        if mass < 2.0 * lepton:
            text = (
                f"an axial vector of {mass:g} GeV, below two lepton masses, is another theory: its rate grows as 1/m^2"
            )
            warnings.warn(text, RangeWarning, stacklevel=2)
        return super().production(mass, beam, target, threshold=threshold, coupling=coupling)
