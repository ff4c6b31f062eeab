"""Accidental backgrounds by event mixing: some parts' columns from one event of a sample, the others' from another one.

Where two parts of a set-up know nothing of each other, an event with what one saw in event i and the other in event j is as
good as a recorded one, and there are many more pairs than events. The sample is cut into blocks that are mixed each within
itself: they share no event, so that their spread is the error of the sum, with all that pairs have in common.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from emiss import selection
from emiss.configs.errors import UserError, did_you_mean
from emiss.events.columns import split
from emiss.events.files.open import open_table
from emiss.events.table import EventTable
from emiss.job.stored import bound_to
from emiss.job.tables import refuse_twice
from emiss.physics.limits.extrapolation import Counted, Estimate
from emiss.programme.estimates import Closure, Found

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from emiss.configs.arrays import Ints
    from emiss.selection.counting.engine import Bound

BLOCKS = 20
"""Parts of the sample that are mixed each within itself."""

FEWEST = 10
"""Events of a block, from which on blocks are made."""

DRAWS = 50
"""Mixtures of each block."""


@dataclass(frozen=True)
class Mixing:
    """How events are mixed.

    Attributes
    ----------
    parts : tuple of str
        Whose columns come from another event: parts of the set-up and collections, as the columns begin.
    draws : int
        Mixtures of each block.
    seed : int
    """

    parts: tuple[str, ...]
    draws: int = DRAWS
    seed: int = 1


def mixed(table: EventTable, parts: Sequence[str], order: Ints) -> EventTable:
    """Return the events with the columns of some parts from those at `order`, shape (N,).

    Raises
    ------
    UserError
        If the table has no column of a part, or of nothing else.
    """
    known = {split(name)[0] or name for name in table.names}
    for part in parts:
        if part not in known:
            raise UserError(f"the cuts read no column of '{part}'", hint=did_you_mean(part, sorted(known)))
    if known <= set(parts):
        raise UserError(f"all that the cuts read is of {', '.join(parts)}: nothing is mixed")
    chosen = set(parts)
    flat = {
        name: values[order] if (split(name)[0] or name) in chosen else values for name, values in table.flat.items()
    }
    lists = {name: found.take(order) if name in chosen else found for name, found in table.lists.items()}
    return replace(table, flat=flat, lists=lists)


def estimate(bound: Bound, table: EventTable, region: str, how: Mixing) -> Estimate:
    """Return how many events of a table would pass the cuts of a region if the parts knew nothing of each other.

    Each event counts as one, whatever its weight; hidden events of blinded samples are in no mixture, and mixtures are not
    hidden, as nobody has seen them.

    Raises
    ------
    UserError
        As `mixed`, if there is no such region, or there are not enough events.
    """
    pool = table.take(bound.passed(table, region) >= 0)
    count = min(BLOCKS, len(pool) // FEWEST)
    if count < 2:
        text = f"{len(pool)} events are not enough to be mixed"
        raise UserError(text, hint=f"{2 * FEWEST} and more, in blocks whose spread is the error")
    rng = np.random.default_rng(how.seed)
    blocks = np.array_split(rng.permutation(len(pool)), count)
    means = [_mean(bound, pool.take(rows), region, how, rng) for rows in blocks]
    value = math.fsum(means)
    notes = (f"{', '.join(how.parts)} from other events: {count} blocks, {how.draws} mixtures of each",)
    if value == 0.0:
        return Estimate(0.0, 1.0 / how.draws, (*notes, "no mixture passes: the error is that of one"))
    return Estimate(value, math.sqrt(count) * float(np.std(means, ddof=1)), notes)


def _mean(bound: Bound, block: EventTable, region: str, how: Mixing, rng: np.random.Generator) -> float:
    """Return the mean number of mixtures of a block that pass; no event is mixed with itself."""
    rows, passed = np.arange(len(block)), 0
    shifts = rng.permutation(np.arange(1, len(block)))[: how.draws]
    for shift in shifts:
        passed += int(np.sum(bound.passing(mixed(block, how.parts, np.roll(rows, shift)), region, unblind=True)))
    return passed / len(shifts)


def mix(analysis: str, tables: Sequence[Path], region: str, how: Mixing, others: Sequence[str] = ()) -> Found:
    """Return the estimate for a region of an analysis, with closures: the events that do pass, there and in other regions.

    Parameters
    ----------
    analysis : str
        A name that ships, or a file.
    tables : sequence of Path
        Event tables of one sample.
    region : str
        Empty for the first.
    how : Mixing
    others : sequence of str
        Regions whose events are counted, too. What is hidden is in no closure.

    Raises
    ------
    UserError
        As `estimate`, and if files are wrong.
    """
    if not how.parts:
        raise UserError("which parts are taken from another event: --mix PART,PART")
    if how.draws < 1:
        raise UserError(f"--draws {how.draws}: at least one mixture is needed")
    bound, table = _read(analysis, tables)
    name = bound.region(region or None).name
    made = estimate(bound, table, name, how)
    hidden = bool(np.any(bound.passed(table, name) < 0))
    closures = [
        Closure(f"{other}, unmixed", estimate(bound, table, other, how), _seen(bound, table, other))
        for other in dict.fromkeys([*([] if hidden else [name]), *others])
    ]
    on_target = table.metadata.on_target
    per = made.value / on_target if on_target else None
    notes = (*made.notes, *(("events inside the blind box are in no mixture",) if hidden else ()))
    return Found("mixing", name, made, tuple(closures), None, per, notes)


def _seen(bound: Bound, table: EventTable, region: str) -> Counted:
    return Counted.events(int(np.sum(bound.passing(table, region))))


def _read(analysis: str, tables: Sequence[Path]) -> tuple[Bound, EventTable]:
    """Return the cuts and all events, with the columns that the cuts read."""
    refuse_twice(tables)
    loaded = selection.load(analysis)
    bounds: list[tuple[Mapping[str, Any], Bound]] = []
    read, samples = [], set()
    for path in tables:
        file = open_table(path)
        bound = bound_to(loaded, file.columns, bounds)
        found = list(file.batches(bound.columns_for(fill=False)))
        samples |= {one.metadata.sample for one in found}
        read += found
        file.close()
    if not read:
        raise UserError("there is no event in the tables")
    if len(samples) > 1:
        raise UserError(f"the tables are of several samples, {', '.join(sorted(samples))}", hint="mix one of them")
    if len(bounds) > 1:
        raise UserError("the tables differ in their columns: they cannot be mixed")
    return bounds[0][1], EventTable.concatenate(read)
