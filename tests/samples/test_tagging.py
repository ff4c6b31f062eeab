"""Tagging by synchrotron light: means and variances in closed form, and how well electrons and hadrons are told apart."""

from __future__ import annotations

import numpy as np
import pytest

from emiss.physics.constants import PION_MASS
from emiss.physics.passage import knock_on, synchrotron
from emiss.reco.detector.model import load_detector
from emiss.samples.config import Tagging
from emiss.samples.setup import SetUp
from emiss.samples.tagging import grains, seen

N = 40_000


def _seen(pdg, energy=100.0, *, count=N, grain=(0.0, 0.0, 0.0), **settings):
    rng = np.random.default_rng(11)
    return seen(Tagging(**settings), np.array(grain), np.full(count, pdg), np.full(count, energy), rng)


def test_light_is_a_compound_poisson_sum_of_photons():
    made = _seen(11, softest=0.0)
    number, mean = synchrotron.expected(100.0, 1.7, 4000.0)
    # <k^2> = 11/27 E_c^2 (M. Sands, SLAC-121), and E_c = <k> 15 sqrt(3)/8
    squared = 11.0 / 27.0 * (mean * 15.0 * np.sqrt(3.0) / 8.0) ** 2
    share = Tagging().share
    assert made.mean() == pytest.approx(share * number * mean, rel=0.01)
    np.testing.assert_allclose(made.var(axis=0), share * number * squared, rtol=0.03)
    assert np.abs(np.corrcoef(made.T) - np.eye(3)).max() < 4 / np.sqrt(N)
    dark = np.exp(-0.03 * number)
    assert np.mean(_seen(11, softest=0.0, share=0.03) == 0.0) == pytest.approx(dark, abs=4 * np.sqrt(dark / (3 * N)))
    np.testing.assert_allclose(
        _seen(-11, 50.0).mean(), made.mean() / 4.0, rtol=0.02
    )  # positrons too; with the energy squared


def test_resolution_adds_grains_to_the_variance():
    plain, coarse = _seen(11), _seen(11, grain=[2e-3] * 3)
    assert coarse.mean() == pytest.approx(plain.mean(), rel=0.01)
    assert coarse.var() - plain.var() == pytest.approx(2e-3 * plain.mean(), rel=0.1)


def test_hadrons_show_the_knock_on_electrons_of_the_matter_before_a_module():
    made = _seen(-211, count=500_000, knock_on=1e-3)
    number = knock_on.mean_number(100.0, PION_MASS, 1e-3, 0.31 * 0.5414)
    assert np.mean(made > 0.0) == pytest.approx(-np.expm1(-number), rel=0.02)
    above = knock_on.mean_number(100.0, PION_MASS, 20e-3, 0.31 * 0.5414)
    assert np.mean(made > 20e-3) == pytest.approx(above, rel=0.1)
    assert not _seen(-211, count=1000, matter=0.0).any()
    assert not _seen(22, count=10).any()


def test_electrons_are_found_and_hadrons_are_not(detector):
    """The shipped thresholds: 1 MeV in each of three modules of lead and scintillator."""
    names, settings = SetUp(detector).taggers, Tagging()
    grain = grains(detector, names, settings)
    np.testing.assert_allclose(grain, settings.stochastic**2)
    threshold = detector.parts["srd"].threshold
    assert 0.94 < (_seen(11, grain=grain) > threshold).all(axis=1).mean() < 0.98
    one = (_seen(-211, grain=grain, count=500_000) > threshold).mean()
    assert 1e-5 < one**3 < 1e-4


def test_modules_of_crystal_count_photoelectrons(tmp_path):
    (tmp_path / "detector.yaml").write_text(
        "extends: na64e_2023\nparts: {srd: {matter: {lyso: 45 mm}, elements: {SRD0: {matter: {lead: 1 mm, lyso: 40 mm}}}}}\n"
    )
    detector = load_detector(tmp_path)
    settings = Tagging(photoelectrons=200.0)
    np.testing.assert_allclose(grains(detector, ["SRD0", "SRD1"], settings), [settings.stochastic**2, 5e-6])
