"""Extrapolation to the calorimeters and to the target: places, errors and pulls."""

from __future__ import annotations

import numpy as np
import pytest

from emiss.reco.tracking.extrapolation import downstream, faces, straight
from emiss.reco.tracking.fit import Hits, Spectrometer, fit_tracks

Z, BOX, BY, SIGMA = np.array([5100.0, 5600.0, 7950.0, 8450.0]), (5800.0, 7800.0), 1.4, 0.1


@pytest.fixture(scope="module")
def fitted(toys):
    rng = np.random.default_rng(1)
    muons = toys.muons(rng, rng.uniform(20, 80, 8000), rng.choice([-1.0, 1.0], 8000), Z, BOX, BY, x_over_x0=0.0)
    x, y = (v + rng.normal(0, SIGMA, v.shape) for v in (muons.x, muons.y))
    spectrometer = Spectrometer.uniform(BY, BOX, x_over_x0=0.0)
    return muons.state, fit_tracks(Hits(Z, x, y, SIGMA, SIGMA), spectrometer), spectrometer


def test_the_faces_are_those_of_the_detector(detector):
    panels = dict.fromkeys(("VETO01", "VETO23", "VETO45"), 500.0)
    expected = {"ecal": 0.0, **panels, "HCAL0": 600.0, "HCAL1": 2100.0, "HCAL2": 3600.0}
    assert faces(detector) == pytest.approx(expected)


@pytest.mark.parametrize("z", [0.0, 500.0, 4296.0])
def test_back_to_the_calorimeters(fitted, z):
    truth, fits, _ = fitted
    state, cov = straight(fits, z - Z[0])
    expected = truth[:, :2] + (z - Z[0]) * truth[:, 2:4]
    pulls = (state[:, :2] - expected) / np.sqrt(np.diagonal(cov, axis1=1, axis2=2)[:, :2])
    assert abs(pulls.mean(axis=0)).max() < 0.04
    assert pulls.std(axis=0) == pytest.approx(np.ones(2), abs=0.03)
    np.testing.assert_array_equal(state[:, 2:], np.stack([fits.tx, fits.ty, fits.q_over_p], axis=1))


def test_on_through_the_field(fitted):
    truth, fits, spectrometer = fitted
    state, cov = downstream(fits, spectrometer.field, Z[0], 9000.0)
    expected, _ = spectrometer.field.transport(truth, Z[0], 9000.0)
    pulls = (state - expected) / np.sqrt(np.diagonal(cov, axis1=1, axis2=2))
    assert abs(pulls.mean(axis=0)).max() < 0.04
    assert pulls.std(axis=0) == pytest.approx(np.ones(5), abs=0.03)
