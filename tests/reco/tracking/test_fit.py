"""The track fit: resolution against the Cramer-Rao bound, pulls, a fit by iminuit as oracle, and bad tracks."""

from __future__ import annotations

import numpy as np
import pytest

from emiss.reco.field.field_map import FieldMap
from emiss.reco.field.transport import SoftBox, UniformBox
from emiss.reco.tracking.fit import Hits, Spectrometer, fit_tracks

BY = 1.4
LAYOUTS = {
    "2+2": (np.array([0.0, 500.0, 2900.0, 3400.0]), (700.0, 2700.0)),
    "4+2": (np.array([0.0, 300.0, 600.0, 900.0, 3200.0, 3700.0]), (1000.0, 3000.0)),
}
SIGMA = 0.08


def covariance(z, theta):
    """Covariance of the hits of a view for a scattering angle `theta` in every plane."""
    arms = np.maximum(z[:, None] - z[None, :], 0.0)
    return SIGMA**2 * np.eye(len(z)) + theta**2 * arms @ arms.T


def bound(toys, z, box, p, x_over_x0=0.003):
    """Cramer-Rao bound of (x, y, tx, ty, q/p) for a track along the axis: from differences of circles, with no small angles."""
    planes, state = len(z), np.array([[0.0, 0.0, 0.0, 0.0, 1 / p]])

    def points(state, kicks=None):
        return np.concatenate(toys.follow(state, z, box, BY, kicks, x_over_x0), axis=1)[0]

    shifts = np.diag([1e-2, 1e-2, 1e-6, 1e-6, 1e-6])
    design = [(points(state + shift) - points(state - shift)) / (2 * shift.sum()) for shift in shifts]
    cov = SIGMA**2 * np.eye(2 * planes)
    for kick in 1e-6 * np.eye(2 * planes).reshape(-1, 1, planes, 2):
        moved = (points(state, kick) - points(state, -kick)) / 2e-6
        cov += toys.highland(p, x_over_x0) ** 2 * np.outer(moved, moved)
    design = np.array(design).T
    fisher = design.T @ np.linalg.solve(cov, design)
    scale = np.sqrt(np.diag(fisher))
    return np.sqrt(np.diag(np.linalg.inv(fisher / np.outer(scale, scale)))) / scale


def sample(toys, layout, p, count, seed=1, **kinds):
    z, box = LAYOUTS[layout]
    rng = np.random.default_rng(seed)
    p = np.full(count, p) if np.isscalar(p) else p
    q = rng.choice([-1.0, 1.0], count)
    made = toys.muons(rng, p, q, z, box, BY, **kinds)
    x, y = (v + rng.normal(0, SIGMA, v.shape) for v in (made.x, made.y))
    return made, Hits(z, x, y, SIGMA, SIGMA), Spectrometer.uniform(by=BY, z_range=box)


def states(fits):
    return np.column_stack([fits.x, fits.y, fits.tx, fits.ty, fits.q_over_p])


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("p", [5.0, 10.0, 20.0, 50.0, 100.0])
def test_resolution_reaches_the_cramer_rao_bound(toys, layout, p):
    made, hits, spectrometer = sample(toys, layout, p, 40_000)
    fits = fit_tracks(hits, spectrometer)
    assert (fits.status == 0).all()
    assert (fits.charge == np.sign(made.state[:, 4])).all()
    expected = bound(toys, *LAYOUTS[layout], p)
    error = states(fits) - made.state
    assert error.std(axis=0) == pytest.approx(expected, rel=0.03)
    assert np.median(fits.sigma_q_over_p) == pytest.approx(expected[4], rel=0.03)
    pulls = error / np.sqrt(np.diagonal(fits.cov, axis1=1, axis2=2))
    assert abs(pulls.mean(axis=0)).max() < 0.02
    assert pulls.std(axis=0) == pytest.approx(np.ones(5), abs=0.03)
    # the whole covariance: d^T C^-1 d of five parameters has the mean 5
    distance = np.einsum("ni,nij,nj->n", error, np.linalg.inv(fits.cov), error)
    assert distance.mean() == pytest.approx(5.0, rel=0.03)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_chi2_and_hit_pulls(toys, layout):
    from scipy.stats import chi2

    _, hits, spectrometer = sample(toys, layout, 20.0, 20_000, seed=2)
    fits = fit_tracks(hits, spectrometer)
    freedom = 2 * len(hits.z) - 5
    assert (fits.ndf == freedom).all()
    tail = chi2.sf(fits.chi2, fits.ndf)
    counts, _ = np.histogram(tail, 10, (0, 1))
    assert abs(counts - 2000).max() < 5 * np.sqrt(2000)
    assert fits.pulls.std(axis=0) == pytest.approx(np.ones((len(hits.z), 2)), abs=0.03)
    scattered = covariance(hits.z, toys.highland(20.0, 0.003))
    weight = np.linalg.inv(scattered)
    again = sum(np.einsum("ni,ij,nj->n", r, weight, r) for r in np.moveaxis(fits.residuals, 2, 0))
    np.testing.assert_allclose(fits.chi2, again, rtol=5e-3)  # the fit scatters with its own momentum


def test_exact_hits_give_the_exact_track(toys):
    z, box = LAYOUTS["2+2"]
    rng = np.random.default_rng(3)
    p = np.geomspace(2.0, 1000.0, 200)
    made = toys.muons(rng, p, rng.choice([-1.0, 1.0], 200), z, box, BY, x_over_x0=0.0, slope=0.02)
    fits = fit_tracks(Hits(z, made.x, made.y, SIGMA, SIGMA), Spectrometer.uniform(BY, box, x_over_x0=0.0))
    assert (fits.status == 0).all()
    np.testing.assert_allclose(fits.p, p, rtol=1e-5)
    np.testing.assert_allclose(states(fits)[:, :4], made.state[:, :4], atol=1e-4)
    assert abs(fits.residuals).max() < 1e-3


def test_iminuit_finds_the_same(toys):
    from iminuit import Minuit

    p = np.array([6.0, 12.0, 25.0, 50.0, 100.0])
    _, hits, spectrometer = sample(toys, "2+2", p, 5, seed=4)
    z, box = LAYOUTS["2+2"]
    fits = fit_tracks(hits, spectrometer)
    unit = np.array([1, 1, 1e-3, 1e-3, 1e-3])

    def chi2_of(measured, weight):
        def chi2(par):
            residual = measured - np.concatenate(toys.follow([par * unit], z, box, BY, None, 0.003))
            return np.einsum("vi,ij,vj", residual, weight, residual)

        return chi2

    for i in range(5):
        weight = np.linalg.inv(covariance(z, toys.highland(fits.p[i], 0.003)))
        measured = np.stack([hits.x[i], hits.y[i]])
        slope = (hits.y[i, -1] - hits.y[i, 0]) / (z[-1] - z[0])
        start = (hits.x[i, 0], hits.y[i, 0], 1e3 * (hits.x[i, 1] - hits.x[i, 0]) / z[1], 1e3 * slope)
        minuit = Minuit(chi2_of(measured, weight), np.array([*start, 1.1e3 * fits.q_over_p[i]]))
        minuit.errors = [0.1, 0.1, 0.1, 0.1, 0.5]
        minuit.tol = 1e-4
        minuit.strategy = 2
        minuit.migrad()
        minuit.minos()  # where chi2 has risen by 1: HESSE's differences are some per cent off here
        assert minuit.valid
        values = np.array(minuit.values) * unit
        errors = np.array([0.5 * (e.upper - e.lower) for e in minuit.merrors.values()]) * unit
        assert abs((states(fits)[i] - values) / errors).max() < 0.01
        assert np.sqrt(np.diag(fits.cov[i])) == pytest.approx(errors, rel=0.01)
        assert fits.chi2[i] == pytest.approx(minuit.fval, abs=5e-3)


def test_a_positive_charge_bends_to_negative_x():
    bent = [[0.0, 0.0, -20.0, -27.0]]
    fits = fit_tracks(
        Hits(LAYOUTS["2+2"][0], bent, np.zeros((1, 4)), SIGMA, SIGMA), Spectrometer.uniform(BY, (700.0, 2700.0))
    )
    assert fits.charge[0] == 1
    turned = fit_tracks(
        Hits(LAYOUTS["2+2"][0], bent, np.zeros((1, 4)), SIGMA, SIGMA), Spectrometer.uniform(-BY, (700.0, 2700.0))
    )
    assert turned.charge[0] == -1
    assert turned.p[0] == pytest.approx(fits.p[0])


@pytest.mark.parametrize("missing", range(4))
def test_a_plane_is_missing(toys, missing):
    made, hits, spectrometer = sample(toys, "2+2", 30.0, 5000, seed=5)
    x, y = hits.x.copy(), hits.y.copy()
    x[:, missing] = np.nan
    y[:, missing] = np.nan
    fits = fit_tracks(Hits(hits.z, x, y, SIGMA, SIGMA), spectrometer)
    assert (fits.status == 0).all()
    assert (fits.ndf == 1).all()  # none left in the bend plane
    pulls = (states(fits) - made.state) / np.sqrt(np.diagonal(fits.cov, axis1=1, axis2=2))
    assert abs(pulls.mean(axis=0)).max() < 0.06
    assert pulls.std(axis=0) == pytest.approx(np.ones(5), abs=0.05)
    assert np.isnan(fits.residuals[:, missing]).all()
    assert np.isnan(fits.pulls[:, :, 0]).all()  # the hits fix the track, nothing is left to pull
    full = fit_tracks(hits, spectrometer)
    assert (fits.sigma_q_over_p > full.sigma_q_over_p).all()


def test_x_alone(toys):
    _, hits, spectrometer = sample(toys, "2+2", 30.0, 2000, seed=6)
    fits = fit_tracks(Hits(hits.z, hits.x, np.full_like(hits.y, np.nan), SIGMA, SIGMA), spectrometer)
    full = fit_tracks(hits, spectrometer)
    assert (fits.status == 0).all()
    assert (fits.ndf == 1).all()
    assert np.isnan(fits.y).all()
    assert np.isnan(fits.ty).all()
    np.testing.assert_allclose(fits.q_over_p, full.q_over_p, atol=0.02 * full.sigma_q_over_p.min())
    np.testing.assert_allclose(fits.sigma_q_over_p, full.sigma_q_over_p, rtol=1e-3)
    assert np.isfinite(fits.cov[:, [0, 2, 4]][:, :, [0, 2, 4]]).all()


def test_bad_tracks_have_a_status_and_leave_the_others_alone(toys):
    _, hits, spectrometer = sample(toys, "2+2", 30.0, 12, seed=7)
    good = fit_tracks(hits, spectrometer)
    x, y, sigma = hits.x.copy(), hits.y.copy(), np.full(hits.x.shape, SIGMA)
    x[0] = np.nan  # nothing
    x[1, :2] = np.nan  # two hits
    x[2, 3], x[2, 2] = np.inf, -np.inf  # no numbers
    y[3, 1:] = np.nan  # a single y
    x[4] = [0.0, 0.0, -5e3, -8e3]  # a bend that no particle survives
    sigma[5] = 0.0  # no errors
    sigma[6, 2:] = np.nan
    x[7] = [1e300, -1e300, 1e300, -1e300]
    x[8] = [0.0, 40.0, -100.0, 300.0]  # no track at all, but hits
    fits = fit_tracks(Hits(hits.z, x, y, sigma, sigma), spectrometer)
    assert fits.status[[0, 1, 2, 3, 5, 6]].tolist() == [1] * 6
    assert (fits.status[[4, 7]] > 1).all()
    bad = fits.status != 0
    assert not bad[9:].any()
    for name in ("q_over_p", "p", "charge", "x", "y", "tx", "ty", "cov", "chi2", "residuals", "pulls"):
        values = getattr(fits, name)
        assert np.isnan(values[bad]).all(), name
        np.testing.assert_array_equal(values[9:], getattr(good, name)[9:])
    assert np.isfinite(states(fits)[~bad]).all()


def test_hits_before_the_magnet_alone_are_too_few(toys):
    _, hits, spectrometer = sample(toys, "4+2", 30.0, 3, seed=8)
    x = hits.x.copy()
    x[:, 4:] = np.nan
    assert (fit_tracks(Hits(hits.z, x, hits.y, SIGMA, SIGMA), spectrometer).status == 1).all()


def test_without_field_the_momentum_is_not_determined(toys):
    _, hits, _ = sample(toys, "2+2", 30.0, 3, seed=9)
    assert (fit_tracks(hits, Spectrometer.uniform(0.0, (700.0, 2700.0))).status == 3).all()


def test_a_particle_that_leaves_the_field():
    """The slopes of these hits bend by more than the field can turn a particle in its length."""
    z, box = LAYOUTS["2+2"]
    hits = Hits(z, [[0.0, 450.0, -2100.0, -12950.0]], np.zeros((1, 4)), SIGMA, SIGMA)
    assert fit_tracks(hits, Spectrometer.uniform(BY, box)).status[0] == 4


def test_no_tracks_at_all():
    z, box = LAYOUTS["2+2"]
    fits = fit_tracks(Hits(z, np.empty((0, 4)), np.empty((0, 4)), SIGMA, SIGMA), Spectrometer.uniform(BY, box))
    assert len(fits.p) == len(fits.status) == 0


def test_any_partition_gives_the_same(toys):
    _, hits, spectrometer = sample(toys, "4+2", 20.0, 50, seed=10)
    whole = fit_tracks(hits, spectrometer)
    parts = [
        fit_tracks(Hits(hits.z, hits.x[a : a + 7], hits.y[a : a + 7], SIGMA, SIGMA), spectrometer)
        for a in range(0, 50, 7)
    ]
    np.testing.assert_array_equal(np.concatenate([part.q_over_p for part in parts]), whole.q_over_p)
    np.testing.assert_array_equal(np.concatenate([part.cov for part in parts]), whole.cov)


def test_more_material_more_error(toys):
    _, hits, thin = sample(toys, "2+2", 20.0, 100, seed=11)
    box = LAYOUTS["2+2"][1]
    errors = [
        fit_tracks(hits, s).sigma_q_over_p.mean()
        for s in (
            Spectrometer.uniform(BY, box, x_over_x0=0.0),
            thin,
            Spectrometer.uniform(BY, box, air=True),
            Spectrometer.uniform(BY, box, x_over_x0=[0.003, 0.02, 0.02, 0.003], air=True),
        )
    ]
    assert errors == sorted(errors)
    assert errors[3] > 1.01 * errors[0]


@pytest.mark.parametrize(
    ("hits", "message"),
    [
        (Hits([0, 1, 1], np.zeros((1, 3)), np.zeros((1, 3)), 1, 1), "ascending"),
        (Hits([0, 1], np.zeros((1, 2)), np.zeros((1, 2)), 1, 1), "three planes"),
        (Hits([0, 1, 2], np.zeros((1, 4)), np.zeros((1, 4)), 1, 1), "shape"),
    ],
)
def test_wrong_shapes(hits, message):
    with pytest.raises(ValueError, match=message):
        fit_tracks(hits, Spectrometer.uniform(BY, (0.5, 1.5)))


def test_wrong_spectrometer():
    with pytest.raises(ValueError, match="radiation lengths"):
        Spectrometer.uniform(BY, (0.0, 1.0), x_over_x0=-0.1)
    with pytest.raises(ValueError, match="no box"):
        Spectrometer.uniform(BY, (1.0, 0.0))


def test_a_map_of_the_same_box_gives_the_same_fits(toys):
    box = LAYOUTS["4+2"][1]
    _, hits, uniform = sample(toys, "4+2", np.random.default_rng(12).uniform(5, 100, 500), 500, seed=12)
    axes = (np.linspace(-600, 600, 9), np.linspace(-80, 80, 5), np.linspace(*box, 21))
    same = FieldMap(axes, uniform.field.at(*np.meshgrid(*axes, indexing="ij")))
    a, b = fit_tracks(hits, uniform), fit_tracks(hits, Spectrometer(same))
    assert (b.status == 0).all()
    error = np.sqrt(np.diagonal(a.cov, axis1=1, axis2=2))
    assert (abs(states(a) - states(b)) / error).max() < 2e-3
    np.testing.assert_allclose((a.cov - b.cov) / error[:, :, None] / error[:, None, :], 0.0, atol=5e-3)
    np.testing.assert_allclose(a.chi2, b.chi2, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(a.residuals, b.residuals, atol=5e-3)


def fringed(box):
    """A map of a dipole that fulfils Maxwell's equations, wide enough for 5 GeV."""
    axes = (np.arange(-400.0, 401, 50), np.arange(-60.0, 61, 20), np.arange(box[0] - 700, box[1] + 701, 20))
    _, y, z = np.meshgrid(*axes, indexing="ij")
    w = z + 1j * y
    f = 0.5 * BY * (np.tanh((w - box[0]) / 120) - np.tanh((w - box[1]) / 120))
    return FieldMap(axes, np.stack([np.zeros(y.shape), f.real, f.imag], axis=-1))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", ["map", "soft"])
@pytest.mark.parametrize("p", [5.0, 20.0, 100.0])
def test_fits_through_maps_and_soft_edges(toys, layout, kind, p):
    """Gaussian sample plane by plane through the field: bound (that of the box of the same integral), pulls, chi2."""
    from scipy.stats import chi2

    z, box = LAYOUTS[layout]
    field, rng, count = fringed(box) if kind == "map" else SoftBox(BY, box, 100.0), np.random.default_rng(13), 40_000
    truth = toys.muons(rng, np.full(count, p), rng.choice([-1.0, 1.0], count), z[:1], box, BY).state
    state, points = truth.copy(), np.empty((count, len(z), 2))
    for i in range(len(z)):
        if i:
            state, _ = field.transport(state, z[i - 1], z[i])
        points[:, i] = state[:, :2]
        state[:, 2:4] += rng.normal(0, 1, (count, 2)) * toys.highland(p, 0.003)
        state[:, 4] /= 1 - toys.LOSS * 0.003 * np.abs(state[:, 4])
    points += rng.normal(0, SIGMA, points.shape)
    fits = fit_tracks(Hits(z, points[..., 0], points[..., 1], SIGMA, SIGMA), Spectrometer(field))
    assert (fits.status == 0).all()
    error = states(fits) - truth
    assert error[:, 4].std() == pytest.approx(bound(toys, z, box, p)[4], rel=0.03)
    pulls = error / np.sqrt(np.diagonal(fits.cov, axis1=1, axis2=2))
    assert abs(pulls.mean(axis=0)).max() < 0.02
    assert pulls.std(axis=0) == pytest.approx(np.ones(5), abs=0.03)
    counts, _ = np.histogram(chi2.sf(fits.chi2, fits.ndf), 10, (0, 1))
    assert abs(counts - count / 10).max() < 5 * np.sqrt(count / 10)


def test_tracks_that_leave_the_map(toys):
    z, box = LAYOUTS["2+2"]
    _, hits, _ = sample(toys, "2+2", 30.0, 5, seed=14)
    y = hits.y.copy()
    y[2] += 75.0  # beside the map
    fits = fit_tracks(Hits(z, hits.x, y, SIGMA, SIGMA), Spectrometer(fringed(box)))
    assert fits.status.tolist() == [0, 0, 4, 0, 0]
    assert np.isnan(fits.p[2])


def test_the_energy_loss_on_the_way(toys):
    """Momentum is given at the first plane: matter before the magnet would bias it if the loss were left out."""
    z, box = LAYOUTS["2+2"]
    state = np.array([[0.0, 0.0, 0.0, 0.0, 0.2]] * 3)
    x, y = toys.follow(state, z, box, BY, None, 0.1)
    thick = Spectrometer.uniform(BY, box, x_over_x0=0.1)
    fits = fit_tracks(Hits(z, x, y, SIGMA, SIGMA), thick)
    np.testing.assert_allclose(fits.p, 5.0, rtol=1e-5)
    without = fit_tracks(Hits(z, x, y, SIGMA, SIGMA), Spectrometer.uniform(BY, box, x_over_x0=0.0))
    np.testing.assert_allclose(without.p, 5.0 - 2 * 0.007, rtol=2e-4)  # both planes before the magnet
    air = fit_tracks(Hits(z, x, y, SIGMA, SIGMA), Spectrometer.uniform(BY, box, x_over_x0=0.1, air=True))
    assert air.p[0] - 5.0 == pytest.approx(0.070 * 1700.0 / 303.9e3, rel=0.1)  # lost up to the middle of the magnet


def test_from_map(tmp_path):
    box = LAYOUTS["2+2"][1]
    field = fringed(box)
    grid = np.stack(np.meshgrid(*field.axes, indexing="ij"), axis=-1).reshape(-1, 3) - [0, 0, 1700.0]
    np.savetxt(tmp_path / "map.txt", np.column_stack([grid, field.values.reshape(-1, 3)]), fmt="%.10g")
    read = Spectrometer.from_map(tmp_path / "map.txt", x_over_x0=0.01, air=True, at=(0, 0, 1700.0))
    assert read.field.region == field.region
    np.testing.assert_allclose(read.field.values, field.values, atol=1e-9)
    assert (read.x_over_x0, read.air) == (0.01, True)
    assert Spectrometer.soft(BY, box, 50.0).field == SoftBox(BY, box, 50.0)


def test_momentum_vectors(toys):
    made, hits, spectrometer = sample(toys, "2+2", np.array([5.0, 20.0, 80.0]), 3, seed=15)
    fits = fit_tracks(hits, spectrometer)
    momentum = fits.momentum()
    np.testing.assert_allclose(momentum.mag, fits.p)
    np.testing.assert_allclose(momentum.px / momentum.pz, fits.tx)
    np.testing.assert_allclose(momentum.py / momentum.pz, fits.ty)
    assert momentum.deltaangle(toys_vector(made)).max() < 2e-3


def toys_vector(made):
    import vector

    return vector.array({"px": made.state[:, 2], "py": made.state[:, 3], "pz": np.ones(len(made.state))})


@pytest.mark.parametrize("kind", ["uniform", "soft", "map"])
def test_garbage_never_raises_and_never_passes_for_a_fit(kind):
    z, box = LAYOUTS["4+2"]
    field = {"uniform": UniformBox(BY, box), "soft": SoftBox(BY, box, 100.0), "map": fringed(box)}[kind]
    rng = np.random.default_rng(16)
    count = 4000
    size = 10.0 ** rng.uniform(-3, 12, (count, 1))
    x, y = (size * rng.normal(size=(count, 6)) for _ in range(2))
    sigma = 10.0 ** rng.uniform(-6, 4, (count, 6))
    for values in (x, y, sigma):
        values[rng.random((count, 6)) < 0.03] = np.nan
        values[rng.random((count, 6)) < 0.01] = np.inf
    sigma[rng.random((count, 6)) < 0.01] = 0.0
    fits = fit_tracks(Hits(z, x, y, sigma, sigma), Spectrometer(field, air=True))
    good = fits.status == 0
    assert set(np.unique(fits.status)) <= {0, 1, 2, 3, 4}
    assert 0 < good.sum() < count
    assert np.isfinite(np.column_stack([fits.x, fits.tx, fits.q_over_p, fits.chi2, fits.sigma_q_over_p])[good]).all()
    assert (np.diagonal(fits.cov, axis1=1, axis2=2)[good][:, [0, 2, 4]] > 0).all()
    for name in ("x", "y", "tx", "ty", "q_over_p", "p", "charge", "cov", "chi2", "residuals", "pulls"):
        assert np.isnan(getattr(fits, name)[~good]).all(), name
