"""Alignment of the planes of trackers from straight tracks, with the field off.

In each view of a spectrometer the clusters u of a track and the shifts s lie on a line but for their errors: s minimises
the sum over tracks of (u + s)^T M (u + s), where M takes a line out with the inverse covariance of the hits, scattering
included. So sums of M u are all that is needed, and their solution is that of a fit of all tracks and shifts together. What
no straight track can tell, a common shift and a common slope of each view, is fixed by the first and the last plane, which
stay where they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.calibrate.frame import Derivation, Doubts, Found, Made, Shapes, Sums
from emiss.configs.errors import UserError
from emiss.reco.tracking.clusters import clustering
from emiss.reco.tracking.material import scattering

if TYPE_CHECKING:
    from emiss.calib.conditions import RunConditions
    from emiss.configs.arrays import Array, Floats, Ints
    from emiss.events.batch import Batch
    from emiss.reco.detector.model import Detector

BIN, REACH = 0.02, 12.0
"""mm: histograms of residuals to the line through the first and the last plane."""

CUT = 6.0
"""chi2 over its degrees of freedom above which a track is left out: it cuts on no sign of a residual."""

FINE = 0.01
"""mm: of histograms of residuals with the shifts of the pilot."""

STRAIGHT = 0.5
"""Share of the tracks that have to fit a line for a run to be one of straight tracks."""

LARGE = 0.5
"""mm: a shift by more is looked at."""


@dataclass(frozen=True)
class Group:
    """The planes of one view of a spectrometer, along the beam.

    Attributes
    ----------
    name : str
    planes : int array of shape (P,)
        Of the detector.
    z : array of shape (P,)
    matrix : array of shape (P, P)
        M.
    """

    name: str
    planes: Ints
    z: Floats
    matrix: Floats

    @property
    def line(self) -> Floats:
        """What takes positions to their distances from the line through the first and the last, shape (P, P)."""
        share = (self.z - self.z[0]) / (self.z[-1] - self.z[0])
        made = np.eye(len(self.z))
        made[:, 0] -= 1.0 - share
        made[:, -1] -= share
        return made


def groups_of(detector: Detector, parts: tuple[str, ...] = ()) -> list[Group]:
    """Return the views of all spectrometers with three planes or more that tell positions."""
    found = []
    for name, arm in detector.arms.items():
        momentum = arm.settings.straight_momentum or detector.beam.energy
        stations = sorted({plane.z: plane.x_over_x0 for plane in arm.planes}.items())
        place = {z: number for number, (z, _) in enumerate(stations)}
        noise = scattering(
            np.array([z for z, _ in stations]), np.array([x0 for _, x0 in stations]), air=arm.settings.air
        )
        for view in ("x", "y"):
            rows = [
                k
                for k, plane in enumerate(arm.planes)
                if plane.view == view and plane.straw is None and (not parts or plane.part in parts)
            ]
            if len(rows) < 3:
                continue
            z = np.array([arm.planes[k].z for k in rows])
            at = np.array([place[one] for one in z])
            covariance = noise[np.ix_(at, at)] / momentum**2 + np.diag([arm.planes[k].sigma ** 2 for k in rows])
            design = np.column_stack([np.ones(len(z)), z - z[0]])
            weight = np.linalg.inv(covariance)
            normal = np.linalg.inv(design.T @ weight @ design)
            matrix = weight - weight @ design @ normal @ design.T @ weight
            found.append(Group(f"{name}, {view}", arm.numbers[rows], z, matrix))
    return found


class Alignment(Derivation):
    """Shifts of planes."""

    kind = "alignment"
    meaning = "shifts of the planes of trackers (tracker.alignment), straws left out"
    wants = "tracks without a field (magnet.field 0 for these runs)"
    runs_of = "straight"
    pilot = 20_000

    def __init__(self, detector: Detector, options: Any) -> None:
        super().__init__(detector, options)
        self._stages = clustering(detector, "raw")
        self._groups = groups_of(detector, options.parts)
        if not self._groups:
            raise UserError(f"no spectrometer of the set-up {detector.name} has a view of three planes")
        self._shift = np.zeros(len(detector.planes))
        self._names = [plane.name for plane in detector.planes]

    def begin_run(self, conditions: RunConditions) -> None:
        """Take the constants of a run."""
        for stage in self._stages:
            stage.begin_run(conditions)
        self._shift = conditions.get("tracker.alignment", self._names)["shift"]
        for arm in self.detector.arms.values():
            if arm.name and (scale := float(conditions.get("magnet.field", [arm.name])["scale"][0])):
                raise UserError(
                    f"run {conditions.run} is none of straight tracks: the field of {arm.name} has the scale {scale:g}",
                    at=conditions.location("magnet.field", arm.name),
                    hint=f"{self.kind} wants {self.wants}",
                )

    def empty(self, learned: Any) -> Sums:
        """Return empty histograms of residuals, and sums of M u."""
        planes = len(self._names)
        step, reach = (BIN, REACH) if learned is None else (FINE, 150 * FINE)
        return Sums(
            {
                "residual": np.zeros((planes, round(2 * reach / step)), np.int64),
                "vector": np.zeros(planes),
                "chi2": np.zeros(len(self._groups)),
                "tracks": np.zeros((len(self._groups), 2), np.int64),
                "shift": np.zeros(planes),
                "batches": np.zeros(1),
            }
        )

    def add(self, batch: Batch, sums: Sums, learned: Any) -> None:
        """Add the tracks of a batch."""
        products: dict[str, Any] = {}
        for stage in self._stages:
            products |= stage(batch, products)
        clusters = products["clusters"]
        rows = np.flatnonzero(clusters["in_time"])
        event, plane = clusters.parents[rows], clusters["plane"][rows].astype(np.int64)
        position = np.full((len(batch), len(self._names)), np.nan)
        order = np.argsort(clusters["charge"][rows], kind="stable")  # the largest is written last
        position[event[order], plane[order]] = clusters["position"][rows][order]
        many = np.bincount(event * len(self._names) + plane, minlength=position.size).reshape(position.shape)
        position[many > 1] = np.nan
        position -= self._shift  # what there was before
        sums["shift"] += self._shift
        sums["batches"] += 1.0
        for number, group in enumerate(self._groups):
            u = position[:, group.planes]
            u = u[np.isfinite(u).all(axis=1)]
            if learned is None:
                self._fill(sums["residual"], group.planes, u @ group.line.T, BIN)
                continue
            u = u + learned[group.planes]
            chi2 = np.einsum("ni,ij,nj->n", u, group.matrix, u)
            good = chi2 < CUT * (len(group.planes) - 2)
            sums["tracks"][number] += [len(u), int(good.sum())]
            sums["chi2"][number] += chi2[good].sum()
            np.add.at(sums["vector"], group.planes, (u[good] @ group.matrix).sum(axis=0))
            self._fill(sums["residual"], group.planes, u[good] @ group.line.T, FINE)

    @staticmethod
    def _fill(counts: Array, planes: Ints, residuals: Floats, step: float) -> None:
        bins = counts.shape[1]
        place = np.floor(residuals / step).astype(np.int64) + bins // 2
        inside = (place >= 0) & (place < bins)
        row = np.broadcast_to(planes, place.shape)
        np.add.at(counts, (row[inside], place[inside]), 1)

    def learn(self, sums: Sums) -> Floats:
        """Return shifts with which the residuals peak at zero, the first and last planes where they were."""
        counts = sums["residual"].astype(np.float64)
        made = sums["shift"] / max(float(sums["batches"][0]), 1.0)
        for group in self._groups:
            before = group.line @ made[group.planes]
            for row, number in enumerate(group.planes[1:-1], 1):
                if counts[number].sum() > 0:
                    made[number] += -_peak(counts[number]) - before[row]
        return made

    def finish(self, sums: Sums, learned: Any) -> Found:
        """Return the table of shifts.

        Raises
        ------
        UserError
            If most tracks are not straight.
        """
        shift, error = learned.copy(), np.zeros(len(learned))
        chi2, entries = np.full(len(shift), np.nan), np.zeros(len(shift), np.int64)
        doubts = Doubts(len(shift))
        remarks = []
        for number, group in enumerate(self._groups):
            tracks, good = sums["tracks"][number].tolist()
            entries[group.planes] = good
            if tracks >= self.options.least and good < STRAIGHT * tracks:
                raise UserError(
                    f"of {tracks} tracks of {group.name} only {good / tracks:.0%} are straight",
                    hint=f"{self.kind} wants {self.wants}",
                )
            remarks.append(
                f"{group.name}: {good} of {tracks} tracks; a common shift and slope are not known from straight tracks: "
                f"{self._names[group.planes[0]]} and {self._names[group.planes[-1]]} stay where they were."
            )
            if good < self.options.least:
                shift[group.planes], error[group.planes] = np.nan, np.nan
                why = [f"{good} tracks are too few"] * len(shift)
                doubts.add(np.isin(np.arange(len(shift)), group.planes), why)
                continue
            inner = slice(1, -1)
            matrix = good * group.matrix[inner, inner]
            moved = np.linalg.solve(matrix, -sums["vector"][group.planes][inner])
            freedom = len(group.planes) - 2
            each = sums["chi2"][number] / (good * freedom)
            shift[group.planes[inner]] += moved
            error[group.planes[inner]] = np.sqrt(np.diag(np.linalg.inv(matrix)) * each)
            chi2[group.planes[inner]] = each
        of = np.concatenate([group.planes for group in self._groups])
        before = sums["shift"] / max(float(sums["batches"][0]), 1.0)
        doubts.add(np.abs(shift - before) > LARGE, [f"moved by {1e3 * one:+.0f} um" for one in shift - before])
        doubts.add(chi2 > 2.0, [f"tracks do not fit: chi2 per degree of freedom {one:.1f}" for one in chi2])
        rows = np.sort(of)
        counts = sums["residual"][rows].astype(np.float64)
        edges = 1e3 * FINE * (np.arange(counts.shape[1] + 1) - counts.shape[1] // 2)
        made = Made(
            "tracker.alignment",
            tuple(self._names[row] for row in rows),
            {"shift": "um"},
            {"shift": 1e3 * shift[rows]},
            {"shift": 1e3 * error[rows]},
            entries[rows],
            chi2[rows],
            tuple(doubts.texts[row] for row in rows),
            Shapes(
                "distance from the line through the first and last plane [um]",
                np.broadcast_to(edges, (len(rows), len(edges))),
                counts,
                np.full_like(counts, np.nan),
            ),
        )
        return Found(self.kind, (made,), tuple(sorted(sums.runs)), sums.read, sums.used, tuple(remarks))


def _peak(counts: Floats) -> float:
    """Return where a histogram of residuals (mm) peaks: the mean within 0.3 mm of the highest place."""
    from scipy.ndimage import gaussian_filter1d

    middle = BIN * (np.arange(len(counts)) - len(counts) // 2 + 0.5)
    top = middle[gaussian_filter1d(counts, 5.0).argmax()]
    for _ in range(3):
        near = np.where(np.abs(middle - top) < 0.3, counts, 0.0)
        top = float((near * middle).sum() / max(near.sum(), 1e-9))
    return float(top)
