"""Weizsaecker-Williams and improved Weizsaecker-Williams forms of l_i N -> l_f N phi (arXiv:2404.15931, Sec. II.B and App. A).

Equation numbers are those of arXiv:2404.15931 as corrected. All cross sections in pb, per unit share of energy and, where
said, per unit cosine; angles enter through theta^2 as in the paper (d cos = theta d theta).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from emiss.physics.emission.form_factor import flux, inelastic_flux
from emiss.physics.process import VECTORS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from emiss.configs.arrays import Floats
    from emiss.physics.process import Process


THETA_MAX = 0.1
"""rad; angle up to which phi is integrated (below Eq. 23, and in Eq. A1)."""

PSI_MAX = 0.3
"""rad; angle up to which the outgoing lepton is integrated (below Eq. 27, and in Eq. A3)."""


def u_start(process: Process, x: Floats) -> Floats:
    """Return U = -u~ at zero angle, GeV^2 (Eq. 18): m_phi^2 (1-x)/x - m_i^2 (1-x) + m_f^2."""
    value: Floats = process.m_phi**2 * (1.0 - x) / x - process.m_i**2 * (1.0 - x) + process.m_f**2
    return value


def t_start(process: Process, y: Floats) -> Floats:
    """Return t^ = m_phi^2 - t2 at zero angle, GeV^2 (Eq. 25): m_phi^2 + m_f^2 (1-y)/y - m_i^2 (1-y)."""
    value: Floats = process.m_phi**2 + process.m_f**2 * (1.0 - y) / y - process.m_i**2 * (1.0 - y)
    return value


def largest_invariant(process: Process, share: Floats) -> Floats:
    """Return the U or t^ (GeV^2) beyond which the flux is nil: t_min = U^2/(4 E^2 (1-share)^2) = m_phi^2 + m_i^2."""
    value: Floats = 2.0 * process.energy * (1.0 - share) * np.sqrt(process.m_phi**2 + process.m_i**2)
    return value


def terms_x(process: Process, x: Floats) -> tuple[Floats, Floats, Floats]:
    """Return c0, c1 and mass^2 (GeV^2) of |A|^2 = c0 + c1 (mass^2 - U x)/U^2, Eq. 21.

    S, P, V and A as in Y.-S. Liu, G. A. Miller, Phys. Rev. D 96 (2017) 016004; the longitudinal part of A adds
    4 m_l^2 x^2/(m^2 (1 - x)).
    """
    mass2 = process.m_phi**2 * (1.0 - x) + x * (process.m_f**2 + process.m_i**2 * (x - 1.0))
    if process.boson in VECTORS:
        first = 2.0 * (2.0 - 2.0 * x + x * x)
        if process.boson == "A":
            first = first + 4.0 * (process.m_i * x / process.m_phi) ** 2
    else:
        first = process.scale * 0.5 * x * x
    return first / (1.0 - x), process.mass_term, mass2


def amplitude_x(process: Process, x: Floats, u: Floats) -> Floats:
    """Return |A|^2 of Eq. 21 for U = -u~ in GeV^2."""
    first, factor, mass2 = terms_x(process, x)
    value: Floats = first + factor * (mass2 - u * x) / u**2
    return value


def terms_y(process: Process, y: Floats) -> tuple[Floats, Floats, Floats]:
    """Return c0, c1 and mass^2 (GeV^2) of |A|^2 = (1 - y)^2 [c0 - c1/(y t^) + c1 mass^2/(y t^)^2], Eq. 26.

    The same for S, P, V and A, with s~ = t^/(1 - y) and u~ = -y s~.
    """
    mass2 = process.m_f**2 + y * (process.m_i**2 * y + process.delta)
    if process.boson in VECTORS:
        first = 2.0 * (1.0 + y * y) / (y * (1.0 - y) ** 2)
        if process.boson == "A":
            first = first + 4.0 * (process.m_i / process.m_phi) ** 2 / y
    else:
        first = process.scale * 0.5 / y
    return first, process.mass_term, mass2


def amplitude_y(process: Process, y: Floats, t_hat: Floats) -> Floats:
    """Return |A|^2 of Eq. 26 for t^ in GeV^2 (printed as t; it is m_phi^2 - t2, not the momentum transfer)."""
    first, factor, mass2 = terms_y(process, y)
    value: Floats = (1.0 - y) ** 2 * (first - factor / (y * t_hat) + factor * mass2 / (y * t_hat) ** 2)
    return value


def weizsaecker(process: Process, share: Floats, invariant: Floats) -> Floats:
    """Return chi/Z^2 of Eq. 14 with t_min = (U or t^)^2/(4 E^2 (1-share)^2) and t_max = m_phi^2 + m_i^2."""
    t_min = (invariant / (2.0 * process.energy * (1.0 - share))) ** 2
    return _flux(process, t_min)


def improved(process: Process) -> Floats:
    """Return chi/Z^2 with the constant t_min = m_phi^4/(4 E^2) (App. A)."""
    t_min = (0.5 * process.m_phi**2 / process.energy) ** 2
    return _flux(process, t_min)


def _flux(process: Process, t_min: Floats) -> Floats:
    """Return chi/Z^2 up to t_max = m_phi^2 + m_i^2, of the form factors that the nucleus has."""
    t_max = process.m_phi**2 + process.m_i**2
    value = flux(t_min, t_max, *process.screening)
    return value + inelastic_flux(t_min, t_max, process.nucleus) if process.nucleus.inelastic else value


def _speed(mass: Floats | float, energy: Floats) -> Floats:
    """Return beta of a particle; beta_k after Eq. 22 is misprinted, it is sqrt(1 - m_phi^2/(x E_i)^2)."""
    return np.sqrt(np.maximum(1.0 - (mass / energy) ** 2, 0.0))


def per_u(process: Process, x: Floats, u: Floats, chi: Floats) -> Floats:
    """Return d2sigma/dx dU in pb/GeV^2: Eq. 22 with dU = 2 x E^2 d cos(theta).

    Parameters
    ----------
    x, u, chi : arrays of the lanes' shape
        E_phi/E, U in GeV^2, flux/Z^2 (`weizsaecker` or `improved`).
    """
    beta = _speed(process.m_phi, x * process.energy)
    value: Floats = process.factor / (4.0 * np.pi) * chi * beta * (1.0 - x) / u**2 * amplitude_x(process, x, u)
    return value


def per_t(process: Process, y: Floats, t_hat: Floats, chi: Floats) -> Floats:
    """Return d2sigma/dy dt^ in pb/GeV^2: Eq. 27 with dt^ = 2 y E^2 d cos(psi).

    Parameters
    ----------
    y, t_hat, chi : arrays of the lanes' shape
        E_f/E, t^ in GeV^2, flux/Z^2.
    """
    beta = _speed(process.m_f, y * process.energy)
    # (1-y)^3 of Eq. 27 is (1-y)^2 of the amplitude times (1-y)
    value: Floats = process.factor / (4.0 * np.pi) * chi * beta * (1.0 - y) / t_hat**2 * amplitude_y(process, y, t_hat)
    return value


def improved_x(process: Process, x: Floats, theta_max: float = THETA_MAX) -> Floats:
    """Return dsigma/dx of the improved form in pb: Eqs. A1 and A2 in closed form."""
    low = u_start(process, x)
    high = low + x * (process.energy * theta_max) ** 2
    first, factor, mass2 = terms_x(process, x)

    # integrals of 1/U^2, 1/U^3 and 1/U^4 of the three terms of Eq. 21
    value = first * _power(low, high, 1) + factor * (mass2 * _power(low, high, 3) - x * _power(low, high, 2))
    beta = _speed(process.m_phi, x * process.energy)
    result: Floats = process.factor / (4.0 * np.pi) * improved(process) * beta * (1.0 - x) * value
    return result


def improved_y(process: Process, y: Floats, psi_max: float = PSI_MAX) -> Floats:
    """Return dsigma/dy of the improved form in pb: Eq. A4, whose limits are t^ at angles 0 and psi_max (not t_min, t_max)."""
    low = t_start(process, y)
    high = low + y * (process.energy * psi_max) ** 2
    first, factor, mass2 = terms_y(process, y)
    last = factor * mass2 / y**2
    value = first * _power(low, high, 1) - factor / y * _power(low, high, 2) + last * _power(low, high, 3)
    beta = _speed(process.m_f, y * process.energy)
    result: Floats = process.factor / (4.0 * np.pi) * improved(process) * beta * (1.0 - y) ** 3 * value
    return result


def _power(low: Floats, high: Floats, n: int) -> Floats:
    """Return the integral of 1/z^(n+1) from low to high."""
    value: Floats = (low**-n - high**-n) / n
    return value


class Form(NamedTuple):
    """The approximation in one variable."""

    start: Callable[[Process, Floats], Floats]
    """U or t^ at zero angle."""
    density: Callable[[Process, Floats, Floats, Floats], Floats]
    """Cross section per share and invariant."""
    improved: Callable[[Process, Floats, float], Floats]
    """Cross section per share with the constant flux."""
    largest_angle: float
    """rad."""


FORMS: Mapping[str, Form] = {
    "x": Form(u_start, per_u, improved_x, THETA_MAX),
    "y": Form(t_start, per_t, improved_y, PSI_MAX),
}
