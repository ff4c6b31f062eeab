"""The fast fit against iminuit on the same hits: uniform field, soft edges, map, air, missing coordinates."""

from __future__ import annotations

import numpy as np
import pytest

from emiss.reco.field.field_map import FieldMap
from emiss.reco.field.transport import SoftBox, UniformBox
from emiss.reco.tracking.fit import Hits, Spectrometer, fit_tracks
from emiss.reco.tracking.single_track import TrackModel, fit_single

BY, SIGMA = 1.4, 0.08
LAYOUTS = {
    "2+2": (np.array([0.0, 500.0, 2900.0, 3400.0]), (700.0, 2700.0)),
    "4+2": (np.array([0.0, 300.0, 600.0, 900.0, 3200.0, 3700.0]), (1000.0, 3000.0)),
}
P = np.array([5.0, 20.0, 100.0])


def field_of(kind, box):
    if kind == "uniform":
        return UniformBox(BY, box)
    soft = SoftBox(BY, box, 100.0)
    if kind == "soft":
        return soft
    axes = (np.arange(-500.0, 501, 50), np.arange(-60.0, 61, 20), np.arange(box[0] - 900, box[1] + 901, 25))
    return FieldMap(axes, soft.at(*np.meshgrid(*axes, indexing="ij")))


def sample(toys, layout, seed=1):
    z, box = LAYOUTS[layout]
    rng = np.random.default_rng(seed)
    made = toys.muons(rng, P, rng.choice([-1.0, 1.0], len(P)), z, box, BY)
    x, y = (v + rng.normal(0, SIGMA, v.shape) for v in (made.x, made.y))
    return Hits(z, x, y, SIGMA, SIGMA)


def agree(fits, i, single, errors=0.01):
    state = np.array([v[i] for v in (fits.x, fits.y, fits.tx, fits.ty, fits.q_over_p)])
    assert single.valid
    measured = np.isfinite(single.state)
    np.testing.assert_array_equal(np.isfinite(state), measured)
    assert (abs(state - single.state) / single.errors)[measured].max() < 0.01
    assert np.sqrt(np.diag(fits.cov[i]))[measured] == pytest.approx(single.errors[measured], rel=errors)
    assert fits.chi2[i] == pytest.approx(single.chi2, abs=0.05)
    assert fits.ndf[i] == single.ndf
    np.testing.assert_allclose(fits.residuals[i], single.residuals, atol=5e-3)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", ["uniform", "soft", "map"])
def test_the_same_answer(toys, layout, kind):
    hits = sample(toys, layout)
    spectrometer = Spectrometer(field_of(kind, LAYOUTS[layout][1]), air=kind == "soft")
    fits = fit_tracks(hits, spectrometer)
    for i in range(len(P)):
        agree(fits, i, fit_single(hits, spectrometer, i))


def test_missing_coordinates(toys):
    hits = sample(toys, "4+2", seed=2)
    x, y = hits.x.copy(), hits.y.copy()
    x[0, 1] = y[0, 4] = np.nan
    y[1] = np.nan
    cut = Hits(hits.z, x, y, SIGMA, SIGMA)
    spectrometer = Spectrometer(field_of("uniform", LAYOUTS["4+2"][1]))
    fits = fit_tracks(cut, spectrometer)
    for i in range(2):
        agree(fits, i, fit_single(cut, spectrometer, i))


def test_the_scan_is_a_parabola_around_the_minimum(toys):
    hits = sample(toys, "2+2", seed=3)
    single = fit_single(hits, Spectrometer(field_of("uniform", LAYOUTS["2+2"][1])), 1)
    places, values = single.scan.T
    assert values.min() == pytest.approx(0.0, abs=0.01)
    np.testing.assert_allclose(values, ((places - single.state[4]) / single.errors[4]) ** 2, atol=0.1)
    quick = fit_single(hits, Spectrometer(field_of("uniform", LAYOUTS["2+2"][1])), 1, scan=False)
    assert len(quick.scan) == 0
    np.testing.assert_allclose(quick.errors, single.errors, rtol=0.03)  # HESSE's differences


def test_the_model_between_the_planes_is_the_one_at_them(toys):
    hits = sample(toys, "2+2", seed=4)
    model = TrackModel(hits, Spectrometer(field_of("uniform", LAYOUTS["2+2"][1]), air=True), 0)
    state = model.start()
    along = np.unique(np.concatenate([hits.z, np.linspace(0.0, 3400.0, 40)]))
    np.testing.assert_allclose(model.path(state, along)[np.searchsorted(along, hits.z)], model.path(state), atol=5e-3)


def test_too_few_hits(toys):
    hits = sample(toys, "2+2", seed=5)
    x = hits.x.copy()
    x[:, 2:] = np.nan
    with pytest.raises(ValueError, match="at least three x"):
        fit_single(Hits(hits.z, x, hits.y, SIGMA, SIGMA), Spectrometer(field_of("uniform", LAYOUTS["2+2"][1])))
