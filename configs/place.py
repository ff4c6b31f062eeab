"""Values that know where they stand in their file, so that a message about a merged analysis names the right file and line.

A model that is `Placed` reads its document with places: its fields may be `Text`, `Texts` and other placed models, which keep
theirs, beside any type that pydantic knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeVar

from pydantic import ModelWrapValidatorHandler, model_validator
from pydantic_core import PydanticKnownError, core_schema

from emiss.configs.document import LEFT_OUT, Document, YamlPath, of_option
from emiss.configs.schema import Model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pydantic import GetCoreSchemaHandler

    from emiss.configs.errors import UserError

P = TypeVar("P", bound="Placed")

SCALAR = ("string", "number", "boolean")
"""What a scalar of YAML may be in JSON."""


@dataclass(frozen=True)
class Place:
    """A node of a YAML file."""

    document: Document
    path: YamlPath

    def error(
        self,
        message: str,
        *,
        key: bool = False,
        offset: int = 0,
        length: int | None = None,
        hint: str | None = None,
    ) -> UserError:
        """Return (not raise) an error at this place, or at its key."""
        return self.document.error(message, self.path, key=key, offset=offset, length=length, hint=hint)


class PlacedScalar(str):
    """A scalar as a model is given it."""

    __slots__ = ("place",)
    place: Place


class PlacedList(list[Any]):
    """A list as a model is given it."""

    place: Place


class PlacedMapping(dict[str, Any]):
    """A mapping as a model is given it."""

    place: Place


@dataclass(frozen=True)
class Text:
    """A scalar."""

    value: str
    place: Place

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(cls._read)

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: Any, _handler: Any) -> dict[str, Any]:
        return {"type": [*SCALAR]}

    @classmethod
    def _read(cls, value: Any) -> Text:
        if isinstance(value, PlacedScalar):
            return cls(str(value), value.place)
        if isinstance(value, cls):
            return value
        raise PydanticKnownError("string_type")


@dataclass(frozen=True)
class Texts:
    """A list of scalars, of which a single one may stand alone; `several` if it is written as a list."""

    items: tuple[Text, ...]
    place: Place
    several: bool = True

    def __iter__(self) -> Iterator[Text]:
        return iter(self.items)

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        inner = core_schema.list_schema(handler.generate_schema(Text))
        return core_schema.no_info_wrap_validator_function(cls._read, inner)

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: Any, _handler: Any) -> dict[str, Any]:
        return {"anyOf": [{"type": [*SCALAR]}, {"type": "array", "items": {"type": [*SCALAR]}}]}

    @classmethod
    def _read(cls, value: Any, read: Callable[[Any], list[Text]]) -> Texts:
        if isinstance(value, PlacedList):
            return cls(tuple(read(value)), value.place)
        if isinstance(value, PlacedScalar):
            return cls((Text(str(value), value.place),), value.place, several=False)
        if isinstance(value, cls):
            return value
        raise PydanticKnownError("string_type")


class Placed(Model):
    """A model that knows where it stands.

    Attributes
    ----------
    place : Place
        Of the mapping.
    given : tuple of str
        The keys that have a value, in the order of the file.
    """

    _written: PlacedMapping

    @model_validator(mode="wrap")
    @classmethod
    def _known_keys(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Keep what is written, with its place."""
        made = cls._closed(data, handler)
        if isinstance(data, PlacedMapping):
            made._written = data  # noqa: SLF001 - of the same class
        return made

    @property
    def place(self) -> Place:
        """Where it stands."""
        return self._written.place

    @property
    def given(self) -> tuple[str, ...]:
        """The keys that have a value."""
        return tuple(key for key, value in self._written.items() if value is not None)

    def at(self, *path: str | int) -> Place:
        """Return the place of what stands behind some keys (of a model that is not put together from several)."""
        return Place(self.place.document, (*self.place.path, *path))


def items_of(texts: Texts | None) -> tuple[Text, ...]:
    """Return the scalars; none where none are given."""
    return texts.items if texts is not None else ()


def option(name: str, value: str) -> Text:
    """Return the value of an option of the command line; messages name the option."""
    return Text(value, Place(of_option(value, name), ()))


def options(name: str, values: Iterable[str]) -> Texts:
    """Return the values of an option that is given several times; messages name the option."""
    return Texts(tuple(option(name, value) for value in values), option(name, "").place)


def placed(document: Document) -> Any:
    """Return the data of a document with their places."""
    return _placed(document, document.data, ())


def _placed(document: Document, data: Any, path: YamlPath) -> Any:
    made: PlacedMapping | PlacedList | PlacedScalar
    if isinstance(data, dict):
        made = PlacedMapping({key: _placed(document, value, (*path, key)) for key, value in data.items()})
    elif isinstance(data, list):
        known = [(i, value) for i, value in enumerate(data) if value is not LEFT_OUT]
        made = PlacedList(_placed(document, value, (*path, i)) for i, value in known)
    elif data is None:
        return None
    else:
        made = PlacedScalar(data)
    made.place = Place(document, path)
    return made


def texts_of(data: Any) -> Texts | None:
    """Return placed data as a scalar or a list of scalars; None if they are neither."""
    several = isinstance(data, PlacedList)
    parts = data if several else [data]
    if not all(isinstance(part, PlacedScalar) for part in parts):
        return None
    return Texts(tuple(Text(str(part), part.place) for part in parts), data.place, several)


def overlay(parent: P, child: P) -> P:
    """Return two models merged key by key at every depth; where both have a value that is no mapping the child wins."""
    merged = {name: _overlaid(getattr(parent, name), getattr(child, name)) for name in type(child).model_fields}
    return child.model_copy(update=merged)


def _overlaid(known: Any, value: Any) -> Any:
    if isinstance(known, Placed) and isinstance(value, Placed):
        return overlay(known, value)
    if isinstance(known, dict) and isinstance(value, dict):
        return known | {key: _overlaid(known.get(key), below) for key, below in value.items()}
    return known if value is None else value
