"""Losses of muons drawn step by step against Vavilov's distribution, the tables, ranges, and the balance of energy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import sici

from emiss.configs.compiled import kernel
from emiss.physics.constants import MUON_LIFETIME, MUON_MASS
from emiss.physics.passage import muon_kernels
from emiss.physics.passage.matter import KNOWN
from emiss.physics.passage.muon_cross_sections import largest_transfer
from emiss.physics.passage.muon_tables import IN_ACTIVE, NUCLEAR, Plates, muon_tables
from emiss.physics.passage.muons import mean_loss

NAMES = ("iron", "scintillator", "lead")
SANDWICH, SHASHLIK, PLASTIC, IRON, VACUUM = range(5)


@pytest.fixture(scope="module")
def tables():
    nothing = np.zeros(3)
    return muon_tables(
        [
            Plates(np.array([25 / 29, 0, 0]), np.array([0, 4 / 29, 0]), 4.0, 25.0),
            Plates(np.array([0, 0, 0.5]), np.array([0, 0.5, 0]), 1.5, 1.5),
            Plates(nothing, np.array([0, 1.0, 0]), 3.0, 0.0),
            Plates(np.array([1.0, 0, 0]), nothing, 0.0, 0.0),
            Plates(nothing, nothing, 0.0, 0.0),
        ],
        [KNOWN[name] for name in NAMES],
    )


@kernel
def many(tables, m, energy, path, out, kinds, energies, places, rng):
    """Fill rows of `out`: energy after, path, absorber, active, crossing, sum and number of hard secondaries."""
    for n in range(len(out)):
        after, path_, absorber, active, crossing, count = muon_kernels.step(
            tables, m, energy, path, kinds[n], energies[n], places[n], rng
        )
        total = 0.0
        for j in range(count):
            total += energies[n, j]
        out[n] = np.array([after, path_, absorber, active, crossing, total, count])


def thrown(tables, m, energy, path, count=20_000, room=64, seed=1):
    kinds = np.full((count, room), -1)
    energies, places = np.zeros((2, count, room))
    out = np.zeros((count, 7))
    many(tables, m, energy, path, out, kinds, energies, places, np.random.default_rng(seed))
    return out, kinds, energies, places


@kernel
def _soft(mean, xi, high, slope, out, rng):
    for n in range(len(out)):
        here, away = muon_kernels.soft_loss(mean, xi, high, slope, high, 0.0, rng)
        out[n] = here + away


def vavilov(mean, xi, high, slope):
    """Return losses and their distribution function: the Fourier transform of xi/T^2 (1 - slope T) up to `high`."""
    sigma = np.sqrt(xi * high)
    low = mean - (9.0 * sigma if xi > 0.3 * high else 12.0 * xi)
    width = mean + 12.0 * sigma + 2.0 * high - low
    steps = 1 << 16
    w = 2.0 * np.pi / width * np.arange(1, steps // 2 + 1)
    sine, cosine = sici(w * high)
    once = cosine - np.euler_gamma - np.log(w * high) + 1j * sine  # the integral of (exp(i w T) - 1)/T
    turn = 1j * w * high
    exponent = xi * (-(np.exp(turn) - 1.0 - turn) / high + 1j * w * once - slope * (once - turn))
    transform = np.append(1.0, np.exp(exponent + 1j * w * (mean - low)))
    cumulative = np.cumsum(np.fft.irfft(np.conj(transform), steps))
    return low + width * np.arange(1, steps + 1) / steps, cumulative / cumulative[-1]


@pytest.mark.parametrize("kappa", [0.001, 0.03, 0.3, 3.0, 30.0])
def test_soft_losses_follow_vavilov(kappa):
    # kappa = xi/cut: 0.001 in 3 mm of scintillator, 2.2 in 1.2 m of iron, for a cut of 30 MeV
    high, slope = 0.03, 0.2 / 0.03
    xi = kappa * high
    mean = xi * 15.0
    values = np.zeros(40_000)
    _soft(mean, xi, high, slope, values, np.random.default_rng(2))
    grid, cumulative = vavilov(mean, xi, high, slope)
    values.sort()
    distance = np.abs(np.interp(values, grid, cumulative) - (np.arange(len(values)) + 0.5) / len(values)).max()
    assert distance < 0.011  # 1.1 % of the probability; 0.7 % is where chance alone gets once in 20 times
    assert values.mean() == pytest.approx(mean, abs=4 * np.sqrt(xi * high / len(values)))


@pytest.mark.parametrize(
    ("mixture", "energy", "path"), [(SANDWICH, 60.0, 1392.0), (SHASHLIK, 7.0, 450.0), (PLASTIC, 100.0, 3.0)]
)
def test_energy_is_conserved_and_the_mean_is_that_of_the_formulas(tables, mixture, energy, path):
    out, kinds, energies, places = thrown(tables, mixture, energy, path)
    np.testing.assert_allclose(out[:, 0] + out[:, 2:6].sum(axis=1), energy, rtol=1e-12)
    assert np.all(out[:, 2:6] >= 0.0)
    assert np.all(out[:, 1] == path)
    lost = energy - out[:, 0]
    parts = np.array([[25 / 29, 4 / 29, 0], [0, 0.5, 0.5], [0, 1, 0]])[mixture]
    at = np.median(energy - 0.5 * lost)
    wanted = path * sum(part * mean_loss(at, name) for part, name in zip(parts, NAMES, strict=True))
    assert lost.mean() == pytest.approx(wanted, abs=max(0.03 * wanted, 4.0 * lost.std() / len(lost) ** 0.5))
    real = kinds >= 0
    assert np.array_equal(real.sum(axis=1), out[:, 6])
    assert np.all(energies[real] >= tables.cut)
    assert np.all((places[real] > 0.0) & (places[real] < path))
    if mixture == SANDWICH:
        assert set(np.unique(kinds[real])) == {0, 1, 2, NUCLEAR}


@pytest.mark.parametrize("energy", [MUON_MASS + 1e-4, 0.2, 50.0])
def test_vacuum_takes_nothing(tables, energy):
    out, *_ = thrown(tables, VACUUM, energy, 1e4, count=10)
    assert np.all(out == [energy, 1e4, 0.0, 0.0, 0.0, 0.0, 0.0])


def test_the_slowest_muons_stop_and_are_booked(tables):
    energy = MUON_MASS + 2e-3
    out, *_ = thrown(tables, SANDWICH, energy, 10.0, count=10)
    assert np.all(out[:, 0] == MUON_MASS)
    np.testing.assert_allclose(out[:, 2:6].sum(axis=1), 2e-3, rtol=1e-9)


def test_what_has_no_room_is_not_lost(tables):
    out, *_ = thrown(tables, SANDWICH, 60.0, 1392.0, count=500, room=2)
    assert out[:, 6].max() == 2
    np.testing.assert_allclose(out[:, 0] + out[:, 2:6].sum(axis=1), 60.0, rtol=1e-12)


def test_a_plastic_plate_shows_the_most_probable_loss_of_landau(tables):
    # PDG 2022, Eq. 34.12: xi (ln(2 m c^2 beta^2 gamma^2/I) + ln(xi/I) + 0.200 - beta^2 - delta); at high energy with
    # delta = 2 ln(hbar omega_p/I) + 2 ln(beta gamma) - 1: xi (ln(2 m xi/(hbar omega_p)^2) + 0.200), hbar omega_p = 21.54 eV
    out, *_ = thrown(tables, PLASTIC, 50.0, 50.0, count=60_000)
    lost = 50.0 - out[:, 0]
    xi = float(tables.xi[PLASTIC, 1]) * 50.0
    wanted = xi * (np.log(2 * 0.51099895e-3 * xi / 21.54e-9**2) + 0.200)
    count, edges = np.histogram(lost, 60, (wanted - 2 * xi, wanted + 2.5 * xi))
    x = 0.5 * (edges[1:] + edges[:-1])
    near = np.abs(x - wanted) < 0.8 * xi
    a, b, _ = np.polyfit(x[near] - wanted, np.log(count[near]), 2)
    assert -0.5 * b / a == pytest.approx(0.0, abs=0.12 * xi)


@pytest.mark.parametrize("energy", [1.0, 10.0])
def test_ranges_in_iron_are_those_of_the_tables(tables, energy):
    # the integral over 1/loss of the table of Groom et al. for iron, p in GeV and dE/dx in MeV cm^2/g
    p = [
        0.04704,
        0.05616,
        0.06802,
        0.08509,
        0.1003,
        0.1527,
        0.1764,
        0.2218,
        0.2868,
        0.3642,
        0.3917,
        0.4945,
        0.8995,
        1.101,
    ]
    p += [1.502, 2.103, 3.104, 4.104, 8.105, 10.11]
    loss = [5.494, 4.321, 3.399, 2.654, 2.274, 1.717, 1.616, 1.516, 1.463, 1.451, 1.453, 1.467, 1.548, 1.582]
    loss += [1.637, 1.697, 1.767, 1.816, 1.936, 1.975]
    kinetic = np.sqrt(np.square(p) + MUON_MASS**2) - MUON_MASS
    fine = np.geomspace(kinetic[0], energy - MUON_MASS, 2000)
    grams = (
        np.trapezoid(1e3 / np.exp(np.interp(np.log(fine), np.log(kinetic), np.log(loss))), fine) + 1.0
    )  # up to 10 MeV
    out, *_ = thrown(tables, IRON, energy, 1e5, count=2000)
    assert np.all(out[:, 0] == MUON_MASS)
    assert np.median(out[:, 1]) == pytest.approx(10.0 * grams / KNOWN["iron"].density, rel=0.05)


def test_large_losses_follow_their_cross_sections(tables):
    out, kinds, energies, _ = thrown(tables, IRON, 80.0, 200.0, count=60_000)
    above = energies > 2.0
    from emiss.physics.passage.muon_tables import PROCESSES

    for kind, formula in enumerate(PROCESSES):
        limit = float(largest_transfer(80.0)) if kind == 0 else 79.8
        e = np.geomspace(2.0, limit, 4000)
        rate = np.trapezoid(formula(80.0, e, KNOWN["iron"]), e) * KNOWN["iron"].density / 10.0
        found = np.count_nonzero(above & (kinds == kind)) / len(out) / 200.0
        assert found == pytest.approx(rate, rel=0.05, abs=4 * np.sqrt(rate / 200.0 / len(out)))


def test_active_material_gets_its_share(tables):
    out, *_ = thrown(tables, SHASHLIK, 20.0, 450.0)
    where = tables.start + np.arange(tables.loss.shape[1]) / tables.per_step
    mean = np.interp(np.log(20.0), where, tables.loss[SHASHLIK, :, IN_ACTIVE]) * 450.0
    # those that cross to other plates leave only a part: xi/T^2 (T - keeps) above it
    ratio = tables.cut / tables.leaves[SHASHLIK, 1]
    crossing = float(tables.xi[SHASHLIK, 1]) * 450.0 * (np.log(ratio) - 1.0 + 1.0 / ratio)
    assert 0.02 * mean < crossing < 0.3 * mean
    assert out[:, 3].mean() == pytest.approx(mean - crossing, rel=0.005)


@kernel
def _decays(tables, energy, out, rng):
    for n in range(len(out)):
        out[n, 0] = muon_kernels.path_to_decay(energy, rng)
        out[n, 1] = muon_kernels.decay_share(energy, rng)
        out[n, 2] = muon_kernels.michel(rng)
        for m in range(2):
            out[n, 3 + 2 * m], out[n, 4 + 2 * m] = muon_kernels.at_rest(tables, 3, m == 0, rng)


def test_decays(tables):
    out = np.zeros((40_000, 7))
    _decays(tables, 50.0, out, np.random.default_rng(3))
    assert out[:, 0].mean() == pytest.approx(50.0 / MUON_MASS * MUON_LIFETIME, rel=0.02)
    assert np.median(out[:, 0]) == pytest.approx(np.log(2) * 50.0 / MUON_MASS * MUON_LIFETIME, rel=0.03)
    # the electron has 0.35 of the energy: 7/10 of half the mass at rest; and at most all of it
    assert out[:, 1].mean() == pytest.approx(0.35 * 50.0, rel=0.01)
    assert out[:, 1].max() <= 50.0
    assert out[:, 2].max() < 0.5 * MUON_MASS
    assert np.mean(out[:, 2]) == pytest.approx(0.35 * MUON_MASS, rel=0.01)
    # in iron nine of ten mu- are captured, and no mu+
    assert np.mean(out[:, 3] > 0.0) == pytest.approx(206.0 / 2197.0, abs=0.006)
    assert out[:, 4].mean() == pytest.approx(206.0, rel=0.02)
    assert np.all(out[:, 5] > 0.0)
    assert out[:, 6].mean() == pytest.approx(2197.0, rel=0.02)
