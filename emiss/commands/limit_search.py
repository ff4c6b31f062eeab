"""``emiss limit --search``: the limits of a search from a file, in its own plane."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import typer

from emiss.commands.executing import Executing, note_of
from emiss.terminal import progress, say, warn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emiss.commands.limit_options import Background, Corrections, Exposure, General, Output, Signal, Statistics
    from emiss.job.task import Executor
    from emiss.job.work import Pool
    from emiss.physics.limits import Correlations
    from emiss.programme.counted import Asked, SearchPeriod
    from emiss.programme.run import Efficiencies
    from emiss.programme.search_file import SearchFile

NOT_HERE = {
    "exposure": ("eot", "data"),
    "signal": ("cutflow", "efficiencies", "signal", "sample", "region", "analysis"),
    "background": ("empty", "srd_factor", "srd_reading"),
    "corrections": ("target", "variations"),
}
"""Options of the limit on phi that say what the file of a search says."""


def given(*groups: Any) -> list[str]:
    """Return the options of groups that differ from their defaults, as they are written."""
    return [
        f"--{field.name.rstrip('_').replace('_', '-')}"
        for group in groups
        for field in fields(group)
        if getattr(group, field.name) != field.default
    ]


def run(
    general: General,
    exposure: Exposure,
    signal: Signal,
    background: Background,
    corrections: Corrections,
    statistics: Statistics,
    executing: Executing,
    output: Output,
    *,
    others: Sequence[str] = (),
) -> None:
    """Give the limits of a search.

    Raises
    ------
    UserError
        For options that are wrong or do not go together, and all mistakes of files.
    """
    from emiss.commands.quantities import energies
    from emiss.events import provenance
    from emiss.programme import exports
    from emiss.programme.counted import background_of, periods_of
    from emiss.programme.curves import compare, read_curve
    from emiss.programme.mass_limit import How
    from emiss.programme.outputs import write
    from emiss.programme.result import SearchLimit
    from emiss.programme.run import Limiting, closings, limits, masses_of
    from emiss.programme.search_file import load_search
    from emiss.programme.search_table import show

    started = provenance.now()
    _check(general, exposure, signal, background, corrections, statistics, output, others)
    assert general.search is not None  # noqa: S101 - or this would not run
    search = load_search(general.search)
    curves = [read_curve(path, general.columns) for path in general.compare or ()]
    drawn = [read_curve(path, general.columns) for path in general.draw or ()]
    left = background_of(
        search, "" if background.background == "auto" else background.background, background.background_error
    )
    periods = periods_of(search, _asked(general, exposure, background, corrections), left)
    masses = masses_of(search, energies(signal.mass, "--mass") if signal.mass else ())
    plane = search.plane
    how = How(
        plane.low, plane.high, plane.reference, statistics.confidence, statistics.method, _common(general.independent)  # type: ignore[arg-type]
    )  # fmt: skip
    work = Limiting(search, tuple(periods), how)
    with executing.begun(quiet=output.quiet) as executor:
        pool = _pool(executor, executing)
        efficiencies, source = _efficiencies(
            search, periods, masses, general, signal, executor, executing, quiet=output.quiet
        )
        with progress("limits", len(efficiencies), quiet=output.quiet, unit="masses", note=note_of(executor)) as step:
            points = limits(work, efficiencies, pool=pool, progress=step)
    first = next(iter(search.cases))
    found = SearchLimit(
        search=search,
        periods=periods,
        left=left,
        how=how,
        points=points,
        closings=closings(work, points, efficiencies),
        efficiency_source=source,
        comparisons=[compare(curve, [one for one in points if one.case == first]) for curve in curves],
        curves=[*curves, *drawn],
        warnings=left.warnings,
    )
    configs = {search.document.name: search.document.text}
    if left.document is not None:
        configs[left.document.name] = left.document.text
    data = found.to_json(provenance.record(configs=configs, started=started))
    if output.json_:
        typer.echo(json.dumps(data, indent=1, allow_nan=False))
    elif not output.quiet:
        show(found)
    if output.json_ or output.quiet:
        for text in found.warnings:
            warn(text)
    written = write(found, data, output.out, output.plot)
    if general.export and output.out is not None:
        written += exports.write(found, general.export, output.out)
    if written and not output.quiet and not output.json_:
        say("written: " + ", ".join(map(str, written)), "dim")


def _efficiencies(
    search: SearchFile,
    periods: Sequence[SearchPeriod],
    masses: dict[str, tuple[float, ...]],
    general: General,
    signal: Signal,
    executor: Executor,
    executing: Executing,
    *,
    quiet: bool,
) -> tuple[dict[tuple[str, float], Efficiencies], str]:
    """Return the efficiencies of each case and mass, and where they are from."""
    from emiss.programme.run import flat

    value = general.flat_efficiency
    if value is not None:
        found = {
            (case, mass): flat(search, case, periods, value) for case, of_case in masses.items() for mass in of_case
        }
        return found, f"{value:g} at all masses, as given"
    from emiss.programme import simulated

    events = simulated.EVENTS if signal.events is None else signal.events
    samples = simulated.count(search, periods, masses)
    with progress("simulate", events * samples, quiet=quiet, note=note_of(executor)) as step:
        made = simulated.efficiencies(
            search, periods, masses, events=events, executor=executor, workers=executing.many, progress=step
        )
    return made, f"simulated, {samples} samples of {events} events, analysis '{search.analysis}'"


def _common(independent: Sequence[str] | None) -> Correlations:
    """Return which errors are common to all periods.

    Raises
    ------
    UserError
        For an error that there is not.
    """
    from emiss.configs.errors import UserError, did_you_mean
    from emiss.physics.limits import Correlations

    kinds = ("efficiency", "background", "exposure")
    for name in independent or ():
        if name not in kinds:
            raise UserError(f"--independent: there is no error '{name}'", hint=did_you_mean(name, kinds))
    return Correlations(**{name: name not in (independent or ()) for name in kinds})


def _asked(general: General, exposure: Exposure, background: Background, corrections: Corrections) -> Asked:
    from emiss.programme.counted import Asked

    on_target, take = _on_target(general.on_target)
    return Asked(
        periods="" if exposure.periods is None else str(exposure.periods),
        on_target=on_target,
        take=take,
        observed=tuple(exposure.observed or ()),
        background="" if background.background == "auto" else background.background,
        background_error=background.background_error,
        on_target_error=corrections.eot_error,
        efficiency_error=corrections.efficiency_error,
        efficiency_factor=corrections.efficiency_factor,
    )


def _on_target(text: str | None) -> tuple[float | None, tuple[str, ...]]:
    """Return particles on target, or the readings that are named."""
    from emiss.configs.errors import UserError

    if text is None:
        return None, ()
    try:
        value = float(text)
    except ValueError:
        return None, tuple(part.strip() for part in text.split(","))
    if not 0.0 < value < float("inf"):
        raise UserError(f"--on-target {text}: a number above 0, or the name of a reading")
    return value, ()


def _check(
    general: General,
    exposure: Exposure,
    signal: Signal,
    background: Background,
    corrections: Corrections,
    statistics: Statistics,
    output: Output,
    others: Sequence[str],
) -> None:
    """Refuse options that are wrong, or for another limit."""
    from emiss.configs.errors import Problems, UserError, did_you_mean
    from emiss.drawing import check_suffix
    from emiss.physics.limits import METHODS
    from emiss.programme import exports

    problems = Problems()
    groups: dict[str, Any] = {
        "exposure": exposure, "signal": signal, "background": background, "corrections": corrections
    }  # fmt: skip
    foreign = [
        option
        for group, names in NOT_HERE.items()
        for option in given(groups[group])
        if option.removeprefix("--").replace("-", "_") in names
    ]
    for option in [*foreign, *others]:
        hint = "--on-target N" if option == "--eot" else "the file of the search says it"
        problems.add(UserError(f"{option} is not for --search", hint=hint))
    if general.flat_efficiency is not None and not 0.0 < general.flat_efficiency <= 1.0:
        problems.add(UserError(f"--flat-efficiency {general.flat_efficiency:g}: it lies between 0 and 1"))
    if statistics.method not in METHODS:
        problems.add(
            UserError(f"--method: there is no '{statistics.method}'", hint=did_you_mean(statistics.method, METHODS))
        )
    if not 0.0 < statistics.confidence < 1.0:
        problems.add(UserError(f"--confidence {statistics.confidence:g}: it lies between 0 and 1"))
    if not 0.0 < corrections.efficiency_factor < float("inf"):
        problems.add(UserError("--efficiency-factor must be above 0, and finite"))
    on_target, _ = (None, ()) if general.on_target is None else _on_target(general.on_target)
    if on_target is not None and exposure.periods is not None:
        problems.add(
            UserError("--on-target with a number and --periods both say the exposure", hint="leave out one of them")
        )
    if general.export and output.out is None:
        problems.add(UserError("--export writes into a folder", hint="--out FOLDER"))
    for test in (lambda: exports.check(general.export or ()), lambda: _common(general.independent)):
        try:
            test()
        except UserError as error:
            problems.add(error)
    if output.plot is not None:
        try:
            check_suffix(output.plot)
        except UserError as error:
            problems.add(error)
    if output.out is not None and output.out.exists() and not output.out.is_dir():
        problems.add(UserError(f"--out: {output.out} is a file, not a folder"))
    problems.check()


def _pool(executor: Executor, executing: Executing) -> Pool | None:
    from emiss.job.pools import pool_of

    return None if executor == "serial" else pool_of(executor, executing.many)
