"""An electron's shower in the ECAL: its measured energy and how the cells of preshower and main part share it.

The lateral profile is the sum of two Gaussians of the transverse distance (illustrative; a real one has exponential
tails): the wide one's rms is given, the other's and their weights follow from the shares of the beam cell and of its
3 x 3 block for a shower on the centre of the cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.errors import UserError

if TYPE_CHECKING:
    from emiss.configs.arrays import Array, Floats
    from emiss.reco.detector.parts import Ecal
    from emiss.samples.config import Response


@dataclass(frozen=True)
class LateralProfile:
    """Two Gaussians: rms of both (mm) and the weight of the narrow one."""

    narrow: float
    wide: float
    weight: float

    @classmethod
    def of(cls, ecal: Ecal, halo: float) -> LateralProfile:
        """Return the profile with the detector's `cell_share` and `block_share`; the wide rms is `halo` pitches.

        Raises
        ------
        UserError
            If no such profile has these shares.
        """
        from scipy.special import erf, erfinv

        wide = halo * ecal.pitch
        block = erf(1.5 / halo / np.sqrt(2.0)) ** 2  # of the wide part; all of the narrow part is in the block
        cell = erf(0.5 / halo / np.sqrt(2.0)) ** 2
        weight = (ecal.block_share - block) / (1.0 - block)
        inner = (ecal.cell_share - (1.0 - weight) * cell) / weight if weight > 0 else -1.0
        if not (0.0 < weight <= 1.0 and cell < inner < 1.0):
            raise UserError(
                f"no lateral profile with a halo of {halo:g} pitches has cell_share {ecal.cell_share:g} and "
                f"block_share {ecal.block_share:g}",
                hint="change response.halo in the sample",
            )
        narrow = 0.5 * ecal.pitch / (np.sqrt(2.0) * erfinv(np.sqrt(inner)))
        return cls(float(narrow), float(wide), float(weight))

    def shares(self, ecal: Ecal, x: Floats, y: Floats) -> Floats:
        """Return the mean share of each cell for showers at x, y (mm): shape (N, columns, rows), each sum 1."""
        from scipy.special import erf

        def integral(edges: Array, centre: Array, rms: float) -> Array:
            return np.asarray(0.5 * np.diff(erf((edges - centre[:, None]) / (np.sqrt(2.0) * rms)), axis=1))

        x_edges = (np.arange(ecal.columns + 1) - ecal.beam_cell[0] - 0.5) * ecal.pitch
        y_edges = (np.arange(ecal.rows + 1) - ecal.beam_cell[1] - 0.5) * ecal.pitch
        total = np.zeros((len(x), ecal.columns, ecal.rows))
        for rms, weight in ((self.narrow, self.weight), (self.wide, 1.0 - self.weight)):
            total += weight * integral(x_edges, x, rms)[:, :, None] * integral(y_edges, y, rms)[:, None, :]
        return np.asarray(total / np.maximum(total.sum(axis=(1, 2), keepdims=True), 1e-300))


def measured_energy(ecal: Ecal, energy: Floats, rng: np.random.Generator) -> Floats:
    """Return the measured sum for showers of `energy` (GeV), N values: stochastic/sqrt(E) and constant in quadrature."""
    relative = np.sqrt(ecal.stochastic**2 / np.maximum(energy, 1e-9) + ecal.constant**2)
    return np.maximum(energy * (1.0 + relative * rng.normal(size=len(energy))), 0.0)


def cell_energies(
    ecal: Ecal, settings: Response, energy: Floats, x: Floats, y: Floats, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Return the energies (GeV) in the cells of preshower and main part, each of shape (N, columns, rows).

    Parameters
    ----------
    energy : array of shape (N,)
        Energy that showers, GeV. The cells of an event sum to its measured energy.
    x, y : arrays of shape (N,)
        Impact, mm.
    """
    events = len(energy)
    measured = measured_energy(ecal, energy, rng)
    mean = ecal.preshower_share
    # beta distribution of this mean and relative spread
    concentration = (1.0 - mean) / (mean * settings.preshower_spread**2) - 1.0
    first = rng.beta(mean * concentration, (1.0 - mean) * concentration, size=events)
    shares = LateralProfile.of(ecal, settings.halo).shares(ecal, x, y).reshape(events, -1)
    parts = []
    for part in (first * measured, (1.0 - first) * measured):
        gamma = rng.standard_gamma(settings.shower_concentration * np.maximum(part, 1e-6)[:, None] * shares)
        total = gamma.sum(axis=1, keepdims=True)
        sharing = np.where(total > 0, gamma / np.where(total > 0, total, 1.0), shares)
        parts.append((part[:, None] * sharing).reshape(events, ecal.columns, ecal.rows))
    return parts[0], parts[1]
