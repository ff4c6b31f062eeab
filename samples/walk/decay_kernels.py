"""Decays in flight where there is no matter: products as tracks, neutrinos booked as lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.compiled import kernel
from emiss.physics.passage.decay_kernels import PRODUCTS, decay, rotate
from emiss.samples.walk.tracks import CARRIED, COLUMNS, ENERGY, ID, LAST, PDG, ROW, TX, TY, X, Y, Z
from emiss.samples.walk.world import NEUTRINO

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats
    from emiss.samples.walk.world import Seen

STEEP = 5.0
"""Slope above which a product is booked as leaked; so are those that fly backwards."""


@kernel
def decays(tracks: Floats, seen: Seen, rng: np.random.Generator) -> Floats:
    """Let tracks decay where they are; return the products that fly on."""
    out = np.empty((PRODUCTS * len(tracks), COLUMNS))
    kinds, p = np.zeros(PRODUCTS, np.int64), np.zeros((PRODUCTS, 4))
    done = 0
    for i in range(len(tracks)):
        track = tracks[i]
        row, last = int(track[ROW]), int(track[LAST])
        seen.leaked[row, last] += track[CARRIED]
        made = decay(int(track[PDG]), track[ENERGY], rng, kinds, p)
        for j in range(made):
            if abs(kinds[j]) in (12, 14, 16):
                seen.lost[row, NEUTRINO] += p[j, 0]
                continue
            px, py, pz = rotate(track[TX], track[TY], p[j, 1], p[j, 2], p[j, 3])
            if pz <= 0.0 or max(abs(px), abs(py)) > STEEP * pz:
                seen.leaked[row, last] += p[j, 0]
                continue
            new = out[done]
            new[:] = 0.0
            new[ROW], new[PDG], new[ENERGY], new[LAST], new[ID] = row, kinds[j], p[j, 0], last, -1.0
            new[X], new[Y], new[Z], new[TX], new[TY] = track[X], track[Y], track[Z], px / pz, py / pz
            done += 1
    return out[:done]
