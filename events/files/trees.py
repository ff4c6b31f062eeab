"""What a TTree or RNTuple of another program holds: columns by name, and the lists that share a counter as one collection.

``Muon_pt[nMuon]`` and ``Muon_eta[nMuon]`` are the fields `pt` and `eta` of the collection ``Muon``; a branch also keeps its own
name (`Column.alias`). An RNTuple's collections are what they are there.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from emiss.events.files.schemas import schema_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from emiss.events.columns import Column

_WORD = re.compile(r"[^\W\d]\w*")


def collected(tree: Any, name: str, found: Mapping[str, Column]) -> dict[str, Column]:
    """Return the columns by branch: lists with one counter as a collection, in the units of a schema where one is known.

    Parameters
    ----------
    tree : TTree or RNTuple
    name : str
        Of the tree.
    found : mapping of branch to Column
    """
    lists = [branch for branch, column in found.items() if column.shape == "list"]
    fields = collections(counters(tree), lists, found)
    columns = {
        branch: replace(column, name=fields[branch], alias=branch) if branch in fields else column
        for branch, column in found.items()
    }
    schema = schema_of(name, found)
    if schema is None:
        return columns
    return {branch: replace(column, unit=schema.unit(column)) for branch, column in columns.items()}


def counters(tree: Any) -> dict[str, str]:
    """Return the counter of each branch that has one, by the name of the branch.

    The lists of an RNTuple name none; there, a number ``nMuon`` is that of all lists ``Muon_...``, as NanoAOD has it.
    """
    names = list(tree.keys(recursive=False))
    if hasattr(tree, "branches"):
        found = {}
        for branch in tree.branches:
            counter = branch.count_branch
            if counter is not None and not branch.branches:
                found[branch.name] = counter.name
        return found
    numbers = [name for name in names if len(name) > 1 and name[0] == "n"]
    return {name: number for number in numbers for name in names if name.startswith(f"{number[1:]}_")}


def collections(counted: Mapping[str, str], lists: Collection[str], others: Collection[str]) -> dict[str, str]:
    """Return the full name ``COLLECTION.field`` of each branch that becomes a field of a collection.

    Parameters
    ----------
    counted : mapping of branch to counter
    lists : collection of str
        The branches that are lists of numbers; others belong to no collection.
    others : collection of str
        Names that no collection may have: those of all columns.
    """
    groups: dict[str, list[str]] = {}
    for branch, counter in counted.items():
        if branch in lists and "." not in branch:
            groups.setdefault(counter, []).append(branch)
    found: dict[str, str] = {}
    taken = {*others, *(name.rpartition(".")[0] for name in others)}
    for counter, branches in groups.items():
        name, fields = _fields(counter, branches)
        if name in taken or not _WORD.fullmatch(name) or not all(map(_WORD.fullmatch, fields)):
            continue
        taken.add(name)
        found |= {branch: f"{name}.{field}" for branch, field in zip(branches, fields, strict=True)}
    return found


def _fields(counter: str, branches: list[str]) -> tuple[str, list[str]]:
    """Return the name of the collection of a counter, and those of its fields; "" where there is no name for it."""
    base = _base(counter)
    if base and all(branch.startswith(f"{base}_") for branch in branches):
        return base, [branch.removeprefix(f"{base}_") for branch in branches]
    same = takewhile(lambda letters: len(set(letters)) == 1, zip(*branches, strict=False))
    common = "".join(letters[0] for letters in same).rpartition("_")[0]
    if common and len(branches) > 1:
        return common, [branch.removeprefix(f"{common}_") for branch in branches]
    if len(branches) == 1:
        return "", []  # a list by itself is called as its branch is
    return base, branches


def _base(counter: str) -> str:
    """Return what a counter counts by its name: ``Muon`` of ``nMuon`` and ``n_Muon``, ``hit`` of ``hit_n``."""
    if counter[:1] in ("n", "N") and len(counter) > 1:
        return counter[1:].lstrip("_")
    return counter.removesuffix("_n").removesuffix("_size")


def forms(tree: Any, names: Iterable[str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the (empty) arrays of some branches by an empty read, and of those that cannot be read why that is."""
    names = list(names)
    try:
        whole = tree.arrays(names, entry_stop=0, library="ak")
        return {name: whole[name] for name in whole.fields}, {}
    except Exception as error:  # noqa: BLE001 - the bytes of a file decide what fails
        if len(names) == 1:
            said = str(error).strip()
            return {}, {names[0]: said.splitlines()[0] if said else type(error).__name__}
    found: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for name in names:  # one of them is broken, and no other has to suffer for it
        one, why = forms(tree, [name])
        found |= one
        wrong |= why
    return found, wrong


def records(name: str, form: Any) -> dict[str, Any]:
    """Return the parts of a list of records by full name, ``Muon.pt``, and those of a record; empty for all else."""
    import awkward as ak

    layout = form.layout
    inner = layout.content if isinstance(layout, ak.contents.ListOffsetArray | ak.contents.ListArray) else layout
    if not isinstance(inner, ak.contents.RecordArray) or inner.is_tuple:
        return {}
    return {f"{name}.{field}": form[field] for field in inner.fields if _WORD.fullmatch(field)}
