"""Yields of A' bremsstrahlung in a thick target: what electrons and positrons of a shower make, above an energy of the A'.

Positrons make as many as electrons.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.physics.constants import CM2_PER_PICOBARN, LEAD, Nucleus
from emiss.physics.emission.dark_photon import MIXING, check, reaction
from emiss.physics.emission.phase_space import integral
from emiss.physics.emission.yields import TOLERANCE, Emission, between
from emiss.physics.shower.transport import track_lengths

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats
    from emiss.physics.emission.k_factors import KFactors
    from emiss.physics.emission.phase_space import Method

THRESHOLD = 50.0
"""GeV: lowest energy of an A' that is missed, the calorimeter's upper limit of NA64's search."""

ENERGIES = 16
"""Energies of electrons at which yields take the cross section above the threshold; with them it is right to 1e-3."""


def emission(
    m_a: float,
    *,
    mixing: float = MIXING,
    primary: float = 100.0,
    threshold: float = THRESHOLD,
    nucleus: Nucleus = LEAD,
    method: Method = "exact",
    k_factors: KFactors | None = None,
) -> Emission:
    """Return how many A' of at least `threshold` the electrons and positrons of a shower make, and where.

    Parameters
    ----------
    m_a, mixing
        GeV; epsilon.
    primary, threshold : float
        Energy of the beam electron and lowest energy of the A', GeV: all that is not the A' is seen, so that the threshold
        on missing energy is the one on the A'.
    nucleus : Nucleus
        All of the target's radiation lengths are in it.
    method : 'exact', 'ww' or 'iww'
        Of the cross section.
    k_factors : KFactors, optional
        Of the method: approximate totals are divided by it, which leaves the approximate spectrum of the A'.

    Raises
    ------
    ValueError
        If the energies are not in order, or the K factors are of another process or do not reach.

    Warns
    -----
    RangeWarning
        For an approximation without K factors.
    """
    lengths = track_lengths(primary, threshold)
    if k_factors is None:
        check(reaction(np.array([m_a]), np.array([primary]), mixing, nucleus), method)
    elif (k_factors.boson, k_factors.method, k_factors.nucleus) != ("vector", method, nucleus):
        msg = f"these K factors are not those of a vector, '{method}' and this nucleus"
        raise ValueError(msg)

    def cross_section(energy: Floats) -> Floats:
        process = reaction(np.full(len(energy), m_a), energy, mixing, nucleus)
        sigma = integral(process, method, "x", TOLERANCE, threshold)[0]
        return sigma if k_factors is None else sigma / k_factors(m_a, energy)

    sigma = between(cross_section, lengths.energy, threshold, ENERGIES)
    made = lengths.charged * (sigma * CM2_PER_PICOBARN * nucleus.per_radiation_length)
    return Emission(lengths.edges, lengths.depth, made)
