"""The grammar of detector files as tables, made from the models: keys with type and unit, default and meaning."""

from __future__ import annotations

import inspect
import re
import types
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator
from pydantic_core import PydanticUndefined

from emiss.reco.detector.model import Detector
from emiss.reco.parts.kinds import KINDS
from emiss.setups.meanings import meaning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

BEGIN, END = "<!-- made from the models by `make setups`: begin -->", "<!-- end -->"


MODELS: dict[str, type[BaseModel]] = {**KINDS}


def page(text: str) -> str:
    """Return the text of a page with its generated part, between two comments, as the models are now."""
    made = f"{BEGIN}\n\n{grammar()}\n{END}"
    return re.sub(f"{re.escape(BEGIN)}.*?{re.escape(END)}", lambda _: made, text, flags=re.DOTALL)


def grammar() -> str:
    """Return all tables: the file, what it holds, and each kind of part with what it holds."""
    done: set[type[BaseModel]] = set()
    parts = ["### The file", *_sections(Detector, done, skip=tuple(MODELS.values()))]
    for kind, model in MODELS.items():
        parts += [f"### Kind `{kind}`", *_sections(model, done)]
    return "\n\n".join(parts) + "\n"


def _sections(model: type[BaseModel], done: set[type[BaseModel]], skip: tuple[type[BaseModel], ...] = ()) -> list[str]:
    done.add(model)
    text = inspect.getdoc(model) or ""
    made = [_plain(text.split("\n\n")[0]), _table(model)]
    for key, inner in _inner(model):
        if inner not in done and inner not in skip:
            below = _sections(inner, done, skip)
            made += [f"`{key}` of {_called(model)}:", below[1], *below[2:]]
    return made


def _plain(text: str) -> str:
    return " ".join(text.split())


def _called(model: type[BaseModel]) -> str:
    kind = next((f"the kind `{kind}`" for kind, one in MODELS.items() if one is model), None)
    return kind or ("the file" if model is Detector else f"`{model.__name__}`".lower())


def _table(model: type[BaseModel]) -> str:
    rows = ["| key | type | default | meaning |", "|---|---|---|---|"]
    for name, field in model.model_fields.items():
        key = field.alias or name
        said = field.description or meaning(model.__name__, key)
        rows.append(f"| `{key}` | {type_of(field)} | {_default(field)} | {said} |")
    return "\n".join(rows)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    if field.default is PydanticUndefined or field.default in (None, "", {}, ()):
        return ""
    return f"{field.default:g}" if isinstance(field.default, float) else str(field.default)


def type_of(field: FieldInfo) -> str:
    """Return the type of a field in words: a unit for a quantity."""
    return _words(field.annotation, field.metadata)


def _words(annotation: Any, metadata: Any = ()) -> str:
    for item in metadata:
        if isinstance(item, BeforeValidator) and isinstance(item.func, partial):
            unit = str(item.func.args[0])
            return "number" if unit == "1" else unit
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _words(arguments[0], arguments[1:])
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(_words(one) for one in arguments if one is not type(None)))
    if origin is Literal:
        return " or ".join(f"`{one}`" for one in arguments)
    if origin is dict:
        return f"names to {_words(arguments[1])}"
    if origin is tuple:
        if arguments[-1] is Ellipsis:
            return f"list of {_words(arguments[0])}"
        inner = list(dict.fromkeys(_words(one) for one in arguments))
        return f"{len(arguments)} x {inner[0]}" if len(inner) == 1 else ", ".join(inner)
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return "part" if annotation in MODELS.values() else "mapping"
    return {str: "text", int: "whole number", float: "number", bool: "true or false"}.get(annotation, "text")


def _inner(model: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    """Yield each key whose values are mappings of their own, with the model of these."""
    for name, field in model.model_fields.items():
        for one in _models(field.annotation):
            yield field.alias or name, one


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        yield annotation
    for one in get_args(annotation):
        yield from _models(one)


def undescribed() -> dict[str, list[str]]:
    """Return the keys that nothing is said of, by model."""
    found: dict[str, list[str]] = {}
    done: set[type[BaseModel]] = set()
    waiting: list[type[BaseModel]] = [Detector, *MODELS.values()]
    while waiting:
        model = waiting.pop()
        if model in done:
            continue
        done.add(model)
        waiting += [inner for _, inner in _inner(model)]
        for name, field in model.model_fields.items():
            key = field.alias or name
            if not (field.description or meaning(model.__name__, key)):
                found.setdefault(model.__name__, []).append(key)
    return found
