"""Figures as in arXiv:2404.15931, mass and coupling (its Fig. 8), cross sections (Figs. 1, 2, 4), and yields against mass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.configs.errors import UserError
from emiss.drawing import COLOURS, figure, power, save, styled
from emiss.reach.mass_axis import label_masses, smooth

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from emiss.reach.sensitivity import DataPeriod, Point
    from emiss.reach.yield_table import YieldTable

BAND68, BAND95 = "#4daf4a", "#ffd92f"
METHODS = {"exact": ("black", "-"), "ww": (COLOURS[2], "--"), "iww": (COLOURS[0], ":")}
NAMES = {"exact": "exact tree level", "ww": "WW", "iww": "improved WW"}


def write(made: Figure, path: Path) -> Path:
    """Write a figure; the suffix says in which format.

    Raises
    ------
    UserError
        If it cannot be written.
    """
    try:
        save(made, path)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror or error}") from None
    return path


def plane(compared: Mapping[str, Any], points: Sequence[Point] = (), periods: Sequence[DataPeriod] = ()) -> Figure:
    """Draw coupling against mass: g-2 bands and relic lines, and the limit with its bands where there is one.

    Parameters
    ----------
    compared : mapping
        From `emiss.reach.comparison.lines`.
    points : sequence of Point
    periods : sequence of DataPeriod
        For the title.
    """
    with styled():
        made = figure(6.4, 5.0)
        place = made.subplots()
        mass = np.array(compared["m_phi"])
        for sigmas, alpha in (("3", 0.2), ("2", 0.3), ("1", 0.45)):
            low, high = (np.array(edge) for edge in compared["g_minus_2"]["bands"][sigmas])
            floor = np.where(low > 0, low, 1e-9)  # nothing on a logarithmic axis
            label = rf"muon $g-2$, {sigmas}$\sigma$"
            place.fill_between(mass, floor, high, color="#984ea3", alpha=alpha, linewidth=0, label=label)
        for line, style in zip(compared["relic"], ("-", "--", ":", "-."), strict=False):
            label = rf"relic density, $m_\phi = {line['ratio']:.3g}\,m_\psi$"
            place.plot(mass, line["coupling"], color="black", linestyle=style, linewidth=1.2, label=label)
        if points:
            _limit(place, points)
            total = sum(period.on_target for period in periods)
            confidence = 100.0 * points[0].limit.confidence
            place.set_title(
                f"{confidence:g} % CL, {power(f'{total:.3g}')} electrons on target", fontsize=11, loc="left"
            )
        drawn = [*compared["g_minus_2"]["bands"]["3"][1], *(h for line in compared["relic"] for h in line["coupling"])]
        drawn += [h for point in points for h in (point.expected[0], point.expected[-1])]
        place.set(xscale="log", yscale="log", ylabel="coupling $h$")
        place.set_ylim(0.3 * min(drawn), 3.0 * max(drawn))
        label_masses(place, r"$\phi$", float(mass.max()))
        place.legend(frameon=False, fontsize=8)
    return made


def _limit(place: Axes, points: Sequence[Point]) -> None:
    masses = [point.m_phi for point in points]
    mass, *expected = smooth(masses, *np.array([point.expected for point in points]).T)
    marker = "o" if len(points) == 1 else ""
    place.fill_between(mass, expected[0], expected[4], color=BAND95, alpha=0.8, linewidth=0, label="95 % of limits")
    place.fill_between(mass, expected[1], expected[3], color=BAND68, alpha=0.8, linewidth=0, label="68 % of limits")
    place.plot(mass, expected[2], color=COLOURS[0], linestyle="--", label="median expected limit", marker=marker)
    observed = [point.observed for point in points if point.observed is not None]
    if len(observed) == len(points):
        place.plot(*smooth(masses, observed), color="black", linewidth=2.0, label="observed limit", marker=marker)


def totals(energies: Any, masses: Sequence[float], values: Mapping[str, Any], title: str) -> Figure:
    """Draw total cross sections against energy, one panel per mass (Fig. 2).

    Parameters
    ----------
    energies : array of shape (E,)
        GeV.
    masses : sequence of M floats
        GeV.
    values : mapping of method to array of shape (M, E)
        pb.
    title : str
    """
    with styled():
        made = figure(6.4, 3.0 * len(masses) + 0.4)
        panels = np.atleast_1d(made.subplots(len(masses), 1, sharex=True))
        for i, (place, mass) in enumerate(zip(panels, masses, strict=True)):
            for method, (colour, style) in METHODS.items():
                place.plot(energies, values[method][i], color=colour, linestyle=style, label=NAMES[method])
            place.set(yscale="log", ylabel=r"$\sigma$ [pb]")
            place.set_title(rf"$m_\phi$ = {mass:g} GeV", fontsize=10, loc="left")
        panels[0].legend(frameon=False, fontsize=8)
        panels[-1].set_xlabel("energy of the lepton [GeV]")
        made.suptitle(title, fontsize=10)
    return made


def ratios(energies: Any, masses: Sequence[float], values: Mapping[str, Any], title: str) -> Figure:
    """Draw the approximations over the exact totals against energy (Fig. 4); arguments as in `totals`."""
    with styled():
        made = figure()
        place = made.subplots()
        for i, mass in enumerate(masses):
            for method, style in (("iww", "-"), ("ww", "--")):
                exact = values["exact"][i]
                ratio = np.divide(values[method][i], exact, out=np.full_like(exact, np.nan), where=exact > 0)
                label = rf"{NAMES[method]}, $m_\phi$ = {mass:g} GeV"
                place.plot(energies, ratio, color=COLOURS[i % 8], linestyle=style, label=label)
        place.set(xlabel="energy of the lepton [GeV]", ylabel="approximation over exact")
        place.set_title(title, fontsize=10, loc="left")
        place.legend(frameon=False, fontsize=7, ncols=2)
    return made


def spectra(x: Any, psi: Any, masses: Sequence[float], values: Mapping[str, Mapping[str, Any]], title: str) -> Figure:
    """Draw dsigma/dx and dsigma/dpsi, one column per mass (Fig. 1).

    Parameters
    ----------
    x, psi : arrays of shape (P,) and (M, Q)
        Share of the energy that phi has; angle of the lepton, rad.
    masses : sequence of M floats
        GeV.
    values : mapping of ``x`` and ``psi`` to a mapping of method to array of shape (M, P) or (M, Q)
        pb, pb/rad.
    title : str
    """
    with styled():
        made = figure(3.6 * len(masses) + 0.6, 6.0)
        panels = made.subplots(2, len(masses), squeeze=False)
        for i, mass in enumerate(masses):
            for method, (colour, style) in METHODS.items():
                look = {"color": colour, "linestyle": style, "label": NAMES[method]}
                panels[0, i].plot(x, values["x"][method][i], **look)
                panels[1, i].plot(psi[i], values["psi"][method][i], **look)
            panels[0, i].set(yscale="log", xlabel=r"$x = E_\phi/E$")
            panels[0, i].set_title(rf"$m_\phi$ = {mass:g} GeV", fontsize=10, loc="left")
            panels[1, i].set(xscale="log", xlabel=r"$\psi$ [rad]")
        panels[0, 0].set_ylabel(r"$d\sigma/dx$ [pb]")
        panels[1, 0].set_ylabel(r"$d\sigma/d\psi$ [pb/rad]")
        panels[0, 0].legend(frameon=False, fontsize=8)
        made.suptitle(title, fontsize=10)
    return made


def yields(table: YieldTable) -> Figure:
    """Draw the yields per electron on target against mass, one line per threshold."""
    from emiss.physics.shower.transport import DEPTH
    from emiss.reach.yield_table import MODELS

    model = MODELS[table.model]
    with styled():
        made = figure()
        place = made.subplots()
        for i, threshold in enumerate(dict.fromkeys(row.threshold for row in table.rows)):
            rows = sorted((row for row in table.rows if row.threshold == threshold), key=lambda row: row.mass)
            seen = [row for row in rows if row.per_electron > 0.0]
            label = f"{model.threshold_of} above {threshold:g} GeV"
            mass, height = [row.mass for row in seen], [row.per_electron for row in seen]
            place.plot(mass, height, marker="o", markersize=3, color=COLOURS[i % 8], label=label)
        place.set(xscale="log", yscale="log")
        label_masses(place, model.particle, max((row.mass for row in table.rows), default=1.0))
        place.set_ylabel(f"{model.particle} per electron on target")
        how = f"{model.coupling} = {table.settings.coupling:g}, {table.settings.energy:g} GeV, {table.settings.method}"
        place.set_title(f"{model.reaction} on {DEPTH:g} radiation lengths of lead, {how}", fontsize=10, loc="left")
        place.legend(frameon=False, fontsize=9)
    return made
