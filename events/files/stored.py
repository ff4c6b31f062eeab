"""What a table on disk says of itself, checked: the schema and its version, then every value that is used later.

A text that is no JSON, of another schema or of a later version, or with a value of the wrong kind, is a mistake in the file and
no bug: the message names the file and the value.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from emiss.configs.errors import Location, UserError
from emiss.events.columns import SCHEMA, Column
from emiss.events.table import Metadata

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Count = Annotated[int, Field(ge=0)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class _Stored(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")


class _Column(_Stored):
    type: str = Field("f8", pattern="^([fiu][1248]|b1|bool)$")
    unit: str = "1"
    meaning: str = ""
    shape: Literal["flat", "fixed", "list"] = "flat"
    size: Count = 1
    bits: dict[str, Annotated[int, Field(ge=0, lt=64)]] = {}
    alias: str = ""


class _Damage(_Stored):
    records: Count
    events: Count


class _Ledger(_Stored):
    read: Count
    passed: Count
    not_physics: dict[str, Count] = {}
    lost: dict[str, Count] = {}
    excluded: dict[str, Count] = {}
    damage: dict[str, _Damage] = {}
    bytes_skipped: Count = 0
    incomplete_at_end: Count = 0


class _Input(_Stored):
    path: str
    identity: str
    entries: list[Annotated[list[Count], Field(min_length=2, max_length=2)]] | None = None
    """Not said by a skim of blinded data."""


class _Provenance(_Stored):
    task: str | None = None
    inputs: list[_Input] = []


class _Metadata(_Stored):
    sample: str
    role: str
    on_target: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None
    scale: Finite = 1.0
    partial: bool = False
    columns: dict[str, _Column]
    ledger: _Ledger
    provenance: _Provenance = _Provenance()
    process: dict[str, Any] = {}


def read_metadata(text: str | bytes, path: Path) -> Metadata:
    """Return the metadata of a stored table.

    Raises
    ------
    UserError
        If the text is none that this version of emiss can have written.
    """
    place = Location(str(path))
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"damaged metadata, no JSON: {error}", at=place) from None
    check_schema(data, SCHEMA, path, "an event table", "run files go to 'emiss process'")
    try:
        _Metadata.model_validate(data)
    except ValidationError as error:
        raise UserError(f"damaged metadata: {_first(error)}", at=place) from None
    return Metadata.from_json(data)


def read_columns(data: Any, prefix: str, path: Path) -> dict[str, Column]:
    """Return the declarations of columns that a file holds, by full name.

    Raises
    ------
    UserError
        If a declaration is none.
    """
    columns = {}
    try:
        for name, item in dict(data).items():
            _Column.model_validate(item)
            columns[prefix + name] = Column.from_json(prefix + name, item)
    except ValidationError as error:
        raise UserError(
            f"damaged metadata of column '{prefix}{name}': {_first(error)}", at=Location(str(path))
        ) from None
    except (TypeError, ValueError) as error:
        raise UserError(f"damaged metadata: {error}", at=Location(str(path))) from None
    return columns


def check_schema(data: Any, schema: str, path: Path, what: str, hint: str) -> None:
    """Raise a UserError if the data are not of a schema ``name/version``, or of a version that is not known here."""
    place = Location(str(path))
    found = data.get("schema") if isinstance(data, dict) else data
    name, _, version = schema.rpartition("/")
    own, _, number = found.rpartition("/") if isinstance(found, str) else ("", "", "")
    if own != name or not number.isdecimal():
        raise UserError(f"holds {found!r:.60}, not {what}", at=place, hint=hint)
    if number != version:
        later = int(number) > int(version)
        raise UserError(
            f"holds version {number} of '{name}', this emiss knows {version}",
            at=place,
            hint="a later emiss wrote it: update yours" if later else "make it again with this emiss",
        )


def _first(error: ValidationError) -> str:
    detail: Mapping[str, Any] = error.errors(include_url=False)[0]
    return f"{'.'.join(str(part) for part in detail['loc'])}: {detail['msg']}"
