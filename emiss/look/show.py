"""The picture of one event: waveforms, calorimeter cells, strips, and the track through the spectrometer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.configs.errors import Location, UserError
from emiss.look.drawn import spectrometer, track_paths, waveforms
from emiss.reco.parts.grid import Grid
from emiss.reco.parts.modules import Modules
from emiss.reco.parts.panels import Panels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emiss.events.batch import Batch
    from emiss.events.table import EventTable
    from emiss.look.drawn import Path as Track
    from emiss.look.sources import Events, One
    from emiss.reco.detector.model import Detector

CURVES = 8
"""Waveforms drawn with a label; the rest stands behind them in grey."""


def show_event(file: Events, one: One, detector: Detector, out: str | Path) -> Path:
    """Draw one event to a PNG, or to an SVG or a PDF if `out` is called so.

    Parameters
    ----------
    file : Events
        Where it is from.
    one : One
    out : path
        The picture.

    Raises
    ------
    UserError
        If the run file of the event cannot be read.
    """
    from emiss import drawing
    from emiss.reco.tracking.clusters import clusters_of

    batch, conditions, table = one.batch, one.conditions, one.table
    if batch is None or conditions is None:
        raise UserError(f"no waveforms and clusters: {one.lacking}", at=Location(str(file.path)))
    clusters = clusters_of(batch, detector, conditions)
    figure = drawing.figure(13, 8.5)
    places = figure.add_gridspec(3, 4, height_ratios=(1.1, 1.0, 1.0))
    _waveforms(figure.add_subplot(places[0, :2]), batch, detector)
    _cells(figure, places[0, 2:].subgridspec(1, 2), table, detector)
    _mips(figure.add_subplot(places[1, :2]), table, detector)
    _strips(figure.add_subplot(places[1, 2:]), clusters, detector)
    tracks = track_paths(table, detector, conditions)
    for view, place in enumerate((places[2, :2], places[2, 2:])):
        _track(figure.add_subplot(place), "xy"[view], clusters, tracks, detector)
    figure.suptitle(_title(Path(file.path), table, detector), fontsize=11)
    out = Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    drawing.save(figure, out, dpi=110, kind=out.suffix[1:] if out.suffix in (".svg", ".pdf") else "png")
    return out


def _title(path: Path, table: EventTable, detector: Detector) -> str:
    flat = table.flat
    numbers = ", ".join(f"{name} {flat[f'event.{name}'][0]}" for name in ("run", "spill", "in_spill"))
    energies = ", ".join(
        f"{name} {np.sum(flat[f'{name}.energy'][0]):.1f} GeV"
        for name, part in detector.read_out.items()
        if isinstance(part, Grid) or (isinstance(part, Modules) and part.mip is not None)
    )
    name = spectrometer(detector)
    if name is None:
        return f"{path.name}: {numbers}\n{energies}"
    found = (table[f"{name}.{inner}"][0] for inner in ("p", "charge"))
    tracks = "; ".join(f"{'+' if q > 0 else '-'}{p:.1f} GeV" for p, q in zip(*found, strict=True))
    return f"{path.name}: {numbers}\n{energies}, {name}: {tracks or 'none'}"


def _waveforms(axes: Any, batch: Batch, detector: Detector) -> None:
    axes.set_title("waveforms, largest first" if batch.sadc is not None else "hits: time of the cells", fontsize=10)
    axes.set_xlabel("ns")
    if batch.sadc is None:
        if batch.cells is not None:
            axes.plot(batch.cells["time"], batch.cells["energy"], "o", ms=4)
        axes.set_yscale("log")
        axes.set_ylabel("GeV")
        return
    found = waveforms(batch, detector)
    assert found is not None  # noqa: S101 - the batch has digits
    for rank, row in enumerate(found.largest_first):
        label = detector.channels[found.channel[row]].removesuffix(".0.0") if rank < CURVES else None
        style = {"lw": 1.3, "label": label} if rank < CURVES else {"lw": 0.5, "color": "0.75", "zorder": 0}
        count = found.count[row]
        axes.plot(np.arange(count) * found.period[row], found.level[row, :count], **style)
    axes.set_ylabel("ADC above pedestal")
    axes.legend(fontsize=7, ncols=2, frameon=False)


def _cells(figure: Any, places: Any, table: EventTable, detector: Detector) -> None:
    """Draw the first two layers of the first calorimeter with cells in columns and rows."""
    grids = detector.of_kind(Grid)
    if not grids:
        return
    name, part = min(grids.items(), key=lambda item: item[1].z)
    cells = table.lists[f"{name}_cells"]
    energies = np.full((len(part.layers), part.rows, part.columns), np.nan)
    energies[cells["layer"], cells["iy"], cells["ix"]] = cells["energy"]
    for number, layer in enumerate(list(part.layers)[:2]):
        axes = figure.add_subplot(places[0, number])
        values = energies[number]
        image = axes.imshow(values, origin="lower", cmap="viridis", vmin=0.0)
        for (row, column), value in np.ndenumerate(values):
            if np.isfinite(value):
                bright = value < 0.6 * np.nanmax(values)
                axes.text(
                    column, row, f"{value:.1f}", ha="center", va="center", fontsize=7, color="w" if bright else "k"
                )
        axes.set_title(f"{layer}, GeV", fontsize=10)
        axes.set_xlabel("column")
        axes.set_ylabel("row")
        figure.colorbar(image, ax=axes, shrink=0.75)


def _mips(axes: Any, table: EventTable, detector: Detector) -> None:
    """Draw panels and modules in units of a minimum ionizing particle."""
    names: list[str] = []
    values: list[float] = []
    colours: list[str] = []
    for name, part in detector.read_out.items():
        if isinstance(part, Panels):
            mips = table.flat[f"{name}.energy"][0] / part.mip
        elif isinstance(part, Modules) and part.mip is not None:
            mips = table.flat[f"{name}.mip"][0]
        else:
            continue
        names += part.names()
        values += mips.tolist()
        colours += ["tab:orange" if isinstance(part, Panels) else "tab:blue"] * len(mips)
    bars = axes.bar(names, values, color=colours)
    axes.bar_label(bars, fmt="%.2f", fontsize=8)
    axes.axhline(1.0, color="0.5", lw=0.8, ls="--")
    axes.set_title("panels and modules in units of one muon", fontsize=10)
    axes.margins(y=0.15)


def _strips(axes: Any, clusters: Any, detector: Detector) -> None:
    for number, plane in enumerate(detector.planes):
        rows = clusters["plane"] == number
        position, charge = clusters["position"][rows], clusters["charge"][rows]
        axes.scatter(position, np.full(len(position), number), s=10 + charge / 8.0, color="tab:red", zorder=3)
        half = 0.5 * plane.strips * plane.pitch
        axes.plot([plane.centre - half, plane.centre + half], [number, number], color="0.8", lw=2, zorder=1)
    axes.set_yticks(range(len(detector.planes)), detector.plane_names, fontsize=8)
    axes.set_xlabel("mm")
    axes.set_title("clusters of the trackers (area: charge)", fontsize=10)


def _track(axes: Any, view: str, clusters: Any, tracks: Sequence[Track], detector: Detector) -> None:
    name = spectrometer(detector)
    if name is None:
        return
    arm = detector.arms[name]
    planes = arm.planes
    if arm.magnet is not None:
        low, high = (edge * 1e-3 for edge in arm.magnet.z)
        axes.axvspan(low, high, color="tab:blue", alpha=0.1, lw=0)
    for number, plane in zip(arm.numbers.tolist(), planes, strict=True):
        if plane.view == view:
            rows = clusters["plane"] == number
            half = 0.5 * plane.strips * plane.pitch
            axes.plot([plane.z * 1e-3] * 2, [plane.centre - half, plane.centre + half], color="0.8", lw=2)
            axes.plot(np.full(rows.sum(), plane.z * 1e-3), clusters["position"][rows], "o", color="tab:red", ms=5)
    shown = [track for track in tracks if track.arm == name]
    for track in shown:
        axes.plot(track.z * 1e-3, track.x if view == "x" else track.y, color="k", lw=1.2, label=track.said)
    if shown:
        axes.legend(fontsize=8, frameon=False)
    axes.set_xlabel("z, m")
    axes.set_ylabel(f"{view}, mm")
    axes.set_title(f"{name}, {'bend' if view == 'x' else 'other'} view", fontsize=10)
