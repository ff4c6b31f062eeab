"""Responses of channels or parts in groups of events, such as spills, from what they give in each."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from emiss.calibrate.calorimeters import responses
from emiss.calibrate.calorimeters.sizes import BEAM, LED, Sized
from emiss.calibrate.frame import Doubts, Found, Made, Shapes, Sums

if TYPE_CHECKING:
    from emiss.configs.arrays import Array, Floats, Ints

FEW = 20
"""Entries of spills below which they are taken together with those behind them."""

SEEN = 0.5
"""Share of events with energy in a part below which its distribution says nothing of its gains."""

WANTED = 0.01
"""The error of a response; groups that have more are taken together with those behind them."""

JUMP, FAR = 0.1, 0.3
"""Changes between neighbours, and distances from 1 that are looked at."""


class Group(NamedTuple):
    """What is found of one channel or part: names of rows, responses with errors, chi2, entries, and why eyes are needed."""

    names: list[str]
    response: Floats
    error: Floats
    chi2: Floats
    entries: Ints
    doubts: list[str]

    def moved(self, mean: float, error: float) -> Group:
        """Return it with another mean, which has an error of its own (relative)."""
        both = mean * np.hypot(self.error, self.response * error)
        return self._replace(response=self.response * mean, error=both)


class Level(NamedTuple):
    """What the means of targets are relative to something: arrays of shape (targets,), errors are relative to the means.

    Means are NaN where nothing tells; `doubts` says why a target needs eyes, `what` what they are relative to.
    """

    mean: Floats
    error: Floats
    doubts: tuple[str, ...]
    what: str


class Changing(Sized):
    """Responses of channels or parts in groups of events."""

    type: ClassVar[str]
    label: ClassVar[str]

    def level(self, counts: Floats, sums: Sums, learned: Floats) -> Level | None:  # noqa: ARG002 - for those that know more
        """Return what the means of targets are, None where nothing tells; counts in bins are of shape (targets, bins)."""
        return None

    def finish(self, sums: Sums, learned: Any) -> Found:
        """Return the table of responses."""
        names, counts = self._counts(sums)
        level = self.level(counts.sum(axis=0).astype(np.float64), sums, learned)
        wanted = self.options.least
        rows: list[Group] = []
        common, expected, spread = [], [], []
        for number, target in enumerate(self.targets):
            own = counts[:, number].astype(np.float64)
            total = int(own.sum())
            why = self._useless(int(sums["seen"][number]), total, wanted, sums.used)
            one, total_counts, curve = (
                (_nothing(target, why), own.sum(axis=0), np.full(own.shape[1], np.nan))
                if why
                else self._one(target, names, own)
            )
            spread.append(float(np.std(one.response)))
            if level is not None and np.isfinite(level.mean[number]):
                one = one.moved(level.mean[number], level.error[number])
            rows.append(one)
            common.append(total_counts)
            expected.append(curve)
        made = Made(
            self.type,
            tuple(name for one in rows for name in one.names),
            {"response": "-"},
            {"response": np.concatenate([one.response for one in rows])},
            {"response": np.concatenate([one.error for one in rows])},
            np.concatenate([one.entries for one in rows]),
            np.concatenate([one.chi2 for one in rows]),
            tuple(why for one in rows for why in one.doubts),
        )
        size = len(self.targets)
        shapes = Shapes(
            "ln(charge / middle)" if self.source == LED else "ln(energy / middle)",
            np.broadcast_to(responses.edges(), (size, 2 * responses.HALF + 1)),
            np.array(common),
            np.array(expected),
        )
        steady = Made(
            f"change of responses, {self.label}",
            self.targets,
            {"rms": "-"} if level is None else {"rms": "-", "mean": "-"},
            {"rms": np.array(spread)} | ({} if level is None else {"mean": level.mean}),
            {"rms": np.full(size, np.nan)} | ({} if level is None else {"mean": level.mean * level.error}),
            counts.sum(axis=(0, 2)),
            np.array([np.nan if not np.isfinite(one.chi2).any() else np.nanmean(one.chi2) for one in rows]),
            ("",) * size if level is None else level.doubts,
            shapes,
        )
        what = "their mean over all entries: gains are those of the whole run" if level is None else level.what
        remark = f"Responses are relative to {what}."
        return Found(self.kind, (made, steady), tuple(sorted(sums.runs)), sums.read, sums.used, (remark,))

    @abstractmethod
    def _counts(self, sums: Sums) -> tuple[list[int], Array]:
        """Return what groups are, and their counts, shape (groups, targets, bins)."""

    @abstractmethod
    def names(self, target: str, firsts: list[int]) -> list[str]:
        """Return the names of rows, of groups from some first ones on."""

    def _useless(self, seen: int, inside: int, wanted: int, events: int) -> str:
        """Return why nothing can be said of a target, "" if something can."""
        if not seen:
            return "dead or not lit: no pulse"
        if self.source == BEAM and seen < SEEN * events:
            return f"seen in {seen / max(events, 1):.0%} of the events alone"
        return f"{inside} entries are too few" if inside < wanted else ""

    def _one(self, target: str, groups: list[int], counts: Floats) -> tuple[Group, Floats, Floats]:
        """Return what is found of a target, its counts of all groups moved to one place, and the common distribution."""
        _, joined = _joined(groups, counts, FEW)
        rough = responses.shifts(joined)
        each = float(np.nanmedian(rough.error * np.sqrt(joined.sum(axis=1))))
        firsts, joined = _joined(groups, counts, max(FEW, (each / WANTED) ** 2))
        if len(firsts) < 2:
            why = f"too broad, or too few: {(each / WANTED) ** 2:.0f} entries would tell a response to {WANTED:.0%}"
            return _nothing(target, why), counts.sum(axis=0), np.full(counts.shape[1], np.nan)
        made = responses.shifts(joined)
        names = self.names(target, firsts)
        doubts = Doubts(len(names))
        step = np.abs(np.diff(made.response, prepend=made.response[:1]))
        sure = step > 5.0 * np.hypot(made.error, np.roll(made.error, 1))
        doubts.add((step > JUMP) & sure, [f"it has changed by {one:.0%}" for one in step])
        doubts.add(np.abs(made.response - 1.0) > FAR, [f"{one:.2f} of the mean" for one in made.response])
        group = Group(names, made.response, made.error, made.chi2, joined.sum(axis=1).astype(np.int64), doubts.texts)
        together = responses.moved_back(joined, np.log(made.response)).sum(axis=0)
        return group, together, joined.sum() * made.common


def _joined(groups: list[int], counts: Floats, least: float) -> tuple[list[int], Floats]:
    """Return groups in a row that have so many entries at least: the first number of each, and their counts."""
    firsts: list[int] = []
    made: list[Floats] = []
    for number, own in zip(groups, counts, strict=True):
        if made and made[-1].sum() < least:
            made[-1] = made[-1] + own
        else:
            firsts.append(number)
            made.append(own)
    if len(made) > 1 and made[-1].sum() < least:
        last = made.pop()
        firsts.pop()
        made[-1] = made[-1] + last
    return firsts, np.array(made)


def _nothing(target: str, why: str) -> Group:
    """Return a target of which nothing is known."""
    none = np.full(1, np.nan)
    return Group([target], none, none, none, np.zeros(1, np.int64), [why])
