"""Kernel of the modules that tag electrons by their synchrotron radiation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emiss.configs.compiled import bare, fused
from emiss.physics.passage.knock_on_kernels import knock_on_energy, knock_ons
from emiss.physics.passage.species_kernels import ELECTRON, MUON, PROTON, mass
from emiss.physics.passage.synchrotron_kernels import critical_energy, photon_energy, photon_rate

if TYPE_CHECKING:
    import numpy as np

    from emiss.configs.arrays import Floats, Ints
    from emiss.physics.passage.synchrotron_kernels import Light


@fused
def counted(mean: float, rng: np.random.Generator) -> int:
    """Return a Poisson number, as how many exponentials fit into its mean."""
    number, at = 0, rng.standard_exponential()
    while at < mean:
        number += 1
        at += rng.standard_exponential()
    return number


@fused
def measured(energy: float, grain: float, rng: np.random.Generator) -> float:
    """Return an energy as it is seen in grains (GeV): a gamma distribution of variance grain x energy, which adds up."""
    if grain <= 0.0 or energy <= 0.0:
        return max(energy, 0.0)
    return grain * rng.standard_gamma(energy / grain)


@bare(error_model="numpy")
def tag(
    light: Light,
    pdg: Ints,
    energy: Floats,
    grains: Floats,
    by: float,
    length: float,
    share: float,
    softest: float,
    matter: float,
    least: float,
    rng: np.random.Generator,
    seen: Floats,
) -> None:
    """Fill `seen` (N, M) with the visible energy (GeV) of N beam particles in M modules."""
    for row in range(len(pdg)):
        own, kind = mass(pdg[row]), abs(pdg[row])
        if own <= 0.0 or energy[row] <= own:
            continue
        half = kind in (MUON, PROTON)
        if kind == ELECTRON:
            critical = critical_energy(energy[row], own, by)
            mean = share * length * photon_rate(energy[row], own, by)
        else:
            critical, mean = 0.0, knock_ons(energy[row], own, half, least, matter)
        for module in range(len(grains)):
            total = 0.0
            for _ in range(counted(mean, rng)):
                if kind == ELECTRON:
                    one = photon_energy(light, critical, rng)
                    total += one if one > softest else 0.0
                else:
                    total += knock_on_energy(energy[row], own, half, least, rng)
            seen[row, module] = measured(total, grains[module], rng)
