"""Lepton conversion l N -> l' X by a four-fermion operator of l, l' and two quarks: deep inelastic, per quark.

With s^ = x s, y the share of the energy that the quark takes, and a scale Lambda (S. N. Gninenko and others, Phys. Rev. D 98
(2018) 015007),

    V: s^/(16 pi L^4), times (1 - y)^2 for quark and lepton of opposite chirality, and for antiquarks of equal ones,
    S: s^ y^2/(64 pi L^4),   T: s^ (2 - y)^2/(4 pi L^4)

for d sigma/dy, and (1 - m'^2/s^)^2 for the mass of the lepton that comes out: the factor of the V of equal chiralities, taken
for all. The densities are those of `partons` at Q^2 = s^/4, which is a mean x y s.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from emiss.physics.constants import CM2_PER_PICOBARN, PICOBARN, PROTON_MASS
from emiss.physics.emission.yields import Emission
from emiss.physics.processes import partons
from emiss.physics.processes.bremsstrahlung import shower

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats
    from emiss.physics.processes.base import Beam, Target

OPERATORS = ("S", "V", "T")

CHIRALITIES = ("LL", "LR")

TEV = 1e3
"""GeV."""

LEAST_X = 1e-4

NODES = 96
"""In ln x."""

SCALE = 0.25
"""Q^2 over s^."""


def shape(operator: str, chirality: str, y: Floats, *, antiquark: bool) -> Floats:
    """Return d sigma/dy in units of s^/(16 pi Lambda^4).

    Raises
    ------
    ValueError
        For an unknown operator or chirality.
    """
    if operator not in OPERATORS or chirality not in CHIRALITIES:
        msg = f"no operator {operator} {chirality}; there are {', '.join(OPERATORS)}, each with {' and '.join(CHIRALITIES)}"
        raise ValueError(msg)
    y = np.asarray(y, np.float64)
    if operator == "S":
        return y**2 / 4.0
    if operator == "T":
        return 4.0 * (2.0 - y) ** 2
    return (1.0 - y) ** 2 if (chirality == "LR") != antiquark else np.ones_like(y)


def strength(operator: str, chirality: str, *, antiquark: bool) -> float:
    """Return the integral of `shape` over y: V 1 or 1/3, S 1/12, T 28/3."""
    node, weight = np.polynomial.legendre.leggauss(8)
    return float(0.5 * weight @ shape(operator, chirality, 0.5 * (node + 1.0), antiquark=antiquark))


def per_nucleon(
    energy: Floats, operator: str, chirality: str, flavour: str, final: float, protons: float
) -> tuple[Floats, Floats]:
    """Return the cross sections on quarks and on antiquarks, pb at Lambda = 1 TeV, per nucleon.

    Parameters
    ----------
    energy : array of shape (N,)
        Of the lepton, GeV.
    operator, chirality, flavour : str
        Of `OPERATORS`, `CHIRALITIES`, `partons.FLAVOURS`: the quark that is hit.
    final : float
        Mass of the lepton that comes out, GeV.
    protons : float
        Z/A.
    """
    node, weight = np.polynomial.legendre.leggauss(NODES)
    span = -np.log(LEAST_X)
    x = np.exp(-0.5 * span * (node + 1.0))
    s = x * (2.0 * PROTON_MASS * np.asarray(energy, np.float64)[:, None])
    open_ = np.maximum(1.0 - final**2 / s, 0.0) ** 2
    factor = PICOBARN * s / (16.0 * np.pi * TEV**4) * open_
    quark, anti = partons.nucleon(flavour, x, SCALE * s, protons)
    found = [
        (density * factor) @ (0.5 * span * weight) * strength(operator, chirality, antiquark=is_anti)
        for density, is_anti in ((quark, False), (anti, True))
    ]
    return found[0], found[1]


@dataclass(frozen=True)
class Converting:
    """Conversions in a target at Lambda = 1 TeV, in cells of depth (radiation lengths) and of the lepton's energy.

    Attributes
    ----------
    emission : Emission
    antiquarks : array of shape (B,)
        Share of antiquarks in a bin of energy.
    x0 : float
        mm.
    """

    emission: Emission
    antiquarks: Floats
    x0: float

    def draw(
        self, events: int, operator: str, chirality: str, rng: np.random.Generator
    ) -> tuple[Floats, Floats, Floats]:
        """Return energies of leptons (GeV), depths (mm) and y."""
        energy, lengths = self.emission.sample(events, rng)
        row = np.clip(np.searchsorted(self.emission.edges, energy, side="right") - 1, 0, len(self.antiquarks) - 1)
        anti = rng.random(events) < self.antiquarks[row]
        y = np.empty(events)
        for which in (False, True):
            place = np.linspace(0.0, 1.0, 513)
            density = shape(operator, chirality, place, antiquark=which)
            cumulated = np.concatenate([[0.0], np.cumsum(0.5 * (density[1:] + density[:-1]))])
            mine = anti == which
            y[mine] = np.interp(rng.random(int(mine.sum())), cumulated / cumulated[-1], place)
        return energy, lengths * self.x0, y


@lru_cache(maxsize=32)
def converting(
    beam: Beam, target: Target, threshold: float, operator: str, chirality: str, flavour: str, final: float
) -> Converting:
    """Return the conversions of the leptons above `threshold` (GeV): those of a shower, or muons with all their energy.

    Electrons of a shower convert, positrons of an electron's shower do not count: they give a lepton of the other sign.

    Raises
    ------
    ValueError
        If the beam is no lepton.
    """
    if abs(beam.pdg) not in {11, 13}:
        msg = f"the beam particle {beam.pdg} is no lepton that converts"
        raise ValueError(msg)
    protons = sum(nucleus.z * n for nucleus, n in target.elements) / target.nucleons
    if abs(beam.pdg) == 11:
        lengths = shower(beam.energy, threshold)
        inside = lengths.depth[1:] <= target.radiation_lengths * (1.0 + 1e-9)
        edges, depth, travelled = lengths.edges, lengths.depth, lengths.electrons * inside[:, None] * target.x0
        middle = lengths.energy
    else:
        edges, middle = beam.energy * np.array([1.0 - 1e-9, 1.0]), np.array([beam.energy])
        depth = np.linspace(0.0, target.radiation_lengths, 41)
        travelled = np.full((40, 1), target.thickness / 40.0)
    quark, anti = per_nucleon(middle, operator, chirality, flavour, final, protons)
    made = travelled * ((quark + anti) * CM2_PER_PICOBARN * 1e2 * target.nucleons)
    share = np.divide(anti, quark + anti, out=np.zeros_like(anti), where=quark + anti > 0.0)
    return Converting(Emission(edges, depth, made), share, target.x0)
