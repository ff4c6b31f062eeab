"""The library of shower profiles of a calorimeter from electrons: mean and covariance of cell shares by place of impact.

Sums of shares and of their products by place are all that is needed. They are made for two halves of the events, and each
half is judged with the profiles of the other: the mean of chi2 per share is to be 1 everywhere. The table has the profiles of
both. Where the library has no profiles of the energy of the beam, those of the two energies around it are changed by what is
different at that of the beam, so that what is interpolated there is what was found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.calib.table_types import PROFILE, SHARES
from emiss.calibrate.frame import Derivation, Doubts, Found, Made, Sums
from emiss.configs.errors import UserError
from emiss.events.columns import QUALITY_BITS
from emiss.reco.calorimetry.profile import FEWEST, PAIRS, Profiles, arrays, nearest
from emiss.reco.calorimetry.sums import CalorimeterStage
from emiss.reco.calorimetry.waveform import WaveformStage
from emiss.reco.parts.grid import Grid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.calib.conditions import RunConditions
    from emiss.configs.arrays import Array, Bools, Floats, Ints
    from emiss.events.batch import Batch
    from emiss.reco.detector.model import Detector

NEAR = 0.15
"""Of the energy of the beam: how far the energy of an electron may be away from it."""

ELECTRONS = 0.3
"""Share of events with that energy below which a run is none of electrons."""

SAME = 0.02
"""Of an energy of the library: a beam that is nearer has it."""

BAD = 1 << QUALITY_BITS["saturated"] | 1 << QUALITY_BITS["pile_up"]

GOOD = 0.05
"""How far the mean of chi2 may be from 1."""


class ShowerProfiles(Derivation):
    """The library of shower profiles of a calorimeter of cells."""

    kind = "profile"
    meaning = "the library of shower profiles (NAME.profile): mean and covariance of cell shares by place of impact"
    wants = "electrons over the calorimeter, its cells calibrated"
    pilot = 1 << 40  # all: the profiles first, then what the events of one half are with those of the other

    def __init__(self, detector: Detector, options: Any) -> None:
        super().__init__(detector, options)
        found = {
            name: part
            for name, part in detector.of_kind(Grid).items()
            if part.library is not None and (not options.parts or name in options.parts)
        }
        if not found:
            raise UserError(f"no calorimeter of the set-up {detector.name} has a 'library' of profiles")
        self._name, self._part = next(iter(found.items()))
        assert self._part.library is not None  # noqa: S101 - they are those that have one
        self._library = self._part.library
        self._profiles = Profiles(detector, self._name, self._part)
        self._stages = WaveformStage(detector), CalorimeterStage(detector)
        count = len(self._library.edges) + 1
        self._places = count * (count + 1) // 2
        self._before: Mapping[str, Array] = {}

    def begin_run(self, conditions: RunConditions) -> None:
        """Take the constants of a run."""
        for stage in self._stages:
            stage.begin_run(conditions)
        self._before = conditions.get(f"{self._name}.profile", self._library.bins())

    def empty(self, learned: Any) -> Sums:
        """Return empty sums of shares by half and place; of chi2 where profiles are known."""
        shape = (2, self._places)
        if learned is not None:
            return Sums({"chi2": np.zeros((self._places, 3)), "before": np.zeros((self._places, 3))})
        columns = np.zeros((len(self._library.bins()), len(PROFILE.columns)))
        return Sums(
            {
                "number": np.zeros(shape, np.int64),
                "sum": np.zeros((*shape, SHARES)),
                "square": np.zeros((*shape, SHARES, SHARES)),
                "library": columns,
                "batches": np.zeros(1),
            }
        )

    def add(self, batch: Batch, sums: Sums, learned: Any) -> None:
        """Add the events of a batch."""
        cells = self._stages[0](batch, {})
        made = self._stages[1](batch, cells)
        energy = made[f"{self._name}.energy"]
        used = self._stages[1].kinds(batch, cells)
        found = self._profiles.find(cells["cells"], used)
        beam = self.detector.beam.energy
        x, y = found.where
        good = (np.abs(energy / beam - 1.0) < NEAR) & (made["event.quality"] & np.uint32(BAD) == 0) & (found.place >= 0)
        good &= (x > 0) & (y > 0) & (x < self._part.columns - 1) & (y < self._part.rows - 1)
        rows = np.flatnonzero(good)
        half = batch.header["in_run"][rows].astype(np.int64) % 2
        shares, place = found.shares[rows], found.place[rows]
        if learned is None:
            for number in range(2):
                own = half == number
                sums["number"][number] += np.bincount(place[own], minlength=self._places)
                np.add.at(sums["sum"][number], place[own], shares[own])
                np.add.at(sums["square"][number], place[own], shares[own, :, None] * shares[own, None, :])
            sums["library"] += self._table()
            sums["batches"] += 1.0
            return
        for number in range(2):
            own = half == number
            chi2 = self._judged(shares[own], place[own], energy[rows][own], learned["halves"][1 - number])
            _moments(sums["chi2"], place[own], chi2)
        _moments(sums["before"], place, self._judged(shares, place, energy[rows], self._before))

    def _judged(self, shares: Floats, place: Ints, energy: Floats, constants: Mapping[str, Array]) -> Floats:
        """Return chi2 of events with a library."""
        from emiss.reco.calorimetry import profile_kernels

        chi2 = np.empty(len(energy))
        logs, *tables = arrays(self._library, constants)
        profile_kernels.distances(shares, place, energy, logs, *tables, np.empty((SHARES + 1, SHARES)), chi2)
        return chi2

    def _table(self) -> Floats:
        """Return the library that holds, rows by columns."""
        return np.column_stack([self._before[name] for name in PROFILE.columns])

    def learn(self, sums: Sums) -> dict[str, Any]:
        """Return the profiles of both halves and of all events, as libraries.

        Raises
        ------
        UserError
            If most events are none of electrons.
        """
        number = int(sums["number"].sum())
        if number < ELECTRONS * sums.used or number < FEWEST:
            raise UserError(
                f"run {', '.join(map(str, sorted(sums.runs)))} is none of electrons inside '{self._name}': {number} of "
                f"{sums.used} events have the energy of the beam there",
                hint=f"{self.kind} wants {self.wants}",
            )
        before = sums["library"] / max(float(sums["batches"][0]), 1.0)
        parts = [{name: sums[name][half] for name in ("number", "sum", "square")} for half in range(2)]
        both = {name: sums[name].sum(axis=0) for name in ("number", "sum", "square")}
        halves = [dict(zip(PROFILE.columns, self._moved(one, before).T, strict=True)) for one in parts]
        return {"halves": halves, "all": self._moved(both, before), "number": both["number"]}

    def _rows(self) -> list[tuple[int, float]]:
        """Return the energies of the library that the beam's is made of, by number, with their weights."""
        energies, beam = np.array(self._library.energies), self.detector.beam.energy
        close = int(np.abs(energies / beam - 1.0).argmin())
        if abs(energies[close] / beam - 1.0) < SAME or not energies[0] < beam < energies[-1]:
            return [(close, 1.0)]
        above = int(np.searchsorted(energies, beam))
        share = float(np.log(beam / energies[above - 1]) / np.log(energies[above] / energies[above - 1]))
        return [(above - 1, 1.0 - share), (above, share)]

    def _moved(self, found: Mapping[str, Array], before: Floats) -> Floats:
        """Return a library in which the profiles at the energy of the beam are those that were found, rows by columns."""
        mean, covariance = moments(found)
        which = nearest(found["number"])
        mean, covariance = mean[which], covariance[which]
        enough = found["number"][which] >= FEWEST
        rows = self._rows()
        old = [as_moments(before[number * self._places : (number + 1) * self._places]) for number, _ in rows]
        there = [sum(weight * one[k] for (_, weight), one in zip(rows, old, strict=True)) for k in range(2)]
        made = before.copy()
        for (number, _), (m, c) in zip(rows, old, strict=True):
            new = as_rows(m + mean - there[0], _positive(c + covariance - there[1]))
            own = slice(number * self._places, (number + 1) * self._places)
            made[own] = np.where(enough[:, None], new, before[own])
        return made

    def finish(self, sums: Sums, learned: Any) -> Found:
        """Return the profiles."""
        number, table = learned["number"], learned["all"]
        of_place = number[nearest(number)]
        energies = [one for one, _ in self._rows()]
        rows = np.concatenate([np.arange(one * self._places, (one + 1) * self._places) for one in energies])
        entries = np.tile(of_place, len(energies))
        chosen = table[rows]
        errors = _errors(chosen, np.maximum(entries, 1))
        mean, error = _mean(sums["chi2"])
        old, _ = _mean(sums["before"])
        chi2 = np.tile(mean, len(energies))
        doubts = Doubts(len(rows))
        few = np.tile(number < FEWEST, len(energies))
        doubts.add(
            few,
            [
                f"{int(n)} electrons there: the profile is that of the nearest place"
                for n in np.tile(number, len(energies))
            ],
        )
        off = np.tile(np.abs(mean - 1.0) > GOOD + 3.0 * error, len(energies))
        doubts.add(off & ~few, [f"the mean of chi2 of the other half is {one:.3f}" for one in chi2])
        names = self._library.bins()
        columns = list(PROFILE.columns)
        made = Made(
            f"{self._name}.profile",
            tuple(names[row] for row in rows),
            dict.fromkeys(columns, "-"),
            {name: chosen[:, k] for k, name in enumerate(columns)},
            {name: errors[:, k] for k, name in enumerate(columns)},
            entries.astype(np.int64),
            chi2,
            tuple(doubts.texts),
        )
        judged = Made(
            "chi2 of the other half",
            tuple(name.partition(".")[2] for name in names[: self._places]),
            {"mean": "-", "before": "-"},
            {"mean": mean, "before": old},
            {"mean": error, "before": np.full(len(mean), np.nan)},
            number.astype(np.int64),
            np.full(len(mean), np.nan),
            ("",) * len(mean),
        )
        total, unsure = _mean(sums["chi2"].sum(axis=0, keepdims=True))
        well = np.isfinite(mean) & (number >= 100)
        spread = f", by place from {mean[well].min():.3f} to {mean[well].max():.3f}" if well.any() else ""
        remark = (
            f"The mean of chi2 per share of each half with the profiles of the other is {total[0]:.3f} ± {unsure[0]:.3f}"
            f"{spread}; with the profiles before it was {_mean(sums['before'].sum(axis=0, keepdims=True))[0][0]:.3f}."
        )
        return Found(self.kind, (made, judged), tuple(sorted(sums.runs)), sums.read, sums.used, (remark,))


def moments(found: Mapping[str, Array]) -> tuple[Floats, Floats]:
    """Return means (P, 9) and covariances (P, 9, 9) of shares from their sums."""
    number = np.maximum(found["number"], 1)[:, None]
    mean = found["sum"] / number
    return mean, found["square"] / number[:, :, None] - mean[:, :, None] * mean[:, None, :]


def as_moments(rows: Floats) -> tuple[Floats, Floats]:
    """Return means (P, 9) and covariances (P, 9, 9) of rows of a library."""
    mean, rms = rows[:, :SHARES], rows[:, SHARES : 2 * SHARES]
    correlation = np.zeros((len(rows), SHARES, SHARES)) + np.eye(SHARES)
    correlation[:, PAIRS[0], PAIRS[1]] = correlation[:, PAIRS[1], PAIRS[0]] = rows[:, 2 * SHARES :]
    return mean, correlation * rms[:, :, None] * rms[:, None, :]


def as_rows(mean: Floats, covariance: Floats) -> Floats:
    """Return rows of a library from means and covariances."""
    rms = np.sqrt(np.maximum(np.einsum("pii->pi", covariance), 0.0))
    safe = np.where(rms > 0.0, rms, 1.0)
    correlation = (covariance / safe[:, :, None] / safe[:, None, :])[:, PAIRS[0], PAIRS[1]]
    return np.concatenate([np.clip(mean, 0.0, 1.0), rms, np.clip(correlation, -1.0, 1.0)], axis=1)


def _positive(covariance: Floats) -> Floats:
    """Return matrices without negative eigenvalues."""
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(np.einsum("pij,pj,pkj->pik", vectors, np.maximum(values, 0.0), vectors))


def _errors(rows: Floats, number: Array) -> Floats:
    """Return the statistical errors of rows of a library made of so many electrons."""
    root = np.sqrt(number)[:, None]
    rms = rows[:, SHARES : 2 * SHARES]
    return np.concatenate([rms / root, rms / root / np.sqrt(2.0), (1.0 - rows[:, 2 * SHARES :] ** 2) / root], axis=1)


def _moments(sums: Array, place: Ints, values: Floats) -> None:
    """Add number, values and their squares by place, shape (P, 3)."""
    known: Bools = np.isfinite(values)
    for power in range(3):
        sums[:, power] += np.bincount(place[known], values[known] ** power, len(sums))


def _mean(sums: Array) -> tuple[Floats, Floats]:
    """Return means and their errors from `_moments`; NaN of nothing."""
    number = np.where(sums[:, 0] > 0, sums[:, 0], np.nan)
    mean = sums[:, 1] / number
    return mean, np.sqrt(np.maximum(sums[:, 2] / number - mean**2, 0.0) / number)
