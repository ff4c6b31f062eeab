"""Inelastic dark matter: A' -> chi1 chi2 and chi2 -> chi1 e+ e- through a virtual A', a semi-visible dark photon.

chi1 and chi2 are Majorana fermions of masses m1 = m/ratio and m2 = m1 (1 + splitting) that the vector takes into each other.
The width of chi2 is the exact three-body integral over q^2 of the pair,

    dGamma/dq^2 = Gamma(chi2 -> chi1 V(q)) sqrt(q^2) Gamma(V(q) -> e e)/(pi (q^2 - m_A^2)^2),

which for a small splitting Delta is 4 eps^2 alpha alpha_D Delta^5/(15 pi m_A^4) (A. Berlin and others, Phys. Rev. D 99 (2019)
075001). Muons and pions, open for Delta > 2 m_mu, are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from emiss.physics.constants import ELECTRON_MASS
from emiss.physics.processes import widths
from emiss.physics.processes.base import INVISIBLE, Unstable
from emiss.physics.processes.bremsstrahlung import ELEMENTARY
from emiss.physics.processes.kinematics import boosted, dot, emitted, flying, into_two, momentum
from emiss.physics.processes.portal import Portal
from emiss.physics.processes.states import Decay

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.configs.arrays import Floats

SEMIVISIBLE = "chi chi e+ e-"

NODES = 200
"""Gauss-Legendre nodes in the mass of the pair."""


def _to_virtual(heavy: float, light: float, q: Floats) -> Floats:
    """Return Gamma(chi2 -> chi1 V(q)) over g_D^2, GeV, averaged over the spin of chi2."""
    p = momentum(heavy, light, q)
    product = 0.5 * (heavy**2 + light**2 - q**2)  # of the two four-vectors
    along = (product - light**2) * (heavy**2 - product)
    square = 0.5 * (8.0 * product - 16.0 * heavy * light + 8.0 * along / q**2 - 4.0 * (product - heavy * light))
    value: Floats = p * square / (8.0 * np.pi * heavy**2)
    return value


@lru_cache(maxsize=256)
def _pairs(heavy: float, light: float, mass: float) -> tuple[Floats, Floats]:
    """Return masses of the pair, GeV, and the width per node at alpha_D = 1/(4 pi) and e eps = 1."""
    node, weight = np.polynomial.legendre.leggauss(NODES)
    low, high = 2.0 * ELECTRON_MASS, heavy - light
    angle = 0.25 * np.pi * (node + 1.0)  # q = low + (high - low) sin^2: both ends are square roots
    q = low + (high - low) * np.sin(angle) ** 2
    jacobian = (high - low) * np.sin(2.0 * angle) * 0.25 * np.pi * weight * 2.0 * q
    pair = widths.lepton_pair("V", q, ELECTRON_MASS, 1.0)
    return q, _to_virtual(heavy, light, q) * q * pair / (np.pi * (q**2 - mass**2) ** 2) * jacobian


@dataclass(frozen=True)
class Inelastic(Portal):
    """A' with a kinetic mixing eps, which decays to chi1 chi2; `ratio` is m_A/m1 and `splitting` (m2 - m1)/m1."""

    name: ClassVar[str] = "inelastic"
    title: ClassVar[str] = "semi-visible dark photon A'"
    resonates: ClassVar[bool] = True
    defaults: ClassVar[Mapping[str, float | str]] = {
        "alpha_d": 0.1, "ratio": 3.0, "splitting": 0.4, "method": "exact",
    }  # fmt: skip

    def charge(self, lepton: str) -> float:
        """Return e."""
        del lepton
        return ELEMENTARY

    def masses(self, mass: float) -> tuple[float, float]:
        """Return m1 and m2, GeV."""
        light = mass / self.number("ratio")
        return light, light * (1.0 + self.number("splitting"))

    def channels(self, mass: float, coupling: float, at: Floats) -> Mapping[str, Floats]:
        """Return pairs of leptons, hadrons, and of dark particles: semi-visible where chi2 can decay to electrons."""
        light, heavy = self.masses(mass)
        dark = widths.inelastic_pair(at, light, heavy, self.number("alpha_d"))
        name = SEMIVISIBLE if heavy - light > 2.0 * ELECTRON_MASS else INVISIBLE
        return {**self.pairs(coupling, at), "hadrons": widths.hadrons(at, coupling), name: dark}

    def heavy_width(self, mass: float, coupling: float) -> float:
        """Return Gamma(chi2 -> chi1 e+ e-), GeV; 0 where it is closed."""
        light, heavy = self.masses(mass)
        if not heavy - light > 2.0 * ELECTRON_MASS:
            return 0.0
        per_node = _pairs(heavy, light, mass)[1]
        return float(4.0 * np.pi * self.number("alpha_d") * (coupling * ELEMENTARY) ** 2 * per_node.sum())

    def first_order_width(self, mass: float, coupling: float) -> float:
        """Return the same at first order in a small splitting, electrons without mass."""
        light, heavy = self.masses(mass)
        strength = (coupling * ELEMENTARY) ** 2 / (4.0 * np.pi) * self.number("alpha_d")
        return float(4.0 * strength * (heavy - light) ** 5 / (15.0 * np.pi * mass**4))

    def unstable(self, mass: float, coupling: float) -> Unstable:
        """Return chi2, with its mean share of the energy of A'."""
        light, heavy = self.masses(mass)
        share = 0.5 * (1.0 + (heavy**2 - light**2) / mass**2)
        return Unstable(heavy, self.heavy_width(mass, coupling), share)

    def decay(self, channel: str, mass: float, energy: Floats, rng: np.random.Generator) -> Decay:
        """Return the pair of chi2 beside what `Portal.decay` has; both dark particles' energy is lost."""
        if channel != SEMIVISIBLE:
            return super().decay(channel, mass, energy, rng)
        light, heavy = self.masses(mass)
        second, _ = into_two(flying(mass, energy), mass, heavy, light, rng)
        plus, minus = self._pair(second, light, heavy, mass, rng)
        seen = plus[:, 0] + minus[:, 0]
        return Decay(second[:, 0], (emitted(-11, plus), emitted(11, minus)), energy - seen)

    def _pair(
        self, second: Floats, light: float, heavy: float, mass: float, rng: np.random.Generator
    ) -> tuple[Floats, Floats]:
        """Return e+ and e- of chi2 with such four-vectors: q^2 from its density, angles by rejection with |M|^2."""
        q, share = _pairs(heavy, light, mass)
        plus, minus = np.empty_like(second), np.empty_like(second)
        todo = np.arange(len(second))
        while len(todo):
            drawn = rng.choice(q, size=len(todo), p=share / share.sum())
            rest = flying(heavy, np.full(len(todo), heavy))
            virtual, left = into_two(rest, heavy, drawn, light, rng)
            one, two = into_two(virtual, drawn, ELECTRON_MASS, ELECTRON_MASS, rng)
            value = _square(rest, left, one, two, light, heavy)
            # a + b cos^2 is at most 1.5 times its mean
            limit = 2.0 * _mean_square(light, heavy, drawn)
            hit = rng.random(len(todo)) * limit < value
            which = todo[hit]
            plus[which], minus[which] = boosted(one[hit], second[which], heavy), boosted(two[hit], second[which], heavy)
            todo = todo[~hit]
        return plus, minus


def _square(second: Floats, first: Floats, plus: Floats, minus: Floats, light: float, heavy: float) -> Floats:
    """Return |M|^2 of chi2 -> chi1 e+ e- without couplings and propagator, over 32."""
    both, dark, electrons = heavy * light, dot(second, first), dot(plus, minus)
    crossed = dot(first, plus) * dot(second, minus) + dot(first, minus) * dot(second, plus)
    return crossed + ELECTRON_MASS**2 * dark - both * electrons - 2.0 * both * ELECTRON_MASS**2


def _mean_square(light: float, heavy: float, q: Floats) -> Floats:
    """Return the mean of `_square` over the angles of the pair, whose tensor is (4/3)(q^2 + 2 m_e^2)(qq/q^2 - g) then."""
    dark = 0.5 * (heavy**2 + light**2 - q**2)
    along = (dark - light**2) * (heavy**2 - dark)
    traced = 4.0 * (2.0 * dark - 4.0 * heavy * light) + 4.0 * (2.0 * along / q**2 - (dark - heavy * light))
    value: Floats = traced * (q**2 + 2.0 * ELECTRON_MASS**2) / 24.0
    return value
