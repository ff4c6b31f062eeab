"""One event as the page is told: what is drawn, what the table says, each cut, and truth beside reconstruction; plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.events.columns import split
from emiss.look.drawn import STATE, deposits, paths, spectrometer, track_paths
from emiss.reco.parts.grid import Grid
from emiss.reco.tracking.clusters import clusters_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emiss.configs.arrays import Array
    from emiss.events.columns import Column
    from emiss.events.table import EventTable
    from emiss.look.drawn import Path
    from emiss.look.sources import One
    from emiss.reco.detector.model import Detector

SHOWN = 200
"""Values of a list that are told."""

MARKS = {"z_mu": "muons", "z_x": "new particle", "z_decay": "its decay"}
"""Truth columns that are places along z, mm; 0 for none."""


def number(value: Any) -> float | int | None:
    """Return a number as plain data to seven digits, None for what is not finite."""
    if isinstance(value, int | np.integer):
        return int(value)
    if not np.isfinite(value):
        return None
    return float(f"{value:.7g}")


def numbers(values: Any) -> list[float | int | None]:
    """Return several."""
    return [number(value) for value in np.asarray(values).ravel().tolist()]


@dataclass(frozen=True)
class Drawn:
    """All that is drawn of an event, as arrays: the page and the picture are made of it."""

    one: One
    detector: Detector

    @property
    def tracks(self) -> list[Path]:
        """The paths of the tracks."""
        return track_paths(self.one.table, self.detector, self.one.conditions)

    @property
    def truth(self) -> list[Path]:
        """The path of the true muon behind the target, where it reaches the last spectrometer."""
        flat, name = self.one.table.flat, spectrometer(self.detector)
        wanted = [f"truth.{key}" for key in ("x", "y", "tx", "ty", "p_spec", "charge")]
        if name is None or not set(wanted) <= flat.keys():
            return []
        x, y, tx, ty, p, charge = (float(flat[key][0]) for key in wanted)
        if not p > 0 or charge == 0:
            return []
        state = np.array([[x, y, tx, ty, charge / p]])
        return paths(name, self.detector.arms[name], self.one.conditions, state, [p], np.array([charge]))

    @property
    def cells(self) -> list[tuple[int, float, float]]:
        """Channel number, GeV and ns of each cell."""
        found = deposits(self.one, self.detector)
        return list(zip(found.channel.tolist(), found.energy.tolist(), found.time.tolist(), strict=True))

    @property
    def clusters(self) -> list[tuple[int, float, float, float]]:
        """Plane, position (mm), charge and time (ns) of each cluster."""
        batch, conditions = self.one.batch, self.one.conditions
        if batch is None or conditions is None:
            return []
        found = clusters_of(batch, self.detector, conditions)
        columns = (found[name].tolist() for name in ("plane", "position", "charge", "time"))
        return list(zip(*columns, strict=True))

    def elements(self) -> Iterator[tuple[str, list[str], Array, Array | None]]:
        """Yield each part with read-out, the names of its elements, their energies (GeV) and times (ns), where these are."""
        flat = self.one.table.flat
        for name, part in self.detector.read_out.items():
            energy = flat.get(f"{name}.energy")
            if energy is None:
                continue
            values, time = np.atleast_1d(energy[0]), flat.get(f"{name}.time")
            names = [name] if isinstance(part, Grid) else list(part.names())
            if len(names) != len(values):
                names = [name] if len(values) == 1 else [f"{name}[{i}]" for i in range(len(values))]
            yield name, names, values, None if time is None else np.atleast_1d(time[0])


def told(drawn: Drawn) -> dict[str, Any]:
    """Return an event as plain data."""
    table, batch = drawn.one.table, drawn.one.batch
    return {
        "tier": "table" if batch is None else "hits" if batch.cells is not None else "raw",
        "lacking": drawn.one.lacking,
        "bits": {name: _bits(table, name) for name in ("event.trigger", "event.quality") if name in table.flat},
        "parts": [
            {
                "part": name,
                "elements": [
                    [element, number(energy), None if times is None else number(times[at])]
                    for at, (element, energy) in enumerate(zip(names, energies.tolist(), strict=True))
                ],
            }
            for name, names, energies, times in drawn.elements()
        ],
        "cells": [[channel, number(energy), number(time)] for channel, energy, time in drawn.cells],
        "clusters": [[plane, *map(number, rest)] for plane, *rest in drawn.clusters],
        "tracks": [_path(path) for path in drawn.tracks],
        "truth": [_path(path) for path in drawn.truth],
        "marks": [
            {"z": float(table.flat[f"truth.{name}"][0]), "text": text}
            for name, text in MARKS.items()
            if f"truth.{name}" in table.flat and table.flat[f"truth.{name}"][0] > 0
        ],
        "compared": compared(table, drawn.detector),
        "values": values_of(table),
    }


def _path(path: Path) -> dict[str, Any]:
    return {"arm": path.arm, "z": numbers(path.z), "x": numbers(path.x), "y": numbers(path.y), "said": path.said}


def _bits(table: EventTable, name: str) -> list[str]:
    """Return the names of the bits that are set."""
    word = int(table.flat[name][0])
    return [bit for bit, at in table.metadata.columns[name].bits.items() if word >> at & 1]


def compared(table: EventTable, detector: Detector) -> list[dict[str, Any]]:
    """Return the truth of an event, and beside it what was reconstructed of the same quantity, where there is such a one."""
    flat = table.flat
    beside = _beside(table, detector)
    found = []
    for name, column in table.metadata.columns.items():
        if split(name)[0] != "truth" or name not in flat:
            continue
        what, value = beside.get(name, ("", None))
        found.append(
            {
                "name": name,
                "unit": column.unit,
                "meaning": column.meaning,
                "truth": number(flat[name][0]),
                "what": what,
                "value": None if value is None else number(value),
            }
        )
    return found


def _beside(table: EventTable, detector: Detector) -> dict[str, tuple[str, float]]:
    """Return the reconstructed quantities that are the same as true ones: of the track that is nearest in momentum."""
    flat, found = table.flat, {}
    grids = detector.of_kind(Grid)
    # what the samples take for the target where the file names none
    target = detector.target or min(grids, key=lambda name: grids[name].z, default=None)
    energy = f"{target}.energy"
    if energy in flat and "truth.e_ecal" in flat:
        found["truth.e_ecal"] = energy, float(np.sum(flat[energy][0]))
    name = spectrometer(detector)
    tracks = table.lists.get(name or "")
    if tracks is None or not {*STATE, "p", "charge"} <= tracks.columns.keys() or not len(tracks["p"]):
        return found
    true = float(flat["truth.p_spec"][0]) if "truth.p_spec" in flat else np.nan
    away = np.abs(tracks["p"] - true)
    best = int(np.nanargmin(away)) if np.isfinite(away).any() else 0
    for inner, own in (("p_spec", "p"), *((key, key) for key in ("charge", "x", "y", "tx", "ty"))):
        found[f"truth.{inner}"] = f"{name}.{own}[{best}]", float(tracks[own][best])
    return found


def values_of(table: EventTable) -> list[dict[str, Any]]:
    """Return all columns of an event but the truth, by collection."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for name, column in table.metadata.columns.items():
        collection = split(name)[0]
        if collection == "truth" or name not in table.names:
            continue
        groups.setdefault(collection, []).append(_value(table, name, column))
    return [{"collection": name, "rows": rows} for name, rows in groups.items()]


def _value(table: EventTable, name: str, column: Column) -> dict[str, Any]:
    collection, inner = split(name)
    if name in table.flat:
        values: Array = np.atleast_1d(table.flat[name][0])
    else:
        values = table.lists[collection][inner]
    return {
        "name": name,
        "unit": column.unit,
        "meaning": column.meaning,
        "values": numbers(values[:SHOWN]),
        "more": max(0, len(values) - SHOWN),
        "elements": list(column.elements),
    }
