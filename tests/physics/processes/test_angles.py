"""Angles of X and of the scattered muon against the exact cross section below an angle."""

import numpy as np
import pytest

from emiss.physics.constants import LEAD
from emiss.physics.emission.phase_space import over_angle
from emiss.physics.process import Process
from emiss.physics.processes.angles import polar

QUARTILES = (0.25, 0.5, 0.75, 0.95)


def process(boson, lepton, mass, energy, count):
    lanes = np.full(count, mass), np.full(count, energy)
    return Process.of(*lanes, coupling=1.0, nucleus=LEAD, beam=lepton, final=lepton, boson=boson)


def below(of, share, variable, angles):
    """Return the share of the exact cross section below angles."""
    at = np.array([share])
    whole = over_angle(of, at, "exact", variable, 1e-4)[0]
    return [over_angle(of, at, "exact", variable, 1e-4, angle=angle)[0] / whole for angle in angles]


@pytest.mark.parametrize(
    ("boson", "lepton", "mass", "energy", "worst"),
    [("V", "muon", 0.1, 160.0, 0.03), ("P", "muon", 0.02, 160.0, 0.03), ("V", "electron", 0.01, 100.0, 0.08)],
)
def test_angles_of_the_new_particle(boson, lepton, mass, energy, worst):
    theta = polar(process(boson, lepton, mass, energy, 4000), np.full(4000, 0.8), np.random.default_rng(1))
    found = below(process(boson, lepton, mass, energy, 1), 0.8, "x", np.quantile(theta, QUARTILES))
    np.testing.assert_allclose(found, QUARTILES, atol=worst)


def test_muons_that_balance_x_have_the_exact_angles():
    mass, energy, y = 0.1, 160.0, 0.3
    theta = polar(process("S", "muon", mass, energy, 4000), np.full(4000, 1.0 - y), np.random.default_rng(1))
    across = np.sqrt(((1.0 - y) * energy) ** 2 - mass**2) * np.sin(theta)
    psi = np.arctan2(across, y * energy)
    found = below(process("S", "muon", mass, energy, 1), y, "y", np.quantile(psi, QUARTILES))
    np.testing.assert_allclose(found, QUARTILES, atol=0.03)
