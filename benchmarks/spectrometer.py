"""Muons through the stations of a spectrometer by the walk, and nothing else: what `finding` and `tails` reconstruct."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.samples.walk.line import StationAt
from emiss.samples.walk.stations import Came, points_of
from emiss.samples.walk.tracks import MUON, ROW, tracks
from emiss.samples.walk.walking import Passage, Walk

if TYPE_CHECKING:
    from emiss.configs.arrays import Array, Floats
    from emiss.events.lists import Lists
    from emiss.reco.detector.model import Detector
    from emiss.samples.config import Response


class Spectrometer:
    """The stations of one spectrometer, its magnet at the field of the detector file."""

    def __init__(self, detector: Detector, settings: Response, arm: str = "tracks") -> None:
        self.walk = Walk(detector, settings, {}, {})
        self.arm = arm
        self._items = [item for item in self.walk.line if isinstance(item, StationAt) and item.name == arm]

    def points(
        self, muons: dict[str, Array | float], count: int, rng: np.random.Generator
    ) -> tuple[Lists, Floats, Floats]:
        """Take muons (columns of tracks, with `charge`) through all stations.

        Returns
        -------
        points : Lists
            As in `Batch.points`.
        first : array of shape (N, COLUMNS)
            Their state at the first station, 0 of those that do not cross all its views.
        last : array of shape (N, COLUMNS)
            That behind the last one, of the electron where one has decayed; 0 of those that are lost.
        """
        columns = {name: values for name, values in muons.items() if name != "charge"}
        start = tracks(
            {"row": np.arange(count), "pdg": -MUON * np.asarray(muons["charge"]), "id": 0.0, **columns}, count
        )
        passage = Passage(self.walk.nothing(count))
        first, last = np.zeros_like(start), np.zeros_like(start)
        behind = self.walk.run(start, self._items, passage, Came.together(count), rng, keep=((self.arm, 0),))
        last[behind[:, ROW].astype(np.int64)] = behind
        there, here = passage.stations[self.arm, 0]
        first[there[here, ROW].astype(np.int64)] = there[here]
        return points_of(passage.points, np.arange(count), count), first, last
