"""Changes of a YAML text that leave all else as it is, comments included: values of parameters, and the list of cuts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from emiss.configs.errors import UserError
from emiss.configs.loader import SHIPPED, find

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from emiss.configs.document import Document

Change = tuple[int, int, str]
"""From where to where in the text, and what stands there then."""


def changed(text: str, changes: Iterable[Change]) -> str:
    """Return a text with some parts replaced; they do not overlap."""
    for start, end, new in sorted(changes, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def quoted(text: str) -> str:
    """Return a text of one line as YAML in quotes."""
    return "'" + " ".join(text.split()).replace("'", "''") + "'"


def parameters(document: Document, values: Mapping[str, str]) -> list[Change]:
    """Return the changes that give parameters other values; those that the file does not have are added to it."""
    changes: list[Change] = []
    new: dict[str, str] = {}
    for name, value in values.items():
        span = document.span(("parameters", name))
        if span is None:
            new[name] = value
        else:
            changes.append((*_bare(document.text, *span), value))
    if new:
        changes.append(_added(document, new))
    return changes


def _bare(text: str, start: int, end: int) -> tuple[int, int]:
    """Return a node without the blank lines and comments behind it, which YAML counts to a block."""
    if text[start : start + 1] in ("-", "|", ">"):  # a list in lines, or a folded text
        lines = text[start:end].split("\n")
        while len(lines) > 1 and (not lines[-1].strip() or lines[-1].strip().startswith("#")):
            lines.pop()
        return start, start + len("\n".join(lines))
    return start, start + len(text[start:end].rstrip())


def _added(document: Document, new: Mapping[str, str]) -> Change:
    text, whole = document.text, document.span(("parameters",))
    lines = [f"{name}: {value}" for name, value in new.items()]
    there = document.data.get("parameters")
    if whole is not None and isinstance(there, dict) and there:
        if text[whole[0]] == "{":
            return whole[0] + 1, whole[0] + 1, ", ".join(lines) + ", "
        first = document.span(("parameters", next(iter(there))), key=True) or whole
        indent = first[0] - text.rfind("\n", 0, first[0]) - 1
        last = document.span(("parameters", list(there)[-1])) or whole
        end = _line_end(text, _bare(text, *last)[1])
        return end, end, "".join(f"\n{' ' * indent}{line}" for line in lines)
    if (key := document.span(("parameters",), key=True)) is not None:
        end = _line_end(text, key[1])
        return end, end, "".join(f"\n  {line}" for line in lines)
    gap = "" if not text or text.endswith("\n") else "\n"
    return len(text), len(text), gap + "\nparameters:\n" + "".join(f"  {line}\n" for line in lines)


def _line_end(text: str, at: int) -> int:
    found = text.find("\n", at)
    return len(text) if found < 0 else found


def extends(document: Document, folder: Path | None) -> list[Change]:
    """Return the change that lets a copy in another folder (None: anywhere) extend the same file."""
    name, span = document.data.get("extends"), document.span(("extends",))
    if not isinstance(name, str) or span is None:
        return []
    path = find("analyses", name, near=document.path.parent)
    if path.resolve().is_relative_to(SHIPPED / "analyses"):
        return []
    return [(*span, quoted(str(_seen_from(path, folder))))]


def _seen_from(path: Path, folder: Path | None) -> Path:
    if folder is None:
        return path.resolve()
    return Path(os.path.relpath(path.resolve(), folder.resolve()))


def cuts(document: Document, order: Sequence[str], kept: Iterable[str] = ()) -> list[Change] | None:
    """Return the change that switches cuts off and puts the others into an order; None where the file is too special.

    Parameters
    ----------
    order : sequence of str
        Cuts that stay.
    kept : iterable of str
        Cuts that are off, but keep their place and let everything pass, since something refers to them.
    """
    items = document.data.get("cuts")
    if not isinstance(items, list) or "drop" in document.data or not _plain(items):
        return None
    names = [str(item["name"]) for item in items]
    pieces = _items(document, len(items))
    if not set(order) <= set(names) or pieces is None:
        return None
    text, spared = document.text, set(kept)
    blocks = dict(zip(names, pieces, strict=True))
    made = []
    for name in _placed(names, order):
        start, end = blocks[name]
        block = text[start:end]
        if name in spared:
            at = names.index(name)
            item, span = document.span(("cuts", at)), document.span(("cuts", at, "require"))
            if item is None or span is None:
                return None
            first, last = _bare(text, *span)
            line = text.rfind("\n", 0, item[0]) + 1
            indent = text[line : text.index("-", line)]
            was = " ".join(str(items[at]["require"]).split())
            made.append(f"{text[start:line]}{indent}# (off) was: {was}\n{text[line:first]}'true'{text[last:end]}")
        elif name in order:
            made.append(block)
        else:
            made.append(_commented(block))
    return [(pieces[0][0], pieces[-1][1], "".join(made))]


def _plain(items: Sequence[object]) -> bool:
    """Return whether all cuts stand where they are, under names of their own."""
    for item in items:
        if not isinstance(item, dict) or not item.get("name") or {"group", "before", "replaces"} & set(item):
            return False
    return True


def _items(document: Document, count: int) -> list[tuple[int, int]] | None:
    """Return the lines of each cut, with the comments above it; None where they are not in lines of their own."""
    text = document.text
    spans = [document.span(("cuts", i)) for i in range(count)]
    starts = []
    column = 0
    for span in spans:
        if span is None:
            return None
        line = text.rfind("\n", 0, span[0]) + 1
        if not text[line : span[0]].strip().startswith("-"):
            return None
        column = text.index("-", line) - line
        while line > 0 and (above := text.rfind("\n", 0, line - 1) + 1) < line:
            bare = text[above:line].strip()
            if not bare.startswith("#") or "\n" + text[above:line] == "\n":
                break
            line = above
        starts.append(line)
    end = _line_end(text, spans[-1][0] if spans[-1] else 0) + 1
    while end < len(text):
        stop = _line_end(text, end)
        line_text = text[end:stop]
        if line_text.strip() and len(line_text) - len(line_text.lstrip()) <= column:
            break
        end = stop + 1
    while text[:end].endswith("\n\n") and text.rfind("\n", 0, end - 1) > starts[-1]:
        end -= 1
    return list(zip(starts, [*starts[1:], min(end, len(text))], strict=True))


def _placed(names: Sequence[str], order: Sequence[str]) -> list[str]:
    """Return all names: those that stay in their order, each of the others behind what it stood behind."""
    found = list(order)
    for at, name in enumerate(names):
        if name not in order:
            before = next((other for other in reversed(names[:at]) if other in found), None)
            found.insert(0 if before is None else found.index(before) + 1, name)
    return found


def _commented(block: str) -> str:
    lines = block.splitlines(keepends=True)
    indent = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    off = [f"{' ' * indent}# (off) {line[indent:]}" if line.strip() else line for line in lines]
    return "".join(off)


def child(document: Document, folder: Path | None, name: str, values: Mapping[str, str], body: Sequence[str]) -> str:
    """Return a file that extends the one of a document."""
    path = document.path
    if path.resolve().is_relative_to(SHIPPED / "analyses"):
        parent = str(path.resolve().relative_to(SHIPPED / "analyses").with_suffix(""))
    elif path.is_file():
        parent = str(_seen_from(path, folder))
    else:
        raise UserError(f"'{document.name}' is no file that another one could extend")
    lines = [f"analysis: {quoted(name)}", f"extends: {quoted(parent)}"]
    if values:
        lines += ["parameters:", *(f"  {key}: {value}" for key, value in values.items())]
    return "\n".join([*lines, *body]) + "\n"
