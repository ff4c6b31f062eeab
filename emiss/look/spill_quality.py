"""The survey of raw files for their quality, over all files of a job: first what spills they have, then range by range.

Sums over ranges have one shape (`emiss.job.reduction`), so that no bit depends on who surveys which range when.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from emiss.calib.tag import find as find_tag
from emiss.configs.errors import Location, Problems, UserError
from emiss.job.pools import Machine
from emiss.job.source import DetectorSource
from emiss.job.task import TASK_ENTRIES
from emiss.job.work import ItemsFailedError
from emiss.reco.detector.model import load_detector
from emiss.reco.quality.spills import Spills
from emiss.reco.quality.summary import Limits, Survey, Verdict, surveys, verdicts
from emiss.reco.readers.base import refuse_copies
from emiss.reco.readers.raw import RawRunFile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from emiss.job.work import Pool
    from emiss.runlist import RunList


@dataclass(frozen=True)
class Quality:
    """The quality of some files: the survey, and what follows from it for each spill."""

    survey: Survey
    verdicts: tuple[Verdict, ...]
    limits: Limits

    @property
    def bad(self) -> tuple[Verdict, ...]:
        """The spills that are to be left out."""
        return tuple(verdict for verdict in self.verdicts if verdict.reasons)


@dataclass(frozen=True)
class Shared:
    """What all files are opened with: detector, constants, and the folder where their indices are kept."""

    detector: Path
    calib: Path
    index: Path | None = None

    def source(self) -> DetectorSource:
        """Load detector and constants."""
        return DetectorSource(self.detector, self.calib)

    def open(self, source: DetectorSource, path: Path, identity: str | None = None) -> RawRunFile:
        """Open a raw file.

        Raises
        ------
        UserError
            If it does not fit the detector, or is not raw.
        """
        opened = source.open(path, self.index, identity)
        opened.spills()  # which may be kept
        file = opened.run_file
        if not isinstance(file, RawRunFile):
            raise UserError("quality is measured on raw files; these are simulated hits", at=Location(str(path)))
        return file


@dataclass(frozen=True)
class Known:
    """What is known of a file that has been looked at."""

    path: Path
    identity: str
    entries: int
    splits: bool
    spills: Spills


@dataclass(frozen=True)
class Opening:
    """The first look at files as a piece of work; an item is a path."""

    shared: Shared
    name = "survey"

    def start(self) -> Callable[[Path], Sequence[Known | UserError]]:
        """Load detector and constants."""
        source = self.shared.source()

        def look(path: Path) -> Sequence[Known | UserError]:
            try:
                file = self.shared.open(source, path)
            except UserError as error:
                return [error]
            found = Known(path, file.identity, len(file.index()), file.splits, file.spills())
            file.close()
            return [found]

        return look


@dataclass(frozen=True)
class Range:
    """Some entries of a file, and the spills that all files know of it."""

    path: Path
    identity: str
    start: int
    stop: int
    context: Spills

    def __str__(self) -> str:
        return f"{self.path} entries {self.start}-{self.stop}"

    @property
    def events(self) -> int:
        """How many entries they are."""
        return self.stop - self.start


@dataclass(frozen=True)
class Measuring:
    """The survey of ranges as a piece of work."""

    shared: Shared
    name = "quality"

    def start(self) -> Callable[[Range], Survey]:
        """Load detector and constants."""
        source = self.shared.source()
        channels, full_scale = source.detector.channels, source.detector.full_scale

        def measure(part: Range) -> Survey:
            file = self.shared.open(source, part.path, part.identity)
            file.context = part.context
            total = Survey.empty([], len(channels))
            for found in surveys(file, channels, full_scale, source.conditions, part.start, part.stop):
                total += found
            file.close()
            return total

        return measure


def open_files(
    runlist: RunList,
    index: Path | None = None,
    pool: Pool | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> tuple[Shared, list[Range]]:
    """Look at the raw files of a run list; return what they are opened with, and their ranges.

    Parameters
    ----------
    runlist : RunList
    index : Path, optional
        The folder where what was found out about them is kept.
    pool : Pool, optional
        Who looks; this process by default.
    progress : callable
        Called with 1 for each file.

    Raises
    ------
    UserError
        If a file does not fit the detector, or is not raw.
    ItemsFailedError
        If a pool could not look at all of them.
    """
    runlist = runlist.absolute()
    detector = load_detector(runlist.detector, near=runlist.near).file.absolute()
    calib = find_tag(runlist.calib, near=runlist.near).absolute()
    shared = Shared(detector, calib, None if index is None else index.absolute())
    paths = list(dict.fromkeys(path for sample in runlist.samples for path in sample.files))
    collected = (pool or Machine()).collect(Opening(shared), paths, _in_a_row, progress=lambda _: progress(1))
    if collected.failures:
        raise ItemsFailedError(list(collected.failures.values()))
    problems = Problems()
    files = []
    for found in collected.sums.get("") or ():
        if isinstance(found, UserError):
            problems.add(found)
        else:
            files.append(found)
    problems.check()
    refuse_copies(files)
    context = Spills.merge(file.spills for file in files)
    return shared, [part for file in files for part in _ranges(file, context)]


def measure(
    shared: Shared,
    ranges: Sequence[Range],
    limits: Limits,
    progress: Callable[[int], None] = lambda _: None,
    pool: Pool | None = None,
) -> Quality:
    """Survey ranges of files; `progress` is called with the number of entries done.

    Raises
    ------
    ItemsFailedError
        If a pool could not survey all of them: spills are compared with those of the whole run.
    """
    channels = load_detector(shared.detector).channels
    collected = (pool or Machine()).collect(
        Measuring(shared), ranges, _sum, progress=lambda part: progress(part.events)
    )
    if collected.failures:
        raise ItemsFailedError(list(collected.failures.values()))
    total = cast("Survey", collected.sums[""])
    return Quality(total, tuple(verdicts(total, channels, limits)), limits)


def _ranges(file: Known, context: Spills) -> list[Range]:
    own = file.spills
    known = context.part(own.key >> 32, own.key & 0xFFFFFFFF, own.numbers)
    last = max(file.entries, 1)
    step = TASK_ENTRIES if file.splits else last
    starts = range(0, last, step)
    return [Range(file.path, file.identity, at, min(at + step, file.entries), known) for at in starts]


def _in_a_row(parts: Sequence[Sequence[Known | UserError]]) -> Sequence[Known | UserError]:
    return [found for part in parts for found in part]


def _sum(parts: Sequence[Survey]) -> Survey:
    total = parts[0]
    for part in parts[1:]:
        total += part
    return total
