"""The same pulses through two digitisers: ``python -m benchmarks.boards``.

An MSADC (12.5 ns, 32 samples, 12 bits, 30 ns of rise, noise 1.2 ADC) and a wave board (4 ns, 128 samples, 14 bits), with
the same 30 ns and with an unshaped pulse of 12 ns; the noise of a sample is the same share of the full scale in all. Pulses are
made from their formula, with any phase of the clock; two of them in one waveform are measured with ``pulses: 2``. Illustrative
numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emiss.reco.calorimetry import pulses_kernels
from emiss.reco.calorimetry.waveform_kernels import scratch

if TYPE_CHECKING:
    from emiss.configs.arrays import Array

SIZE = 4000
NOISE = 1.2 / 4096
"""Of one sample, in full scales."""
PEDESTAL = 0.05
"""In full scales."""
CLOSE = 5.0
"""Both pulses are found where both starts are within so many ns."""


@dataclass(frozen=True)
class Sampling:
    """One digitiser with the pulse that it sees."""

    name: str
    period: float
    samples: int
    bits: int
    rise: float
    before: int
    after: int

    def waveforms(self, height: float, share: float, apart: float, rng: np.random.Generator) -> tuple[Array, Array]:
        """Return waveforms of a pulse of some height (full scales), another one behind it, and the starts of the first."""
        start = 100.0 + rng.uniform(0.0, 12.5, SIZE)
        values = PEDESTAL + NOISE * rng.normal(size=(SIZE, self.samples))
        for size, begin in ((height, start), (height * share, start + apart)):
            u = np.maximum((np.arange(self.samples) * self.period - begin[:, None]) / self.rise, 0.0)
            values += size * u * np.exp(1.0 - u)
        top = (1 << self.bits) - 1
        return np.clip(np.rint(values * top), 0, top).astype(np.uint16), start

    def measure(self, samples: Array, pulses: int) -> tuple[Array, Array, Array]:
        """Return height (full scales), start (ns) and status, each of shape (D, 2)."""
        size, top = len(samples), (1 << self.bits) - 1
        charge, start, status = np.empty((size, 2)), np.empty((size, 2)), np.empty((size, 2), np.uint8)
        pulses_kernels.measure(
            samples,
            np.full(size, self.samples, np.uint16),
            np.zeros(size, np.int32),
            np.arange(size),
            np.full(1, PEDESTAL * top),
            np.full(1, PEDESTAL * top),
            np.full(1, NOISE * top),
            7.0,
            self.before,
            self.after,
            top,
            self.period,
            self.rise,
            pulses,
            scratch(self.samples),
            pulses_kernels.scratch(self.samples),
            charge,
            start,
            status,
            np.empty((0, 0)),
            False,
        )
        return charge * self.period / self.rise / math.e / top, start, status


SAMPLINGS = (
    Sampling("MSADC, 30 ns", 12.5, 32, 12, 30.0, 4, 8),
    Sampling("wave board, 30 ns", 4.0, 128, 14, 30.0, 12, 25),
    Sampling("wave board, 12 ns", 4.0, 128, 14, 12.0, 6, 12),
)


def single() -> None:
    """Print resolutions of single pulses."""
    print("| digitiser, rise | height, of full scale | charge: bias, rms | time: bias, rms | taken for two |")
    print("|---|---|---|---|---|")
    for sampling in SAMPLINGS:
        for height in (0.01, 0.1, 0.5):
            samples, true = sampling.waveforms(height, 0.0, 0.0, np.random.default_rng(1))
            found, start, status = sampling.measure(samples, 2)
            seen = (status[:, 0] > 0) & (status[:, 1] == 0)
            ratio, late = found[seen, 0] / height - 1.0, (start[:, 0] - true)[seen]
            charge = f"{100 * ratio.mean():+.2f} %, {100 * ratio.std():.2f} %"
            when = f"{late.mean():+.3f} ns, {late.std():.3f} ns"
            print(f"| {sampling.name} | {height:g} | {charge} | {when} | {(status[:, 1] > 0).mean():.2%} |")


def double() -> None:
    """Print how well two pulses are told from one another."""
    print("| digitiser, rise | apart | both found | charge of the second: bias, rms | its time: rms |")
    print("|---|---|---|---|---|")
    for sampling in SAMPLINGS:
        for apart in (8.0, 15.0, 25.0, 40.0, 80.0):
            samples, true = sampling.waveforms(0.2, 0.5, apart, np.random.default_rng(2))
            found, start, status = sampling.measure(samples, 2)
            early, late = start.argmin(axis=1), start.argmax(axis=1)
            rows = np.arange(SIZE)
            right = (status[:, 1] > 0) & (np.abs(start[rows, early] - true) < CLOSE)
            right &= np.abs(start[rows, late] - true - apart) < CLOSE
            if right.sum() < SIZE // 50:
                print(f"| {sampling.name} | {apart:g} ns | {right.mean():.1%} | | |")
                continue
            ratio = found[rows, late][right] / 0.1 - 1.0
            when = (start[rows, late] - true - apart)[right]
            charge = f"{100 * ratio.mean():+.1f} %, {100 * ratio.std():.1f} %"
            print(f"| {sampling.name} | {apart:g} ns | {right.mean():.1%} | {charge} | {when.std():.2f} ns |")


if __name__ == "__main__":
    single()
    print()
    double()
