"""Sampling of the final state of e N -> mu N phi by accept-reject (the Von Neumann method of arXiv:2404.15931, Sec. III.B)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from physics.constants import LEPTON_MASSES
from physics.cross_sections import PSI_MAX, d2_dy_dt, t_of_psi, total

Array = np.ndarray[Any, np.dtype[np.float64]]

GRID = 48
MARGIN = 1.25
"""Factor on the largest value found on the grid, for maxima between its points."""


@dataclass(frozen=True)
class MuonSampler:
    """Draws (y, psi) of the muon for electrons of given energies, in a region of muon energy and angle.

    Attributes
    ----------
    m_phi : float
        GeV.
    energies : array
        Grid of electron energies (GeV) on which envelope and region are tabulated.
    envelope : array
        Largest value of the density in (ln y, ln t^) at each energy.
    share : array
        Cross section in the region over the whole at each energy.
    min_energy, max_angle : float
        The region: muon energy above (GeV), angle below (rad).
    """

    m_phi: float
    energies: Array
    envelope: Array
    share: Array
    min_energy: float
    max_angle: float

    @classmethod
    def tabulate(
        cls,
        m_phi: float,
        lowest: float,
        highest: float,
        *,
        min_energy: float = 0.0,
        max_angle: float = PSI_MAX,
    ) -> MuonSampler:
        """Return the sampler for electron energies between `lowest` and `highest` (GeV)."""
        energies = np.geomspace(lowest, highest, GRID)
        whole = total(m_phi, energies)
        inside = total(m_phi, energies, y_min=min_energy / energies, psi_max=max_angle)
        share = np.divide(inside, whole, out=np.zeros_like(whole), where=whole > 0)
        u = (np.arange(GRID) + 0.5) / GRID
        density = np.zeros(GRID)
        for number, energy in enumerate(energies):
            y, t, jacobian = _point(m_phi, np.full((GRID, GRID), energy), u[:, None], u[None, :], min_energy, max_angle)
            density[number] = np.nanmax(jacobian * d2_dy_dt(y, t, m_phi, energy), initial=0.0)
        return cls(m_phi, energies, MARGIN * density, share, min_energy, max_angle)

    def weight(self, energy: Array) -> Array:
        """Return the share of the cross section in the region, for electrons of these energies."""
        return np.interp(energy, self.energies, self.share)

    def sample(self, energy: Array, rng: np.random.Generator) -> tuple[Array, Array]:
        """Return y = E_mu/E and psi (rad) for each electron energy (GeV), shape (N,).

        Raises
        ------
        ValueError
            If the region is empty at one of the energies.
        """
        energy = np.asarray(energy, np.float64)
        if np.any(self.weight(energy) <= 0):
            msg = "no muon of the region can be made at one of the energies"
            raise ValueError(msg)
        y, t = np.empty(len(energy)), np.empty(len(energy))
        envelope = np.maximum(
            np.interp(energy, self.energies, self.envelope), 1.05 * np.interp(energy, self.energies, self.envelope)
        )
        todo = np.arange(len(energy))
        while len(todo):
            u, v, w = rng.random((3, len(todo)))
            tried_y, tried_t, jacobian = _point(self.m_phi, energy[todo], u, v, self.min_energy, self.max_angle)
            density = jacobian * d2_dy_dt(tried_y, tried_t, self.m_phi, energy[todo])
            hit = w * envelope[todo] < density
            y[todo[hit]], t[todo[hit]] = tried_y[hit], tried_t[hit]
            todo = todo[~hit]
        at_zero = t_of_psi(y, 0.0, self.m_phi, energy)
        return y, np.sqrt(np.maximum(t - at_zero, 0.0) / (y * energy**2))


def _point(
    m_phi: float, energy: Array, u: Array, v: Array, min_energy: float, max_angle: float
) -> tuple[Array, Array, Array]:
    """Map the unit square on the region: return y, t^ and the Jacobian (both logarithmic)."""
    m_f = LEPTON_MASSES["muon"]
    low = np.log(np.maximum(min_energy, m_f * 1.0001) / energy)
    high = np.log(1.0 - m_phi / energy)
    span = np.maximum(high - low, 0.0)
    y = np.exp(low + u * span)
    t_low = np.log(t_of_psi(y, 0.0, m_phi, energy))
    t_span = np.log(t_of_psi(y, max_angle, m_phi, energy)) - t_low
    t = np.exp(t_low + v * t_span)
    return y, t, span * t_span * y * t
