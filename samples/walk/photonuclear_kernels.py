"""Numba kernels: hadronic interactions of the photons in a shower."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from emiss.configs.compiled import apart, fused
from emiss.physics.shower.photonuclear import SOFTEST

if TYPE_CHECKING:
    import numpy as np

    from emiss.physics.shower.photonuclear import Photonuclear


@fused
def nuclear(
    table: Photonuclear, per_length: float, energy: float, rng: np.random.Generator
) -> tuple[int, float, float]:
    """Draw the hadronic interaction of a photon in an electron's shower.

    Parameters
    ----------
    table : Photonuclear
    per_length : float
        `World.per_length` of the slab.
    energy : float
        Of the electron, GeV.

    Returns
    -------
    count : int
        0 or 1; a second one in the same shower has the square of a per cent and is left out.
    k : float
        The photon's energy, GeV, from `emiss.physics.shower.photonuclear.SOFTEST` on.
    depth : float
        Where, in radiation lengths from the electron.
    """
    apart()
    ln_least = math.log(SOFTEST / energy)
    if ln_least >= 0.0:
        return 0, 0.0, 0.0
    step = table.ln_ratio[1] - table.ln_ratio[0]
    at = (ln_least - table.ln_ratio[0]) / step
    if at < 0.0:  # 0.57/ratio below the table
        most = table.length[0] * math.exp(table.ln_ratio[0] - ln_least)
    else:
        i = min(int(at), len(table.length) - 2)
        most = table.length[i] + (at - i) * (table.length[i + 1] - table.length[i])
    highest = _microbarn(SOFTEST)
    if rng.random() >= most * per_length * highest:
        return 0, 0.0, 0.0
    length = rng.random() * most
    low, high = 0, len(table.length) - 1  # lengths fall: the pair around this one
    if length >= table.length[0]:
        ratio, low = math.exp(table.ln_ratio[0]) * table.length[0] / length, 0
    else:
        while high - low > 1:
            middle = (low + high) // 2
            if table.length[middle] > length:
                low = middle
            else:
                high = middle
        w = (table.length[low] - length) / (table.length[low] - table.length[high])
        ratio = math.exp(table.ln_ratio[low] + w * step)
    k = ratio * energy
    if rng.random() * highest >= _microbarn(k):
        return 0, 0.0, 0.0
    u, shares = rng.random(), table.by_depth[low]
    j = 0
    while j < len(table.depth) - 2 and shares[j + 1] < u:
        j += 1
    w = (u - shares[j]) / max(shares[j + 1] - shares[j], 1e-12)
    return 1, k, table.depth[j] + min(max(w, 0.0), 1.0) * (table.depth[j + 1] - table.depth[j])


@fused
def _microbarn(k: float) -> float:
    """Return the cross section on a nucleon, as `emiss.physics.shower.photonuclear.cross_section`."""
    return 114.3 + 1.647 * math.log(0.0213 * k) ** 2
