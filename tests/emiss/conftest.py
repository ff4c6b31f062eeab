"""The command line in this process, and stored event tables to work on."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path  # noqa: TC003 - annotations of fixtures

import pytest

ON_TARGET = {"signal": 1e13, "dimuon": 1e9, "run": 1e9}


@dataclass(frozen=True)
class Finished:
    """A command that has ended."""

    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def _undrawn(request) -> None:
    """Few tests here look at the figures of the HTML page."""
    if "drawn" not in request.fixturenames:
        request.getfixturevalue("undrawn")


@pytest.fixture
def drawn() -> None:
    """For tests that look at the figures of the HTML page."""


@pytest.fixture
def cli(capsys, monkeypatch):
    """Run a command as `main` would, without a new process."""
    from emiss.cli import main

    def run(*arguments: object) -> Finished:
        monkeypatch.setattr(sys, "argv", ["emiss", *map(str, arguments)])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as leaving:
            code = int(leaving.code or 0)
        said = capsys.readouterr()
        return Finished(code, said.out, said.err)

    return run


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
