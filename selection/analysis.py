"""`Analysis`: a selection file read, put together and parsed, before it meets a table; `read` makes one."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from events.language.parameters import Parameter, written
from events.language.tree import canonical, names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from events.columns import Column
    from events.language.expression import Expression, ObjectDeclaration
    from events.language.place import Text
    from selection.engine import Bound

HASH_DIGITS = 16
"""Digits of the sha256 kept as `cuts_hash`."""


@dataclass(frozen=True)
class Cut:
    """A cut; `resolved` is its expression with the values of the parameters in the place of their names."""

    name: str
    require: Expression
    resolved: str
    scan: Scan | None = None


@dataclass(frozen=True)
class ScannedParameter:
    """A parameter to scan (`position` tells which of its values), from where to where and in how many steps."""

    parameter: Text
    name: str
    position: int
    start: Expression
    stop: Expression
    points: int


@dataclass(frozen=True)
class Scan:
    """A scan of one or two parameters; `name` is unique in the analysis."""

    name: str
    axes: tuple[ScannedParameter, ...]
    figure_of_merit: Expression


@dataclass(frozen=True)
class Histogram:
    """A histogram: one or two expressions, and for each the edges, or the lower and the upper end, in its unit.

    `bins` is empty where the edges are given. `after` names the stages: a cut (it and all before it have passed), ``all``
    (before any cut), ``n-1`` (all cuts but those on this very quantity), ``n-1 CUT`` (all cuts but that one).
    """

    name: Text
    of: tuple[Expression, ...]
    limits: tuple[tuple[Expression, ...], ...]
    bins: tuple[int, ...]
    after: tuple[Text, ...]
    regions: tuple[Text, ...]
    title: str


@dataclass(frozen=True)
class Blind:
    """What is not to be seen: events of these samples (names or roles) inside the box."""

    names: tuple[Text, ...]
    box: Expression

    @property
    def samples(self) -> tuple[str, ...]:
        """The names without their places."""
        return tuple(name.value for name in self.names)


@dataclass(frozen=True)
class Analysis:
    """A selection file, read.

    Attributes
    ----------
    name : str
    units : mapping of column to unit
        What the file says of columns whose table does not say it.
    parameters, objects, definitions : mappings of name to declaration
    cuts : tuple of Cut
        As at the top of the file.
    regions : mapping of name to cuts
        At least one; "nominal" where the file declares none.
    weights : mapping of variation to Expression
        Empty where the file has none: then every event has weight 1.
    histograms : tuple of Histogram
    blind : Blind or None
    source_texts : mapping of file to YAML text
    """

    name: str
    units: Mapping[str, str]
    parameters: Mapping[str, Parameter]
    objects: Mapping[str, ObjectDeclaration]
    definitions: Mapping[str, Expression]
    cuts: tuple[Cut, ...]
    regions: Mapping[str, tuple[Cut, ...]]
    weights: Mapping[str, Expression]
    histograms: tuple[Histogram, ...]
    blind: Blind | None
    source_texts: Mapping[str, str]
    more_scans: tuple[Scan, ...] = ()

    @property
    def scans(self) -> tuple[Scan, ...]:
        """The scans beside the cuts, and those asked for apart from the file."""
        distinct = {id(cut.scan): cut.scan for cuts in (self.cuts, *self.regions.values()) for cut in cuts if cut.scan}
        return (*distinct.values(), *self.more_scans)

    @cached_property
    def cuts_hash(self) -> str:
        """The first digits of the sha256 of everything that changes a count; comments and unused names do not."""
        text = json.dumps(self._matters(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:HASH_DIGITS]

    def bind(self, columns: Mapping[str, Column]) -> Bound:
        """Return the analysis ready to run on tables with these columns.

        Raises
        ------
        UserError
            For names, kinds and units that do not fit, all at once.
        """
        from selection.bind import bind

        return bind(self, columns)

    def resolved(self) -> dict[str, Any]:
        """Return the analysis as plain data: all files put together, parameters in their places."""
        data: dict[str, Any] = {
            "analysis": self.name,
            "columns": dict(self.units),
            "parameters": {name: parameter.resolved() for name, parameter in self.parameters.items()},
            "objects": {name: self._object(declared) for name, declared in self.objects.items()},
            "define": {name: self.substitute(expression) for name, expression in self.definitions.items()},
            "regions": {
                name: [{"name": cut.name, "require": cut.resolved} for cut in cuts]
                for name, cuts in self.regions.items()
            },
            "weights": {name: self.substitute(expression) for name, expression in self.weights.items()},
        }
        if self.blind is not None:
            data["blind"] = {"samples": list(self.blind.samples), "box": self.substitute(self.blind.box)}
        return data

    def substitute(self, expression: Expression) -> str:
        """Return an expression with the values of parameters in the place of their names."""
        return written(expression.text, expression.tree, self.parameters)

    def _object(self, declared: ObjectDeclaration) -> dict[str, Any]:
        sources = [source.value for source in declared.sources]
        data: dict[str, Any] = {"from": sources[0] if len(sources) == 1 else sources}
        if declared.where is not None:
            data["where"] = self.substitute(declared.where)
        return data

    def _matters(self) -> dict[str, Any]:
        """Return the plain data that the hash is made of."""

        def normal(expression: Expression) -> str:
            return canonical(expression.tree, lambda name: self._value(name) or name)

        blind = [] if self.blind is None else [self.blind.box]
        roots = [cut.require for cuts in self.regions.values() for cut in cuts] + [*self.weights.values(), *blind]
        used = self.reachable(roots)
        objects = {
            name: [[s.value for s in declared.sources], normal(declared.where) if declared.where else ""]
            for name, declared in self.objects.items()
            if name in used
        }
        return {
            "columns": dict(self.units),
            "define": {name: normal(self.definitions[name]) for name in self.definitions if name in used},
            "objects": objects,
            "regions": {name: [[cut.name, normal(cut.require)] for cut in cuts] for name, cuts in self.regions.items()},
            "weights": {name: normal(expression) for name, expression in self.weights.items()},
            "blind": [sorted(self.blind.samples), normal(self.blind.box)] if self.blind else [],
        }

    def _value(self, name: str) -> str | None:
        parameter = self.parameters.get(name)
        return None if parameter is None else parameter.normal()

    def reachable(self, roots: Iterable[Expression]) -> set[str]:
        """Return the definitions and objects that expressions use, directly or not."""
        used: set[str] = set()
        waiting = [name for root in roots for name in names(root.tree)]
        while waiting:
            name = waiting.pop()
            parts = name.split(".")
            found = {".".join(parts[:i]) for i in range(1, len(parts) + 1)} - used
            for known in found & {*self.definitions, *self.objects}:
                used.add(known)
                if known in self.definitions:
                    waiting.extend(names(self.definitions[known].tree))
                else:
                    declared = self.objects[known]
                    waiting.extend(source.value for source in declared.sources)
                    waiting.extend(names(declared.where.tree) if declared.where else ())
        return used
