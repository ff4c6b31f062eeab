"""What was cut before the files of a sample were written, as their map says it, or a histogram in each file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emiss.configs import loader
from emiss.configs.errors import UserError
from emiss.job.source import MapSource
from emiss.reco.readers.foreign.preselection import history_of
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
        there, hide = sum(file.entries for file in files), sample.name in hidden
        try:
            found[sample.name] = history_of(source.document, [file.path for file in files], there, hide=hide)
        except UserError as error:
            raise UserError(f"sample {sample.name}: {error.message}", at=error.at, hint=error.hint) from None
    told = (
        "what was cut before its files were written is not shown while it is blinded: it would tell how many are hidden"
    )
    return found, tuple(f"sample {name}: {told}" for name in found if name in hidden)
