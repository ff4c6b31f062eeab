"""`Analysis`: a selection file read, put together and parsed, before it meets a table; `read` makes one."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from emiss.events.language.meaning.fingerprint import Fingerprints
from emiss.events.language.meaning.parameters import Parameter, written

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from emiss.configs.place import Place, Text
    from emiss.events.language.syntax.expression import Expression, FunctionDeclaration, ObjectDeclaration

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
class Shift:
    """One direction of a systematic variation.

    Attributes
    ----------
    name : str
        ``ecal_scale_up``.
    analysis : Analysis
        With what is shifted in its place; of the weights only the nominal one.
    scale : mapping of column to float
        Factors.
    said : mapping of what is shifted to text
    place : Place
    """

    name: str
    analysis: Analysis
    scale: Mapping[str, float]
    said: Mapping[str, str]
    place: Place


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
        Empty where the file has none: then the column ``weight`` of the table counts, or every event as 1 without it.
    histograms : tuple of Histogram
    blind : Blind or None
    source_texts : mapping of file to YAML text
    place : Place
        Of the whole file.
    made_with : Text or None
        The detector or reader whose tables the analysis is for, where the file says it.
    broken : set of str
        Parameters, definitions and objects that could not be read; empty for an analysis that can be used.
    functions : mapping of name to FunctionDeclaration
    shifts : tuple of Shift
        Of the systematic variations.
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
    place: Place
    made_with: Text | None = None
    more_scans: tuple[Scan, ...] = ()
    broken: frozenset[str] = frozenset()
    functions: Mapping[str, FunctionDeclaration] = field(default_factory=dict)
    shifts: tuple[Shift, ...] = ()

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

    def resolved(self) -> dict[str, Any]:
        """Return the analysis as plain data: all files put together, parameters in their places."""
        data: dict[str, Any] = {
            "analysis": self.name,
            "columns": dict(self.units),
            "parameters": {name: parameter.resolved() for name, parameter in self.parameters.items()},
            "objects": {name: self._object(declared) for name, declared in self.objects.items()},
            "define": {name: self.substitute(expression) for name, expression in self.definitions.items()},
            **({"functions": self._functions()} if self.functions else {}),
            "regions": {
                name: [{"name": cut.name, "require": cut.resolved} for cut in cuts]
                for name, cuts in self.regions.items()
            },
            "weights": {name: self.substitute(expression) for name, expression in self.weights.items()},
        }
        if self.blind is not None:
            data["blind"] = {"samples": list(self.blind.samples), "box": self.substitute(self.blind.box)}
        if self.shifts:
            data["variations"] = {shift.name: dict(shift.said) for shift in self.shifts}
        return data

    def substitute(self, expression: Expression) -> str:
        """Return an expression with the values of parameters in the place of their names."""
        return written(expression.text, expression.tree, self.parameters)

    def _functions(self) -> dict[str, str]:
        return {function.usage(): self.substitute(function.body) for function in self.functions.values()}

    def _object(self, declared: ObjectDeclaration) -> dict[str, Any]:
        sources = [source.value for source in declared.sources]
        data: dict[str, Any] = {"from": sources[0] if len(sources) == 1 else sources}
        if declared.where is not None:
            data["where"] = self.substitute(declared.where)
        return data

    def _matters(self) -> dict[str, Any]:
        """Return the plain data that the hash is made of."""
        return {
            "regions": {
                name: [[cut.name, self.meaning(cut.require)] for cut in cuts] for name, cuts in self.regions.items()
            },
            "weights": {name: self.meaning(expression) for name, expression in self.weights.items()},
            "blind": [sorted(self.blind.samples), self.meaning(self.blind.box)] if self.blind else [],
            **({"shifts": {shift.name: self._shift(shift) for shift in self.shifts}} if self.shifts else {}),
        }

    @staticmethod
    def _shift(shift: Shift) -> list[Any]:
        return [shift.analysis._matters(), {name: factor.hex() for name, factor in shift.scale.items()}]  # noqa: SLF001 - our own

    @cached_property
    def _fingerprints(self) -> Fingerprints:
        return Fingerprints(self.parameters, self.definitions, self.objects, self.functions)

    def meaning(self, expression: Expression) -> str:
        """Return what an expression means as a short text, however it is written: through parameters, definitions, objects.

        Two analyses that give the same text compute the same from the same columns.
        """
        words = self._fingerprints.words([expression])
        units = {name: unit for name, unit in self.units.items() if name in words or name.rpartition(".")[2] in words}
        text = json.dumps([self._fingerprints.of(expression), units], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:HASH_DIGITS]

    def stated(self, expression: Expression) -> dict[str, str]:
        """Return the definitions and objects that an expression uses, directly or not, with what the file says of them."""
        said = {}
        for name in self.reachable([expression]):
            if name in self.definitions:
                said[name] = self.substitute(self.definitions[name])
            else:
                declared = self._object(self.objects[name])
                sources = declared["from"] if isinstance(declared["from"], str) else ", ".join(declared["from"])
                said[name] = f"{sources} where {declared['where']}" if "where" in declared else sources
        return said

    def reachable(self, roots: Iterable[Expression]) -> list[str]:
        """Return the definitions and objects that expressions use, directly or not; each behind all that it uses."""
        return self._fingerprints.uses(roots)
