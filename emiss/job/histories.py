"""What was cut before the files of a sample were written, as their map says it, or a histogram in each file."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from emiss.configs import loader
from emiss.configs.errors import UserError
from emiss.events import history
from emiss.job.source import MapSource
from emiss.reco.readers.foreign.preselection import rows_of_histogram
from emiss.reco.readers.foreign.schema import ReaderMap

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from emiss.events.history import History
    from emiss.job.source import Source
    from emiss.job.surveyed import FileSurvey
    from emiss.runlist import RunList


def histories_of(
    source: Source, runlist: RunList, surveys: Mapping[str, Sequence[FileSurvey]], hidden: Collection[str] = ()
) -> tuple[dict[str, History], tuple[str, ...]]:
    """Return the history of each sample that has one, and what is to be known of them.

    Raises
    ------
    UserError
        If a history is of several samples, does not fit the events that are there, or cannot be read.
    """
    if not isinstance(source, MapSource):
        return {}, ()
    entry = loader.validate(source.document, ReaderMap)
    if not entry.history and entry.history_from is None:
        return {}, ()
    if entry.history and len(surveys) > 1:
        raise source.document.error(
            f"this history is of one sample, and there are {len(surveys)}: {', '.join(surveys)}",
            ("history",),
            key=True,
            hint="name a histogram in the files ('history_from'), or process each sample by itself with a map of its own",
        )
    found: dict[str, History] = {}
    for sample in runlist.samples:
        files = surveys[sample.name]
        if entry.history_from is None:
            rows = tuple(one.row() for one in entry.history)
        else:
            rows = _together(entry.history_from.value, sample.name, files)
        there = sum(file.entries for file in files)
        if rows and rows[-1].events < there:
            many = (
                "fewer than there are"
                if sample.name in hidden
                else f"and the files of sample {sample.name} hold {there}"
            )
            place = "history" if entry.history else "history_from"
            said = f"'{rows[-1].cut}' leaves {rows[-1].events} events, {many}"
            raise source.document.error(said, (place,), hint="the last row is what the files were written with")
        found[sample.name] = rows
    told = (
        "what was cut before its files were written is not shown while it is blinded: it would tell how many are hidden"
    )
    return found, tuple(f"sample {name}: {told}" for name in found if name in hidden)


def _together(name: str, sample: str, files: Sequence[FileSurvey]) -> History:
    """Return the sum of the histograms in the files of a sample."""
    try:
        return reduce(history.add, [rows_of_histogram(file.path, name) for file in files])
    except UserError as error:
        raise UserError(f"sample {sample}: {error.message}", at=error.at, hint=error.hint) from None
