"""An electron's shower in the target: its measured energy and how the cells of its layers share it.

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
    from emiss.reco.parts.grid import Grid, Profile, Shower
    from emiss.samples.config import Response
    from emiss.samples.setup import SetUp


@dataclass(frozen=True)
class LateralProfile:
    """Two Gaussians: rms of both (mm) and the weight of the narrow one."""

    narrow: float
    wide: float
    weight: float

    @classmethod
    def of(cls, target: Grid, profile: Profile, halo: float) -> LateralProfile:
        """Return the profile with the detector's shares of cell and block; the wide rms is `halo` pitches.

        Raises
        ------
        UserError
            If no such profile has these shares.
        """
        from scipy.special import erf, erfinv

        wide = halo * target.pitch
        block = erf(1.5 / halo / np.sqrt(2.0)) ** 2  # of the wide part; all of the narrow part is in the block
        cell = erf(0.5 / halo / np.sqrt(2.0)) ** 2
        weight = (profile.block - block) / (1.0 - block)
        inner = (profile.cell - (1.0 - weight) * cell) / weight if weight > 0 else -1.0
        if not (0.0 < weight <= 1.0 and cell < inner < 1.0):
            raise UserError(
                f"no lateral profile with a halo of {halo:g} pitches has the shares {profile.cell:g} in the cell and "
                f"{profile.block:g} in the block",
                hint="change response.halo in the sample",
            )
        narrow = 0.5 * target.pitch / (np.sqrt(2.0) * erfinv(np.sqrt(inner)))
        return cls(float(narrow), float(wide), float(weight))

    def shares(self, target: Grid, x: Floats, y: Floats) -> Floats:
        """Return the mean share of each cell for showers at x, y (mm): shape (N, columns, rows), each sum 1."""
        from scipy.special import erf

        def integral(edges: Array, centre: Array, rms: float) -> Array:
            return np.asarray(0.5 * np.diff(erf((edges - centre[:, None]) / (np.sqrt(2.0) * rms)), axis=1))

        x_edges = target.x + (np.arange(target.columns + 1) - target.beam_cell[0] - 0.5) * target.pitch
        y_edges = target.y + (np.arange(target.rows + 1) - target.beam_cell[1] - 0.5) * target.pitch
        total = np.zeros((len(x), target.columns, target.rows))
        for rms, weight in ((self.narrow, self.weight), (self.wide, 1.0 - self.weight)):
            total += weight * integral(x_edges, x, rms)[:, :, None] * integral(y_edges, y, rms)[:, None, :]
        return np.asarray(total / np.maximum(total.sum(axis=(1, 2), keepdims=True), 1e-300))


def measured_energy(shower: Shower, energy: Floats, rng: np.random.Generator) -> Floats:
    """Return the measured sum for showers of `energy` (GeV), N values: stochastic/sqrt(E) and constant in quadrature."""
    relative = np.sqrt(shower.stochastic**2 / np.maximum(energy, 1e-9) + shower.constant**2)
    return np.maximum(energy * (1.0 + relative * rng.normal(size=len(energy))), 0.0)


def cell_energies(
    setup: SetUp, settings: Response, energy: Floats, x: Floats, y: Floats, rng: np.random.Generator
) -> Floats:
    """Return the energies (GeV) in the cells of the target, shape (N, layers * columns * rows).

    Layers behind the first share what it leaves by their radiation lengths.

    Parameters
    ----------
    energy : array of shape (N,)
        Energy that showers, GeV. The cells of an event sum to its measured energy.
    x, y : arrays of shape (N,)
        Impact, mm.
    """
    target, events = setup.target, len(energy)
    measured = measured_energy(setup.shower, energy, rng)
    lengths = [layer.radiation_lengths for layer in target.layers.values()]
    layers = [measured]
    if len(lengths) > 1:
        mean = setup.shower.first_share
        # beta distribution of this mean and relative spread
        concentration = (1.0 - mean) / (mean * settings.preshower_spread**2) - 1.0
        first = rng.beta(mean * concentration, (1.0 - mean) * concentration, size=events)
        behind = (1.0 - first) * measured
        layers = [first * measured, *(behind * (length / sum(lengths[1:])) for length in lengths[1:])]
    shares = LateralProfile.of(target, setup.profile, settings.halo).shares(target, x, y).reshape(events, -1)
    parts = []
    for layer in layers:
        gamma = rng.standard_gamma(settings.shower_concentration * np.maximum(layer, 1e-6)[:, None] * shares)
        total = gamma.sum(axis=1, keepdims=True)
        sharing = np.where(total > 0, gamma / np.where(total > 0, total, 1.0), shares)
        parts.append(layer[:, None] * sharing)
    return np.concatenate(parts, axis=1)
