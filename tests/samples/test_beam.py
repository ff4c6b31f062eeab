"""Beams against the closed forms of their distributions, and pile-up against Poisson's numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from emiss.configs import loader
from emiss.configs.errors import UserError
from emiss.samples.beam import any_beside, beside, composition, sample
from emiss.samples.config import Beam, load_sample

N = 100_000

PLAIN = "{energy: 100 GeV, size: 4 mm, divergence: 0.1 mrad, source: made up}"


def _beam(more: str = "", plain: str = PLAIN) -> Beam:
    return loader.validate(loader.loads(plain.replace("}", f", {more}}}" if more else "}"), "beam.yaml"), Beam)


def _rng(seed=1):
    return np.random.default_rng(seed)


def test_a_beam_without_more_is_gaussian_at_one_energy():
    made = sample(_beam(), N, _rng())
    assert (made.pdg == 11).all()
    np.testing.assert_allclose(made.energy, 100.0, rtol=1e-15)
    for values, width in zip(made[2:], (4.0, 4.0, 1e-4, 1e-4), strict=True):
        assert stats.kstest(values / width, "norm").pvalue > 1e-3
    assert np.abs(np.corrcoef(made[2:]) - np.eye(4)).max() < 4 / np.sqrt(N)
    assert (sample(_beam(), 10, _rng(), particle="mu-").pdg == 13).all()
    assert (sample(_beam(), 10, _rng(), particle="proton").pdg == 2212).all()


def test_the_composition_is_drawn_by_its_shares_and_at_one_momentum():
    beam = _beam("composition: {e-: 0.89, pi-: 10 percent, K-: 3e-4, pbar: 0.01}")
    made = sample(beam, N, _rng())
    codes, counts = np.unique(made.pdg, return_counts=True)
    shares = {11: 0.89, -211: 0.1, -321: 3e-4, -2212: 0.01}
    total = sum(shares.values())
    assert set(codes) == set(shares)
    for code, count in zip(codes, counts, strict=True):
        assert abs(count - N * shares[code] / total) < 4 * np.sqrt(N * shares[code])
    np.testing.assert_allclose(made.energy[made.pdg == -2212], np.hypot(100.0, 0.93827209), rtol=1e-8)
    assert composition(beam)[0][0] == 11
    only = sample(beam, 10, _rng(), pdg=-321)
    assert (only.pdg == -321).all()
    np.testing.assert_allclose(only.energy, np.hypot(100.0, 0.493677), rtol=1e-8)


def test_the_momentum_has_its_spread_and_its_tails():
    made = sample(_beam("spread: 1 percent, tail: {fraction: 0.1, spread: 5 percent, side: low}"), N, _rng())
    change = made.energy / 100.0 - 1.0
    below = 0.9 * stats.norm.cdf(-0.05, scale=0.01) + 0.1 * np.exp(-0.05 / 0.05)
    assert np.mean(change < -0.05) == pytest.approx(below, abs=4 * np.sqrt(below / N))
    assert np.mean(change > 0.0) == pytest.approx(0.45, abs=4 * np.sqrt(0.25 / N))
    made = sample(_beam("tail: {fraction: 1, spread: 0.3}"), N, _rng())
    assert made.energy.min() > 0.99  # drawn again below 1 % of the momentum
    assert stats.kstest(made.energy / 100.0 - 1.0, stats.truncnorm(-0.99 / 0.3, np.inf, scale=0.3).cdf).pvalue > 1e-3


def test_views_have_their_own_sizes_correlations_offsets_and_tilts():
    more = "x: {size: 2 mm, correlation: -0.6, offset: 5 mm, tilt: 1 mrad}, y: {divergence: 0.3 mrad, correlation: 1}"
    made = sample(_beam(more), N, _rng())
    assert made.x.mean() == pytest.approx(5.0, abs=4 * 2 / np.sqrt(N))
    assert made.tx.mean() == pytest.approx(1e-3, abs=4 * 1e-4 / np.sqrt(N))
    np.testing.assert_allclose([v.std() for v in made[2:]], [2.0, 4.0, 1e-4, 3e-4], rtol=0.02)
    assert np.corrcoef(made.x, made.tx)[0, 1] == pytest.approx(-0.6, abs=0.01)
    np.testing.assert_allclose(made.ty * 4.0, made.y * 3e-4, rtol=1e-9, atol=1e-15)


def test_the_halo_is_wide_in_place_and_angle_together():
    made = sample(_beam("halo: {fraction: 0.05, size: 40 mm, divergence: 2 mrad}, x: {offset: 3 mm}"), N, _rng())
    far = np.hypot(made.x - 3.0, made.y) > 24.0  # six widths of the core
    expected = 0.05 * np.exp(-0.5 * (24.0 / 40.0) ** 2)
    assert far.mean() == pytest.approx(expected, abs=4 * np.sqrt(expected / N))
    assert made.tx[far].std() == pytest.approx(2e-3, rel=0.04)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("composition: {e-: 0.5, pi-: 0.4}", r"add up to 0.9 and not to 1.*/composition"),
        ("composition: {e-: 0.5, pion-: 0.5}", r"no beam particle 'pion-'; did you mean 'pi-'"),
        ("composition: {e-: 0.5, neutrino: 0.5}", r"no beam particle 'neutrino'; one of"),
        ("spread: 50 percent", r"less than or equal to 0.3.*/spread"),
        ("x: {correlation: 2}", r"less than or equal to 1.*/x/correlation"),
        ("halo: {fraction: 0.1, size: 10 mm}", r"the key 'divergence' is missing"),
        ("hallo: {}", r"unknown key 'hallo'.*'halo'"),
        ("tail: {fraction: 0.1, spread: 0.1, side: high}", r"'both' or 'low'"),
        ("pile_up: {particles: 1e12, per: 4.8 s, window: [0 ns, 4 us]}", r"8.333e\+05 particles in the window"),
        ("pile_up: {particles: 1e6, per: 4.8 s, window: [4 ns, 0 ns]}", r"the window ends before it begins"),
    ],
)
def test_beams_that_cannot_be_are_refused_where_they_are_written(more, says):
    with pytest.raises(UserError, match=says) as caught:
        _beam(more)
    assert "beam.yaml:1:" in str(caught.value)


def test_a_particle_that_is_none_and_an_energy_below_the_mass_are_refused():
    with pytest.raises(ValueError, match="no beam particle 'tau-'"):
        sample(_beam(), 1, _rng(), particle="tau-")
    slow = _beam("composition: {p: 1}", PLAIN.replace("100 GeV", "0.9 GeV"))
    with pytest.raises(ValueError, match="not above the mass"):
        sample(slow, 1, _rng())


PILE_UP = "pile_up: {particles: 5e6, per: 4.8 s, window: [-250 ns, 150 ns]}"


def test_a_second_particle_comes_as_often_as_poisson_says():
    beam = _beam(PILE_UP + ", composition: {e-: 0.5, pi-: 0.5}")
    made = beside(beam, N, _rng())
    assert len(made.event) == len(made.time) == len(made.particles.pdg)
    assert (np.diff(made.event) >= 0).all()
    assert (np.diff(made.time)[np.diff(made.event) == 0] >= 0).all()
    rate = 5e6 / 4.8e9  # per ns
    for begin, end in ((-250.0, 150.0), (-15.0, 15.0), (0.0, 150.0), (-250.0, -100.0)):
        inside = (made.time >= begin) & (made.time <= end)
        share = len(np.unique(made.event[inside])) / N
        expected = 1.0 - np.exp(-rate * (end - begin))
        assert any_beside(beam.pile_up, begin, end) == pytest.approx(expected, rel=1e-12)
        assert abs(share - expected) < 3 * np.sqrt(expected / N)
    count = np.bincount(made.event, minlength=N)
    two = stats.poisson.pmf(2, rate * 400.0)
    assert np.mean(count == 2) == pytest.approx(two, abs=3 * np.sqrt(two / N))
    assert np.mean(made.particles.pdg == 11) == pytest.approx(0.5, abs=2 / np.sqrt(len(made.event)))
    assert any_beside(beam.pile_up, -1000.0, 1000.0) == any_beside(beam.pile_up, -250.0, 150.0)
    assert any_beside(beam.pile_up, 200.0, 300.0) == 0.0


def test_without_a_rate_nothing_comes_beside():
    made = beside(_beam(), 100, _rng())
    assert len(made.event) == len(made.time) == len(made.particles.x) == 0


@given(st.integers(0, 50), st.integers(0, 2**32 - 1))
def test_the_generator_alone_decides(rows, seed):
    beam = _beam(
        PILE_UP + ", composition: {mu-: 0.9, mu+: 0.1}, spread: 0.01, halo: {fraction: 0.5, size: 1 mm, divergence: 0}"
    )
    one, other = (sample(beam, rows, _rng(seed)) for _ in range(2))
    for a, b in zip(one, other, strict=True):
        assert len(a) == rows
        np.testing.assert_array_equal(a, b)
    assert np.isfinite(one.energy).all()


def test_a_composition_stays_with_set_ups_of_its_beam():
    impure = load_sample("beam").model_copy(update={"beam": _beam("composition: {pi-: 0.1, e-: 0.9}")})
    moved = impure.with_detector("na64e_visible_2018")
    assert moved.beam.energy == 150.0
    assert moved.beam.composition == impure.beam.composition
    with pytest.raises(UserError, match="the beam of sample 'beam' is e- for the most part, that of na64mu_2022 mu-"):
        impure.with_detector("na64mu_2022")
    assert load_sample("beam").with_detector("na64mu_2022").beam.energy == 160.0
