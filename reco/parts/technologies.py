"""What the planes of trackers measure, by technology: strips that share charge, or fibres."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats
    from emiss.reco.parts.tracker import Plane


def centres(plane: Plane, position: Floats) -> Floats:
    """Return the centres of the strips or fibres (mm) that positions lie in; the outermost beyond the edge."""
    middle = 0.5 * (plane.strips - 1)
    number = np.clip(np.rint((position - plane.centre) / plane.pitch + middle), 0, plane.strips - 1)
    return plane.position(number)


def measured(plane: Plane, position: Floats, rng: np.random.Generator) -> Floats:
    """Return what a plane tells of particles that cross it at positions (mm).

    Strips: the position with its error. Fibres: the centre of the one that is hit.
    """
    if plane.technology == "hodoscope":
        return centres(plane, position)
    smeared: Floats = position + plane.sigma * rng.normal(size=len(position))
    return smeared
