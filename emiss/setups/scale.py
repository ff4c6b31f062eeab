"""The z axis of a drawing: stretches without parts are shortened, all else has one scale; and labels side by side along it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from emiss.configs.arrays import Floats

LONGEST, SHORTENED = 1500.0, 700.0
"""mm: a longer stretch without parts is drawn as the second length."""


@dataclass(frozen=True)
class Scale:
    """Places along z (mm) and where they are drawn, ascending; `breaks` are the stretches that are shortened."""

    z: Floats
    drawn: Floats
    breaks: tuple[tuple[float, float], ...]

    def __call__(self, z: float | Floats) -> Floats:
        """Return where a z is drawn; beyond the ends as if the scale went on."""
        z = np.asarray(z, np.float64)
        inside = np.interp(z, self.z, self.drawn)
        return np.asarray(inside + np.minimum(z - self.z[0], 0.0) + np.maximum(z - self.z[-1], 0.0))

    @property
    def length(self) -> float:
        """Of the drawing, mm."""
        return float(self.drawn[-1] - self.drawn[0])

    def ticks(self, apart: float) -> list[float]:
        """Return round places (mm) at least `apart` mm from each other as drawn, none of them in what is left out."""
        found: list[float] = []
        for step in (5000.0, 2000.0, 1000.0, 500.0, 200.0, 100.0):
            if step < apart and found:
                break
            for z in np.arange(np.ceil(self.z[0] / step), np.floor(self.z[-1] / step) + 1) * step:
                hidden = any(first < z < last for first, last in self.breaks)
                if not hidden and all(abs(self(z) - self(other)) >= apart for other in found):
                    found.append(float(z))
        return sorted(found)


def scale(ranges: Iterable[tuple[float, float]]) -> Scale:
    """Return the scale for parts between these pairs of z (mm)."""
    merged: list[list[float]] = []
    for first, last in sorted(ranges):
        if merged and first - merged[-1][1] <= LONGEST:
            merged[-1][1] = max(merged[-1][1], last)
        else:
            merged.append([first, last])
    z, drawn, breaks = [merged[0][0]], [0.0], []
    for number, (first, last) in enumerate(merged):
        if number:
            breaks.append((z[-1], first))
            z.append(first)
            drawn.append(drawn[-1] + SHORTENED)
        z.append(max(last, z[-1] + 1.0))
        drawn.append(drawn[-1] + z[-1] - z[-2])
    return Scale(np.array(z), np.array(drawn), tuple(breaks))


def spread(wanted: Sequence[float], apart: float) -> list[float]:
    """Return places as near to ascending wanted ones as they can be with `apart` between neighbours (least squares)."""
    # neighbours that are too near move together, each group around its mean
    groups: list[tuple[float, int]] = []
    for number, place in enumerate(wanted):
        mean, count = place - number * apart, 1
        while groups and groups[-1][0] >= mean:
            before, many = groups.pop()
            mean, count = (before * many + mean * count) / (many + count), many + count
        groups.append((mean, count))
    flat = [mean for mean, count in groups for _ in range(count)]
    return [mean + number * apart for number, mean in enumerate(flat)]
