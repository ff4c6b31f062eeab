"""The track stage: clusters of the trackers to the tracks of each spectrometer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.events.lists import Lists
from emiss.reco.detector.spectrometers import BEST, MASSES
from emiss.reco.tracking.extrapolation import downstream, straight
from emiss.reco.tracking.finding import Finder, Roads
from emiss.reco.tracking.fit import Hits, Spectrometer, TrackFits, fit_tracks
from emiss.reco.tracking.material import scattering
from emiss.reco.tracking.neighbours import counts, extra
from emiss.reco.tracking.outliers import reject
from emiss.reco.tracking.placement import ROUNDS, Copies, Placement, Places, followed
from emiss.reco.tracking.sharing import share
from emiss.reco.tracking.sides import take_sides
from emiss.reco.tracking.straight import fit_straight
from emiss.reco.tracking.vertex import vertices

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emiss.calib.conditions import RunConditions
    from emiss.configs.arrays import Array, Ints
    from emiss.events.batch import Batch
    from emiss.reco.detector.model import Detector
    from emiss.reco.detector.spectrometers import Arm


@dataclass(frozen=True)
class Path:
    """Straight paths of the best tracks: their states (N, 5) at z (mm), NaN where an event has none."""

    z: float
    state: Array


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
    asked : mapping of str to int arrays of shape (candidates,)
        Columns that keys of the spectrometer ask for.
    """

    offsets: Ints
    hits: Hits
    fits: TrackFits
    planes: Array
    time: Array
    asked: Mapping[str, Array]


class ArmTracks:
    """Finds and fits the tracks of one spectrometer.

    Where the field bends the lowest momentum that is looked for by less than the error of the angle, as without a magnet, with
    the current off or a remanent field, tracks are straight and have no momentum.
    """

    def __init__(self, detector: Detector, arm: Arm, roads: Roads | None = None) -> None:
        self.arm = arm
        settings = arm.settings
        self._roads = roads or Roads(slope=settings.largest_slope, momentum=settings.lowest_momentum)
        self._momentum = settings.straight_momentum or detector.beam.energy
        self._pitch = np.array([plane.pitch for plane in arm.planes])
        # position of a plane of the detector among those of the spectrometer, -1 for others
        self._own = np.full(len(detector.planes), -1, np.int32)
        self._own[arm.numbers] = np.arange(len(arm.planes))
        self.alone = np.array_equal(self._own, np.arange(len(arm.planes)))
        self._places: Places | None = None
        self.set_scale(1.0)

    def set_places(self, rotation: Array, z: Array) -> None:
        """Take rotations (rad) and displacements along the beam (mm) of the detector's planes: arrays of shape (planes,)."""
        before, own = self._places, self.arm.numbers
        turned = bool(np.any(rotation[own] != 0.0) or np.any(z[own] != 0.0))
        self._places = Places(self.arm.planes, rotation[own], z[own], self._roads.slope) if turned else None
        if turned or before is not None:
            self.set_scale(self._scale)

    def set_scale(self, scale: float) -> None:
        """Take the factor on the magnet's field."""
        self._scale = scale
        arm, air = self.arm, self.arm.settings.air
        lengths = [plane.x_over_x0 for plane in arm.planes if plane.view == "x"]
        self.spectrometer = Spectrometer(arm.field.scaled(scale), lengths, air)
        box = self.spectrometer.field.box
        slack = None if self._places is None else self._places.slack
        self._find = Finder(arm.planes, box, self._roads, before=arm.before, air=air, slack=slack)
        line = np.stack([np.ones(len(self.z)), self.z - self.z[0]], axis=1)
        bent = np.column_stack([line, self.spectrometer.field.steps(self.z).levers]) if self.bends else line
        self._design = bent, line
        self._noise = scattering(self.z, np.array(lengths), air=air)

    @property
    def z(self) -> Array:
        """Positions of the stations, mm."""
        return self._find.z

    @property
    def bends(self) -> bool:
        """Whether there is a field that tells momenta."""
        return self._find.layout.bends

    def fit(self, hits: Hits) -> TrackFits:
        """Fit tracks, straight ones without a field."""
        return (
            fit_tracks(hits, self.spectrometer) if self.bends else fit_straight(hits, self.spectrometer, self._momentum)
        )

    def move(self, fits: TrackFits, z: float) -> tuple[Array, Array]:
        """Return states (N, 5) and covariances (N, 5, 5) of tracks at a z (mm) behind the spectrometer, through its field."""
        first = float(self.z[0])
        return downstream(fits, self.spectrometer.field, first, z) if self.bends else straight(fits, z - first)

    def __call__(self, clusters: Lists) -> Found:
        """Return the candidates of a batch."""
        if not self.alone:
            number = self._own[clusters["plane"]]
            clusters = clusters.rows(number >= 0)
            clusters = Lists(clusters.offsets, {**clusters.columns, "plane": self._own[clusters["plane"]]})
        if self._places is not None:
            clusters = self._places.guessed(clusters, self._find.place[clusters["plane"]])
        settings, asked = self.arm.settings, {}
        columns: Mapping[str, Array] = clusters.columns
        if settings.share_clusters:
            shared = share(clusters, self._find, self._find.place, self._pitch)
            candidates, columns, asked["shared"] = shared.candidates, shared.columns, shared.shared
        else:
            candidates = self._find(clusters)
        rows, source = (
            candidates.clusters,
            shared.source if settings.share_clusters else np.arange(len(columns["plane"])),
        )
        copies = None if self._places is None else Copies.of(rows, columns)
        if copies is not None:
            rows, columns, source = copies.rows, copies.columns, np.append(source, -1)[copies.source]

        def measure(rows: Ints) -> Hits:
            # a missing cluster, -1, takes the last
            position, sigma = (np.append(columns[name], np.nan)[rows] for name in ("position", "sigma"))
            return Hits(self.z, position[:, :, 0], position[:, :, 1], sigma[:, :, 0], sigma[:, :, 1])

        found = rows
        for left in range(0 if copies is None else ROUNDS, -1, -1):
            rows, hits, fits = take_sides(found, columns, measure, self.fit, self._design, self._noise, self._momentum)
            if left and copies is not None and self._places is not None:
                copies.place(self._places, *followed(fits, self.spectrometer, self.z, bends=self.bends))
        time = np.append(columns["time"], np.nan)[rows]
        if settings.reject_outliers is not None:
            hits, fits, asked["dropped"] = reject(hits, fits, self.fit, settings.reject_outliers, bends=self.bends)
        if settings.road is not None:
            fitted = np.stack([hits.x, hits.y], axis=2) - fits.residuals
            if copies is not None:  # other clusters stand where they were guessed to be
                fitted -= np.append(columns["position"] - columns["guessed"], np.nan)[rows]
            place = self._find.place[clusters["plane"]]
            own = np.append(source, -1)[rows]
            asked["extra"] = extra(clusters, place, candidates.offsets, fitted, own, settings.road)
        planes = np.sum(np.isfinite(hits.x), axis=1).astype(np.int32)
        time = time.reshape(len(rows), rows.shape[1] * rows.shape[2])
        known = np.isfinite(time)
        counts = known.sum(axis=1)
        total = np.where(known, time, 0.0).sum(axis=1)
        mean = np.divide(total, counts, out=np.full(len(total), np.nan), where=counts > 0)
        return Found(candidates.offsets, hits, fits, planes, mean, asked)


class TrackStage:
    """``clusters`` to the tracks of each spectrometer, and to the columns of the best one.

    Candidates are found and fitted; those whose fit has the status ok are kept. `planes` counts the stations with an x
    cluster: with three of them the bend plane has no freedom left. `match_x` and `match_y` are the distances, at the middle
    of the element `match`, between the track drawn backwards in a straight line and the trajectory expected of a particle from
    the target: that of the best track of the spectrometer `incoming`, drawn on in a straight line, or where there is none the
    axis x = y = 0. The best track is the one of most planes and least chi2; its slopes are those at the front of `at`.
    """

    uses: tuple[str, ...] = ("clusters",)

    def __init__(self, detector: Detector, roads: Roads | None = None, *, tier: str = "hits") -> None:
        self._volumes = detector.volumes
        self._parts = np.array([plane.part for plane in detector.planes], np.str_)
        # those first that others compare their tracks with
        ordered = sorted(detector.arms.items(), key=lambda item: item[1].settings.incoming is not None)
        self.arms = {name: ArmTracks(detector, arm, roads) for name, arm in ordered}
        self.needs: Mapping[str, Sequence[str]] = {
            "magnet.field": tuple(arm.name for arm in detector.arms.values() if arm.name)
        }
        # simulated hits stand in the frame of the detector
        self._planes = tuple(detector.plane_names) if tier == "raw" else ()
        if self._planes:
            self.needs = {**self.needs, "tracker.alignment": self._planes}
        declared = [column for name, one in detector.spectrometers.items() for column in one.declare(name)]
        self.produces: tuple[str, ...] = (
            *self.arms,
            *(f"{name}.n_clusters" for name in detector.trackers),
            *(column.name for column in declared if column.shape != "list"),
        )

    def begin_run(self, conditions: RunConditions) -> None:
        """Take the scales of the magnets' fields in a run, and where its planes are."""
        places = Placement.of(conditions, self._planes) if self._planes else None
        for tracks in self.arms.values():
            if places is not None:
                tracks.set_places(places.rotation, places.z)
            if tracks.arm.name:
                tracks.set_scale(float(conditions.get("magnet.field", [tracks.arm.name])["scale"][0]))

    def __call__(self, batch: Batch, products: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: ARG002 - a stage
        """Return the tracks of a batch."""
        clusters: Lists = products["clusters"]
        made: dict[str, Any] = self._counts(clusters)
        paths: dict[str, Path] = {}
        for name, tracks in self.arms.items():
            settings = tracks.arm.settings
            found = tracks(clusters)
            columns = _columns(found)
            if settings.match is not None:
                columns["match_x"], columns["match_y"] = self._away(found, tracks, paths.get(settings.incoming or "")).T
            made[name] = Lists(found.offsets, columns).rows(found.fits.status == 0)
            if settings.vertex is not None:
                found_at = vertices(
                    made[name], found.fits.cov[found.fits.status == 0], float(tracks.z[0]), MASSES[settings.vertex.mass]
                )
                made |= {f"{name}_vertex.{inner}": values for inner, values in found_at.items()}
            if settings.best is not None:
                best, paths[name] = self._best(found, tracks)
                made |= {f"{settings.best}.{inner}": values for inner, values in best.items()}
        return made

    def _counts(self, clusters: Lists) -> dict[str, Any]:
        """Return the numbers of clusters in the planes of each tracker."""
        found = counts(clusters, len(self._parts))
        return {f"{name}.n_clusters": found[:, self._parts == name] for name in dict.fromkeys(self._parts.tolist())}

    def _away(self, found: Found, tracks: ArmTracks, incoming: Path | None) -> Array:
        """Return how far candidates are, in x and y at the middle of `match`, from where a particle is expected."""
        volume = self._volumes[tracks.arm.settings.match or ""]
        z = volume.z + 0.5 * volume.depth
        events = len(found.offsets) - 1
        expected = np.zeros((events, 2))
        if incoming is not None:
            ahead = incoming.state[:, :2] + (z - incoming.z) * incoming.state[:, 2:4]
            expected = np.where(np.isfinite(ahead), ahead, 0.0)
        back, _ = straight(found.fits, z - tracks.z[0])
        away: Array = back[:, :2] - expected[np.repeat(np.arange(events), np.diff(found.offsets))]
        return away

    def _best(self, found: Found, tracks: ArmTracks) -> tuple[dict[str, Array], Path]:
        """Return the columns of the best track of each event, and its path behind the spectrometer, NaN where there is none."""
        settings = tracks.arm.settings
        good = Lists(found.offsets, {**_columns(found), "row": np.arange(len(found.planes))}).rows(
            found.fits.status == 0
        )
        events = len(good)
        order = np.lexsort((good["chi2"], -good["planes"], good.parents))
        has = good.counts > 0
        chosen = order[good.offsets[:-1][has]]
        first = float(tracks.z[0])
        z = first if settings.at is None else self._volumes[settings.at].z
        states, _ = tracks.move(found.fits, z)
        state = np.full((events, 5), np.nan)
        state[has] = states[good["row"][chosen]]
        best: dict[str, Array] = {"n": good.counts.astype(np.int32)}
        for name in BEST:
            values = np.full(events, np.nan)
            values[has] = good[name][chosen]
            best[name] = values
        best["tx"], best["ty"] = state[:, 2], state[:, 3]
        return best, Path(z, state)


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
        **found.asked,
    }
