"""What the planes of trackers measure, by technology: strips that share charge, fibres, or the drift times of straw tubes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from emiss.configs.arrays import Bools, Floats
    from emiss.reco.parts.tracker import Plane


class Measured(NamedTuple):
    """What a plane tells of particles that cross it.

    Attributes
    ----------
    position : array
        mm; of a straw that of its wire.
    time : array or None
        Of a straw since the particle came, ns; that of others is the particle's.
    inside : array or None
        Whether the particle has crossed a tube; None: always.
    """

    position: Floats
    time: Floats | None = None
    inside: Bools | None = None


def centres(plane: Plane, position: Floats) -> Floats:
    """Return the centres of the strips, fibres or tubes (mm) that positions lie in; the outermost beyond the edge."""
    middle = 0.5 * (plane.strips - 1)
    number = np.clip(np.rint((position - plane.centre) / plane.pitch + middle), 0, plane.strips - 1)
    return plane.position(number)


def measured(plane: Plane, position: Floats, rng: np.random.Generator) -> Measured:
    """Return what a plane tells of particles that cross it at positions (mm).

    Strips: the position with its error. Fibres: the centre of the one that is hit. Straws: wire and drift time, the error being
    that of the distance; a TDC measures times from the trigger, whose own error is in it.
    """
    if plane.technology == "hodoscope":
        return Measured(centres(plane, position))
    noise = plane.sigma * rng.normal(size=len(position))
    if plane.straw is None:
        return Measured(position + noise)
    wire = centres(plane, position)
    distance = np.abs(position - wire)
    return Measured(wire, plane.straw.time(distance + noise), distance < plane.straw.radius)
