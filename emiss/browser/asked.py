"""What a page sends, read as the model that it is to be."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import ValidationError

from emiss.configs.errors import UserError
from emiss.configs.schema import Model

A = TypeVar("A", bound=Model)


def read(kind: type[A], data: Any) -> A:
    """Return what was sent.

    Raises
    ------
    UserError
        If it is something else.
    """
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UserError(f"the page sends something else than is expected: {where}: {first['msg']}") from None
