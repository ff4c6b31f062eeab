"""``emiss diff``: what differs between two cutflows, two analyses on the same tables, or two tables."""

from __future__ import annotations

import csv
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from emiss.commands import completing
from emiss.commands.places import PLACE, a_path
from emiss.commands.process import Unblind
from emiss.terminal import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from emiss.look.diff import Moved
    from emiss.selection.results.cutflow import Cutflow
    from emiss.selection.results.difference import Difference, Note
    from emiss.selection.results.histogram_difference import Contents

DIFFERENT = 4
SHOWN = 20


def diff(
    a: Annotated[
        Path, typer.Argument(parser=a_path, metavar="A", help="A cutflow.json (or its folder), an analysis, or tables.")
    ],
    b: Annotated[Path, typer.Argument(parser=a_path, metavar="B", help="The same of the other side.")],
    on: Annotated[
        list[Path] | None, typer.Option(**PLACE, help="Event tables (or folders) to compare two analyses on.")
    ] = None,
    analysis: Annotated[
        str, typer.Option(autocompletion=completing.analyses, help="Analysis to compare two sets of tables with.")
    ] = "e_to_mu_phi",
    region: Annotated[str | None, typer.Option(help="Region whose events are compared; the first by default.")] = None,
    tolerance: Annotated[
        float, typer.Option(min=0.0, help="Relative difference of sums of weights to ignore.")
    ] = 1e-12,
    events: Annotated[Path | None, typer.Option(help="Write all events that differ to this CSV file.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print the difference as JSON.")] = False,
    unblind: Unblind = False,
) -> None:
    """Compare two cutflows, two analyses on the same tables, or two sets of tables under one analysis.

    Which cut changed, by how many events, and, where tables are given, which events: those that pass on one side only, with
    the cut that stops them on the other. The exit code is 4 if anything differs, 0 if not. Constants that are not the same are
    told of beside that.

    For example:

      emiss diff out/demo out/new

      emiss diff old_cuts.yaml new_cuts.yaml --on out/demo --events moved.csv

      emiss diff out/demo/tables out/recalibrated/tables --analysis e_to_mu_phi
    """
    from emiss.calib.recorded import differences

    first, second, moved, beside = _sides(a, b, on or [], analysis, region, unblind=unblind)
    found = _difference(first, second, beside, tolerance)
    count, listed = _written(moved, events, None if json_ else SHOWN)
    constants = differences(first.cutflow.provenance, second.cutflow.provenance)
    if json_:
        plain = _plain(found, listed if moved is not None else None)
        typer.echo(json.dumps({**plain, "constants": constants}, indent=1))
    else:
        _print(found, (str(a), str(b)), count, listed, events)
        for line in constants:
            say(line)
    if found or count:
        raise typer.Exit(DIFFERENT)


class Side(NamedTuple):
    """The cutflow of one side, and its histograms where it has some."""

    cutflow: Cutflow
    histograms: Contents | None


def _difference(first: Side, second: Side, beside: Sequence[Note], tolerance: float) -> Difference:
    """Return what differs; `beside` the cuts is what the analyses themselves tell."""
    from emiss.selection.results import difference, histogram_difference

    found = difference.compare(first.cutflow, second.cutflow, tolerance=tolerance)
    if beside:
        notes = (*(note for note in found.notes if note.what != difference.BEHIND), *beside)
        found = replace(found, notes=notes)
    if first.histograms is None and second.histograms is None:
        return found
    if first.histograms is None or second.histograms is None:
        said = ["not there" if side.histograms is None else "there" for side in (first, second)]
        return replace(found, histograms=(difference.Note("", "histograms.json", *said),))
    return replace(
        found, histograms=histogram_difference.compare(first.histograms, second.histograms, tolerance=tolerance)
    )


def _sides(
    a: Path, b: Path, on: list[Path], analysis: str, region: str | None, *, unblind: bool
) -> tuple[Side, Side, Iterable[Moved] | None, Sequence[Note]]:
    """Return both sides, the events that move where there are tables, and what differs beside the cuts."""
    from emiss import selection
    from emiss.configs.errors import Location, UserError
    from emiss.job.select import select
    from emiss.look import diff as tables
    from emiss.selection.results.difference import declared
    from emiss.selection.results.histogram_difference import contents

    def flow(paths: list[Path], by: selection.Analysis) -> Side:
        result = select(paths, by, None, unblind=unblind, fill=True).result
        return Side(result.cutflow, contents(result.histograms))

    for side in (a, b):
        if not (side.exists() or _ships(side)):
            raise UserError("no such file or folder, and no analysis of this name ships", at=Location(str(side)))
    kinds = {_kind(a), _kind(b)}
    if kinds == {"analysis"}:
        if not on:
            raise UserError("two analyses are compared on event tables", hint="add --on out/demo")
        first, second = selection.load(a), selection.load(b)
        moved = tables.between_analyses(on, first, second, region=region, unblind=unblind)
        return flow(on, first), flow(on, second), moved, declared(first, second)
    if on:
        raise UserError("--on is for two analyses; these are none")
    if kinds == {"cutflow"}:
        return _saved(a), _saved(b), None, ()
    if kinds == {"tables"}:
        loaded = selection.load(analysis)
        moved = tables.between_tables([a], [b], loaded, region=region, unblind=unblind)
        return flow([a], loaded), flow([b], loaded), moved, ()
    said = {"cutflow": "a cutflow", "analysis": "an analysis", "tables": "event tables"}
    raise UserError(
        f"{a} is {said[_kind(a)]}, {b} is {said[_kind(b)]}: two of one kind are compared",
        hint="a folder with a cutflow.json is a cutflow; its event tables are those in FOLDER/tables",
    )


def _kind(path: Path) -> str:
    """Return what a path is: ``cutflow``, ``analysis`` or ``tables``."""
    if path.suffix == ".json" or (path / "cutflow.json").is_file():
        return "cutflow"
    return "analysis" if path.suffix in (".yaml", ".yml") or _ships(path) else "tables"


def _ships(path: Path) -> bool:
    """Return whether this is the name of an analysis that ships, and nothing of that name is here."""
    from emiss.configs import loader

    return not path.exists() and str(path) in loader.shipped("analyses")


def _saved(path: Path) -> Side:
    """Return a cutflow that is stored, and the histograms beside it."""
    from emiss.selection.results.cutflow import Cutflow
    from emiss.selection.results.files.histograms import load_json

    file = path / "cutflow.json" if path.is_dir() else path
    histograms = file.with_name("histograms.json")
    return Side(Cutflow.load(file), load_json(histograms) if histograms.is_file() else None)


def _written(moved: Iterable[Moved] | None, path: Path | None, keep: int | None) -> tuple[int, list[Moved]]:
    """Return how many events move and the first of them, and write all of them where that is asked for."""
    from emiss.selection.results.files.sheet import cell

    count, kept = 0, []
    with open(path or os.devnull, "w", encoding="utf-8", newline="") as file:  # noqa: PTH123 - devnull is no path of ours
        sheet = csv.writer(file, lineterminator="\n")
        sheet.writerow(("sample", "event", "passes only in", "stopped in the other by"))
        for event in moved or ():
            sheet.writerow((cell(event.sample), "/".join(map(str, event.identity)), "AB"[event.side], cell(event.at)))
            count += 1
            if keep is None or count <= keep:
                kept.append(event)
    return count, kept


def _print(found: Difference, names: tuple[str, str], count: int, moved: list[Moved], path: Path | None) -> None:
    from emiss.selection.results.difference import lines

    if not found and not count:
        say("no difference")
        return
    for side, name in zip("AB", names, strict=True):
        say(f"{side} is {name}", "dim")
    for line in lines(found):
        say(line)
    if count:
        say(f"{count} events pass on one side only (run/spill/number):")
        for event in moved:
            where = "/".join(map(str, event.identity))
            stopped = f"stopped by {event.at}" if event.at else "not there"
            say(f"  {event.sample} {where}: passes in {'AB'[event.side]}, {stopped} in {'BA'[event.side]}")
        if count > len(moved):
            more = f"all in {path}" if path else "--events FILE writes all"
            say(f"  ... and {count - len(moved)} more ({more})")


def _plain(found: Difference, moved: list[Moved] | None) -> dict[str, Any]:
    def said(notes: Sequence[Note]) -> list[dict[str, str]]:
        return [{"sample": n.sample, "what": n.what, "a": n.a, "b": n.b} for n in notes]

    return {
        "notes": said(found.notes),
        "histograms": said(found.histograms),
        "cuts": [
            {
                "sample": c.sample,
                "region": c.region,
                "weight": c.variation,
                "cut": c.name,
                "require": [row.require if row else None for row in (c.a, c.b)],
                "redefined": c.redefined,
                "uses": [dict(row.uses) if row else None for row in (c.a, c.b)],
                "n": [row.sequential.n if row else None for row in (c.a, c.b)],
                "counts": {kind: [x.n, y.n] for kind, x, y in c.counts},
            }
            for c in found.cuts
        ],
        "events": None
        if moved is None
        else [{"sample": e.sample, "event": e.identity, "passes": "AB"[e.side], "stopped_by": e.at} for e in moved],
    }
