"""The track stage: clusters of the Micromegas behind the HCAL to the `tracks` of the event table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from configs.errors import Location, UserError
from events.lists import Array, Lists, offsets_of
from reco.finding import MAX_CLUSTERS, Roads
from reco.momentum import Hits, Spectrometer, fit_tracks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from calib.conditions import RunConditions
    from events.batch import Batch
    from reco.detector import Detector
    from reco.momentum import TrackFits

STATIONS = 4


class TrackStage:
    """``clusters`` to ``tracks``: find candidates, fit them, keep those whose fit is good.

    `match_x` and `match_y` are the distances, at the middle of the last HCAL module, between the track drawn backwards in a
    straight line and the trajectory expected of a muon from the target: the beam axis, until an upstream spectrometer
    gives the beam particle's own.
    """

    uses: tuple[str, ...] = ("clusters",)
    produces: tuple[str, ...] = ("tracks",)

    def __init__(self, detector: Detector, roads: Roads | None = None) -> None:
        self.detector = detector
        roads = roads or Roads()
        self._roads = np.array([roads.slope, roads.kick, roads.meeting, roads.straight])
        planes = detector.planes
        self._station = np.array([plane.station for plane in planes])
        self._view = np.array([int(plane.view == "y") for plane in planes])
        self._z = np.full((STATIONS, 2), np.nan)
        magnet = detector.magnet
        before = sum(plane.z < magnet.z[0] for plane in planes)
        behind = sum(plane.z > magnet.z[1] for plane in planes)
        if len(planes) != 2 * STATIONS or before != STATIONS or behind != STATIONS:
            raise UserError(
                "the spectrometer needs two stations with both views before the magnet and two behind it",
                at=Location(str(detector.file)),
            )
        for plane in planes:
            self._z[plane.station, int(plane.view == "y")] = plane.z
        last = list(detector.hcal.modules.values())[-1]
        self._match_z = last.z + 0.5 * detector.hcal.depth
        self._scale = 1.0

    @property
    def needs(self) -> Mapping[str, Sequence[str]]:
        """The conditions used: the scale of the magnet's field."""
        return {"magnet.field": [self.detector.magnet.name]}

    def begin_run(self, conditions: RunConditions) -> None:
        """Take the constants of a run."""
        self._scale = float(conditions.get("magnet.field", [self.detector.magnet.name])["scale"][0])

    def __call__(self, batch: Batch, products: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the tracks of a batch."""
        from reco.finding import find

        clusters: Lists = products["clusters"]
        order, first, last = self._sorted(clusters)
        position, charge = clusters["position"][order], clusters["charge"][order]
        middle = 0.5 * sum(self.detector.magnet.z)
        room = len(batch) + 16
        while True:
            event, chosen = np.empty(room, np.int64), np.empty((room, STATIONS, 2), np.int64)
            found = find(first, last, position, charge, self._z, middle, self._roads, event, chosen)
            if found <= room:
                break
            room = found
        event, chosen = event[:found], chosen[:found]
        known = chosen >= 0
        coordinate = np.where(known, position[chosen] if len(position) else np.nan, np.nan)
        sigma = clusters["sigma"][order][chosen] if len(position) else np.ones(chosen.shape)
        fits = fit_tracks(
            Hits(self._z[:, 0], coordinate[:, :, 0], coordinate[:, :, 1], sigma[:, :, 0], sigma[:, :, 1]),
            Spectrometer.uniform(
                self._scale * self.detector.magnet.by,
                self.detector.magnet.z,
                self.detector.trackers.plane.x_over_x0,
            ),
        )
        good = fits.status == 0
        times = np.where(known, clusters["time"][order][chosen] if len(position) else np.nan, np.nan)
        columns = self._columns(fits, known, times)
        counts = np.bincount(event[good], minlength=len(batch))
        return {"tracks": Lists(offsets_of(counts), {name: values[good] for name, values in columns.items()})}

    def _sorted(self, clusters: Lists) -> tuple[Array, Array, Array]:
        """Sort clusters by event, station, view and falling charge; return order, first and last of each (N, 4, 2)."""
        plane = clusters["plane"]
        group = clusters.parents * (2 * STATIONS) + 2 * self._station[plane] + self._view[plane]
        order = np.lexsort((-clusters["charge"], group))
        bounds = np.searchsorted(group[order], np.arange(len(clusters) * 2 * STATIONS + 1))
        shape = (len(clusters), STATIONS, 2)
        first = bounds[:-1].reshape(shape)
        last = np.minimum(bounds[1:].reshape(shape), first + MAX_CLUSTERS)
        return order, first, last

    def _columns(self, fits: TrackFits, known: Array, times: Array) -> dict[str, Array]:
        """Return the fields of `tracks` for all candidates."""
        timed = np.isfinite(times)
        count = timed.sum(axis=(1, 2))
        total = np.where(timed, times, 0.0).sum(axis=(1, 2))
        back = self._match_z - self._z[0, 0]
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
            "planes": known[:, :, 0].sum(axis=1).astype(np.int32),
            "time": np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0),
            "match_x": fits.x + fits.tx * back,
            "match_y": fits.y + fits.ty * back,
        }
