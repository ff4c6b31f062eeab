"""Momenta among the fields of elements, what is computed from them, and pairs of elements.

Fields are found by their names, those that `vector` knows for momenta: ``pt phi`` or ``px py``; ``eta``, ``theta`` or ``pz``;
``mass``, ``m``, ``M`` or ``energy``, ``e``, ``E``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

from emiss.configs.units import PURE, Dimension
from emiss.events.language.meaning.objects import Collection, Element, Item, changed
from emiss.events.language.running.program import Node

if TYPE_CHECKING:
    from collections.abc import Callable

    from emiss.events.language.meaning.operands import Operands
    from emiss.events.language.syntax import tree

_PT, _PHI, _X, _Y = ("pt",), ("phi",), ("px",), ("py",)
_Z, _ETA, _THETA = ("pz",), ("eta",), ("theta",)
_MASS, _ENERGY = ("mass", "m", "M"), ("energy", "E", "e")


def pairs(checker: Operands, node: tree.Call) -> Collection:
    """Return the pairs of one collection, or of two."""
    bases = [_collection(checker, part) for part in node.arguments]
    label = checker.shown(node)
    rows = checker.program.add(
        "pair rows", tuple(base.rows for base in bases), kind="rows", label=label, constant=False
    )
    members = {
        name: Element(name, changed(bases[side % len(bases)].fields, _side(checker, rows, side)))
        for side, name in enumerate(("first", "second"))
    }
    fields = {f"{name}.{key}": get for name, member in members.items() for key, get in member.fields.items()}
    return Collection(label, rows, fields, members)


def _collection(checker: Operands, part: tree.Syntax) -> Collection:
    item = checker.item(part)
    if not isinstance(item, Collection):
        raise checker.error(f"pairs are made of a collection; '{checker.shown(part)}' is none", part)
    if item.members:
        raise checker.error(f"'{checker.shown(part)}' are pairs already", part)
    return item


def _side(checker: Operands, rows: Node, side: int) -> Callable[[Node], Node]:
    def taken(values: Node) -> Node:
        return checker.program.add(
            "pair side",
            (values, rows),
            side,
            kind=values.kind,
            dimension=values.dimension,
            axis=rows,
            bits=values.bits,
            label=values.label,
            constant=False,
        )

    return taken


def mass(checker: Operands, node: tree.Call) -> Node:
    """Return the invariant mass of all arguments together; of pairs, that of both elements."""
    momenta = [momentum for part in node.arguments for momentum in _momenta(checker, part)]
    if len(momenta) == 1 and (own := momenta[0].field(_MASS)) is not None:
        return own
    parts = [momentum.cartesian() for momentum in momenta]
    unit = _one_unit(checker, momenta, node)
    flat = checker.aligned(
        [(value, momentum.part) for momentum, four in zip(momenta, parts, strict=True) for value in four]
    )
    total = [reduce(_sum(checker, unit), flat[i::4]) for i in range(4)]
    return checker.same_axis("mass", tuple(total), dimension=unit)


def delta_phi(checker: Operands, node: tree.Call) -> Node:
    """Return the difference of two azimuths, of momenta or of angles as they are."""
    operands = checker.aligned([(_azimuth(checker, part), part) for part in node.arguments])
    return checker.same_axis("delta_phi", operands)


def delta_r(checker: Operands, node: tree.Call) -> Node:
    """Return the distance of two momenta in pseudorapidity and azimuth."""
    both = [_one(checker, part) for part in node.arguments]
    etas = checker.aligned([(momentum.eta(), momentum.part) for momentum in both])
    phis = checker.aligned([(momentum.phi(), momentum.part) for momentum in both])
    across = checker.same_axis("delta_phi", phis)
    return checker.same_axis("hypot", (checker.same_axis("-", etas), across))


def _sum(checker: Operands, unit: Dimension | None) -> Callable[[Node, Node], Node]:
    return lambda a, b: checker.same_axis("+", (a, b), dimension=unit)


def _one_unit(checker: Operands, momenta: list[_Momentum], node: tree.Call) -> Dimension | None:
    """Return the unit that momenta, masses and energies have in common."""
    used = [(name, value) for momentum in momenta for name, value in momentum.used.items()]
    name, first = used[0]
    for other, value in used[1:]:
        if value.dimension != first.dimension:
            said = [
                "a pure number" if one.dimension in (None, PURE) else f"in {one.dimension}" for one in (first, value)
            ]
            pure = next((one for one in (first, value) if one.label), None)
            unit = first.dimension if pure is value else value.dimension
            hint = f"add the line 'columns: {{{pure.label}: {unit}}}' to the analysis" if pure else None
            raise checker.error(
                f"the mass of '{checker.shown(node)}': '{name}' is {said[0]}, '{other}' is {said[1]}", node, hint
            )
    return first.dimension


def _momenta(checker: Operands, part: tree.Syntax) -> list[_Momentum]:
    """Return what an argument stands for: one momentum, or the two of a pair."""
    item = checker.item(part)
    if isinstance(item, Collection | Element):
        made = item.members.values() if item.members else [item]
        return [_Momentum(checker, one, part) for one in made]
    shown = checker.shown(part)
    hint = "e.g. mass(muon[0], muon[1]), or mass(dimuon) with the object 'dimuon: {from: pairs(muon)}'"
    raise checker.error(f"'{shown}' has no momentum: a collection, one of its elements or a pair is needed", part, hint)


def _one(checker: Operands, part: tree.Syntax) -> _Momentum:
    found = _momenta(checker, part)
    if len(found) > 1:
        shown = checker.shown(part)
        raise checker.error(f"'{shown}' are pairs", part, f"write {shown}.first and {shown}.second")
    return found[0]


def _azimuth(checker: Operands, part: tree.Syntax) -> Node:
    item: Item = checker.item(part)
    if not isinstance(item, Node):
        return _one(checker, part).phi()
    angle = checker.number(part)
    if angle.dimension not in (None, PURE):
        raise checker.error(f"delta_phi takes angles or momenta; '{checker.shown(part)}' is in {angle.dimension}", part)
    return angle


@dataclass(frozen=True)
class _Momentum:
    """The momentum of an element.

    Attributes
    ----------
    of : Collection or Element
    part : Syntax
        How it is written.
    """

    checker: Operands
    of: Collection | Element
    part: tree.Syntax

    def field(self, names: tuple[str, ...]) -> Node | None:
        """Return the first field of some names that is there."""
        return next((self.of.fields[name]() for name in names if name in self.of.fields), None)

    def needed(self, names: tuple[str, ...], others: tuple[str, ...] = ()) -> Node:
        """Return a field that has to be there."""
        if (found := self.field(names)) is not None:
            return found
        shown = self.checker.shown(self.part)
        wanted = " or ".join(f"'{name}'" for name in (names[0], *others))
        hint = f"its fields are {', '.join([*self.of.fields][:12])}"
        raise self.checker.error(f"'{shown}' has no field {wanted}", self.part, hint)

    @property
    def used(self) -> dict[str, Node]:
        """The fields that have a unit of energy."""
        wanted = (_PT, _X, _Y, _Z, self._rest)
        return {names[0]: value for names in wanted if (value := self.field(names)) is not None}

    @property
    def _rest(self) -> tuple[str, ...]:
        return _MASS if self.field(_MASS) is not None else _ENERGY

    def pt(self) -> Node:
        """Return the transverse momentum."""
        if (own := self.field(_PT)) is not None:
            return own
        return self._made("hypot", self.needed(_X, _PT), self.needed(_Y), like=True)

    def phi(self) -> Node:
        """Return the azimuth."""
        if (own := self.field(_PHI)) is not None:
            return own
        return self._made("atan2", self.needed(_Y, _PHI), self.needed(_X))

    def eta(self) -> Node:
        """Return the pseudorapidity."""
        if (own := self.field(_ETA)) is not None:
            return own
        if (theta := self.field(_THETA)) is not None:
            half = self._made("*", theta, self.checker.program.number(0.5))
            return self._made("neg", self._made("log", self._made("tan", half)))
        z = self.field(_Z)
        return self._made("pseudorapidity", self.needed(_ETA, _Z) if z is None else z, self.pt())

    def cartesian(self) -> tuple[Node, Node, Node, Node]:
        """Return px, py, pz and the energy."""
        x, y = self.field(_X), self.field(_Y)
        if x is None or y is None:
            pt, phi = self.needed(_PT, _X), self.needed(_PHI)
            x, y = self._made("px", pt, phi, like=True), self._made("py", pt, phi, like=True)
        z = self.field(_Z)
        if z is None:
            z = self._made("pz", self.pt(), self.eta(), like=True)
        rest = self.needed(self._rest, ("mass",))
        return x, y, z, self._made("energy", x, y, z, rest, like=True) if self._rest is _MASS else rest

    def _made(self, op: str, *operands: Node, like: bool = False) -> Node:
        """Return an operation on fields; `like`: in the unit of the first."""
        return self.checker.same_axis(op, operands, dimension=operands[0].dimension if like else PURE)
