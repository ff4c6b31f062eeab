"""What shells offer for arguments: names of what ships, files here, and what an analysis holds.

It runs at each press of a key: only names and texts of files are looked at, with nothing imported that takes time.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer  # noqa: TC002 - typer reads the annotations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

MAX_EXTENDS = 20
DEFAULT = "e_to_mu_phi"
YAML = (".yaml", ".yml")

Offered = list[tuple[str, str]]
"""What is offered, each with a word about it."""


def of_kind(kind: str, said: str, suffixes: tuple[str, ...] = YAML) -> Callable[[str], Offered]:
    """Return what offers the configs of a kind by name, files with some suffixes (none: all), and folders."""

    def offer(incomplete: str) -> Offered:
        from emiss.configs import loader

        names = [(name, said) for name in loader.shipped(kind)]
        return [*_beginning(names, incomplete), *_files(incomplete, suffixes)]

    return offer


analyses = of_kind("analyses", "analysis")
constants = of_kind("calib", "conditions")
maps = of_kind("readers", "map")
monitors = of_kind("monitors", "alarms")
runs = of_kind("runs", "run list", ())
samples = of_kind("samples", "sample")
searches = of_kind("searches", "search")
setups = of_kind("detectors", "set-up")


def schemas(incomplete: str) -> Offered:
    """Offer the kinds of files that there are schemas of."""
    import emiss

    folder = Path(emiss.__file__).parent / "new" / "schemas"
    return _beginning([(file.stem, "schema") for file in sorted(folder.glob("*.json"))], incomplete)


def parameters(ctx: typer.Context, incomplete: str) -> Offered:
    """Offer the parameters of the analysis that the command is given."""
    return _beginning([(name, value) for name, value in _parameters(ctx)], incomplete)


def settings(ctx: typer.Context, incomplete: str) -> Offered:
    """Offer NAME= for the parameters of the analysis, and behind it the value that it has."""
    name, equals, value = incomplete.partition("=")
    if equals:
        return [(f"{name}={has}", "as it is") for one, has in _parameters(ctx) if one == name and has.startswith(value)]
    return _beginning([(f"{one}=", has) for one, has in _parameters(ctx)], incomplete)


def cuts(ctx: typer.Context, incomplete: str) -> Offered:
    """Offer the cuts of the analysis that the command is given."""
    found: dict[str, str] = {}
    for data in _texts(ctx):
        groups = data.get("groups")
        lists = [data.get("cuts"), *(groups.values() if isinstance(groups, dict) else [])]
        for entry in (entry for one in lists if isinstance(one, list) for entry in one):
            if isinstance(entry, dict) and "name" in entry:
                found[str(entry["name"])] = " ".join(str(entry.get("require", "")).split())
    return _beginning([*found.items()], incomplete)


def regions(ctx: typer.Context, incomplete: str) -> Offered:
    """Offer the regions of the analysis that the command is given."""
    found = {str(name): "region" for data in _texts(ctx) for name in _mapping(data, "regions")}
    return _beginning([*found.items()], incomplete)


def _parameters(ctx: typer.Context) -> list[tuple[str, str]]:
    found: dict[str, str] = {}
    for data in _texts(ctx):
        for name, value in _mapping(data, "parameters").items():
            found[str(name)] = _one_word(value)
    return [*found.items()]


def _one_word(value: Any) -> str:
    """Return a value as one word of a shell."""
    text = f"[{','.join(map(str, value))}]" if isinstance(value, list) else str(value)
    return text.replace(" ", "")


def _mapping(data: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = data.get(key)
    return found if isinstance(found, dict) else {}


def _texts(ctx: typer.Context) -> Iterator[Mapping[str, Any]]:
    """Yield the contents of the files of an analysis, parents first; what cannot be read offers nothing."""
    from emiss.configs import loader
    from emiss.configs.errors import EmissError

    wanted: list[tuple[str, Path | None]] = [(str(ctx.params.get("analysis") or DEFAULT), None)]
    found: list[Mapping[str, Any]] = []
    while wanted and len(found) < MAX_EXTENDS:
        name, near = wanted.pop()
        try:
            document = loader.load(loader.find("analyses", name, near=near))
        except EmissError:
            continue
        if isinstance(document.data, dict):
            found.append(document.data)
            parents = document.data.get("extends", [])
            wanted += [
                (str(one), document.path.parent) for one in (parents if isinstance(parents, list) else [parents])
            ]
    yield from reversed(found)


def _beginning(names: Offered, incomplete: str) -> Offered:
    return [one for one in names if one[0].startswith(incomplete)]


def _files(incomplete: str, suffixes: tuple[str, ...]) -> Offered:
    """Return files and folders that begin so, from the folder that is written."""
    folder, _, first = incomplete.rpartition("/")
    place = Path(folder or ("/" if incomplete.startswith("/") else "."))
    try:
        entries = sorted(place.iterdir())
    except OSError:
        return []
    before = f"{folder}/" if incomplete.count("/") else ""
    return [
        (f"{before}{one.name}{'/' if one.is_dir() else ''}", "folder" if one.is_dir() else "file")
        for one in entries
        if one.name.startswith(first)
        and not (one.name.startswith(".") and not first)
        and (one.is_dir() or not suffixes or one.suffix in suffixes)
    ]
