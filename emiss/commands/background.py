"""``emiss background``: backgrounds from regions and spectra with their closure, budgets, events shared by regions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from emiss.commands import completing
from emiss.commands.grouped import grouped
from emiss.commands.places import PLACE
from emiss.terminal import print_table, say, warn

if TYPE_CHECKING:
    from emiss.programme.estimates import Found


@dataclass(frozen=True)
class What:
    """What is asked for."""

    result: Annotated[
        Path | None,
        typer.Option("--result", "-r", **PLACE, help="cutflow.json or its folder: where events were counted."),
    ] = None
    model: Annotated[
        str | None,
        typer.Option(help="abcd, transfer (zone to zone), exponential (a tail), sideband, or mixing (of events)."),
    ] = None
    budget: Annotated[str | None, typer.Option(help="Print a budget: a name that ships, or a file.")] = None
    on_target: Annotated[float | None, typer.Option(help="Budget: in so many particles on target.")] = None
    overlap: Annotated[
        bool, typer.Option("--overlap", help="Count the events of TABLES that two regions of --analysis share.")
    ] = False


@dataclass(frozen=True)
class Where:
    """Regions, samples and ranges."""

    region: Annotated[str, typer.Option(help="Region that is estimated, or of the histogram.")] = ""
    from_: Annotated[str, typer.Option("--from", metavar="A,B", help="Regions that it is estimated from.")] = ""
    data: Annotated[str, typer.Option(help="Sample that is extrapolated. Default: the one of the role data.")] = ""
    simulated: Annotated[str, typer.Option(metavar="A,B", help="Simulated samples. Default: all backgrounds.")] = ""
    histogram: Annotated[str, typer.Option(help="Tail, sideband: the histogram.")] = ""
    stage: Annotated[str, typer.Option(help="Tail, sideband: after which cut the histogram was filled.")] = ""
    fit: Annotated[list[str] | None, typer.Option(metavar="A,B", help="Range of the fit; each band of a sideband.")] = (
        None
    )
    into: Annotated[str, typer.Option(metavar="A,B", help="Tail, sideband: range that is estimated.")] = ""
    closure: Annotated[
        list[str] | None,
        typer.Option(
            help="Closure: a region (transfer, mixing), four regions (abcd), a range (tail, sideband); may be repeated."
        ),
    ] = None
    analysis: Annotated[
        str,
        typer.Option(autocompletion=completing.analyses, help="Overlap, mixing: the analysis whose regions are meant."),
    ] = ""
    tables: Annotated[
        list[Path] | None, typer.Option("--table", help="Overlap, mixing: an event table; may be repeated.")
    ] = None
    mix: Annotated[
        str, typer.Option(metavar="PART,PART", help="Mixing: parts whose columns come from another event.")
    ] = ""
    draws: Annotated[int, typer.Option(help="Mixing: mixtures of each block of events.")] = 50
    seed: Annotated[int, typer.Option(help="Mixing: where random numbers begin.")] = 1
    unblind: Annotated[bool, typer.Option("--unblind", help="Overlap: count events inside the blind box, too.")] = False


@dataclass(frozen=True)
class Shown:
    """Where it goes."""

    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write it to this JSON file.")] = None
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False


@grouped
def background(what: What, where: Where, shown: Shown) -> None:
    """Estimate a background from where it can be seen, with a closure; print a budget; count what regions share.

    For example:

      emiss background --result out/demo --model abcd --region signal --from no_veto,no_hcal,neither --data run2022

      emiss background -r out/demo --model transfer --region signal --from zone_1 --simulated dimuon --closure zone_2

      emiss background -r out/demo --model exponential --histogram e_ecal --fit "60,90" --into "0,50" --closure "50,60"

      emiss background --model mixing --analysis invisible --table run.parquet --mix "beam,srd" --closure zone_2

      emiss background --budget muon --on-target 1.98e10

      emiss background --overlap --analysis semivisible --table out/demo/tables/signal/signal.parquet
    """
    from emiss.configs.errors import UserError, did_you_mean
    from emiss.events.files.atomic import write_text
    from emiss.programme.estimates import MODELS

    asked = [bool(what.model), bool(what.budget), what.overlap]
    if sum(asked) != 1:
        raise UserError(
            "one of --model, --budget and --overlap says what is wanted", hint="see: emiss background --help"
        )
    if what.model is not None and what.model not in MODELS:
        raise UserError(f"--model: there is no '{what.model}'", hint=did_you_mean(what.model, MODELS))
    if what.budget is not None:
        data = _budget(what.budget, what.on_target, quiet=shown.json_)
    elif what.overlap:
        data = _overlap(where, quiet=shown.json_)
    else:
        found = _estimate(what, where)
        data = found.to_json()
        if not shown.json_:
            _print(found)
    if shown.json_:
        typer.echo(json.dumps(data, indent=1, allow_nan=False))
    if shown.out is not None:
        write_text(shown.out, json.dumps(data, indent=1, allow_nan=False) + "\n")
        if not shown.json_:
            say(f"written: {shown.out}", "dim")


def _estimate(what: What, where: Where) -> Found:
    from emiss.configs.errors import UserError
    from emiss.programme import estimates
    from emiss.selection.results.cutflow import Cutflow
    from emiss.selection.results.files.histograms import load_json

    if what.model == "mixing":
        from emiss.programme.mixing import Mixing, mix

        if not where.analysis or not where.tables:
            raise UserError("--model mixing needs --analysis and --table")
        how = Mixing(_names(where.mix), where.draws, where.seed)
        return mix(where.analysis, where.tables, where.region, how, where.closure or ())
    if what.result is None:
        raise UserError("where events were counted is missing", hint="--result FOLDER")
    file = what.result / "cutflow.json" if what.result.is_dir() else what.result
    flow = Cutflow.load(file)
    regions = estimates.Regions(flow, where.data, _names(where.simulated))
    if what.model in {"abcd", "transfer"}:
        if not where.region:
            raise UserError("which region is estimated: --region NAME")
        sources, closures = _names(where.from_), where.closure or ()
        if regions.hidden():
            warn(f"{regions.data} is blinded: events inside its box are in no count")
        if what.model == "abcd":
            return estimates.abcd(regions, (where.region, *sources), [_names(text) for text in closures])
        return estimates.transfer(regions, where.region, sources, list(closures))
    if not where.histogram or not where.fit or not where.into:
        raise UserError(f"--model {what.model} needs --histogram, --fit and --into")
    contents = load_json(file.with_name("histograms.json"))
    edges, counts = estimates.spectrum(contents, regions.data, where.histogram, where.region, where.stage)
    fits = [_range(text, "--fit") for text in where.fit]
    others = [_range(text, "--closure") for text in where.closure or ()]
    assert what.model is not None  # noqa: S101 - it is one of those that are left
    return estimates.tail(what.model, edges, counts, fits, _range(where.into, "--into"), others)


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _range(text: str, option: str) -> tuple[float, float]:
    from emiss.configs.errors import UserError

    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        raise UserError(f"{option} {text}: two numbers with a comma between them, in the unit of the axis") from None
    if not low < high:
        raise UserError(f"{option} {text}: the range is empty")
    return low, high


def _print(found: Found) -> None:
    estimate = found.estimate
    per = "" if found.per_particle is None else f", {found.per_particle:.3g} per particle on target"
    say(f"{found.place}, by {found.model}: {estimate.value:.4g} +- {estimate.error:.2g} events{per}")
    if found.correlation is not None:
        value, error = found.correlation
        say(f"correlation of the cuts in simulation: {value:.3g} +- {error:.2g}")
    for one in found.closures:
        verdict = "closes" if one.estimate.closes(one.seen) else "does NOT close"
        said = f"{one.estimate.value:.4g} +- {one.estimate.error:.2g} estimated, {one.seen.value:.4g} seen"
        say(f"closure in {one.place}: {said}, pull {one.pull:.2f}: {verdict}")
    for note in found.notes:
        say(note, "dim")


def _budget(name: str, on_target: float | None, *, quiet: bool) -> dict[str, Any]:
    """Print a budget, bounds apart, and return it as plain data."""
    from rich import box
    from rich.table import Table

    from emiss.commands.quantities import above_zero
    from emiss.reach.budgets import load_budget, to_json

    written = load_budget(name)
    factor = above_zero(on_target) if on_target is not None else written.on_target or 1.0
    data = to_json(written, factor)
    if quiet:
        return data
    say(f"{written.budget}, events in {factor:g} particles on target; {written.source}")
    table = Table(box=box.SIMPLE_HEAD, padding=0)
    for head in ("background", "kind", "expected", "bound", "in total"):
        table.add_column(head, justify="right" if head in {"expected", "bound"} else "left")
    entries, total, told = written.rates(), written.total(), written.told
    for one in entries:
        value, error = f"{one.value * factor:.3g}", f" +- {one.error * factor:.2g}" if one.error else ""
        bound = (
            f"< {value}"
            if one.kind == "bound"
            else (f"< {one.room * factor * 2.302585:.3g} (90 %)" if one.room else "")
        )
        table.add_row(
            one.name, one.kind, "" if one.kind == "bound" else value + error, bound, "yes" if one.counted else "no"
        )
    table.add_row("total", "", f"{total.value * factor:.3g} +- {total.error * factor:.2g}", "", "")
    print_table(table)
    if told is not None:
        say(f"the source's own total: {told.count:g} +- {told.error:g} in {written.on_target:g}", "dim")
    if written.remark:
        say(written.remark, "dim")
    return data


def _overlap(where: Where, *, quiet: bool) -> dict[str, Any]:
    """Print how many events two regions share, and return it as plain data."""
    from emiss.commands.shared import show
    from emiss.configs.errors import UserError
    from emiss.programme.shared_events import SCHEMA, count

    if not where.analysis or not where.tables:
        raise UserError("--overlap needs --analysis and --table")
    found = count(where.analysis, where.tables, _names(where.from_), unblind=where.unblind)
    if not quiet:
        show(found)
    return {"schema": SCHEMA, **found.to_json()}
