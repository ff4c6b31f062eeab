"""``emiss inspect``: what is in a ROOT file of another program."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emiss.commands.plain import Json, put
from emiss.terminal import print_table, say


def inspect(
    file: Annotated[str, typer.Argument(metavar="FILE[:TREE]", help="A ROOT file, or the address of one.")],
    tree: Annotated[str | None, typer.Option(help="Only this TTree or RNTuple.")] = None,
    group_by: Annotated[
        str | None, typer.Option(help="Column that is the same for all rows of an event, where rows are no events.")
    ] = None,
    write_map: Annotated[Path | None, typer.Option(help="Write a first map of the tree to this YAML file.")] = None,
    json_: Json = False,
) -> None:
    """List trees, branches, types and entries of a ROOT file, and write a first map for it.

    For example:

      emiss inspect events.root

      emiss inspect events.root:hits --write-map my_map.yaml

      emiss process events.root --reader my_map.yaml --analysis my_cuts.yaml --out out/mine
    """
    from rich.table import Table

    from emiss.configs.errors import Location, UserError, did_you_mean
    from emiss.events.files.atomic import write_text
    from emiss.events.files.open import file_and_tree
    from emiss.events.location import located
    from emiss.look import inspect as looking
    from emiss.look.first_map import first_map
    from emiss.reco.formats.foreign_tree import ForeignTree

    found, named = file_and_tree(file)
    tree = tree or named or None
    path = located(found)
    held = looking.trees(path)
    if not held:
        raise UserError("holds no TTree or RNTuple", at=Location(str(file)))
    if tree is not None and tree not in held:
        raise UserError(f"no tree '{tree}'", at=Location(str(file)), hint=did_you_mean(tree, held))
    chosen = [tree] if tree else list(held)
    if write_map is not None and len(chosen) > 1:
        known = ", ".join(held)
        raise UserError("of which tree is the map to be?", at=Location(str(file)), hint=f"--tree with one of {known}")
    told = {}
    for name in chosen:
        opened = ForeignTree(path, name, group_by if tree or len(held) == 1 else None)
        kind, entries = held[name]
        title = f"{name} ({kind}, {entries} entries" + (f", {opened.entries} events)" if opened.group_by else ")")
        table = Table(title=title, title_justify="left", box=None, header_style="dim")
        table.add_column("branch", overflow="fold")
        table.add_column("type")
        for column in looking.names_of(opened):
            table.add_row(column, looking.described(opened.columns[column], opened))
        for column, why in opened.ignored.items():
            table.add_row(column, f"{why}: no numbers, left out", style="dim")
        branches = {one: looking.described(opened.columns[one], opened) for one in looking.names_of(opened)}
        told[name] = {"kind": kind, "entries": entries, "branches": branches, "left_out": dict(opened.ignored)}
        if not json_:
            print_table(table)
        if write_map is not None:
            write_text(write_map, first_map(opened, write_map.stem, looking.names_of(opened)))
            if not json_:
                say(f"written: {write_map}", "dim")
    if json_:
        put(told)
