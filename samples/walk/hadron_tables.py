"""`HadronLine`: what the walk of hadrons knows of each slab, and the constants of what slow hadrons leave."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from emiss.physics.hadrons.cross_section_kernels import SHADOWING

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats, Ints
    from emiss.samples.walk.matter import Mixtures
    from emiss.samples.walk.world import World

ABSORBED, NUCLEONS_ABSORBED = 1.2, 0.6
"""GeV; a meson, or a nucleon, with less available energy ends where it next interacts: what is left makes a star."""

ELECTRONS_OVER_MIP = 0.0026
"""1 - e/mip per charge number: 0.79 in lead and scintillator (Geant4), 0.93 in iron (R. Wigmans, Calorimetry, Ch. 3)."""

CASCADE, HEAVIER = 0.41, 0.15
"""Share of a slow hadron's energy that goes into charged nucleons that ionise: CASCADE in lead, and so much more per unit of
ln(207/A) (R. Wigmans, Calorimetry, Ch. 2, has 38 % in lead and 57 % in iron, tracks of pions and cascade included). Fitted
to pions of 100 GeV in Geant4, within some 20 % of that: the energy of ECAL and HCAL together."""

NEUTRONS, NEUTRON_RISE = 0.11, 0.012
"""Share of neutrons that slow down: in lead; so much less per unit of ln(207/A) (Wigmans: 12 % in lead, 10 % in iron)."""

HYDROGEN = 2.0
"""Energy that neutrons leave per mm of active plates, which have hydrogen, over that per mm of absorber.

Of some MeV: 0.013 collisions per mm of plastic with hydrogen (2.5 b) take one half, inelastic ones in iron (0.010) and lead
(0.007) some 40 %. So neutrons show 5 to 8 times as much as electrons of the same energy, where recoil protons give all their
light, as in Geant4 without Birks' law. With it they show a third (16 MeV/mm at 2 MeV, kB = 0.126 mm/MeV).
"""

DIFFUSION, FARTHEST = 60.0, 0.9
"""mm over the active part of the depth (hydrogen stops neutrons), and interaction lengths where there is little
of it: mean distance at which the neutrons of a star are taken up."""


class HadronLine(NamedTuple):
    """What the walk of hadrons knows of a world.

    Attributes
    ----------
    slabs : World
    channels : int array
        As those of `emiss.samples.walk.world.Seen`.
    """

    slabs: World
    channels: Ints


def hadron_matter(mixtures: Mixtures) -> dict[str, Floats]:
    """Return the columns of `World` that hadrons need, for each mixture; vacuum gets an infinite length.

    Returns
    -------
    x0, moliere, critical, charge
        As those of `Mixtures`.
    nucleus
        Mass number of the nuclei that are hit.
    length
        Nuclear interaction length, mm; that of a kind is this over `shadowed`.
    shadowing
        Exponent p of `emiss.physics.hadrons.cross_section_kernels.shadowed`.
    minimum
        Mean loss of a minimum ionizing particle, GeV/mm.
    ionising
        Visible energy on the scale of electrons per energy that hadrons lose by ionisation: mip/e.
    protons, neutrons
        Shares of the energy of nuclear stars in charged particles and in neutrons; the rest is binding energy.
    neutron_seen
        Visible over kinetic energy of neutrons, on the scale of electrons.
    both
        Visible energy per energy of a whole star.
    unit
        1.
    diffusion
        Mean distance from a star at which its neutrons leave their energy, mm.
    """
    a = np.where(np.isfinite(mixtures.a) & (mixtures.a >= 1.0), mixtures.a, 1.0)
    z = np.where(np.isfinite(mixtures.z), mixtures.z, 1.0)
    lighter = np.log(207.0 / np.clip(a, 6.0, 207.0))
    length = np.where(mixtures.lambda_ > 0.0, mixtures.lambda_, np.inf)
    ionising = 1.0 / (1.0 - ELECTRONS_OVER_MIP * z)
    protons, neutrons = CASCADE + HEAVIER * lighter, np.maximum(NEUTRONS - NEUTRON_RISE * lighter, 0.02)
    active = HYDROGEN * mixtures.active
    in_active = np.where(mixtures.active > 0.0, active / (active + 1.0 - mixtures.active), 0.0)
    neutron_seen = in_active / np.where(mixtures.sampling > 0.0, mixtures.sampling, 1.0)
    return {
        "x0": mixtures.x0,
        "moliere": mixtures.moliere,
        "critical": mixtures.critical,
        "charge": mixtures.z,
        "nucleus": a,
        "length": length,
        "shadowing": np.minimum(SHADOWING * np.cbrt(1.0 / a), 1.0),
        "minimum": np.where(np.isfinite(mixtures.minimum), mixtures.minimum, 0.0),
        "ionising": ionising,
        "protons": protons,
        "neutrons": neutrons,
        "neutron_seen": neutron_seen,
        "both": protons * ionising + neutrons * neutron_seen,
        "unit": np.ones(len(a)),
        "diffusion": np.minimum(DIFFUSION / np.maximum(mixtures.active, 1e-6), FARTHEST * length),
    }
