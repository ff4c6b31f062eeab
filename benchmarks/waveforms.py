"""Pedestals and pulses of a foreign file of waveforms: ``python -m benchmarks.waveforms FILE [--plot FIGURE.svg]``.

The file is read through the map `fadc125`; the figures and the plot are those of docs/validation.md. The template of the
channel with most pulses is learned from every second one of them, and fitted to the others.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from emiss.calib.templates import Template
from emiss.reco.calorimetry import learning
from emiss.reco.calorimetry.templates import Shape, grid
from emiss.reco.calorimetry.waveform import Settings, measure_pulses
from emiss.reco.readers.foreign.reader import ForeignFile, load_reader_map

if TYPE_CHECKING:
    from emiss.configs.arrays import Array, Floats
    from emiss.events.lists import Lists

BEFORE, AFTER = 6, 24
"""Samples of the fits, before and after the maximum: the plateau of the pulses and their end."""

ROUNDS = 6

QUIET = 0.3
"""Rms of the pedestal in ADC above which a channel has pulses, or feels its neighbour's."""


@dataclass(frozen=True)
class Fits:
    """Fits of a channel's pulses, those that nothing was learned from.

    Attributes
    ----------
    samples : array of shape (D, S)
        Less the pedestal, ADC.
    height, start, chi2 : mappings of ``pulse`` and ``template`` to arrays of shape (D,)
        ADC, ns, per degree of freedom.
    template : Template
    settings : Settings
    """

    samples: Floats
    height: dict[str, Floats]
    start: dict[str, Floats]
    chi2: dict[str, Floats]
    template: Template
    settings: Settings

    def model(self, kind: str, row: int) -> Floats:
        """Return what a fit expects of the samples of a pulse, ADC."""
        time = np.arange(self.samples.shape[1]) * self.settings.period - self.start[kind][row]
        u = np.maximum(time / self.settings.rise, 0.0)
        shape = u * np.exp(1.0 - u) if kind == "pulse" else Shape(self.template, self.settings.rise)(time)[0]
        return np.asarray(self.height[kind][row] * shape)

    def rest(self, kind: str) -> float:
        """Return the rms of what the fits leave in their windows, over the height of the pulse."""
        parts = []
        for row, values in enumerate(self.samples):
            top = int(values.argmax())
            window = slice(max(0, top - BEFORE), top + AFTER + 1)
            parts.append((values - self.model(kind, row))[window] / values.max())
        return float(np.sqrt(np.mean(np.concatenate(parts) ** 2)))


def fits(digits: Lists, level: float, sigma: float, settings: Settings) -> Fits:
    """Learn the template of one channel from every second pulse, and fit the others with it and with the analytic pulse."""
    settings = replace(settings, before=BEFORE, after=AFTER)
    constants = {name: np.full(1, value) for name, value in (("even", level), ("odd", level), ("sigma", sigma))}
    one, rows = np.zeros(1, np.int64), np.arange(len(digits["channel"]))
    knots, told = learning.Knots.of(settings.rise), None
    for _ in range(ROUNDS):
        sums = learning.empty(1, 1)
        learning.add(digits, rows[::2], constants, settings, told, np.zeros(0), sums, index=one)
        values = learning.learn(sums, settings.rise, settings.period).values[0]
        told = [Template(np.ones(1), knots.first, knots.step, values)]
    assert told is not None
    print(f"a template from {sums['moments'][0, 0, 2]:.0f} pulses, fitted to {len(rows[1::2])} others:")
    height, start, chi2 = {}, {}, {}
    sampling = {"period": settings.period, "rise": settings.rise, "samples": digits["samples"].shape[1]}
    for kind, made in (("pulse", None), ("template", grid(told, one, **sampling))):
        found = tuple(np.full((len(rows), 1), np.nan, type_) for type_ in ("f8", "f8"))
        status, quality = np.zeros((len(rows), 1), np.uint8), np.full((len(rows), 1), np.nan)
        measure_pulses(digits, rows[1::2], constants, settings, made, (*found, status, quality))
        height[kind] = found[0][1::2, 0] * settings.period / (np.e * settings.rise)
        start[kind], chi2[kind] = found[1][1::2, 0], quality[1::2, 0]
    samples: Array = digits["samples"][1::2] - level
    return Fits(samples, height, start, chi2, told[0], settings)


def main(path: Path, plot: Path | None) -> None:
    """Print how stable pedestals and pulses are, channel by channel, and draw both."""
    file = ForeignFile(path, load_reader_map("fadc125"))
    pulses = next(iter(file.tables(size=file.tree.entries))).lists["pulses"]
    channel, pedestal, height = pulses["channel"], pulses["pedestal"], pulses["height"]
    event = pulses.parents
    channels = np.unique(channel)
    print("channel  pedestal [ADC]   rms   largest change    pulses   height [ADC]    rms     time [ns]   rms")
    for number in channels:
        rows = channel == number
        level = np.median(pedestal[rows])
        line = f"{number:7.0f}  {level:14.2f} {pedestal[rows].std():5.2f} {np.abs(pedestal[rows] - level).max():16.2f}"
        seen = rows & (height > 500)
        if seen.sum() > 1:
            line += f" {seen.sum():9}  {height[seen].mean():12.1f} {height[seen].std():6.1f}"
            line += f" {np.nanmean(pulses['time'][seen]):12.1f} {np.nanstd(pulses['time'][seen]):6.1f}"
        print(line)
    waveforms = file.waveforms["pulses"]
    pulser = channels[np.argmax([(height[channel == number] > 500).sum() for number in channels])]
    numbers, constants = waveforms.constants
    row = int(np.searchsorted(numbers, pulser))
    digits = waveforms.digits(0, file.tree.entries).rows((channel == pulser) & (height > 500))
    digits = replace(digits, columns={**digits.columns, "channel": np.zeros(len(digits["channel"]), np.int64)})
    # the noise of its neighbours: its own pedestal follows the pulses
    found = fits(digits, float(constants["even"][row]), float(np.median(constants["sigma"])), waveforms.settings)
    for kind in ("pulse", "template"):
        print(
            f"{kind:9} rest {found.rest(kind):8.3%} of the height   chi2/freedom {np.median(found.chi2[kind]):10.1f}"
            f"   height rms {found.height[kind].std() / found.height[kind].mean():.3%}"
            f"   start {found.start[kind].mean():.2f} ns, rms {found.start[kind].std():.2f} ns"
        )
    if plot is None:
        return
    from emiss.drawing import COLOURS, figure, save

    made = figure(height=8.0)
    upper, lower, shape = made.subplots(3, 1)
    calm = [number for number in channels if pedestal[channel == number].std() < QUIET]
    for number in calm:
        rows = channel == number
        upper.plot(event[rows], pedestal[rows] - np.median(pedestal[rows]), lw=0.6, alpha=0.7, color=COLOURS[0])
    upper.set_ylabel(f"pedestal - median [ADC]\n{len(calm)} channels without pulses")
    rows = (channel == pulser) & (height > 500)
    lower.plot(event[rows], height[rows] / np.median(height[rows]), ".", ms=3, color=COLOURS[5])
    lower.set_ylabel(f"height over median\nchannel {pulser:.0f}")
    lower.set_xlabel("event")
    for number, values in enumerate(found.samples):
        time = np.arange(len(values)) * found.settings.period - found.start["template"][number]
        shape.plot(time[:60], values[:60] / found.height["template"][number], ".", ms=1.5, alpha=0.5, color=COLOURS[5])
    for kind, colour in (("pulse", COLOURS[2]), ("template", "black")):
        time = np.arange(60) * found.settings.period - found.start[kind][0]
        shape.plot(time, found.model(kind, 0)[:60] / found.height["template"][0], lw=0.9, color=colour, label=kind)
    shape.set_xlabel("time since the start [ns]")
    shape.set_ylabel(f"over the height\nchannel {pulser:.0f}")
    shape.legend()
    save(made, plot)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--plot", type=Path)
    arguments = parser.parse_args()
    main(arguments.file, arguments.plot)
