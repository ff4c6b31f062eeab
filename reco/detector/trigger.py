"""The trigger of a set-up: conditions on visible energies, in the language of cuts, that set the bits of the trigger word."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.errors import Problems, UserError, did_you_mean
from emiss.configs.place import Place, Text
from emiss.events.language.meaning.scope import ReportedError, Scope
from emiss.events.language.running.evaluate import Plan, blocks, columns_read
from emiss.events.language.running.program import Program
from emiss.events.language.running.values import Truths
from emiss.events.language.syntax.expression import Expression, read_expression
from emiss.events.language.syntax.tree import Span
from emiss.events.table import EventTable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emiss.configs.arrays import Array, Floats
    from emiss.configs.document import Document
    from emiss.events.columns import Column
    from emiss.events.language.meaning.check import Checker
    from emiss.events.language.running.program import Node
    from emiss.reco.parts.base import ReadOut

SECTION = "trigger"

WORD = np.dtype(np.uint32)


@dataclass(frozen=True)
class Trigger:
    """The conditions of the trigger bits, checked.

    Attributes
    ----------
    nodes : mapping of bit to Node
    bits : mapping of bit to int
        Their places in the word.
    parts : mapping of part to ReadOut
        Those that conditions ask.
    slots : mapping of part to sequence of int arrays
        The channels that add up to each of its sums.
    columns : mapping of name to Column
        What the conditions read.
    """

    nodes: Mapping[str, Node]
    bits: Mapping[str, int]
    parts: Mapping[str, ReadOut]
    slots: Mapping[str, Sequence[Array]]
    columns: Mapping[str, Column]

    def fired(self, visible: Floats) -> Array:
        """Return the trigger words of events, uint32 array of shape (N,).

        A bit is set where its condition holds, without noise, and without thresholds on cells; one without a condition is never
        set.

        Parameters
        ----------
        visible : array of shape (N, channels)
            Energy seen in each channel at the time of the trigger, GeV.
        """
        words = np.zeros(len(visible), WORD)
        if not self.nodes:
            return words
        flat: dict[str, Floats] = {}
        for name, part in self.parts.items():
            sums = np.stack([visible[:, numbers].sum(axis=1) for numbers in self.slots[name]], axis=1)
            flat |= part.energies(name, sums)
        plan = Plan(list(self.nodes.values()))
        start = 0
        for block in blocks(EventTable(len(visible), flat), self.columns):
            found = plan.run(block)
            for bit, node in self.nodes.items():
                answer = found[node.id]
                assert isinstance(answer, Truths)  # noqa: S101 - they have been checked
                words[start : start + block.size] |= np.where(answer.true, WORD.type(1 << self.bits[bit]), WORD.type(0))
            start += block.size
        return words


def energy_columns(parts: Mapping[str, ReadOut]) -> dict[str, Column]:
    """Return the columns that conditions may use: the sums of energies of all parts."""
    found: dict[str, Column] = {}
    for name, part in parts.items():
        made = part.energies(name, np.zeros((1, len(part.slots()))))
        found |= {column.name: column for column in part.declare(name) if column.name in made}
    return found


def conditions_of(
    texts: Mapping[str, str],
    bits: Mapping[str, int],
    parts: Mapping[str, ReadOut],
    channels: Sequence[str],
    document: Document,
    problems: Problems,
) -> Trigger:
    """Return the conditions of a detector file; what is wrong goes to `problems`.

    Parameters
    ----------
    texts : mapping of bit to expression
    bits : mapping of bit to int
    parts : mapping of name to ReadOut
    channels : sequence of str
        All of the detector, in order.
    document : Document
        The file, for the places of mistakes.
    problems : Problems
    """
    columns, expressions = energy_columns(parts), {}
    found = Problems()
    for bit, text in texts.items():
        if bit not in bits:
            hint = did_you_mean(bit, bits, otherwise="trigger_bits names")
            found.add(document.error(f"there is no trigger bit '{bit}'", (SECTION, bit), key=True, hint=hint))
            continue
        try:
            expressions[bit] = read_expression(Text(text, Place(document, (SECTION, bit))))
        except UserError as error:
            found.add(error)
    taken = {column.collection for column in columns.values()}
    others = {bit: expression for bit, expression in expressions.items() if bit not in taken}
    scope = Scope(Program(), columns, {}, {}, others, {}, failed=set(texts) - set(expressions) - taken)
    nodes: dict[str, Node] = {}
    for bit, expression in expressions.items():
        with contextlib.suppress(ReportedError):
            if bit in others:
                scope.resolve(bit, Span(0, len(bit)), None)  # each is looked at once, whoever uses it
            nodes[bit] = scope.attempt(expression, partial(_answer, expression))
    found.add_all(scope.problems)
    problems.add_all(found)
    read = columns_read(nodes.values(), columns)
    asked = {name: part for name, part in parts.items() if any(made in read for made in _names(name, part))}
    number = {channel: position for position, channel in enumerate(channels)}
    slots = {
        name: [np.array([number[channel] for channel in slot.channels], np.int64) for slot in part.slots()]
        for name, part in asked.items()
    }
    return Trigger(nodes, {bit: bits[bit] for bit in nodes}, asked, slots, {name: columns[name] for name in read})


def _answer(expression: Expression, checker: Checker) -> Node:
    return checker.per_event(expression.tree, checker.truth(expression.tree), "a trigger condition")


def _names(name: str, part: ReadOut) -> set[str]:
    return {column.name for column in part.declare(name)}
