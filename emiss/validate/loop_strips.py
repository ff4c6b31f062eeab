"""Strips in the closed loop: their constants drawn at random, and those that are derived beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.calib.conditions import RunConditions
    from emiss.calibrate.frame import Made
    from emiss.configs.arrays import Floats, Ints
    from emiss.reco.detector.model import Detector

GAIN, NOISE = 0.2, (4.0, 6.0)
"""Spread of gains, relative; noise in ADC."""

T0, R0, A0 = 10.0, (1.1, 1.5), (16.0, 24.0)
"""ns on each side of 0; ratio; ns."""

BAD = 2
"""Dead channels of a plane, and as many hot ones."""


def drawn(detector: Detector, rng: np.random.Generator) -> Mapping[str, Mapping[str, str]]:
    """Return constants of strips, by type and channel."""
    planes = [plane for plane in detector.planes if not plane.timed]
    names = [f"{plane.name}.{wire}" for plane in planes for wire in range(plane.channels)]
    gain, noise = rng.uniform(1.0 - GAIN, 1.0 + GAIN, len(names)), rng.uniform(*NOISE, len(names))
    status = {"*": "0"}
    for plane in planes:
        for place, wire in enumerate(rng.permutation(plane.channels)[: 2 * BAD].tolist()):
            status[f"{plane.name}.{wire}"] = "1" if place < BAD else "2"
    times = np.column_stack([rng.uniform(*each, len(planes)) for each in ((-T0, T0), R0, A0)])
    return {
        "apv.gain": {name: f"{a:.5g} {b:.4g}" for name, a, b in zip(names, gain, noise, strict=True)},
        "apv.status": status,
        "apv.time": {
            plane.name: " ".join(f"{one:.5g}" for one in row) for plane, row in zip(planes, times, strict=True)
        },
    }


def away(made: Made, conditions: RunConditions, limit: float) -> tuple[tuple[str, ...], Floats, Floats, Floats, Floats]:
    """Return channels, true and found values, their differences and the errors of these, of what a loop looks at.

    That is the status; gains over the mean of their plane, in percent, of good channels that are known to `limit` by their own
    errors, as those at the edge of the beam are not; and the time of a hit that should be at 0 ns.
    """
    true = conditions.get(made.type, made.channels)
    rows: Ints = np.flatnonzero(made.found).astype(np.int64)
    if made.type == "apv.gain":
        rows = rows[conditions.get("apv.status", made.channels)["status"][rows] == 0]
        rows = rows[100.0 * made.errors["gain"][rows] < limit * made.values["gain"][rows]]
    names = tuple(made.channels[row] for row in rows)
    if made.type == "apv.time":
        value, error = _times(made, rows, true)
        return names, np.zeros(len(rows)), value, value, error
    column = "gain" if made.type == "apv.gain" else "status"
    value, was = made.values[column][rows], true[column][rows]
    if column == "status":
        return names, was, value, value - was, np.ones(len(rows))
    relative, planes = np.log(value / was), np.array([name.partition(".")[0] for name in names])
    for plane in np.unique(planes):
        relative[planes == plane] -= relative[planes == plane].mean()
    return names, was, value, 100.0 * relative, 100.0 * made.errors[column][rows] / value


def _times(made: Made, rows: Ints, true: Mapping[str, Floats]) -> tuple[Floats, Floats]:
    """Return the times of hits at 0 ns, and their errors from the covariance of the constants."""
    t0, r0, a0 = (made.values[name][rows] for name in ("t0", "r0", "a0"))
    ratio = true["r0"][rows] / (1.0 + np.exp(-true["t0"][rows] / true["a0"][rows]))
    log = np.log(np.maximum(r0 / ratio - 1.0, 1e-9))
    slope = {"t0": np.ones(len(rows)), "r0": a0 / (r0 - ratio), "a0": log}
    part = {name: slope[name] * made.errors[name][rows] for name in slope}
    variance = part["t0"] ** 2 + part["r0"] ** 2 + part["a0"] ** 2
    for (a, b), both in made.correlations.items():
        variance += 2.0 * part[a] * part[b] * both[rows]
    return np.asarray(t0 + a0 * log), np.asarray(np.sqrt(variance))
