"""Muon pairs from the photons of a shower."""

from __future__ import annotations

import numpy as np
import pytest

from emiss.physics import constants
from emiss.physics.emission import dimuons


def test_muon_pairs_per_electron():
    rate, edges, content = dimuons.per_electron(100.0, 1.0)
    assert rate == pytest.approx(1.05e-4, rel=0.5)  # the paper's; its threshold is not said
    assert content.sum() == pytest.approx(rate)
    assert len(edges) == len(content) + 1


def test_pairs_share_the_energy_evenly_and_fly_forward():
    energy = np.full(20000, 40.0)
    share, angles = dimuons.sample_pair(energy, np.random.default_rng(2))
    assert share.mean() == pytest.approx(0.5, abs=0.01)
    assert np.minimum(share, 1 - share).min() * 40.0 > constants.MUON_MASS
    assert 0.6 < np.median(angles.plus * share * 40.0) / constants.MUON_MASS < 1.0
    assert np.median(angles.minus) < 0.02
