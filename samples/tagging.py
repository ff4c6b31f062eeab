"""What modules before the target see of beam particles: electrons' synchrotron radiation, and what hadrons knock on.

Light is drawn here for set-ups without a magnet, or without places and matter of the modules: each sees a share of the photons
of a full bend, photon by photon. The energy of this light is not taken from the beam particle, whose energy is that behind the
bend. In all others (`emiss.samples.setup.SetUp.lit`) the light comes through the set-up (`emiss.samples.walk.light`), and here
only its photoelectrons are drawn. Hadrons' knock-on electrons come from a thickness of matter before each module, independently
of the others (an electron that crosses two modules is left out), in all set-ups.
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


def photostatistics(settings: Tagging, grain: Floats, visible: Floats, rng: np.random.Generator) -> Floats:
    """Return energies (GeV) as modules of an active material alone count them, shape (N, M); those that sample have done so.

    Parameters
    ----------
    settings : Tagging
    grain : array of shape (M,)
        `grains`.
    visible : array of shape (N, M)
    rng : numpy Generator
    """
    one = 1e-3 / settings.photoelectrons
    counted = (grain == one) & (visible > 0.0)
    found: Floats = np.where(counted, one * rng.standard_gamma(np.where(counted, visible, one) / one), visible)
    return found


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
