"""Event generators: a beam, and what a process makes of its particles."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emiss.samples.config import Sample
    from emiss.samples.generators.base import Generator
    from emiss.samples.setup import SetUp

__all__ = ["generator_of"]


def generator_of(sample: Sample, setup: SetUp) -> Generator:
    """Return the generator of a sample; what it tabulates is tabulated once."""
    process = sample.process
    if process.kind == "signal":
        from emiss.samples.generators.signal import SignalGenerator

        return SignalGenerator(sample.beam, process, setup)
    if process.kind == "dimuon":
        from emiss.samples.generators.dimuon import DimuonGenerator

        return DimuonGenerator(sample.beam, process, setup)
    if process.kind == "decay":
        from emiss.samples.generators.hadron_decay import DecayGenerator

        return DecayGenerator(sample.beam, process, setup)
    if process.kind == "beam":
        from emiss.samples.generators.beam import BeamGenerator

        return BeamGenerator(sample.beam, setup)
    if process.kind == "empty":
        from emiss.samples.generators.empty import EmptyGenerator

        return EmptyGenerator(setup)
    from emiss.samples.generators.muon import MuonGenerator

    return MuonGenerator(sample.beam, process, setup)
