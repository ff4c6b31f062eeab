"""What modules before the target see of beam particles: electrons' synchrotron radiation, and what hadrons knock on.

For set-ups without a magnet, or without places for the modules: each sees a share of the photons of a full bend, photon by
photon, and hadrons' knock-on electrons from a thickness of matter before it, independently of the others (an electron that
crosses two modules is left out). The energy of the light is not taken from the beam particle, whose energy is that behind the
bend.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.physics.passage.synchrotron import light
from emiss.samples.tagging_kernels import tag
from emiss.samples.walk.matter import ACTIVE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emiss.configs.arrays import Array, Floats
    from emiss.reco.detector.model import Detector
    from emiss.samples.config import Tagging


def grains(detector: Detector, names: Sequence[str], settings: Tagging) -> Floats:
    """Return the variance over the energy (GeV) of each module.

    Modules whose matter is active throughout (`matter: {lyso: 45 mm}`) count photoelectrons; all others sample.

    Parameters
    ----------
    detector : Detector
    names : sequence of str
        Of the modules (`emiss.samples.setup.SetUp.taggers`).
    settings : Tagging
    """
    whole = 1e-3 / settings.photoelectrons
    matter = [detector.volumes[name].matter or {} for name in names]
    return np.array([whole if one and set(one) <= set(ACTIVE) else settings.stochastic**2 for one in matter])


def seen(settings: Tagging, grain: Floats, pdg: Array, energy: Floats, rng: np.random.Generator) -> Floats:
    """Return the visible energy (GeV) of beam particles in modules, shape (N, M).

    Parameters
    ----------
    settings : Tagging
    grain : array of shape (M,)
        `grains`.
    pdg, energy : arrays of shape (N,)
        PDG codes; GeV.
    rng : numpy Generator
    """
    made = np.zeros((len(pdg), len(grain)))
    bend, matter = settings.bend, settings.matter * settings.z_over_a
    kinds = pdg.astype(np.int64)
    tag(
        light(), kinds, np.asarray(energy, np.float64), grain, bend.by, bend.length, settings.share, settings.softest,
        matter, settings.knock_on, rng, made,
    )  # fmt: skip
    return made
