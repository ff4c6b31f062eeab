"""One-loop moments of S, P, V and A against another quadrature and their limits."""

import numpy as np
import pytest
from scipy.integrate import quad

from emiss.physics.constants import ALPHA, ELECTRON_MASS, MUON_MASS
from emiss.physics.constraints.one_loop import ELECTRON, band, contribution, coupling_for

INTEGRANDS = {
    "V": lambda x, r: 2 * x**2 * (1 - x) / (x**2 + r * (1 - x)),
    "A": lambda x, r: 2 * (x * (1 - x) * (x - 4) - 2 * x**3 / r) / (x**2 + r * (1 - x)),
    "S": lambda x, r: x**2 * (2 - x) / (x**2 + r * (1 - x)),
    "P": lambda x, r: -(x**3) / (x**2 + r * (1 - x)),
}


@pytest.mark.parametrize("boson", INTEGRANDS)
@pytest.mark.parametrize("mass", [0.01, 0.1, 1.0])
def test_another_quadrature_gives_the_same(boson, mass):
    r = (mass / MUON_MASS) ** 2
    wanted = quad(INTEGRANDS[boson], 0, 1, args=(r,), epsabs=0, epsrel=1e-10, limit=500)[0] / (8 * np.pi**2)
    assert contribution(boson, mass) == pytest.approx(wanted, rel=1e-8)


def test_limits():
    e = np.sqrt(4 * np.pi * ALPHA)
    assert contribution("V", 1e-9, e) == pytest.approx(ALPHA / (2 * np.pi), rel=1e-6)
    heavy = 1000 * MUON_MASS
    vector = contribution("V", heavy)
    assert vector == pytest.approx(MUON_MASS**2 / (12 * np.pi**2 * heavy**2), rel=1e-4)
    assert contribution("A", heavy) == pytest.approx(-5 * vector, rel=1e-4)


def test_couplings_turn_back_and_have_a_sign():
    mass = np.array([0.001, 0.1])
    g = coupling_for("V", mass, 1e-12, lepton="electron")
    assert contribution("V", mass, g, lepton="electron") == pytest.approx(1e-12)
    assert coupling_for("P", mass, 1e-12).tolist() == [0.0, 0.0]
    low, high = band("V", mass, 1.0, ELECTRON["rubidium"], lepton="electron")
    assert (low > 0).all()
    assert (low < high).all()
    low, high = band("A", mass, 1.0, ELECTRON["caesium"], lepton="electron")
    assert (low > 0).all()
    assert (low < high).all()


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="no X of the muon"):
        contribution("X", 0.1)
    with pytest.raises(ValueError, match="above 0"):
        contribution("V", -ELECTRON_MASS)
