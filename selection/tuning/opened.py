"""`Opened`: an analysis on the columns of a table with its parameters left open, and what depends on which of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from emiss.configs.errors import UserError
from emiss.events.language.running.program import needed
from emiss.events.language.syntax.tree import names
from emiss.selection.binding.cuts import bind_open
from emiss.selection.tuning.parts import Part, parts_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from emiss.events.columns import Column
    from emiss.events.language.running.program import Node
    from emiss.selection.analysis.model import Analysis
    from emiss.selection.counting.counter import Region
    from emiss.selection.counting.engine import Bound

Knob = tuple[str, int]
"""One value of a parameter: its name, and the position of the value (0 where there is one only)."""

SHAPES = "shapes a histogram or an expression: set it with --set"
BOX = "the blind box depends on it"


@dataclass(frozen=True)
class OpenCut:
    """A cut as the truths that all have to hold for it."""

    name: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Opened:
    """An analysis with open parameters.

    Attributes
    ----------
    bound : Bound
        Its nodes; those of op ``scanned`` stand for the knobs.
    columns : mapping of full name to Column
        Of the table.
    knobs : tuple of Knob
        Values that may be turned.
    locked : mapping of parameter to str
        Those that may not, and why.
    cuts : mapping of region to its cuts
    depends : mapping of node id to its knobs
    """

    bound: Bound
    columns: Mapping[str, Column]
    knobs: tuple[Knob, ...]
    locked: Mapping[str, str]
    cuts: Mapping[str, tuple[OpenCut, ...]]
    depends: Mapping[int, frozenset[Knob]]
    scanned: Mapping[Knob, Node] = field(default_factory=dict)

    def of(self, node: Node) -> frozenset[Knob]:
        """Return the knobs that the value of a node depends on."""
        return self.depends.get(node.id, frozenset())


def open_parameters(analysis: Analysis, columns: Mapping[str, Column], box_parameters: Iterable[str] = ()) -> Opened:
    """Return an analysis with all its parameters left open that can be.

    Parameters
    ----------
    box_parameters : iterable of str
        Parameters that the box of hidden samples depends on, which nobody may turn.

    Raises
    ------
    UserError
        If the analysis does not fit the columns.
    """
    locked = dict.fromkeys(box_parameters, BOX)
    locked |= {name: SHAPES for name in _of_axes(analysis) if name not in locked}
    names_ = [name for name in analysis.parameters if name not in locked]
    try:
        bound = bind_open(analysis, columns, _values(analysis, names_))
    except UserError:
        # what is wrong with the analysis itself is told by the one who has bound it; here it is a parameter
        shaping = [name for name in names_ if not _can_be_open(analysis, columns, name)]
        locked |= dict.fromkeys(shaping, SHAPES)
        names_ = [name for name in names_ if name not in shaping]
        bound = bind_open(analysis, columns, _values(analysis, names_))
    cuts = {region.name: _open_cuts(region) for region in bound.regions}
    depends, scanned = _dependencies(_roots(bound, cuts))
    return Opened(bound, columns, tuple(_values(analysis, names_)), locked, cuts, depends, scanned)


def _values(analysis: Analysis, names_: Iterable[str]) -> dict[Knob, None]:
    return {(name, i): None for name in names_ for i in range(len(analysis.parameters[name].values))}


def _can_be_open(analysis: Analysis, columns: Mapping[str, Column], name: str) -> bool:
    try:
        bind_open(analysis, columns, _values(analysis, [name]))
    except UserError:
        return False
    return True


def _of_axes(analysis: Analysis) -> set[str]:
    """Return the parameters that the axes of histograms are made of."""
    used = {
        name
        for histogram in analysis.histograms
        for limits in histogram.limits
        for limit in limits
        for name in names(limit.tree)
    } & set(analysis.parameters)
    return used.union(*(analysis.parameters[name].uses for name in used))


def _open_cuts(region: Region) -> tuple[OpenCut, ...]:
    return tuple(OpenCut(cut.name, parts_of(node)) for cut, node in zip(region.cuts, region.nodes, strict=True))


def _roots(bound: Bound, cuts: Mapping[str, tuple[OpenCut, ...]]) -> list[Node]:
    roots = [node for found in cuts.values() for cut in found for part in cut.parts for node in part.roots]
    roots += [weight.node for weight in bound.weights.values()]
    roots += [node for histogram in bound.histograms for node in histogram.roots]
    return roots


def _dependencies(roots: list[Node]) -> tuple[dict[int, frozenset[Knob]], dict[Knob, Node]]:
    found: dict[int, frozenset[Knob]] = {}
    scanned: dict[Knob, Node] = {}
    for node in needed(roots):  # arguments come first
        if node.op == "scanned":
            knob = cast("Knob", node.data)
            scanned[knob] = node
            found[node.id] = frozenset([knob])
        elif used := [found[arg.id] for arg in node.args if arg.id in found]:
            found[node.id] = frozenset().union(*used)
    return found, scanned
