"""Residuals and their derivatives for an alignment: against differences, against the fit, and in use."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from emiss.reco.field.transport import SoftBox
from emiss.reco.tracking.derivatives import residuals
from emiss.reco.tracking.fit import Hits, Spectrometer, fit_tracks

Z, BOX, BY, SIGMA = np.array([0.0, 300.0, 600.0, 900.0, 3200.0, 3700.0]), (1000.0, 3000.0), 1.4, 0.08


@pytest.fixture(scope="module", params=["uniform", "soft"])
def made(request, toys):
    rng = np.random.default_rng(1)
    muons = toys.muons(rng, rng.uniform(10, 80, 40), rng.choice([-1.0, 1.0], 40), Z, BOX, BY, slope=5e-3, size=20.0)
    x, y = (v + rng.normal(0, SIGMA, v.shape) for v in (muons.x, muons.y))
    x[3, 2] = y[4, 5] = np.nan
    y[5] = np.nan
    x[6, 2:] = np.nan  # fails
    hits = Hits(Z, x, y, SIGMA, SIGMA)
    field = Spectrometer.uniform(BY, BOX).field if request.param == "uniform" else SoftBox(BY, BOX, 100.0)
    spectrometer = Spectrometer(field, air=True)
    return hits, fit_tracks(hits, spectrometer), spectrometer


def test_residuals_are_those_of_the_fit(made):
    hits, fits, spectrometer = made
    found = residuals(hits, fits, spectrometer)
    np.testing.assert_allclose(found.residuals, fits.residuals, atol=2e-3)
    assert np.isnan(found.by_track[6]).all()
    assert np.isnan(found.by_plane[3, 2, 0]).all()
    assert np.isfinite(found.by_plane[3, 2, 1]).all()


def test_derivatives_by_the_track(made):
    hits, fits, spectrometer = made
    found = residuals(hits, fits, spectrometer)
    for k, (name, step) in enumerate((("x", 1e-2), ("y", 1e-2), ("tx", 1e-6), ("ty", 1e-6), ("q_over_p", 1e-6))):
        up, down = (
            residuals(hits, replace(fits, **{name: getattr(fits, name) + sign * step}), spectrometer).residuals
            for sign in (1, -1)
        )
        expected = (up - down) / (2 * step)
        if k in (1, 3):
            expected[5] = found.by_track[5, :, :, k]  # y is not measured: there is nothing to shift
        scale = np.nanmax(np.abs(expected))
        np.testing.assert_allclose(found.by_track[..., k], expected, rtol=1e-4, atol=1e-5 * scale)


def test_derivatives_by_the_place_of_a_plane(made):
    """A plane moved by a little: its hits move with it, and the track meets it elsewhere."""
    hits, fits, spectrometer = made
    found = residuals(hits, fits, spectrometer)
    good = np.delete(np.arange(40), [3, 4, 5, 6])
    plane = 5
    for k, step in enumerate((1e-2, 1e-2, 1.0, 1e-5)):
        moved = []
        for sign in (1, -1):
            x, y, z = hits.x.copy(), hits.y.copy(), Z.copy()
            if k < 2:
                (x, y)[k][:, plane] += sign * step
            elif k == 2:
                z[plane] += sign * step
            else:
                x[:, plane], y[:, plane] = (
                    x[:, plane] - sign * step * y[:, plane],
                    y[:, plane] + sign * step * x[:, plane],
                )
            moved.append(residuals(Hits(z, x, y, SIGMA, SIGMA), fits, spectrometer).residuals)
        expected = (moved[0] - moved[1])[good] / (2 * step)
        room = 5e-3 if k < 3 else 5 * SIGMA  # the arm of a turn is the fitted place, not the measured one
        np.testing.assert_allclose(found.by_plane[good, plane, :, k], expected[:, plane], rtol=2e-2, atol=room)
        others = np.delete(np.arange(6), plane)
        assert abs(expected[:, others]).max() < 1e-6


def test_the_covariance_gives_the_fit_back(made):
    hits, fits, spectrometer = made
    found = residuals(hits, fits, spectrometer)
    for track in (0, 1, 2, 10):
        normal = np.zeros((5, 5))
        for view in range(2):
            design = found.by_track[track, :, view]
            normal += design.T @ np.linalg.solve(found.cov[track, view], design)
        scale = np.sqrt(np.diag(fits.cov[track]))
        np.testing.assert_allclose(
            normal * np.outer(scale, scale) @ (fits.cov[track] / np.outer(scale, scale)), np.eye(5), atol=0.03
        )


def test_a_shifted_plane_is_found_again(toys):
    """The derivatives in use: one least-squares step with the tracks eliminated returns the shift of a plane."""
    rng = np.random.default_rng(2)
    muons = toys.muons(rng, np.full(400, 60.0), np.ones(400), Z, BOX, BY)
    x, y = (v + rng.normal(0, SIGMA, v.shape) for v in (muons.x, muons.y))
    x[:, 2] += 0.5
    hits, spectrometer = Hits(Z, x, y, SIGMA, SIGMA), Spectrometer.uniform(BY, BOX)
    found = residuals(hits, fit_tracks(hits, spectrometer), spectrometer)
    up, down = 0.0, 0.0
    for track in range(400):
        weight = np.linalg.inv(found.cov[track, 0])
        local = found.by_track[track, :, 0][:, [0, 2, 4]]
        shift = np.zeros(6)
        shift[2] = found.by_plane[track, 2, 0, 0]
        weight = weight - weight @ local @ np.linalg.solve(local.T @ weight @ local, local.T @ weight)
        up += shift @ weight @ found.residuals[track, :, 0]
        down += shift @ weight @ shift
    assert up / down == pytest.approx(0.5, abs=4 / np.sqrt(down))
    assert 1 / np.sqrt(down) < 0.02
