"""Events to look at: the raw signal that ships, the same as a job's table, and some simulated muons with truth."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from emiss import reco
from emiss.events.files.open import write
from emiss.job.absent import MADE_WITH
from emiss.samples.config import load_sample
from emiss.samples.simulate import simulate

ROOT = Path(__file__).parents[3]


def table_of(path: Path, sample: str, role: str):
    """Return the event table of a run file, as a job would store it."""
    made = reco.process(reco.open(path))
    provenance = {"inputs": made.metadata.provenance["inputs"], MADE_WITH: "na64e_lfc"}
    return replace(made, metadata=replace(made.metadata, sample=sample, role=role, provenance=provenance))


@pytest.fixture(scope="session")
def raw() -> Path:
    return ROOT / "samples" / "data" / "signal.dat"


@pytest.fixture(scope="session")
def stored(raw, tmp_path_factory) -> Path:
    return write(table_of(raw, "taken", "data"), tmp_path_factory.mktemp("looked") / "taken.parquet")


@pytest.fixture(scope="session")
def hits(tmp_path_factory) -> Path:
    return simulate(load_sample("muon"), tmp_path_factory.mktemp("looked") / "muon.root", events=40)
