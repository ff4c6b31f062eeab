"""The code blocks of a page of documentation, and how they are run: in order, in a folder of the page's own.

- A block whose first line is ``# NAME`` with a suffix is that file; all files of a page are written first.
- ``console``: each line that begins with ``$`` is run; it ends with 0, or with the ``exit code N`` that its comment names.
  Other lines are a part of what is printed. A loop over words is run as the commands that it stands for.
- ``python``: run as it is; functions ``test_...`` in it are called.
- ``yaml``: a file, which `emiss check` has to accept when all else has run.
- ``text`` is shown only, and must not look like a command.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

KINDS = ("console", "python", "yaml", "text")
FEW = 300
"""Events that are simulated where a page wants more."""


@dataclass(frozen=True)
class Block:
    """A fenced block: its kind, text and place."""

    kind: str
    text: str
    place: str

    @property
    def file(self) -> str:
        """The file that the block is, from its first line; "" for none."""
        named = re.match(r"# *([\w./-]+\.(?:yaml|txt|csv))\n", self.text)
        return named[1] if named else ""


@dataclass(frozen=True)
class Command:
    """A line of a console block, with what is to come of it."""

    line: str
    code: int
    said: tuple[str, ...]

    def arguments(self) -> list[str] | None:
        """Return the arguments of a plain ``emiss`` command; None for a line that needs a shell."""
        words = shlex.split(self.line)
        outside_quotes = re.sub(r"'[^']*'", "", self.line)
        if words[0] != "emiss" or re.search(r"[|<>;&$`(*?]", outside_quotes):
            return None
        return words[1:]


def blocks(page: Path) -> list[Block]:
    """Return the blocks of a page."""
    text = page.read_text(encoding="utf-8")
    found = re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [Block(m[1], m[2], f"{page.name}:{text[: m.start()].count(chr(10)) + 1}") for m in found]


def commands(block: Block) -> list[Command]:
    """Return the commands of a console block, with few events."""
    found: list[tuple[str, list[str]]] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif line.strip(" ."):
            found[-1][1].append(line.rstrip())
    made = []
    for written, said in found:
        line, _, comment = written.partition("  #")
        code = re.search(r"exit code (\d+)", comment)
        made += [Command(_small(one), int(code[1]) if code else 0, tuple(said)) for one in _unrolled(line.strip())]
    return made


def _unrolled(line: str) -> list[str]:
    """Return the commands of a loop over words; any other line as it is."""
    loop = re.fullmatch(r"for (\w+) in ([\w .]+); do ([^;]+); done", line)
    if loop is None:
        return [line]
    name, words, body = loop.groups()
    return [re.sub(rf"\$(?:{name}\b|\{{{name}\}})", word, body) for word in words.split()]


def _small(line: str) -> str:
    """Return a command with the statistics of a test."""
    line = re.sub(r"--events (\w+=)?(\d{3,})\b", lambda m: f"--events {m[1] or ''}{min(FEW, int(m[2]))}", line)
    if re.match(r"emiss limit (?!.*--(events|cutflow|efficiencies|periods|flat-efficiency))", line):
        return f"{line} --events {FEW // 3} --mass 0.3GeV"
    return line
