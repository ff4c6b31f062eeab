"""``emiss limit``: the 90 % CL limit on the coupling h against the mass of phi."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import typer

from emiss.commands.executing import Executing, note_of
from emiss.commands.grouped import grouped
from emiss.commands.limit_options import (
    Background,
    Comparison,
    Corrections,
    Exposure,
    General,
    Output,
    Signal,
    Statistics,
    Table,
)
from emiss.terminal import progress, say, warn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from emiss.job.task import Executor
    from emiss.job.work import Pool
    from emiss.physics.limits import Correlations
    from emiss.reach.efficiencies import Efficiency
    from emiss.reach.limit_curve import LimitCurve
    from emiss.reach.period_settings import Settings

MASSES = ["110 MeV", "150 MeV", "200 MeV", "300 MeV", "500 MeV", "700 MeV", "1 GeV", "1.5 GeV", "2 GeV", "3 GeV"]
"""Of Fig. 8 of arXiv:2404.15931."""

EVENTS = 5000
"""Per mass."""


@grouped
def limit(
    general: General,
    exposure: Exposure,
    signal: Signal,
    background: Background,
    corrections: Corrections,
    table: Table,
    statistics: Statistics,
    comparison: Comparison,
    executing: Executing,
    output: Output,
) -> None:
    """Give the limits of a search; without --search on the coupling h of phi, with muon g-2 and relic density beside it.

    Efficiencies come from a cutflow with signal samples of several masses, from a table, or are simulated on the spot.
    Limits are CLs; with few events they are exact, never asymptotic, unless asked for.

    For example:

      emiss limit --eot 1e11 --plot limit.pdf

      emiss limit --eot 1e11 --cutflow out/masses/cutflow.json --analysis e_to_mu_phi --out out/limit

      emiss limit --eot 2.8e11 --observed 0 --eot 4.4e11 --observed 1 --efficiencies table.csv --efficiency-error 0.1

      emiss limit --periods periods.yaml --out out/limit

      emiss limit --periods periods.yaml --method toys --executor processes --workers 8

      emiss limit --search invisible --on-target 2.84e11 --flat-efficiency 0.5 --mass 10MeV --out out/invisible

      emiss limit --search alp --periods na64e-2016..na64e-2018 --on-target published --flat-efficiency 0.5 --compare curve.csv
    """
    if general.search is not None:
        from emiss.commands import limit_search

        limit_search.run(
            general, exposure, signal, background, corrections, statistics, executing, output,
            others=limit_search.given(table, comparison),
        )  # fmt: skip
        return
    if given := general.given():
        from emiss.configs.errors import UserError

        raise UserError(f"{', '.join(given)}: for --search", hint="name a search: --search invisible")
    from emiss.commands.limit_checks import check
    from emiss.commands.quantities import energy
    from emiss.events import provenance
    from emiss.physics.constraints import relic
    from emiss.physics.validity import check_coupling
    from emiss.reach import sensitivity, workspaces
    from emiss.reach.limit_curve import LimitCurve
    from emiss.reach.period_reader import Reader

    started = provenance.now()
    check(exposure, signal, background, corrections, statistics, comparison, output, general.export or ())
    settings, correlations, configs = _settings(exposure, signal, background, corrections)
    budget = background.budget(used=_may_use_budget(settings))

    def simulate() -> list[Efficiency]:
        found, made_of = _simulated(signal, how, executing, quiet=output.quiet)
        configs.update(made_of)
        return found

    with executing.begun(quiet=output.quiet) as how, _said() as said:
        reader = Reader(
            analysis=signal.analysis,
            simulate=simulate,
            threshold=energy(table.threshold, "--threshold"),
            beam_energy=energy(table.beam_energy, "--beam-energy"),
            budget=budget,
            empty=background.empty,  # type: ignore[arg-type]
            variations=corrections.variations,
        )
        periods = [reader.period(one) for one in settings]
        masses = len(periods[0].efficiencies)
        with progress("limits", masses, quiet=output.quiet, unit="masses", note=note_of(how)) as step:
            points = sensitivity.curve(
                periods,
                confidence=statistics.confidence,
                method=statistics.method,  # type: ignore[arg-type]
                correlations=correlations,
                pool=_pool(how, executing),
                progress=step,
            )
        check_coupling(max(point.median for point in points), "the largest median limit on h")
        ratios = comparison.ratio or [relic.INVISIBLE, relic.PRINTED]
        moved = sensitivity.contributions(periods, points, correlations)
        curve = LimitCurve.of(points, periods, comparison.difference, ratios, moved)
    data = curve.to_json(provenance.record(configs=configs, inputs=_inputs(settings), started=started))
    _print(curve, data, output)
    written = curve.write(data, output.out, output.plot)
    if general.export and output.out is not None:
        written += workspaces.write(periods, points, correlations, output.out)
    if written and not output.quiet and not output.json_:
        say("written: " + ", ".join(map(str, written)), "dim")
    for text in dict.fromkeys(said):
        warn(text)


def _settings(
    exposure: Exposure, signal: Signal, background: Background, corrections: Corrections
) -> tuple[list[Settings], Correlations | None, dict[str, str]]:
    """Return the periods, which errors they share (None: all), and the configs that they stand on."""
    from emiss.reach.period_settings import Settings
    from emiss.reach.periods_file import load

    default = Settings(
        cutflow=signal.cutflow,
        table=signal.efficiencies,
        known=signal.known(),
        region=signal.region,
        background=background.background,
        background_error=background.background_error,
        on_target_error=corrections.eot_error,
        efficiency_error=corrections.efficiency_error,
        efficiency_factor=corrections.efficiency_factor,
        nucleus=corrections.target,
    )
    if exposure.periods is not None:
        found, common, document = load(exposure.periods, default)
        return [_with_file(one) for one in found], common, {document.name: document.text}
    eot, observed, data = exposure.eot, exposure.observed, exposure.data
    one_by_one = [
        replace(
            default,
            on_target=eot[i] if eot else None,
            observed=observed[i] if observed else None,
            data=data[i] if data else None,
        )
        for i in range(exposure.count)
    ]
    return [_with_file(one) for one in one_by_one], None, {}


def _with_file(settings: Settings) -> Settings:
    """Return the settings with the cutflow's file in the place of its folder."""
    path = settings.cutflow
    return replace(settings, cutflow=path / "cutflow.json") if path is not None and path.is_dir() else settings


def _may_use_budget(settings: Sequence[Settings]) -> bool:
    """Return whether the background may be the paper's budget in all periods, or chosen in some."""
    names = [one.background for one in settings]
    return "auto" in names or all(name == "budget" for name in names)


def _pool(how: Executor, executing: Executing) -> Pool | None:
    """Return who does the work at each mass; None for this process."""
    from emiss.job.pools import pool_of

    return None if how == "serial" else pool_of(how, executing.many)


def _simulated(
    signal: Signal, how: Executor, executing: Executing, *, quiet: bool
) -> tuple[list[Efficiency], Mapping[str, str]]:
    """Return efficiencies that are simulated on the spot, and the configs that they stand on."""
    from emiss import selection
    from emiss.commands.quantities import energies
    from emiss.reach import efficiencies
    from emiss.samples.config import load_sample

    masses = energies(signal.mass or MASSES, "--mass")
    events = signal.events or EVENTS
    loaded, made_of = selection.load(signal.analysis or "e_to_mu_phi"), load_sample(signal.sample)
    with progress("simulate", events * len(masses), quiet=quiet, note=note_of(how)) as step:
        found = efficiencies.simulated(
            masses,
            loaded,
            made_of,
            events=events,
            region=signal.region,
            pool=_pool(how, executing),
            progress=step,
        )
    document = made_of.document
    return found, {**loaded.source_texts, **({document.name: document.text} if document else {})}


@contextmanager
def _said() -> Iterator[list[str]]:
    """Collect warnings; the list is full when the block has ended."""
    import warnings

    texts: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield texts
    texts += [str(warning.message) for warning in caught]


def _inputs(settings: Sequence[Settings]) -> list[dict[str, str]]:
    from emiss.events.files.identity import checksum

    paths = dict.fromkeys(path for one in settings for path in (one.cutflow, one.table) if path)
    return [{"path": str(path), "identity": checksum(path)} for path in paths]


def _print(curve: LimitCurve, data: Mapping[str, Any], output: Output) -> None:
    """Print the limits, as a table or as JSON; what is doubtful stands above, or on the error stream."""
    import json

    from emiss.reach import limit_table

    if output.json_:
        typer.echo(json.dumps(data, indent=1, allow_nan=False))
    elif not output.quiet:
        limit_table.show(curve)
        return
    for text in curve.doubts:
        warn(text)
