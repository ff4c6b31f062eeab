"""Losses of muons to radiation against the tables of Groom, Mokhov and Striganov, and the shape of the cross sections."""

from __future__ import annotations

import numpy as np
import pytest

from emiss.physics.constants import MUON_MASS
from emiss.physics.passage import muons
from emiss.physics.passage.matter import KNOWN
from emiss.physics.passage.muon_cross_sections import bremsstrahlung, deltas, largest_transfer, nuclear, pairs

# p (GeV), MeV cm^2/g: ionisation, bremsstrahlung, pairs, all; Groom et al., Atom. Data Nucl. Data Tables 78 (2001) 183
TABLES = {
    "iron": (
        (10.11, 1.942, 0.014, 0.015, 1.975),
        (40.11, 2.112, 0.076, 0.099, 2.303),
        (100.1, 2.207, 0.221, 0.310, 2.777),
    ),
    "tungsten": (
        (10.11, 1.616, 0.031, 0.036, 1.687),
        (40.11, 1.774, 0.169, 0.231, 2.190),
        (100.1, 1.860, 0.496, 0.717, 3.110),
    ),
    "carbon": (
        (10.11, 2.191, 0.004, 0.004, 2.204),
        (40.11, 2.359, 0.022, 0.028, 2.427),
        (100.1, 2.458, 0.065, 0.089, 2.655),
    ),
}
ROWS = [(name, *row) for name, rows in TABLES.items() for row in rows]


def loss(formula, energy, material):
    """Return MeV cm^2/g."""
    logarithm = np.linspace(np.log(1e-6), np.log(energy), 400)
    secondary = np.exp(logarithm)
    return 1e3 * np.trapezoid(
        formula(np.full_like(secondary, energy), secondary, KNOWN[material]) * secondary**2, logarithm
    )


@pytest.mark.parametrize(("material", "p", "ionised", "photons", "pair", "total"), ROWS)
def test_losses_are_those_of_the_tables(material, p, ionised, photons, pair, total):
    energy = np.hypot(p, MUON_MASS)
    per_gram = 1e4 / KNOWN[material].density
    assert muons.ionisation(np.array(energy), material) * per_gram == pytest.approx(ionised, rel=0.01)
    assert loss(bremsstrahlung, energy, material) == pytest.approx(photons, rel=0.035, abs=1e-3)
    assert loss(pairs, energy, material) == pytest.approx(pair, rel=0.035, abs=1e-3)
    assert muons.mean_loss(np.array(energy), material) * per_gram == pytest.approx(total, rel=0.01)
    assert loss(nuclear, energy, material) == pytest.approx(total - ionised - photons - pair, rel=0.1, abs=1.5e-3)


@pytest.mark.parametrize(
    ("material", "critical"), [("lead", 141.0), ("scintillator", 1194.0), ("iron", 347.0), ("copper", 317.0)]
)
def test_critical_energies(material, critical):
    # of mu-: PDG, Atomic and Nuclear Properties of Materials
    radiated, ionised = (f(np.array(min(critical, 990.0)), material) for f in (muons.radiation, muons.ionisation))
    assert radiated / ionised == pytest.approx(min(critical, 990.0) / critical, rel=0.08)


@pytest.mark.parametrize("formula", [deltas, bremsstrahlung, pairs, nuclear])
def test_nothing_is_made_that_kinematics_forbids(formula):
    energy = np.array([[0.2], [1.0], [50.0]])
    secondary = np.geomspace(1e-4, 60.0, 300)
    value = formula(energy, secondary, KNOWN["scintillator"])
    assert np.all(np.isfinite(value))
    assert np.all(value >= 0.0)
    most = largest_transfer(energy) if formula is deltas else energy - MUON_MASS
    assert np.all(value[np.broadcast_to(secondary >= most, value.shape)] == 0.0)


def test_what_is_below_and_above_a_cut_is_the_whole():
    energy, cut = 20.0, 0.03
    e = np.geomspace(cut, float(largest_transfer(energy)), 4000)
    hard = np.trapezoid(deltas(np.array(energy), e, KNOWN["iron"]) * e, e) * KNOWN["iron"].density / 10
    soft, whole = (
        sum(float(f(np.array(energy), KNOWN["iron"], c)) for f in (muons.restricted, muons.atomic))
        for c in (cut, np.inf)
    )
    assert soft + hard == pytest.approx(whole, rel=3e-3)
