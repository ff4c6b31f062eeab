"""Beam particles back upstream: from the state that they would have at the target to the one before a field."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.reco.field.transport import UniformBox

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats
    from emiss.reco.field.transport import Field

ROUNDS = 4
"""Newton steps back through a field; from the arc in the box of the same integral two are enough."""


def back(states: Floats, field: Field, z: float, target: float) -> Floats:
    """Return the states (N, 5) at `z` that `field` takes to `states` at `target` > z.

    First guess: in a box the way back is the way forth seen in a mirror, with z and the slopes reversed.
    """
    mirror = np.array([1.0, 1.0, -1.0, -1.0, 1.0])
    low, high = field.box.z_range
    guess, _ = UniformBox(field.box.by, (-high, -low)).transport(states * mirror, -target, -z)
    guess *= mirror
    for _ in range(ROUNDS):
        arrived, jacobian = field.transport(guess, z, target)
        guess -= np.linalg.solve(jacobian, (arrived - states)[:, :, None])[:, :, 0]
    return guess
