"""Tails of the momentum: ``python -m benchmarks.tails [--muons N] [--plot FIGURE.png] [--noise SHARE]``.

N muons at each of 20, 50, 100 and 160 GeV enter the spectrometer of `na64e_lfc` on the axis; planes scatter with single
collisions, muons decay, and in each view a share of the read-out channels fires on its own. Strips, tracks and fits are those
of the reconstruction. Printed: the core, what is beyond, tracks wrong by more than a factor of two (or of wrong charge) per
million and where they come from, and what cuts leave of them.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.finding import RUN, merged, noise
from benchmarks.spectrometer import Spectrometer
from emiss.calib.conditions import Conditions
from emiss.configs import loader
from emiss.events.batch import Batch
from emiss.reco.detector.model import load_detector
from emiss.reco.tracking.stage import TrackStage
from emiss.reco.tracking.strips import StripStage
from emiss.samples.config import Digitisation, Response
from emiss.samples.digitise_trackers import strips
from emiss.samples.walk.tracks import ENERGY, TY

if TYPE_CHECKING:
    from emiss.calib.conditions import RunConditions
    from emiss.configs.arrays import Floats
    from emiss.events.lists import Array, Lists
    from emiss.reco.detector.model import Detector

MOMENTA = (20.0, 50.0, 100.0, 160.0)
CHUNK = 25_000
START = 5000.0
"""mm; just before the first station."""

RESPONSE = Response(plane_scattering="moliere")
HARD = 8.0
"""A muon is scattered hard when one plane turned it by more than this many core widths."""

EDGES = np.concatenate(([-np.inf], np.linspace(-2.0, 4.0, 241), [np.inf]))
"""Of p/p_true - 1 (charge times charge included)."""

CUTS = ("all", "chi2", "four planes", "match")
CAUSES = ("decay", "noise", "scattering", "other")


@dataclass
class Tally:
    """Counts at one momentum: muons, events with one track, what each cut leaves, wrong ones by cause, residuals."""

    muons: int
    passed: Array
    wrong: Array
    cause: Array
    beyond: Array
    histogram: Array
    core: list[Array]

    @classmethod
    def empty(cls) -> Tally:
        """Return no muon."""
        size = len(CUTS)
        return cls(
            0, np.zeros(size, int), np.zeros(size, int), np.zeros(len(CAUSES), int), np.zeros(2, int),
            np.zeros((size, len(EDGES) - 1), int), [],
        )  # fmt: skip


class Chain:
    """Simulation and reconstruction of the spectrometer with the constants of one run."""

    def __init__(self, noisy: float) -> None:
        self.detector: Detector = load_detector("na64e_lfc")
        self.constants: RunConditions = Conditions.load(loader.find("calib", "demo")).for_run(RUN)
        self.noisy = noisy
        self.spectrometer = Spectrometer(self.detector, RESPONSE)
        self.strips, self.tracks = StripStage(self.detector), TrackStage(self.detector)
        self.strips.begin_run(self.constants)
        self.tracks.begin_run(self.constants)

    def simulate(self, p: float, count: int, rng: np.random.Generator) -> tuple[Lists, Array, Floats]:
        """Return the digits of muons without noise, their charges, and their tracks at the end."""
        charge = rng.choice([-1.0, 1.0], count)
        muons: dict[str, Array | float] = {
            "charge": charge,
            "energy": np.full(count, p),
            "x": rng.normal(0, 5, count),
            "y": rng.normal(0, 5, count),
            "z": START,
            "tx": rng.normal(0, 1e-3, count),
            "ty": rng.normal(0, 1e-3, count),
        }
        points, _, last = self.spectrometer.points(muons, count, rng)
        return strips(points, self.detector, self.constants, Digitisation(), rng), charge, last

    def reconstruct(self, digits: Lists) -> Lists:
        """Return the tracks."""
        size = len(digits)
        batch = Batch(RUN, (0, size), {"entry": np.arange(size)}, apv=digits)
        made: Lists = self.tracks(batch, self.strips(batch, {}))["tracks"]
        return made

    def add(self, tally: Tally, p: float, count: int, rng: np.random.Generator) -> None:
        """Simulate and reconstruct muons and count them."""
        clean, charge, last = self.simulate(p, count, rng)
        fired = noise(count, self.detector, self.constants, rng, self.noisy)
        tracks = self.reconstruct(merged(clean, fired))
        one = tracks.counts == 1
        row = tracks.offsets[:-1][one]
        event = np.flatnonzero(one)
        residual = tracks["p"][row] / p * tracks["charge"][row] * charge[event] - 1.0
        tally.muons += count
        pull = (tracks["q_over_p"][row] - charge[event] / p) / tracks["sigma_q_over_p"][row]
        tally.beyond += [np.count_nonzero(np.abs(pull) > 5), np.count_nonzero(np.abs(pull) > 10)]
        tally.core.append(residual[np.abs(pull) < 3])
        wrong = ~((residual > -0.5) & (residual < 1.0))
        chosen = np.ones(len(row), bool)
        ndf = np.maximum(tracks["ndf"][row], 1)
        far = np.hypot(tracks["match_x"][row], tracks["match_y"][row])
        steps = (
            chosen,
            tracks["chi2"][row] < 5.0 * ndf,
            tracks["planes"][row] == 4,
            far < 30.0,
        )
        for number, step in enumerate(steps):
            chosen = chosen & step
            tally.passed[number] += np.count_nonzero(chosen)
            tally.wrong[number] += np.count_nonzero(chosen & wrong)
            tally.histogram[number] += np.histogram(residual[chosen], EDGES)[0]
        if wrong.any():
            tally.cause += self._causes(event[wrong], clean, charge, last, p)

    def _causes(self, events: Array, clean: Lists, charge: Array, last: Floats, p: float) -> Array:
        """Return the counts by cause: a decay, noise (without it right, or no track), a hard collision, or what is left."""
        again = self.reconstruct(clean.take(events))
        found = np.zeros(len(CAUSES), int)
        for i, event in enumerate(events.tolist()):
            rows = slice(*again.offsets[i : i + 2])
            ratio = again["p"][rows] / p * again["charge"][rows] * charge[event]
            if last[event, ENERGY] < 0.99 * p:
                found[0] += 1
            elif not (len(ratio) == 1 and not 0.5 < ratio[0] < 2.0):
                found[1] += 1  # right without the noise, or no track at all
            elif abs(last[event, TY]) > HARD * np.sqrt(1e-3**2 + 4 * (0.1 / 1e3 / p) ** 2):
                found[2] += 1
            else:
                found[3] += 1
        return found


def main(count: int, noisy: float, plot: Path | None) -> None:
    """Print the tails, and draw them."""
    chain = Chain(noisy)
    tallies: dict[float, Tally] = {}
    begun = time.perf_counter()
    for number, p in enumerate(MOMENTA):
        tally = tallies[p] = Tally.empty()
        for seed in range(-(-count // CHUNK)):
            chain.add(tally, p, min(CHUNK, count - seed * CHUNK), np.random.default_rng([number, seed]))
        sigma = np.concatenate(tally.core).std()
        print(f"\n{p:.0f} GeV, {tally.muons} muons, one track in {tally.passed[0] / tally.muons:.4%}; core {sigma:.4%}")
        share = tally.beyond / tally.passed[0] * 1e6
        print(f"  beyond 5 and 10 sigma, per million: {share[0]:.0f}, {share[1]:.0f}")
        causes = ", ".join(f"{name} {n}" for name, n in zip(CAUSES, tally.cause, strict=True))
        print(f"  wrong by a factor of two, by cause: {causes}")
        for cut, passed, wrong in zip(CUTS, tally.passed, tally.wrong, strict=True):
            kept = passed / tally.muons
            print(
                f"  {cut:12} {kept:9.4%} of the muons, wrong {wrong:6}: {wrong / max(passed, 1) * 1e6:9.2f} per million"
            )
    print(f"\n{time.perf_counter() - begun:.0f} s")
    if plot is not None:
        draw(tallies, plot)


def draw(tallies: dict[float, Tally], plot: Path) -> None:
    """Draw the residuals before and after all cuts."""
    from emiss.drawing import COLOURS, figure, save

    made = figure(height=5.0)
    axes = made.subplots()
    inner = EDGES[1:-1]
    for colour, (p, tally) in zip(COLOURS, tallies.items(), strict=False):
        for number, style in ((0, ":"), (len(CUTS) - 1, "-")):
            values = tally.histogram[number][1:-1] / max(tally.passed[number], 1)
            label = f"{p:.0f} GeV" if number else None
            axes.stairs(values, inner, color=colour, ls=style, label=label)
    axes.set_yscale("log")
    axes.set_xlabel("q p / (q p)$_{true}$ - 1")
    axes.set_ylabel("share of the tracks per bin (dotted: all, solid: after the cuts)")
    axes.legend(frameon=False)
    save(made, plot)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--muons", type=int, default=2_500_000)
    parser.add_argument("--noise", type=float, default=0.02)
    parser.add_argument("--plot", type=Path)
    arguments = parser.parse_args()
    main(arguments.muons, arguments.noise, arguments.plot)
