"""Directions of muon pairs: what the nucleus takes is little, and the rest comes out back to back."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from emiss.physics.constants import MUON_MASS
from emiss.physics.emission import dimuons
from emiss.physics.emission.pair_angles import recoil_integral, sample_angles
from emiss.physics.shower.directions import photon_angles


def _unit(angle, phi):
    return np.stack([np.sin(angle) * np.cos(phi), np.sin(angle) * np.sin(phi), np.cos(angle)], axis=1)


class Pairs:
    """Pairs of the photons above an energy (GeV) in the shower of an electron of 100 GeV, photons along z."""

    def __init__(self, threshold, events=40000):
        rng = np.random.default_rng(5)
        self.photon, _ = dimuons.emission(100.0, threshold).sample(events, rng)
        self.share, angles = dimuons.sample_pair(self.photon, rng)
        self.angles = angles
        self.energy = np.stack([self.share, 1.0 - self.share]) * self.photon
        phi = 2.0 * np.pi * rng.random(events)
        self.ways = np.stack([_unit(angles.plus, phi + angles.fold), _unit(-angles.minus, phi - angles.fold)])
        momentum = np.sqrt(self.energy**2 - MUON_MASS**2)
        self.total = np.sum(momentum[:, :, None] * self.ways, axis=0)
        self.across = np.hypot(self.total[:, 0], self.total[:, 1])
        self.off = self.across / self.total[:, 2]  # slope of the pair's momentum to the photon
        self.rng = rng


@pytest.fixture(scope="module")
def pairs():
    return Pairs(2.0)


def test_the_opening_angle_is_that_of_geant4(pairs):
    """Geant4 11.4.1, pairs in an electron's shower: the median of the opening angle times E+E-/(E m) is 0.75."""
    opening = np.arccos(np.clip(np.sum(pairs.ways[0] * pairs.ways[1], axis=1), -1.0, 1.0))
    scaled = opening * pairs.energy[0] * pairs.energy[1] / (pairs.photon * MUON_MASS)
    assert np.median(scaled) == pytest.approx(0.75, rel=0.1)


def test_the_pairs_momentum_is_off_the_axis_as_in_geant4(pairs):
    """Geant4 11.4.1: 2.0 mrad in the median, of the shower's axis; two thirds of it squared come from the nucleus."""
    photon = photon_angles(pairs.photon, pairs.rng)
    phi = 2.0 * np.pi * pairs.rng.random(len(photon))
    slopes = pairs.total[:, :2] / pairs.total[:, 2:] + (photon * np.stack([np.cos(phi), np.sin(phi)])).T
    assert np.median(np.hypot(*slopes.T)) == pytest.approx(2.0e-3, rel=0.1)
    assert 1.4e-3 < np.median(pairs.off) < 1.9e-3


def test_the_nucleus_takes_some_tens_of_mev_and_the_muons_are_back_to_back(pairs):
    assert np.median(pairs.across) < 0.03  # far below what independent angles would leave: the muon's mass
    muon = pairs.energy[0] * np.abs(np.sin(pairs.angles.plus))
    assert np.median(pairs.across) < 0.3 * np.median(muon)
    azimuth = 2.0 * pairs.angles.fold
    assert np.median(np.abs(azimuth)) < 0.2  # rad, off pi
    assert azimuth.mean() == pytest.approx(0.0, abs=0.01)
    # momentum along the photon: what is missing of its energy is the muons' mass and angle
    missing = pairs.photon - pairs.total[:, 2]
    expected = sum(MUON_MASS**2 * (1.0 + (a * e / MUON_MASS) ** 2) / (2.0 * e)
                   for a, e in zip((pairs.angles.plus, pairs.angles.minus), pairs.energy, strict=True))  # fmt: skip
    hard = pairs.energy.min(axis=0) > 1.0
    np.testing.assert_allclose(missing[hard], expected[hard], rtol=0.15, atol=1e-4)
    assert (missing > 0.0).all()


def test_both_charges_are_alike():
    rng = np.random.default_rng(3)
    energy, share = np.full(40000, 20.0), np.full(40000, 0.3)
    one = sample_angles(energy, share, rng)
    other = sample_angles(energy, 1.0 - share, rng)
    assert np.median(one.plus) == pytest.approx(np.median(other.minus), rel=0.03)
    assert np.median(one.plus * 0.3) == pytest.approx(np.median(one.minus * 0.7), rel=0.03)


@pytest.mark.parametrize(("least", "scale"), [(1e-4, 0.7), (0.1, 0.7), (34.0, 0.7), (36.0, 0.7), (200.0, 0.7)])
def test_the_integral_over_the_recoil(least, scale):
    direct, _ = quad(lambda u: np.exp(2 * u) / ((np.exp(u) + least) * (np.exp(u) + least + scale)) ** 2, -30, 30)
    assert float(recoil_integral(np.array([least]), scale)[0]) == pytest.approx(direct, rel=1e-4)


def test_photons_of_less_energy_are_further_off_the_axis():
    rng = np.random.default_rng(4)
    angle = photon_angles(np.full(20000, 7.0), rng)
    assert np.sqrt(np.mean(angle**2)) == pytest.approx(np.sqrt(0.18) * 0.0212 / 7.0, rel=0.03)
    assert np.median(photon_angles(np.full(20000, 70.0), rng)) == pytest.approx(0.1 * np.median(angle), rel=0.05)
