"""Stored event tables to work on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path  # noqa: TC003 - annotations of fixtures

import pytest

ON_TARGET = {"signal": 1e13, "dimuon": 1e9, "run": 1e9}


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
