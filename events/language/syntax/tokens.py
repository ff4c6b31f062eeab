"""Tokens of an expression, and the messages for characters that belong to other languages (``&&``, ``=``, ``!``)."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

from emiss.configs.units import NUMBER, UNITS
from emiss.events.language.syntax.tree import ExpressionError, Span

MAX_LENGTH = 20_000
MAX_NAME = 200

RESERVED = frozenset({"and", "or", "not", "true", "false", "if", "else", "in", "is", "for", "lambda"})
"""Words that are never names nor units."""

Kind = Literal["number", "text", "name", "word", "sign", "end"]


@dataclass(frozen=True, slots=True)
class Token:
    """One token; a number carries its value and unit, everything else its text."""

    kind: Kind
    text: str
    span: Span
    value: float = 0.0
    unit: str | None = None


_SPACE = re.compile(r"\s+")
_NUMBER = re.compile(NUMBER)
_WORD = re.compile(r"[^\W\d]\w*")
_NAME = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
_TEXT = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"")
_SIGN = re.compile(r"\*\*|<=|>=|==|!=|[-+*/<>()\[\],.]")

_FOREIGN = {
    "&&": "write 'and'",
    "||": "write 'or'",
    "&": "write 'and' (and read as Python does: 'a < 1 and b < 1')",
    "|": "write 'or' (and read as Python does: 'a < 1 or b < 1')",
    "<>": "write '!='",
    "=<": "write '<='",
    "=>": "write '>='",
    "=": "write '==' to compare",
    "!": "write 'not'",
    "~": "write 'not'",
    "//": "divide with '/'",
    "^": "write '**' for a power",
    "%": "there is no remainder; named bits are tested with matches(column, 'name')",
    "?": "write where(condition, a, b)",
    ":": "write where(condition, a, b) for a choice, a[0] for one element",
    "{": "lists come from the table's columns",
    ";": "an expression is one value",
    "#": "a comment stands outside of the expression",
    "\N{LESS-THAN OR EQUAL TO}": "write '<='",
    "\N{GREATER-THAN OR EQUAL TO}": "write '>='",
    "\N{NOT EQUAL TO}": "write '!='",
    "\N{MULTIPLICATION SIGN}": "write '*'",
    "\N{MIDDLE DOT}": "write '*'",
    "\N{MINUS SIGN}": "write '-'",
    "\N{SQUARE ROOT}": "write sqrt(...)",
}
"""Signs of other languages, and what to write in their place; a longer one stands before those that it begins with."""

_FOREIGN_SIGN = re.compile("|".join(re.escape(sign) + ("(?!=)" if sign in ("!", "=") else "") for sign in _FOREIGN))


def tokenize(text: str) -> list[Token]:
    """Return the tokens of an expression, the last one of kind ``end``.

    Raises
    ------
    ExpressionError
        For a character, a unit or a number that is none of the language.
    """
    if len(text) > MAX_LENGTH:
        msg = f"an expression of more than {MAX_LENGTH} characters is refused"
        raise ExpressionError(msg, Span(0, len(text)), "split it with 'define'")
    tokens: list[Token] = []
    at = 0
    while True:
        if space := _SPACE.match(text, at):
            at = space.end()
        if at == len(text):
            tokens.append(Token("end", "", Span(at, at)))
            return tokens
        token = _token(text, at)
        tokens.append(token)
        at = token.span.end


def _token(text: str, at: int) -> Token:
    if match := _NUMBER.match(text, at):
        return _number(text, match)
    if match := _NAME.match(text, at):
        word = match.group()
        span = Span(at, match.end())
        if len(word) > MAX_NAME:
            msg = f"a name of more than {MAX_NAME} characters"
            raise ExpressionError(msg, span)
        return Token("word" if word in RESERVED else "name", word, span)
    if match := _TEXT.match(text, at):
        return Token("text", match.group()[1:-1], Span(at, match.end()))
    if text[at] in "'\"":
        msg = "a text without its closing quote"
        raise ExpressionError(msg, Span(at, len(text)))
    if match := _FOREIGN_SIGN.match(text, at):
        msg = f"'{match.group()}' is not part of the language"
        raise ExpressionError(msg, Span(at, match.end()), _FOREIGN[match.group()])
    if match := _SIGN.match(text, at):
        return Token("sign", match.group(), Span(at, match.end()))
    msg = f"the character {text[at]!r} is not part of the language"
    raise ExpressionError(msg, Span(at, at + 1))


def _number(text: str, match: re.Match[str]) -> Token:
    """Read a number and the unit behind it."""
    span = Span(match.start(), match.end())
    value = float(match.group().replace("_", ""))
    if not math.isfinite(value):
        msg = "a number too large to be held"
        raise ExpressionError(msg, span)
    space = _SPACE.match(text, span.end)
    unit = _WORD.match(text, space.end() if space else span.end)
    if unit is None or unit.group() in RESERVED:
        return Token("number", match.group(), span, value)
    name = unit.group()
    if name not in UNITS:
        raise ExpressionError(f"unknown unit '{name[:MAX_NAME]}'", Span(unit.start(), unit.end()), _unit_hint(name))
    return Token("number", match.group(), Span(span.start, unit.end()), value, name)


def _unit_hint(name: str) -> str:
    from emiss.configs.errors import suggest

    close = suggest(name[:MAX_NAME].replace("\N{MICRO SIGN}", "u").replace("\N{GREEK SMALL LETTER MU}", "u"), UNITS)
    if close:
        return f"did you mean '{close[0]}'?"
    return f"units are GeV, mm, ns, T and their kin; a product is written with '*': '2 * {name[:40]}'"
