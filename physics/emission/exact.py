"""Exact tree level of l_i N -> l_f N phi: densities in (x, eta) of phi and (y, eta) of the lepton.

Eq. 12 of arXiv:2404.15931; eta = |p||k|(1 - cos theta) replaces the angle, see `emiss.physics.process`; the sums over azimuth
and momentum transfer are in `emiss.physics.emission.exact_kernels`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from emiss.physics.emission.form_factor import inelastic_constants
from emiss.physics.process import VECTORS

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats
    from emiss.physics.process import Process


NODES, FINE_NODES = (32, 48), (192, 1024)
"""Gauss-Legendre nodes in ln t, in the variables of phi and of the lepton: the integral over t is right to 3e-7 where it
matters. The fine ones are for a light final lepton or boson: where the transverse momentum is far above their masses, the
integrand has a narrow peak at the t for which one of the two follows the other."""

LIGHT = 1.4
"""Mass that is light, over the momentum sqrt(t_d) that the nucleus can take: 0.096 GeV on lead."""


@lru_cache(maxsize=4)
def _nodes(count: int) -> tuple[Floats, Floats]:
    """Return Gauss-Legendre nodes and weights on (0, 1)."""
    node, weight = np.polynomial.legendre.leggauss(count)
    return 0.5 * (node + 1.0), 0.5 * weight


def per_eta(process: Process, energy: Floats, momentum: Floats, start: Floats, eta: Floats, *, lepton: bool) -> Floats:
    """Return d2sigma/dz deta in pb/GeV^2, z = energy/E: Eq. 12 with d cos = deta/(|p||k|).

    Parameters
    ----------
    energy, momentum, start, eta : arrays of the lanes' shape
        Of phi, or of the outgoing lepton if `lepton`: energy and momentum (GeV), U_0 and eta (GeV^2) of
        `Process.angular`.

    Raises
    ------
    ValueError
        For the lepton's variables in the production of a vector.
    """
    from emiss.physics.emission import exact_kernels

    vector = process.boson in VECTORS
    if lepton and vector:
        msg = "the exact form of a vector is in the variables of the vector only"
        raise ValueError(msg)
    kernel = exact_kernels.over_lepton if lepton else exact_kernels.over_phi
    t_a, t_d = process.screening
    broken = 1.0 / process.nucleus.z if process.nucleus.inelastic else 0.0
    light = min(process.m_f, float(np.min(process.m_phi, initial=np.inf))) < LIGHT * np.sqrt(t_d)
    node, weight = _nodes((FINE_NODES if light else NODES)[lepton])
    flat = [
        np.ascontiguousarray(part, np.float64).ravel()
        for part in np.broadcast_arrays(
            process.energy, process.m_phi, energy, momentum, start, eta, process.exact_mass_term
        )
    ]
    integral = kernel(
        *flat, process.m_i, process.m_f, process.nucleus.mass, t_a, t_d, broken,
        *inelastic_constants(process.nucleus), node, weight,
        *(() if lepton else (vector, process.boson == "A")),
    )  # fmt: skip
    shape = np.broadcast_shapes(process.energy.shape, np.shape(eta))
    value: Floats = (
        process.scale
        * process.factor
        / (4.0 * np.pi)
        * process.energy
        / process.momentum**2
        * np.reshape(integral, shape)
    )
    return value
