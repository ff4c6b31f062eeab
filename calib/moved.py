"""What is different between two tags of constants: how far values have moved, in sigma, and channels that look swapped."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from emiss.calib.lookup import constants, holding, known_channels, spans
from emiss.calib.run_ranges import RunRange
from emiss.calib.tables import ANY

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from emiss.calib.conditions import Conditions
    from emiss.calib.lookup import Constant

FAR, NEAR = 8.0, 4.0
"""Sigma that swapped channels are from their own values at least, and from each other's at most."""

MOST = 0.3
"""Where more than this part of all channels has moved, which ones are alike says nothing."""

RELATIVE = 2e-3
"""Part of a value that counts as its error where a table gives none, and besides where it does."""


@dataclass(frozen=True)
class Moved:
    """A value of two tags; one of them is None where only the other has it.

    Attributes
    ----------
    type, channel, column : str
    before, after : Constant or None
    swapped : str
        The channel that it looks swapped with, if there is one.
    runs : RunRange, optional
        Those in which it has moved, where all were looked at.
    """

    type: str
    channel: str
    column: str
    before: Constant | None
    after: Constant | None
    swapped: str = ""
    runs: RunRange | None = None

    @property
    def sigma(self) -> float | None:
        """The difference over its error; None where neither table gives one, or only one tag has the value."""
        if self.before is None or self.after is None:
            return None
        error = math.hypot(self.before.error or 0.0, self.after.error or 0.0)
        away = self.after.value - self.before.value
        return (away / error if error > 0.0 else None) if away else 0.0

    @property
    def relative(self) -> float | None:
        """The relative difference."""
        if self.before is None or self.after is None or not self.before.value:
            return None
        return self.after.value / self.before.value - 1.0


def moved(
    before: Conditions, after: Conditions, run: int, other: int | None = None, *, types: Collection[str] | None = None
) -> list[Moved]:
    """Return all values of two tags that are different in a run, those that moved most first.

    Parameters
    ----------
    before, after : Conditions
    run : int
        Of both, or of `before` where `other` is the one of `after`.
    types : collection of str, optional
        Those that are looked at; all by default.
    """
    found: list[Moved] = []
    runs = (run, run if other is None else other)
    known = {table.type for tag in (before, after) for table in tag.tables}
    for type_ in sorted(known if types is None else known.intersection(types)):
        both = [list(_all(tag, type_, at, (before, after))) for tag, at in zip((before, after), runs, strict=True)]
        old, new = ({(one.channel, one.column): one for one in each} for each in both)
        swaps = swapped(_by_channel(old), _by_channel(new))
        for key in dict.fromkeys([*old, *new]):
            one = Moved(type_, *key, old.get(key), new.get(key), swaps.get(key[0], ""))
            if one.before is None or one.after is None or one.before.value != one.after.value:
                found.append(one)
    return sorted(found, key=_most)


def moved_in_all_runs(before: Conditions, after: Conditions) -> list[Moved]:
    """Return all values of two tags that are different in any run, with these runs, those that moved most first."""
    tables = [*before.tables, *after.tables]
    ranges = [one for table in tables for one in table.runs]
    within = RunRange(min(one.first for one in ranges), max(one.last for one in ranges))
    found: list[Moved] = []
    last: dict[tuple[object, ...], int] = {}
    for span in spans(tables, within):
        one_held, other_held = (_held(tag, span.first) for tag in (before, after))
        types = {name for name in {*one_held, *other_held} if one_held.get(name) != other_held.get(name)}
        here: dict[tuple[object, ...], int] = {}
        for one in moved(before, after, span.first, types=types) if types else ():
            key = (
                one.type,
                one.channel,
                one.column,
                *(value and (value.value, value.at) for value in (one.before, one.after)),
            )
            if key in last:
                number = last[key]
                runs = found[number].runs
                found[number] = replace(
                    found[number], runs=RunRange(span.first if runs is None else runs.first, span.last)
                )
            else:
                number = len(found)
                found.append(replace(one, runs=span))
            here[key] = number
        last = here
    return sorted(found, key=_most)


def _held(tag: Conditions, run: int) -> dict[str, list[tuple[str, bool]]]:
    """Return what says which values hold for a run, by type."""
    found: dict[str, list[tuple[str, bool]]] = {}
    for table in holding(tag.tables, run):
        found.setdefault(table.type, []).append((table.payload, table.override))
    return found


def _most(one: Moved) -> float:
    return -abs(one.sigma if one.sigma is not None else math.inf)


def swapped(
    before: Mapping[str, Sequence[tuple[float, float]]], after: Mapping[str, Sequence[tuple[float, float]]]
) -> dict[str, str]:
    """Return the channels whose values are not their own any more but each other's.

    Parameters
    ----------
    before, after : mapping of channel to (value, error) of each column
    """
    left = [name for name in before if name in after and max(_apart(before[name], after[name]), default=0.0) > FAR]
    found: dict[str, str] = {}
    if len(left) > MOST * len(before):
        return found
    for number, one in enumerate(left):
        for other in left[number + 1 :]:
            crossed = (_apart(before[one], after[other]), _apart(before[other], after[one]))
            if one not in found and other not in found and all(max(each, default=math.inf) < NEAR for each in crossed):
                found |= {one: other, other: one}
    return found


def _apart(a: Sequence[tuple[float, float]], b: Sequence[tuple[float, float]]) -> list[float]:
    """Return the differences of values, over their errors."""
    made = []
    for (value, error), (new, new_error) in zip(a, b, strict=False):
        unsure = math.hypot(error, new_error, RELATIVE * value)
        made.append(abs(new - value) / unsure if unsure > 0.0 else 0.0)
    return made


def _by_channel(found: Mapping[tuple[str, str], Constant]) -> dict[str, list[tuple[float, float]]]:
    made: dict[str, list[tuple[float, float]]] = {}
    for (channel, column), one in found.items():
        if column != "sigma":  # noise is much the same in all channels
            made.setdefault(channel, []).append((one.value, one.error or 0.0))
    return made


def _all(tag: Conditions, type_: str, run: int, tags: tuple[Conditions, Conditions]) -> Iterator[Constant]:
    """Yield the values of a type in a run, of all channels that either tag names."""
    names = dict.fromkeys(name for one in tags for name in known_channels(one.tables, type_))
    if len(names) > 1:
        names.pop(ANY, None)
    return constants(tag.tables, type_, names, RunRange(run, run))
