"""What differs between the histograms of two results, in memory or on disk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emiss.selection.results.difference import TOLERANCE, Note

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from emiss.configs.arrays import Bools, Floats
    from emiss.selection.counting.histograms import BySample, Key

    Contents = Mapping[tuple[str, Key], "Content"]


@dataclass(frozen=True)
class Content:
    """What is in a histogram.

    Attributes
    ----------
    axes : tuple of float64 arrays
        The edges of each axis.
    values, variances : float64 arrays
        Sums of weights and of their squares, with under- and overflow on both sides of each axis.
    undefined : int
    """

    axes: tuple[Floats, ...]
    values: Floats
    variances: Floats
    undefined: int


def contents(histograms: BySample) -> Contents:
    """Return what is in the histograms of a result."""
    found = {}
    for sample, made in histograms.items():
        for key, filled in made.items():
            view = filled.hist.view(flow=True)
            axes = tuple(np.asarray(axis.edges) for axis in filled.axes)
            found[sample, key] = Content(axes, np.array(view["value"]), np.array(view["variance"]), filled.undefined)
    return found


def compare(a: Contents, b: Contents, tolerance: float = TOLERANCE) -> tuple[Note, ...]:
    """Return what differs between two sets of histograms: one note for each."""
    return tuple(note for key in dict.fromkeys([*a, *b]) for note in _one(*key, a.get(key), b.get(key), tolerance))


def _one(sample: str, key: Key, a: Content | None, b: Content | None, tolerance: float) -> Iterator[Note]:
    what = f"histogram {key}"
    if a is None or b is None:
        yield Note(sample, what, *("not there" if side is None else "there" for side in (a, b)))
        return
    same = len(a.axes) == len(b.axes) and all(
        len(x) == len(y) and np.allclose(x, y, rtol=tolerance, atol=0.0) for x, y in zip(a.axes, b.axes, strict=True)
    )
    if not same:
        yield Note(sample, f"{what}, bins", *(_bins(side) for side in (a, b)))
        return
    differ = ~(_near(a.values, b.values, tolerance) & _near(a.variances, b.variances, tolerance))
    if differ.any():
        distance = np.where(differ, np.abs(a.values - b.values), -1.0)
        at = np.unravel_index(int(np.argmax(distance)), distance.shape)
        where = " and ".join(_interval(axis, int(i)) for axis, i in zip(a.axes, at, strict=True))
        count = f"{np.count_nonzero(differ)} of {differ.size} bins, most {where}"
        yield Note(sample, f"{what}, {count}", *(f"{side.values[at]:.12g}" for side in (a, b)))
    if a.undefined != b.undefined:
        yield Note(sample, f"{what}, undefined values", str(a.undefined), str(b.undefined))


def _near(x: Floats, y: Floats, tolerance: float) -> Bools:
    return np.asarray(np.abs(x - y) <= tolerance * np.maximum(np.abs(x), np.abs(y)))


def _bins(content: Content) -> str:
    return " x ".join(f"{len(axis) - 1} from {axis[0]:g} to {axis[-1]:g}" for axis in content.axes)


def _interval(edges: Floats, i: int) -> str:
    """Return where bin `i` lies, counted with the underflow."""
    if i == 0:
        return f"below {edges[0]:g}"
    return f"from {edges[i - 1]:g} to {edges[i]:g}" if i < len(edges) else f"above {edges[-1]:g}"
