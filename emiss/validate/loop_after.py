"""What derived constants do to data that they were not derived from: energy and resolution of electrons, momentum of muons.

The runs go through the ordinary reconstruction, that of electrons twice, with the derived and with the true constants.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from emiss import reco
from emiss.calibrate.calorimeters.grids import calorimeter_of
from emiss.calibrate.gaussians import gaussians
from emiss.reco.parts.grid import Grid
from emiss.validate.loop_compared import Compared

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from emiss.calibrate.gaussians import Gaussians
    from emiss.configs.arrays import Floats
    from emiss.validate.loop_truth import Truth

BINS, TOP = 800, 1.6
"""Of histograms of the energy over that of the beam."""

SCALE, RESOLUTION, DESIGN, MOMENTUM = 0.3, 2.0, 5.0, 0.1
"""%: limits of energy and resolution relative to those with the true constants, of the latter relative to its design, and of
the momentum relative to the beam's."""


def electrons(truth: Truth, file: Path, wider: float) -> Iterator[Compared]:
    """Yield energy and resolution of the target with derived constants beside those with the true ones, and the design.

    Parameters
    ----------
    truth : Truth
        With all derived tables among those that a calibration begins with.
    file : Path
        Raw run of electrons on the middle of the target.
    wider : float
        Factor on the limits.
    """
    detector = truth.loaded()
    part = detector.of_kind(Grid)[calorimeter_of(detector)]
    name = f"{calorimeter_of(detector)}.energy"
    derived, true = (_peak(truth, file, tag, name) for tag in (truth.first, truth.true))
    yield _one(
        "ECAL energy of electrons", derived.place, true.place, np.hypot(derived.error, true.error), SCALE * wider
    )
    sigma = derived.sigma / derived.place
    error = derived.sigma_error / derived.place
    yield _one("ECAL resolution", sigma, true.sigma / true.place, error, RESOLUTION * wider)
    if part.shower is not None:
        design = math.hypot(part.shower.stochastic / math.sqrt(detector.beam.energy), part.shower.constant)
        yield _one("ECAL resolution, against its design", sigma, np.array([design]), error, DESIGN * wider)


def muons(truth: Truth, file: Path, wider: float) -> Iterator[Compared]:
    """Yield the peak of the momenta before the target, with derived constants, beside the momentum of the beam."""
    found = _peak(truth, file, truth.first, "beam.p")
    yield _one("momentum", found.place, np.ones(1), found.error, MOMENTUM * wider)


def _peak(truth: Truth, file: Path, tag: Path, name: str) -> Gaussians:
    """Return the peak of a column over the energy of the beam."""
    counts = np.zeros(BINS)
    run = reco.open(file, detector=truth.detector, calib=tag)
    for table in run.tables():
        counts += np.histogram(table.flat[name] / run.detector.beam.energy, BINS, (0.0, TOP))[0]
    return gaussians(counts[None], np.linspace(0.0, TOP, BINS + 1))


def _one(name: str, value: Floats, true: Floats, error: Floats, limit: float) -> Compared:
    """Return the comparison of one number, relative, in percent."""
    away = 100.0 * (value / true - 1.0)
    return Compared(name, "%", ("all",), true, value, error, away, 100.0 * error / true, 0, limit, pulls=False)
