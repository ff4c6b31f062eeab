"""Sums in one fixed shape: the same to the last bit, in whatever order the parts come and wherever they are added.

Sums of weights depend on the order in which they are added, by their last digits. Here part ``i`` always goes into node
``i // FAN`` of the next level, that one into node ``i // FAN**2``, and the parts of a node are added from left to right. As
soon as a node has all its parts it is added and they are gone, so that no more than some `FAN` parts per level are held when
parts come about in order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Part = TypeVar("Part")

FAN = 16
"""Parts of a node. Sums of no more parts than this are plain sums from left to right."""


class Reduction(Generic[Part]):
    """The sum of a known number of parts.

    Parameters
    ----------
    count : int
        How many parts there are.
    add : callable
        Makes one part of several, given from left to right; at least one is given.
    """

    def __init__(self, count: int, add: Callable[[Sequence[Part]], Part]) -> None:
        self.count = count
        self._add = add
        self._widths = list(widths(count))
        self._held: list[dict[int, dict[int, Part | None]]] = [{} for _ in self._widths]
        self._sum: Part | None = None
        self._done = count == 0

    def put(self, number: int, part: Part | None) -> None:
        """Take a part; None for one that will never come, which the sum is without.

        Raises
        ------
        ValueError
            If there is no such part, or it was given before.
        """
        if not 0 <= number < self.count:
            msg = f"there is no part {number} of {self.count}"
            raise ValueError(msg)
        level, found = 0, part
        while True:
            if level == len(self._widths):
                self._sum, self._done = found, True
                return
            node, place = divmod(number, FAN)
            parts = self._held[level].setdefault(node, {})
            if place in parts:
                msg = f"part {number} of level {level} was given before"
                raise ValueError(msg)
            parts[place] = found
            if len(parts) < min(FAN, self._widths[level] - node * FAN):
                return
            del self._held[level][node]
            given = [parts[i] for i in sorted(parts)]
            there = [item for item in given if item is not None]
            found = self._add(there) if there else None
            number, level = node, level + 1

    @property
    def held(self) -> int:
        """How many parts are held at present."""
        return sum(len(parts) for level in self._held for parts in level.values())

    def result(self) -> Part | None:
        """Return the sum; None if none of the parts came.

        Raises
        ------
        RuntimeError
            While a part is missing.
        """
        if not self._done:
            msg = "not all parts were given"
            raise RuntimeError(msg)
        return self._sum


def widths(count: int) -> Iterator[int]:
    """Yield how many nodes each level has, from the parts up to the level of which one sum is made."""
    while count > 0:
        yield count
        if count <= FAN:
            return
        count = -(-count // FAN)


class Reductions(Generic[Part]):
    """One sum for each group of some parts.

    Parameters
    ----------
    groups : sequence of str
        The group of each part; in a group, parts are counted in this order.
    add : callable
        As for `Reduction`.
    """

    def __init__(self, groups: Sequence[str], add: Callable[[Sequence[Part]], Part]) -> None:
        counts: dict[str, int] = {}
        self._places: list[tuple[str, int]] = []
        for group in groups:
            self._places.append((group, counts.get(group, 0)))
            counts[group] = counts.get(group, 0) + 1
        self._sums = {group: Reduction(count, add) for group, count in counts.items()}

    def put(self, number: int, part: Part | None) -> None:
        """Take the part of this number among all; None for one that will never come.

        Raises
        ------
        ValueError
            If it was given before.
        """
        group, place = self._places[number]
        self._sums[group].put(place, part)

    @property
    def held(self) -> int:
        """How many parts are held at present."""
        return sum(reduction.held for reduction in self._sums.values())

    def results(self) -> dict[str, Part | None]:
        """Return the sum of each group, in the order of their first parts.

        Raises
        ------
        RuntimeError
            While a part is missing.
        """
        return {group: reduction.result() for group, reduction in self._sums.items()}
