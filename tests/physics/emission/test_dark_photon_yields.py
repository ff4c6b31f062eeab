"""Yields of A' bremsstrahlung: a sum over the shower, with K factors, and the simple limit."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from emiss import physics
from emiss.physics.constants import LEAD, Nucleus
from emiss.physics.emission import dark_photon, dark_photon_yields, yields
from emiss.physics.emission.k_factors import KFactors
from emiss.physics.shower.transport import track_lengths


@pytest.fixture(scope="module")
def table() -> KFactors:
    return KFactors.compute([0.01, 0.1], [50.0, 100.0], "iww", boson="vector")


def test_the_yield_is_a_sum_over_the_shower():
    made = dark_photon_yields.emission(0.1, mixing=1.0, threshold=50.0)
    lengths = track_lengths(100.0, 50.0)
    sigma = dark_photon.total(0.1, lengths.energy[::9], mixing=1.0, min_energy=50.0, rtol=1e-4)
    wanted = lengths.charged[:, ::9] * sigma * 1e-36 * LEAD.per_radiation_length
    np.testing.assert_allclose(made.content[:, ::9], wanted, rtol=2e-3, atol=1e-12)
    energy, depth = made.sample(5000, np.random.default_rng(1))
    assert energy.min() >= 50.0
    cumulated = np.concatenate([[0.0], np.cumsum(made.spectrum)]) / made.total
    assert stats.kstest(energy, lambda v: np.interp(v, made.edges, cumulated)).pvalue > 1e-3
    assert 0.2 < depth.mean() < 1.0


def test_iww_with_k_factors_is_near_the_exact_yield(table):
    for mass, rel in ((0.01, 0.06), (0.1, 0.04)):
        exact = dark_photon_yields.emission(mass).total
        with pytest.warns(physics.RangeWarning):
            plain = dark_photon_yields.emission(mass, method="iww").total
        corrected = dark_photon_yields.emission(mass, method="iww", k_factors=table).total
        assert corrected == pytest.approx(exact, rel=rel)
        assert abs(plain - exact) > abs(corrected - exact)


@pytest.mark.parametrize(("mass", "published"), [(0.01, 3.30e-5), (0.1, 3.46e-4)])
@pytest.mark.parametrize("efficiency", [0.5, 0.9])
def test_the_simple_limit_is_the_published_one(mass, published, efficiency, table):
    # NA64, 2.84e11 electrons on target, 90 % CL: an energy of the A' of 50 GeV, nothing seen
    for made in (dark_photon_yields.emission(mass), dark_photon_yields.emission(mass, method="iww", k_factors=table)):
        found = yields.coupling_limit(made.total, dark_photon.MIXING, 2.84e11, efficiency=efficiency)
        assert found == pytest.approx(published, rel=0.35)


def test_every_bin_above_the_threshold_has_its_part():
    assert dark_photon_yields.emission(0.05, threshold=30.0).spectrum.min() > 0.0


def test_what_is_refused(table):
    with pytest.raises(ValueError, match="not those of a vector, 'ww'"):
        dark_photon_yields.emission(0.1, method="ww", k_factors=table)
    iron = Nucleus(z=26, a=56, radiation_length=13.84, molar_mass=55.845)
    with pytest.raises(ValueError, match="this nucleus"):
        dark_photon_yields.emission(0.1, method="iww", k_factors=table, nucleus=iron)
    with pytest.raises(ValueError, match="a mass is outside the table"):
        dark_photon_yields.emission(0.2, method="iww", k_factors=table)
    with pytest.raises(ValueError, match="there is no limit"):
        yields.coupling_limit(0.0, 1e-4, 1e11)
    assert dark_photon_yields.emission(99.9).total == 0.0
