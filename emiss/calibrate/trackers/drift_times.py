"""Spectra of drift times of straws, and when they begin: fits of many wires at once.

Particles cross a tube anywhere along its diameter, with a density that is at most a straight line in the distance to the wire
where a beam ends. The distance is measured with an error, and the relation of the set-up makes a time of it. So the spectrum
of a wire is known but for its number, the slope of the density, the time at which it begins, and a flat background.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from emiss.calibrate.likelihood import Fits, fit_many

if TYPE_CHECKING:
    from collections.abc import Callable

    from emiss.configs.arrays import Bools, Floats
    from emiss.reco.parts.tracker import Plane

FINE = 2000
"""Steps of the distance from below the wire to beyond the wall."""

BEYOND = 5.0
"""Errors of the distance that a spectrum goes on for beyond wire and wall."""

BESIDE = 40.0
"""ns of background that are fitted on both sides of a spectrum."""


class Spectrum(NamedTuple):
    """Cumulated spectra of a plane over times since the particle (ns): of an even density, and of one that grows outwards."""

    times: Floats
    even: Floats
    sloped: Floats


def spectrum(plane: Plane) -> Spectrum:
    """Return the spectrum of drift times of a plane of straws."""
    from scipy.special import ndtr
    from scipy.stats import norm

    straw = plane.straw
    assert straw is not None  # noqa: S101 - of straws alone
    radius, sigma = straw.radius, plane.sigma
    seen = np.linspace(-BEYOND * sigma, radius + BEYOND * sigma, FINE)
    near, far = seen / sigma, (seen - radius) / sigma
    even = ndtr(near) - ndtr(far)
    # the mean of the true distance where one is seen, times how often it is seen
    mean = seen * even + sigma * (norm.pdf(near) - norm.pdf(far))
    sloped = 2.0 * mean / radius - even
    times = straw.time(seen)
    total = even.sum()
    return Spectrum(times, np.cumsum(even) / total, np.cumsum(sloped) / total)


def begins(plane: Plane, counts: Floats, edges: Floats) -> Fits:
    """Fit when the spectra of wires begin.

    Parameters
    ----------
    plane : Plane
        Of straws.
    counts : array of shape (C, B)
        Hits in bins of the time.
    edges : array of shape (B + 1,)
        ns, in equal steps.

    Returns
    -------
    Fits
        Of number, slope of the density (-1 to 1), begin (ns) and background by bin.
    """
    known = spectrum(plane)
    first = _first(known, counts, edges)
    model = model_of(plane, edges)
    entries = counts.sum(axis=1)
    start = np.column_stack([0.9 * entries + 1.0, np.zeros(len(first)), first, 0.1 * entries / counts.shape[1] + 1e-3])
    steps = np.broadcast_to([1.0, 1e-2, 1e-2, 1e-3], start.shape)
    low = np.column_stack([np.zeros(len(first)), np.full(len(first), -1.0), first - BESIDE, np.zeros(len(first))])
    high = np.column_stack([2.0 * entries + 10.0, np.full(len(first), 1.0), first + BESIDE, entries + 1.0])
    return fit_many(model, counts, start, np.array(steps), low, high, near(known, first, edges))


def near(known: Spectrum, first: Floats, edges: Floats) -> Bools:
    """Return which bins are in a spectrum that begins at some times, or beside it, shape (C, B)."""
    since = 0.5 * (edges[1:] + edges[:-1]) - first[:, None]
    return np.asarray((since > known.times[0] - BESIDE) & (since < known.times[-1] + BESIDE))


def model_of(plane: Plane, edges: Floats) -> Callable[[Floats], Floats]:
    """Return what is expected in bins for the parameters of `begins`, (C, 4) to (C, B)."""
    times, *both = spectrum(plane)

    def model(values: Floats) -> Floats:
        number, slope, begin, flat = values.T[:, :, None]
        even, sloped = (np.diff(np.interp(edges - begin, times, one), axis=1) for one in both)
        return np.asarray(number * (even + slope * sloped) + flat)

    return model


def _first(known: Spectrum, counts: Floats, edges: Floats) -> Floats:
    """Return about when spectra begin, shape (C,): where counts are most like the even spectrum."""
    from scipy.signal import fftconvolve

    step = float(edges[1] - edges[0])
    size = int(np.ceil((known.times[-1] - known.times[0]) / step)) + 1
    shape = np.diff(np.interp(known.times[0] + step * np.arange(size + 1), known.times, known.even))
    like = fftconvolve(counts, (shape - shape.mean())[None, ::-1], mode="valid", axes=1)
    return np.asarray(edges[0] + step * like.argmax(axis=1) - known.times[0])
