"""Speed of the physics on one core (process time): ``python -m benchmarks.physics``.

The ratios that are kept are those to exponentials of a million numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmarks import record
from benchmarks.record import Ratios
from emiss.physics.emission import dark_photon, dark_photon_yields, yields
from emiss.physics.emission.cross_sections import estimate, total
from emiss.physics.emission.sampling import MuonSampler, ScalarSampler
from emiss.physics.shower import transport

if TYPE_CHECKING:
    from collections.abc import Callable


STATES = 1_000_000


RATIOS = Ratios("physics")


def timed(name: str, work: Callable[[], object]) -> float:
    """Return the shortest process time of a work; its ratio to exponentials of a million numbers is kept."""
    numbers = np.random.default_rng(0).random(STATES)
    base, took = record.timed(lambda: np.exp(numbers), work, repeats=3)
    RATIOS.add(name, took, base)
    return took.best


def grids() -> None:
    """Time 20 masses x 5 energies of exact totals at 1e-5 and print how far x and y are apart."""
    mass, energy = np.geomspace(0.11, 3.0, 20)[:, None], np.linspace(20.0, 100.0, 5)
    print("exact totals at 1e-5, 20 masses x 5 energies")
    for variable in ("x", "y"):
        took = timed(f"exact totals from {variable}", lambda v=variable: total(mass, energy, variable=v))
        print(f"  from {variable}           {took:8.2f} s")
    both = [estimate(mass, energy, variable=variable) for variable in ("x", "y")]
    apart = np.abs(both[1].value / both[0].value - 1).max()
    claimed = max((one.error / one.value).max() for one in both)
    print(f"  x against y      {apart:8.1e}; estimated error at most {claimed:.1e}")
    masses = np.geomspace(1e-3, 1.0, 20)[:, None]
    took = timed("A' totals", lambda: dark_photon.total(masses, energy))
    print(f"  A' bremsstrahlung{took:8.2f} s")


def samplers() -> None:
    """Time the final states of electrons between 20 and 100 GeV, and places of emission."""
    energy = np.random.default_rng(1).uniform(20.0, 100.0, STATES)
    print("sampling, million per second")
    for name, kind in (("(y, psi)", MuonSampler), ("(x, theta)", ScalarSampler)):
        for mass in (0.11, 0.3, 1.0):
            sampler = kind.tabulate(mass, 20.0, 100.0)
            took = timed(f"sampling {name}, {mass:g} GeV", lambda s=sampler: s.sample(energy, np.random.default_rng(2)))
            print(f"  {name:11} {mass:4g} GeV {STATES / took / 1e6:6.2f}")
    made = yields.emission(0.3, coupling=1e-4)
    took = timed("sampling (E, depth)", lambda: made.sample(STATES, np.random.default_rng(2)))
    print(f"  (E, depth)           {STATES / took / 1e6:6.2f}")


def showers() -> None:
    """Time approximation A and its Monte Carlo."""
    edges, depth = np.geomspace(0.5, 100.0, 41), np.linspace(0.0, 40.0, 41)
    print("showers of 100 GeV electrons")
    took = timed("approximation A", lambda: transport.track_lengths(100.0, 1.0))
    print(f"  approximation A above 1 GeV, 369 x 160 cells {took:6.2f} s")
    for lowest in (20.0, 1.0, 0.1):
        edges = np.geomspace(lowest, 100.0, 41)
        took = timed(
            f"showers down to {lowest:g} GeV",
            lambda e=edges: transport.simulate(100.0, e, depth, 2000, np.random.default_rng(1)),
        )
        print(f"  Monte Carlo down to {lowest:4g} GeV {2000 / took:10.0f} showers per second")
    for name, work in (
        ("phi, exact", lambda: yields.emission(0.3, coupling=1e-4)),
        ("phi, WW", lambda: yields.emission(0.3, coupling=1e-4, method="ww")),
        ("A', exact", lambda: dark_photon_yields.emission(0.1)),
    ):
        print(f"  yield of one mass, {name:10} {timed(f'yield of one mass, {name}', work):6.2f} s")


if __name__ == "__main__":
    grids()
    samplers()
    showers()
    RATIOS.save()
