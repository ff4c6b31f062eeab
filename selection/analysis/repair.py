"""An analysis file with mistakes in its structure, made readable, so that the mistakes behind them are told in the same go.

An unknown key that is close to a known one is taken for it; what else is wrong is left out, with its name remembered so that
what uses it is not called wrong as well. Nothing is ever run from such a file.
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from emiss.configs.document import LEFT_OUT
from emiss.configs.loader import Mistake, validated
from emiss.selection.analysis.schema import AnalysisModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emiss.configs.document import Document, YamlPath
    from emiss.configs.errors import Problems

NAMED = ("parameters", "define", "objects")
"""Sections whose entries are named in expressions."""


def read_past(document: Document, problems: Problems) -> tuple[AnalysisModel, frozenset[str]]:
    """Return what can be read of a document, and the names of the parameters, definitions and objects that are left out.

    The mistakes are added to `problems`, and those behind a key that is misspelt after all others.

    Raises
    ------
    UserError
        With all mistakes, if nothing can be read behind them.
    """
    given = document
    missing: set[str] = set()
    while isinstance(found := validated(document, AnalysisModel), list):
        for one in found:
            problems.add(one.error)
        if document is given and any(len(one.path) < 2 and one.kind != "unknown_key" for one in found):
            problems.check()
        document, names = _without(document, found)
        missing |= names
    return found, frozenset(missing)


def _without(document: Document, found: Sequence[Mistake]) -> tuple[Document, set[str]]:
    """Return a document without some mistakes, and the names that are left out with them."""
    data: dict[str, Any] = deepcopy(document.data)
    renamed: dict[YamlPath, YamlPath] = {}
    missing: set[str] = set()
    for one in found:
        if one.kind == "unknown_key":
            _rename(data, one, renamed)
        else:
            missing |= _leave_out(data, one.path)
    return document.with_data(data, renamed), missing


def _at(data: Any, path: YamlPath) -> Any:
    for part in path:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def _rename(data: dict[str, Any], one: Mistake, renamed: dict[YamlPath, YamlPath]) -> None:
    holder = _at(data, one.path[:-1])
    if not isinstance(holder, dict) or one.path[-1] not in holder:
        return
    value = holder.pop(one.path[-1])
    if one.near and one.near not in holder:
        holder[one.near] = value
        renamed[(*one.path[:-1], one.near)] = one.path


def _leave_out(data: dict[str, Any], path: YamlPath) -> set[str]:
    """Take the smallest thing out that makes sense without the node at a path; return its name if expressions use it."""
    if len(path) == 1:
        data.pop(str(path[0]), None)
        return set()
    section, entry = path[0], path[1]
    holder: Any
    key: Any
    if section == "cuts" and path[2:3] == ("scan",):
        holder, key = _at(data, path[:2]), "scan"
    elif section in ("weights", "blind"):
        holder, key = data, section
    else:
        holder, key = data.get(str(section)), entry
    if isinstance(holder, list):  # the places of the others go by their numbers
        name = holder[key].get("name") if isinstance(holder[key], dict) else None
        known = section == "cuts" and isinstance(name, str)
        holder[key] = {"name": name, "require": "true"} if known else LEFT_OUT
    elif isinstance(holder, dict):
        holder.pop(key, None)
    return {str(entry)} if section in NAMED else set()
