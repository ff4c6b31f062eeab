"""Event generators: a beam, and what a process makes of its particles."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.samples.config import Sample
    from emiss.samples.generators.base import Generator
    from emiss.samples.setup import SetUp

__all__ = ["generator_of"]

GENERATORS: Mapping[str, str] = {
    "signal": "signal:SignalGenerator",
    "model": "model:ModelGenerator",
    "dimuon": "dimuon:DimuonGenerator",
    "decay": "hadron_decay:DecayGenerator",
    "beam": "beam:BeamGenerator",
    "empty": "empty:EmptyGenerator",
    "led": "empty:EmptyGenerator",
    "muon": "muon:MuonGenerator",
}
"""Where the generator of each kind of process is: module and class, made with beam, process and set-up."""


def generator_of(sample: Sample, setup: SetUp) -> Generator:
    """Return the generator of a sample; what it tabulates is tabulated once."""
    module, _, name = GENERATORS[sample.process.kind].partition(":")
    generator: Generator = getattr(import_module(f"emiss.samples.generators.{module}"), name)(
        sample.beam, sample.process, setup
    )
    return generator
