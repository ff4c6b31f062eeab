"""`bind`: every expression of an analysis checked against the columns of a table, and put into one program."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from emiss.configs.errors import Location, Problems, UserError, did_you_mean
from emiss.configs.place import Text
from emiss.configs.units import PURE
from emiss.events.language.meaning.scope import TOO_DEEP, ReportedError, Scope
from emiss.events.language.running.program import Program
from emiss.events.language.syntax.expression import read_expression
from emiss.events.language.syntax.tree import ExpressionError, Span
from emiss.selection.binding.histograms import bind_histogram
from emiss.selection.binding.scans import bind_scan
from emiss.selection.counting.counter import Region, Shifted, Weight
from emiss.selection.counting.engine import Bound
from emiss.selection.counting.histograms import UNWEIGHTED

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from emiss.events.columns import Column
    from emiss.events.language.meaning.check import Checker
    from emiss.events.language.running.program import Node
    from emiss.events.language.syntax.expression import Expression
    from emiss.selection.analysis.model import Analysis, Cut, Histogram, Scan, Shift
    from emiss.selection.counting.histograms import BoundHistogram
    from emiss.selection.counting.scans import BoundScan

    Rule = Callable[[Checker, Expression], Node]
    Absent = Callable[[str], str | None]

WEIGHT = "weight"
"""The column that holds the weight of an event."""


def bind(
    analysis: Analysis, columns: Mapping[str, Column], *, part: bool = False, absent: Absent | None = None
) -> Bound:
    """Return the analysis ready to run on tables with these columns.

    A `part` of an analysis, which others extend, may be without cuts and histograms. `absent` says of a name that is no column
    where there is one, as a hint.

    Raises
    ------
    UserError
        For names, kinds and units that do not fit, all at once; if there is nothing to do.
    """
    bound = _Binder(analysis, columns, absent).bound()
    if not part and not analysis.histograms and not any(analysis.regions.values()):
        file = [*analysis.source_texts][-1]
        raise UserError(
            f"the analysis '{analysis.name}' is empty: it has neither a cut nor a histogram",
            at=Location(file),
            hint="add 'cuts: [{name: ..., require: ...}]'",
        )
    return bound


def bind_open(analysis: Analysis, columns: Mapping[str, Column], opened: Collection[tuple[str, int]]) -> Bound:
    """Return the analysis with some values of parameters left open, without its scans; nothing can be counted with it.

    What it gives are the nodes: those of op ``scanned`` stand for the values that are to be given.

    Raises
    ------
    UserError
        As `bind` does, and where a value shapes the program and so cannot be left open.
    """

    def bare(cuts: Iterable[Cut]) -> tuple[Cut, ...]:
        return tuple(replace(cut, scan=None) for cut in cuts)

    regions = {name: bare(cuts) for name, cuts in analysis.regions.items()}
    plain = replace(analysis, cuts=bare(analysis.cuts), regions=regions, more_scans=())
    return _Binder(plain, columns, None, opened).bound()


def mistakes(analysis: Analysis, columns: Mapping[str, Column], *, absent: Absent | None = None) -> list[UserError]:
    """Return what does not fit, also of an analysis that could not be read as a whole (`read.survey`)."""
    binder = _Binder(analysis, columns, absent)
    binder.look()
    return binder.problems.errors


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

    def __init__(
        self,
        analysis: Analysis,
        columns: Mapping[str, Column],
        absent: Absent | None,
        opened: Collection[tuple[str, int]] = (),
    ) -> None:
        self.analysis = analysis
        self.columns = columns
        self.scope = Scope(
            Program(),
            columns,
            analysis.units,
            analysis.parameters,
            analysis.definitions,
            analysis.objects,
            scanned=opened,
            failed=analysis.broken,
            absent=absent,
            functions=analysis.functions,
        )
        self.problems: Problems = self.scope.problems

    def look(self) -> tuple[dict[int, Node | None], dict[str, Weight], Node | None]:
        """Return cuts, weights and box, with the mistakes noted; with one, look at the histograms, too."""
        self._clashes()
        self._declared()
        distinct = {id(cut): cut for cuts in (self.analysis.cuts, *self.analysis.regions.values()) for cut in cuts}
        nodes = {key: self._node(cut.require, partial(_decision, "a cut")) for key, cut in distinct.items()}
        weights = {
            name: Weight(expression, node)
            for name, expression in self._weights(self.analysis).items()
            if (node := self._node(expression, _weight)) is not None
        }
        box = self._node(self.analysis.blind.box, partial(_decision, "a box")) if self.analysis.blind else None
        if self.problems.errors or self.analysis.broken:
            # scans, and the stages of histograms, need the cuts; that they would be wrong too is only a guess then
            for histogram in self.analysis.histograms:
                for expression in histogram.of:
                    self._node(expression, _number)
                for limit in (limit for limits in histogram.limits for limit in limits):
                    self._end(limit)
        return nodes, weights, box

    def bound(self) -> Bound:
        nodes, weights, box = self.look()
        self.problems.check()
        regions = [self._region(name, cuts, nodes) for name, cuts in self.analysis.regions.items()]
        scans = [self._scan(scan, regions) for scan in self.analysis.scans]
        histograms = [self._histogram(histogram, regions) for histogram in self.analysis.histograms]
        self.problems.check()
        shifts = self._shifts()
        self.problems.check()
        return Bound(
            self.analysis,
            self.columns,
            regions,
            weights,
            box,
            [histogram for histogram in histograms if histogram is not None],
            [scan for scan in scans if scan is not None],
            shifts,
        )

    def _shifts(self) -> list[Shifted]:
        """Return the shifts of the systematic variations; mistakes in them are noted."""
        return [self._shifted(shift) for shift in self.analysis.shifts]

    def _shifted(self, shift: Shift) -> Shifted:
        analysis, nominal = shift.analysis, self.scope
        known = {name: column for column in self.columns.values() for name in (column.name, column.alias) if name}
        for name in shift.scale:
            column = known.get(name)
            if column is None or column.type in ("bool", "b1") or column.bits:
                message = (
                    f"there is no column '{name}' to scale" if column is None else f"'{name}' holds no numbers to scale"
                )
                hint = did_you_mean(name, known) if column is None else None
                self.problems.add(shift.place.error(message, key=True, hint=hint))
                return Shifted(shift.name, (), None)
        self.scope = Scope(
            nominal.program,
            self.columns,
            analysis.units,
            analysis.parameters,
            analysis.definitions,
            analysis.objects,
            failed=analysis.broken,
            absent=nominal.absent,
            functions=analysis.functions,
            scaled=shift.scale,
        )
        try:
            distinct = {id(cut): cut for cuts in analysis.regions.values() for cut in cuts}
            nodes = {key: self._node(cut.require, partial(_decision, "a cut")) for key, cut in distinct.items()}
            regions = tuple(self._region(name, cuts, nodes, shift) for name, cuts in analysis.regions.items())
            found = next(iter(self._weights(analysis).values()), None)
            node = None if found is None else self._node(found, _weight)
            self.problems.add_all(self.scope.problems)
            return Shifted(shift.name, regions, None if found is None or node is None else Weight(found, node))
        finally:
            self.scope = nominal

    def _region(
        self, name: str, cuts: Sequence[Cut], nodes: Mapping[int, Node | None], shift: Shift | None = None
    ) -> Region:
        analysis = self.analysis if shift is None else shift.analysis
        scaled = "" if shift is None else "".join(f" {key}*{factor.hex()}" for key, factor in shift.scale.items())
        return Region(
            name,
            tuple(cuts),
            tuple(node for cut in cuts if (node := nodes[id(cut)]) is not None),
            tuple(analysis.meaning(cut.require) + scaled for cut in cuts),
            tuple(tuple(analysis.stated(cut.require).items()) for cut in cuts),
        )

    def _weights(self, analysis: Analysis) -> Mapping[str, Expression]:
        """Return the weights that the file declares; where it declares none, the one that the table has."""
        column = self.columns.get(WEIGHT)
        if analysis.weights or column is None or column.shape != "flat":
            return analysis.weights
        return {UNWEIGHTED: read_expression(Text(WEIGHT, self.analysis.place))}

    def _node(self, expression: Expression, rule: Rule) -> Node | None:
        try:
            return self.scope.attempt(expression, lambda checker: rule(checker, expression))
        except ReportedError:
            return None

    def _clashes(self) -> None:
        """Refuse names that the analysis gives to something of its own and that the table has, too."""
        known = [column for column in self.columns.values() if not column.alias]
        taken = {
            *(column.name for column in known),
            *(column.collection for column in known if column.shape != "flat"),
            *(column.alias for column in self.columns.values()),
        }
        for kind, names in (
            ("parameter", self.analysis.parameters),
            ("definition", self.analysis.definitions),
            ("object", self.analysis.objects),
        ):
            for name, declared in names.items():
                fields = kind == "object" and any(column.name.startswith(f"{name}.") for column in known)
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

    def _scan(self, scan: Scan, regions: Sequence[Region]) -> BoundScan | None:
        return bind_scan(self.analysis, scan, self.scope, regions, self._end)

    def _histogram(self, histogram: Histogram, regions: Sequence[Region]) -> BoundHistogram | None:
        known = {region.name for region in regions}
        for name in histogram.regions:
            if name.value not in known:
                hint = did_you_mean(name.value, sorted(known))
                self.problems.add(name.place.error(f"there is no region '{name.value}'", hint=hint))
                return None

        def number(expression: Expression) -> Node | None:
            return self._node(expression, _number)

        return bind_histogram(histogram, regions, self.scope.program, number, self._end, self.problems)

    def _end(self, expression: Expression) -> Node | None:
        return self._node(expression, _constant)
