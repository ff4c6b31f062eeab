"""Where the beam is before the magnets of a set-up: it leaves them along z at x = y = 0."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.reco.field.transport import UniformBox

if TYPE_CHECKING:
    from emiss.reco.detector.model import Detector

NEGATIVE = ("e-", "mu-", "pi-", "K-")
POSITIVE = ("e+", "mu+", "pi+", "K+", "p", "proton")


def charge(particle: str) -> float:
    """Return the charge of a beam particle, e; 0 for one that is not known."""
    return -1.0 if particle in NEGATIVE else 1.0 if particle in POSITIVE else 0.0


def axis(detector: Detector, z: float) -> float:
    """Return x (mm) of a beam particle at `z` (mm) that goes along z at the target's front, or at 0 without a target.

    Magnets that stand before it bend as boxes of the same field integral. The way back is the way forth seen in a mirror.
    """
    front = 0.0 if detector.target is None else min(v.z for v in detector.parts[detector.target].volumes(""))
    state = np.array([[0.0, 0.0, 0.0, 0.0, charge(detector.beam.particle) / detector.beam.energy]])
    at = front
    magnets = sorted(detector.magnets.items(), key=lambda item: -item[1].z[0])
    for name, magnet in magnets:
        if magnet.z[1] > front or at <= z:
            continue
        box = detector.field(name).box
        low, high = box.z_range
        stop = max(z, low)
        if stop >= high:
            continue
        mirrored = UniformBox(box.by, (-high, -low))
        state, _ = mirrored.transport(state, -at, -stop)
        at = stop
    return float(state[0, 0] + state[0, 2] * (at - z)) if z < at else float(state[0, 0])
