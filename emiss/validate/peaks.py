"""The most probable value of a histogram that has one main peak."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.polynomial.polynomial import polyfit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emiss.configs.arrays import Floats


def peak(contents: Floats, edges: Sequence[float], *, above: float = 0.0, width: float = 0.35) -> float | None:
    """Return where a histogram is highest: the top of a parabola through the logarithm of the bins around its highest place.

    Parameters
    ----------
    contents : array of shape (B,)
        Sums of weights.
    edges : sequence of B + 1 floats
        Of bins of the same width.
    above : float
        What lies below is not looked at, such as modules that saw nothing.
    width : float
        Half the range around the highest place that the parabola goes through, and the width over which the histogram is
        averaged to find that.

    Returns
    -------
    float or None
        None where fewer than three bins hold something.
    """
    values = np.asarray(contents, float)
    ends = np.asarray(edges, float)
    centres = 0.5 * (ends[1:] + ends[:-1])
    step = float(ends[1] - ends[0])
    values = np.where(centres > above, values, 0.0)
    many = max(1, round(width / step))
    smooth = np.convolve(values, np.ones(2 * (many // 2) + 1), mode="same")
    highest = centres[int(np.argmax(smooth))]
    near = (np.abs(centres - highest) <= width) & (values > 0.0)
    if np.count_nonzero(near) < 3:
        return None
    # the logarithm of a count of n has the error 1/sqrt(n)
    _, slope, bend = polyfit(centres[near] - highest, np.log(values[near]), 2, w=np.sqrt(values[near]))
    top = highest - 0.5 * slope / bend if bend < 0.0 else highest
    return float(np.clip(top, highest - width, highest + width))
