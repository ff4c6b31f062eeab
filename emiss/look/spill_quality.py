"""The survey of raw files for their quality, over all files of a job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from emiss.configs import loader
from emiss.configs.errors import Location, Problems, UserError
from emiss.job.source import DetectorSource
from emiss.reco.detector.model import load_detector
from emiss.reco.quality.spills import Spills
from emiss.reco.quality.summary import Limits, Survey, Verdict, surveys, verdicts
from emiss.reco.readers.base import refuse_copies
from emiss.reco.readers.raw import RawRunFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

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


def open_files(runlist: RunList) -> tuple[DetectorSource, list[RawRunFile]]:
    """Return the raw files of a run list, each of which knows the spills of all.

    Raises
    ------
    UserError
        If a file does not fit the detector, or is not raw.
    """
    detector = load_detector(runlist.detector, near=runlist.near)
    source = DetectorSource(detector.file, loader.find("calib", runlist.calib, near=runlist.near))
    problems = Problems()
    files = []
    for path in dict.fromkeys(path for sample in runlist.samples for path in sample.files):
        try:
            file = source.open(path).run_file
            if not isinstance(file, RawRunFile):
                raise UserError("quality is measured on raw files; these are simulated hits", at=Location(str(path)))
            files.append(file)
        except UserError as error:
            problems.add(error)
    problems.check()
    refuse_copies(files)
    context = Spills.merge(file.spills() for file in files)
    for file in files:
        file.context = context
    return source, files


def measure(
    source: DetectorSource,
    files: Iterable[RawRunFile],
    limits: Limits,
    progress: Callable[[int], None] = lambda _: None,
) -> Quality:
    """Survey files; `progress` is called with the number of entries done."""
    channels, full_scale = source.detector.channels, source.detector.full_scale
    total = Survey.empty([], len(channels))
    for file in files:
        for part, entries in surveys(file, channels, full_scale, source.conditions):
            total += part
            progress(entries)
    return Quality(total, tuple(verdicts(total, channels, limits)), limits)
