"""`Tables`: all that the walk looks up of a set-up, and room to work in."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from emiss.physics.shower import photonuclear
from emiss.samples.walk.hadron_tables import HadronLine
from emiss.samples.walk.muons import muon_world
from emiss.samples.walk.shower import showers
from emiss.samples.walk.tracks import COLUMNS

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats, Ints
    from emiss.physics.shower.photonuclear import Photonuclear
    from emiss.samples.walk.building import Built
    from emiss.samples.walk.muons import MuonWorld
    from emiss.samples.walk.shower import Showers

STACK, SECONDARIES = 4096, 64
"""Tracks that may wait, and secondaries of one step; what would be more ends where it is."""


class Tables(NamedTuple):
    """All that the walk looks up, and room to work in.

    Attributes
    ----------
    muons, showers, photonuclear, hadrons
        What each ingredient tabulates.
    stack : array of shape (K, COLUMNS)
        Tracks that wait.
    kinds, energies, places, momenta : arrays
        Secondaries of one step.
    """

    muons: MuonWorld
    showers: Showers
    photonuclear: Photonuclear
    hadrons: HadronLine
    stack: Floats
    kinds: Ints
    energies: Floats
    places: Floats
    momenta: Floats


def tables_of(built: Built) -> Tables:
    """Return the tables of a set-up, and room to work in for one walk (one thread)."""
    return Tables(
        muons=muon_world(built.world, built.mixtures, built.materials),
        showers=showers(built.world, built.mixtures, built.materials),
        photonuclear=photonuclear.table(),
        hadrons=HadronLine(built.world, built.channels),
        stack=np.empty((STACK, COLUMNS)),
        kinds=np.zeros(SECONDARIES, np.int64),
        energies=np.zeros(SECONDARIES),
        places=np.zeros(SECONDARIES),
        momenta=np.zeros((SECONDARIES, 4)),
    )
