"""Reading of config files: from a path or a shipped name to a `Document`, and from there to a checked model.

Scalars are read as text with their place and typed by the schema: ``on`` is text, ``1e11`` a number, ``010`` is ten.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from emiss.configs.document import Document, YamlPath, compose
from emiss.configs.errors import Location, Problems, UserError, did_you_mean
from emiss.configs.files import check_regular

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel

    M = TypeVar("M", bound=BaseModel)

__all__ = ["SHIPPED", "Document", "Mistake", "YamlPath", "find", "load", "loads", "shipped", "validate", "validated"]

MAX_BYTES = 8_000_000
SHIPPED = Path(__file__).resolve().parent
_CALLED = {"analyses": "analysis", "runs": "run list", "calib": "conditions", "readers": "map"}
"""What messages call a config of a kind, where that is not the kind without its last letter."""


def load(path: str | Path) -> Document:
    """Read a YAML file.

    Raises
    ------
    UserError
        If the file cannot be read or is not plain YAML; the error says where and what to do.
    """
    path = Path(path)
    check_regular(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UserError(f"a config of more than {MAX_BYTES // 1_000_000} MB is refused", at=Location(str(path)))
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UserError("no such file", at=Location(str(path))) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot be read as text: {error}", at=Location(str(path))) from None
    return loads(text, str(path))


def loads(text: str, name: str = "<text>") -> Document:
    """Read YAML from a text; `name` stands for the file in messages."""
    return compose(text, name)


@dataclass(frozen=True)
class Mistake:
    """What a model does not take: where it is, of what kind, and for an unknown key the known one that it may be."""

    path: YamlPath
    kind: str
    error: UserError
    near: str = ""


def validate(document: Document, model: type[M]) -> M:
    """Turn a document into a model.

    Raises
    ------
    UserError
        `UserErrors` with all mistakes in the order of the file, each with file, line, column and YAML path.
    """
    found = validated(document, model)
    if not isinstance(found, list):
        return found
    problems = Problems([one.error for one in found])
    problems.check()
    msg = "a validation error without an entry"
    raise AssertionError(msg)


def validated(document: Document, model: type[M]) -> M | list[Mistake]:
    """Return the model of a document, or what it does not take of it, in the order of the file.

    Raises
    ------
    UserError
        If the document is no mapping.
    """
    from pydantic import ValidationError

    from emiss.configs.place import Placed, placed

    if not isinstance(document.data, dict):
        raise document.error("a mapping of keys and values is needed here")
    data = placed(document) if issubclass(model, Placed) else document.data
    try:
        return model.model_validate(data)
    except ValidationError as error:
        items = error.errors(include_url=False)
    places = [_yaml_path(data, item["loc"]) for item in items]
    found: list[Mistake] = []
    for number, (item, place) in enumerate(zip(items, places, strict=True)):
        if item["type"] in _NEEDED and place in places[:number]:
            continue  # one kind of value that it might be is enough
        # of a mapping that may also be a text, what is wrong inside says all
        inside = any(len(other) > len(place) and other[: len(place)] == place for other in places)
        if inside and isinstance(item.get("input"), dict | list) and item["type"].endswith("_type"):
            continue
        context = item.get("ctx") or {}
        path = (*place, str(context["key"])) if item["type"] == "unknown_key" else place
        found.append(Mistake(path, item["type"], _explain(document, item, place), str(context.get("near", ""))))
    return sorted(found, key=_order)


def _order(mistake: Mistake) -> tuple[int, int]:
    at = mistake.error.at
    return (at.line, at.column) if at is not None else (0, 0)


def _explain(document: Document, item: Mapping[str, Any], path: YamlPath) -> UserError:
    """Turn one entry of pydantic's list into a message at its place."""
    context = item.get("ctx") or {}
    path = (*path, *context.get("at", ()))  # where in the node, as the model itself says
    if item["type"] == "unknown_key":
        key = str(context["key"])
        return document.error(f"unknown key '{key}'", (*path, key), key=True, hint=str(context["hint"]))
    if item["type"] == "kind":
        return _unknown_kind(document, item, path)
    if item["type"] == "missing":
        return document.error(f"the key '{item['loc'][-1]}' is missing", path, key=bool(path))
    needed = _NEEDED.get(item["type"])
    if document.layered and item.get("input") is None and item["type"] in ("dict_type", "model_type"):
        return _nothing_to_take_out(document, path)
    if needed is not None:
        return document.error(f"{_shown(item.get('input'))} is no {needed}", path)
    if item["loc"][-1:] == ("[key]",):
        return document.error(str(item["msg"]), path, key=True)
    message = str(item["msg"]).removeprefix("Value error, ")
    if message.startswith("Input should be "):
        message = f"{_shown(item.get('input'))} should be {message.removeprefix('Input should be ')}"
    return document.error(message, path)


def _nothing_to_take_out(document: Document, path: YamlPath) -> UserError:
    """Return the error of a null where no file below has anything."""
    beside = [name for name in _at(document.data, path[:-1]) if name != path[-1]]
    hint = did_you_mean(str(path[-1]), beside)
    return document.error(f"there is no '{path[-1]}' that null could take out", path, hint=hint)


def _at(data: Any, path: YamlPath) -> Any:
    for part in path:
        data = data[part]
    return data


def _unknown_kind(document: Document, item: Mapping[str, Any], path: YamlPath) -> UserError:
    """Return the error of a mapping that says no kind, or one that there is none of (`schema.by_kind`)."""
    what, known, value = item["ctx"]["what"], item["ctx"]["known"], item.get("input")
    if value is None and document.layered:
        return _nothing_to_take_out(document, path)
    if not isinstance(value, dict):
        return document.error(f"{_shown(value)} is no {_NEEDED['dict_type']}", path)
    kind = value.get("kind")
    if kind is None:
        return document.error(f"a {what} needs a 'kind': one of {known}", path)
    return document.error(f"no kind of {what} '{kind}'; {did_you_mean(str(kind), known.split(', '))}", (*path, "kind"))


_NEEDED = {
    "int_parsing": "whole number",
    "int_type": "whole number",
    "float_parsing": "number",
    "float_type": "number",
    "bool_parsing": "yes or no (write true or false)",
    "bool_type": "yes or no (write true or false)",
    "string_type": "text",
    "list_type": "list",
    "tuple_type": "list",
    "dict_type": "mapping of keys and values",
    "model_type": "mapping of keys and values",
}
"""What is needed in the place of a value that pydantic does not take, in words of YAML."""


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return f"'{value}'"
    return "a list" if isinstance(value, list | tuple) else "a mapping" if isinstance(value, dict) else "this value"


def _yaml_path(value: Any, loc: tuple[Any, ...]) -> YamlPath:
    """Keep the parts of pydantic's location that are nodes of the data (it adds names of union members)."""
    path: YamlPath = ()
    for part in loc:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            continue
        path = value.place.path if hasattr(value, "place") else (*path, part)
    return path


def find(kind: str, name: str | Path, *, near: Path | None = None) -> Path:
    """Return the file of a config given by path or by the name of one that ships.

    Parameters
    ----------
    kind : str
        A folder of shipped configs: detectors, analyses, runs, samples, readers, calib.
    name : str or Path
        A path (tried from `near` and from the working directory), or a shipped name with or without ``.yaml``. A
        detector or calib may be a folder. A bare name that ships is what ships, whatever folder of that name is about:
        ``./demo`` is the folder.
    near : Path, optional
        The folder of the file that names it.

    Raises
    ------
    UserError
        If there is no such file; the message lists what ships.
    """
    single = kind.removesuffix("s")
    places = [Path(name)] if near is None else [near / name, Path(name)]
    called = _CALLED.get(kind, single)
    base = SHIPPED / kind
    if isinstance(name, str) and not {"/", "\\", "."} & set(name) and name in shipped(kind):
        places = []
    try:
        for candidate in [*places, base / name, base / f"{name}.yaml"]:
            if candidate.is_file() or (kind == "calib" and candidate.is_dir()):
                return candidate
            if (candidate / f"{single}.yaml").is_file():
                return candidate / f"{single}.yaml"
    except (OSError, ValueError):  # a name that no file can have: too long, or with a null character
        shown = str(name)[:60].replace("\0", "?")
        raise UserError(f"no {called} '{shown}...'") from None
    raise UserError(f"no {called} '{name}'", hint=did_you_mean(str(name), shipped(kind)))


def shipped(kind: str) -> list[str]:
    """Return the names of the configs of a kind that ship with emiss."""
    base = SHIPPED / kind
    if kind in ("detectors", "calib"):
        return sorted(p.name for p in base.iterdir() if p.is_dir() and not p.name.startswith("_"))
    return sorted(str(p.relative_to(base).with_suffix("")) for p in base.rglob("*.yaml"))
