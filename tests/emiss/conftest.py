"""Stored event tables to work on."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from html import escape
from pathlib import Path  # noqa: TC003 - annotations of fixtures
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ON_TARGET = {"signal": 1e13, "dimuon": 1e9, "run": 1e9}


@pytest.fixture(scope="session", autouse=True)
def _parsed_once() -> Iterator[None]:
    """Every command reads all constants; files are read each time, but a text that has been parsed is not parsed again."""
    from emiss.calib import tables

    parsed = cache(tables.parse_tables)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "parse_tables", lambda *text: [*parsed(*text)])
        yield


@pytest.fixture(autouse=True)
def _undrawn(undrawn) -> None:
    """No test here looks at the curves of the HTML page."""


@pytest.fixture
def described(_undrawn, monkeypatch) -> None:
    """The figures of the HTML page as text: all points, areas, colours' values and words in them, without being drawn."""
    from matplotlib.collections import Collection
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch
    from matplotlib.text import Text

    from emiss.selection.report import figures

    def shown(artist) -> object:
        if isinstance(artist, Text):
            return artist.get_text()
        if isinstance(artist, Line2D):
            return artist.get_xydata().tolist()
        if isinstance(artist, Patch):
            return artist.get_path().vertices.tolist()
        if isinstance(artist, Collection):
            values = artist.get_array()
            paths = [path.vertices.tolist() for path in artist.get_paths()]
            return paths, None if values is None else values.tolist()
        return None

    def text(made) -> str:
        said = (f"{type(artist).__name__}: {shown(artist)}" for artist in made.findobj() if shown(artist))
        return f"<svg><desc>{escape(chr(10).join(said))}</desc></svg>"

    monkeypatch.setattr(figures, "svg", text)


@pytest.fixture(scope="session")
def tables(tmp_path_factory) -> Path:
    """A folder with the event tables of a signal, a background and a data sample, 300 events each."""
    from emiss import reco
    from emiss.events.files.open import write
    from emiss.samples.config import load_sample
    from emiss.samples.simulate import simulate

    folder = tmp_path_factory.mktemp("stored")
    for name, kind, role in (
        ("signal", "signal", "signal"),
        ("dimuon", "dimuon", "background"),
        ("run", "signal", "data"),
    ):
        file = simulate(load_sample(kind), folder / "hits" / f"{name}.root", events=300)
        table = reco.process(reco.open(file))
        metadata = replace(table.metadata, sample=name, role=role, on_target=ON_TARGET[name])
        write(replace(table, metadata=metadata), folder / "tables" / f"{name}.root")
    return folder / "tables"
