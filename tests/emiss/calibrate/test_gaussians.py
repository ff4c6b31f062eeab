"""Places of peaks and their errors: pulls over many histograms, of Gaussians and of what is only nearly one."""

import numpy as np
import pytest

from emiss.calibrate.gaussians import gaussians

EDGES = np.linspace(-10.0, 10.0, 201)
HISTOGRAMS = 300


def _filled(entries, wide, rng):
    """Return histograms of peaks at 0.3 of which a part is twice as wide, on a flat background."""
    wider = rng.random((HISTOGRAMS, entries)) < wide
    drawn = rng.normal(0.3, np.where(wider, 2.0, 1.0))
    flat = rng.uniform(-10.0, 10.0, (HISTOGRAMS, entries // 20))
    both = np.concatenate([drawn, flat], axis=1)
    return np.stack([np.histogram(row, EDGES)[0] for row in both]).astype(float)


@pytest.mark.parametrize(("entries", "wide", "chi2"), [(2_000, 0.0, 1.03), (2_000, 0.3, 1.16), (50_000, 0.3, 3.45)])
def test_errors_of_places_hold_also_where_peaks_are_no_gaussians(entries, wide, chi2):
    found = gaussians(_filled(entries, wide, np.random.default_rng(11)), EDGES)
    assert found.converged.all()
    pulls = (found.place - 0.3) / found.error
    # 300 pulls tell their width to 0.04; with errors that grow with chi2 it would be 0.56 in the last case
    assert np.std(pulls) == pytest.approx(1.0, abs=0.1)
    assert abs(pulls.mean()) < 0.2
    assert found.chi2.mean() == pytest.approx(chi2, rel=0.05)


def test_widths_of_gaussians_have_pulls_of_the_width_one():
    found = gaussians(_filled(2_000, 0.0, np.random.default_rng(13)), EDGES)
    pulls = (found.sigma - 1.0) / found.sigma_error
    assert np.std(pulls) == pytest.approx(1.0, abs=0.12)
    assert abs(pulls.mean()) < 0.3


def test_an_empty_histogram_has_no_place():
    found = gaussians(np.zeros((2, 200)), EDGES)
    assert not found.converged.any()
    assert np.isnan(found.chi2).all()
