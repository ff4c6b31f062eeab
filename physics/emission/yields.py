"""Yields in a thick target: what the particles of a shower make on their way (Eq. 29 of arXiv:2404.15931), and where.

The sum over steps of Eq. 29 is a sum over cells of depth and energy with the track lengths of
`emiss.physics.shower.transport`. All yields are of particles above a threshold in energy, which the paper leaves open; at
small masses they depend strongly on it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from emiss.physics.constants import CM2_PER_PICOBARN, LEAD, LEPTON_MASSES, Nucleus
from emiss.physics.emission.cross_sections import total
from emiss.physics.shower.transport import track_lengths
from emiss.physics.validity import PERTURBATIVE, check_coupling

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from emiss.configs.arrays import Floats
    from emiss.physics.emission.phase_space import Method


THRESHOLD = 20.0
"""GeV: electrons below are not counted unless said otherwise."""

EVENTS_AT_90 = float(np.log(10.0))
"""Expected events that 90 % of experiments without background would see something of: the limit where none is seen."""

TOLERANCE = 1e-4
"""Relative, of the cross sections that yields are made of."""

LEPTONS = ("e-", "e+")
"""What emits: e- N -> mu- N phi, e+ N -> mu+ N phi. Both have the same cross section."""

ENERGIES = 24
"""Energies at which the exact cross section is integrated."""


@dataclass(frozen=True)
class Emission:
    """What is made in a shower, per electron on target, in cells of depth and of the energy of the particle that makes it.

    Attributes
    ----------
    edges : array of shape (B + 1,)
        Edges of energy, GeV, rising.
    depth : array of shape (D + 1,)
        Edges of depth, radiation lengths, rising.
    content : array of shape (D, B)
        Expected number.
    """

    edges: Floats
    depth: Floats
    content: Floats

    @property
    def total(self) -> float:
        """Expected number in all cells."""
        return float(self.content.sum())

    @property
    def energy(self) -> Floats:
        """Geometric centres of the bins, GeV, shape (B,)."""
        centres: Floats = np.sqrt(self.edges[1:] * self.edges[:-1])
        return centres

    @property
    def spectrum(self) -> Floats:
        """Expected number in each bin of energy, shape (B,)."""
        summed: Floats = self.content.sum(axis=0)
        return summed

    def weighted(self, weight: Floats) -> Emission:
        """Return the part that is left when each bin of energy is multiplied by a weight, shape (B,)."""
        return replace(self, content=self.content * weight)

    def sample(self, events: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Return energies (GeV) and depths (radiation lengths) at emission, evenly drawn within a cell.

        Raises
        ------
        ValueError
            If nothing is made.
        """
        if not self.total > 0.0:
            msg = "nothing is made in this shower: the threshold or the mass is too high"
            raise ValueError(msg)
        share = self.content.ravel() / self.total
        row, column = np.divmod(rng.choice(share.size, size=events, p=share), self.content.shape[1])
        u, v = rng.random((2, events))
        energy: Floats = self.edges[column] ** (1.0 - u) * self.edges[column + 1] ** u
        return energy, self.depth[row] + v * np.diff(self.depth)[row]


def emission(
    m_phi: float,
    *,
    coupling: float,
    primary: float = 100.0,
    threshold: float = THRESHOLD,
    nucleus: Nucleus = LEAD,
    method: Method = "exact",
    leptons: Sequence[str] = ("e-",),
) -> Emission:
    """Return how much e N -> mu N phi the electrons, positrons or both of a shower make, and where (Eq. 29).

    Parameters
    ----------
    m_phi : float
        GeV.
    coupling : float
        h of Eq. 1.
    primary, threshold : float
        Energy of the beam electron and lowest energy of an electron that counts, GeV.
    nucleus : Nucleus
        All of the target's radiation lengths are in it; in 1.5 mm of lead and 1.5 mm of scintillator 98.7 % are.
    method : 'exact', 'ww' or 'iww'
        Of the total cross section.
    leptons : sequence of 'e-', 'e+'
        Who emits; the paper counts electrons alone, as positrons give mu+, another signature.

    Raises
    ------
    ValueError
        If a lepton is unknown, named twice or none is, the energies are not in order, or as
        `emiss.physics.emission.cross_sections.total`.
    """
    if not leptons or len(set(leptons)) < len(leptons) or not set(leptons) <= set(LEPTONS):
        msg = f"leptons are 'e-', 'e+' or both, not {', '.join(leptons) or 'none'}"
        raise ValueError(msg)
    lengths = track_lengths(primary, threshold)

    def cross_section(energy: Floats) -> Floats:
        return total(m_phi, energy, coupling=coupling, nucleus=nucleus, method=method, rtol=TOLERANCE)

    if method == "exact":
        sigma = between(cross_section, lengths.energy, _open_at(m_phi, nucleus), ENERGIES)
    else:
        sigma = cross_section(lengths.energy)
    travelled = sum(lengths.electrons if one == "e-" else lengths.positrons for one in leptons)
    made = travelled * (sigma * CM2_PER_PICOBARN * nucleus.per_radiation_length)
    return Emission(lengths.edges, lengths.depth, made)


def _open_at(m_phi: float, nucleus: Nucleus) -> float:
    """Return the energy of an electron at which e N -> mu N phi opens, GeV; the electron's mass is nothing against M."""
    rest = m_phi + LEPTON_MASSES["muon"]
    return rest + rest**2 / (2.0 * nucleus.mass)


def between(cross_section: Callable[[Floats], Floats], energy: Floats, origin: float, count: int) -> Floats:
    """Return a slow cross section at many energies from `count` of them, 0 up to `origin`.

    Between them, its logarithm is a cubic spline in ln(E - origin).

    Parameters
    ----------
    cross_section : callable
        Of an array of energies, GeV.
    energy : array of shape (B,)
        GeV, rising.
    origin : float
        Where the cross section begins, GeV.
    count : int
    """
    from scipy.interpolate import CubicSpline

    above = energy > origin
    if above.sum() <= count:
        return np.where(above, cross_section(energy), 0.0)
    distance = energy - origin
    few = np.geomspace(distance[above][0], distance[-1], count)
    few[0], few[-1] = distance[above][0], distance[-1]
    value = cross_section(origin + few)
    positive = value > 0.0
    result = np.zeros(len(energy))
    if positive.sum() > 1:
        spline = CubicSpline(np.log(few[positive]), np.log(value[positive]))
        inside = distance >= few[positive][0]
        result[inside] = np.exp(spline(np.log(distance[inside])))
    return result


def per_electron(
    m_phi: float,
    *,
    coupling: float,
    primary: float = 100.0,
    threshold: float = THRESHOLD,
    nucleus: Nucleus = LEAD,
    method: Method = "exact",
    leptons: Sequence[str] = ("e-",),
) -> tuple[float, Floats, Floats]:
    """Return e N -> mu N phi per electron on target (Eq. 29) and how it is spread over the electron's energy.

    Parameters
    ----------
    m_phi, coupling, primary, threshold, nucleus, method, leptons
        As in `emission`.

    Returns
    -------
    yield : float
        Per electron on target, from electrons above `threshold`.
    edges : array of shape (B + 1,)
        GeV, rising.
    spectrum : array of shape (B,)
        The yield from each bin.
    """
    made = emission(
        m_phi,
        coupling=coupling,
        primary=primary,
        threshold=threshold,
        nucleus=nucleus,
        method=method,
        leptons=leptons,
    )
    return made.total, made.edges, made.spectrum


def coupling_limit(
    rate: float,
    coupling: float,
    eot: float,
    *,
    efficiency: float = 1.0,
    events: float = EVENTS_AT_90,
    largest: float = PERTURBATIVE,
) -> float:
    """Return the coupling that gives so many selected events, for yields that go with its square.

    Parameters
    ----------
    rate, coupling : float
        Yield per electron on target, at a coupling.
    eot : float
        Electrons on target.
    efficiency : float
        Selected over emitted.
    events : float
        Default ln 10 = 2.3026: the upper limit at 90 % CL where nothing is seen and no background is taken away.
    largest : float
        Coupling up to which the yield means something: sqrt(4 pi) for h, 1 for the mixing of an A'.

    Raises
    ------
    ValueError
        If no event is expected at all.

    Warns
    -----
    RangeWarning
        For a limit above `largest`.
    """
    expected = rate * eot * efficiency
    if not expected > 0.0:
        msg = "no event is expected: there is no limit"
        raise ValueError(msg)
    limit = float(coupling * np.sqrt(events / expected))
    check_coupling(limit, "a limit on the coupling", limit=largest)
    return limit
