"""Directions of the particles of a shower: how far off its axis those of an energy fly.

Multiple scattering of the electrons in approximation A gives photons, for energies E far below the primary's and over all
depths, a mean square angle of 0.180 (Es/E)^2, Es = m_e sqrt(4 pi/alpha) = 21.2 MeV (B. Rossi, K. Greisen, Rev. Mod. Phys. 13
(1941) 240, Sec. II). Some of them come from electrons that were soft and have scattered much more, so that the angle is taken
as exponential: a Monte Carlo of the same processes has 0.18 to 0.20 from 2 to 40 GeV of 100, and medians 0.58 to 0.7 times
those of a Gaussian (an exponential: 0.59).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.physics.constants import ALPHA, ELECTRON_MASS

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats

SCATTERING = float(ELECTRON_MASS * np.sqrt(4.0 * np.pi / ALPHA))
"""Es, GeV."""

PHOTONS = 0.180
"""Mean square angle over (Es/E)^2."""


def photon_angles(energy: Floats, rng: np.random.Generator) -> Floats:
    """Return angles (rad) to the axis of photons of a shower.

    Parameters
    ----------
    energy : array of shape (N,)
        GeV.
    rng : numpy Generator
    """
    rms = np.sqrt(PHOTONS) * SCATTERING / energy
    angles: Floats = np.sqrt(0.5) * rms * rng.standard_exponential(len(energy))
    return angles
