"""Tables in the grammar of self-descriptive calibrations (SDC), as analysis code of the collaboration has them, as they are.

The grammar is that of the public C++ library of R. Dusaev (github.com/CrankOne/sdc: ``doc/grammar.rst``, ``doc/tutorial.rst``,
the loader ``ExtCSVLoader`` of ``include/sdc-base.hh``, ``tests/sdc-grammar.test.cc``, ``tests/assets``), in words of our own:

- ``#`` begins a comment. A line with ``=`` is metadata, any other one a row, whose words blanks or tabs part.
- ``type`` and ``runs`` begin a block; ``columns`` names the words of rows. All metadata hold on until they are given anew,
  also in the blocks that follow, within a file. A row may have more words than columns, not fewer.
- ``runs`` is ``5103``, ``3855-4207`` (both ends included) or ``5000-...`` (open); a range open to the left is a mistake.
- What holds for a run are all blocks of a type whose runs it is in. A later one replaces an earlier one channel by channel and
  column by column, in the order of the file; files come in alphabetical order, those of subfolders in the place of these.
  Releases of the library before its updates were sorted take files in the order of first runs: where that makes
  a difference, a remark says so.
- Numbers may be arithmetic, as ``1.2*3``, and ``nan``, which stands for a value that is not given.

`emiss.calib.sdc_maps` says what types and columns of theirs are here.
"""

from __future__ import annotations

import ast
import operator
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from emiss.calib.run_ranges import OPEN, RunRange
from emiss.calib.tables import NUMBER, SHOWN
from emiss.configs.errors import Location, Problems, UserError

if TYPE_CHECKING:
    from collections.abc import Mapping

OPEN_END = "..."
_RUN = re.compile(r"\d{1,10}", re.ASCII)
_LONGEST = 200
"""Characters of a number that is arithmetic."""


@dataclass
class Block:
    """Rows in a row with the same metadata."""

    type: str
    runs: RunRange
    columns: tuple[str, ...]
    file: str
    line: int
    rows: list[tuple[int, tuple[str, ...], str]] = field(default_factory=list)


def parse(text: str, name: str = "<text>") -> list[Block]:
    """Return the blocks of a text; `name` stands for the file in messages.

    Raises
    ------
    UserError
        With the place of each mistake.
    """
    blocks: list[Block] = []
    meta: dict[str, tuple[str, int]] = {}
    ranges: dict[str, RunRange] = {}
    new = True
    problems = Problems()
    for number, raw in enumerate(re.split(r"\r\n|\r|\n", text), 1):
        line = raw.partition("#")[0].strip()
        if not line:
            continue
        if "=" in line:
            key, _, value = (word.strip() for word in line.partition("="))
            meta[key] = value, number
            new = new or key in ("type", "runs", "columns")
            if key == "runs":
                try:
                    ranges["runs"] = _runs(value)
                except ValueError as error:
                    problems.add(UserError(str(error), at=_at(name, number, raw, value)))
            continue
        try:
            if new:
                blocks.append(_begun(meta, ranges, name, number))
                new = False
            words = tuple(line.split())
            if len(words) < len(blocks[-1].columns):
                many = f"{len(words)} words for {len(blocks[-1].columns)} columns"
                raise UserError(many, at=Location(name, number, 1, len(raw), raw))
            blocks[-1].rows.append((number, words, raw))
        except UserError as error:
            problems.add(error)
            if len(problems.errors) > SHOWN:
                break
    problems.check()
    return blocks


def _begun(meta: Mapping[str, tuple[str, int]], ranges: Mapping[str, RunRange], name: str, number: int) -> Block:
    """Return the block that begins with a row."""
    for key in ("type", "runs", "columns"):
        if key not in meta or not meta[key][0]:
            raise UserError(f"a row before any '{key}=' line", at=Location(name, number))
    if "runs" not in ranges:
        raise UserError("the runs of this row are not known", at=Location(name, number))
    columns = tuple(word.strip() for word in meta["columns"][0].split(","))
    if len(set(columns)) != len(columns):
        raise UserError("a column is given twice", at=Location(name, meta["columns"][1]))
    return Block(meta["type"][0], ranges["runs"], columns, name, max(meta[key][1] for key in ("type", "runs")))


def _runs(text: str) -> RunRange:
    """Return a range of runs.

    Raises
    ------
    ValueError
        If it is none.
    """
    first, dash, last = (word.strip() for word in text.partition("-"))
    if first == OPEN_END:
        msg = f"'{text[:60]}': a range that is open to the left is none"
        raise ValueError(msg)
    if not _RUN.fullmatch(first) or (dash and last != OPEN_END and not _RUN.fullmatch(last)):
        msg = f"'{text[:60]}' is no run or range of runs such as 3855-4207 or 5000-..."
        raise ValueError(msg)
    begin = int(first)
    end = begin if not dash else OPEN if last == OPEN_END else int(last)
    if end < begin or end > OPEN:
        msg = f"the range '{text}' ends before it begins" if end < begin else f"'{text}' is too large"
        raise ValueError(msg)
    return RunRange(begin, end)


_OPERATORS: Mapping[type[ast.AST], Any] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}


def number_of(text: str) -> float | None:
    """Return the value of a number, or of a sum or product of numbers; None if it is none."""
    if NUMBER.fullmatch(text):
        return float(text)
    if len(text) > _LONGEST or not re.fullmatch(r"[-+*/().\deE]+", text, re.ASCII):
        return None
    try:
        return _evaluated(ast.parse(text, mode="eval").body)
    except (SyntaxError, ValueError, ArithmeticError, RecursionError, MemoryError):
        return None


def _evaluated(node: ast.AST) -> float:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return float(_OPERATORS[type(node.op)](_evaluated(node.left), _evaluated(node.right)))
    if isinstance(node, ast.UnaryOp) and type(node.op) in _OPERATORS:
        return float(_OPERATORS[type(node.op)](_evaluated(node.operand)))
    raise ValueError


def _at(file: str, line: int, raw: str, word: str) -> Location:
    place = raw.find(word) if word else -1
    return Location(file, line, place + 1 if place >= 0 else 0, max(len(word), 1), raw)
