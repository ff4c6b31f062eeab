"""The figure of merit of a scan: an expression of ``signal`` and ``background``, the events expected, checked and computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.loader import loads
from emiss.configs.place import Place, Text
from emiss.events.columns import Column
from emiss.events.language.meaning.scope import ReportedError, Scope
from emiss.events.language.running.evaluate import Plan
from emiss.events.language.running.program import Program
from emiss.events.language.syntax.expression import read_expression
from emiss.events.table import EventTable

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats
    from emiss.configs.errors import Problems
    from emiss.events.language.syntax.expression import Expression


def figure(text: str, signal: Floats, background: Floats) -> Floats:
    """Return a figure of merit, given as an expression, for arrays of events expected; NaN where it is undefined."""
    expression = read_expression(Text(text, _nowhere()))
    node = merit_scope().check(expression).number(expression.tree)
    table = EventTable(signal.size, {"signal": signal.reshape(-1), "background": background.reshape(-1)})
    values = Plan([node]).run(table)[node.id].floats
    return np.broadcast_to(values, (signal.size,)).reshape(signal.shape)


def merit_scope() -> Scope:
    """Return the names that a figure of merit may use."""
    return Scope(Program(), {name: Column(name) for name in ("signal", "background")}, {}, {}, {}, {})


def check_merit(expression: Expression, problems: Problems) -> bool:
    """Return whether an expression is a figure of merit; if not, note why."""
    scope = merit_scope()
    try:
        scope.attempt(expression, lambda checker: checker.number(expression.tree))
    except ReportedError:
        for error in scope.problems.errors:
            problems.add(error)
        return False
    return True


def _nowhere() -> Place:
    return Place(loads("{}", "figure of merit"), ())
