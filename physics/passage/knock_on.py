"""Knock-on (delta) electrons of heavy particles in thin matter: the tail that lets a hadron look like an electron.

H. J. Bhabha, Proc. R. Soc. A 164 (1938) 257; B. Rossi, High-Energy Particles (1952), Sec. 2.3; PDG 2022, Eq. 34.8: on free
electrons at rest, per g/cm^2 and kinetic energy T

    d^2N/dx dT = (K/2) (Z/A) 1/(beta^2 T^2) (1 - beta^2 T/T_max [+ T^2/(2 E^2) for spin 1/2])

The angle follows from T. Left out: the binding of electrons (T is far above it), form factors of hadrons, and what electrons
and positrons do (Moller, Bhabha), whose light is a thousand times as much.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.compiled import kernel
from emiss.physics.passage.knock_on_kernels import knock_on_cosine, knock_on_energy, knock_ons

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats


def mean_number(energy: float, mass: float, least: float, matter: float, *, half: bool = False) -> float:
    """Return the mean number of electrons above a kinetic energy `least` (GeV); see `knock_ons`."""
    return float(knock_ons(energy, mass, half, least, matter))


def sample(
    energy: float, mass: float, least: float, count: int, rng: np.random.Generator, *, half: bool = False
) -> tuple[Floats, Floats]:
    """Return kinetic energies (GeV) and angles to the particle (rad) of electrons above `least`, arrays of shape (count,)."""
    kinetic, cosine = np.empty(count), np.empty(count)
    _fill(energy, mass, half, least, rng, kinetic, cosine)
    return kinetic, np.arccos(cosine)


@kernel(error_model="numpy")
def _fill(
    energy: float, mass: float, half: bool, least: float, rng: np.random.Generator, kinetic: Floats, cosine: Floats
) -> None:
    for number in range(len(kinetic)):
        kinetic[number] = knock_on_energy(energy, mass, half, least, rng)
        cosine[number] = knock_on_cosine(kinetic[number], energy, mass)
