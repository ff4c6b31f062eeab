"""Putting the files of an analysis together: `extends`, `drop`, `before`, `replaces`, groups and regions.

The result is one model with places and one list of cuts per region; what the expressions say is not looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from emiss.configs.errors import Location, Problems, UserError, did_you_mean
from emiss.configs.loader import find, load, loads
from emiss.configs.place import Place, Text, Texts, overlay, placed, texts_of
from emiss.selection.analysis.repair import read_past

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emiss.configs.document import Document
    from emiss.selection.analysis.schema import AnalysisModel, CutModel, HistogramModel, ScanModel

MAX_EXTENDS = 20
MAX_GROUPS = 1_000

_TAKEN = ("all", "n-1", "hidden")


@dataclass(frozen=True)
class CutText:
    """A cut as written."""

    name: Text
    require: Text
    scan: ScanModel | None = None


@dataclass(frozen=True)
class Merged:
    """An analysis as written, from all its files.

    Attributes
    ----------
    name : str
    tree : AnalysisModel
        All mappings (parameters, objects, define, weights, ...) of all files; `cuts` of the last only.
    cuts : tuple of CutText
        The cuts of the analysis in their order.
    regions : mapping of name to cuts
        Empty where the files declare none.
    histograms : tuple of HistogramModel
    files : mapping of file name to YAML text
        Parents first.
    problems : Problems
        What is wrong so far.
    broken : set of str
        Parameters, definitions and objects that could not be read.
    """

    name: str
    tree: AnalysisModel
    cuts: tuple[CutText, ...]
    regions: Mapping[str, tuple[CutText, ...]]
    histograms: tuple[HistogramModel, ...]
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
    trees, broken = _chain(document, problems)
    tree = trees[0]
    for child in trees[1:]:
        tree = overlay(tree, child)
    for part in trees:
        if "blind" in part.model_fields_set and part.blind is None:
            # an empty section elsewhere changes nothing; here the author meant to hide something
            problems.add(part.at("blind").error("'blind' is empty", key=True, hint="give samples and box"))
    cuts = _Cuts([], tree.groups, problems)
    for part in trees:
        cuts.drop(part.drop or ())
        cuts.add(part.cuts or ())
    regions: dict[str, tuple[CutText, ...]] = {}
    for name, region in tree.regions.items():
        inside = _Cuts(list(cuts.cuts), tree.groups, problems)
        if region is not None:
            inside.replace(region.replace)
            inside.drop(region.drop or ())
            inside.add(region.cuts or ())
        regions[name] = tuple(inside.cuts)
    histograms = {item.name.value: item for part in trees for item in part.histograms or ()}
    return Merged(
        name=tree.analysis.value if tree.analysis else Path(document.name).stem,
        tree=tree,
        cuts=tuple(cuts.cuts),
        regions=regions,
        histograms=tuple(histograms.values()),
        files={part.place.document.name: part.place.document.text for part in trees},
        problems=problems,
        broken=broken,
    )


def _chain(document: Document, problems: Problems) -> tuple[list[AnalysisModel], frozenset[str]]:
    """Return a file and all it extends, parents first, and the names of what in them could not be read."""
    chain: list[AnalysisModel] = []
    broken: frozenset[str] = frozenset()
    seen = {_identity(document)}
    while True:
        child, wrong = read_past(document, problems)
        chain.append(child)
        broken |= wrong
        if child.extends is None:
            return chain[::-1], broken
        name, place = child.extends.value, child.extends.place
        try:
            path = find("analyses", name, near=document.path.parent)
        except UserError as error:
            raise place.error(f"no analysis file '{name}'", hint=error.hint) from None
        document = load(path)
        if _identity(document) in seen:
            raise place.error(f"'{name}' extends this file in turn", hint="extends may not go round in a circle")
        if len(chain) >= MAX_EXTENDS:
            raise place.error(f"more than {MAX_EXTENDS} files extend each other")
        seen.add(_identity(document))


def _identity(document: Document) -> Path:
    return document.path.resolve()


@dataclass
class _Cuts:
    """A list of cuts being put together."""

    cuts: list[CutText]
    groups: Mapping[str, Sequence[CutModel]]
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

    def replace(self, expressions: Mapping[str, Text]) -> None:
        for name, require in expressions.items():
            if (at := self.position(Text(name, require.place), key=True)) is not None:
                self.cuts[at] = CutText(Text(name, require.place), require)

    def add(self, entries: Sequence[CutModel], before: Text | None = None) -> None:
        for entry in entries:
            self.add_one(entry, entry.before or before)

    def add_one(self, entry: CutModel, before: Text | None) -> None:
        if entry.group is not None:
            self.add_group(entry, entry.group, before)
            return
        name, require = entry.name, entry.require
        if name is None or require is None:
            missing = "name" if name is None else "require"
            shown = f"the cut '{name.value}'" if name else "this cut"
            hint = "a cut is 'name: ...' and 'require: ...', or 'group: ...'"
            self.problems.add(entry.place.error(f"{shown} has no '{missing}'", hint=hint))
            return
        if not name.value.strip() or name.value in _TAKEN:
            self.problems.add(name.place.error(f"a cut cannot be called '{name.value}'"))
            return
        cut = CutText(name, require, entry.scan)
        if entry.replaces:
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

    def add_group(self, entry: CutModel, group: Text, before: Text | None) -> None:
        extra = [key for key in entry.given if key not in ("group", "before", "description")]
        if extra:
            self.problems.add(entry.place.error(f"'group' and '{extra[0]}' do not go together"))
        elif group.value not in self.groups:
            hint = did_you_mean(group.value[:200], self.groups, otherwise="groups are") if self.groups else None
            self.problems.add(group.place.error(f"there is no group '{group.value[:200]}'", hint=hint))
        elif group.value in self._open:
            self.problems.add(group.place.error(f"the group '{group.value}' contains itself"))
        elif self._expanded >= MAX_GROUPS:
            self.problems.add(group.place.error(f"more than {MAX_GROUPS} groups are used"))
            self.problems.check()
        else:
            self._expanded += 1
            self._open.append(group.value)
            self.add(self.groups[group.value], before)
            self._open.pop()


def override(parameters: Mapping[str, Texts], values: Mapping[str, str]) -> dict[str, Texts]:
    """Return the values given by ``--set`` for parameters of the analysis.

    Raises
    ------
    UserError
        If there is no such parameter, or the value is neither a text nor a list of texts.
    """
    result: dict[str, Texts] = {}
    for name, value in values.items():
        origin = f"--set {name}"
        if name not in parameters:
            hint = did_you_mean(name, parameters, otherwise="parameters are") if parameters else "it has none"
            raise UserError(f"there is no parameter '{name}'", at=Location(origin), hint=hint)
        document = loads(value, origin)
        given = texts_of(placed(document))
        if given is None:
            hint = "e.g. --set e_miss_min='25 GeV' or --set window='[1 GeV, 4 GeV]'"
            raise Place(document, ()).error("a quantity or a list of quantities is needed", hint=hint)
        result[name] = given
    return result
