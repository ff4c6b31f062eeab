"""Both tiers of the same events: the cutflow of an analysis, and the share of events with pile-up beside Poisson's number.

python -m benchmarks.tiers --events 100000 dimuon pion_decay
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from emiss import selection
from emiss.events.columns import QUALITY_BITS
from emiss.reco.calorimetry.sums import CalorimeterStage
from emiss.reco.calorimetry.waveform import HitStage, WaveformStage
from emiss.reco.pipeline import Pipeline, columns_of
from emiss.samples.beam import any_beside
from emiss.samples.beam_schema import PileUp
from emiss.samples.config import load_sample
from emiss.samples.raw_events import digitised
from emiss.samples.simulate import Simulation, blocks_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emiss.events.batch import Batch

WINDOWS = ((40.0, 150.0), (-250.0, -40.0))
"""ns, where two pulses of a waveform are told apart."""


def both(simulation: Simulation, events: int) -> Iterator[tuple[Batch, Batch]]:
    """Yield the same events as batches of the raw and of the hits tier, without truth."""
    for block in blocks_of(events):
        hits, rng = simulation.block(block)
        hits = replace(hits, truth={})
        made = digitised(hits, simulation.detector, simulation.conditions, simulation.sample.digitisation, rng)
        yield replace(hits, sadc=made.sadc, apv=made.apv, tdc=made.tdc, cells=None, points=None), hits


def cutflow(name: str, events: int) -> None:
    """Print how many events pass each cut alone, and it and all before it, in both tiers."""
    simulation = Simulation(load_sample(name))
    bound = selection.bind(selection.load("e_to_mu_phi"), columns_of(simulation.detector))
    pipeline = Pipeline(simulation.detector, simulation.constants)
    counters = [bound.counter(sample=name, role="control", unblind=True) for _ in range(2)]
    for batches in both(simulation, events):
        for counter, batch in zip(counters, batches, strict=True):
            counter.add(pipeline.run(batch, {}))
    raw, hits = (counter.yields().regions["nominal"]["nominal"] for counter in counters)
    for one, other in zip(raw[1:], hits[1:], strict=True):
        print(
            f"{name:12} {one.name:16} alone {one.individual.n:7} {other.individual.n:7}"
            f"   in order {one.sequential.n:7} {other.sequential.n:7}"
        )


def pile_up(window: tuple[float, float], events: int) -> None:
    """Print how many events of a beam have a pulse out of time in each tier, and how many Poisson expects."""
    sample, rate = load_sample("beam"), PileUp(particles=5e6, per=4.8e9, window=window)
    sample = sample.model_copy(update={"beam": sample.beam.model_copy(update={"pile_up": rate})})
    simulation = Simulation(sample, seed=11)
    waves, hits, sums = (stage(simulation.detector) for stage in (WaveformStage, HitStage, CalorimeterStage))
    for stage in (waves, hits, sums):
        stage.begin_run(simulation.conditions)
    found = np.zeros(2, np.int64)
    for batches in both(simulation, events):
        for tier, (stage, batch) in enumerate(zip((waves, hits), batches, strict=True)):
            quality = sums(batch, stage(batch, {}))["event.quality"]
            found[tier] += np.count_nonzero(quality & (1 << QUALITY_BITS["pile_up"]))
    share = any_beside(rate, *window)
    print(
        f"pile-up {window[0]:g} to {window[1]:g} ns: raw {found[0]}, hits {found[1]}, "
        f"Poisson {events * share:.0f} +- {np.sqrt(events * share * (1 - share)):.0f}"
    )


def main() -> None:
    """Compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("samples", nargs="*", help="samples whose cutflows are compared")
    parser.add_argument("--events", type=int, default=10_000)
    asked = parser.parse_args()
    for name in asked.samples:
        cutflow(name, asked.events)
    for window in WINDOWS:
        pile_up(window, asked.events)


if __name__ == "__main__":
    main()
