"""The columns that a reader map makes, without a file to read: for the check of an analysis before the data are there.

What the branches are is inferred from how the map uses them: what is reduced, filtered or grouped is a list, the rest is one
value per event. Where that does not fit together, only a file can tell.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from emiss.configs import loader
from emiss.configs.errors import UserError
from emiss.events.columns import Column
from emiss.events.language.syntax import tree
from emiss.events.language.syntax.expression import read_expression
from emiss.reco.formats.foreign_tree import ROWS
from emiss.reco.readers.foreign.binding import BoundReaderMap, declared_columns
from emiss.reco.readers.foreign.schema import ColumnEntry, ReaderMap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emiss.configs.document import Document
    from emiss.configs.place import Text

REDUCING = ("any", "all", "count", "sum", "min", "max", "mean", "first", "last", "sort")


@dataclass
class _Inferred:
    """A tree as a map sees it."""

    columns: dict[str, Column] = field(default_factory=dict)
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    found: dict[str, Column] = field(default_factory=dict)

    def add(self, name: str, shape: Any, size: int = 1, kind: str = "f8") -> None:
        """Add a branch; a list stays one."""
        if name not in self.columns or shape != "flat":
            self.columns[name] = self.found[name] = Column(name, kind, shape=shape, size=size)


def expected_columns(document: Document) -> dict[str, Column] | None:
    """Return the columns of the event tables that a map makes; None where a file is needed to tell.

    Raises
    ------
    UserError
        If the document is no map.
    """
    entry = loader.validate(document, ReaderMap)
    try:
        inferred = _infer(entry)
        # a pattern may be for branches that the map does not use
        units = {p: u for p, u in entry.units.items() if any(fnmatchcase(name, p) for name in inferred.columns)}
        return BoundReaderMap(entry.model_copy(update={"units": units}), inferred).columns
    except UserError:
        return None


def _infer(entry: ReaderMap) -> _Inferred:
    made = _Inferred()
    own = {*entry.define, *entry.objects, *entry.groups, *entry.cells, *entry.waveforms}
    for name, cells in entry.cells.items():
        if cells.branch is not None:
            size = 1
            for length in cells.shape or [1] * len(cells.axes or [1]):
                size *= length
            made.add(cells.branch, "fixed", size)
            made.shapes[cells.branch] = tuple(cells.shape or [1] * len(cells.axes or [1]))
        elif cells.pattern is not None:
            parts = cells.pattern.replace("{", "\0{").replace("}", "}\0").split("\0")
            made.add("".join("0" if part.startswith("{") else part for part in parts), "flat")
        own.add(name)
    for waves in entry.waveforms.values():
        made.found[waves.samples] = Column(waves.samples, "u2", shape="list")
        if waves.channel is not None:
            name = waves.channel if entry.group_by is None else f"{ROWS}.{waves.channel.removeprefix(f'{ROWS}.')}"
            made.add(name, "list" if entry.group_by else "flat", kind="i4")
    for base, condition in _filtered(entry):
        _fields(made, base, condition, own)
    for names, listed in _used(entry):
        for name in names:
            if name.partition(".")[0] not in own:
                grouped = entry.group_by is not None and name.startswith(f"{ROWS}.")
                made.add(name, "list" if listed or grouped else "flat")
    if entry.group_by is not None:
        made.add(entry.group_by, "flat", kind="i8")
    return made


def _filtered(entry: ReaderMap) -> Iterator[tuple[str, list[Text]]]:
    """Yield the collections that objects and groups are from, each with the expressions of its elements."""
    for item in entry.objects.values():
        sources = item.from_.items
        if len(sources) == 1:
            yield sources[0].value, [item.where] if item.where else []
        for source in sources:
            yield source.value, []
    for group in entry.groups.values():
        texts = [text for how in group.columns.values() if isinstance(how, dict) for text in how.values()]
        yield group.from_.value, [group.by, *([group.where] if group.where else []), *texts]


def _fields(made: _Inferred, base: str, texts: list[Text], own: set[str]) -> None:
    """Add the fields of a collection of the tree that expressions of its elements name."""
    if base.partition(".")[0] in own:
        return
    names = {name for text in texts for name in tree.names(read_expression(text).tree)}
    for name in names - own:
        made.add(name if name.startswith(f"{base}.") else f"{base}.{name}", "list")
    if not names:
        made.add(base, "list")


def _used(entry: ReaderMap) -> Iterator[tuple[set[str], bool]]:
    """Yield names that expressions of columns and definitions use, and whether they are lists."""
    for text in entry.define.values():
        yield from _split(text, listed=False)
    known = declared_columns(entry)
    for name, item in entry.columns.items():
        declared = known.get(name)
        for text in item.from_ if isinstance(item, ColumnEntry) else item:
            yield from _split(text, listed=declared is not None and declared.shape == "list")


def _split(text: Text, *, listed: bool) -> Iterator[tuple[set[str], bool]]:
    """Yield the names inside of reductions, and those outside of them."""
    waiting: list[tuple[tree.Syntax, bool]] = [(read_expression(text).tree, listed)]
    while waiting:
        node, inside = waiting.pop()
        if isinstance(node, tree.Name):
            yield {node.name}, inside
        reduced = isinstance(node, tree.Index) or (isinstance(node, tree.Call) and node.function in REDUCING)
        waiting.extend((child, inside or reduced) for child in node.children)
