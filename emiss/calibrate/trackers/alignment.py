"""Alignment of the planes of trackers: shifts, rotations about the beam axis and places along it, from straight or bent tracks.

Residuals of tracks depend on where planes are as `emiss.reco.tracking.placement` says. The parameters of each track are
eliminated (`alignment_groups`), so that sums of second and first derivatives of chi2 by the places of all planes of a view are
all that is needed: their solution is that of a fit of all tracks and planes together (V. Blobel, Nucl. Instrum. Meth. A 566
(2006) 5). Views depend on each other by rotations alone: the coordinate of the other view is taken from the track in it, in a
pilot that is made several times. What no track can tell is held by planes that stay where they were, and named; what these
tracks tell badly, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.calibrate.frame import Derivation, Found, Made, Sums
from emiss.calibrate.trackers.alignment_groups import FEWEST, Group, groups_of
from emiss.calibrate.trackers.alignment_pilot import BIN, REACH, Learned, bends_of, count_hits, dead_planes, fill, peak
from emiss.calibrate.trackers.alignment_report import doubts_of, remarks_of, shapes
from emiss.calibrate.trackers.alignment_solve import COLUMNS, Solved, normal_equations, size_of, solve, weak
from emiss.calibrate.trackers.alignment_tracks import GUARD, Bends, Crossed, Lines, Paths, Told, crossed
from emiss.configs.errors import UserError
from emiss.reco.tracking.clusters import clustering
from emiss.reco.tracking.placement import Placement
from emiss.reco.tracking.stage import ArmTracks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emiss.calib.conditions import RunConditions
    from emiss.configs.arrays import Bools, Floats
    from emiss.events.batch import Batch
    from emiss.reco.detector.model import Detector

FINE = 0.01
"""mm: of histograms of residuals behind the pilot."""

CUTS = (1e4, 400.0, 30.0, 6.0)
"""chi2 over its degrees of freedom above which a track is left out, in the pilots and then: no sign of a residual is cut on."""

STRAIGHT = 0.5
"""Share of the tracks that have to fit for a run to be of the right kind."""

UNITS = {"shift": ("um", 1e3), "rotation": ("mrad", 1e3), "z": ("mm", 1.0)}


class Alignment(Derivation):
    """Places of planes."""

    kind = "alignment"
    meaning = "shifts, rotations and places along the beam of the planes of trackers (tracker.alignment)"
    wants = (
        "tracks without a field (magnet.field 0 for these runs), spread in place and slope; with --curved, in a field"
    )
    runs_of = "straight"
    pilot = 20_000
    rounds = 3
    everywhere = True

    @property
    def origin(self) -> str:
        """Straight tracks, or those of any particle of the beam in a field."""
        return self.taken_as or ("beam" if self.options.curved else self.runs_of)

    def __init__(self, detector: Detector, options: Any) -> None:
        super().__init__(detector, options)
        self._stages = clustering(detector, "raw")
        self._names = [plane.name for plane in detector.planes]
        self._sigma = np.array([plane.sigma for plane in detector.planes])
        radius = [1.5 if plane.straw is None else 0.5 * plane.straw.radius for plane in detector.planes]
        self._guards = np.array(radius), GUARD * self._sigma
        self._arms = {name: ArmTracks(detector, arm) for name, arm in detector.arms.items()}
        self._known: dict[object, list[Group]] = {}
        if not self._groups(None):
            raise UserError(f"no spectrometer of the set-up {detector.name} has a view of {FEWEST} planes")
        none = np.zeros(len(self._names))
        self._before = Placement(none, none, none)

    def _groups(self, learned: Learned | None) -> list[Group]:
        """Return the groups without dead planes, with what is known of bends."""
        dead, bends = ((), {}) if learned is None else (learned.dead, learned.bends)
        key = dead, tuple(bends.items())
        if key not in self._known:
            levers = None
            if self.options.curved:
                levers = {
                    name: tracks.spectrometer.field.steps(tracks.z).levers
                    for name, tracks in self._arms.items()
                    if tracks.arm.name
                }
            self._known[key] = groups_of(self.detector, self.options.parts, without=dead, levers=levers, bends=bends)
        return self._known[key]

    def begin_run(self, conditions: RunConditions) -> None:
        """Take the constants of a run."""
        for stage in self._stages:
            stage.begin_run(conditions)
        self._before = Placement.of(conditions, self._names)
        wanted = {group.arm for group in self._groups(None)}
        for name, tracks in self._arms.items():
            if not tracks.arm.name or name not in wanted:
                continue
            magnet = tracks.arm.name
            scale = float(conditions.get("magnet.field", [magnet])["scale"][0])
            if self.options.curved:
                tracks.set_scale(scale)
            if self.options.curved != bool(scale):
                which = "bent tracks" if self.options.curved else "straight tracks"
                raise UserError(
                    f"run {conditions.run} is none of {which}: the field of {magnet} has the scale {scale:g}",
                    at=conditions.location("magnet.field", magnet),
                    hint=f"{self.kind} wants {self.wants}",
                )

    def empty(self, learned: Learned | None) -> Sums:
        """Return empty sums."""
        planes, groups = len(self._names), self._groups(learned)
        size = max(size_of(group) for group in [*self._groups(None), *groups])
        step, reach = (BIN, REACH) if learned is None else (FINE, 150 * FINE)
        return Sums(
            {
                "residual": np.zeros((planes, round(2 * reach / step)), np.int64),
                "normal": np.zeros((len(groups), size, size)),
                "vector": np.zeros((len(groups), size)),
                "chi2": np.zeros((len(groups), 2)),
                "tracks": np.zeros((len(groups), 2), np.int64),
                "bends": np.zeros((len(groups), 3)),
                "given": np.zeros((len(groups), 2)),
                "hits": np.zeros((planes, 2), np.int64),
                "before": np.zeros((3, planes)),
                "start": np.zeros((3, planes)),
                "rounds": np.zeros(1),
                "dead": np.zeros(planes),
                "batches": np.zeros(1),
            }
        )

    def add(self, batch: Batch, sums: Sums, learned: Learned | None) -> None:
        """Add the tracks of a batch."""
        products: dict[str, Any] = {}
        for stage in self._stages:
            products |= stage(batch, products)
        before = self._before
        told = Told.of(products["clusters"], len(self._names))
        told = Told(told.position - before.shift, told.distance, told.count)  # without what there was
        placed = before if learned is None else learned.placed
        rounds = 0 if learned is None else learned.rounds
        sums["before"] += np.stack([before.shift, before.rotation, before.z])
        sums["start"] += np.stack([placed.shift, placed.rotation, placed.z])
        sums["dead"][list(() if learned is None else learned.dead)] += 1.0
        sums["rounds"] += rounds
        sums["batches"] += 1.0
        groups = self._groups(learned)
        sums["given"] += [(0.0, 0.0) if group.bend is None else group.bend for group in groups]
        for arm in dict.fromkeys(group.arm for group in groups):
            numbers = [k for k, group in enumerate(groups) if group.arm == arm]
            own = [groups[k] for k in numbers]
            for k, one in zip(
                numbers, crossed(own, told, placed, self._paths(arm, own), self._guard(own, rounds)), strict=True
            ):
                group = groups[k]
                count_hits(sums["hits"], group, told.count)
                if learned is None and not self.options.curved:
                    position = told.position[:, group.planes] + before.shift[group.planes]
                    fill(sums["residual"], group.planes, position @ group.line.T, BIN)
                    continue
                good = self._good(group, one, sums, k, CUTS[rounds])
                bend = one.bend[good]
                sums["bends"][k] += [len(bend), bend.sum(), (bend**2).sum()]
                size = size_of(group)
                normal, vector = normal_equations(group, one.rows(good))
                sums["normal"][k, :size, :size] += normal
                sums["vector"][k, :size] += vector
                if learned is not None:
                    fill(sums["residual"], group.planes, np.where(one.seen, one.residuals, np.nan)[good], FINE)

    def _paths(self, arm: str, groups: Sequence[Group]) -> Paths:
        if self.options.curved:
            return Bends(groups, self._arms[arm], [self._sigma[group.planes] for group in groups])
        return Lines(groups, self._arms[arm].z)

    def _guard(self, groups: Sequence[Group], rounds: int) -> list[Floats]:
        return [self._guards[rounds > 1][group.planes] for group in groups]

    @staticmethod
    def _good(group: Group, one: Crossed, sums: Sums, number: int, cut: float) -> Bools:
        """Return which tracks fit, and count them; what chi2 is expected to be below the cut is what it is over."""
        from scipy import stats

        chi2, freedom, expected = np.full(len(one.seen), np.inf), np.ones(len(one.seen)), np.ones(len(one.seen))
        for rows, matrix, _ in group.free.patterns(one.seen):
            rest = one.residuals[rows]
            chi2[rows] = np.einsum("ni,ij,nj->n", rest, matrix, rest)
            freedom[rows] = max(int(one.seen[rows[0]].sum()) - group.design.shape[1], 1)
            free = freedom[rows[0]]
            expected[rows] = free * stats.chi2.cdf(cut * free, free + 2) / stats.chi2.cdf(cut * free, free)
        good = chi2 < cut * freedom
        sums["tracks"][number] += [int(np.isfinite(chi2).sum()), int(good.sum())]
        sums["chi2"][number] += [chi2[good].sum(), expected[good].sum()]
        return good

    def learn(self, sums: Sums) -> Learned:
        """Return where planes are: at first by the peaks of residuals, the holding planes where they were; then by fits."""
        batches = max(float(sums["batches"][0]), 1.0)
        placed = Placement(*(sums["start"] / batches))
        rounds = round(float(sums["rounds"][0]) / batches)
        dead = tuple(np.flatnonzero(sums["dead"] > 0).tolist())
        groups = self._groups(Learned(rounds, placed, dead, {}))
        given = {
            group.arm: (mean, rms)
            for group, (mean, rms) in zip(groups, (sums["given"] / batches).tolist(), strict=True)
            if rms > 0.0
        }
        groups = self._groups(Learned(rounds, placed, dead, given))
        if rounds == 0 and not self.options.curved:
            shift = placed.shift.copy()
            for group in groups:
                counts = sums["residual"][group.planes].astype(np.float64)
                for row, plane in enumerate(group.planes.tolist()):
                    if row not in group.ends and not group.straws[row] and counts[row].sum() > 0:
                        shift[plane] -= peak(counts[row])
            placed = Placement(shift, placed.rotation, placed.z)
        else:
            moved = np.zeros((3, len(self._names)))
            for number, group in enumerate(groups):
                if sums["tracks"][number, 1] >= self.options.least:
                    moved[:, group.planes] = self._solved(sums, number, group, groups).moved
            placed = Placement(placed.shift + moved[0], placed.rotation + moved[1], placed.z + moved[2])
        if rounds == 0:
            dead = dead_planes(sums["hits"], self.options.least)
        bends = bends_of(groups, sums["bends"], self.options.least)
        return Learned(rounds + 1, placed, dead, bends)

    def _solved(self, sums: Sums, number: int, group: Group, groups: Sequence[Group]) -> Solved:
        """Return the solution of the sums of a group."""
        size = size_of(group)
        chi2, freedom = sums["chi2"][number].tolist()
        held = weak(group, rotations=any(one.arm == group.arm and one.view != group.view for one in groups))
        return solve(
            group, sums["normal"][number][:size, :size], sums["vector"][number][:size], chi2 / max(freedom, 1.0), held
        )

    def finish(self, sums: Sums, learned: Learned) -> Found:
        """Return the table of the places of planes.

        Raises
        ------
        UserError
            If most tracks are not of the kind that is asked for.
        """
        groups, every = self._groups(learned), self._groups(None)
        planes = np.sort(np.concatenate([group.planes for group in every]))
        value = np.stack([learned.placed.shift, learned.placed.rotation, learned.placed.z])
        error = np.zeros_like(value)
        chi2, entries = np.full(len(self._names), np.nan), np.zeros(len(self._names), np.int64)
        value[:, np.setdiff1d(planes, np.concatenate([group.planes for group in groups] or [planes[:0]]))] = np.nan
        solved: list[Solved | None] = []
        for number, group in enumerate(groups):
            tracks, good = sums["tracks"][number].tolist()
            entries[group.planes] = good
            if tracks >= self.options.least and good < STRAIGHT * tracks:
                which = "bent ones of this field" if self.options.curved else "straight"
                raise UserError(
                    f"of {tracks} tracks of {group.name} only {good / tracks:.0%} are {which}",
                    hint=f"{self.kind} wants {self.wants}",
                )
            if good < self.options.least:
                value[:, group.planes], error[:, group.planes] = np.nan, np.nan
                solved.append(None)
                continue
            one = self._solved(sums, number, group, groups)
            value[:, group.planes] += one.moved
            error[:, group.planes] = one.error
            chi2[group.planes] = sums["chi2"][number, 0] / max(sums["chi2"][number, 1], 1.0)
            solved.append(one)
        before = sums["before"] / max(float(sums["batches"][0]), 1.0)
        doubts = doubts_of(self._names, groups, value, before, chi2, entries, learned.dead)
        made = Made(
            "tracker.alignment",
            tuple(self._names[row] for row in planes),
            {name: UNITS[name][0] for name in COLUMNS},
            {name: UNITS[name][1] * value[k, planes] for k, name in enumerate(COLUMNS)},
            {name: UNITS[name][1] * error[k, planes] for k, name in enumerate(COLUMNS)},
            entries[planes],
            chi2[planes],
            tuple(doubts[row] for row in planes),
            shapes(sums["residual"][planes], 1e3 * FINE),
        )
        remarks = remarks_of(self._names, groups, solved, sums["tracks"])
        return Found(self.kind, (made,), tuple(sorted(sums.runs)), sums.read, sums.used, tuple(remarks))
