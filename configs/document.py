"""`Document`: a YAML text as plain data that knows where each of its nodes stands, and the composer that builds it.

Only plain YAML is read: mappings, lists, text. Tags and merge keys are refused, aliases and nesting are limited, a key
given twice is an error. An unquoted expression that YAML has split (``{require: atan2(y, x) < 1}``) is recognised.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from emiss.configs.errors import Location, UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

YamlPath = tuple[str | int, ...]

MAX_DEPTH = 40
MAX_NODES = 100_000

LEFT_OUT = ...
"""Stands in the list of a document that was made readable for an element that is not read: the others keep their numbers."""

_SPLIT_EXPRESSION = re.compile(r"[()\[\]<>=+*/]")
_NULLS = ("", "~", "null", "Null", "NULL")
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Span:
    """Start and end offset of a node in the text, and those of its key."""

    start: int
    end: int
    key: tuple[int, int] | None


class Document:
    """A YAML file as plain data (all scalars text or None) that knows where each node stands."""

    layered = False
    """Whether it lies on top of another one, and null takes out what that says."""

    def __init__(self, text: str, name: str, data: Any, spans: dict[YamlPath, Span]) -> None:
        self.text = text
        self.name = name
        self.data = data
        self._spans = spans

    @property
    def path(self) -> Path:
        """The file it was read from."""
        return Path(self.name)

    def with_data(self, data: Any, renamed: Mapping[YamlPath, YamlPath] | None = None) -> Document:
        """Return a document of the same text with other data; `renamed` nodes (new path to old) keep their places."""
        spans = dict(self._spans)
        for new, old in (renamed or {}).items():
            spans |= {new + known[len(old) :]: span for known, span in self._spans.items() if known[: len(old)] == old}
        return Document(self.text, self.name, data, spans)

    def locate(self, path: YamlPath = (), *, key: bool = False, offset: int = 0, length: int | None = None) -> Location:
        """Return the place of a node, of its key, or of `length` characters from `offset` inside a scalar."""
        known = path
        while known not in self._spans and known:
            known = known[:-1]
        span = self._spans.get(known, Span(0, 0, None))
        start, end = span.key if key and span.key else (span.start, span.end)
        if known == path and not key and isinstance(value := self._value(path), str):
            first, last = _inside(_align(self.text[start:end], value), offset, length)
            start, end = start + first, start + last
        line_start = self.text.rfind("\n", 0, start) + 1
        line_end = self.text.find("\n", start)
        line = self.text[line_start : line_end if line_end >= 0 else len(self.text)].rstrip("\r")
        return Location(
            file=self.name,
            line=self.text.count("\n", 0, start) + 1,
            column=start - line_start + 1,
            length=max(1, min(end, line_start + len(line)) - start),
            text=line,
            path="/" + "/".join(str(part) for part in path) if path else "",
        )

    def span(self, path: YamlPath = (), *, key: bool = False) -> tuple[int, int] | None:
        """Return where a node, or its key, begins and ends in the text; None where the text does not hold it."""
        span = self._spans.get(path)
        return None if span is None else span.key if key else (span.start, span.end)

    def error(
        self,
        message: str,
        path: YamlPath = (),
        *,
        key: bool = False,
        offset: int = 0,
        length: int | None = None,
        hint: str | None = None,
    ) -> UserError:
        """Return (not raise) the error `message` at a place of this file."""
        return UserError(message, at=self.locate(path, key=key, offset=offset, length=length), hint=hint)

    def _value(self, path: YamlPath) -> Any:
        value = self.data
        for part in path:
            value = value[part]
        return value


def _inside(places: list[int], offset: int, length: int | None) -> tuple[int, int]:
    """Return first and last + 1 raw offset of `length` characters of a scalar (of all of it where length is None)."""
    if not places:
        return 0, 1
    if length is None:
        return places[0], places[-1] + 1
    if offset >= len(places):
        return places[-1] + 1, places[-1] + 2
    last = places[min(offset + length, len(places)) - 1] if length else places[offset]
    return places[offset], max(last, places[offset]) + 1


def _align(raw: str, value: str) -> list[int]:
    """Return for each character of a scalar its offset in the raw text (quotes, folding and indents differ)."""
    at = raw.find("\n") + 1 if raw[:1] in ("|", ">") else int(raw[:1] in ("'", '"'))
    final = max(len(raw) - 1, 0)
    places: list[int] = []
    for character in value:
        if character.isspace():
            places.append(min(at, final))
            at += int(at < len(raw) and raw[at].isspace())
            continue
        found = raw.find(character, at)
        at = found if found >= 0 else at
        places.append(min(at, final))
        at += 1
    return places


def of_option(text: str, name: str) -> Document:
    """Return a text that was given on the command line as a document; `name` is that of the option."""
    return Document(text, name, text, {(): Span(0, len(text), None)})


def compose(text: str, name: str) -> Document:
    """Build the document of a YAML text.

    Raises
    ------
    UserError
        If the text is not plain YAML; with line and column.
    """
    try:
        return _Composer(text, name).document()
    except yaml.MarkedYAMLError as error:
        if (colon := _colon(text, name, error)) is not None:
            raise colon from None
        mark = error.problem_mark or error.context_mark
        problem = error.problem or error.context or "not YAML"
        at = _location(text, name, mark) if mark is not None else Location(name)
        hint = "indent with spaces, not tabs" if "\t" in at.text[: at.column] else None
        raise UserError(f"YAML: {problem}", at=at, hint=hint) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise UserError(f"not readable as YAML: {error}", at=Location(name)) from None


def _colon(text: str, name: str, error: yaml.MarkedYAMLError) -> UserError | None:
    """Return the mistake of a colon that is missing, or one too many, at its own line: YAML's parser is behind it by then."""
    lines = _lines(text)
    if error.problem == "could not find expected ':'" and error.context_mark is not None:
        line = error.context_mark.line
    elif error.problem == "mapping values are not allowed in this context" and error.problem_mark is not None:
        line = error.problem_mark.line
        before = lines[line][: error.problem_mark.column]
        if ": " in before.lstrip("- "):
            at = Location(name, line + 1, error.problem_mark.column + 1, text=lines[line])
            return UserError("YAML: a second ':' in one line", at=at, hint="put the value into quotes")
        while line > 0 and not lines[line - 1].split("#")[0].strip():
            line -= 1
        line -= 1
    else:
        return None
    if line < 0 or ":" in lines[line].split(" #")[0]:
        return None
    shown = lines[line].strip()
    start = lines[line].index(shown)
    at = Location(name, line + 1, start + 1, length=len(shown), text=lines[line])
    return UserError("YAML: ':' is missing behind a key", at=at, hint="write 'key: value'")


def _lines(text: str) -> list[str]:
    """Return lines as YAML's marks count them."""
    return re.split("\r\n|[\n\r\x85\u2028\u2029]", text)


def _location(text: str, name: str, mark: Any) -> Location:
    lines = _lines(text)
    line = lines[mark.line] if mark.line < len(lines) else ""
    return Location(name, mark.line + 1, mark.column + 1, text=line)


class _Composer:
    """Builds plain data from YAML's events, with limits on depth, size and aliases."""

    def __init__(self, text: str, name: str) -> None:
        self.text = text
        self.name = name
        self.spans: dict[YamlPath, Span] = {}
        self._anchors: dict[str, tuple[Any, YamlPath]] = {}
        self._nodes = 0
        self._events: Iterator[Any] = yaml.parse(text, Loader=_Loader)

    def document(self) -> Document:
        data: Any = None
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self._error("a second YAML document in one file", event, "one file holds one document")
                data = self._node(next(self._events), (), None, depth=0)
        return Document(self.text, self.name, {} if data is None else data, self.spans)

    def _error(self, message: str, event: Any, hint: str | None = None) -> UserError:
        return UserError(message, at=_location(self.text, self.name, event.start_mark), hint=hint)

    def _count(self, nodes: int, event: Any) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            raise self._error(f"more than {MAX_NODES} nodes", event, "aliases multiply; write the values out")

    def _node(self, event: Any, path: YamlPath, key: tuple[int, int] | None, *, depth: int) -> Any:
        self._count(1, event)
        if depth > MAX_DEPTH:
            raise self._error(f"nested deeper than {MAX_DEPTH} levels", event)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, path)
        if event.tag not in (None, "!"):
            raise self._error(f"the YAML tag '{event.tag}' is refused", event, "only plain values are read")
        end = event
        value: Any
        if isinstance(event, yaml.ScalarEvent):
            value = None if not event.style and event.value in _NULLS else event.value
        elif isinstance(event, yaml.SequenceStartEvent):
            value = []
            while not isinstance(end := next(self._events), yaml.SequenceEndEvent):
                value.append(self._node(end, (*path, len(value)), None, depth=depth + 1))
        else:
            value, end = self._mapping(event, path, depth)
        self.spans[path] = Span(event.start_mark.index, end.end_mark.index, key)
        if event.anchor:
            self._anchors[event.anchor] = (value, path)
        return value

    def _mapping(self, event: Any, path: YamlPath, depth: int) -> tuple[dict[str, Any], Any]:
        mapping: dict[str, Any] = {}
        while not isinstance(item := next(self._events), yaml.MappingEndEvent):
            if not isinstance(item, yaml.ScalarEvent):
                raise self._error("a key must be a plain text", item)
            name = item.value
            if name in mapping:
                raise self._error(f"the key '{name}' is given twice", item)
            if name == "<<":
                raise self._error("merge keys (<<) are refused", item, "use 'extends'")
            marks = (item.start_mark.index, item.end_mark.index)  # type: ignore[union-attr]
            value = self._node(next(self._events), (*path, name), marks, depth=depth + 1)
            if value is None and event.flow_style and _SPLIT_EXPRESSION.search(name):
                hint = "quote the expression, or write it in block style"
                raise self._error("YAML has split an expression at a comma", item, hint)
            mapping[name] = value
        return mapping, item

    def _alias(self, event: Any, path: YamlPath) -> Any:
        if event.anchor not in self._anchors:
            raise self._error(f"alias *{event.anchor} names an anchor that is not complete here", event)
        value, origin = self._anchors[event.anchor]
        self._count(_size(value), event)
        for known, span in [(k, s) for k, s in self.spans.items() if k[: len(origin)] == origin]:
            self.spans[path + known[len(origin) :]] = span
        return value


def _size(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + sum(_size(v) for v in value.values())
    if isinstance(value, list):
        return 1 + sum(_size(v) for v in value)
    return 1
