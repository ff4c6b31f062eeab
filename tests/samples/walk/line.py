"""The line of the Geant4 samples, `detector.yaml`, as the walk sees it: ECAL of two layers, VETO, three HCAL modules."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from emiss.reco.detector.model import load_detector
from emiss.samples.walk.building import Built, world_of
from emiss.samples.walk.world import LOST, Seen, World

DETECTOR = Path(__file__).parent / "detector.yaml"

ECAL0, ECAL1, VETO, HCAL, HCAL2, HCAL3 = range(6)
"""Slabs."""

IN_ECAL, IN_VETO, IN_HCAL = 2, 3, 4
"""Parts."""


@cache
def line(detector: Path = DETECTOR) -> Built:
    """Return the line: the ECAL is centred on the axis, as in the samples; the counter that the clock needs is left out."""
    built = world_of(load_detector(detector), attenuation=1e9)
    rest = built.world[1:]
    world = changed(rest, y=0.0, first=rest.first - 1, like=rest.like - 1)
    return built._replace(world=world, channels=built.channels[1:])


def changed(world: World, **columns: object) -> World:
    """Return a world with other values in some columns: one for all slabs, or one for each."""
    other = world.copy()
    for name, values in columns.items():
        setattr(other, name, values)
    return other


def nothing(rows: int) -> Seen:
    """Return empty accumulators; channels are counted as the slabs are, what nothing reads out is not among them."""
    built = line()
    shape = (rows, len(built.parts))
    channels = np.arange(len(built.channels))
    return Seen(
        np.zeros((rows, len(channels))), np.zeros(shape), np.zeros(shape), np.zeros((rows, len(LOST))), channels
    )
