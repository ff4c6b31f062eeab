"""Yields in a thick target: how far the particles of a shower go, and what they make on the way.

`track_lengths` solves the shower equations of Rossi's approximation A (pair production and bremsstrahlung in complete
screening, no ionisation) integrated over depth; the yield is Eq. 29 of arXiv:2404.15931 with these track lengths.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from physics.constants import CM2_PER_PICOBARN, LEAD, Nucleus
from physics.cross_sections import total

if TYPE_CHECKING:
    from physics.phase_space import Method

Array = np.ndarray[Any, np.dtype[np.float64]]

THRESHOLD = 20.0
"""GeV: electrons below are not counted unless said otherwise; at small masses the yield depends strongly on it."""

BINS_PER_E_FOLD = 80


@dataclass(frozen=True)
class TrackLengths:
    """Track lengths in a shower, in radiation lengths per bin of energy.

    Attributes
    ----------
    edges : array of shape (B + 1,)
        Bin edges, GeV, falling from the primary's energy.
    electrons, positrons, photons : arrays of shape (B,)
        Radiation lengths travelled at energies in each bin, per primary electron.
    """

    edges: Array
    electrons: Array
    positrons: Array
    photons: Array

    @property
    def energy(self) -> Array:
        """Geometric centres of the bins, GeV, shape (B,)."""
        centres: Array = np.sqrt(self.edges[1:] * self.edges[:-1])
        return centres


def track_lengths(primary: float, lowest: float) -> TrackLengths:
    """Return the track lengths in the shower of an electron, integrated over depth.

    Rossi (High-Energy Particles, 1952), approximation A: bremsstrahlung [4/3 (1-v) + v^2]/v dv and pair production
    [1 - 4/3 u(1-u)] du per radiation length. For energies far below the primary's the sum of electrons and positrons above
    E is 0.437 E0/E.

    Parameters
    ----------
    primary, lowest : float
        Energies of the electron and of the lowest bin, GeV.
    """
    bins = max(int(np.ceil(BINS_PER_E_FOLD * np.log(primary / lowest))), 2)
    edges = np.geomspace(primary, lowest, bins + 1)
    energy = np.sqrt(edges[1:] * edges[:-1])
    # rates from bin j to bin i >= j, per radiation length: a particle of energy[j] gives one between edges[i + 1], edges[i]
    high = np.minimum(edges[:-1][None, :] / energy[:, None], 1.0)
    low = np.minimum(edges[1:][None, :] / energy[:, None], 1.0)
    later = np.triu(np.ones((bins, bins), bool), 1)
    brem = np.where(later, _electron_left(high, low), 0.0)
    photon = np.where(np.triu(np.ones((bins, bins), bool)), _photon_made(high, low), 0.0)
    pair = np.where(later, 2.0 * _pair_share(high, low), 0.0)
    # an electron leaves its bin at the rate at which it falls below the bin's lower edge
    boundary = np.minimum(edges[1:] / energy, 1.0 - 1e-9)
    leave = _electron_left(boundary, np.full(bins, 1e-9))
    primary_chain, all_chain, photons = np.zeros(bins), np.zeros(bins), np.zeros(bins)
    for i in range(bins):
        source = 1.0 if i == 0 else 0.0
        primary_chain[i] = (source + primary_chain[:i] @ brem[:i, i]) / leave[i]
        all_chain[i] = (source + all_chain[:i] @ brem[:i, i] + photons[:i] @ pair[:i, i]) / leave[i]
        photons[i] = (all_chain[: i + 1] @ photon[: i + 1, i]) * 9.0 / 7.0
    half = 0.5 * (all_chain - primary_chain)
    return TrackLengths(edges, primary_chain + half, half, photons)


def _electron_left(high: Array, low: Array) -> Array:
    """Integrate bremsstrahlung over the electron's remaining share w = 1 - v from low to high < 1."""

    def antiderivative(w: Array) -> Array:
        v = np.maximum(1.0 - w, 1e-12)
        value: Array = -(4.0 / 3.0 * (np.log(v) - v) + 0.5 * v * v)
        return value

    return antiderivative(high) - antiderivative(low)


def _photon_made(high: Array, low: Array) -> Array:
    """Integrate bremsstrahlung over the photon's share v from low to high."""

    def antiderivative(v: Array) -> Array:
        value: Array = 4.0 / 3.0 * (np.log(v) - v) + 0.5 * v * v
        return value

    return antiderivative(high) - antiderivative(low)


def _pair_share(high: Array, low: Array) -> Array:
    """Integrate pair production over the share u of one of the pair from low to high."""

    def antiderivative(u: Array) -> Array:
        value: Array = u - 2.0 / 3.0 * u**2 + 4.0 / 9.0 * u**3
        return value

    return antiderivative(high) - antiderivative(low)


def per_electron(
    m_phi: float,
    *,
    coupling: float,
    primary: float = 100.0,
    threshold: float = THRESHOLD,
    nucleus: Nucleus = LEAD,
    method: Method = "ww",
) -> tuple[float, Array, Array]:
    """Return e N -> mu N phi per electron on target (Eq. 29) and how it is spread over the electron's energy.

    Parameters
    ----------
    m_phi : float
        GeV.
    coupling : float
        h of Eq. 1.
    primary, threshold : float
        Energy of the beam electron and lowest energy of an electron that counts, GeV.
    nucleus : Nucleus
    method : 'ww', 'exact' or 'iww'
        Of the total cross section; the muon's variables are the ones integrated over, as in `physics.sampling`.

    Returns
    -------
    yield : float
        Per electron on target, from electrons above `threshold`.
    edges : array of shape (B + 1,)
        GeV, rising.
    density : array of shape (B,)
        The yield from each bin.
    """
    lengths = track_lengths(primary, threshold)
    sigma = total(m_phi, lengths.energy, coupling=coupling, nucleus=nucleus, method=method, variable="y")
    made = lengths.electrons * sigma * CM2_PER_PICOBARN * nucleus.per_radiation_length
    return float(made.sum()), lengths.edges[::-1], made[::-1]


def sample_energy(edges: Array, content: Array, events: int, rng: np.random.Generator) -> Array:
    """Return energies drawn from a histogram, log-uniform within its bins."""
    bins = rng.choice(len(content), size=events, p=content / content.sum())
    u = rng.random(events)
    drawn: Array = edges[bins] ** (1.0 - u) * edges[bins + 1] ** u
    return drawn
