"""Tracks of straws against the truth: ``python -m benchmarks.straws [EVENTS]``.

Muons of 10 to 60 GeV, one an event, on circles with kicks in the planes (`tests.reco.conftest`, which shares no code with
the fit), through set-ups of straws: share of those inside all planes that is found, spread of the pull of q/p, share off by
more than 5 errors, hits on the wrong side of their wire (of all, and of those farther from it than two resolutions), and what
the same hits give when the sides are known.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from emiss.events.lists import Lists, offsets_of
from emiss.reco.detector.model import load_detector
from emiss.reco.parts.technologies import measured
from emiss.reco.tracking.stage import ArmTracks
from emiss.reco.tracking.strips import PointStage
from tests.reco.conftest import batch, muons

if TYPE_CHECKING:
    from emiss.configs.arrays import Array
    from emiss.reco.detector.model import Detector

BOX, FIELD = (5800.0, 7800.0), 1.4
SINGLE, DOUBLE = {"layers": 1}, {"layers": 2, "spacing": 6.0}
LAYOUTS: dict[str, tuple[list[float], dict[str, Any]]] = {
    "2 + 2 stations, one layer": ([5.1, 5.6, 7.95, 8.45], SINGLE),
    "4 + 4 stations, one layer": ([4.4, 4.8, 5.2, 5.6, 7.95, 8.3, 8.7, 9.1], SINGLE),
    "2 + 2 stations, two layers": ([5.1, 5.6, 7.95, 8.45], DOUBLE),
    "3 + 3 stations, two layers": ([4.6, 5.1, 5.6, 7.95, 8.45, 9.0], DOUBLE),
}


class Quality(NamedTuple):
    """What came of muons, in shares; the pull's spread is half the distance of its quantiles of 16 and 84 %."""

    found: float
    pull: float
    off: float
    wrong: float
    wrong_far: float
    known: float


def set_up(stations: list[float], layers: dict[str, Any], *, efficiency: float = 0.98) -> Detector:
    """Return the demo set-up with stations of straws (m) in place of its Micromegas."""
    base = load_detector("na64e_lfc")
    data = base.model_dump(exclude_unset=True)
    data["digitisers"]["tdc"] = {"kind": "tdc", "bin": 1.0, "bits": 16, "start": 400.0, "source": "illustrative"}
    drift = {"velocity": 0.06, "source": "illustrative"}
    straw = {"diameter": 6.0, **layers, "drift": drift, "source": "illustrative"}
    del data["parts"]["mm"]
    data["parts"]["st"] = {
        "kind": "tracker",
        "technology": "straw",
        "stations": {f"ST{n}": {"z": z * 1e3} for n, z in enumerate(stations, 1)},
        "views": {"x": {"strips": 48}, "y": {"strips": 24}},
        "pitch": 6.0,
        "straw": straw,
        "digitiser": "tdc",
        "sigma": 0.2,
        "x_over_x0": 0.002 * layers["layers"],
        "window": (-20.0, 80.0),
        "efficiency": efficiency,
        "source": "illustrative",
    }
    data["spectrometers"]["tracks"]["trackers"] = ["st"]
    return type(base).model_validate(data).at([base.file])


def points(detector: Detector, x: Array, y: Array, rng: np.random.Generator) -> Lists:
    """Return the points of one track an event at x, y (N, planes of a view)."""
    rows = []
    for number, plane in enumerate(detector.planes):
        true = (x if plane.view == "x" else y)[:, plane.station]
        told = measured(plane, true, rng)
        inside = np.ones(len(true), bool) if told.inside is None else told.inside
        seen = np.flatnonzero(inside & (rng.random(len(true)) < plane.efficiency))
        time = np.zeros(len(true)) if told.time is None else told.time
        rows.append(np.stack([seen, np.full(len(seen), number), told.position[seen], time[seen]]))
    event, plane_of, position, time = np.concatenate(rows, axis=1)
    order = np.argsort(event, kind="stable")
    columns = {"plane": plane_of.astype(np.int16), "position": position, "charge": np.ones(len(event)), "time": time}
    counts = np.bincount(event.astype(np.int64), minlength=len(x))
    return Lists(offsets_of(counts), {name: values[order] for name, values in columns.items()})


def quality(detector: Detector, events: int, seed: int = 1) -> Quality:
    """Return what came of so many muons."""
    rng = np.random.default_rng(seed)
    tracks = ArmTracks(detector, detector.arms["tracks"])
    p, q = rng.uniform(10, 60, events), rng.choice([-1.0, 1.0], events)
    made = muons(rng, p, q, tracks.z, BOX, FIELD, x_over_x0=0.002)
    seen = points(detector, made.x, made.y, rng)
    inside = np.ones(events, bool)
    for plane in detector.planes:
        true = (made.x if plane.view == "x" else made.y)[:, plane.station]
        inside &= np.abs(true - plane.centre) < 0.5 * plane.strips * plane.pitch
    found = tracks(PointStage(detector)(batch(events, points=seen), {})["clusters"])
    fits = found.fits
    one = (np.diff(found.offsets) == 1) & (fits.status[np.minimum(found.offsets[:-1], len(fits.status) - 1)] == 0)
    row = found.offsets[:-1][one]
    pull = (fits.q_over_p[row] - (q / p)[one]) / fits.sigma_q_over_p[row]
    hits = np.stack([found.hits.x[row], found.hits.y[row]], axis=2)
    true = np.stack([made.x[one], made.y[one]], axis=2)
    wires = np.stack([_wires(detector, view, true[:, :, n]) for n, view in enumerate("xy")], axis=2)
    side = np.sign(hits - wires)
    known = np.isfinite(hits) & (side != 0)
    wrong = known & (side != np.sign(true - wires))
    far = known & (np.abs(true - wires) > 0.4)
    best = hits.copy()
    best[wrong] = (2.0 * wires - hits)[wrong]
    again = tracks.fit(type(found.hits)(tracks.z, best[:, :, 0], best[:, :, 1], 0.2, 0.2))
    right = (again.q_over_p - (q / p)[one]) / again.sigma_q_over_p
    return Quality(
        float(one[inside].mean()),
        _spread(pull),
        float((np.abs(pull) > 5.0).mean()),
        float(wrong.sum() / known.sum()),
        float((wrong & far).sum() / far.sum()),
        _spread(right),
    )


def _wires(detector: Detector, view: str, position: Array) -> Array:
    """Return the wires (N, S) next to positions in the planes of a view."""
    planes = [plane for plane in detector.planes if plane.view == view]
    number = [
        np.rint((position[:, s] - float(plane.position(np.zeros(1))[0])) / plane.pitch)
        for s, plane in enumerate(planes)
    ]
    return np.stack([plane.position(n) for plane, n in zip(planes, number, strict=True)], axis=1)


def _spread(pull: Array) -> float:
    low, high = np.nanquantile(pull, [0.1587, 0.8413])
    return float(0.5 * (high - low))


def main() -> None:
    """Print the table of all layouts."""
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    print(
        "| straws | found | pull of q/p | off by 5 errors | wrong sides | of those 0.4 mm off the wire | pull, sides known |"
    )
    print("|---|---|---|---|---|---|---|")
    for name, (stations, layers) in LAYOUTS.items():
        made = quality(set_up(stations, layers), events)
        shares = f"{made.wrong:.2%} | {made.wrong_far:.2%}"
        print(f"| {name} | {made.found:.1%} | {made.pull:.2f} | {made.off:.2%} | {shares} | {made.known:.2f} |")


if __name__ == "__main__":
    main()
