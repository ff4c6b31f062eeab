"""What planning has to know of one run file: it is opened, checked, indexed and closed again, and only this is kept.

A beam time has thousands of files. None of them stays open, and of no index more is kept than sums per task.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.errors import EmissError, UserError
from emiss.events.files.identity import Stamp
from emiss.events.location import one_ahead
from emiss.job import executors
from emiss.job.kept_surveys import KeptSurveys
from emiss.job.parked import park
from emiss.job.source import check_content, content_of, source_of
from emiss.job.surveyed import Asked, Chunk, FileSurvey
from emiss.reco.quality.event_numbers import Numbers
from emiss.reco.quality.spills import within
from emiss.reco.readers.base import PHYSICS, changes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from emiss.events.lists import Array
    from emiss.job.source import Source
    from emiss.job.task import Executor, Setup
    from emiss.job.work import Pool
    from emiss.reco.quality.spills import SpillRange
    from emiss.reco.readers.base import Index
    from emiss.runlist import ListedSample

MANY = 8
"""Files from which on worker processes are worth their start."""


def survey(
    source: Source,
    sample: ListedSample,
    path: Path,
    index_folder: Path,
    *,
    bad_spills: frozenset[SpillRange] = frozenset(),
    max_events: int | None = None,
    task_entries: int,
) -> FileSurvey:
    """Open a run file, check it and return what is to be known of it.

    Raises
    ------
    UserError
        If it cannot be read, does not fit the detector, or lacks a constant.
    """
    stamp = Stamp.of(path)
    file = source.open(path, index_folder)
    try:
        index = file.index()
        last = len(index) if max_events is None else min(max_events, len(index))
        physics = index.good & (index.type == PHYSICS)
        bad = within(index.run, index.spill, bad_spills)
        kept = physics & of_runs(index.run, sample) & ~bad
        runs = index.runs()
        spills = file.spills()
        numbers = Numbers() if spills is None else spills.numbers
        step = task_entries if file.splits else max(last, 1)
        if stamp is not None and file.grows:  # the bytes that were there when it was opened
            stamp = replace(stamp, size=int(file.identity.partition(":")[0]))
        return FileSurvey(
            path=path,
            identity=file.identity,
            stamp=stamp,
            grows=file.grows,
            entries=len(index),
            chunks=tuple(_chunk(index, kept, start, min(start + step, last)) for start in range(0, max(last, 1), step)),
            physics=int(np.count_nonzero(physics)),
            kept=int(np.count_nonzero(kept)),
            weight=float(np.nansum(index.weight[kept])),
            kept_spills=pairs(index.run[kept], index.spill[kept]),
            excluded_spills=tuple((run, spill) for run, spill in pairs(index.run[bad], index.spill[bad]).tolist()),
            runs=tuple(runs),
            payloads=tuple(source.payloads(runs)),
            spills=None if spills is None else spills.bare(),
            numbers=park(numbers, index_folder),
            first_number=int(numbers.held.low[0]) if len(numbers.held.low) else 0,
            columns=dict(file.columns),
            on_target=file.on_target,
            process=dict(file.process),
            tier=file.tier,
        )
    finally:
        file.close()


def survey_all(
    setup: Setup,
    wanted: Sequence[tuple[ListedSample, Path]],
    index_folder: Path,
    max_events: int | None,
    task_entries: int,
    executor: Executor,
    workers: int,
    progress: Callable[[int], None] = lambda _: None,
    begin: float = 0.0,
) -> Iterator[FileSurvey | UserError]:
    """Yield the survey of each file, or what is wrong with it, in the order of the files.

    Which share of the files is looked at last is said by `begin`, so that parts do not all wait for the first one.

    Raises
    ------
    SurveyError
        If workers could not look at all of them.
    """
    asked = [Asked(sample.bare(), path, index_folder, max_events, task_entries) for sample, path in wanted]
    if not isinstance(executor, str):
        yield from _on_pool(setup, asked, executor, progress)
        return
    first = int(begin * len(asked)) % max(len(asked), 1)
    behind: list[FileSurvey | UserError] = []
    for number, found in enumerate(_one_by_one(setup, asked[first:] + asked[:first], executor, workers)):
        progress(1)
        if number < len(asked) - first:
            behind.append(found)
            if first == 0:
                yield behind.pop()
        else:
            yield found
    yield from behind


def _one_by_one(
    setup: Setup, asked: Sequence[Asked], executor: Executor, workers: int
) -> Iterator[FileSurvey | UserError]:
    if executor == "serial" or len(asked) < MANY:
        yield from map(_Surveyor(setup), one_ahead(asked, lambda item: item.path))
        return
    for _, found in executors.run(Surveying(setup), asked, "processes", workers, ordered=True):
        yield from found


class SurveyError(EmissError):
    """Files could not be looked at, for reasons that are not theirs."""

    exit_code = 3


def _on_pool(
    setup: Setup, asked: Sequence[Asked], pool: Pool, progress: Callable[[int], None]
) -> Sequence[FileSurvey | UserError]:
    collected = pool.collect(Surveying(setup), asked, _in_a_row, progress=lambda _: progress(1))
    if collected.failures:
        lines = [f"{len(collected.failures)} of {len(asked)} files could not be looked at"]
        lines += map(str, collected.failures.values())
        lines.append("what was found out about the others is kept: the same command goes on from there")
        raise SurveyError("\n".join(lines))
    return collected.sums[""] or ()


def _in_a_row(parts: Sequence[Sequence[FileSurvey | UserError]]) -> Sequence[FileSurvey | UserError]:
    return [found for part in parts for found in part]


@dataclass(frozen=True)
class Surveying:
    """The survey of files as a piece of work."""

    setup: Setup
    name = "survey"

    def start(self) -> Callable[[Asked], Sequence[FileSurvey | UserError]]:
        """Load detector and constants."""
        surveyor = _Surveyor(self.setup)
        return lambda asked: [surveyor(asked)]


class _Surveyor:
    """Surveys files of one job."""

    def __init__(self, setup: Setup) -> None:
        setup = setup.here()
        self.source = source_of(setup)
        check_content(setup, content_of(self.source))
        self.bad_spills = setup.bad_spills
        self.kept = KeptSurveys(self.source, setup.bad_spills)

    def __call__(self, asked: Asked) -> FileSurvey | UserError:
        try:
            found = self.kept.load(asked)
            if found is not None:
                return found
            found = survey(
                self.source,
                asked.sample,
                asked.path,
                asked.index_folder,
                bad_spills=self.bad_spills,
                max_events=asked.max_events,
                task_entries=asked.task_entries,
            )
            self.kept.save(asked, found)
        except UserError as error:
            return error
        return found


def of_runs(run: Array, sample: ListedSample) -> Array:
    """Return which events are of the sample's runs, shape (N,)."""
    if not sample.runs:
        return np.ones(len(run), bool)
    inside: Array = np.logical_or.reduce([(run >= part.first) & (run <= part.last) for part in sample.runs])
    return inside


def _chunk(index: Index, kept: Array, start: int, stop: int) -> Chunk:
    good = index.good[start:stop]
    spills = pairs(index.run[start:stop][good], index.spill[start:stop][good])
    return Chunk(start, stop, int(np.count_nonzero(kept[start:stop])), spills)


def pairs(run: Array, spill: Array) -> Array:
    """Return run and spill of some events, each pair once, in ascending order, int64 of shape (S, 2)."""
    # events of a spill stand together: only where it changes there may be another one
    new = changes(run) | changes(spill)
    both: Array = np.unique(np.stack([run[new], spill[new]], 1).astype(np.int64), axis=0)
    return both
