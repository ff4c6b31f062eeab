"""The hits tier: what an event of each sample costs: ``python -m benchmarks.simulation [--events N] [SAMPLE ...]``.

Process time of one thread. Ratios are to the time in which NumPy draws a thousand normal numbers, measured in turns with the
events, so that those of two days and machines can be compared.
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.record import Ratios, timed
from emiss.samples.config import load_sample
from emiss.samples.simulate import Simulation, blocks_of
from emiss.samples.walk import walking

if TYPE_CHECKING:
    from collections.abc import Callable

    from emiss.configs.arrays import Floats

SAMPLES = ("calib_muon", "pion_decay", "kaon_decay", "dimuon", "signal", "calib_electron", "calib_hadron")
NUMBERS = 1000


class Clock:
    """Times what it calls."""

    def __init__(self, kernel: Callable[..., Floats]) -> None:
        self.kernel, self.seconds = kernel, 0.0

    def __call__(self, *arguments: object) -> Floats:
        """Call the kernel."""
        begun = time.process_time()
        found = self.kernel(*arguments)
        self.seconds += time.process_time() - begun
        return found


def cost(name: str, events: int, ratios: Ratios) -> None:
    """Print what an event of a sample costs."""
    simulation, rng = Simulation(load_sample(name)), np.random.default_rng(1)
    made, drawn = timed(
        lambda: [simulation.block(block) for block in blocks_of(events)],
        lambda: [rng.standard_normal(NUMBERS) for _ in range(events)],
        repeats=3,
    )
    ratio = ratios.add(f"{name}: an event, over {NUMBERS} normal numbers", made, drawn)
    clock = Clock(walking.walk)
    walking.walk = clock
    begun = time.process_time()
    for block in blocks_of(events):
        simulation.block(block)
    share = clock.seconds / (time.process_time() - begun)
    walking.walk = clock.kernel
    print(
        f"{name:16} {1e6 * made.best / events:7.1f} us per event, {ratio:5.2f} times {NUMBERS} normal numbers; "
        f"{share:.0%} in the walk's kernels"
    )


def main() -> None:
    """Time all samples that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("samples", nargs="*", default=SAMPLES)
    parser.add_argument("--events", type=int, default=5_000)
    asked = parser.parse_args()
    ratios = Ratios("simulation")
    for name in asked.samples:
        cost(name, asked.events, ratios)
    ratios.save()


if __name__ == "__main__":
    main()
