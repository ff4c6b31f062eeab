"""The track stage: clusters of the Micromegas behind the HCAL to the `tracks` of the event table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from configs.errors import Location, UserError
from events.lists import Lists
from reco.finding import STATIONS, Finder, Roads
from reco.momentum import Hits, Spectrometer, fit_tracks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from calib.conditions import RunConditions
    from events.batch import Batch
    from events.lists import Array
    from reco.detector import Detector
    from reco.momentum import TrackFits


class TrackStage:
    """``clusters`` to ``tracks``: find candidates, fit them, keep those whose fit has the status ok.

    `planes` counts the stations with an x cluster: with three of them the bend plane has no freedom left. `time` is the mean
    over the clusters that have one, NaN where none has. `match_x` and `match_y` are the distances, at the middle of the last
    HCAL module, between the track drawn backwards in a straight line and the trajectory expected of a muon from the target:
    the axis x = y = 0 through the centre of the beam cell, until an upstream spectrometer gives the beam particle's own.

    Raises
    ------
    UserError
        If the detector has not two stations with both views before the magnet and two behind it.
    """

    uses: tuple[str, ...] = ("clusters",)
    produces: tuple[str, ...] = ("tracks",)

    def __init__(self, detector: Detector, roads: Roads | None = None) -> None:
        self.detector = detector
        self.needs: Mapping[str, Sequence[str]] = {"magnet.field": (detector.magnet.name,)}
        magnet, planes = detector.magnet, detector.planes
        before = sum(plane.z < magnet.z[0] for plane in planes)
        behind = sum(plane.z > magnet.z[1] for plane in planes)
        if len(planes) != 2 * STATIONS or before != STATIONS or behind != STATIONS:
            raise UserError(
                "the spectrometer needs two stations with both views before the magnet and two behind it",
                at=Location(str(detector.file)),
            )
        self._roads = roads or Roads()
        last = max(detector.hcal.modules.values(), key=lambda module: module.z)
        self._match_z = last.z + 0.5 * detector.hcal.depth
        self._set_field(1.0)

    def _set_field(self, scale: float) -> None:
        field = self.detector.field.scaled(scale)
        self._spectrometer = Spectrometer(field, self.detector.trackers.plane.x_over_x0)
        self._find = Finder(self.detector.planes, field.box, self._roads)

    def begin_run(self, conditions: RunConditions) -> None:
        """Take the scale of the magnet's field in a run."""
        self._set_field(float(conditions.get("magnet.field", [self.detector.magnet.name])["scale"][0]))

    def __call__(self, batch: Batch, products: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: ARG002 - a stage
        """Return the tracks of a batch."""
        clusters: Lists = products["clusters"]
        candidates = self._find(clusters)
        rows = candidates.clusters
        position, sigma, time = (
            np.append(clusters[name], np.nan)[rows]  # a missing cluster, -1, takes the last
            for name in ("position", "sigma", "time")
        )
        z = self._find.z[:, 0]
        hits = Hits(z, position[:, :, 0], position[:, :, 1], sigma[:, :, 0], sigma[:, :, 1])
        fits = fit_tracks(hits, self._spectrometer)
        planes = np.sum(rows[:, :, 0] >= 0, axis=1)
        columns = self._columns(
            fits, planes, time.reshape(len(rows), rows.shape[1] * rows.shape[2]), self._match_z - z[0]
        )
        return {"tracks": Lists(candidates.offsets, columns).rows(fits.status == 0)}

    @staticmethod
    def _columns(fits: TrackFits, planes: Array, time: Array, back: float) -> dict[str, Array]:
        """Return the fields of `tracks`; `back` is the way (mm) from the first plane to the last HCAL module."""
        known = np.isfinite(time)
        counts = known.sum(axis=1)
        total = np.where(known, time, 0.0).sum(axis=1)
        return {
            "p": fits.p,
            "charge": fits.charge,
            "q_over_p": fits.q_over_p,
            "sigma_q_over_p": fits.sigma_q_over_p,
            "x": fits.x,
            "y": fits.y,
            "tx": fits.tx,
            "ty": fits.ty,
            "chi2": fits.chi2,
            "ndf": fits.ndf,
            "planes": planes.astype(np.int32),
            "time": np.divide(total, counts, out=np.full(len(total), np.nan), where=counts > 0),
            "match_x": fits.x + back * fits.tx,
            "match_y": fits.y + back * fits.ty,
        }
