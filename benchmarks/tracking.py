"""The track fit: speed as a ratio to the closed-form bend, resolution against the Cramer-Rao bound, iminuit on the same hits.

``python -m benchmarks.tracking``; one thread, process time, figures of docs/tracking.md and docs/validation.md.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from benchmarks.record import Ratios, timed
from emiss.reco.field.curvature import CURVATURE
from emiss.reco.field.field_map import FieldMap
from emiss.reco.field.transport import SoftBox
from emiss.reco.tracking.fit import Hits, Spectrometer, fit_tracks
from emiss.reco.tracking.material import LOSS, highland

if TYPE_CHECKING:
    from emiss.events.lists import Array
    from emiss.reco.field.transport import Field
    from emiss.reco.tracking.fit import TrackFits

BY, LENGTH, SIGMA, X_OVER_X0 = 1.4, 2000.0, 0.08, 0.003
COUNT = 100_000
REPEATS = 5
MOMENTA = (5.0, 7.0, 10.0, 15.0, 20.0, 30.0, 50.0, 70.0, 100.0)
NAMES = ("x", "y", "tx", "ty", "q/p")


class Layout(NamedTuple):
    """Planes, and where the field begins."""

    z: Array
    begin: float

    @property
    def box(self) -> tuple[float, float]:
        """The two ends of the magnet, mm."""
        return self.begin, self.begin + LENGTH


LAYOUTS = {
    "4 + 2": Layout(np.array([0.0, 300.0, 600.0, 900.0, 3200.0, 3700.0]), 1000.0),
    "2 + 2": Layout(np.array([0.0, 500.0, 2900.0, 3400.0]), 700.0),
}


def map_of(box: tuple[float, float], *, edge: float = 120.0, step: float = 20.0) -> FieldMap:
    """Return a map of a dipole that fulfils Maxwell's equations: By - i Bz is analytic in z + iy."""
    axes = (
        np.arange(-400.0, 401.0, step),
        np.arange(-60.0, 61.0, step),
        np.arange(box[0] - 700.0, box[1] + 701.0, step),
    )
    _, y, z = np.meshgrid(*axes, indexing="ij")
    w = z + 1j * y
    f = 0.5 * BY * (np.tanh((w - box[0]) / edge) - np.tanh((w - box[1]) / edge))
    return FieldMap(axes, np.stack([np.zeros(y.shape), f.real, f.imag], axis=-1))


def spectrometers(layout: Layout) -> dict[str, Spectrometer]:
    """Return spectrometers of the same integral: box, soft edges, map."""
    return {
        "uniform": Spectrometer.uniform(BY, layout.box, X_OVER_X0),
        "soft edges": Spectrometer(SoftBox(BY, layout.box, 100.0), X_OVER_X0),
        "map": Spectrometer(map_of(layout.box), X_OVER_X0),
    }


def sample(layout: Layout, field: Field, state: Array, rng: np.random.Generator) -> Hits:
    """Return hits of tracks with Gaussian scattering and errors and the mean energy loss, plane by plane."""
    state = state.copy()
    points = np.empty((len(state), len(layout.z), 2))
    for plane, z in enumerate(layout.z):
        if plane:
            state, _ = field.transport(state, layout.z[plane - 1], z)
        points[:, plane] = state[:, :2]
        theta = highland(np.array(X_OVER_X0)) * np.abs(state[:, 4])
        along = np.sqrt(1.0 + state[:, 2] ** 2 + state[:, 3] ** 2)
        state[:, 2:4] += theta[:, None] * rng.normal(size=(len(state), 2))
        state[:, 4] /= 1.0 - LOSS * X_OVER_X0 * along * np.abs(state[:, 4])
    points += rng.normal(0.0, SIGMA, points.shape)
    return Hits(layout.z, points[:, :, 0], points[:, :, 1], SIGMA, SIGMA)


def start(p: Array, rng: np.random.Generator) -> Array:
    """Return states of both charges near the axis."""
    count = len(p)
    return np.column_stack(
        [rng.normal(0, 5.0, (count, 2)), rng.normal(0, 2e-3, (count, 2)), rng.choice([-1.0, 1.0], count) / p]
    )


def bound(layout: Layout, field: Field, state: Array) -> Array:
    """Return the Cramer-Rao bound of the errors of (x, y, tx, ty, q/p), from differences and with no part of the fit."""
    planes = len(layout.z)

    def points(state: Array, kicks: Array) -> Array:
        place, found = state[None].copy(), np.empty((planes, 2))
        for plane, z in enumerate(layout.z):
            if plane:
                place, _ = field.transport(place, layout.z[plane - 1], z)
            found[plane] = place[0, :2]
            place[0, 2:4] += kicks[plane]
        return found.ravel()

    none = np.zeros((planes, 2))
    design = []
    for k, step in enumerate((1e-2, 1e-2, 1e-6, 1e-6, 1e-6)):
        shift = np.eye(5)[k] * step
        design.append((points(state + shift, none) - points(state - shift, none)) / (2 * step))
    cov = SIGMA**2 * np.eye(2 * planes)
    theta = float(highland(np.array(X_OVER_X0))) * abs(state[4])
    for number in range(2 * planes):
        kick = none.copy()
        kick.flat[number] = 1e-6
        moved = (points(state, kick) - points(state, -kick)) / 2e-6
        cov += theta**2 * np.outer(moved, moved)
    jacobian = np.array(design).T
    fisher = jacobian.T @ np.linalg.solve(cov, jacobian)
    scale = 1 / np.sqrt(np.diag(fisher))
    return np.sqrt(np.diag(np.linalg.inv(fisher * np.outer(scale, scale)))) * scale


def speed(ratios: Ratios) -> None:
    """Print and keep fits per second, and how many closed-form bends take the time of a fit."""
    rng = np.random.default_rng(1)
    print(f"track fits, {COUNT} tracks of 5 to 100 GeV; ratio to the closed-form bend of the same hits in NumPy")
    for name, layout in LAYOUTS.items():
        hits = sample(layout, spectrometers(layout)["uniform"].field, start(rng.uniform(5, 100, COUNT), rng), rng)
        z, x = layout.z, hits.x
        last, first = len(z) - 1, 0
        before = 1 if len(z) == 4 else 3

        def closed(x=x, z=z, last=last, first=first, before=before) -> Array:
            slopes = (x[:, last] - x[:, last - 1]) / (z[last] - z[last - 1]), (x[:, before] - x[:, first]) / z[before]
            return CURVATURE * BY * LENGTH / (slopes[1] - slopes[0])

        for kind, spectrometer in spectrometers(layout).items():
            base, took = timed(closed, lambda s=spectrometer, h=hits: fit_tracks(h, s), repeats=REPEATS)
            ratio = ratios.add(f"{name} planes, {kind}", took, base)
            steps = len(spectrometer.field.steps(z).kind)
            good = np.mean(fit_tracks(hits, spectrometer).status == 0)
            print(
                f"  {name} planes, {kind:10}  {COUNT / took.best / 1e3:6.0f} k fits/s  {ratio:6.0f} x  "
                f"({steps} steps, {100 * good:.2f} % ok)"
            )


def accuracy() -> None:
    """Print resolution over the bound, pulls, and chi2 probability on a Gaussian sample, by momentum."""
    from scipy.stats import chi2, kstest

    rng = np.random.default_rng(2)
    for name, layout in LAYOUTS.items():
        for kind, spectrometer in spectrometers(layout).items():
            worst, probability = 0.0, []
            mean, width = [], []
            for p in MOMENTA:
                state = start(np.full(COUNT, p), rng)
                state[:, :4] = [3.0, -2.0, 2e-3, -1e-3]  # one track for the bound
                state[:, 4] = 1 / p
                fits = fit_tracks(sample(layout, spectrometer.field, state, rng), spectrometer)
                error = errors(fits, state)
                ratio = error.std(axis=0) / bound(layout, spectrometer.field, state[0])
                worst = max(worst, float(abs(ratio - 1).max()))
                pulls = error / np.sqrt(np.diagonal(fits.cov, axis1=1, axis2=2))
                mean.append(pulls.mean(axis=0))
                width.append(pulls.std(axis=0))
                probability.append(chi2.sf(fits.chi2, fits.ndf))
            flat = np.histogram(np.concatenate(probability), 10, (0, 1))[0] / (len(MOMENTA) * COUNT / 10)
            ks = kstest(np.concatenate(probability)[::50], "uniform").pvalue
            print(
                f"  {name} planes, {kind:10}  resolution off the bound by at most {100 * worst:.1f} %, "
                f"pulls {np.min(mean):+.3f} to {np.max(mean):+.3f}, width {np.min(width):.3f} to {np.max(width):.3f}, "
                f"chi2 probability {flat.min():.3f} to {flat.max():.3f} of flat (KS {ks:.2f})"
            )


def single() -> None:
    """Print the time of iminuit on single tracks over that of ours, and how far the answers are apart."""
    from emiss.reco.tracking.single_track import fit_single

    rng = np.random.default_rng(3)
    count = 60
    for name, layout in LAYOUTS.items():
        for kind, spectrometer in spectrometers(layout).items():
            state = start(np.geomspace(5, 100, count), rng)
            hits = sample(layout, spectrometer.field, state, rng)
            many = sample(layout, spectrometer.field, np.repeat(state, 500, axis=0), rng)
            (took,) = timed(lambda m=many, s=spectrometer: fit_tracks(m, s), repeats=REPEATS)
            ours = took.best / (500 * count)
            fits = fit_tracks(hits, spectrometer)
            begun = time.process_time()
            for track in range(count):
                fit_single(hits, spectrometer, track, scan=False)
            theirs = (time.process_time() - begun) / count
            apart, wider = [], []
            for track in range(0, count, 3):
                found = fit_single(hits, spectrometer, track)
                mine = np.array([v[track] for v in (fits.x, fits.y, fits.tx, fits.ty, fits.q_over_p)])
                apart.append(abs(mine - found.state) / found.errors)
                wider.append(abs(np.sqrt(np.diag(fits.cov[track])) / found.errors - 1))
            print(
                f"  {name} planes, {kind:10}  {theirs * 1e3:5.1f} ms against {ours * 1e6:.2f} us: {theirs / ours:6.0f} x; "
                f"states apart by at most {np.max(apart):.4f} errors, errors by {100 * np.max(wider):.2f} %"
            )


def errors(fits: TrackFits, state: Array) -> Array:
    """Return fitted minus true states; a track that failed is an error of the benchmark."""
    assert (fits.status == 0).all()
    return np.column_stack([fits.x, fits.y, fits.tx, fits.ty, fits.q_over_p]) - state


if __name__ == "__main__":
    collected = Ratios("tracking")
    speed(collected)
    collected.save()
    print("\niminuit (MIGRAD, strategy 2, tol 1e-3, and HESSE) on single tracks; answers compared with MINOS errors")
    single()
    print(f"\nGaussian sample, {COUNT} tracks at each of {', '.join(f'{p:g}' for p in MOMENTA)} GeV")
    accuracy()
