"""Track finding with noise: ``python -m benchmarks.finding [--events N]``.

One muon per event through the spectrometer of `na64e_lfc`, all stations hit (or one of the four left out), digitised to APV
samples; in each view 2 % of the read-out channels fire on their own, with a random time within 100 ns. Printed: the share of
events in which a track with the status ok is the muon (clusters of the muon on every plane that has one), and the tracks with
the status ok that are not.
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.record import Ratios
from benchmarks.spectrometer import Spectrometer
from emiss.calib.conditions import Conditions
from emiss.configs import loader
from emiss.events.batch import Batch
from emiss.events.lists import Lists, offsets_of
from emiss.reco.detector.model import load_detector
from emiss.reco.tracking.stage import TrackStage
from emiss.reco.tracking.strips import StripStage
from emiss.samples.config import Digitisation, Response
from emiss.samples.digitise_trackers import strips
from emiss.samples.walk.tracks import ENERGY, MUON_MASS, X, Y

if TYPE_CHECKING:
    from emiss.calib.conditions import RunConditions
    from emiss.events.lists import Array
    from emiss.reco.detector.model import Detector

RUN = 6101
NOISY = 0.02
WITHIN = 100.0
"""ns; times of noise are uniform from minus to plus this, relative to the trigger."""

NEAR = 2.0
"""mm; a track is the muon if x and y at the first station and its momentum (within a third, and the charge) are the muon's."""


def muons(count: int, rng: np.random.Generator) -> dict[str, Array | float]:
    """Return one muon per event from the target, 10 to 100 GeV, both charges: columns of tracks."""
    return {
        "charge": rng.choice([-1.0, 1.0], count),
        "energy": rng.uniform(10, 100, count),
        "x": rng.normal(0, 5, count),
        "y": rng.normal(0, 5, count),
        "tx": rng.normal(0, 1e-3, count),
        "ty": rng.normal(0, 1e-3, count),
    }


def noise(
    events: int, detector: Detector, constants: RunConditions, rng: np.random.Generator, share: float = NOISY
) -> Lists:
    """Return digits of single channels with the noise's spectrum: above the threshold it falls off with half of it."""
    planes = detector.planes
    timing = constants.get("apv.time", detector.plane_names)
    rows = []
    for number, plane in enumerate(planes):
        event, wire = np.nonzero(rng.random((events, plane.channels)) < share)
        names = [f"{plane.name}.{channel}" for channel in range(plane.channels)]
        sigma = constants.get("apv.gain", names)["noise"][wire]
        height = sigma * (4.0 + rng.exponential(4.0, len(event)))
        when = rng.uniform(-WITHIN, WITHIN, len(event))
        r0, t0, a0 = (timing[name][number] for name in ("r0", "t0", "a0"))
        second = r0 / (1.0 + np.exp((when - t0) / a0))
        largest = np.maximum(second, 1.0)
        a2, a1 = height / largest, height * second / largest
        rows.append(np.stack([event, np.full(len(event), number), wire, 0.25 * a1, a1, a2]))
    event, *columns = np.concatenate(rows, axis=1)
    order = np.argsort(event, kind="stable")
    fields = dict(zip(("plane", "wire", "a0", "a1", "a2"), columns, strict=True))
    counts = np.bincount(event.astype(np.int64), minlength=events)
    return Lists(offsets_of(counts), {name: np.rint(values[order]).astype(np.int16) for name, values in fields.items()})


def merged(first: Lists, second: Lists) -> Lists:
    """Return the rows of both, event by event; of two digits of one channel the larger one."""
    event = np.concatenate([first.parents, second.parents])
    columns = {name: np.concatenate([first[name], second[name]]) for name in first.columns}
    order = np.lexsort((-columns["a2"], columns["wire"], columns["plane"], event))
    event, columns = event[order], {name: values[order] for name, values in columns.items()}
    same = (np.diff(event) == 0) & (np.diff(columns["plane"]) == 0) & (np.diff(columns["wire"]) == 0)
    kept = np.concatenate(([True], ~same))
    counts = np.bincount(event[kept], minlength=len(first))
    return Lists(offsets_of(counts), {name: values[kept] for name, values in columns.items()})


def simulate(
    count: int, missing: bool, detector: Detector, constants: RunConditions, seed: int
) -> tuple[Lists, dict[str, Array]]:
    """Return the digits of muons that hit every plane, or all but one station, and their truth at the first station."""
    rng = np.random.default_rng(seed)
    made = muons(count, rng)
    points, first, _ = Spectrometer(detector, Response()).points(made, count, rng)
    if missing:
        station = np.array([plane.station for plane in detector.planes])[points["plane"]]
        points = points.rows(station != rng.integers(0, 4, count)[points.parents])
    full = np.flatnonzero(points.counts == (6 if missing else 8))
    seen = strips(points, detector, constants, Digitisation(), rng)
    digits = merged(seen, noise(count, detector, constants, rng)).take(full)
    p = np.sqrt(np.maximum(first[full, ENERGY] ** 2 - MUON_MASS**2, 0.0))
    truth = {"x": first[full, X], "y": first[full, Y], "momentum": p, "charge": np.asarray(made["charge"])[full]}
    return digits, truth


def judge(tracks: Lists, truth: dict[str, Array]) -> tuple[Array, Array]:
    """Return in which events the muon is found, and how many other tracks each has."""
    event = tracks.parents
    near = (np.abs(tracks["x"] - truth["x"][event]) < NEAR) & (np.abs(tracks["y"] - truth["y"][event]) < NEAR)
    p = truth["momentum"][event]
    near &= (np.abs(tracks["p"] / p - 1.0) < 1 / 3) & (tracks["charge"] == truth["charge"][event])
    right = np.bincount(event[near], minlength=len(tracks))
    ghosts = np.bincount(event[~near], minlength=len(tracks)) + np.maximum(right - 1, 0)
    return right > 0, ghosts


def main(count: int) -> None:
    """Print efficiencies and ghosts, and keep them."""
    ratios = Ratios("finding")
    detector = load_detector("na64e_lfc")
    constants = Conditions.load(loader.find("calib", "demo")).for_run(RUN)
    stage, tracks = StripStage(detector), TrackStage(detector)
    stage.begin_run(constants)
    tracks.begin_run(constants)
    print(
        "one muon, 2 % of the channels of each view noisy   events  efficiency        ghosts per event   us per event"
    )
    for title, missing in (("all stations hit", False), ("one of the four missing", True)):
        found, ghosts, spent = [], [], 0.0
        for seed in range(-(-count // 5000)):
            digits, truth = simulate(5000, missing, detector, constants, seed)
            size = len(digits)
            batch = Batch(RUN, (0, size), {"entry": np.arange(size)}, apv=digits)
            begun = time.process_time()
            products = stage(batch, {})
            made = tracks(batch, products)["tracks"]
            spent += time.process_time() - begun
            right, others = judge(made, truth)
            found.append(right)
            ghosts.append(others)
        right, others = np.concatenate(found), np.concatenate(ghosts)
        error = np.sqrt(right.mean() * (1 - right.mean()) / len(right))
        lost, extra = (~right).mean(), others.mean()
        ratios.add_number(f"{title}: not found", lost, error / lost if lost else 1.0, "per event")
        ratios.add_number(
            f"{title}: ghosts", extra, others.std() / extra / len(others) ** 0.5 if extra else 1.0, "per event"
        )
        print(
            f"  {title:46} {len(right):7}  {right.mean():.4%} +- {error:.4%}   {others.mean():.5f}"
            f"   {spent / len(right) * 1e6:12.1f}"
        )
    ratios.save()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=50_000)
    main(parser.parse_args().events)
