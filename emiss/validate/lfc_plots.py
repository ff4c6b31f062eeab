"""The pictures of the validation: signal efficiency, energy in the HCAL modules, missing energy (Figs. 5 to 7 of the study)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from emiss import drawing
from emiss.validate import lfc_paper as paper

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hist import Hist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from emiss.reach.efficiencies import Efficiency
    from emiss.validate.lfc_found import Validation

WIDTH = 6.4
"""Inches of a figure of one picture."""

GROUP = 2
"""Bins of the histograms of the HCAL that are drawn as one."""


class Picture(NamedTuple):
    """A figure, what it shows, and the same in words."""

    figure: Figure
    title: str
    alt: str

    @property
    def wide(self) -> bool:
        """Whether it needs the width of a page."""
        return bool(self.figure.get_figwidth() > WIDTH)


def pictures(found: Validation) -> tuple[Picture, ...]:
    """Return all pictures of a validation, in the order of the study."""
    with drawing.styled():
        return (
            Picture(
                _efficiency(found.efficiency),
                "Signal efficiency (Fig. 5)",
                "; ".join(f"{one.m_phi:g} GeV: {one.value:.3g} +- {one.error:.1g}" for one in found.efficiency),
            ),
            Picture(
                _modules({name: found.spectra[name] for name in ("signal", "dimuon")}),
                "Energy in the HCAL modules before any cut (Fig. 6)",
                _said(found.peaks, ("signal", "dimuon")),
            ),
            Picture(
                _modules({f"category {name}": found.spectra[name] for name in ("I", "II", "III")}),
                "Energy in the HCAL modules, muon pairs with a track in the spectrometer, by category",
                _said(found.peaks, ("I", "II", "III")),
            ),
            Picture(
                _missing(found.missing),
                "Missing energy after all other cuts (Fig. 7)",
                "; ".join(f"{name}: {_mean(one)}" for name, one in found.missing.items()),
            ),
        )


def _efficiency(points: Sequence[Efficiency]) -> Figure:
    made = drawing.figure(WIDTH)
    axes = made.add_subplot()
    mass, value, error = np.array([(one.m_phi, one.value, one.error) for one in points]).T
    axes.errorbar(mass, value, error, fmt="o-", color=drawing.COLOURS[0], capsize=2, label="emiss")
    axes.plot(*zip(*paper.EFFICIENCY.items(), strict=True), "*", ms=11, color=drawing.COLOURS[5], label=paper.SOURCE)
    axes.set(xscale="log", xlabel="$m_\\phi$ [GeV]", ylabel="selected per $\\phi$ emitted", ylim=(0.0, None))
    axes.legend(frameon=False)
    return made


def _modules(spectra: Mapping[str, Sequence[Hist]]) -> Figure:
    made = drawing.figure(11.0, 3.6)
    for module, axes in enumerate(made.subplots(1, 3, sharey=True)):
        for number, (name, modules) in enumerate(spectra.items()):
            _steps(axes, modules[module], GROUP, label=name, color=drawing.COLOURS[number])
        axes.set(yscale="log", xlabel=f"energy in HCAL {module} [GeV]")
        axes.axvline(paper.HCAL_MIP, color="0.6", lw=0.8, ls=":")
    first = made.axes[0]
    first.set_ylabel("share of the events per bin")
    first.legend(frameon=False)
    return made


def _missing(spectra: Mapping[str, Hist]) -> Figure:
    made = drawing.figure(WIDTH)
    axes = made.add_subplot()
    for number, (name, one) in enumerate(spectra.items()):
        _steps(axes, one, 1, label=name, color=drawing.COLOURS[number])
    axes.axvline(20.0, color="0.6", lw=0.8, ls=":")
    axes.set(yscale="log", xlabel="missing energy [GeV]", ylabel="share of the events per bin")
    axes.legend(frameon=False)
    return made


def _steps(axes: Axes, one: Hist, group: int, *, label: str, color: str) -> None:
    """Draw a histogram as shares of all its events; of nothing there is only the name."""
    values, edges = one.values(), one.axes[0].edges
    whole = float(one.values(flow=True).sum())
    if whole > 0.0:
        shares = values.reshape(-1, group).sum(axis=1) / whole
        axes.stairs(np.where(shares > 0.0, shares, np.nan), edges[::group], label=label, color=color)
    else:
        axes.plot([], [], label=f"{label} (no event)", color=color)


def _said(peaks: Mapping[str, Sequence[float | None]], names: Sequence[str]) -> str:
    def number(value: float | None) -> str:
        return "none" if value is None else f"{value:.2f}"

    return "; ".join(f"{name}: peaks at {', '.join(map(number, peaks[name]))} GeV" for name in names)


def _mean(one: Hist) -> str:
    values, centres = one.values(), one.axes[0].centers
    total = float(values.sum())
    return f"mean {float(values @ centres) / total:.1f} GeV" if total > 0.0 else "no event"
