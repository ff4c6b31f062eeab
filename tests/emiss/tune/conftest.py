"""Small tables made in memory, with names that a page must not believe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from emiss import selection
from emiss.events.columns import Column
from emiss.events.files.open import write
from emiss.events.ledger import Ledger
from emiss.events.lists import Lists, offsets_of
from emiss.events.table import EventTable, Metadata
from emiss.job.select import select
from emiss.tune.loading import load
from emiss.tune.saving import Saving
from emiss.tune.session import Facts, Session

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ANALYSIS = """\
# what stands above is kept
analysis: small
parameters:
  # Energy in the first part.
  least: 20 GeV   # a choice
  window:
    - 1 GeV
    - 60 GeV
  narrow: 0.5
  twice: 2 * narrow
cuts:
  # the first one
  - name: first
    require: energy > least
  # it has a comment
  # of two lines
  - {name: hits_in, require: "all(window[0] < hits.e < window[1])"}

  - name: shape   # at its side
    require: abs(form) < twice

histograms:
  - {name: energy, of: energy, bins: 10, from: 0 GeV, to: 100 GeV, after: [all, hits_in, n-1]}
  - {name: plane, of: [energy, form], bins: [4, 3], from: [0 GeV, -2], to: [100 GeV, 2]}
# the end
"""

COLUMNS = {
    "energy": Column("energy", "f8", "GeV"),
    "form": Column("form", "f8", "1"),
    "weight": Column("weight", "f8", "1"),
    "hits.e": Column("hits.e", "f8", "GeV", shape="list"),
}


def table_of(sample: str, role: str, count: int, seed: int, **changed: Any) -> EventTable:
    """Return events with energies from 0 to 100 GeV."""
    random = np.random.default_rng(seed)
    offsets = offsets_of(random.integers(0, 3, count))
    flat = {
        "energy": random.uniform(0.0, 100.0, count),
        "form": random.normal(0.0, 1.0, count),
        "weight": random.uniform(0.5, 1.5, count),
    }
    lists = {"hits": Lists(offsets, {"e": random.uniform(0.0, 70.0, int(offsets[-1]))})}
    ledger = Ledger(read=count, passed=count)
    metadata = Metadata(COLUMNS, sample, role, 1e9 if role != "data" else None, ledger=ledger, **changed)
    return EventTable(count, flat, lists, metadata)


@pytest.fixture(scope="module")
def stored(tmp_path_factory) -> Path:
    """Tables of a signal, a background and data."""
    folder = tmp_path_factory.mktemp("small")
    for seed, (name, role) in enumerate((("wanted", "signal"), ("unwanted", "background"), ("taken", "data"))):
        write(table_of(name, role, 400, seed), folder / f"{name}.parquet")
    return folder


@pytest.fixture(scope="module")
def make_session() -> Callable[..., Session]:
    """Return a function that makes a session of tables and the text or the name of an analysis."""

    def make(folder: Path, analysis: Path | str, out: Path | None = None, **changed: Any) -> Session:
        values = changed.pop("set_", {})
        unblind = changed.pop("unblind", False)
        read = selection.load(analysis, values)
        outcome = select([folder], read, overrides=values, unblind=unblind)
        loaded = load([folder], read, outcome, set_=values, unblind=unblind)
        facts = Facts((str(folder),), str(analysis), 1e11, unblind)
        saving = Saving(loaded.document, read, out, values, loaded.live.opened.columns)
        return Session(loaded, facts, saving, **changed)

    return make


@pytest.fixture
def cuts(tmp_path) -> Path:
    """The analysis as a file."""
    path = tmp_path / "cuts.yaml"
    path.write_text(ANALYSIS)
    return path
