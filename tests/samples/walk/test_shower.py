"""Electromagnetic showers in slabs: the energy that is booked, and Geant4's showers in the same calorimeters.

The numbers of Geant4 are of 280 electrons of 100 GeV (`benchmarks.geant4_showers` prints them beside these).
"""

from __future__ import annotations

import numpy as np
import pytest

from emiss.physics.shower import photonuclear
from emiss.samples.walk.shower import e_over_mip
from emiss.samples.walk.world import PANELS
from tests.samples.walk.line import changed
from tests.samples.walk.shower_rig import (
    ECAL,
    HCAL,
    HCAL1,
    MAIN,
    PANEL,
    PRESHOWER,
    VETO,
    booked,
    cells,
    interactions,
    many,
    nothing,
    tables_of,
    world_of,
)


@pytest.fixture(scope="module")
def world():
    return world_of()


@pytest.fixture(scope="module")
def tables(world):
    return tables_of(world)


@pytest.fixture
def rng():
    return np.random.default_rng(16)


@pytest.fixture(scope="module")
def electrons(world, tables):
    """Of 100 GeV, on the middle of a cell."""
    return booked(world, tables, 11, 100.0, 3000, np.random.default_rng(3))


@pytest.mark.parametrize("pdg", [11, -11, 22])
def test_all_energy_is_booked(world, tables, rng, pdg):
    count = 2000
    seen = nothing(count)
    energy = 10 ** rng.uniform(-4, 2.3, count)
    slab = rng.integers(0, len(world.z), count)
    half = np.stack([world.half_x[slab], world.half_y[slab], 0.5 * world.depth[slab]], axis=1)
    places = rng.uniform(-1, 1, (count, 3)) * half
    places[:, 2] += half[:, 2]
    many(world, tables, seen, pdg, energy, slab, places, rng.normal(0, 0.3, (count, 2)), rng)
    assert seen.deposited.sum(axis=1) + seen.leaked.sum(axis=1) == pytest.approx(energy, rel=1e-12)
    for booked_as in (seen.deposited, seen.leaked, seen.visible):
        assert booked_as.min() > -1e-12 * 200
        assert np.isfinite(booked_as).all()
    assert (seen.leaked.sum(axis=1) > 0).any()


def test_shares_are_those_of_geant4(electrons):
    ecal = cells(electrons)
    both = ecal.sum(axis=1)
    total = both.sum(axis=(1, 2))
    first = ecal[:, 0].sum(axis=(1, 2)) / total
    centre, block = both[:, 2, 3] / total, both[:, 1:4, 2:5].sum(axis=(1, 2)) / total
    assert first.mean() == pytest.approx(0.0549, rel=0.03)
    assert first.std() == pytest.approx(0.0211, rel=0.08)
    assert np.quantile(first, [0.16, 0.84]) == pytest.approx([0.0344, 0.0758], rel=0.06)
    assert centre.mean() == pytest.approx(0.834, rel=0.01)
    assert block.mean() == pytest.approx(0.975, rel=0.005)
    assert centre.std() == pytest.approx(0.0042, rel=0.15)


def test_a_shower_near_an_edge_of_cells_is_geant4s(world, tables, rng):
    # 15 to 17 mm from the middle in the view where it is farther
    far, near = rng.uniform(15.0, 17.0, 2000), rng.uniform(-16.0, 16.0, 2000)
    place = np.stack([far, 19.1 + near, np.zeros(2000)], axis=1)
    both = cells(booked(world, tables, 11, 100.0, 2000, rng, place=place)).sum(axis=1)
    assert (both[:, 2, 3] / both.sum(axis=(1, 2))).mean() == pytest.approx(0.647, rel=0.02)


def test_what_leaks_into_the_veto_is_geant4s(electrons):
    veto = electrons.visible[:, 60] * 1e3
    assert np.median(veto) == pytest.approx(4.45, rel=0.15)
    assert np.mean(veto > 6.0) == pytest.approx(0.343, abs=0.05)
    assert np.quantile(veto, [0.16, 0.84]) == pytest.approx([1.95, 8.79], rel=0.15)


def test_the_resolution_is_what_is_asked_for_and_the_mean_the_energy(world, tables, rng):
    seen = booked(world, tables, 11, 5.0, 3000, rng)
    total = cells(seen).sum(axis=(1, 2, 3))
    # on the electron scale what is not seen has left
    assert total.mean() == pytest.approx(seen.deposited[:, ECAL].mean(), rel=0.01)
    assert total.std() / total.mean() == pytest.approx(0.085 / np.sqrt(5.0), rel=0.1)


def test_one_calibration_per_event_and_body(world, rng):
    off = changed(world, constant=np.full(6, 0.05), stochastic=np.zeros(6))
    seen = booked(off, tables_of(off), 11, 100.0, 2000, rng)
    sums = cells(seen).sum(axis=(2, 3))
    assert sums.sum(axis=1).std() / 100.0 == pytest.approx(0.05, rel=0.1)


@pytest.mark.parametrize("place", [(0.0, 19.1, 0.0), (12.0, 19.1, 0.0)])
def test_spots_and_integrals_agree_at_1_gev(world, tables, rng, place):
    shares = []
    for energy in (0.999, 1.001):
        ecal = cells(booked(world, tables, 11, energy, 6000, rng, place=place)).mean(axis=0)
        both = ecal.sum(axis=0)
        shares.append(
            (ecal.sum(), ecal[0].sum() / ecal.sum(), both[2, 3] / both.sum(), both[1:4, 2:5].sum() / both.sum())
        )
    assert shares[0] == pytest.approx(shares[1], rel=0.03)


def test_an_inclined_shower_moves_along_its_axis(world, tables, rng):
    straight, inclined = (
        cells(booked(world, tables, 11, 50.0, 500, rng, slope=(slope, 0.0))).sum(axis=(0, 3)) for slope in (0.0, 0.2)
    )
    places = 38.2 * (np.arange(5) - 2)
    moved = [(i @ places) / i.sum() - (s @ places) / s.sum() for s, i in zip(straight, inclined, strict=True)]
    # 0.2 times the mean depth of the energy, some 110 mm; cells of 38 mm do not resolve the preshower's 7 mm
    assert moved[1] == pytest.approx(23.0, abs=3.0)
    assert 0.0 < moved[0] < 7.0


def test_an_electron_on_the_edge_leaks_half(world, tables, rng):
    seen = booked(world, tables, 11, 20.0, 500, rng, place=(95.4, 0.0, 0.0))
    assert seen.leaked.sum(axis=1).mean() == pytest.approx(10.0, rel=0.05)


def test_a_hole_takes_what_falls_into_it(world, tables, rng):
    holed = changed(world, hole_x=[0.0, 20.0, 0, 0, 0, 0], hole_y=[0.0, 20.0, 0, 0, 0, 0])
    seen = booked(holed, tables, 11, 20.0, 500, rng, place=(0.0, 0.0, 0.0))
    # the axis goes through the hole of the main part into VETO and HCAL
    assert seen.deposited[:, HCAL].mean() > 10.0
    beside = booked(holed, tables, 11, 20.0, 500, rng, place=(25.0, 0.0, 0.0))
    assert beside.leaked[:, ECAL].mean() > 2.0


def test_photons_start_after_their_conversion(world, tables, rng):
    electron, photon = (cells(booked(world, tables, pdg, 100.0, 2000, rng)) for pdg in (11, 22))
    first = [ecal[:, 0].sum(axis=(1, 2)) / ecal.sum(axis=(1, 2, 3)) for ecal in (electron, photon)]
    assert first[1].mean() < 0.75 * first[0].mean()
    assert first[1].std() / first[1].mean() > 1.2 * first[0].std() / first[0].mean()


@pytest.mark.parametrize(("energy", "mass_attenuation"), [(1e-4, 0.162), (1e-3, 0.0684), (9e-3, 0.0225)])
def test_soft_photons_are_absorbed_with_their_attenuation(world, tables, rng, energy, mass_attenuation):
    seen = booked(world, tables, 22, energy, 20000, rng, slab=PANEL)
    expected = 1 - np.exp(-mass_attenuation * 1.032 * 5.0)
    assert np.mean(seen.deposited[:, VETO] > 0) == pytest.approx(expected, abs=0.015)
    assert seen.visible[:, 60].max() == pytest.approx(energy)


def test_a_thin_slab_in_front_sees_one_electron(world, tables, rng):
    # the VETO first: 0.12 radiation lengths of scintillator take some 10 MeV
    for energy in (0.5, 50.0):
        seen = booked(world, tables, 11, energy, 500, rng, slab=PANEL)
        assert seen.deposited[:, VETO].mean() == pytest.approx(0.0941 * 50 / 425.4, rel=0.1)
        assert seen.deposited.sum(axis=1).mean() == pytest.approx(energy, rel=0.02)
    # what has less than the critical energy stops there
    assert booked(world, tables, 11, 3e-3, 500, rng, slab=PANEL).deposited[:, VETO].mean() > 2e-3


def test_empty_space_widens_a_shower_that_has_begun_and_no_other(world, tables, rng):
    apart = changed(
        world, z=world.z + 5000.0 * (np.arange(6) > PANEL), depth=np.where(np.arange(6) == PANEL, 5.0, world.depth)
    )
    near, far = (
        booked(w, tables_of(w), 11, 50.0, 400, rng, slab=PANEL).deposited[:, HCAL].mean() for w in (world, apart)
    )
    assert far == pytest.approx(near, rel=0.01)
    # behind 4.3 radiation lengths it goes apart
    late = changed(world, z=world.z + 5000.0 * (np.arange(6) > PRESHOWER))
    seen = booked(late, tables_of(late), 11, 50.0, 400, rng)
    assert seen.leaked[:, ECAL].mean() > 10.0


def test_a_turned_slab_is_the_same_to_what_comes_straight_on_it(world, tables, rng):
    angle = 0.1
    turned = changed(
        world,
        x=world.z * np.sin(angle),
        z=world.z * np.cos(angle),
        sine=np.full(6, np.sin(angle)),
        cosine=np.full(6, np.cos(angle)),
    )
    both = [booked(w, tables, 11, 50.0, 1500, rng, place=(3.0, 10.0, 0.0)) for w in (world, turned)]
    straight, rotated = (np.concatenate([s.visible.mean(axis=0)[:60], s.deposited.mean(axis=0)]) for s in both)
    assert rotated == pytest.approx(straight, rel=0.06, abs=0.02)


def test_panels_show_at_both_ends(world, tables, rng):
    kind = world.kind.copy()
    kind[PANEL] = PANELS
    first = world.first + np.where(np.arange(6) > PANEL, 1, 0)
    rows, attenuation = world.rows.copy(), world.attenuation.copy()
    rows[PANEL], attenuation[PANEL] = 2, 1000.0
    panels = changed(world, kind=kind, rows=rows, first=first, attenuation=attenuation)
    seen = booked(panels, tables_of(panels), 11, 50.0, 300, rng, slab=PANEL, place=(0.0, 100.0, 0.0))
    top, bottom = seen.visible[:, 60], seen.visible[:, 61]
    assert top / bottom == pytest.approx(np.exp(0.2), rel=1e-9)
    assert np.sqrt(top * bottom) == pytest.approx(seen.deposited[:, VETO], rel=1e-9)


@pytest.mark.parametrize("energy", [20.0, 100.0])
def test_hadronic_interactions_are_as_many_as_photons_make(world, tables, rng, energy):
    found = np.zeros((400000, 2))
    table = interactions(world, MAIN, energy, found, rng)
    k, depth = found[found[:, 0] > 0].T
    edges = np.geomspace(photonuclear.SOFTEST, energy, 200)
    above = np.interp(np.log(edges / energy), table.ln_ratio, table.length)
    expected = world.per_length[MAIN] * (-np.diff(above) @ photonuclear.cross_section(np.sqrt(edges[1:] * edges[:-1])))
    assert len(k) / len(found) == pytest.approx(expected, rel=4 / np.sqrt(len(k)))
    assert k.min() >= photonuclear.SOFTEST
    assert k.max() <= energy
    # 1/k above: half of them are below twice the least energy
    assert np.mean(k < 2 * photonuclear.SOFTEST) == pytest.approx(0.5, abs=0.05)
    assert np.median(depth[k > 0.2 * energy]) < np.median(depth[k < 0.05 * energy]) if energy > 50 else depth.min() > 0


def test_what_is_sampled_and_what_is_homogeneous(world):
    assert world.plates[[PRESHOWER, MAIN]] == pytest.approx(3.0 / 11.08, rel=1e-3)
    assert world.plates[PANEL] == 0.0
    assert world.e_mip[PANEL] == 1.0
    assert world.e_mip[MAIN] == pytest.approx(e_over_mip(82.0, 3.37), rel=1e-3)
    assert world.tail_seen[PANEL] == 1.0
    assert world.tail_seen[MAIN] < world.tail_seen[HCAL1] < 1.0
