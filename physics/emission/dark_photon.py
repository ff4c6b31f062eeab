"""A' bremsstrahlung, e N -> e N A', of a dark photon that couples to electrons with epsilon e: cross sections.

The same reaction as in `emiss.physics.emission.cross_sections` with a vector in the place of the scalar and an electron in
that of the muon, so that kinematics, flux and quadrature are shared: exact tree level and Weizsaecker-Williams forms after
Y.-S. Liu, G. A. Miller, Phys. Rev. D 96 (2017) 016004, improved form also after J. D. Bjorken et al., Phys. Rev. D 80
(2009) 075018. Energies and masses in GeV, cross sections in pb.

The approximations are rough here, as they are wherever the final lepton is light: at 100 GeV on lead WW over exact is 0.80,
1.11, 1.33, 1.45 and IWW over exact 0.80, 1.13, 1.67, 2.80 at 1 MeV, 10 MeV, 0.1 GeV and 1 GeV;
`emiss.physics.emission.k_factors` has tables of it.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from emiss.physics.constants import ALPHA, LEAD, Nucleus
from emiss.physics.emission.phase_space import METHODS, differential, flat, integral
from emiss.physics.process import Process
from emiss.physics.validity import RangeWarning, remarks

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from emiss.configs.arrays import Floats
    from emiss.physics.emission.phase_space import Method


MIXING = 1e-4
"""epsilon, unless said otherwise."""

RTOL = 1e-5
"""Relative tolerance of the results."""


def total(
    m_a: ArrayLike,
    energy: ArrayLike,
    *,
    mixing: float = MIXING,
    nucleus: Nucleus = LEAD,
    method: Method = "exact",
    min_energy: ArrayLike = 0.0,
    rtol: float = RTOL,
) -> Floats:
    """Return the cross section for an A' of at least `min_energy`, pb.

    Parameters
    ----------
    m_a, energy, min_energy : arrays that broadcast
        Mass of the A', energy of the electron and lowest energy of the A', GeV.
    mixing : float
        epsilon.
    nucleus : Nucleus
    method : 'exact', 'ww' or 'iww'
        Exact tree level, Weizsaecker-Williams, improved Weizsaecker-Williams.
    rtol : float
        Relative tolerance.

    Raises
    ------
    ValueError
        For an unknown method, or a mass or energy that is not above 0.
    ConvergenceError
        If the tolerance is not reached.

    Warns
    -----
    RangeWarning
        Once per call, for the approximations, as above.
    """
    (masses, energies, lowest), shape = flat(m_a, energy, min_energy)
    process = reaction(masses, energies, mixing, nucleus)
    check(process, method)
    return integral(process, method, "x", rtol, lowest)[0].reshape(shape)[()]


def differential_x(
    x: ArrayLike,
    m_a: ArrayLike,
    energy: ArrayLike,
    *,
    mixing: float = MIXING,
    nucleus: Nucleus = LEAD,
    method: Method = "exact",
    rtol: float = RTOL,
) -> Floats:
    """Return dsigma/dx in pb, x = E_A/E; 0 outside the limits.

    Parameters
    ----------
    x, m_a, energy : arrays that broadcast
    mixing, nucleus, method, rtol
        As in `total`.
    """
    (shares, masses, energies), shape = flat(x, m_a, energy)
    process = reaction(masses, energies, mixing, nucleus)
    check(process, method)
    return differential(process, shares, method, "x", rtol).reshape(shape)[()]


def reaction(masses: Floats, energies: Floats, mixing: float, nucleus: Nucleus) -> Process:
    """Return the process with the coupling epsilon e, e^2 = 4 pi alpha."""
    coupling = mixing * float(np.sqrt(4.0 * np.pi * ALPHA))
    return Process.of(
        masses, energies, coupling=coupling, nucleus=nucleus, beam="electron", final="electron", boson="V"
    )


def check(process: Process, method: str) -> None:
    """Raise for an unknown method, warn for an approximation; called by the public functions themselves."""
    if method not in METHODS:
        msg = f"no method '{method}'; there are {', '.join(METHODS)}"
        raise ValueError(msg)
    said = remarks(process, "exact", "x")  # of nucleus and coupling
    if method != "exact":
        name = {"ww": "Weizsaecker-Williams", "iww": "improved Weizsaecker-Williams"}[method]
        said.append(f"{name} for A' bremsstrahlung is off by 10 % to a factor 3: use the exact form, or K factors")
    if said:
        warnings.warn("; ".join(said), RangeWarning, stacklevel=3)  # the caller of the public function
