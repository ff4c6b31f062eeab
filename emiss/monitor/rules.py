"""``configs/monitors/*.yaml``: the rules of alarms, expressions of what is monitored with limits.

A rule on all channels, planes or cuts is checked for each of them; the alarm names the one that is furthest from its limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from emiss.configs import loader
from emiss.configs.errors import Problems, UserError
from emiss.configs.place import Place, Text
from emiss.configs.schema import Model, Time
from emiss.configs.units import PURE, UnitError, parse_quantity, parse_unit, read_number
from emiss.events.language.meaning.scope import ReportedError, Scope
from emiss.events.language.running.evaluate import Plan
from emiss.events.language.running.program import Program
from emiss.events.language.running.values import Numbers, Truths
from emiss.events.language.syntax.expression import read_expression
from emiss.events.language.syntax.tree import names

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from emiss.configs.document import Document, YamlPath
    from emiss.events.columns import Column
    from emiss.events.language.meaning.check import Checker
    from emiss.events.language.running.program import Node
    from emiss.events.language.syntax.expression import Expression
    from emiss.events.table import EventTable

SHIPPED = "default"

GROUPS = ("channel", "plane", "cut")
"""What not every set-up has, or not every call: without them their rules do not apply."""

Name = Annotated[str, Field(pattern=r"^\w[\w.-]*$", max_length=80)]


class RuleEntry(Model):
    """One alarm: what is looked at, and from where on it is one.

    Attributes
    ----------
    value : str
        An expression of what is monitored (``emiss monitor --quantities``), as in cuts.
    below, above : str, optional
        Limits, with a unit where the value has one.
    when : str
        A condition: without it there is no alarm.
    after : int
        So many spills in a row make it one.
    """

    name: Name
    value: str = Field(min_length=1)
    below: str | None = None
    above: str | None = None
    when: str = "true"
    after: int = Field(default=1, ge=1)
    title: str = ""

    @model_validator(mode="after")
    def _limited(self) -> RuleEntry:
        if self.below is None and self.above is None:
            msg = "an alarm needs a limit: 'below', 'above' or both"
            raise ValueError(msg)
        return self


class MonitorFile(Model):
    """A file of rules as written.

    Attributes
    ----------
    silence : float
        Nanoseconds without a new byte that are an alarm.
    """

    monitor: str = Field(min_length=1)
    description: str = ""
    silence: Time | None = Field(default=None, gt=0)
    alarms: tuple[RuleEntry, ...] = ()


@dataclass(frozen=True)
class Raised:
    """An alarm: which, its value and the limit that it crosses, and of what it is (a channel, say)."""

    name: str
    title: str
    value: float
    limit: str
    unit: str
    element: str
    others: int

    @property
    def said(self) -> str:
        """All of it in words."""
        of = f" of {self.element}" if self.element else ""
        more = f", and {self.others} more" if self.others else ""
        title = f" ({self.title})" if self.title else ""
        unit = "" if self.unit == "1" else f" {self.unit}"
        return f"{self.name}{of}{more}: {self.value:.4g}{unit}, limit: {self.limit}{title}"


@dataclass
class Rule:
    """A rule on the quantities of a set-up."""

    entry: RuleEntry
    value: Node
    when: Node
    below: float | None
    above: float | None
    unit: str
    in_a_row: int = 0

    def check(self, table: EventTable) -> Raised | None:
        """Return the alarm of a spill; None where there is none."""
        found = Plan([self.value, self.when]).run(table)
        value, when = found[self.value.id], found[self.when.id]
        assert isinstance(value, Numbers)  # noqa: S101 - it has been checked
        assert isinstance(when, Truths)  # noqa: S101
        values = np.atleast_1d(value.floats).astype(float)
        wanted = np.broadcast_to(when.true, values.shape)
        least, most = (np.nan if limit is None else limit for limit in (self.below, self.above))
        with np.errstate(invalid="ignore"):
            low, high = wanted & (values < least), wanted & (values > most)
        bad = np.flatnonzero(low | high)
        self.in_a_row = self.in_a_row + 1 if len(bad) else 0
        if self.in_a_row < self.entry.after or not len(bad):
            return None
        beyond = np.where(low, least - values, values - most)[bad]
        worst = int(bad[np.argmax(beyond)])
        axis = self.value.axis
        element = axis.elements[worst] if axis is not None and axis.elements else str(worst) if axis is not None else ""
        limit = f"below {self.entry.below}" if low[worst] else f"above {self.entry.above}"
        shown = float(values[worst]) / parse_unit(self.unit).factor
        return Raised(self.entry.name, self.entry.title, shown, limit, self.unit, element, len(bad) - 1)


@dataclass(frozen=True)
class Rules:
    """The rules of a file, on the quantities of a set-up.

    Attributes
    ----------
    silence : float or None
        Seconds.
    left_out : tuple of str
        Rules that do not apply: what they are about is not there.
    """

    name: str
    rules: tuple[Rule, ...]
    silence: float | None
    left_out: tuple[str, ...]

    def check(self, table: EventTable) -> list[Raised]:
        """Return the alarms of a spill."""
        return [alarm for rule in self.rules if (alarm := rule.check(table)) is not None]


def load(path: str | Path, columns: Mapping[str, Column]) -> Rules:
    """Read a file of rules.

    Parameters
    ----------
    path : str or Path
        A file, or the name of one that ships.
    columns : mapping of name to Column
        What is monitored.

    Raises
    ------
    UserError
        For all mistakes in the file, with their places.
    """
    return bind(loader.load(loader.find("monitors", path)), columns)


def bind(document: Document, columns: Mapping[str, Column]) -> Rules:
    """Return the rules of a document; see `load`."""
    entry = loader.validate(document, MonitorFile)
    problems = Problems()
    scope = Scope(Program(), columns, {}, {}, {}, {})
    rules, left_out = [], []
    absent = {group for group in GROUPS if not any(name.startswith(f"{group}.") for name in columns)}
    seen: set[str] = set()
    for number, item in enumerate(entry.alarms):
        place = ("alarms", number)
        if item.name in seen:
            problems.add(document.error(f"there is an alarm '{item.name}' already", (*place, "name")))
        seen.add(item.name)
        try:
            value = read_expression(Text(item.value, Place(document, (*place, "value"))))
            has = "when" in document.data["alarms"][number]
            when = read_expression(Text(item.when, Place(document, (*place, "when") if has else place)))
            if any(name.partition(".")[0] in absent for tree in (value.tree, when.tree) for name in names(tree)):
                left_out.append(item.name)
                continue
            node = scope.attempt(value, partial(_number, value))
            condition = scope.attempt(when, partial(_truth, when))
            below, above = (_limit(document, item, key, node, (*place, key), problems) for key in ("below", "above"))
            if condition.axis not in (None, node.axis):
                problems.add(document.error("not of the same things as the value", (*place, "when")))
            rules.append(Rule(item, node, condition, below, above, _unit(item, node)))
        except ReportedError:
            continue
        except UserError as error:
            problems.add(error)
    problems.add_all(scope.problems)
    problems.check()
    silence = None if entry.silence is None else entry.silence / parse_unit("s").factor
    return Rules(entry.monitor, tuple(rules), silence, tuple(left_out))


def _number(expression: Expression, checker: Checker) -> Node:
    return checker.number(expression.tree)


def _truth(expression: Expression, checker: Checker) -> Node:
    return checker.truth(expression.tree)


def _limit(
    document: Document,
    item: RuleEntry,
    key: Literal["below", "above"],
    node: Node,
    path: YamlPath,
    problems: Problems,
) -> float | None:
    """Return a limit in base units."""
    text = getattr(item, key)
    if text is None:
        return None
    try:
        return parse_quantity(text, node.dimension or PURE)
    except UnitError as error:
        problems.add(document.error(str(error), path))
        return None


def _unit(item: RuleEntry, node: Node) -> str:
    """Return the unit that values are shown in: that of the limit."""
    written = read_number(item.below if item.below is not None else item.above or "")
    return written.unit if written is not None and written.unit else str(node.dimension or PURE)
