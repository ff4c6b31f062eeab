"""One event of a run file, for the commands that look at a single one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emiss.configs.errors import Location, UserError

if TYPE_CHECKING:
    from pathlib import Path

    from emiss.events.batch import Batch
    from emiss.reco.run import Run


def open_event(path: str | Path, event: int, detector: str | Path, calib: str | Path | None) -> tuple[Run, Batch]:
    """Return a run of one file, and the batch that holds nothing but one of its entries.

    Raises
    ------
    UserError
        If the file has no such entry, or it is no physics event.
    """
    from emiss import reco

    run = reco.open(path, detector=detector, calib=calib)
    file = run.files[0]
    entries = len(file.index())
    if event >= entries:
        raise UserError(f"no entry {event}; the file has {entries}", at=Location(str(path)))
    batch = next(iter(file.batches(event, event + 1)))
    if not len(batch):
        why = {**batch.ledger.not_physics, **batch.ledger.lost}
        raise UserError(
            f"entry {event} is no physics event ({', '.join(why)})", at=Location(str(path)), hint="try the next one"
        )
    return run, batch
