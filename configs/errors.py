"""What a user is told when a file, an option or an expression is wrong.

Every mistake of a user is a `UserError`: a one-line message, the place it stands at, and a hint. The command line turns
it into ``file:line:column: message`` and exit code 2; libraries raise it and never print.
"""

from __future__ import annotations

import difflib
import errno
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True)
class Location:
    """A place in a text file; lines and columns count from 1, `path` is the YAML path such as ``/cuts/3/require``."""

    file: str
    line: int = 0
    column: int = 0
    length: int = 1
    text: str = ""
    path: str = ""

    def __str__(self) -> str:
        if not self.line:
            return self.file
        return f"{self.file}:{self.line}:{self.column}" if self.column else f"{self.file}:{self.line}"

    def excerpt(self) -> str:
        """Return the source line with the place underlined, or nothing where the line is not known."""
        if not self.text.strip() or not self.column:
            return ""
        line = self.text.expandtabs(1)
        length = max(1, min(self.length, len(line) - self.column + 1))
        return f"  {line}\n  {' ' * (self.column - 1)}{'^' * length}"


class EmissError(Exception):
    """Base of all errors that emiss raises on purpose."""

    exit_code = 1


class UserError(EmissError):
    """A mistake in a file, an option or an expression: message, place, hint."""

    exit_code = 2

    def __init__(self, message: str, *, at: Location | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.at = at
        self.hint = hint

    def __str__(self) -> str:
        place = f"{self.at}: " if self.at else ""
        where = f" (at {self.at.path})" if self.at and self.at.path else ""
        hint = f"; {self.hint}" if self.hint else ""
        return f"{place}{self.message}{where}{hint}"

    def render(self) -> str:
        """Return the message with the offending text underlined."""
        excerpt = self.at.excerpt() if self.at else ""
        return f"{self}\n{excerpt}" if excerpt else str(self)


_SURROUNDINGS = frozenset(
    getattr(errno, name, -1)
    for name in (
        *("EACCES", "EPERM", "EROFS", "ENOSPC", "EDQUOT", "EFBIG", "EMFILE", "ENFILE", "ENAMETOOLONG"),
        *("EISDIR", "ENOTDIR", "ENOENT", "EEXIST", "EIO", "ESTALE", "ETXTBSY", "ELOOP"),
    )
)


def of_surroundings(error: BaseException, place: str = "") -> UserError | None:
    """Return a failure of disks and permissions as a mistake that names the file; None for any other error.

    A library may have wrapped it: the chain of causes is looked through. `place` stands in where no file is named.
    """
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in _SURROUNDINGS and not isinstance(seen, BlockingIOError):
            name = place if seen.filename is None else str(seen.filename)
            return UserError(seen.strerror or str(seen), at=Location(name) if name else None)
        seen = seen.__cause__ or seen.__context__
    return None


class UserErrors(UserError):  # noqa: N818 - several of them
    """Several mistakes found in one go, in the order of the file."""

    def __init__(self, errors: Sequence[UserError]) -> None:
        first = errors[0]
        super().__init__(first.message, at=first.at, hint=first.hint)
        self.errors = tuple(errors)

    def __reduce__(self) -> tuple[object, ...]:
        return UserErrors, (self.errors,)

    def __str__(self) -> str:
        return "\n".join(str(error) for error in self.errors)

    def render(self) -> str:
        """Return all messages, each with its excerpt."""
        return "\n".join(error.render() for error in self.errors)


class DataLossError(EmissError):
    """More data were lost than the job allows; everything good has been saved."""

    exit_code = 3


@dataclass
class Problems:
    """Collects mistakes so that a user sees all of them at once."""

    errors: list[UserError] = field(default_factory=list)

    def add(self, error: UserError) -> None:
        """Keep one mistake (or each one of several)."""
        self.errors.extend(error.errors if isinstance(error, UserErrors) else [error])

    def add_all(self, other: Problems) -> None:
        """Keep the mistakes that others have collected."""
        self.errors.extend(other.errors)

    def check(self) -> None:
        """Raise what has been collected, if anything."""
        if len(self.errors) == 1:
            raise self.errors[0]
        if self.errors:
            raise UserErrors(self.errors)


def suggest(name: str, candidates: Iterable[str], count: int = 3, *, alike: float = 0.5) -> list[str]:
    """Return the candidates closest to a misspelt `name`, best first; `alike` is the share that they have in common."""
    known = list(dict.fromkeys(candidates))
    close = difflib.get_close_matches(name, known, n=count, cutoff=alike)
    folded = [c for c in known if c.lower() == name.lower() and c not in close]
    return (folded + close)[:count]


def did_you_mean(name: str, candidates: Iterable[str], *, otherwise: str = "known") -> str:
    """Return the hint for an unknown `name`: the closest names, or all of them if none is close."""
    known = list(dict.fromkeys(candidates))
    close = suggest(name, known)
    if close:
        return "did you mean " + " or ".join(f"'{c}'" for c in close) + "?"
    shown = ", ".join(sorted(known)[:12]) + (" ..." if len(known) > 12 else "")
    return f"{otherwise}: {shown}" if known else "there are none"
