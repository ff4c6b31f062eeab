"""Muons through slabs: balance of energy, what is seen, who goes along with them, and the numbers of Geant4."""

from __future__ import annotations

import numpy as np
import pytest

from emiss.configs.compiled import kernel
from emiss.physics.constants import MUON_MASS
from emiss.samples.walk.muon_kernels import fluctuated, lighted, muon_through
from emiss.samples.walk.muons import most_probable, muon_world
from tests.samples.walk.line import ECAL0, ECAL1, HCAL, VETO, changed, line, nothing


@pytest.fixture(scope="module")
def world():
    """MIPs and resolutions as the Geant4 samples have them."""
    ecal = 0.46 * line().world.depth[:2] / 450.0
    return changed(line().world, mip=[*ecal, 9.65e-3, 2.0, 2.0, 2.0], stochastic=[0.088, 0.088, 0.0, 0.31, 0.31, 0.31])


def tables_of(world, materials=None, **more):
    return muon_world(world, line().mixtures, materials or line().materials, **more)


@pytest.fixture(scope="module")
def muons(world):
    return tables_of(world)


@kernel
def through(world, muons, seen, slabs, start, out, rng):
    """Take muons (x, tx, energy) through slabs one after another; hard secondaries are seen where they are made.

    `out` gets x, tx, energy, carried and the sum of hard secondaries.
    """
    kinds, energies, places = np.zeros(64, np.int64), np.zeros(64), np.zeros(64)
    for n in range(len(start)):
        x, tx, energy = start[n]
        y, ty, carried, hard = 0.0, 0.0, 0.0, 0.0
        for s in slabs:
            if energy <= MUON_MASS:
                break
            path = world.depth[s] * np.sqrt(1.0 + tx * tx + ty * ty)
            x, y, tx, ty, energy, _, carried, count = muon_through(
                world, muons, seen, n, s, x, y, tx, ty, energy, path, carried, kinds, energies, places, rng
            )
            for j in range(count):
                hard += energies[j]
                seen.visible[n, world.first[s]] += fluctuated(energies[j], muons.quantum[s], rng)
        out[n] = np.array([x, tx, energy, carried, hard])


def thrown(world, muons, slabs, energy, count=20_000, x=0.0, tx=0.0, seed=1):
    start = np.empty((count, 3))
    start[:, 0], start[:, 1], start[:, 2] = x, tx, energy
    seen, out = nothing(count), np.zeros((count, 5))
    through(world, muons, seen, np.array(slabs), start, out, np.random.default_rng(seed))
    return seen, out


def test_energy_is_conserved(world, muons):
    energy = np.random.default_rng(2).uniform(0.3, 90.0, 5000)
    seen, out = thrown(world, muons, range(6), energy, 5000)
    np.testing.assert_allclose(seen.deposited.sum(axis=1) + out[:, 2:].sum(axis=1), energy, rtol=1e-11)
    assert np.all(seen.visible >= 0.0)
    assert 0.01 < np.mean(out[:, 2] == MUON_MASS) < 0.2  # those below some 6 GeV stop


@pytest.mark.parametrize("slabs", [(ECAL0, ECAL1), (VETO,), (HCAL,)])
def test_the_mip_is_the_most_probable_energy(world, muons, slabs):
    seen, _ = thrown(world, muons, slabs, 50.0)
    both = 2.0 if slabs == (VETO,) else 1.0  # photomultipliers, at the middle
    values = seen.visible.sum(axis=1) / both
    assert most_probable(values) == pytest.approx(world.mip[list(slabs)].sum(), rel=0.02)
    # and half of the depth shows half of it, or a little less
    half = changed(world, depth=0.5 * world.depth)
    seen, _ = thrown(half, muons, slabs, 50.0)
    assert 0.92 < most_probable(seen.visible.sum(axis=1) / both) / (0.5 * world.mip[list(slabs)].sum()) < 1.01


def test_losses_in_a_module_are_those_of_geant4(world, muons):
    # Geant4 11.4 (FTFP_BERT): 4277 crossings of 48 x (25 mm Fe + 4 mm polystyrene) by mu- that enter with 30 to 60 GeV:
    # quantiles at 16, 50, 84 %, and the parts that lose more than 2.5, 3 and 5 GeV
    energy = np.random.default_rng(3).uniform(30.0, 60.0, 20_000)
    _, out = thrown(world, muons, (HCAL,), energy)
    lost = energy - out[:, 2]
    low, middle, high = np.quantile(lost, [0.16, 0.5, 0.84])
    assert middle == pytest.approx(1.894, rel=0.03)
    assert high - low == pytest.approx(2.456 - 1.687, rel=0.10)
    for limit, part, error in ((2.5, 0.1492, 0.10), (3.0, 0.0835, 0.10), (5.0, 0.0271, 0.25)):
        assert np.mean(lost > limit) == pytest.approx(part, rel=error)


def test_what_a_module_shows_is_as_wide_as_in_geant4(world, muons):
    # the same, all energies (5 to 90 GeV), in MIPs: 16, 50, 84 %, and above 1.5, 2 and 5 MIP
    energy = np.random.default_rng(4).uniform(3.0, 84.0, 20_000)
    seen, _ = thrown(world, muons, (HCAL,), energy)
    values = seen.visible.sum(axis=1)
    values /= most_probable(values)
    low, middle, high = np.quantile(values, [0.16, 0.5, 0.84])
    assert middle == pytest.approx(1.072, rel=0.03)
    assert high - low == pytest.approx(1.374 - 0.931, rel=0.10)
    for limit, part, error in ((1.5, 0.1136, 0.10), (2.0, 0.0480, 0.25), (5.0, 0.0081, 0.25)):
        assert np.mean(values > limit) == pytest.approx(part, rel=error)


def test_delta_electrons_come_along(world, muons):
    _, out = thrown(world, muons, (ECAL1,), 20.0)
    carried = out[:, 3]
    expected = float(muons.tables.companions[world.mixture[ECAL1]])
    assert np.mean(carried > 0.0) == pytest.approx(-np.expm1(-expected), rel=0.1)
    alone, _ = thrown(world, muons, (VETO,), 20.0)
    both, _ = thrown(world, muons, (ECAL1, VETO), 20.0)
    more = [np.mean(one.visible[:, world.first[VETO]] > 1.5 * world.mip[VETO]) for one in (both, alone)]
    assert more[0] > more[1] + 0.01


def test_light_fluctuates_with_its_photoelectrons(world):
    narrow, wide = (tables_of(world, photoelectrons=number) for number in (0.0, 25.0))
    spread = []
    for muons in (narrow, wide):
        seen, _ = thrown(world, muons, (VETO,), 20.0)
        values = seen.visible[:, world.first[VETO]] / world.mip[VETO]
        spread.append(np.diff(np.quantile(values, [0.05, 0.5]))[0])
    assert spread[0] < 0.2
    assert spread[1] == pytest.approx(np.hypot(spread[0], 1.64 / 5.0), rel=0.15)


def test_a_slanted_muon_is_seen_in_all_its_cells(world, muons):
    # from the middle cell (-100 to 100 mm) into the next, at half of the depth
    slope = 100.0 / 696.0
    seen, _ = thrown(world, muons, (HCAL,), 80.0, 4000, tx=slope)
    cells = seen.visible[:, world.first[HCAL] : world.first[HCAL] + 9].reshape(-1, 3, 3)
    middle, beside = (np.median(cells[:, k, 1]) for k in (1, 2))
    assert middle == pytest.approx(beside, rel=0.25)
    assert np.median(cells[:, 1:, 1].sum(axis=1)) == pytest.approx(world.mip[HCAL] * np.hypot(1.0, slope), rel=0.1)


@kernel
def _sampled(out, rng):
    for n in range(len(out)):
        out[n, 0] = fluctuated(3.0, 0.1, rng)
        out[n, 1] = lighted(0.02, 0.01, 50.0, rng)


def test_moments_of_sampling_and_light():
    out = np.zeros((50_000, 2))
    _sampled(out, np.random.default_rng(6))
    assert out.mean(axis=0) == pytest.approx([3.0, 0.02], rel=0.01)
    assert out.std(axis=0) == pytest.approx([np.sqrt(0.3), 0.02 / 10.0], rel=0.03)


def test_a_material_of_a_users_own(world):
    own = dict(line().materials)
    own["iron"] = own["iron"].model_copy(update={"density": 6.0})  # a casting that is none of the known
    muons = tables_of(world, own)
    assert np.all(np.isfinite(muons.scale))
    assert muons.scale[HCAL] > 0.0
