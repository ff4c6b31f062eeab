"""`run_study`: the pieces of a study are done, wherever that is, and added up; what comes out is as of `emiss process`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emiss.configs.errors import Location, UserError
from emiss.events import provenance
from emiss.events.files.manifest import NAME as MANIFEST
from emiss.job import lock, output
from emiss.job.outcome import Outcome, result_of, write_reports
from emiss.job.pools import pool_of
from emiss.job.reduction import Reductions
from emiss.selection import blinding
from emiss.selection.normalisation import PER_ON_TARGET
from emiss.selection.results.cutflow import Cutflow
from emiss.study import kept
from emiss.study.plan import inputs_of
from emiss.study.work import Studying, add, on_target

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from emiss.job.task import Executor
    from emiss.selection.results.result import Result
    from emiss.study.plan import Study
    from emiss.study.work import Found, StudySample


def run_study(
    study: Study,
    out: Path | None = None,
    *,
    executor: Executor = "serial",
    workers: int = 1,
    normalise: float = PER_ON_TARGET,
    brief: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> Outcome:
    """Do a planned study and write its cutflow and reports.

    Parameters
    ----------
    study : Study
    out : Path, optional
        Folder for the reports; nothing is written for None. Pieces that a study left there which was interrupted are not
        done again.
    executor : "serial", "processes" or Pool
        Who does the pieces; no number depends on it.
    workers : int
        Number of processes.
    normalise : float
        Particles on target that the reports give expected events for.
    brief : bool
        Write ``cutflow.json`` alone: pictures of many samples take longer than some studies.
    progress : callable
        Called with the number of events done, after each piece.

    Raises
    ------
    UserError
        If the folder cannot be written, is that of another job, or a sample cannot be simulated.
    """
    started = provenance.now()
    if out is None:
        sums = _sums(study, None, executor, workers, progress)
        return Outcome(_result(study, sums, started), (), (), (), remarks=_remarks(study))
    if (out / "tables" / MANIFEST).is_file():
        raise UserError(
            "here are the event tables of a job, whose cutflow this would replace",
            at=Location(str(out)),
            hint="take another folder for the study",
        )
    output.prepare(out)
    with lock.locked(out), kept.Kept(out, study) as store:
        sums = _sums(study, store, executor, workers, progress)
        result = _result(study, sums, started)
        if brief:
            result.cutflow.save(out / "cutflow.json")
            reports: tuple[Path, ...] = (out / "cutflow.json",)
        else:
            reports = write_reports(result, study.analysis, out, study.configs, normalise)
        store.forget()
    return Outcome(result, (), (), reports, remarks=_remarks(study))


def _sums(
    study: Study, store: kept.Kept | None, executor: Executor, workers: int, progress: Callable[[int], None]
) -> Mapping[str, Found]:
    """Return what each sample gives: of pieces that are there already, and of the others, which are done."""
    reductions: Reductions[Found] = Reductions([piece.name for piece in study.pieces], add)
    left = dict(enumerate(study.pieces))
    for number, found in store.found() if store is not None else ():
        reductions.put(number, found)
        progress(left.pop(number).events)
    work = Studying(study.analysis, study.samples, study.unblind)
    pieces = list(left.values())
    for piece, found in zip(pieces, pool_of(executor, workers).stream(work, pieces), strict=True):
        reductions.put(piece.number, found)
        if store is not None:
            store.add(piece.number, found)
        progress(piece.events)
    return {name: found for name, found in reductions.results().items() if found is not None}


def _result(study: Study, sums: Mapping[str, Found], started: str) -> Result:
    first, *rest = (_cutflow(study, sample, sums[sample.name]) for sample in study.samples)
    cutflow = sum(rest, first)
    about = provenance.record(
        configs=study.configs,
        payloads=study.payloads,
        **({"constants": _one_or_all(study.constants)} if study.constants else {}),
        inputs=blinding.sealed_inputs(inputs_of(study), study.hidden),
        started=started,
        unblinded=study.unblind,
        overrides=dict(study.overrides),
        simulated_with=provenance.code_of("physics", "samples"),
    )
    whole = Cutflow(cutflow.analysis, cutflow.cuts_hash, about, cutflow.samples)
    return result_of(whole.sealed(), {name: found.yields for name, found in sums.items()}, study.bounds[0].scans)


def _one_or_all(constants: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | list[Mapping[str, Any]]:
    """Return the tags of constants; one, if all samples have the same."""
    different = [one for place, one in enumerate(constants) if one not in constants[:place]]
    return different[0] if len(different) == 1 else different


def _cutflow(study: Study, sample: StudySample, found: Found) -> Cutflow:
    return Cutflow.single(
        analysis=study.analysis.name,
        cuts_hash=study.analysis.cuts_hash,
        sample=sample.name,
        role=sample.role,
        on_target=on_target(found, sample.events),
        scale=1.0,
        partial=False,
        ledger=found.ledger.check(),
        regions=found.yields.regions,
        coverage={sample.identity: ((0, sample.events),)},
        provenance={},
        process=found.process,
        hidden=sample.name in study.hidden,
    )


def _remarks(study: Study) -> tuple[str, ...]:
    """Return what should be known: samples that count as something else than their files say."""
    return tuple(
        f"sample {sample.name}: its role is '{sample.sample.role}', it is counted as {sample.role}"
        for sample in study.samples
        if sample.role != sample.sample.role
    )
