"""Hits of the wires that TDCs read, for derivations: straw tubes and fibres, in the order of the set-up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.errors import UserError
from emiss.reco.tracking.timed import wires_of

if TYPE_CHECKING:
    from emiss.calibrate.frame import Sums
    from emiss.configs.arrays import Floats, Ints
    from emiss.events.batch import Batch
    from emiss.reco.detector.model import Detector


HITS = 0.05
"""Hits by plane and event below which a run has no beam in them."""


class Wires:
    """The wires of the planes that TDCs read, of some parts or of all; a UserError says that there are none.

    Attributes
    ----------
    planes : tuple of Plane
    names : tuple of str
        All of them, named PLANE.WIRE.
    plane_of : int array of shape (wires,)
        Row of `planes`.
    own : int array
        The wires of the parts that were asked for.
    bin, start, range : arrays of shape (wires,)
        Of a count, where the set-up says that the trigger is in the range of the TDC, and the longest time, ns.
    """

    def __init__(self, detector: Detector, parts: tuple[str, ...] = ()) -> None:
        numbers = np.flatnonzero([one.timed for one in detector.planes])
        self.planes = tuple(detector.planes[number] for number in numbers)
        chosen = np.array([not parts or one.part in parts for one in self.planes], bool)
        if not chosen.any():
            of = f"'{', '.join(parts)}' in " if parts else ""
            raise UserError(f"{of}the set-up {detector.name} has no wires that TDCs read")
        sizes = [one.strips for one in self.planes]
        self.names = tuple(wires_of(detector))
        self.plane_of = np.repeat(np.arange(len(sizes)), sizes)
        self.own = np.flatnonzero(chosen[self.plane_of])
        tdcs = [detector.tdc(one) for one in self.planes]
        self.start = np.array([one.start for one in tdcs])[self.plane_of]
        self.range = np.array([one.range for one in tdcs])[self.plane_of]
        self.bin = np.array([one.bin for one in tdcs])[self.plane_of]
        self._base = np.zeros(len(detector.planes), np.int64)
        self._base[numbers] = np.cumsum(sizes) - sizes

    def check_beam(self, hits: Floats, sums: Sums, hint: str) -> None:
        """Refuse runs that have no beam in any of the planes, from the hits of each wire.

        Raises
        ------
        UserError
            If there are next to none.
        """
        most = np.bincount(self.plane_of[self.own], hits[self.own]).max()
        if most < max(HITS * sums.used, 1.0):
            runs = ", ".join(map(str, sorted(sums.runs)))
            raise UserError(
                f"run {runs} has no beam in these planes: at most {most:.0f} hits of one in {sums.used} events",
                hint=hint,
            )

    def __call__(self, batch: Batch) -> tuple[Ints, Ints]:
        """Return wire and count of all hits of a batch; a count is a time that is rounded."""
        digits = batch.tdc
        assert digits is not None  # noqa: S101 - raw files have digits
        plane = digits["plane"].astype(np.int64)
        return self._base[plane] + digits["wire"], digits["time"].astype(np.int64)
