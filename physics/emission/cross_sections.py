"""Cross sections of l_i N -> l_f N phi: totals and differentials, exact tree level, Weizsaecker-Williams and improved.

Energies and masses in GeV, angles in rad, results in pb (per unit share of energy, per rad where said). All array arguments
broadcast; below threshold and outside the kinematic limits the result is 0. Formulas and equation numbers are those of
arXiv:2404.15931 with the corrections named in `emiss.physics.process`, `emiss.physics.emission.ww` and
`emiss.physics.emission.exact_kernels`.

The approximation in x (Eqs. 14-23) and the one in y (Eqs. 24-27) are two: their totals differ by up to 1 %. The exact
totals from x and from y are one.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emiss.physics.constants import LEAD, Nucleus
from emiss.physics.emission import ww
from emiss.physics.emission.phase_space import METHODS, differential, flat, integral, over_energy, per_cosine
from emiss.physics.process import Process
from emiss.physics.validity import RangeWarning, remarks

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from emiss.configs.arrays import Floats
    from emiss.physics.emission.phase_space import Index, Method, Variable

COUPLING = 1e-4
"""h of the paper's figures."""

RTOL = 1e-5
"""Relative tolerance of the results."""

VARIABLES = ("x", "y")


@dataclass(frozen=True)
class Estimate:
    """An integral with the quadrature's estimate of its error, both of the broadcast shape, pb."""

    value: Floats
    error: Floats


def total(
    m_phi: ArrayLike,
    energy: ArrayLike,
    *,
    coupling: float = COUPLING,
    nucleus: Nucleus = LEAD,
    beam: str = "electron",
    final: str = "muon",
    method: Method = "exact",
    variable: Variable = "x",
    boson: str = "chiral",
    rtol: float = RTOL,
) -> Floats:
    """Return the total cross section in pb (Eq. 12, 23 or A1 integrated).

    Parameters
    ----------
    m_phi, energy : arrays that broadcast
        Mass of the scalar and energy of the incoming lepton, GeV.
    coupling : float
        h of Eq. 1.
    nucleus : Nucleus
    beam, final : str
        Incoming and outgoing lepton.
    method : 'exact', 'ww' or 'iww'
        Exact tree level, Weizsaecker-Williams, improved Weizsaecker-Williams.
    variable : 'x' or 'y'
        Share of energy that is integrated over: phi's (angle up to 0.1 in the approximations) or the lepton's (0.3).
    boson : str
        The scalar of Eq. 1, which turns one lepton into the other, or S, P, V or A of one lepton (`Process`).
    rtol : float
        Relative tolerance.

    Raises
    ------
    ValueError
        For an unknown lepton or method, a mass or energy that is not above 0, and a mass for which a lepton decays.
    ConvergenceError
        If the tolerance is not reached.

    Warns
    -----
    RangeWarning
        Once per call, if the method is used outside the range in which it was checked (`emiss.physics.validity`).
    """
    (masses, energies), shape = flat(m_phi, energy)
    process = Process.of(masses, energies, coupling=coupling, nucleus=nucleus, beam=beam, final=final, boson=boson)
    _check(process, method, variable)
    return integral(process, method, variable, rtol)[0].reshape(shape)[()]


def estimate(
    m_phi: ArrayLike,
    energy: ArrayLike,
    *,
    coupling: float = COUPLING,
    nucleus: Nucleus = LEAD,
    beam: str = "electron",
    final: str = "muon",
    method: Method = "exact",
    variable: Variable = "x",
    boson: str = "chiral",
    rtol: float = RTOL,
) -> Estimate:
    """Return the total cross section with its error; arguments as in `total`."""
    (masses, energies), shape = flat(m_phi, energy)
    process = Process.of(masses, energies, coupling=coupling, nucleus=nucleus, beam=beam, final=final, boson=boson)
    _check(process, method, variable)

    value, error = integral(process, method, variable, rtol)
    return Estimate(value.reshape(shape)[()], error.reshape(shape)[()])


def differential_x(
    x: ArrayLike,
    m_phi: ArrayLike,
    energy: ArrayLike,
    *,
    coupling: float = COUPLING,
    nucleus: Nucleus = LEAD,
    beam: str = "electron",
    final: str = "muon",
    method: Method = "exact",
    rtol: float = RTOL,
) -> Floats:
    """Return dsigma/dx in pb, x = E_phi/E: Eq. 12 integrated over angle, Eq. 23 or Eqs. A1 and A2.

    Parameters
    ----------
    x, m_phi, energy : arrays that broadcast
    coupling, nucleus, beam, final, method, rtol
        As in `total`.
    """
    (shares, masses, energies), shape = flat(x, m_phi, energy)
    process = Process.of(masses, energies, coupling=coupling, nucleus=nucleus, beam=beam, final=final)
    _check(process, method, "x")
    return differential(process, shares, method, "x", rtol, None).reshape(shape)[()]


def differential_y(
    y: ArrayLike,
    m_phi: ArrayLike,
    energy: ArrayLike,
    *,
    coupling: float = COUPLING,
    nucleus: Nucleus = LEAD,
    beam: str = "electron",
    final: str = "muon",
    method: Method = "exact",
    rtol: float = RTOL,
    psi_max: float | None = None,
) -> Floats:
    """Return dsigma/dy in pb, y = E_f/E: Eq. 12 with p' and k exchanged, Eq. 27 integrated over angle, or Eq. A4.

    Parameters
    ----------
    y, m_phi, energy : arrays that broadcast
    coupling, nucleus, beam, final, method, rtol
        As in `total`.
    psi_max : float, optional
        Largest angle of the lepton, rad; default 0.3 in the approximations, none in the exact form.
    """
    (shares, masses, energies), shape = flat(y, m_phi, energy)
    process = Process.of(masses, energies, coupling=coupling, nucleus=nucleus, beam=beam, final=final)
    _check(process, method, "y")
    return differential(process, shares, method, "y", rtol, psi_max).reshape(shape)[()]


def differential_psi(
    psi: ArrayLike,
    m_phi: ArrayLike,
    energy: ArrayLike,
    *,
    coupling: float = COUPLING,
    nucleus: Nucleus = LEAD,
    beam: str = "electron",
    final: str = "muon",
    method: Method = "exact",
    rtol: float = RTOL,
) -> Floats:
    """Return dsigma/dpsi in pb/rad, psi the angle of the outgoing lepton; it peaks near m_phi/E (Fig. 1).

    Parameters
    ----------
    psi, m_phi, energy : arrays that broadcast
        rad, GeV, GeV.
    coupling, nucleus, beam, final, method, rtol
        As in `total`.
    """
    (angles, masses, energies), shape = flat(psi, m_phi, energy)
    process = Process.of(masses, energies, coupling=coupling, nucleus=nucleus, beam=beam, final=final)
    _check(process, method, "y")
    # per cos, and d cos = sin(psi) dpsi; the paper's small angles have d cos = psi dpsi
    jacobian = np.sin(angles) if method == "exact" else angles

    def density(lanes: Process, share: Floats, which: Index) -> Floats:
        return per_cosine(lanes, share, angles[which], method, "y")

    value, _ = over_energy(process, density, method, "y", rtol)
    return (value * jacobian).reshape(shape)[()]


def double_differential_x(
    x: ArrayLike,
    theta: ArrayLike,
    m_phi: ArrayLike,
    energy: ArrayLike,
    *,
    coupling: float = COUPLING,
    nucleus: Nucleus = LEAD,
    beam: str = "electron",
    final: str = "muon",
    method: Method = "exact",
) -> Floats:
    """Return d2sigma/dx dcos(theta) in pb for phi: Eq. 12, Eq. 22, or Eq. 22 with the constant flux of App. A.

    Parameters
    ----------
    x, theta, m_phi, energy : arrays that broadcast
    coupling, nucleus, beam, final, method
        As in `total`.
    """
    (shares, angles, masses, energies), shape = flat(x, theta, m_phi, energy)
    process = Process.of(masses, energies, coupling=coupling, nucleus=nucleus, beam=beam, final=final)
    _check(process, method, "x")
    return per_cosine(process, shares, angles, method, "x").reshape(shape)[()]


def double_differential_y(
    y: ArrayLike,
    psi: ArrayLike,
    m_phi: ArrayLike,
    energy: ArrayLike,
    *,
    coupling: float = COUPLING,
    nucleus: Nucleus = LEAD,
    beam: str = "electron",
    final: str = "muon",
    method: Method = "exact",
) -> Floats:
    """Return d2sigma/dy dcos(psi) in pb for the lepton: Eq. 12 with p' and k exchanged, Eq. 27, or that with the flux of A.

    Parameters
    ----------
    y, psi, m_phi, energy : arrays that broadcast
    coupling, nucleus, beam, final, method
        As in `total`.
    """
    (shares, angles, masses, energies), shape = flat(y, psi, m_phi, energy)
    process = Process.of(masses, energies, coupling=coupling, nucleus=nucleus, beam=beam, final=final)
    _check(process, method, "y")
    return per_cosine(process, shares, angles, method, "y").reshape(shape)[()]


def total_in_region(
    m_phi: ArrayLike,
    energy: ArrayLike,
    *,
    min_energy: ArrayLike = 0.0,
    max_angle: float = ww.PSI_MAX,
    coupling: float = COUPLING,
    nucleus: Nucleus = LEAD,
    beam: str = "electron",
    final: str = "muon",
    method: Method = "ww",
    rtol: float = RTOL,
) -> Floats:
    """Return the cross section in pb with the lepton above `min_energy` (GeV) and below `max_angle` (rad).

    Parameters
    ----------
    m_phi, energy, min_energy : arrays that broadcast
    coupling, nucleus, beam, final, method, rtol
        As in `total`.
    """
    (masses, energies, lowest), shape = flat(m_phi, energy, min_energy)
    process = Process.of(masses, energies, coupling=coupling, nucleus=nucleus, beam=beam, final=final)
    _check(process, method, "y")
    return integral(process, method, "y", rtol, lowest, max_angle)[0].reshape(shape)[()]


def _check(process: Process, method: str, variable: str) -> None:
    """Raise for what is unknown, warn for what is out of range; called by the public functions themselves."""
    if method not in METHODS:
        msg = f"no method '{method}'; there are {', '.join(METHODS)}"
        raise ValueError(msg)
    if variable not in VARIABLES:
        msg = f"no variable '{variable}'; there are {', '.join(VARIABLES)}"
        raise ValueError(msg)
    if said := remarks(process, method, variable):
        warnings.warn("; ".join(said), RangeWarning, stacklevel=3)  # the caller of the public function
