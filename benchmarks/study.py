"""A study in memory: where its time goes, and what it spares. ``python -m benchmarks.study [--events N] [SAMPLE ...]``.

Process time of one thread; everything takes turns, so that the ratios are of one run.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from benchmarks.record import Ratios, timed
from emiss import runlist, selection
from emiss.job.plan import plan as plan_job
from emiss.job.run import run_job
from emiss.reco.pipeline import Pipeline
from emiss.samples.config import load_sample
from emiss.samples.simulate import Simulation, blocks_of, simulate
from emiss.study.plan import Asked, plan
from emiss.study.work import Studying

ANALYSIS = "e_to_mu_phi"


def steps(name: str, events: int, ratios: Ratios) -> None:
    """Time generation with response, reconstruction and selection of a sample, each alone, and all of them together."""
    analysis = selection.load(ANALYSIS)
    study = plan(analysis, [Asked(load_sample(name), events)])
    sample = study.samples[0]
    simulation = Simulation(sample.sample)
    asked = Pipeline(simulation.detector, simulation.constants, study.bounds[0].columns)
    whole = Pipeline(simulation.detector, simulation.constants)
    blocks = blocks_of(events)
    batches = [simulation.block(block)[0] for block in blocks]
    tables = [asked.run(batch) for batch in batches]
    bound = selection.bind(analysis, tables[0].metadata.columns)
    do = Studying(analysis, study.samples).start()

    def select() -> None:
        counter = bound.counter(sample=sample.name, role=sample.role)
        for table in tables:
            counter.add(table)
        counter.yields()

    made, reconstructed, everything, selected, studied = timed(
        lambda: [simulation.block(block) for block in blocks],
        lambda: [asked.run(batch) for batch in batches],
        lambda: [whole.run(batch) for batch in batches],
        select,
        lambda: [do(piece) for piece in study.pieces],
    )
    shares = {
        "generation and response": made,
        "reconstruction": reconstructed,
        "selection": selected,
    }
    print(f"{name}: {1e6 * studied.best / events:.1f} us per event, {events / studied.best:,.0f} events per second")
    for what, times in shares.items():
        share = ratios.add(f"{name}: {what}, of the study", times, studied)
        print(f"  {what:24s} {1e6 * times.best / events:6.2f} us {share:7.1%}")
    spared = ratios.add(f"{name}: all columns, over those that are asked for", everything, reconstructed)
    print(f"  reconstruction of all columns over that of the {len(bound.columns)} that are asked for: {spared:.2f}")


def files(name: str, events: int, ratios: Ratios) -> None:
    """Time a study against a simulated file and a job on it."""
    study = plan(selection.load(ANALYSIS), [Asked(load_sample(name), events)])
    do = Studying(study.analysis, study.samples).start()
    with tempfile.TemporaryDirectory() as folder:
        path, number = Path(folder) / "s.root", iter(range(1000))

        def process() -> None:
            runs = runlist.from_files(
                [str(simulate(name, path, events=events))], detector="na64e_lfc", calib="demo", analysis=ANALYSIS
            )
            out = Path(folder) / f"{next(number)}"
            run_job(plan_job(runs, out), out)

        studied, written = timed(lambda: [do(piece) for piece in study.pieces], process, repeats=3)
        size = path.stat().st_size / events
    ratio = ratios.add(f"{name}: file and job, over the study", written, studied)
    print(
        f"{name}: to a file of {size:.0f} B per event and through a job {ratio:.1f} times the processor time of the study"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("samples", nargs="*", default=["dimuon", "pion_decay"])
    parser.add_argument("--events", type=int, default=20_000)
    options = parser.parse_args()
    ratios = Ratios("study")
    for name in options.samples:
        steps(name, options.events, ratios)
    files(options.samples[0], options.events, ratios)
    ratios.save()


if __name__ == "__main__":
    main()
