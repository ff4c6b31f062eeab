"""Tags of constants as the provenance of results has them: which tables are different between two results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SHORT = 12
"""Digits of a hash where it is shown."""


def differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[str]:
    """Return what is different between the constants of two results, by type; nothing where one of them does not say.

    Parameters
    ----------
    a, b : mapping
        Provenances (`emiss.calib.conditions.Conditions.about` under ``constants``).
    """
    mine, theirs = list(_tags(a)), list(_tags(b))
    if not mine or not theirs or mine == theirs:
        return []
    tables = [
        {name: said for tag in tags for name, said in dict(tag.get("tables", {})).items()} for tags in (mine, theirs)
    ]
    only = [
        sorted(f"{said} ({name})" for name, said in tables[k].items() if name not in tables[1 - k]) for k in range(2)
    ]
    found = [f"constants: {_named(mine)} and {_named(theirs)}"]
    for type_ in sorted({one.split()[0] for side in only for one in side}):
        sides = [", ".join(one.partition(" ")[2] for one in side if one.split()[0] == type_) or "none" for side in only]
        found.append(f"constants {type_}: runs {sides[0]} and {sides[1]}")
    return found if len(found) > 1 or _hashes(mine) != _hashes(theirs) else []


def _tags(provenance: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    said = provenance.get("constants")
    for one in said if isinstance(said, list) else [said]:
        if isinstance(one, dict):
            yield one


def _hashes(tags: list[Mapping[str, Any]]) -> list[str]:
    return [str(one.get("sha256", "")) for one in tags]


def _named(tags: list[Mapping[str, Any]]) -> str:
    return ", ".join(f"{one.get('tag', '?')} {str(one.get('sha256', ''))[:SHORT]}" for one in tags)
