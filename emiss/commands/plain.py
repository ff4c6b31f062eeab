"""``--json`` of commands that report something: the same as plain data, and nothing else on standard output."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from emiss.configs.errors import UserError

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def put(data: Any) -> None:
    """Print plain data."""
    typer.echo(json.dumps(data, indent=1, allow_nan=False, default=str))


def mistake(error: UserError) -> dict[str, Any]:
    """Return a mistake as plain data."""
    at = error.at
    place = {} if at is None else {"file": at.file, "line": at.line, "column": at.column, "path": at.path}
    return {"message": error.message, "hint": error.hint, **place}
