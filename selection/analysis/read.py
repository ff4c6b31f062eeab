"""`load`: from an analysis file to an `Analysis`, with all mistakes that can be seen without a table."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from emiss.configs.errors import Problems, UserError
from emiss.configs.loader import Document, find
from emiss.configs.loader import load as load_document
from emiss.configs.loader import loads as loads_document
from emiss.configs.place import Text, items_of
from emiss.configs.units import UnitError, parse_unit
from emiss.events.language.meaning.parameter_values import read_parameters
from emiss.events.language.meaning.parameters import Parameter, written
from emiss.events.language.syntax.expression import Expression, ObjectDeclaration, read_expression
from emiss.events.language.syntax.functions import RESERVED_FUNCTIONS
from emiss.events.language.syntax.parser import knowing
from emiss.events.language.syntax.tokens import RESERVED
from emiss.selection.analysis import functions, variations
from emiss.selection.analysis.formula import mathtext_error
from emiss.selection.analysis.histograms import read_histogram
from emiss.selection.analysis.merge import merge, override
from emiss.selection.analysis.model import Analysis, Blind, Cut
from emiss.selection.analysis.scans import read_scan

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from emiss.configs.place import Place, Texts
    from emiss.selection.analysis.merge import CutText, Merged
    from emiss.selection.analysis.schema import (
        AnalysisModel,
        BlindModel,
        ObjectModel,
        WeightsModel,
    )

MAX_LABEL = 200


def load(path_or_name: str | Path, set: Mapping[str, str] | None = None) -> Analysis:  # noqa: A002 - the option's name
    """Read an analysis.

    Parameters
    ----------
    path_or_name : str or Path
        A file, or the name of an analysis that ships.
    set : mapping of parameter to value, optional
        Values in the place of the file's, e.g. ``{"e_miss_min": "25 GeV"}``.

    Raises
    ------
    UserError
        For every mistake that can be seen without a table, all at once, each with file, line and column.
    """
    try:
        path = find("analyses", path_or_name)
    except UserError as error:
        message = f"no analysis '{path_or_name}'"
        raise UserError(message, hint=error.hint) from None
    return from_document(load_document(path), set)


def loads(text: str, set: Mapping[str, str] | None = None, *, name: str = "analysis.yaml") -> Analysis:  # noqa: A002
    """Read an analysis from the text of a file; `name` stands for the file in messages.

    Raises
    ------
    UserErrors
        With every mistake in the text.
    """
    return from_document(loads_document(text, name), set)


def from_document(document: Document, values: Mapping[str, str] | None = None) -> Analysis:
    """Return the analysis of a YAML document; see `load`."""
    analysis, problems = survey(document, values)
    problems.check()
    return analysis


def survey(document: Document, values: Mapping[str, str] | None = None) -> tuple[Analysis, Problems]:
    """Return what can be read of an analysis, and all that is wrong with it.

    With a mistake, the analysis is only good for looking for more of them (`bind.mistakes`).

    Raises
    ------
    UserError
        If there is nothing to be read.
    """
    reader = _Reader(merge(document))
    with knowing(functions.names(reader.merged.tree.functions)):
        return reader.analysis(values or {}), reader.problems


class _Reader:
    """Parses what has been put together, and collects all mistakes."""

    def __init__(self, merged: Merged) -> None:
        self.merged = merged
        self.problems = merged.problems
        self.broken = set(merged.broken)

    def analysis(self, values: Mapping[str, str]) -> Analysis:
        merged, tree = self.merged, self.merged.tree
        parameters = self._parameters(values)
        self._names(tree)
        self._labels(tree)
        units = self._units(tree.columns)
        declared_functions = functions.read(tree, self.problems)
        objects = {name: self._object(name, item) for name, item in tree.objects.items()}
        definitions = self._expressions(tree.define)
        self.broken |= {name for name, item in definitions.items() if item is None}
        self.broken |= tree.parameters.keys() - parameters.keys()
        cuts = {id(cut): self._cut(cut, parameters) for cut in self._all_cuts()}
        weights = self._weights(tree.weights) if tree.weights else {}
        histograms = tuple(read_histogram(item, self.problems) for item in merged.histograms)
        blind = self._blind(tree.blind) if tree.blind else None
        regions = merged.regions or {"nominal": merged.cuts}

        def read(texts: Iterable[CutText]) -> tuple[Cut, ...]:
            return tuple(cuts[id(text)] for text in texts)

        analysis = Analysis(
            name=merged.name,
            units=units,
            parameters=parameters,
            objects={name: item for name, item in objects.items() if name not in self.broken},
            definitions={name: item for name, item in definitions.items() if item is not None},
            cuts=read(merged.cuts),
            regions={name: read(texts) for name, texts in regions.items()},
            weights={name: item for name, item in weights.items() if item is not None},
            histograms=tuple(item for item in histograms if item is not None),
            blind=blind,
            source_texts=merged.files,
            place=tree.place,
            made_with=tree.made_with,
            broken=frozenset(self.broken),
            functions=declared_functions,
        )
        given = override(tree.parameters, values)
        return replace(analysis, shifts=variations.read(analysis, tree, given, self.problems))

    def _parameters(self, values: Mapping[str, str]) -> dict[str, Parameter]:
        given = self.merged.tree.parameters
        return read_parameters(given, override(given, values), self.problems)

    def _all_cuts(self) -> Iterable[CutText]:
        return {id(cut): cut for cuts in (self.merged.cuts, *self.merged.regions.values()) for cut in cuts}.values()

    def _names(self, tree: AnalysisModel) -> None:
        """Check the names of what the file declares."""
        seen: dict[str, str] = {}
        declared: tuple[tuple[str, Mapping[str, Text | Texts | ObjectModel]], ...] = (
            ("parameter", tree.parameters),
            ("definition", tree.define),
            ("object", tree.objects),
        )
        for kind, items in declared:
            for name, item in items.items():
                wrong = hint = None
                if not name.isidentifier():
                    wrong, hint = f"'{name}' cannot be the name of a {kind}", "use letters, digits and _"
                elif name in RESERVED or name in RESERVED_FUNCTIONS:
                    wrong = f"'{name}' is a word of the language and cannot be the name of a {kind}"
                elif name in seen:
                    wrong = f"the {kind} '{name}' has the name of a {seen[name]}"
                if wrong:
                    self.problems.add(item.place.error(wrong, key=True, hint=hint))
                seen.setdefault(name, kind)

    def _labels(self, tree: AnalysisModel) -> None:
        """Check the names that outputs show: of the analysis, cuts, regions, histograms, weights; and titles."""
        named: list[tuple[str, str, Place, bool]] = [
            ("cut", cut.name.value, cut.name.place, False) for cut in self._all_cuts()
        ]
        named += [("region", name, item.place, True) for name, item in tree.regions.items() if item is not None]
        weights = (tree.weights.variations if tree.weights else None) or {}
        named += [("weight", name, item.place, True) for name, item in weights.items()]
        named += [("variation", name, item.place, True) for name, item in tree.variations.items()]
        for histogram in self.merged.histograms:
            texts = (("histogram", histogram.name), ("title", histogram.title))
            named += [(kind, text.value, text.place, False) for kind, text in texts if text is not None]
        if tree.analysis is not None:
            named.append(("analysis", tree.analysis.value, tree.analysis.place, False))
        for kind, value, place, key in named:
            wrong = _unshowable(value)
            if wrong is None and kind == "region" and (value in (".", "..") or any(c in value for c in "/\\")):
                wrong = "is a part of names of files: without '/' and '\\', and not '.' or '..'"
            if wrong is not None:
                subject = "this title" if kind == "title" else f"the name of this {kind}"
                self.problems.add(place.error(f"{subject} {wrong}", key=key))
            elif kind == "title":
                self._formula(value, place)

    def _formula(self, title: str, place: Place) -> None:
        """Refuse a title that cannot be drawn: the plots would be without it, and nobody knows why."""
        if (error := mathtext_error(title)) is not None:
            hint = r"a dollar sign by itself is written '\$'"
            self.problems.add(place.error(f"the formula in this title cannot be drawn: {error}", hint=hint))

    def _units(self, columns: Mapping[str, Text]) -> dict[str, str]:
        units: dict[str, str] = {}
        for name, text in columns.items():
            try:
                parse_unit(text.value)
            except UnitError as error:
                message, _, hint = str(error).partition("; ")
                self.problems.add(text.place.error(message, hint=hint or None))
            units[name] = text.value
        return units

    def _expression(self, text: Text) -> Expression | None:
        try:
            return read_expression(text)
        except UserError as error:
            self.problems.add(error)
            return None

    def _expressions(self, texts: Mapping[str, Text]) -> dict[str, Expression | None]:
        return {name: self._expression(text) for name, text in texts.items()}

    def _object(self, name: str, item: ObjectModel) -> ObjectDeclaration:
        condition = self._expression(item.where) if item.where else None
        if item.where is not None and condition is None:
            self.broken.add(name)
        return ObjectDeclaration(items_of(item.from_), condition, item.place)

    def _cut(self, cut: CutText, parameters: Mapping[str, Parameter]) -> Cut:
        # one that cannot be read keeps its name and place for what refers to it
        require = self._expression(cut.require) or read_expression(Text("true", cut.require.place))
        scan = read_scan(cut.scan, self.merged.tree.parameters, self.problems) if cut.scan else None
        if scan is not None and any(axis.name in self.broken for axis in scan.axes):
            scan = None
        return Cut(cut.name.value, require, written(require.text, require.tree, parameters), scan)

    def _weights(self, item: WeightsModel) -> dict[str, Expression | None]:
        if item.nominal is None and item.variations is None:
            return {}
        others = item.variations or {}
        if "nominal" in others:
            message = "a variation cannot be called 'nominal'"
            self.problems.add(others["nominal"].place.error(message, key=True))
        if item.nominal is None:
            self.problems.add(item.place.error("the weights have no 'nominal'", key=True, hint="add 'nominal: weight'"))
            return {}
        return {"nominal": self._expression(item.nominal), **self._expressions(others)}

    def _blind(self, item: BlindModel) -> Blind | None:
        samples, box = items_of(item.samples), item.box
        if not samples or box is None:
            missing = "samples" if not samples else "box"
            self.problems.add(item.place.error(f"'blind' has no '{missing}'", key=True))
            return None
        expression = self._expression(box)
        return None if expression is None else Blind(samples, expression)


def _unshowable(text: str) -> str | None:
    """Return why a name cannot be shown; None if it can."""
    if not text.strip():
        return "is empty"
    if len(text) > MAX_LABEL:
        return f"has {len(text)} characters, more than {MAX_LABEL}"
    odd = next((c for c in text if not c.isprintable()), None)
    return None if odd is None else f"holds the character {odd!r}, which cannot be shown"
