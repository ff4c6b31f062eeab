"""Attenuation of photons against Klein and Nishina's formula and high energies; photonuclear rates against their integrals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from emiss.physics.constants import AVOGADRO
from emiss.physics.shower import photons, photonuclear


def klein_nishina(energy):
    """Return the total cross section per electron, cm^2; energy in GeV (PDG 2022, Eq. 34.31 and its source)."""
    k = energy / 0.51099895e-3
    twice = 1 + 2 * k
    first = (1 + k) / k**2 * (2 * (1 + k) / twice - np.log(twice) / k)
    return 2 * np.pi * 2.8179403e-13**2 * (first + np.log(twice) / (2 * k) - (1 + 3 * k) / twice**2)


@pytest.mark.parametrize("energy", [2e-4, 5e-4, 1e-3, 2e-3])
def test_plastic_is_compton_scattering(energy):
    # 0.541 electrons per nucleon (C9H10); pairs begin to count at 2 MeV
    expected = klein_nishina(energy) * AVOGADRO * 0.5414
    assert photons.mass_attenuation(3.37, 43.9, np.array([energy]))[0] == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize(("z", "a", "x0"), [(13.0, 26.98, 24.01), (26.0, 55.845, 13.84), (29.0, 63.546, 12.86)])
def test_metals_at_a_mev_are_compton_scattering(z, a, x0):
    expected = klein_nishina(1e-3) * AVOGADRO * z / a
    assert photons.mass_attenuation(z, x0, np.array([1e-3]))[0] == pytest.approx(expected, rel=0.02)


def test_lead_is_least_absorbing_at_4_mev_and_ends_at_seven_ninths():
    energy = np.geomspace(1e-3, 1e3, 600)
    values = photons.mass_attenuation(82.0, 6.37, energy)
    assert energy[values.argmin()] == pytest.approx(3.8e-3, rel=0.1)
    assert values[-1] * 6.37 == pytest.approx(7 / 9, rel=0.01)
    assert photons.mass_attenuation(82.0, 6.37, np.array([0.1, 1.0])) == pytest.approx([0.0953, 0.1166], rel=0.03)


@pytest.mark.parametrize(("z", "nearest"), [(7.26, 3.37), (83.0, 82.0), (14.0, 13.0), (66.0, 66.0)])
def test_materials_without_a_table_are_the_nearest(z, nearest):
    energy = np.array([1e-3])
    assert photons.mass_attenuation(z, 10.0, energy) == photons.mass_attenuation(nearest, 10.0, energy)


def test_mixtures_add_per_mm():
    half = photons.attenuation(np.array([[0.5, 0.5], [1.0, 0.0]]), [82.0, 3.37], [11.35, 1.032], [5.612, 425.4])
    lead = photons.mass_attenuation(82.0, 6.369, photons.GRID) * 1.135
    assert half[1] == pytest.approx(lead, rel=1e-3)
    assert np.all((half[0] > 0.5 * lead) & (half[0] < lead + 0.1032))


def test_cross_sections_on_nucleons_and_nuclei():
    # 115 microbarn at 50-100 GeV, 0.65 A for lead (Caldwell et al.)
    assert photonuclear.cross_section(70.0) == pytest.approx(115, abs=1.5)
    per = photonuclear.per_radiation_length(np.array([207.2, 1.0]), np.array([6.37, 6.37]))
    assert per[0] / per[1] == pytest.approx(0.65, abs=0.03)


def test_track_lengths_of_the_table_are_rossis():
    table = photonuclear.table()
    assert table.length[0] * np.exp(table.ln_ratio[0]) == pytest.approx(0.572, rel=0.01)
    assert np.all(np.diff(table.length) < 0)
    assert np.all(np.diff(table.by_depth, axis=1) >= -1e-9)
    assert table.by_depth[:, -1] == pytest.approx(1.0)
    # the hardest photons are made at the front
    mean = [
        quad(lambda t, row=row: 1 - np.interp(t, table.depth, row), 0, 30, limit=200)[0] for row in table.by_depth[::12]
    ]
    assert np.all(np.diff(mean) < 0)
