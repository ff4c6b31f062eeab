"""Targets: radiation lengths against the formula of Tsai, densities of nuclei against each other."""

from __future__ import annotations

import math

import pytest

from emiss.physics.nuclei import NUCLEI


@pytest.mark.parametrize("name", NUCLEI)
def test_radiation_lengths_are_those_of_the_approximate_formula(name):
    # PDG, Passage of particles through matter (the fit by O. I. Dahl): within 3 % for Z > 2
    nucleus = NUCLEI[name]
    z = nucleus.z
    fit = 716.4 * nucleus.molar_mass / (z * (z + 1) * math.log(287.0 / math.sqrt(z)))
    assert nucleus.radiation_length == pytest.approx(fit, rel=0.03)
    assert nucleus.a == pytest.approx(nucleus.molar_mass, rel=0.01)
