"""Integrals of the cross section over angle and energy, and the choice of method and variable.

`variable` is "x" when phi is integrated over (share x of the energy, angle theta) and "y" when the outgoing lepton is. All
arrays are flat, one entry per lane, as are the fields of the `Process`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from emiss.physics.emission import exact, ww
from emiss.physics.quadrature import integrate

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

    from emiss.configs.arrays import Floats
    from emiss.physics.process import Process

Index = np.ndarray[Any, np.dtype[np.intp]]
Method = Literal["exact", "ww", "iww"]
Variable = Literal["x", "y"]

METHODS = ("exact", "ww", "iww")

INNER = 0.2
"""Share of the tolerance that the integrals over angle may take."""

EDGE = 1e-5
"""The energy runs over E_low + (E_high - E_low)/(1 + exp(-z)), from and to where the particle, or the other one, has this share
of its mass as kinetic energy. Spectra are flat in the logarithm of that energy down to the mass, which is far below 1e-7 of the
range for an electron: up to 3e-6 of an integral is beyond in the approximations, 2e-8 in the exact form."""

ENERGY_PANELS, ANGLE_PANELS = 4, 2
"""Parts in which the adaptive integrals begin."""


def flat(*arrays: ArrayLike) -> tuple[list[Floats], tuple[int, ...]]:
    """Broadcast the arguments; return them flat, and their shape."""
    wide = np.broadcast_arrays(*(np.asarray(a, np.float64) for a in arrays))
    return [np.ravel(a) for a in wide], wide[0].shape


def masses(process: Process, variable: Variable) -> tuple[Floats | float, Floats | float]:
    """Return the masses of the particle that is integrated over and of the other one, GeV."""
    return (process.m_phi, process.m_f) if variable == "x" else (process.m_f, process.m_phi)


def energy_range(process: Process, method: Method, variable: Variable) -> tuple[Floats, Floats]:
    """Return the limits of the particle's energy, GeV: with recoil in the exact form, without in the approximations."""
    this, other = masses(process, variable)
    if method == "exact":
        return process.energy_range(this, other)
    return np.broadcast_to(this, process.energy.shape), process.energy - other


def over_angle(
    process: Process, share: Floats, method: Method, variable: Variable, rtol: float, angle: float | None = None
) -> Floats:
    """Return dsigma/dx or dsigma/dy in pb, for shares within the limits.

    Parameters
    ----------
    share : array of shape (L,)
        Energy of phi or of the lepton over E.
    rtol : float
        Relative tolerance.
    angle : float, optional
        Largest angle, rad; by default 0.1 (phi) or 0.3 (lepton) in the approximations and 180 degrees in the exact form.
    """
    if method == "exact":
        return _exact_over_angle(process, share, variable, rtol, angle)
    form = ww.FORMS[variable]
    limit = form.largest_angle if angle is None else angle
    if method == "iww":
        return form.improved(process, share, limit)
    low = form.start(process, share)
    high = np.minimum(low + share * (process.energy * limit) ** 2, ww.largest_invariant(process, share))

    def function(log: Floats, lane: Index) -> Floats:
        part, z, invariant = process.rows(lane), share[lane][:, None], np.exp(log)
        return form.density(part, z, invariant, ww.weizsaecker(part, z, invariant)) * invariant

    return integrate(function, np.log(low), np.log(np.maximum(high, low)), rtol=rtol, panels=ANGLE_PANELS)[0]


def _exact_over_angle(process: Process, share: Floats, variable: Variable, rtol: float, angle: float | None) -> Floats:
    """Integrate over eta, in the logarithm of U/U_0 = 1 + 2 eta/U_0."""
    energy = share * process.energy
    momentum, start, eta_max = process.angular(*masses(process, variable), energy)
    if angle is not None:
        eta_max = np.minimum(eta_max, 2.0 * process.momentum * momentum * np.sin(0.5 * angle) ** 2)
    high = np.log1p(2.0 * eta_max / start)

    def function(log: Floats, lane: Index) -> Floats:
        begin = start[lane][:, None]
        eta = 0.5 * begin * np.expm1(log)
        part = process.rows(lane)
        density = exact.per_eta(
            part, energy[lane][:, None], momentum[lane][:, None], begin, eta, lepton=variable == "y"
        )
        return density * 0.5 * begin * np.exp(log)

    return integrate(function, np.zeros_like(high), high, rtol=rtol, panels=ANGLE_PANELS)[0]


def per_cosine(process: Process, share: Floats, angle: Floats, method: Method, variable: Variable) -> Floats:
    """Return d2sigma/dz dcos(angle) in pb, z = x or y; 0 outside the limits of energy and angle.

    The approximations end at the angles to which the paper integrates them, so that they add up to its totals.

    Parameters
    ----------
    share, angle : arrays of shape (L,)
        z, and rad.
    """
    value = np.zeros(len(share))
    low, high = energy_range(process, method, variable)
    inside = np.flatnonzero(
        process.open() & (share * process.energy > low) & (share * process.energy < high) & (angle >= 0)
    )
    part, z, angle = process.lanes(inside), share[inside], angle[inside]
    if method == "exact":
        energy = z * part.energy
        momentum, start, eta_max = part.angular(*masses(part, variable), energy)
        product = part.momentum * momentum
        eta = 2.0 * product * np.sin(0.5 * angle) ** 2
        density = exact.per_eta(part, energy, momentum, start, eta, lepton=variable == "y") * product
        value[inside] = np.where((eta <= eta_max) & (angle <= np.pi), density, 0.0)
        return value
    form = ww.FORMS[variable]
    invariant = form.start(part, z) + z * (part.energy * angle) ** 2
    chi = ww.improved(part) if method == "iww" else ww.weizsaecker(part, z, invariant)
    density = form.density(part, z, invariant, chi) * 2.0 * z * part.energy**2
    value[inside] = np.where(angle <= form.largest_angle, density, 0.0)
    return value


def over_energy(
    process: Process,
    density: Callable[[Process, Floats, Index], Floats],
    method: Method,
    variable: Variable,
    rtol: float,
    lowest: Floats | float = 0.0,
) -> tuple[Floats, Floats]:
    """Integrate a density in x or y over its range; return value and error of each lane, 0 where nothing is open.

    Parameters
    ----------
    density : callable
        Takes a process, shares and the lane of each (flat arrays of one length).
    rtol : float
        Relative tolerance.
    lowest : array of shape (L,) or float
        Energy below which nothing is counted, GeV.
    """
    value, error = np.zeros(len(process.energy)), np.zeros(len(process.energy))
    low, high = energy_range(process, method, variable)
    low = np.maximum(low, lowest)
    index = np.flatnonzero(process.open() & (high > low))
    part, low, span = process.lanes(index), low[index], (high - low)[index]
    first, last = (np.log(span / (EDGE * mass)) for mass in masses(part, variable))

    def function(logit: Floats, lane: Index) -> Floats:
        fraction = 1.0 / (1.0 + np.exp(-logit))
        energy = low[lane][:, None] + span[lane][:, None] * fraction
        jacobian = span[lane][:, None] * fraction / (1.0 + np.exp(logit)) / part.energy[lane][:, None]
        lanes = np.repeat(lane, logit.shape[1])
        points = part.lanes(lanes)
        result: Floats = density(points, energy.ravel() / points.energy, index[lanes]).reshape(logit.shape) * jacobian
        return result

    value[index], error[index] = integrate(function, -first, last, rtol=rtol, panels=ENERGY_PANELS)
    return value, error


def integral(
    process: Process,
    method: Method,
    variable: Variable,
    rtol: float,
    lowest: Floats | float = 0.0,
    angle: float | None = None,
) -> tuple[Floats, Floats]:
    """Return the cross section (pb) of each lane and the quadrature's estimate of its error.

    Parameters
    ----------
    lowest, angle
        Region: energy above (GeV), as in `over_energy`, and angle below (rad), as in `over_angle`.
    """

    def density(lanes: Process, share: Floats, _: Index) -> Floats:
        return over_angle(lanes, share, method, variable, INNER * rtol, angle)

    value, error = over_energy(process, density, method, variable, (1.0 - INNER) * rtol, lowest)
    # the integrals over angle are each off by up to INNER * rtol
    return value, error + INNER * rtol * value


def differential(
    process: Process, share: Floats, method: Method, variable: Variable, rtol: float, angle: float | None = None
) -> Floats:
    """Return dsigma/dx or dsigma/dy in pb, 0 outside the limits."""
    value = np.zeros(len(share))
    low, high = energy_range(process, method, variable)
    energy = share * process.energy
    inside = np.flatnonzero(process.open() & (energy > low) & (energy < high))
    value[inside] = over_angle(process.lanes(inside), share[inside], method, variable, rtol, angle)
    return value
