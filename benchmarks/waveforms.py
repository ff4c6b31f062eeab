"""Pedestals and pulses of a foreign file of waveforms: ``python -m benchmarks.waveforms FILE [--plot FIGURE.svg]``.

The file is read through the map `fadc125`; the figures and the plot are those of docs/validation.md.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from emiss.reco.readers.foreign.reader import ForeignFile, load_reader_map

QUIET = 0.3
"""Rms of the pedestal in ADC above which a channel has pulses, or feels its neighbour's."""


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
    if plot is None:
        return
    from emiss.drawing import COLOURS, figure, save

    made = figure(height=5.0)
    upper, lower = made.subplots(2, 1, sharex=True)
    calm = [number for number in channels if pedestal[channel == number].std() < QUIET]
    for number in calm:
        rows = channel == number
        upper.plot(event[rows], pedestal[rows] - np.median(pedestal[rows]), lw=0.6, alpha=0.7, color=COLOURS[0])
    upper.set_ylabel(f"pedestal - median [ADC]\n{len(calm)} channels without pulses")
    pulser = channels[np.argmax([(height[channel == number] > 500).sum() for number in channels])]
    rows = (channel == pulser) & (height > 500)
    lower.plot(event[rows], height[rows] / np.median(height[rows]), ".", ms=3, color=COLOURS[5])
    lower.set_ylabel(f"height over median\nchannel {pulser:.0f}")
    lower.set_xlabel("event")
    save(made, plot)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--plot", type=Path)
    arguments = parser.parse_args()
    main(arguments.file, arguments.plot)
