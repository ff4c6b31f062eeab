"""What comes out of a job: results, what was lost, what is to be known; and the files that are written of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from emiss.configs.errors import EmissError
from emiss.events.files.atomic import staged
from emiss.events.ledger import total
from emiss.job import skim
from emiss.selection.results.result import Result

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from emiss.events.ledger import Ledger
    from emiss.job.skim import Kept, Wanted
    from emiss.job.work import Failure, Pool
    from emiss.selection import Analysis
    from emiss.selection.counting.counter import Yields
    from emiss.selection.counting.scans import BoundScan
    from emiss.selection.results.cutflow import Cutflow

SHOWN = 12
"""Failures that a message names; the log has all of them."""


@dataclass(frozen=True)
class Outcome:
    """The result of a job.

    Attributes
    ----------
    result : Result
        Cutflow, histograms and scans.
    losses : tuple of str
        One line per file that lost something: file, how many, why.
    too_bad : tuple of str
        Samples whose bad fraction is above the limit.
    reports : tuple of Path
        Files written besides the tables.
    reused : int
        Tasks whose table was there already.
    kept : tuple of Kept
        Skims that were written.
    remarks : tuple of str
        What is not wrong, but should be known before the numbers are believed.
    failures : tuple of str
        Tasks that could not be done, each with its file, entries, worker and reason; their samples are partial.
    """

    result: Result
    losses: tuple[str, ...]
    too_bad: tuple[str, ...]
    reports: tuple[Path, ...]
    reused: int = 0
    kept: tuple[Kept, ...] = ()
    remarks: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()

    @property
    def cutflow(self) -> Cutflow:
        """The cutflow of the result."""
        return self.result.cutflow


class TasksFailedError(EmissError):
    """Tasks could not be done; all else is, and has been saved."""

    exit_code = 3

    def __init__(self, failures: Sequence[str], *, stored: bool = True) -> None:
        shown = [
            *failures[:SHOWN],
            *([f"... and {len(failures) - SHOWN} more: see log.txt"] if len(failures) > SHOWN else []),
        ]
        again = "run the same command again" + (": it does only what is missing" if stored else "")
        super().__init__(
            "\n".join([*shown, f"{len(failures)} tasks could not be done, their samples are partial; {again}"])
        )
        self.failures = tuple(failures)

    def __reduce__(self) -> tuple[Any, ...]:
        return TasksFailedError, (self.failures,)


class NothingDoneError(EmissError):
    """Not one task of a job could be done."""

    exit_code = 3

    def __init__(self, failures: Sequence[Failure]) -> None:
        super().__init__("\n".join(["no task could be done", *map(str, failures[:SHOWN])]))
        self.failures = tuple(failures)

    def __reduce__(self) -> tuple[Any, ...]:
        return NothingDoneError, (self.failures,)


def result_of(cutflow: Cutflow, yields: Mapping[str, Yields], scans: tuple[BoundScan, ...]) -> Result:
    """Return cutflow, histograms and scans as one result."""
    return Result(
        cutflow,
        {sample: found.histograms for sample, found in yields.items()},
        {sample: found.scans for sample, found in yields.items()},
        scans,
    )


def keep_events(
    tables: Sequence[Path],
    analysis: Analysis,
    keep: Wanted | None,
    result: Result,
    *,
    unblind: bool,
    pool: Pool | None = None,
) -> tuple[Kept, ...]:
    """Write the skims that are wanted."""
    return () if keep is None else skim.write(tables, analysis, keep, result.cutflow, unblind=unblind, pool=pool)


def write_reports(
    result: Result, analysis: Analysis, out: Path, configs: Mapping[str, str], normalise: float
) -> tuple[Path, ...]:
    """Write cutflow, histograms and scans to a folder; return the files."""
    from emiss.selection import report

    out.mkdir(parents=True, exist_ok=True)
    sources = {**analysis.source_texts, **configs}
    with staged(out) as folder:
        written = report.write_all(result, folder, sources=sources, normalise_to=normalise)
    return tuple(out / path.relative_to(folder).as_posix() for path in written)


def losses_of(parts: Iterable[tuple[str, Ledger]]) -> tuple[str, ...]:
    """Return one line per file that lost events, bytes or parts of events, and one per kind of remark."""
    by_file: dict[str, list[Ledger]] = {}
    for name, part in parts:
        by_file.setdefault(name, []).append(part)
    lines = []
    remarks: dict[str, list[tuple[str, int]]] = {}
    for name, ledgers in by_file.items():
        ledger = total(ledgers)
        if said := _lost(ledger):
            lines.append(f"{name}: of {ledger.read} events {said}")
        for what, count in ledger.remarks.items():
            remarks.setdefault(what, []).append((name, count))
    for what, files in remarks.items():
        where = files[0][0] + (f" and {len(files) - 1} more files" if len(files) > 1 else "")
        lines.append(f"{where}: {sum(count for _, count in files)} remarks: {what}")
    return tuple(lines)


def _lost(ledger: Ledger) -> str:
    """Return what a file lost, or nothing."""
    copies = {name: count for name, count in ledger.excluded.items() if name.startswith("raw.")}
    said = [f"{count} lost ({reason})" for reason, count in ledger.lost.items()]
    said += [f"about {count} missing ({method})" for method, count in ledger.missing.items()]
    said += [f"{count} left out as copies ({name})" for name, count in copies.items()]
    said += [f"{item.events} damaged ({reason})" for reason, item in ledger.damage.items()]
    if ledger.unusable:
        said.append(f"{ledger.unusable} in which a part of the detector is undefined")
    if ledger.bytes_skipped:
        said.append(f"{ledger.bytes_skipped} bytes skipped")
    exposure = "; the exposure was not reduced for them" if ledger.lost or ledger.missing else ""
    return ", ".join(said) + exposure


def too_bad(cutflow: Cutflow, limit: float) -> tuple[str, ...]:
    """Return one line per sample of which more than `limit` of the events are lost, missing or unusable."""
    return tuple(
        f"sample {name}: {sample.ledger.bad_fraction:.2%} of the events are {_how_bad(sample.ledger)}, "
        f"the limit is {limit:.2%}"
        for name, sample in cutflow.samples.items()
        if sample.ledger.bad_fraction > limit
    )


def _how_bad(ledger: Ledger) -> str:
    """Return what the bad fraction is made of."""
    parts = {"lost": sum(ledger.lost.values()), "missing": sum(ledger.missing.values()), "unusable": ledger.unusable}
    return " or ".join(f"{what} ({count})" for what, count in parts.items() if count)
