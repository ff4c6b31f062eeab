"""A small run of several spills, and pieces of it as a DAQ might leave them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from emiss.configs import loader
from emiss.monitor import rules
from emiss.monitor.following import Following
from emiss.monitor.measured import Measuring
from emiss.monitor.quantities import columns
from emiss.monitor.watch import Watch
from emiss.reco.formats.date.bytes import all_bytes
from emiss.reco.formats.date.index.events import Index, build

if TYPE_CHECKING:
    from pathlib import Path

SPILLS, EVENTS = 7, 40


@dataclass(frozen=True)
class Run:
    """The bytes of a run, and where its events are."""

    data: bytes
    index: Index

    def rows(self, first: int, last: int) -> np.ndarray:
        """Entries of some spills, with the marks between them."""
        owner = np.maximum.accumulate(self.index.spill)
        return np.flatnonzero((owner >= first) & (owner <= last))

    def joined(self, entries: np.ndarray) -> bytes:
        """Return some entries one after the other."""
        offset, size = self.index.offset, self.index.size
        return b"".join(self.data[offset[i] : offset[i] + size[i]] for i in entries)

    def without(self, entries: np.ndarray) -> bytes:
        """Return all but some entries."""
        return self.joined(np.setdiff1d(np.arange(len(self.index)), entries))


@pytest.fixture(scope="session")
def run(tmp_path_factory) -> Run:
    from emiss.samples.config import load_sample
    from emiss.samples.simulate import simulate

    sample = load_sample("beam")
    sample = sample.model_copy(update={"spill": sample.spill.model_copy(update={"events": EVENTS})})
    path = simulate(sample, tmp_path_factory.mktemp("monitor") / "run.dat", events=SPILLS * EVENTS)
    return Run(path.read_bytes(), build(all_bytes(path)))


@pytest.fixture(scope="session")
def hurt(run) -> bytes:
    """Spill 4 is missing, ten events of spill 5 have no magic word, and the last half of spill 6 was not written."""
    data = bytearray(run.data)
    for entry in run.rows(5, 5)[10:20]:
        data[int(run.index.offset[entry]) + 4] = 0
    return replace(run, data=bytes(data)).without(np.concatenate([run.rows(4, 4), run.rows(6, 6)[EVENTS // 2 :]]))


@pytest.fixture(scope="session")
def measuring(detector) -> Measuring:
    return Measuring(detector.file, loader.find("calib", "demo"))


@pytest.fixture
def watching(measuring):
    """Return a monitor of a path."""

    def made(path: Path, rule_file: object = "default", behind: int = 0, with_=measuring, **given: object) -> Watch:
        known = columns(with_.channels, with_.planes, () if with_.hidden else with_.cuts)
        return Watch(Following(path, 5.0), with_, rules.load(rule_file, known), behind, **given)

    return made
