"""The plot of `emiss quality`: rate, losses and pedestals spill by spill, saturation against the position in the spill."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.drawing import COLOURS, figure, styled
from emiss.reco.quality.summary import BINS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from emiss.look.spill_quality import Quality

GOOD, BAD = COLOURS[0], COLOURS[5]


def draw(quality: Quality) -> Figure:
    """Return the figure; bad spills stand out in colour and shape."""
    found = quality.verdicts
    bad = np.array([bool(v.reasons) for v in found], bool)
    limits = quality.limits
    with styled():
        made = figure(height=9.0)
        rate, lost, pedestal, saturation = made.subplots(4, 1)
        _spills(rate, [v.rate for v in found], bad, "events / median of run", limits.rate)
        _spills(lost, [v.lost for v in found], bad, "share damaged or\nafter a lost block", limits.lost)
        _spills(pedestal, [v.shift for v in found], bad, "largest pedestal\nchange [ADC]", limits.shift, -limits.shift)
        if bad.any():
            lost.legend(frameon=False, loc="upper right")
        runs = [v.run for v in found]
        changes = [i for i in range(1, len(runs)) if runs[i] != runs[i - 1]]
        for axes in (rate, lost, pedestal):
            for i in changes:
                axes.axvline(i - 0.5, color="0.6", lw=0.8)
        pedestal.set_xlabel("spill" + (", runs divided by lines" if changes else f" of run {runs[0]}" if runs else ""))
        _ticks(pedestal, [v.spill for v in found])
        share = quality.survey.saturation()
        edges = np.linspace(0, 1, BINS + 1)
        saturation.stairs(np.where(np.isfinite(share), share, 0.0), edges, color=GOOD, lw=1.5)
        saturation.set_xlabel("position in the spill")
        saturation.set_ylabel("saturated share\nof waveforms")
        saturation.set_ylim(0, max(0.01, 1.1 * float(np.nanmax(share, initial=0.0))))
    return made


def _spills(axes: Axes, values: list[float], bad: np.ndarray, title: str, *limits: float) -> None:
    x, y = np.arange(len(values)), np.asarray(values, float)
    axes.plot(x[~bad], y[~bad], "o", ms=3, color=GOOD)
    axes.plot(x[bad], y[bad], "X", ms=6, color=BAD, label="bad")
    for limit in limits:
        axes.axhline(limit, color="0.4", lw=0.8, ls="--")
    axes.set_ylabel(title)
    axes.set_xticks([])


def _ticks(axes: Axes, spills: list[int]) -> None:
    step = max(1, len(spills) // 12)
    axes.set_xticks(range(0, len(spills), step), [str(spill) for spill in spills[::step]])
