"""Models with a vector X: dark photon, X17, and the gauge bosons of B-L and of L_mu - L_tau."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from emiss.physics.processes import widths
from emiss.physics.processes.base import INVISIBLE, Plane
from emiss.physics.processes.bremsstrahlung import ELEMENTARY
from emiss.physics.processes.portal import Portal

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats

Defaults = Mapping[str, float | str]


@dataclass(frozen=True)
class DarkPhoton(Portal):
    """A' with a kinetic mixing eps: couples to charges with eps e, and to dark particles of mass m/ratio with alpha_D.

    With `alpha_d` 0 it decays to what is seen only.
    """

    name: ClassVar[str] = "dark-photon"
    title: ClassVar[str] = "dark photon A'"
    resonates: ClassVar[bool] = True
    defaults: ClassVar[Defaults] = {"alpha_d": 0.1, "ratio": 3.0, "dark": "dirac", "method": "exact"}

    def charge(self, lepton: str) -> float:
        """Return e."""
        del lepton
        return ELEMENTARY

    def channels(self, mass: float, coupling: float, at: Floats) -> Mapping[str, Floats]:
        """Return pairs of leptons, hadrons and dark particles."""
        dark = widths.dark_pair("V", self.word("dark"), at, mass / self.number("ratio"), self.number("alpha_d"))
        return {**self.pairs(coupling, at), "hadrons": widths.hadrons(at, coupling), INVISIBLE: dark}


@dataclass(frozen=True)
class BMinusL(Portal):
    """Z' of B-L: L = g [q-bar gamma q/3 - l-bar gamma l - nu-bar gamma nu] Z'.

    Neutrinos are left-handed, or have light right-handed partners (`neutrinos` dirac): Gamma(nu nu) = g^2 m/(8 pi) or twice
    that, so that 3/5 or 3/4 of the decays are invisible between 2 m_e and 2 m_mu. Hadrons are left out: its current is
    isoscalar, so that the rho is missing and only the omega counts below 1 GeV.
    """

    name: ClassVar[str] = "b-l"
    title: ClassVar[str] = "Z' of B-L"
    plane: ClassVar[Plane] = Plane("g")
    resonates: ClassVar[bool] = True
    defaults: ClassVar[Defaults] = {"neutrinos": "dirac", "method": "exact"}

    def charge(self, lepton: str) -> float:
        """Return 1."""
        del lepton
        return 1.0

    def channels(self, mass: float, coupling: float, at: Floats) -> Mapping[str, Floats]:
        """Return pairs of leptons and neutrinos.

        Raises
        ------
        ValueError
            For neutrinos that are neither `dirac` nor `majorana`.
        """
        del mass
        kind = self.word("neutrinos")
        if kind not in {"dirac", "majorana"}:
            msg = f"neutrinos are 'dirac' or 'majorana', not '{kind}'"
            raise ValueError(msg)
        return {**self.pairs(coupling, at), INVISIBLE: widths.neutrinos(at, coupling, 3, right_handed=kind == "dirac")}


@dataclass(frozen=True)
class MuMinusTau(Portal):
    """Z' of L_mu - L_tau; electrons have g/70 by a loop. With `g_chi` it decays to dark particles of mass m/ratio, too."""

    name: ClassVar[str] = "lmu-ltau"
    title: ClassVar[str] = "Z' of L_mu - L_tau"
    plane: ClassVar[Plane] = Plane("g")
    defaults: ClassVar[Defaults] = {"g_chi": 0.0, "ratio": 3.0, "dark": "dirac", "loop": 1.0 / 70.0, "method": "exact"}

    def charge(self, lepton: str) -> float:
        """Return 1 for muons and taus, `loop` for electrons."""
        return self.number("loop") if lepton == "electron" else 1.0

    def channels(self, mass: float, coupling: float, at: Floats) -> Mapping[str, Floats]:
        """Return pairs of leptons, two flavours of left-handed neutrinos, and dark particles."""
        alpha = self.number("g_chi") ** 2 / (4.0 * math.pi)
        dark = widths.dark_pair("V", self.word("dark"), at, mass / self.number("ratio"), alpha)
        return {**self.pairs(coupling, at), INVISIBLE: widths.neutrinos(at, coupling, 2) + dark}


@dataclass(frozen=True)
class X17(Portal):
    """The X of the beryllium anomaly, about 16.7 MeV, which decays to e+ e- only; a vector, coupling eps e to electrons."""

    name: ClassVar[str] = "x17"
    title: ClassVar[str] = "X17, a vector"
    plane: ClassVar[Plane] = Plane("eps_e")
    defaults: ClassVar[Defaults] = {"method": "exact"}

    def charge(self, lepton: str) -> float:
        """Return e for electrons."""
        return ELEMENTARY if lepton == "electron" else 0.0

    def channels(self, mass: float, coupling: float, at: Floats) -> Mapping[str, Floats]:
        """Return pairs of electrons."""
        del mass
        return {"e+ e-": self.pairs(coupling, at)["e+ e-"]}


@dataclass(frozen=True)
class X17Pseudoscalar(X17):
    """The same as a pseudoscalar."""

    boson: ClassVar[str] = "P"
    name: ClassVar[str] = "x17-p"
    title: ClassVar[str] = "X17, a pseudoscalar"
