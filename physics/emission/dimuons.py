"""Muon pairs from photons of a shower, gamma N -> mu+ mu- N: rate per electron on target, and how a photon is shared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.physics.constants import ALPHA, ELECTRON_MASS, HBAR_C, LEAD, MUON_MASS, Nucleus
from emiss.physics.emission.pair_angles import Angles, sample_angles
from emiss.physics.emission.yields import Emission
from emiss.physics.shower.transport import track_lengths

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats


SHARES = 64


def pair_cross_section(energy: Floats, share: Floats, nucleus: Nucleus = LEAD) -> Floats:
    """Return dsigma/dx+ in mm^2 of gamma -> mu+ mu-, x+ = E(mu+)/E(gamma).

    4 alpha Z^2 r_mu^2 (1 - 4/3 x+ x-) ln W, with the screening and the nucleus' size in W (H. Burkhardt, S. Kelner,
    R. Kokoulin, CERN-SL-2002-016 (2002), as in the Geant4 physics manual).

    Parameters
    ----------
    energy : array
        Photon energy, GeV.
    share : array
        x+.
    """
    radius = ALPHA * HBAR_C / MUON_MASS
    product = share * (1.0 - share)
    b, d = 183.0, 1.54 * nucleus.a**0.27
    delta = MUON_MASS**2 / (2.0 * energy * np.maximum(product, 1e-12))
    third = nucleus.z ** (1 / 3)
    w_max = b / third * MUON_MASS / (d * ELECTRON_MASS)
    root = np.sqrt(np.e)
    w = w_max * (1.0 + (d * root - 2.0) * delta / MUON_MASS) / (1.0 + b * root * delta / (third * ELECTRON_MASS))
    value = 4.0 * ALPHA * nucleus.z**2 * radius**2 * (1.0 - 4.0 / 3.0 * product) * np.log(np.maximum(w, 1.0))
    allowed = np.minimum(share, 1.0 - share) * energy > MUON_MASS
    sigma: Floats = np.where(allowed, value, 0.0)
    return sigma


def emission(primary: float = 100.0, threshold: float = 1.0, nucleus: Nucleus = LEAD) -> Emission:
    """Return how many muon pairs the photons above `threshold` (GeV) of a shower make, and where."""
    lengths = track_lengths(primary, threshold)
    x = (np.arange(SHARES) + 0.5) / SHARES
    sigma = pair_cross_section(lengths.energy[:, None], x[None, :], nucleus).mean(axis=1)
    made = lengths.photons * (sigma * 1e-2 * nucleus.per_radiation_length)  # mm^2 in cm^2
    return Emission(lengths.edges, lengths.depth, made)


def per_electron(
    primary: float = 100.0, threshold: float = 1.0, nucleus: Nucleus = LEAD
) -> tuple[float, Floats, Floats]:
    """Return muon pairs per electron on target from photons above `threshold` (GeV), with bin edges and contents."""
    made = emission(primary, threshold, nucleus)
    return made.total, made.edges, made.spectrum


def sample_shares(energy: Floats, rng: np.random.Generator, nucleus: Nucleus = LEAD) -> Floats:
    """Return x+ for photons of `energy` (GeV), by accept-reject from `pair_cross_section`."""
    share = np.empty(len(energy))
    envelope = pair_cross_section(energy, np.full(len(energy), 0.5), nucleus) * 1.5  # (1 - 4/3 x(1-x)) is 2/3 at 1/2
    todo = np.arange(len(energy))
    while len(todo):
        x, w = rng.random((2, len(todo)))
        hit = w * envelope[todo] < pair_cross_section(energy[todo], x, nucleus)
        share[todo[hit]] = x[hit]
        todo = todo[~hit]
    return share


def sample_pair(energy: Floats, rng: np.random.Generator, nucleus: Nucleus = LEAD) -> tuple[Floats, Angles]:
    """Return x+ and the directions of mu+ and mu- for photons of `energy` (GeV)."""
    share = sample_shares(energy, rng, nucleus)
    return share, sample_angles(energy, share, rng, nucleus)
