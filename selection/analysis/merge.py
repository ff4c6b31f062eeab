"""Putting the files of an analysis together: `extends`, `drop`, `before`, `replaces`, groups and regions.

The result is one mapping with places and one list of cuts per region; what the expressions say is not looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from emiss.configs.errors import Problems, UserError, did_you_mean
from emiss.configs.loader import find, load
from emiss.configs.place import Branch, Items, Place, Text, locate, overlay
from emiss.selection.analysis.repair import read_past

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emiss.configs.loader import Document

MAX_EXTENDS = 20
MAX_GROUPS = 1_000

_TRUE = ("true", "yes", "on", "1", "t", "y")
_TAKEN = ("all", "n-1", "hidden")


@dataclass(frozen=True)
class CutText:
    """A cut as written."""

    name: Text
    require: Text
    scan: Branch | None = None


@dataclass(frozen=True)
class Merged:
    """An analysis as written, from all its files.

    Attributes
    ----------
    name : str
    tree : Branch
        All mappings (parameters, objects, define, weights, ...) of all files; `cuts` of the last only.
    cuts : tuple of CutText
        The cuts of the analysis in their order.
    regions : mapping of name to cuts
        Empty where the files declare none.
    histograms : tuple of Branch
    files : mapping of file name to YAML text
        Parents first.
    problems : Problems
        What is wrong so far.
    broken : set of str
        Parameters, definitions and objects that could not be read.
    """

    name: str
    tree: Branch
    cuts: tuple[CutText, ...]
    regions: Mapping[str, tuple[CutText, ...]]
    histograms: tuple[Branch, ...]
    files: Mapping[str, str]
    problems: Problems
    broken: frozenset[str] = frozenset()


def merge(document: Document) -> Merged:
    """Return the analysis of a file and of all it extends, and what is wrong with it: a cut twice, an unknown key, ...

    Raises
    ------
    UserError
        If nothing can be read behind a mistake: a file that is not there or extends itself, a section of another kind.
    """
    problems = Problems()
    chain, broken = _chain(document, problems)
    trees = [locate(part, part.data) for part in chain]
    tree = trees[0]
    for child in trees[1:]:
        tree = overlay(tree, child)
    for part in trees:
        if "blind" in part.place.document.data and part.place.document.data["blind"] is None:
            # an empty section elsewhere changes nothing; here the author meant to hide something
            problems.add(
                part.place.document.error("'blind' is empty", ("blind",), key=True, hint="give samples and box")
            )
    cuts = _Cuts([], tree.branch("groups"), problems)
    for part in trees:
        cuts.drop(part.texts("drop"))
        cuts.add(part.branches("cuts"))
    regions: dict[str, tuple[CutText, ...]] = {}
    for name in _region_names(trees):
        region = tree.branch("regions").branch(name)
        inside = _Cuts(list(cuts.cuts), tree.branch("groups"), problems)
        inside.replace(region.branch("replace"))
        inside.drop(region.texts("drop"))
        inside.add(region.branches("cuts"))
        regions[name] = tuple(inside.cuts)
    histograms: dict[str, Branch] = {}
    for part in trees:
        histograms.update((item.items["name"].value, item) for item in part.branches("histograms"))
    given = tree.text("analysis")
    return Merged(
        name=given.value if given else Path(document.name).stem,
        tree=tree,
        cuts=tuple(cuts.cuts),
        regions=regions,
        histograms=tuple(histograms.values()),
        files={part.place.document.name: part.place.document.text for part in trees},
        problems=problems,
        broken=broken,
    )


def _region_names(trees: Sequence[Branch]) -> list[str]:
    """Return the regions of all files in order, also those with nothing behind the colon (`signal:`)."""
    return list(dict.fromkeys(name for tree in trees for name in tree.place.document.data.get("regions") or {}))


def _chain(document: Document, problems: Problems) -> tuple[list[Document], frozenset[str]]:
    """Return a file and all it extends, parents first, and the names of what in them could not be read."""
    chain = [document]
    broken: frozenset[str] = frozenset()
    seen = {_identity(document)}
    while True:
        child, wrong = read_past(chain[-1], problems)
        chain[-1] = child
        broken |= wrong
        name = child.data.get("extends")
        if name is None:
            return chain[::-1], broken
        try:
            path = find("analyses", name, near=child.path.parent)
        except UserError as error:
            message = f"no analysis file '{name}'"
            raise child.error(message, ("extends",), hint=error.hint) from None
        parent = load(path)
        if _identity(parent) in seen:
            message = f"'{name}' extends this file in turn"
            raise child.error(message, ("extends",), hint="extends may not go round in a circle")
        if len(chain) >= MAX_EXTENDS:
            message = f"more than {MAX_EXTENDS} files extend each other"
            raise child.error(message, ("extends",))
        seen.add(_identity(parent))
        chain.append(parent)


def _identity(document: Document) -> Path:
    return document.path.resolve()


@dataclass
class _Cuts:
    """A list of cuts being put together."""

    cuts: list[CutText]
    groups: Branch
    problems: Problems
    _open: list[str] = field(default_factory=list)
    _expanded: int = 0

    @property
    def names(self) -> list[str]:
        return [cut.name.value for cut in self.cuts]

    def position(self, name: Text, *, key: bool = False) -> int | None:
        """Return the position of a cut; None, with the problem noted, where there is none."""
        if name.value in self.names:
            return self.names.index(name.value)
        known = "the cuts at this point are"
        hint = (
            did_you_mean(name.value[:200], self.names, otherwise=known) if self.names else "there is none at this point"
        )
        self.problems.add(name.place.error(f"there is no cut '{name.value[:200]}'", key=key, hint=hint))
        return None

    def drop(self, names: Sequence[Text]) -> None:
        for name in names:
            if (at := self.position(name)) is not None:
                del self.cuts[at]

    def replace(self, expressions: Branch) -> None:
        for name, require in expressions.items.items():
            if (at := self.position(Text(name, require.place), key=True)) is not None:
                self.cuts[at] = CutText(Text(name, require.place), require)

    def add(self, entries: Sequence[Branch], before: Text | None = None) -> None:
        for entry in entries:
            self.add_one(entry, entry.text("before") or before)

    def add_one(self, entry: Branch, before: Text | None) -> None:
        group = entry.text("group")
        if group is not None:
            self.add_group(entry, group, before)
            return
        name, require = entry.text("name"), entry.text("require")
        if name is None or require is None:
            missing = "name" if name is None else "require"
            shown = f"the cut '{name.value}'" if name else "this cut"
            hint = "a cut is 'name: ...' and 'require: ...', or 'group: ...'"
            self.problems.add(entry.place.error(f"{shown} has no '{missing}'", hint=hint))
            return
        if not name.value.strip() or name.value in _TAKEN:
            self.problems.add(name.place.error(f"a cut cannot be called '{name.value}'"))
            return
        scan = entry.items.get("scan")
        cut = CutText(name, require, scan if isinstance(scan, Branch) else None)
        replaces = entry.text("replaces")
        if replaces is not None and replaces.value.lower() in _TRUE:
            at = self.position(name)
            if at is None:
                return
            self.cuts[at] = cut
            if before is None:
                return
            del self.cuts[at]
        elif name.value in self.names:
            first = self.cuts[self.names.index(name.value)].name.place.document
            where = first.locate(self.cuts[self.names.index(name.value)].name.place.path)
            hint = f"it is already at {where}; to take its place write 'replaces: true'"
            self.problems.add(name.place.error(f"the cut '{name.value}' is there twice", hint=hint))
            return
        target = len(self.cuts) if before is None else self.position(before)
        if target is not None:
            self.cuts.insert(target, cut)

    def add_group(self, entry: Branch, group: Text, before: Text | None) -> None:
        extra = [key for key in entry.items if key not in ("group", "before", "description")]
        if extra:
            self.problems.add(entry.place.error(f"'group' and '{extra[0]}' do not go together"))
        elif not isinstance(self.groups.items.get(group.value), Items):
            hint = (
                did_you_mean(group.value[:200], self.groups.items, otherwise="groups are")
                if self.groups.items
                else None
            )
            self.problems.add(group.place.error(f"there is no group '{group.value[:200]}'", hint=hint))
        elif group.value in self._open:
            self.problems.add(group.place.error(f"the group '{group.value}' contains itself"))
        elif self._expanded >= MAX_GROUPS:
            self.problems.add(group.place.error(f"more than {MAX_GROUPS} groups are used"))
            self.problems.check()
        else:
            self._expanded += 1
            self._open.append(group.value)
            self.add(self.groups.branches(group.value), before)
            self._open.pop()


def override(tree: Branch, values: Mapping[str, str]) -> dict[str, Text | Items]:
    """Return the values given by ``--set`` for parameters of the analysis.

    Raises
    ------
    UserError
        If there is no such parameter, or the value is neither a text nor a list of texts.
    """
    from emiss.configs.errors import Location
    from emiss.configs.loader import loads

    parameters = tree.branch("parameters").items
    result: dict[str, Text | Items] = {}
    for name, value in values.items():
        origin = f"--set {name}"
        if name not in parameters:
            hint = did_you_mean(name, parameters, otherwise="parameters are") if parameters else "it has none"
            raise UserError(f"there is no parameter '{name}'", at=Location(origin), hint=hint)
        document = loads(value, origin)
        located = locate(document, document.data)
        good = isinstance(located, Text) or (isinstance(located, Items) and len(located.texts()) == len(located.items))
        if not good:
            hint = "e.g. --set e_miss_min='25 GeV' or --set hcal_mip='[1 GeV, 4 GeV]'"
            raise Place(document, ()).error("a quantity or a list of quantities is needed", hint=hint)
        result[name] = located
    return result
