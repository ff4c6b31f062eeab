"""Set-ups of other shapes made from the demo set-up, their hits and tracks: for the tests of spectrometers."""

from __future__ import annotations

import numpy as np

from emiss.events.lists import Lists, offsets_of
from emiss.reco.tracking.stage import TrackStage
from emiss.reco.tracking.strips import PointStage

BOX = (5800.0, 7800.0)

SHAPES = {
    "2 + 2": [5.1, 5.6, 7.95, 8.45],
    "1 + 2": [5.1, 7.95, 8.45],
    "3 + 1": [4.6, 5.1, 5.6, 8.45],
    "3 + 2": [4.6, 5.1, 5.6, 7.95, 8.45],
    "2 + 4": [5.1, 5.6, 7.95, 8.2, 8.45, 9.0],
    "4 + 4": [4.4, 4.8, 5.2, 5.6, 7.95, 8.3, 8.7, 9.1],
}


def shaped(detector, stations, *, by=1.4, **keys):
    """The demo set-up with other stations (m), field, and keys of its spectrometer."""
    data = detector.model_dump(exclude_unset=True)
    data["parts"]["mm"]["stations"] = {f"MM{n}": {"z": z * 1e3} for n, z in enumerate(stations, 1)}
    data["parts"]["MBPL"]["by"] = by
    data["spectrometers"]["tracks"] |= keys
    return type(detector).model_validate(data).at([detector.file])


def hits_of(rng, detector, x, y, *, sigma=0.1, efficiency=1.0):
    """Points of one track an event at its true x, y (N, S)."""
    n, rows = len(x), []
    charge = 400.0 * (1 - 0.4 * np.log(np.abs(rng.normal(size=x.shape))))
    for number, plane in enumerate(detector.planes):
        true = (x if plane.view == "x" else y)[:, plane.station]
        seen = (rng.random(n) < efficiency) & (charge[:, plane.station] > 0)
        made = (
            np.arange(n),
            np.full(n, number),
            true + sigma * rng.normal(size=n),
            charge[:, plane.station],
            np.zeros(n),
        )
        rows.append(np.stack(made)[:, seen])
    event, plane, position, size, time = np.concatenate(rows, axis=1)
    order = np.argsort(event, kind="stable")
    columns = {"plane": plane.astype(np.int16), "position": position, "charge": size, "time": time}
    return Lists(offsets_of(np.bincount(event.astype(int), minlength=n)), {k: v[order] for k, v in columns.items()})


def reconstruct(toys, detector, points, scale=1.0):
    stages = PointStage(detector), TrackStage(detector)
    for stage in stages:
        stage.begin_run(toys.Constants(scale=scale))
    batch = toys.batch(len(points), points=points)
    return stages[1](batch, stages[0](batch, {}))


def spread(pull):
    low, high = np.quantile(pull, [0.1587, 0.8413])
    return 0.5 * (high - low)
