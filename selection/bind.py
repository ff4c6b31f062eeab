"""`bind`: every expression of an analysis checked against the columns of a table, and put into one program."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from configs.errors import Problems, did_you_mean
from configs.units import PURE
from events.columns import Column
from selection.engine import Bound, Region
from selection.program import Program
from selection.scope import TOO_DEEP, ReportedError, Scope
from selection.tree import ExpressionError, Span

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from selection.analysis import Analysis, Histogram, Scan
    from selection.check import Checker
    from selection.expression import Expression
    from selection.program import Node

    Rule = Callable[[Checker, Expression], Node]


def bind(analysis: Analysis, columns: Mapping[str, Column]) -> Bound:
    """Return the analysis ready to run on tables with these columns; see `Analysis.bind`."""
    return _Binder(analysis, columns).bound()


def _decision(what: str, checker: Checker, expression: Expression) -> Node:
    checker.per_event(expression.tree, checker.value(expression.tree), what)
    return checker.truth(expression.tree)


def _weight(checker: Checker, expression: Expression) -> Node:
    value = checker.per_event(expression.tree, checker.number(expression.tree), "a weight")
    if value.dimension not in (None, PURE):
        message = f"a weight is a pure number, this is in {value.dimension}"
        raise ExpressionError(message, expression.tree.span)
    return value


def _number(checker: Checker, expression: Expression) -> Node:
    return checker.number(expression.tree)


def _constant(checker: Checker, expression: Expression) -> Node:
    value = checker.number(expression.tree)
    if not value.constant:
        message = "a number that is the same for all events is needed"
        raise ExpressionError(message, expression.tree.span)
    return value


class _Binder:
    """Checks all expressions of an analysis, and collects the mistakes."""

    def __init__(self, analysis: Analysis, columns: Mapping[str, Column]) -> None:
        self.analysis = analysis
        self.columns = columns
        self.scope = Scope(
            Program(), columns, analysis.units, analysis.parameters, analysis.definitions, analysis.objects
        )
        self.problems: Problems = self.scope.problems

    def bound(self) -> Bound:
        self._clashes()
        self._declared()
        distinct = {id(cut): cut for cuts in (self.analysis.cuts, *self.analysis.regions.values()) for cut in cuts}
        nodes = {key: self._node(cut.require, partial(_decision, "a cut")) for key, cut in distinct.items()}
        weights = {name: self._node(weight, _weight) for name, weight in self.analysis.weights.items()}
        box = self._node(self.analysis.blind.box, partial(_decision, "a box")) if self.analysis.blind else None
        for cut in self.analysis.cuts:
            if cut.scan is not None:
                self._scan(cut.scan)
        for histogram in self.analysis.histograms:
            self._histogram(histogram)
        self.problems.check()
        regions = [
            Region(name, cuts, tuple(node for cut in cuts if (node := nodes[id(cut)]) is not None))
            for name, cuts in self.analysis.regions.items()
        ]
        return Bound(
            self.analysis,
            self.columns,
            regions,
            {name: node for name, node in weights.items() if node is not None},
            box,
        )

    def _node(self, expression: Expression, rule: Rule) -> Node | None:
        try:
            return self.scope.attempt(expression, lambda checker: rule(checker, expression))
        except ReportedError:
            return None

    def _clashes(self) -> None:
        """Refuse names that the analysis gives to something of its own and that the table has, too."""
        taken = {*self.columns, *(column.collection for column in self.columns.values() if column.shape != "flat")}
        for kind, names in (
            ("parameter", self.analysis.parameters),
            ("definition", self.analysis.definitions),
            ("object", self.analysis.objects),
        ):
            for name, declared in names.items():
                fields = kind == "object" and any(column.startswith(f"{name}.") for column in self.columns)
                if name in taken or fields:
                    message = f"the {kind} '{name}' has the name of a column of the table"
                    self.problems.add(declared.place.error(message, key=True, hint=f"rename the {kind}"))

    def _declared(self) -> None:
        """Check what the file declares, whether or not a cut uses it: a mistake is told where it is made."""
        places = {name: declared.place for name, declared in self.analysis.definitions.items()}
        places |= {name: declared.place for name, declared in self.analysis.objects.items()}
        for name, place in places.items():
            try:
                self.scope.resolve(name, Span(0, len(name)), None)
            except ReportedError:
                continue
            except RecursionError:
                self.problems.add(place.error(TOO_DEEP))

    def _scan(self, scan: Scan) -> None:
        parameter = self.analysis.parameters[scan.parameter.value]
        if parameter.several:
            self.problems.add(
                scan.parameter.place.error(f"'{parameter.name}' has several values and cannot be scanned")
            )
            return
        for end in (scan.start, scan.stop):
            node = self._node(end, _constant)
            dimension = parameter.values[0].dimension
            if node is not None and None not in (node.dimension, dimension) and node.dimension != dimension:
                self.problems.add(
                    end.place.error(f"'{end.text}' is not in {dimension}, the unit of '{parameter.name}'")
                )
        yields = Scope(Program(), {name: Column(name) for name in ("signal", "background")}, {}, {}, {}, {})
        try:
            yields.attempt(scan.figure_of_merit, lambda checker: _number(checker, scan.figure_of_merit))
        except ReportedError:
            for error in yields.problems.errors:
                self.problems.add(error)

    def _histogram(self, histogram: Histogram) -> None:
        for axis, expression in zip(histogram.limits, histogram.of, strict=True):
            node = self._node(expression, _number)
            for limit in axis:
                end = self._node(limit, _constant)
                if node is None or end is None or None in (node.dimension, end.dimension):
                    continue
                if node.dimension != end.dimension:
                    unit = "a pure number" if node.dimension == PURE else f"in {node.dimension}"
                    self.problems.add(limit.place.error(f"'{expression.text}' is {unit}, '{limit.text}' is not"))
        cuts = {cut.name for region in self.analysis.regions.values() for cut in region}
        for names, known, what in (
            (histogram.after, {*cuts, "all", "n-1"}, "cut"),
            (histogram.regions, set(self.analysis.regions), "region"),
        ):
            for name in names:
                if name.value not in known:
                    hint = did_you_mean(name.value, sorted(known))
                    self.problems.add(name.place.error(f"there is no {what} '{name.value}'", hint=hint))
