"""The relic density of fermions psi_1, psi_2 that phi couples to: the line of Eq. 2 of arXiv:2404.15931 in (m_phi, h).

    h^2 g^2 m_1^2 / (4 pi [m_phi^2 - (m_1 + m_2)^2]^2) = O(10 pb)

with m_1 = m_2 = m. Only m^2 in the numerator gives a cross section its dimension. The line depends on the ratio m_phi/m:
the caption of Fig. 8 prints m = 3 m_phi (ratio 1/3), which closes phi -> psi psi; m_phi = 3 m (ratio 3) keeps phi invisible.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from emiss.physics.constants import PICOBARN
from emiss.physics.validity import RangeWarning, check_coupling

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from emiss.configs.arrays import Floats


CROSS_SECTION = 10.0
"""pb; the paper says "of the order of"."""

DARK_COUPLING = 0.1
"""g of phi to psi_1 psi_2 (caption of Fig. 8)."""

INVISIBLE, PRINTED = 3.0, 1.0 / 3.0
"""m_phi/m: with an invisible phi, and as the caption of Fig. 8 has it."""

RESONANCE = 0.1
"""Distance of the ratio from 2 within which the thermal average over the pole, which is left out, matters."""


def coupling(
    m_phi: ArrayLike,
    *,
    ratio: float = INVISIBLE,
    dark_coupling: float = DARK_COUPLING,
    cross_section: float = CROSS_SECTION,
) -> Floats:
    """Return h on the relic line.

    Parameters
    ----------
    m_phi : array
        GeV.
    ratio : float
        m_phi/m of the fermions, both of mass m.
    dark_coupling : float
        g of phi to the fermions.
    cross_section : float
        What the annihilation has to be, pb.

    Raises
    ------
    ValueError
        If a number is not above 0, or the ratio is 2: annihilation is resonant there and Eq. 2 diverges.

    Warns
    -----
    RangeWarning
        For a ratio within 0.1 of 2, and where the line or the dark coupling is beyond perturbativity.
    """
    mass = np.asarray(m_phi, np.float64)
    if not (min(ratio, dark_coupling, cross_section) > 0 and np.all(mass > 0) and np.isfinite(ratio)):
        msg = "masses, ratio, coupling and cross section must be above 0"
        raise ValueError(msg)
    if ratio == 2.0:
        msg = "at m_phi = 2 m the annihilation is resonant and Eq. 2 diverges"
        raise ValueError(msg)
    if abs(ratio - 2.0) < RESONANCE:
        text = f"m_phi/m = {ratio:g} is next to the resonance at 2, where Eq. 2 leaves out width and thermal average"
        warnings.warn(text, RangeWarning, stacklevel=2)
    fermion = mass / ratio
    gap = np.abs(mass**2 - (2.0 * fermion) ** 2)
    line: Floats = np.sqrt(4.0 * np.pi * cross_section / PICOBARN) * gap / (dark_coupling * fermion)
    check_coupling(float(line.max(initial=0.0)), f"on the relic line for m_phi/m = {ratio:g}: h")
    check_coupling(dark_coupling, "dark coupling")
    return line
