"""The results of one task as plain data, and back: every number to its last bit, and no more than the numbers.

What they are of (cuts, bins, steps) is said by the analysis, whose counts of no event are what the numbers are put into.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.configs.errors import UserError
from emiss.events.ledger import Ledger
from emiss.job.worker import Done
from emiss.selection.counting.counter import Yields
from emiss.selection.counting.counts import CutCounts, Tally
from emiss.selection.counting.histograms import Filled, Key
from emiss.selection.counting.samples import SampleCounts
from emiss.selection.results.cutflow import Cutflow

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.job.task import Task
    from emiss.selection import Analysis
    from emiss.selection.counting.scans import ScanCounts

_TALLIES = ("sequential", "individual", "n_minus_1", "only_failed")


def to_json(done: Done) -> dict[str, Any]:
    """Return the results of a task as plain data."""
    sample = done.cutflow.samples[done.task.sample.name]
    return {
        "number": done.task.number,
        "key": done.task.key,
        "growing": done.growing,
        **counts_to_json(sample.ledger, replace(done.yields, regions=sample.regions)),
    }


def counts_to_json(ledger: Ledger, yields: Yields) -> dict[str, Any]:
    """Return a ledger, and counts, histograms and scans, as plain data."""
    return {
        "ledger": ledger.to_json(),
        "counts": [
            [region, variation, [_row(row) for row in rows]]
            for region, variations in yields.regions.items()
            for variation, rows in variations.items()
        ],
        "histograms": [_histogram(key, filled) for key, filled in yields.histograms.items()],
        "scans": [_scan(*key, counts) for key, counts in yields.scans.items()],
    }


def counts_from_json(data: Mapping[str, Any], empty: Yields) -> tuple[Ledger, Yields]:
    """Return the ledger, and counts, histograms and scans, that `counts_to_json` gave.

    Parameters
    ----------
    data : mapping
    empty : Yields
        What the analysis makes of no event.

    Raises
    ------
    KeyError, TypeError, ValueError
        If they are not complete, or not of this analysis.
    """
    regions: dict[str, dict[str, tuple[CutCounts, ...]]] = {}
    for region, variation, rows in data["counts"]:
        known = empty.regions[region][variation]
        regions.setdefault(region, {})[variation] = tuple(
            _filled_row(row, said) for row, said in zip(known, rows, strict=True)
        )
    histograms = dict(_filled(empty.histograms, item) for item in data["histograms"])
    scans = dict(_scanned(empty.scans, item) for item in data["scans"])
    return Ledger.from_json(data["ledger"]), Yields(regions, histograms, scans)


def from_json(data: Mapping[str, Any], task: Task, analysis: Analysis, empty: Yields, *, hidden: bool) -> Done:
    """Return the results that `to_json` gave.

    Parameters
    ----------
    data : mapping
    task : Task
    analysis : Analysis
    empty : Yields
        What the analysis makes of no event of the task's table.
    hidden : bool
        Whether events of the sample are hidden.

    Raises
    ------
    UserError
        If they are not of this analysis.
    """
    try:
        ledger, yields = counts_from_json(data, empty)
        growing = bool(data["growing"])
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"the results of {task} are not complete, or of other cuts: {error!r}") from None
    counts = SampleCounts(
        role=task.sample.role,
        on_target=task.on_target,
        scale=task.sample.scale,
        partial=task.partial,
        ledger=ledger,
        regions=yields.regions,
        coverage={task.identity: ((task.start, task.stop),)},
        hidden=hidden,
        process=task.process,
    )
    cutflow = Cutflow(analysis.name, analysis.cuts_hash, {}, {task.sample.name: counts})
    return Done(task, cutflow, replace(yields, regions={}), ledger.passed, 0.0, reused=False, growing=growing)


def _row(row: CutCounts) -> dict[str, Any]:
    tallies = {name: getattr(row, name) for name in _TALLIES}
    return {
        **{name: [tally.n, tally.sum_w, tally.sum_w2] for name, tally in tallies.items()},
        "undefined": [row.undefined, row.individual_undefined],
        "overlap": list(row.overlap),
        "damaged": [list(item) for item in row.damaged],
    }


def _filled_row(empty: CutCounts, data: Mapping[str, Any]) -> CutCounts:
    undefined, individual_undefined = data["undefined"]
    sequential, individual, n_minus_1, only_failed = (Tally(*data[name]) for name in _TALLIES)
    return replace(
        empty,
        sequential=sequential,
        individual=individual,
        n_minus_1=n_minus_1,
        only_failed=only_failed,
        undefined=undefined,
        individual_undefined=individual_undefined,
        overlap=tuple(data["overlap"]),
        damaged=tuple((name, n) for name, n in data["damaged"]),
    )


def _histogram(key: Key, filled: Filled) -> list[Any]:
    view = filled.hist.view(flow=True)
    said = [key.name, key.region, key.stage, key.variation]
    return [said, filled.undefined, view["value"].ravel().tolist(), view["variance"].ravel().tolist()]


def _filled(empty: Mapping[Key, Filled], data: list[Any]) -> tuple[Key, Filled]:
    said, undefined, values, variances = data
    key = Key(*said)
    filled = replace(empty[key], hist=empty[key].hist.copy(), undefined=undefined)
    view = filled.hist.view(flow=True)
    view["value"] = np.reshape(np.array(values, np.float64), view.shape)
    view["variance"] = np.reshape(np.array(variances, np.float64), view.shape)
    return key, filled


def _scan(name: str, region: str, counts: ScanCounts) -> list[Any]:
    covariance = None if counts.covariance is None else counts.covariance.tolist()
    return [name, region, counts.n.tolist(), counts.sum_w.tolist(), counts.sum_w2.tolist(), covariance]


def _scanned(empty: Mapping[tuple[str, str], ScanCounts], data: list[Any]) -> tuple[tuple[str, str], ScanCounts]:
    name, region, n, sum_w, sum_w2, covariance = data
    known = empty[name, region]

    def shaped(numbers: Any, like: Any) -> Any:
        return np.reshape(np.array(numbers, like.dtype), like.shape)

    return (name, region), replace(
        known,
        n=shaped(n, known.n),
        sum_w=shaped(sum_w, known.sum_w),
        sum_w2=shaped(sum_w2, known.sum_w2),
        covariance=None if known.covariance is None else shaped(covariance, known.covariance),
    )
