"""Scans against the columns of a table: the values of the parameters, and which part of the cuts depends on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.units import PURE, UnitError, parse_unit
from emiss.events.language.meaning.scope import ReportedError
from emiss.events.language.running.evaluate import Plan, constant
from emiss.events.language.running.program import depends, needed
from emiss.events.language.running.values import Numbers
from emiss.events.language.syntax import tree
from emiss.selection.binding.merit import check_merit
from emiss.selection.counting.scans import BoundScan, RegionScan, ScanAxis, Threshold

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from emiss.configs.arrays import Floats
    from emiss.configs.units import Dimension
    from emiss.events.language.meaning.scope import Scope
    from emiss.events.language.running.program import Node
    from emiss.events.language.syntax.expression import Expression
    from emiss.selection.analysis.model import Analysis, Scan, ScannedParameter
    from emiss.selection.counting.counter import Region

    End = Callable[[Expression], Node | None]


def bind_scan(analysis: Analysis, scan: Scan, scope: Scope, regions: Sequence[Region], end: End) -> BoundScan | None:
    """Return a scan ready to run; None, with the mistakes noted in the scope's problems, if it cannot.

    Parameters
    ----------
    scope : Scope
        Of the analysis on the table.
    regions : sequence of Region
        With the nodes of the cuts at the parameters' own values.
    end : callable
        Gives the node of a constant number.
    """
    axes = [_axis(analysis, axis, scope, end) for axis in scan.axes]
    known = [axis for axis in axes if axis is not None]
    if not check_merit(scan.figure_of_merit, scope.problems) or len(known) < len(axes):
        return None
    scanned = {(axis.name, max(axis.position, 0)) for axis in scan.axes}
    if len(scanned) < len(scan.axes):
        scope.problems.add(scan.axes[1].parameter.place.error("the same parameter twice"))
        return None
    if any(_is_source(analysis, axis, scope) for axis in scan.axes):
        return None
    open_ = scope.open(scanned)
    parameters = tuple(
        open_.program.scanned(axis.name, max(axis.position, 0), dimension)
        for axis, (_, dimension) in zip(scan.axes, known, strict=True)
    )
    shown = tuple(axis for axis, _ in known)
    try:
        found = [
            _region(region, [open_.attempt(cut.require, _truth(cut.require)) for cut in region.cuts], shown, parameters)
            for region in regions
        ]
    except ReportedError:
        for error in open_.problems.errors:
            scope.problems.add(error)
        return None
    touched = tuple(region for region in found if region is not None)
    if not touched:
        names = " or ".join(f"'{axis.parameter.value}'" for axis in scan.axes)
        scope.problems.add(scan.axes[0].parameter.place.error(f"no cut depends on {names}: there is nothing to scan"))
        return None
    return BoundScan(scan.name, shown, parameters, scan.figure_of_merit.text, touched)


def _truth(expression: Expression) -> Callable[..., Node]:
    return lambda checker: checker.truth(expression.tree)


def _axis(
    analysis: Analysis, axis: ScannedParameter, scope: Scope, end: End
) -> tuple[ScanAxis, Dimension | None] | None:
    """Return the values of one parameter with its dimension."""
    parameter = analysis.parameters[axis.name]
    size = len(parameter.values)
    if parameter.several and axis.position < 0:
        message = f"'{parameter.name}' has several values and cannot be scanned as a whole"
        scope.problems.add(axis.parameter.place.error(message, hint=f"scan one of them: '{parameter.name}[0]'"))
        return None
    if axis.position >= size or (not parameter.several and axis.position > 0):
        scope.problems.add(axis.parameter.place.error(f"'{parameter.name}' has {size} value{'s' * (size > 1)}"))
        return None
    dimension = parameter.values[max(axis.position, 0)].dimension
    ends: list[float] = []
    for limit in (axis.start, axis.stop):
        node = end(limit)
        if node is None:
            return None
        if dimension is None:
            dimension = node.dimension
        if None not in (node.dimension, dimension) and node.dimension != dimension:
            message = f"'{limit.text}' is not in {dimension}, the unit of '{axis.name}'"
            scope.problems.add(limit.place.error(message))
            return None
        ends.append(constant(node))
    if not np.isfinite(ends).all() or ends[0] == ends[1]:
        scope.problems.add(axis.stop.place.error("a scan goes from one value to another one"))
        return None
    unit, factor = display_unit((axis.start, axis.stop), dimension)
    values = np.linspace(ends[0] / factor, ends[1] / factor, axis.points)
    # 0.1 + 0.2 is not what a user would write for the third step
    rounded = tuple(float(f"{value:.12g}") for value in values)
    return ScanAxis(axis.parameter.value, rounded, unit, factor), dimension


def display_unit(expressions: Sequence[Expression], dimension: Dimension | None) -> tuple[str, float]:
    """Return the unit in which values are shown, with its factor: the first one written, else the base unit."""
    for expression in expressions:
        for node in tree.walk(expression.tree):
            if isinstance(node, tree.Number) and node.unit is not None:
                try:
                    unit = parse_unit(node.unit)
                except UnitError:
                    continue
                if unit.dimension == dimension:
                    return node.unit, unit.factor
    return ("" if dimension in (None, PURE) else str(dimension)), 1.0


def _is_source(analysis: Analysis, axis: ScannedParameter, scope: Scope) -> bool:
    """Refuse a parameter that others are computed from: these would stay where they are."""
    for name, parameter in analysis.parameters.items():
        if axis.name in parameter.uses:
            message = f"the parameter '{name}' is computed from '{axis.name}', and would not follow the scan"
            scope.problems.add(axis.parameter.place.error(message, hint=f"put '{name}' under 'define'"))
            return True
    return False


def _region(
    region: Region, opened: Sequence[Node], axes: Sequence[ScanAxis], parameters: Sequence[Node]
) -> RegionScan | None:
    """Return what a scan needs in a region; None where no cut depends on it."""
    parts = [part for node in opened for part in _conjuncts(node)]
    fixed = tuple(part for part in parts if not depends(part))
    varied = tuple(part for part in parts if depends(part))
    if not varied:
        return None
    thresholds = _thresholds(varied, axes, parameters)
    return RegionScan(region.name, fixed, thresholds, () if thresholds else varied)


def _conjuncts(node: Node) -> list[Node]:
    """Return the truths that all have to hold for a decision to hold."""
    if node.op == "and" and node.axis is None and depends(node):
        return [part for arg in node.args for part in _conjuncts(arg)]
    return [node]


def _thresholds(varied: Sequence[Node], axes: Sequence[ScanAxis], parameters: Sequence[Node]) -> tuple[Threshold, ...]:
    """Return one threshold per axis, in their order; none where that is not all there is to the parameters."""
    if len(varied) != len(axes):
        return ()
    found: dict[int, Threshold] = {}
    for node in varied:
        for number, (axis, parameter) in enumerate(zip(axes, parameters, strict=True)):
            others = [other for other in parameters if other is not parameter]
            threshold = _threshold(node, axis, parameter, others)
            if threshold is not None:
                found[number] = threshold
    return tuple(found[number] for number in range(len(axes))) if len(found) == len(axes) else ()


def _threshold(node: Node, axis: ScanAxis, parameter: Node, others: Sequence[Node]) -> Threshold | None:
    """Return the comparison of a number of the event with a value that grows or falls with one parameter."""
    if node.op not in ("<", "<=") or node.axis is not None:
        return None
    left, right = node.args
    below = depends(right)
    number, limit = (left, right) if below else (right, left)
    if depends(number) or not limit.constant or not _only(limit, parameter, others):
        return None
    limits = _evaluate(limit, parameter, axis)
    steps = np.diff(limits)
    if not (np.isfinite(limits).all() and ((steps >= 0).all() or (steps <= 0).all())):
        return None
    return Threshold(number, tuple(float(x) for x in limits), below, node.op == "<=")


def _only(node: Node, parameter: Node, others: Sequence[Node]) -> bool:
    inside = needed([node])
    return any(part is parameter for part in inside) and not any(part in others for part in inside)


def _evaluate(limit: Node, parameter: Node, axis: ScanAxis) -> Floats:
    """Return the value of a constant at each step, in base units."""
    from emiss.events.table import EventTable

    plan = Plan([limit], given={parameter.id})
    nothing = EventTable(0, {})
    return np.array(
        [
            float(plan.run(nothing, {parameter.id: Numbers(np.asarray(value * axis.factor))})[limit.id].floats)
            for value in axis.values
        ]
    )
