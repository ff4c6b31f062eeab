"""Toys for the tests of the tracker: constants of a run, muons through the spectrometer, digits of their hits."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

from emiss.events.batch import Batch
from emiss.events.lists import Lists, offsets_of

C = 0.299792458e-3  # GeV/(T mm)


class Constants:
    """Constants of a run without files: gains and noise by channel, timing and alignment by plane, field scale."""

    def __init__(self, *, scale: float = 1.0, seed: int = 1) -> None:
        self.scale = scale
        self.seed = seed

    def get(self, type_, channels):
        n, rng = len(channels), np.random.default_rng(self.seed)
        return {
            "apv.gain": lambda: {"gain": rng.uniform(0.9, 1.1, n), "noise": rng.uniform(4.0, 6.0, n)},
            "apv.status": lambda: {"status": np.zeros(n)},
            "apv.time": lambda: {"t0": rng.uniform(-5, 5, n), "r0": np.full(n, 1.3), "a0": np.full(n, 20.0)},
            "tracker.alignment": lambda: {"shift": rng.uniform(-0.2, 0.2, n)},
            "magnet.field": lambda: {"scale": np.full(n, self.scale)},
        }[type_]()


@dataclass
class Muons:
    """States (N, 5) at the first plane, and true x and y (N, P)."""

    state: np.ndarray
    x: np.ndarray
    y: np.ndarray


def highland(p, x_over_x0):
    return 0.0136 / p * np.sqrt(x_over_x0) * (1 + 0.038 * np.log(x_over_x0)) if x_over_x0 else 0.0 * p


LOSS = 0.070  # GeV per radiation length of light matter


def follow(state, z, box, by, kicks=None, x_over_x0=0.0):
    """Return x, y (N, P) of states (N, 5) at the first plane: circles in the box, a kick (N, P, 2) and a loss in each plane.

    Independent of the code under test, with the momentum vector and the centre of the circle.
    """
    x, y, tx, ty, q_over_p = np.array(state, float).T
    q, p = np.sign(q_over_p), 1 / np.abs(q_over_p)
    xs, ys = np.empty((len(x), len(z))), np.empty((len(x), len(z)))
    here = z[0]
    for i, target in enumerate(z):
        edges = [e for e in box if here < e < target]
        for low, high in zip([here, *edges], [*edges, target], strict=True):
            h = high - low
            if not box[0] <= 0.5 * (low + high) <= box[1] or by == 0 or h == 0:
                x, y = x + tx * h, y + ty * h
                continue
            norm = np.sqrt(1 + tx**2 + ty**2)
            px, py, pz = p * tx / norm, p * ty / norm, p / norm
            pt = np.hypot(px, pz)
            radius = pt / (C * q * by)
            new_px = px - C * q * by * h
            new_pz = np.sqrt(pt**2 - new_px**2)
            x = x + radius * (new_pz - pz) / pt
            y = y + py / pt * radius * (np.arcsin(px / pt) - np.arcsin(new_px / pt))
            tx, ty = new_px / new_pz, py / new_pz
        here = target
        xs[:, i], ys[:, i] = x, y
        p = p - LOSS * x_over_x0 * np.sqrt(1 + tx**2 + ty**2)
        if kicks is not None:
            tx, ty = tx + kicks[:, i, 0], ty + kicks[:, i, 1]
    return xs, ys


def muons(rng, p, q, z, box, by, *, x_over_x0=0.003, size=5.0, slope=2e-3):
    """Return muons with random position and slope that scatter in the planes."""
    n = len(p)
    state = np.column_stack([*rng.normal(0, size, (2, n)), *rng.normal(0, slope, (2, n)), q / p])
    kicks = rng.normal(0, 1, (n, len(z), 2)) * highland(p, x_over_x0)[:, None, None]
    return Muons(state, *follow(state, z, box, by, kicks, x_over_x0))


def digits(rng, detector, constants, points, *, spread=0.25, threshold=4.0):
    """Digitise points: Gaussian sharing, multiplexing, three samples, noise, zero suppression. Event by event."""
    planes = detector.planes
    timing = constants.get("apv.time", [p.name for p in planes])
    shift = constants.get("tracker.alignment", [p.name for p in planes])["shift"]
    first = np.concatenate(([0], np.cumsum([p.channels for p in planes])))
    gains = constants.get("apv.gain", [None] * int(first[-1]))
    rows, counts = [], []
    for event in range(len(points)):
        a, b = points.offsets[event : event + 2]
        sums: dict[tuple[int, int], list[float]] = {}
        for i in range(a, b):
            plane = planes[points["plane"][i]]
            number = int(points["plane"][i])
            where = (points["position"][i] - shift[number] - plane.position(0)) / plane.pitch
            for strip in range(int(np.floor(where)) - 2, int(np.floor(where)) + 4):
                if not 0 <= strip < plane.strips:
                    continue
                share = np.exp(-0.5 * ((strip - where) * plane.pitch / spread) ** 2)
                share *= plane.pitch / spread / np.sqrt(2 * np.pi)
                key = (number, int(detector.wiring(plane)[strip]))
                entry = sums.setdefault(key, [0.0, points["time"][i]])
                entry[0] += points["charge"][i] * share
        kept = 0
        for (number, wire), (charge, time) in sorted(sums.items()):
            channel = first[number] + wire
            a2 = charge * gains["gain"][channel]
            r = timing["r0"][number] / (1 + np.exp((time - timing["t0"][number]) / timing["a0"][number]))
            noisy = np.rint(np.array([0.3 * r * a2, r * a2, a2]) + rng.normal(0, gains["noise"][channel], 3))
            if noisy.max() > threshold * gains["noise"][channel]:
                rows.append((number, wire, *noisy))
                kept += 1
        counts.append(kept)
    table = np.array(rows, np.int64).reshape(-1, 5).T
    columns = {name: table[k].astype(np.int16) for k, name in enumerate(("plane", "wire", "a0", "a1", "a2"))}
    return Lists(offsets_of(np.array(counts, np.int64)), columns)


def points(rng, detector, tracks, of_event, events, *, sigma=0.1, efficiency=1.0, charge=400.0):
    """Return the points of tracks (x, y at the stations) in their events; both views share time and mostly charge."""
    n, rows = len(of_event), []
    shared = charge * (1 - 0.4 * np.log(np.abs(rng.normal(size=(n, 4)))))
    times = rng.normal(0, 5.0, (n, 4))
    for number, plane in enumerate(detector.planes):
        true = (tracks.x if plane.view == "x" else tracks.y)[:, plane.station]
        seen = np.abs(true - plane.centre) < 0.5 * plane.strips * plane.pitch
        seen &= (rng.random(n) < efficiency) & (shared[:, plane.station] > 0)
        position = true + rng.normal(0, 1, n) * sigma
        size = shared[:, plane.station] * rng.lognormal(0, 0.15, n)
        rows += [np.stack([of_event, np.full(n, number), position, size, times[:, plane.station]])[:, seen]]
    event, plane, position, size, time = np.concatenate(rows, axis=1)
    order = np.argsort(event, kind="stable")
    columns = {"plane": plane.astype(np.int16), "position": position, "charge": size, "time": time}
    counts = np.bincount(event.astype(np.int64), minlength=events)
    return Lists(offsets_of(counts), {name: values[order] for name, values in columns.items()})


def batch(size, **kinds):
    return Batch(run=6106, entries=(0, size), header={"entry": np.arange(size)}, **kinds)


@pytest.fixture(scope="session")
def toys():
    return SimpleNamespace(
        C=C,
        LOSS=LOSS,
        Constants=Constants,
        Muons=Muons,
        follow=follow,
        muons=muons,
        highland=highland,
        digits=digits,
        points=points,
        batch=batch,
    )
