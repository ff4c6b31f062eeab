"""The interface of processes and models: beam and target that are handed in, what is made, and what a `Model` can tell.

A model knows masses and numbers only: no detector, no file. Energies, masses and widths are in GeV, lengths in mm, angles in
rad.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar, Protocol, Self, runtime_checkable

import numpy as np

from emiss.physics.constants import AVOGADRO, HBAR_C, LEAD, Nucleus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.configs.arrays import Array, Floats
    from emiss.physics.processes.states import Decay, FinalStates

INVISIBLE = "invisible"
"""The channel of decays that nothing sees."""


@dataclass(frozen=True)
class Beam:
    """A beam particle: PDG code and total energy (GeV)."""

    pdg: int
    energy: float


@dataclass(frozen=True)
class Target:
    """What the beam comes to, as one homogeneous matter.

    Attributes
    ----------
    elements : tuple of (Nucleus, float)
        Each kind of nucleus and how many of it there are per mm^3.
    x0, thickness : float
        Radiation length and depth, mm.
    """

    elements: tuple[tuple[Nucleus, float], ...]
    x0: float
    thickness: float

    @classmethod
    def of(cls, nucleus: Nucleus, density: float, thickness: float) -> Self:
        """Return a target of one element of a density (g/cm^3) and thickness (mm)."""
        number = AVOGADRO * density / nucleus.molar_mass * 1e-3
        return cls(((nucleus, number),), 10.0 * nucleus.radiation_length / density, thickness)

    @property
    def radiation_lengths(self) -> float:
        """Its thickness in radiation lengths."""
        return self.thickness / self.x0

    @property
    def electrons(self) -> float:
        """Electrons per mm^3."""
        return sum(nucleus.z * number for nucleus, number in self.elements)

    @property
    def nucleons(self) -> float:
        """Nucleons per mm^3."""
        return sum(nucleus.a * number for nucleus, number in self.elements)


LEAD_TARGET = Target.of(LEAD, 11.35, 40.0 * 5.612)
"""40 radiation lengths of lead, which is what NA64's calorimeter is to a shower."""


@dataclass(frozen=True)
class Production:
    """New particles per beam particle on target, in bins of their energy, at a coupling of one: times coupling^power.

    Attributes
    ----------
    edges : array of shape (n + 1,)
        Edges of the energy of X, GeV, rising.
    rate : array of shape (n,)
        Expected number in each bin.
    depth : array of shape (n,)
        Mean depth behind the front of the target where X of the bin is made, mm.
    power : int
        How the rate goes with the coupling: 2 for g^2, 1 for a branching ratio, -4 for a scale.
    """

    edges: Floats
    rate: Floats
    depth: Floats
    power: int = 2

    @property
    def energy(self) -> Floats:
        """Centres of the bins, GeV, shape (n,)."""
        centres: Floats = 0.5 * (self.edges[1:] + self.edges[:-1])
        return centres

    @property
    def total(self) -> float:
        """Expected number in all bins."""
        return float(self.rate.sum())

    def at(self, coupling: float) -> Floats:
        """Return the rate in each bin at a coupling, shape (n,)."""
        value: Floats = self.rate * coupling**self.power
        return value

    def times(self, factor: float) -> Production:
        """Return the same with rates so many times as large."""
        return replace(self, rate=self.rate * factor)

    def __add__(self, other: Production) -> Production:
        """Return what two processes make together; both have the same bins.

        Raises
        ------
        ValueError
            If bins or powers differ.
        """
        if self.power != other.power or not np.array_equal(self.edges, other.edges):
            msg = "productions add up in the same bins and with the same power of the coupling"
            raise ValueError(msg)
        rate = self.rate + other.rate
        moment = self.rate * self.depth + other.rate * other.depth
        depth = np.divide(moment, rate, out=np.zeros_like(rate), where=rate > 0.0)
        return replace(self, rate=rate, depth=depth)


@dataclass(frozen=True)
class Unstable:
    """The particle whose place of decay matters, which need not be X: the heavier state of an inelastic pair, say.

    Attributes
    ----------
    mass, width : float
        GeV; a width of 0 means that it never decays.
    share : float
        Its mean energy over that of X.
    """

    mass: float
    width: float
    share: float = 1.0

    def decay_length(self, energy: Array | float) -> Floats:
        """Return the mean distance to the decay, mm: p/m hbar c/Gamma; infinite without a width.

        Parameters
        ----------
        energy : array
            Of X, GeV.
        """
        return decay_length(self.mass, self.width, self.share * np.asarray(energy, np.float64))


def decay_length(mass: float, width: float, energy: Array | float) -> Floats:
    """Return p/m hbar c/Gamma in mm, infinite for a width of 0, 0 at rest and below."""
    momentum = np.sqrt(np.maximum(np.asarray(energy, np.float64) ** 2 - mass**2, 0.0))
    if not width > 0.0:
        return np.full_like(momentum, np.inf)
    value: Floats = momentum / mass * HBAR_C / width
    return value


@dataclass(frozen=True)
class Plane:
    """What a limit is drawn in: the letter of the coupling, its unit ("" for none) and where perturbation theory ends."""

    coupling: str
    unit: str = ""
    largest: float = 1.0


@runtime_checkable
class Model(Protocol):
    """A new particle: what makes it, its width and what it decays to. Made with its parameters by `registry.make`.

    A model of a particle whose mass is known has it as the attribute `mass` (GeV) and takes no other.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    plane: ClassVar[Plane]
    defaults: ClassVar[Mapping[str, float | str]]
    """Parameters and their values where nothing is said."""

    @property
    def parameters(self) -> Mapping[str, float | str]:
        """Return the values of all parameters."""
        ...

    def production(
        self, mass: float, beam: Beam, target: Target, *, threshold: float, coupling: float = 0.0
    ) -> Production:
        """Return all X of more than `threshold` (GeV) that a beam particle makes, by all processes of the model.

        `coupling` matters only where the rate is not quite a power of it; then it is the one to be right at.

        Raises
        ------
        ValueError
            For a beam that makes none, or a mass or threshold that makes no sense.
        """
        ...

    def unstable(self, mass: float, coupling: float) -> Unstable:
        """Return the particle whose place of decay matters: X, if nothing else is said."""
        ...

    def width(self, mass: float, coupling: float) -> float:
        """Return the width of X, GeV."""
        ...

    def branching(self, mass: float, coupling: float) -> Mapping[str, float]:
        """Return the shares of the channels: "invisible", "e+ e-", "mu+ mu-", "gamma gamma", ...; they add up to 1."""
        ...

    def sample(
        self, mass: float, beam: Beam, target: Target, n: int, rng: np.random.Generator, *, threshold: float,
        coupling: float = 0.0,
    ) -> FinalStates:  # fmt: skip
        """Return n final states, drawn from all processes in their shares."""
        ...

    def decay(self, channel: str, mass: float, energy: Floats, rng: np.random.Generator) -> Decay:
        """Return the products of X (energies in GeV) in a channel.

        Raises
        ------
        ValueError
            For a channel that has no products here.
        """
        ...


@dataclass(frozen=True)
class Parametrised:
    """What models have in common: values of parameters, checked against the defaults of the class."""

    defaults: ClassVar[Mapping[str, float | str]] = {}
    given: Mapping[str, float | str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what the model does not know.

        Raises
        ------
        ValueError
            For an unknown parameter, or a number where a word is asked for and the other way round.
        """
        for name, value in self.given.items():
            if name not in self.defaults:
                known = ", ".join(self.defaults) or "none"
                msg = f"no parameter '{name}' of {type(self).__name__}; there are {known}"
                raise ValueError(msg)
            if isinstance(value, str) != isinstance(self.defaults[name], str):
                wanted = "a word" if isinstance(self.defaults[name], str) else "a number"
                msg = f"the parameter '{name}' is {wanted}, not {value!r}"
                raise ValueError(msg)

    @property
    def parameters(self) -> Mapping[str, float | str]:
        """The values of all parameters."""
        return {**self.defaults, **self.given}

    def number(self, name: str) -> float:
        """Return the value of a parameter that is a number."""
        return float(self.parameters[name])

    def word(self, name: str) -> str:
        """Return the value of a parameter that is a word."""
        return str(self.parameters[name])
