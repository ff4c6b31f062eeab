"""The track stage: clusters of the Micromegas to the `tracks` behind the HCAL and, with a spectrometer upstream, the beam."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.configs.errors import Location, UserError
from emiss.events.lists import Lists
from emiss.reco.tracking.extrapolation import downstream, faces, straight
from emiss.reco.tracking.finding import STATIONS, Finder, Roads
from emiss.reco.tracking.fit import Hits, Spectrometer, TrackFits, fit_tracks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emiss.calib.conditions import RunConditions
    from emiss.configs.arrays import Array, Ints
    from emiss.events.batch import Batch
    from emiss.reco.detector.model import Arm, Detector

BEAM_FIELDS = ("p", "tx", "ty", "chi2", "ndf")

SLOWEST = 0.25
"""Beam particles are looked for down to this part of the beam energy."""


@dataclass(frozen=True)
class Found:
    """Candidates of one spectrometer, fitted.

    Attributes
    ----------
    offsets : int64 array of shape (N + 1,)
        Event i holds the candidates offsets[i] to offsets[i + 1].
    hits : Hits
    fits : TrackFits
    planes : int array of shape (candidates,)
        Stations with an x cluster.
    time : array of shape (candidates,)
        Mean over the clusters that have one, ns; NaN where none has.
    """

    offsets: Ints
    hits: Hits
    fits: TrackFits
    planes: Array
    time: Array


class ArmTracks:
    """Finds and fits the tracks of one spectrometer.

    Raises
    ------
    UserError
        If it has not two stations with both views before the magnet and two behind it.
    """

    def __init__(self, detector: Detector, arm: Arm, roads: Roads) -> None:
        before = sum(plane.z < arm.magnet.z[0] for plane in arm.planes)
        behind = sum(plane.z > arm.magnet.z[1] for plane in arm.planes)
        if len(arm.planes) != 2 * STATIONS or before != STATIONS or behind != STATIONS:
            raise UserError(
                f"the spectrometer around {arm.magnet.name} needs two stations with both views before the magnet and two "
                "behind it",
                at=Location(str(detector.file)),
            )
        self.arm = arm
        self.alone = len(arm.planes) == len(detector.planes)
        self._plane = detector.trackers.plane
        self._roads = roads
        self.set_scale(1.0)

    def set_scale(self, scale: float) -> None:
        """Take the factor on the magnet's field."""
        sigma, x_over_x0 = self._plane.sigma, self._plane.x_over_x0
        self.spectrometer = Spectrometer(self.arm.field.scaled(scale), x_over_x0)
        self._find = Finder(self.arm.planes, self.spectrometer.field.box, self._roads, sigma=sigma, x_over_x0=x_over_x0)

    @property
    def z(self) -> Array:
        """Positions of the stations, mm."""
        return self._find.z[:, 0]

    def __call__(self, clusters: Lists) -> Found:
        """Return the candidates of a batch."""
        if not self.alone:
            number = clusters["plane"] - self.arm.first
            own = clusters.rows((number >= 0) & (number < len(self.arm.planes)))
            clusters = Lists(own.offsets, {**own.columns, "plane": own["plane"] - self.arm.first})
        candidates = self._find(clusters)
        rows = candidates.clusters
        position, sigma, time = (
            np.append(clusters[name], np.nan)[rows]  # a missing cluster, -1, takes the last
            for name in ("position", "sigma", "time")
        )
        hits = Hits(self.z, position[:, :, 0], position[:, :, 1], sigma[:, :, 0], sigma[:, :, 1])
        fits = fit_tracks(hits, self.spectrometer)
        planes = np.sum(rows[:, :, 0] >= 0, axis=1).astype(np.int32)
        time = time.reshape(len(rows), rows.shape[1] * rows.shape[2])
        known = np.isfinite(time)
        counts = known.sum(axis=1)
        total = np.where(known, time, 0.0).sum(axis=1)
        mean = np.divide(total, counts, out=np.full(len(total), np.nan), where=counts > 0)
        return Found(candidates.offsets, hits, fits, planes, mean)


class TrackStage:
    """``clusters`` to ``tracks``, and to ``beam_tracks`` and ``beam.*`` where the detector has an upstream spectrometer.

    Candidates are found and fitted; those whose fit has the status ok are kept. `planes` counts the stations with an x
    cluster: with three of them the bend plane has no freedom left. `match_x` and `match_y` are the distances, at the middle
    of the last HCAL module, between the track drawn backwards in a straight line and the trajectory expected of a muon from
    the target: that of the beam particle (the best upstream track, drawn on in a straight line), or where there is none the
    axis x = y = 0 through the centre of the beam cell. `beam.*` is the upstream track of most planes and least chi2, its
    slopes at the front of the ECAL.

    Raises
    ------
    UserError
        If a spectrometer has not two stations with both views before its magnet and two behind it.
    """

    uses: tuple[str, ...] = ("clusters",)

    def __init__(self, detector: Detector, roads: Roads | None = None) -> None:
        self.detector = detector
        beam_roads = Roads(momentum=SLOWEST * detector.beam.energy)
        self.arms = {
            name: ArmTracks(detector, arm, (roads or Roads()) if name == "tracks" else beam_roads)
            for name, arm in detector.arms.items()
        }
        self.needs: Mapping[str, Sequence[str]] = {
            "magnet.field": tuple(arm.magnet.name for arm in detector.arms.values())
        }
        beam = ("beam_tracks", "beam.n", *(f"beam.{name}" for name in BEAM_FIELDS))
        self.produces: tuple[str, ...] = ("tracks", *(beam if "beam_tracks" in self.arms else ()))
        self._faces = faces(detector)

    def begin_run(self, conditions: RunConditions) -> None:
        """Take the scales of the magnets' fields in a run."""
        for tracks in self.arms.values():
            tracks.set_scale(float(conditions.get("magnet.field", [tracks.arm.magnet.name])["scale"][0]))

    def __call__(self, batch: Batch, products: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: ARG002 - a stage
        """Return the tracks of a batch."""
        clusters: Lists = products["clusters"]
        found = self.arms["tracks"](clusters)
        match = self._faces["match"]
        expected = np.zeros((len(clusters), 2))
        made: dict[str, Any] = {}
        if "beam_tracks" in self.arms:
            made, at_target = self._beam(self.arms["beam_tracks"](clusters))
            ahead = at_target[:, :2] + (match - self._faces["ECAL"]) * at_target[:, 2:4]
            expected = np.where(np.isfinite(ahead), ahead, 0.0)
        columns = _columns(found)
        event = np.repeat(np.arange(len(clusters)), np.diff(found.offsets))
        back, _ = straight(found.fits, match - self.arms["tracks"].z[0])
        columns["match_x"], columns["match_y"] = (back[:, :2] - expected[event]).T
        made["tracks"] = Lists(found.offsets, columns).rows(found.fits.status == 0)
        return made

    def _beam(self, found: Found) -> tuple[dict[str, Any], Array]:
        """Return the upstream products, and the best track's state (N, 5) at the front of the ECAL, NaN where there is none."""
        good = Lists(found.offsets, {**_columns(found), "row": np.arange(len(found.planes))}).rows(
            found.fits.status == 0
        )
        events = len(good)
        order = np.lexsort((good["chi2"], -good["planes"], good.parents))
        has = good.counts > 0
        best = order[good.offsets[:-1][has]]
        tracks = self.arms["beam_tracks"]
        states, _ = downstream(found.fits, tracks.spectrometer.field, float(tracks.z[0]), self._faces["ECAL"])
        at_target = np.full((events, 5), np.nan)
        at_target[has] = states[good["row"][best]]
        made: dict[str, Any] = {"beam.n": good.counts.astype(np.int32)}
        for name in BEAM_FIELDS:
            values = np.full(events, np.nan)
            values[has] = good[name][best]
            made[f"beam.{name}"] = values
        made["beam.tx"], made["beam.ty"] = at_target[:, 2], at_target[:, 3]
        made["beam_tracks"] = Lists(good.offsets, {k: v for k, v in good.columns.items() if k != "row"})
        return made, at_target


def _columns(found: Found) -> dict[str, Array]:
    """Return the fields that `tracks` and `beam_tracks` share."""
    fits = found.fits
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
        "planes": found.planes,
        "time": found.time,
    }
