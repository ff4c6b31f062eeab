"""One event of a run file or a table, found by its place, by its numbers, or among those that pass a cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emiss.configs.errors import UserError
from emiss.look.judge import Judge, Wanted, read_numbers
from emiss.look.opening import open_events
from emiss.look.search import Search
from emiss.look.sources import event_of

if TYPE_CHECKING:
    from pathlib import Path

    from emiss.events.batch import Batch
    from emiss.look.sources import Events, One
    from emiss.reco.detector.model import Detector
    from emiss.reco.run import Run
    from emiss.selection import Analysis


def open_event(path: str | Path, event: int, detector: str | Path, calib: str | Path | None) -> tuple[Run, Batch]:
    """Return a run of one file, and the batch that holds nothing but one of its entries.

    Raises
    ------
    UserError
        If the file has no such entry, or it is no physics event.
    """
    from emiss import reco

    run = reco.open(path, detector=detector, calib=calib)
    return run, event_of(run.files[0], event)


def find_event(
    path: str | Path,
    event: str,
    passing: str | None,
    analysis: Analysis | None,
    region: str | None,
    detector: str | Path | None,
    calib: str | Path | None,
    *,
    unblind: bool = False,
) -> tuple[Events, int, One, Detector]:
    """Return a file, the row of one of its events, the event, and the set-up.

    Parameters
    ----------
    event : str
        ``RUN/SPILL/NUMBER``; or a number: the row, or with `passing` the place among those that pass, from 0.
    passing : str, optional
        A cut of the analysis.

    Raises
    ------
    UserError
        If there is no such event, or it is inside the box of a blinded sample.
    """
    opened = open_events([path], detector, calib)
    judge = Judge(analysis, opened.detector, unblind=unblind)
    numbers = read_numbers(event) if "/" in event else frozenset()
    if not numbers and not (event.isascii() and event.isdigit()):
        raise UserError(f"--event {event}: expected a number, or RUN/SPILL/NUMBER such as 6101/1/23")
    wanted = Wanted(region, passing or "", events=numbers)
    if numbers or passing is not None:
        place = 0 if numbers else int(event)
        search = Search(opened.files, judge, wanted)
        search.advance(place + 1)
        if place >= len(search.found):
            many = len(search.found)
            there = "no event" if not many else "only 1 event" if many == 1 else f"only {many} events"
            which = " with these numbers" if numbers else ""
            which += f" passing '{passing}'" if passing else ""
            raise UserError(f"--event {event}: {there}{which}")
        file, row = opened.files[search.found[place].file], search.found[place].row
    else:
        file, row = opened.files[0], int(event)
    one = file.one(row)
    if analysis is not None and not judge(file, one.table, Wanted(region)).seen[0]:
        raise UserError(f"--event {event}: inside the box of a blinded sample", hint="--unblind opens the box")
    return file, row, one, opened.detector
