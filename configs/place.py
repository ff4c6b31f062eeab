"""YAML data that remember where they stand, so that a message about a merged analysis names the right file and line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from emiss.configs.document import of_option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.configs.errors import UserError
    from emiss.configs.loader import Document, YamlPath


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


@dataclass(frozen=True)
class Text:
    """A scalar."""

    value: str
    place: Place


def option(name: str, value: str) -> Text:
    """Return the value of an option of the command line; messages name the option."""
    return Text(value, Place(of_option(value, name), ()))


@dataclass(frozen=True)
class Items:
    """A list."""

    items: tuple[Any, ...]
    place: Place

    def texts(self) -> tuple[Text, ...]:
        """Return the elements that are scalars."""
        return tuple(item for item in self.items if isinstance(item, Text))


@dataclass(frozen=True)
class Branch:
    """A mapping."""

    items: Mapping[str, Any]
    place: Place

    def text(self, key: str) -> Text | None:
        """Return a scalar; None where it is not given."""
        value = self.items.get(key)
        return value if isinstance(value, Text) else None

    def branch(self, key: str) -> Branch:
        """Return a mapping; an empty one where it is not given."""
        value = self.items.get(key)
        return value if isinstance(value, Branch) else Branch({}, self.place)

    def texts(self, key: str) -> tuple[Text, ...]:
        """Return a list of scalars, of which a single one may stand alone; an empty one where it is not given."""
        value = self.items.get(key)
        if isinstance(value, Text):
            return (value,)
        return value.texts() if isinstance(value, Items) else ()

    def branches(self, key: str) -> tuple[Branch, ...]:
        """Return a list of mappings; an empty one where it is not given."""
        value = self.items.get(key)
        return tuple(item for item in value.items if isinstance(item, Branch)) if isinstance(value, Items) else ()


def locate(document: Document, data: Any, path: YamlPath = ()) -> Any:
    """Return plain YAML data with their places; a key without a value is left out."""
    place = Place(document, path)
    if isinstance(data, dict):
        items = {key: locate(document, value, (*path, key)) for key, value in data.items()}
        return Branch({key: value for key, value in items.items() if value is not None}, place)
    if isinstance(data, list):
        return Items(tuple(locate(document, value, (*path, i)) for i, value in enumerate(data)), place)
    return None if data is None else Text(str(data), place)


def overlay(parent: Branch, child: Branch) -> Branch:
    """Return two mappings merged key by key; where both have a value that is no mapping the child wins."""
    items = dict(parent.items)
    for key, value in child.items.items():
        known = items.get(key)
        items[key] = overlay(known, value) if isinstance(known, Branch) and isinstance(value, Branch) else value
    return Branch(items, child.place)
