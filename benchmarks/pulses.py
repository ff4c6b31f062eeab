"""How fast pulses are measured, and how well two in one waveform: ``python -m benchmarks.pulses [--events 1500]``.

Speed: waveforms of all channels of simulated runs, most of them noise, by the waveform stage of their set-ups; and waveforms
that all have two pulses. Two pulses: how often both are found, and their bias, by distance and by the ratio of their heights,
at any phase of the clock; of the analytic shape, and of a smooth one that templates are fitted to. The figures are those of
docs/validation.md.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.record import Ratios, timed
from emiss import reco
from emiss.calib.templates import Template
from emiss.events.lists import Lists
from emiss.reco.calorimetry import learning
from emiss.reco.calorimetry.templates import grid
from emiss.reco.calorimetry.waveform import Settings, WaveformStage, measure_pulses
from emiss.samples.config import load_sample
from emiss.samples.simulate import simulate

if TYPE_CHECKING:
    from collections.abc import Callable

    from emiss.configs.arrays import Array, Floats

    Shape = Callable[[Floats], Floats]

LEVEL, PULSES = 200.0, 4000
CLOSE = 5.0
"""Both pulses are found where both starts are within so many ns."""

MIXES = (("beam", "na64e_lfc"), ("dimuon", "na64e_lfc"), ("muon", "na64e_lfc"), ("beam_impure_h", "na64h_2022"))
"""Samples and set-ups; the last one looks for two pulses."""

APART = (12.0, 15.0, 20.0, 25.0, 35.0, 50.0, 80.0, 150.0)
RATIOS = (1.0, 0.5, 0.2)


@dataclass(frozen=True)
class Board:
    """A digitiser with its pulses: ADC and ns."""

    name: str
    settings: Settings
    samples: int
    sigma: float

    @property
    def full(self) -> float:
        """The largest height."""
        return self.settings.full_scale - LEVEL

    def analytic(self, time: Floats) -> Floats:
        """Return the analytic pulse over its height."""
        u = np.maximum(time / self.settings.rise, 0.0)
        return np.asarray(u * np.exp(1.0 - u))

    def smooth(self) -> Shape:
        """Return another pulse, two exponentials smeared, over its height."""
        rise = self.settings.rise
        times = np.arange(-7.0, 30.0, 0.002) * rise
        late = np.maximum(times, 0.0)
        kernel = np.exp(-0.5 * (np.arange(-0.8, 0.8, 0.002) / 0.133) ** 2)
        values = np.convolve(
            np.exp(-late / (1.17 * rise)) - np.exp(-late / (0.33 * rise)), kernel / kernel.sum(), "same"
        )
        values /= values.max()
        at = int(np.argmax(values > 0.5))
        half = np.interp(0.5, values[at - 1 : at + 1], times[at - 1 : at + 1])
        return lambda t: np.interp(t + half - learning.HALF * rise, times, values)

    def waveforms(self, shape: Shape, heights: Array, ratio: float, apart: float, seed: int) -> tuple[Array, Floats]:
        """Return waveforms of pulses, another one behind each if `ratio` is not 0, and the starts of the first ones."""
        rng = np.random.default_rng(seed)
        start = 100.0 + rng.uniform(0.0, self.settings.period, len(heights))
        clock = np.arange(self.samples) * self.settings.period
        values = LEVEL + self.sigma * rng.normal(size=(len(heights), self.samples))
        for part, late in ((1.0, 0.0), (ratio, apart)):
            values += part * heights[:, None] * shape(clock - start[:, None] - late)
        return np.clip(np.rint(values), 0, self.settings.full_scale).astype(np.uint16), start

    def measure(self, samples: Array, template: Template | None, pulses: int = 2) -> tuple[Array, Array, Array, Array]:
        """Return heights, starts, status and chi2 per degree of freedom, each of shape (D, 2)."""
        size = len(samples)
        columns = {
            "channel": np.zeros(size, np.int32),
            "samples": samples,
            "n_samples": np.full(size, self.samples, np.uint16),
        }
        constants = {"even": np.full(1, LEVEL), "odd": np.full(1, LEVEL), "sigma": np.full(1, self.sigma)}
        found = np.empty((size, 2)), np.empty((size, 2)), np.zeros((size, 2), np.uint8), np.empty((size, 2))
        how, made = replace(self.settings, pulses=pulses), None
        if template is not None:
            sampling = {"period": how.period, "rise": how.rise, "samples": self.samples}
            made = grid([template], np.zeros(1, np.int64), **sampling)
        measure_pulses(Lists(np.array([0, size]), columns), np.arange(size), constants, how, made, found)
        return found[0] * how.period / (np.e * how.rise), *found[1:]


BOARDS = (
    Board("MSADC, 30 ns", Settings(12.5, 30.0, 7.0, 4, 8, 4095), 32, 1.2),
    Board("wave board, 30 ns", Settings(4.0, 30.0, 7.0, 12, 25, 16383), 128, 4.8),
    Board("wave board, 12 ns", Settings(4.0, 12.0, 7.0, 6, 12, 16383), 128, 4.8),
)


def shapes(board: Board) -> tuple[tuple[str, Shape, Template | None], ...]:
    """Return what is fitted, the shape of the pulses for it, and the template."""
    smooth, knots = board.smooth(), learning.Knots.of(board.settings.rise)
    template = Template(np.ones(1), knots.first, knots.step, smooth(knots.times())[None])
    return ("pulse", board.analytic, None), ("template", smooth, template)


def mixes(folder: Path, events: int, ratios: Ratios) -> None:
    """Print how many waveforms a second are measured, those without a pulse among them."""
    print("| sample, set-up | waveforms with a pulse | pulses | million waveforms/s |\n|---|---|---|---|")
    for name, setup in MIXES:
        sample = load_sample(name)
        how = sample.digitisation.model_copy(update={"all_channels": True})
        sample = sample.model_copy(update={"digitisation": how, "detector": setup})
        run = reco.open(simulate(sample, folder / f"{name}.dat", events=events), detector=setup)
        stage = WaveformStage(run.detector)
        (batch,) = [one for file in run.files for one in file.batches(size=2 * events)]
        stage.begin_run(run.conditions.for_run(batch.run))
        digits = batch.sadc
        assert digits is not None
        base, took = timed(digits["samples"].sum, lambda stage=stage, batch=batch: stage(batch, {}))
        count, cells = len(digits["channel"]), stage(batch, {})["cells"]
        channels = len(run.detector.channels)
        seen = len(np.unique(cells.parents * channels + cells["channel"])) / count
        most = max(board.measure.pulses for board in run.detector.boards)
        ratios.add(f"{name} in {setup}", took, base)
        print(f"| {name}, {setup} | {seen:.1%} | {most} | {count / took.best / 1e6:.1f} |")


def singles() -> None:
    """Print how single pulses are measured, and how often they are taken for two."""
    print("\n| digitiser, rise | fit | height, of full scale | height: bias, rms | start: bias, rms | chi2 | two |")
    print("|---|---|---|---|---|---|---|")
    for board in BOARDS:
        for fit, shape, template in shapes(board):
            for height in (0.01, 0.1, 0.5, 0.95, 3.0):
                samples, start = board.waveforms(shape, np.full(5 * PULSES, height * board.full), 0.0, 0.0, 1)
                found, at, status, chi2 = board.measure(samples, template)
                away, late = found[:, 0] / (height * board.full) - 1.0, at[:, 0] - start
                two = (status[:, 1] > 0).mean()
                print(
                    f"| {board.name} | {fit} | {height:g} | {away.mean():+.2%}, {away.std():.2%} | {late.mean():+.3f}, "
                    f"{late.std():.3f} ns | {np.mean(chi2[:, 0]):.2f} | {two:.2%} |"
                )


def doubles(ratios: Ratios) -> None:
    """Print how well two pulses are told from one another, and how fast."""
    print(
        "\n| digitiser, rise | fit | apart | "
        + " | ".join(f"{one:g} of the first" for one in RATIOS)
        + " | thousand/s |"
    )
    print("|---|---|---|" + "---|" * (len(RATIOS) + 1))
    for board in BOARDS:
        for fit, shape, template in shapes(board):
            for apart in APART:
                cells, speeds = [], []
                for ratio in RATIOS:
                    samples, start = board.waveforms(shape, np.full(PULSES, 0.3 * board.full), ratio, apart, 2)
                    base, took = timed(samples.sum, lambda s=samples, b=board, t=template: b.measure(s, t), repeats=2)
                    found, at, status, _ = board.measure(samples, template)
                    rows, early = np.arange(PULSES), at.argmin(axis=1)
                    right = (status[:, 1] > 0) & (np.abs(at[rows, early] - start) < CLOSE)
                    right &= np.abs(at[rows, 1 - early] - start - apart) < CLOSE
                    speeds.append(PULSES / took.best / 1e3)
                    text = f"{right.mean():.1%}"
                    if right.mean() > 0.02:
                        second = found[rows, 1 - early][right] / (0.3 * ratio * board.full) - 1.0
                        text += f"; {second.mean():+.1%}, {second.std():.1%}"
                    cells.append(text)
                    if apart == 50.0 and ratio == 1.0:
                        ratios.add(f"two, {fit}: {board.name}", took, base)
                print(f"| {board.name} | {fit} | {apart:g} ns | {' | '.join(cells)} | {np.mean(speeds):.0f} |")


def main(events: int) -> None:
    """Print all tables, and keep the ratios to one sum over the samples."""
    ratios = Ratios("pulses")
    with tempfile.TemporaryDirectory() as name:
        mixes(Path(name), events, ratios)
    singles()
    doubles(ratios)
    ratios.save()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1500)
    main(parser.parse_args().events)
