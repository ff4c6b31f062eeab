"""From the text of an expression to its syntax tree: an operator-precedence parser with Python's precedences.

``or`` < ``and`` < ``not`` < comparisons < ``+ -`` < ``* /`` < signs < ``**`` (which groups to the right) < calls, indices
and fields. Names of functions are checked here: what is called must be a function of the language.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from emiss.configs.errors import did_you_mean
from emiss.events.language import plug_in
from emiss.events.language.syntax.functions import FUNCTIONS
from emiss.events.language.syntax.tokens import Token, tokenize
from emiss.events.language.syntax.tree import (
    Binary,
    Call,
    Compare,
    ExpressionError,
    Field,
    Index,
    Logic,
    Name,
    Number,
    Span,
    Syntax,
    Text,
    Truth,
    Unary,
)
from emiss.events.plug_ins import FUNCTIONS as PLUG_INS
from emiss.events.plug_ins import installed, listed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_DECLARED: ContextVar[Collection[str]] = ContextVar("declared functions", default=())
"""Names of the functions that the file declares whose expressions are parsed."""

MAX_DEPTH = 60
MAX_TREE = 150

_OR, _AND, _NOT, _COMPARE, _SUM, _PRODUCT, _SIGN, _POWER = range(1, 9)
_COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
_BINARY = {"+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT, "**": _POWER}


@contextmanager
def knowing(functions: Collection[str]) -> Iterator[None]:
    """Know the functions that a file declares, while its expressions are parsed."""
    token = _DECLARED.set(functions)
    try:
        yield
    finally:
        _DECLARED.reset(token)


def parse(text: str) -> Syntax:
    """Return the syntax tree of an expression.

    Raises
    ------
    ExpressionError
        If `text` is no expression; with the place and what to write instead.
    """
    return _Parser(text).whole()


def _limit(tree: Syntax) -> None:
    """Refuse trees that a recursive reader could not walk (a sum of hundreds of terms is one, an `and` is not)."""
    waiting = [(tree, 1)]
    while waiting:
        node, depth = waiting.pop()
        if depth > MAX_TREE:
            msg = f"more than {MAX_TREE} operations within each other"
            raise ExpressionError(msg, tree.span, "split it with 'define'")
        waiting.extend((child, depth + 1) for child in node.children)


class _Parser:
    def __init__(self, text: str) -> None:
        self.tokens = tokenize(text)
        self.at = 0
        self.depth = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def advance(self) -> Token:
        token = self.token
        self.at += 1
        return token

    def whole(self) -> Syntax:
        if len(self.tokens) == 1:
            msg = "an empty expression"
            raise ExpressionError(msg, self.token.span)
        tree = self.expression(_OR)
        if self.token.kind != "end":
            raise self.unexpected(self.token)
        _limit(tree)
        return tree

    def unexpected(self, token: Token) -> ExpressionError:
        """Return the error for a token that cannot stand behind a complete value."""
        if token.text in ("if", "else"):
            return ExpressionError(
                f"'{token.text}' is not part of the language", token.span, "write where(condition, a, b)"
            )
        if token.kind == "word" and token.text not in ("true", "false"):
            return ExpressionError(f"'{token.text}' cannot stand here", token.span)
        if token.text == ")":
            return ExpressionError("')' without '('", token.span)
        if token.text == "]":
            return ExpressionError("']' without '['", token.span)
        if token.text == ",":
            return ExpressionError("',' stands only between the arguments of a function", token.span)
        shown = f"'{token.text}'" if token.kind != "text" else "a text"
        return ExpressionError(f"an operator is missing before {shown}", token.span)

    def expression(self, binding: int) -> Syntax:
        """Read operators that bind at least as tightly as `binding`."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            msg = f"nested deeper than {MAX_DEPTH} levels"
            raise ExpressionError(msg, self.token.span, "split it with 'define'")
        left = self.prefix()
        while (level := self.level()) >= binding:
            left = self.infix(left, level)
        self.depth -= 1
        return left

    def level(self) -> int:
        """Return how tightly the operator at this place binds; 0 where there is none."""
        token = self.token
        if token.kind == "word":
            return {"or": _OR, "and": _AND}.get(token.text, 0)
        if token.kind != "sign":
            return 0
        return _COMPARE if token.text in _COMPARISONS else _BINARY.get(token.text, 0)

    def infix(self, left: Syntax, level: int) -> Syntax:
        operator = self.token.text
        if level in (_OR, _AND):
            operands = [left]
            while self.token.kind == "word" and self.token.text == operator:
                self.advance()
                operands.append(self.expression(level + 1))
            return Logic(left.span.to(operands[-1].span), operator, tuple(operands))
        if level == _COMPARE:
            operands, operators = [left], []
            while self.token.kind == "sign" and self.token.text in _COMPARISONS:
                operators.append(self.advance().text)
                operands.append(self.expression(_SUM))
            return Compare(left.span.to(operands[-1].span), tuple(operators), tuple(operands))
        self.advance()
        right = self.expression(_SIGN if level == _POWER else level + 1)
        return Binary(left.span.to(right.span), operator, left, right)

    def prefix(self) -> Syntax:
        token = self.token
        if token.kind == "word" and token.text == "not":
            self.advance()
            operand = self.expression(_NOT)
            return Unary(token.span.to(operand.span), "not", operand)
        if token.kind == "sign" and token.text in "+-":
            self.advance()
            operand = self.expression(_SIGN)
            return Unary(token.span.to(operand.span), token.text, operand)
        return self.postfix(self.atom())

    def postfix(self, tree: Syntax) -> Syntax:
        links = 0
        while self.token.kind == "sign" and self.token.text in ("[", "(", "."):
            token = self.advance()
            links += 1
            if links > MAX_DEPTH:
                msg = f"more than {MAX_DEPTH} of '[ ]' and '.' in a row"
                raise ExpressionError(msg, token.span)
            if token.text == "[":
                index = self.expression(_OR)
                end = self.close("]", token)
                tree = Index(tree.span.to(end.span), tree, index)
            elif token.text == ".":
                name = self.token
                if name.kind != "name":
                    msg = "the name of a field is needed behind '.'"
                    raise ExpressionError(msg, token.span.to(name.span))
                self.advance()
                at = name.span.start
                for part in name.text.split("."):
                    at += len(part) + 1
                    tree = Field(Span(tree.span.start, at - 1), tree, part)
            else:
                msg = "only functions are called; this is a value"
                raise ExpressionError(msg, tree.span.to(token.span), "a product is written with '*'")
        return tree

    def atom(self) -> Syntax:
        token = self.advance()
        match token.kind:
            case "number":
                return Number(token.span, token.value, token.unit)
            case "text":
                return Text(token.span, token.text)
            case "name":
                if self.token.kind == "sign" and self.token.text == "(":
                    return self.call(token)
                return Name(token.span, token.text)
            case "word" if token.text in ("true", "false"):
                return Truth(token.span, token.text == "true")
            case "sign" if token.text == "(":
                inner = self.expression(_OR)
                self.close(")", token)
                return inner
            case "end":
                before = self.tokens[self.at - 2]
                msg = f"the expression ends behind '{before.text}', where a value is needed"
                raise ExpressionError(msg, before.span)
            case "sign" if token.text == "[":
                msg = "a list cannot be written here"
                raise ExpressionError(msg, token.span, "lists are columns; a parameter may be [a, b]")
            case "word":
                hint = "write where(condition, a, b)" if token.text in ("if", "else") else None
                raise ExpressionError(f"'{token.text}' cannot stand here", token.span, hint)
        msg = f"a value is needed before '{token.text}'"
        raise ExpressionError(msg, token.span)

    def call(self, function: Token) -> Syntax:
        own = _DECLARED.get()
        if function.text not in FUNCTIONS and function.text not in own and plug_in.find(function.text) is None:
            hint = did_you_mean(function.text, [*own, *FUNCTIONS, *installed(PLUG_INS)], otherwise="functions are")
            hint += f"; of plug-ins that are installed: {more}" if (more := listed(PLUG_INS)) else ""
            raise ExpressionError(f"unknown function '{function.text}'", function.span, hint)
        bracket = self.advance()
        arguments: list[Syntax] = []
        if not (self.token.kind == "sign" and self.token.text == ")"):
            arguments.append(self.expression(_OR))
            while self.token.kind == "sign" and self.token.text == ",":
                self.advance()
                arguments.append(self.expression(_OR))
        end = self.close(")", bracket)
        return Call(function.span.to(end.span), function.text, tuple(arguments))

    def close(self, sign: str, opened: Token) -> Token:
        """Read the closing bracket of `opened`."""
        token = self.token
        if token.kind == "sign" and token.text == sign:
            return self.advance()
        if token.kind == "end":
            msg = f"'{sign}' is missing: this '{opened.text}' is never closed"
            raise ExpressionError(msg, opened.span)
        if token.kind == "sign" and token.text in ")]":
            msg = f"'{token.text}' closes '{opened.text}'"
            raise ExpressionError(msg, token.span, f"write '{sign}'")
        raise self.unexpected(token)
