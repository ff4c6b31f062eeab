"""Corrections of cells in the closed loop: drawn at random for runs of their own, and what was derived beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from emiss.calib.steps import by_places, by_spills, steps, subject
from emiss.reco.calorimetry.corrections import DEAD, DRIFT, HOT, IN_SPILL, STATUS, TYPES, WALK
from emiss.reco.parts.grid import Grid
from emiss.setups.constants import block

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.calib.conditions import RunConditions
    from emiss.calibrate.frame import Made
    from emiss.configs.arrays import Floats
    from emiss.reco.detector.model import Detector

BEFORE, LED, ELECTRON, MUON = 6127, 6128, 6129, 6130
"""Run numbers: light of LEDs when gains are found, and later; electrons and muons over the face."""

SPILLS, IN_SPILL_OF_LED, TURN = 400, 500, 40.0
"""Spills in which gains drift, events of LEDs in each, and spills of a turn of the slowest drift."""

SINCE, DRIFTING, SAG, LENGTH, WALKING = 0.1, 0.05, 0.1, 0.15, 2.0
"""Of drifts since gains were found, of those in the run, and of the sag at the beginning of a spill, relative; how long
that is, of the spill; ns of walks."""

FEW = 3
"""Dead channels, and hot ones."""

PLACES = 10
"""Bins of the place in the spill."""


class Beside(NamedTuple):
    """Derived constants beside true ones, arrays of shape (N,); differences and errors are relative where they are asked so."""

    channels: tuple[str, ...]
    true: Floats
    values: Floats
    errors: Floats


def tables(detector: Detector, rng: np.random.Generator) -> str:
    """Return tables of true corrections, each for its runs."""
    channels = detector.channels
    # pulses of walks are of the size of what muons leave
    walks = {
        name: f"{slope:.5g} 500"
        for name, slope in zip(channels, rng.uniform(-1, 1, len(channels)) * WALKING, strict=True)
    }
    cells = _inner(detector)
    chosen = rng.permutation(cells)[: 2 * FEW].tolist()
    status = {name: str(DEAD if number < FEW else HOT) for number, name in enumerate(chosen)}
    shape: dict[str, Floats] = {}
    drifts: dict[str, str] = {}
    for name, phase, turns in zip(channels, *rng.uniform(0.0, 1.0, (2, len(channels))), strict=True):
        shape[name] = 1.0 + DRIFTING * np.sin(2.0 * np.pi * (phase + (1.0 + turns) * np.arange(SPILLS) / TURN))
    for (name, response), since in zip(shape.items(), rng.uniform(-SINCE, SINCE, len(channels)), strict=True):
        texts = [f"{one:.6g}" for one in (1.0 + since) * response]
        drifts |= dict(zip(by_spills(name, list(range(1, SPILLS + 1))), texts, strict=True))
    edges = np.linspace(0.0, 1.0, PLACES + 1)
    sag = 1.0 - SAG * np.exp(-edges[:-1] / LENGTH)
    part = next(iter(detector.of_kind(Grid)))
    in_spill = dict(zip(by_places(part, edges.tolist()), [f"{one:.6g}" for one in sag], strict=True))
    both = f"{ELECTRON}-{MUON}"
    return "\n".join(
        block(kind, runs, rows)
        for kind, runs, rows in (
            (STATUS, both, status),
            (WALK, both, walks),
            (DRIFT, str(LED), drifts),
            (IN_SPILL, both, in_spill),
        )
    )


def _inner(detector: Detector) -> list[str]:
    """Return the cells of the last layer of calorimeters that have cells on all sides."""
    found: list[str] = []
    for part in detector.of_kind(Grid).values():
        last = list(part.layers)[-1]
        found += [f"{last}.{x}.{y}" for x in range(1, part.columns - 1) for y in range(1, part.rows - 1)]
    return found


def is_correction(type_: str) -> bool:
    """Return whether a table is one of corrections."""
    return type_ in TYPES


def beside(made: Made, column: str, true: RunConditions, limit: float) -> Beside:
    """Return what was derived beside the true corrections of a run.

    Of walks, those that are known to `limit` (ns) by their own errors are compared; statuses of channels that nothing is known
    of count as good.
    """
    values, errors = made.values[column], made.errors[column]
    if made.type == STATUS:
        wanted = _rows(true, STATUS)
        names = made.channels
        status = np.array([wanted.get(name, (0.0,))[0] for name in names])
        return Beside(names, status, np.nan_to_num(values), np.ones(len(names)))
    if made.type == WALK:
        good = made.found & (errors < limit)
        names = tuple(name for name, one in zip(made.channels, good, strict=True) if one)
        rows = _rows(true, WALK)
        # relative to the charge of the derived table
        slope = np.array([rows[name][0] * np.sqrt(rows[name][1]) for name in names]) / np.sqrt(
            made.values["charge"][good]
        )
        return Beside(names, slope, values[good], errors[good])
    return _responses(made, true)


def _rows(true: RunConditions, type_: str) -> Mapping[str, tuple[float, ...]]:
    return {name: row for table in true.tables if table.type == type_ for name, row in table.rows.items()}


def _responses(made: Made, true: RunConditions) -> Beside:
    """Return responses beside the true ones; those along the spill have the same mean over entries."""
    found = steps([table for table in true.tables if table.type == made.type], "response", by_spill=made.type == DRIFT)
    rows: dict[str, list[int]] = {}
    for number, name in enumerate(made.channels):
        if made.found[number] and subject(name) in found:
            rows.setdefault(subject(name), []).append(number)
    names, all_true, order = [], [], []
    for name, own in rows.items():
        begins = np.array([float(made.channels[number].partition("@")[2].partition("-")[0]) for number in own])
        one = found[name]
        expected = one.values[np.searchsorted(one.begins, begins + 1e-9, side="right") - 1]
        if made.type == IN_SPILL:
            expected = expected / np.average(expected, weights=made.entries[own])
        names += [made.channels[number] for number in own]
        all_true.append(expected)
        order += own
    if not order:
        return Beside((), *(np.zeros(0) for _ in range(3)))
    return Beside(
        tuple(names), np.concatenate(all_true), made.values["response"][order], made.errors["response"][order]
    )
