"""Options of a command in groups: a group is a dataclass whose fields are options, and a command is given its groups."""

from __future__ import annotations

from dataclasses import fields
from functools import wraps
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any, get_type_hints

if TYPE_CHECKING:
    from collections.abc import Callable


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command with one parameter for each field of its groups, in their order, as typer reads them.

    Parameters
    ----------
    command : callable
        All its parameters are groups: dataclasses whose fields are annotated with ``typer.Option`` and have defaults.
    """
    groups = {name: group for name, group in get_type_hints(command).items() if name != "return"}
    options: dict[str, Any] = {}
    for group in groups.values():
        options |= get_type_hints(group, include_extras=True)

    @wraps(command)
    def flat(**given: Any) -> None:
        command(
            **{
                name: group(**{field.name: given[field.name] for field in fields(group)})
                for name, group in groups.items()
            }
        )

    flat.__annotations__ = options
    flat.__signature__ = Signature(  # type: ignore[attr-defined]
        [
            Parameter(field.name, Parameter.KEYWORD_ONLY, default=field.default, annotation=options[field.name])
            for group in groups.values()
            for field in fields(group)
        ]
    )
    return flat
