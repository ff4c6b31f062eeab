"""Angles of X in bremsstrahlung for given energies, drawn from the Weizsaecker-Williams form.

Its shape is near the exact one: what is below an angle is right to 1 % of the whole for muons, and for electrons from 0.1 GeV
on; to 8 % for electrons and lighter X.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.physics.emission import ww

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats
    from emiss.physics.process import Process

NODES = 48
"""Places in ln U at which the density is taken."""

LARGEST = 1.0
"""rad."""

CHUNK = 8192


def polar(process: Process, share: Floats, rng: np.random.Generator) -> Floats:
    """Return polar angles (rad) of X, one for each lane of a process and share x of the energy, shape (N,)."""
    found = np.empty(len(share))
    for start in range(0, len(share), CHUNK):
        which = np.arange(start, min(start + CHUNK, len(share)))
        found[which] = _chunk(process.rows(which), share[which][:, None], rng)
    return found


def _chunk(process: Process, x: Floats, rng: np.random.Generator) -> Floats:
    begin = ww.u_start(process, x)
    end = np.minimum(begin + x * (process.energy * LARGEST) ** 2, ww.largest_invariant(process, x))
    span = np.log(np.maximum(end / begin, 1.0 + 1e-9))
    place = np.linspace(0.0, 1.0, NODES)
    invariant = begin * np.exp(span * place)
    density = ww.per_u(process, x, invariant, ww.weizsaecker(process, x, invariant)) * invariant
    # where the flux is nil everywhere, at the edge of the phase space, X goes on along the lepton
    cumulated = np.cumsum(0.5 * (density[:, 1:] + density[:, :-1]), axis=1)
    cumulated = np.pad(cumulated, ((0, 0), (1, 0)))
    u = rng.random(len(x)) * cumulated[:, -1]
    right = np.clip((cumulated < u[:, None]).sum(axis=1), 1, NODES - 1)
    rows = np.arange(len(x))
    low, high = cumulated[rows, right - 1], cumulated[rows, right]
    part = np.divide(u - low, high - low, out=np.zeros_like(u), where=high > low)
    drawn = begin[:, 0] * np.exp(span[:, 0] * (right - 1 + part) / (NODES - 1))
    above = np.where(cumulated[:, -1] > 0.0, np.maximum(drawn - begin[:, 0], 0.0), 0.0)
    angle: Floats = np.sqrt(above / x[:, 0]) / process.energy[:, 0]
    return angle
