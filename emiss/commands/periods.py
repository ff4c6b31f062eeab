"""``emiss periods``: the periods of data taking, what is told of their exposure, and what they add up to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from emiss.terminal import print_table, say

if TYPE_CHECKING:
    from emiss.programme.periods import Periods


def periods(
    mode: Annotated[str | None, typer.Option(help="Periods of one mode alone, such as na64e.")] = None,
    sum_: Annotated[
        bool, typer.Option("--sum", help="What they add up to, reading by reading, beside what is told of sums.")
    ] = False,
    file: Annotated[str, typer.Option("--file", help="Periods that ship, or a file of your own.")] = "na64",
    json_: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the periods of data taking with every number that is told of their exposure, and who tells it.

    For example:

      emiss periods

      emiss periods --mode na64e --sum

      emiss periods --file my_periods.yaml --json
    """
    import json

    from emiss.programme.period_table import sums_table, table
    from emiss.programme.periods import load_periods

    known = load_periods(file)
    rows = table(known, mode)
    sums = sums_table(known, mode) if sum_ else []
    if json_:
        typer.echo(json.dumps({"programme": known.written.programme, "periods": rows, "sums": sums}, indent=1))
        return
    _print(rows)
    if sum_:
        _print_sums(sums)
    _print_sources(known, [*rows, *sums])


def _print(rows: list[dict[str, Any]]) -> None:
    from rich import box
    from rich.table import Table

    made = Table(box=box.SIMPLE_HEAD, padding=0)
    for head in ("period", "mode", "beam", "set-up", "runs", "recorded", "analysed", "seen"):
        made.add_column(head, no_wrap=head in {"period", "mode", "beam"}, overflow="fold")
    for row in rows:
        seen = "" if row["observed"] is None else str(row["observed"])
        numbers = (_said(row["recorded"]), _said(row["analysed"]))
        made.add_row(row["name"], row["mode"], row["beam"], row["setup"], ", ".join(row["runs"]), *numbers, seen)
    print_table(made)
    for row in rows:
        if row["remark"]:
            say(f"{row['name']}: {row['remark']}", "dim")


def _print_sums(rows: list[dict[str, Any]]) -> None:
    from rich import box
    from rich.table import Table

    made = Table(title="Sums", title_justify="left", box=box.SIMPLE_HEAD, padding=0)
    for head in ("sum", "of", "added up", "told, recorded", "told, analysed"):
        made.add_column(head, no_wrap=head == "sum", overflow="fold")
    for row in rows:
        added = ", ".join(f"{name} {value:.3g}" for name, value in row["added"].items())
        made.add_row(row["name"], str(len(row["of"])), added, _said(row["recorded"]), _said(row["analysed"]))
    print_table(made)


def _said(readings: dict[str, dict[str, Any]]) -> str:
    return ", ".join(f"{name} {one['value']:.3g}" for name, one in readings.items())


def _print_sources(known: Periods, rows: list[dict[str, Any]]) -> None:
    """Say who the readings are, and that those that differ are not decided."""
    used = {name for row in rows for kind in ("recorded", "analysed") for name in row[kind]}
    for name, source in known.written.readings.items():
        if name in used:
            say(f"{name}: {source}", "dim")
    open_ = [row["name"] for row in rows if row["undecided"]]
    if open_:
        say(f"not decided, a limit has to name a reading (--on-target line): {', '.join(open_)}")
