"""Shower profiles against a library: shares, mirrors and chi2 against NumPy; the library that ships on new electrons."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays as drawn

from emiss.calib.beside import constants_of
from emiss.calib.conditions import Conditions
from emiss.calib.table_types import PROFILE
from emiss.configs.errors import UserError
from emiss.events.lists import Lists
from emiss.reco.calorimetry import profile_kernels, sums_kernels
from emiss.reco.calorimetry.profile import FLOOR, PAIRS, Profiles, arrays, profiles_of
from emiss.reco.detector.model import load_detector
from emiss.samples.config import Response
from emiss.samples.walk.walking import Walk
from emiss.setups.profiles import shots

NAME, RUN = "na64e_2022", 6100

energies = drawn(np.float64, (5, 6), elements=st.floats(0, 20).map(lambda e: e if e > 0.5 else 0.0))


@pytest.fixture(scope="module")
def detector():
    return load_detector(NAME)


@pytest.fixture(scope="module")
def part(detector):
    return detector.parts["ecal"]


@pytest.fixture(scope="module")
def constants(part):
    return Conditions.load(constants_of(NAME)).for_run(RUN).get("ecal.profile", part.library.bins())


def cells_of(detector, visible):
    """Return cells of the ECAL of events with these energies in all channels."""
    event, channel = np.nonzero(visible > 0)
    offsets = np.concatenate([[0], np.cumsum(np.bincount(event, minlength=len(visible)))])
    cells = Lists(offsets, {"channel": channel.astype(np.int32), "energy": visible[event, channel]})
    return cells, np.full(len(event), sums_kernels.USED, np.uint8)


def seen(detector, main, layer="ECAL1"):
    """Return energies in all channels from those in the cells of one layer."""
    visible = np.zeros((1, len(detector.channels)))
    numbers = detector.numbers(layer)
    visible[0, numbers] = main[detector.channel_x[numbers], detector.channel_y[numbers]]
    return visible


@given(energies)
@settings(deadline=None, max_examples=50)
def test_shares_are_those_around_the_cell_of_most_energy(detector, part, main):
    found = Profiles(detector, "ecal", part).find(*cells_of(detector, seen(detector, main)))
    if not main.any():
        assert found.place[0] == found.where[0, 0] == -1
        assert np.isnan(found.shares).all()
        return
    ix, iy = np.unravel_index(np.argmax(main), main.shape)
    assert tuple(found.where[:, 0]) == (ix, iy)
    block = np.pad(main, 1)[ix : ix + 3, iy : iy + 3]
    np.testing.assert_allclose(np.sort(found.shares[0]), np.sort(block.ravel()) / main.sum(), rtol=1e-12)
    assert found.shares[0, 4] == pytest.approx(main[ix, iy] / main.sum())
    assert found.ring[0] == pytest.approx((block.sum() - main[ix, iy]) / main.sum(), abs=1e-12)


@given(energies, st.permutations([0, 1, 2]))
@settings(deadline=None, max_examples=50)
def test_a_mirrored_shower_is_the_same_shower(detector, part, main, turns):
    square = main[:, :5]
    profiles = Profiles(detector, "ecal", part)
    # one cell has most energy, whichever way it is turned
    square[2, 2] = square.sum() + 1.0
    one = profiles.find(*cells_of(detector, seen(detector, np.pad(square, ((0, 0), (0, 1))))))
    for turn in turns:
        square = (square[::-1], square[:, ::-1], square.T)[turn]
        other = profiles.find(*cells_of(detector, seen(detector, np.pad(square, ((0, 0), (0, 1))))))
        assert other.place[0] == one.place[0]
        np.testing.assert_allclose(np.sort(other.shares), np.sort(one.shares), rtol=1e-12)


@pytest.mark.parametrize("energy", [3.0, 20.0, 30.0, 70.0, 500.0])
def test_chi2_is_the_quadratic_form_of_the_interpolated_covariance(part, constants, energy):
    logs, means, covariances, free = arrays(part.library, constants)
    rng = np.random.default_rng(2)
    shares, place = rng.uniform(0, 0.3, (20, 9)), rng.integers(0, means.shape[1], 20)
    chi2 = np.empty(20)
    profile_kernels.distances(
        shares, place, np.full(20, energy), logs, means, covariances, free, np.empty((10, 9)), chi2
    )
    at = np.interp(np.log(energy), logs, np.arange(len(logs)))
    low, high = int(np.floor(at)), int(np.ceil(at))
    for event in range(20):
        mean, covariance, count = (
            (1 - at + low) * table[low, place[event]] + (at - low) * table[high, place[event]]
            for table in (means, covariances, free)
        )
        off = shares[event] - mean
        assert chi2[event] == pytest.approx(off @ np.linalg.solve(covariance, off) / count, rel=1e-8)


def test_a_library_is_made_of_what_it_is_shown():
    rng = np.random.default_rng(5)
    shares, place = rng.dirichlet(np.arange(1, 10), 3000), rng.integers(0, 2, 3000)
    rows, counts = profiles_of(shares, place, 3)
    assert counts.tolist() == [*np.bincount(place), 0]
    own = shares[place == 0]
    np.testing.assert_allclose(rows[0, :9], own.mean(axis=0))
    np.testing.assert_allclose(rows[0, 9:18], own.std(axis=0))
    np.testing.assert_allclose(rows[0, 18:], np.corrcoef(own.T)[PAIRS], atol=1e-12)
    np.testing.assert_array_equal(rows[2], rows[1])  # nobody came there: that of the next place
    assert len(rows[0]) == len(PROFILE.columns)


def test_electrons_that_made_no_library_fit_it_wherever_they_come_in(detector, part, constants):
    walk = Walk(detector, Response(), {}, {}, target="ecal")
    profiles, numbers = Profiles(detector, "ecal", part), detector.part_numbers("ecal")
    for number, energy in enumerate((20.0, 55.0, 100.0)):
        visible = np.zeros((3000, len(detector.channels)))
        shown = shots(walk, "ecal", part, energy, 3000, np.random.default_rng([8, number]))[:, numbers]
        shown = shown + np.random.default_rng(number).normal(0.0, part.threshold / 7.0, shown.shape)
        visible[:, numbers] = np.where(shown > part.threshold, shown, 0.0)
        found = profiles.find(*cells_of(detector, visible))
        chi2 = profiles.columns(found, visible.sum(axis=1), constants)["ecal.profile_chi2"]
        assert chi2.mean() == pytest.approx(1.0, abs=0.1)
        inner, outer = (np.mean(chi2[part_] < 3) for part_ in (found.place < 3, found.place >= 3))
        assert inner == pytest.approx(outer, abs=0.02)


def test_what_is_no_electron_is_far(detector, part, constants):
    main = np.zeros((5, 6))
    main[1:4, 2:5] = 10.0  # the same in nine cells
    found = Profiles(detector, "ecal", part).find(*cells_of(detector, seen(detector, main)))
    chi2 = Profiles(detector, "ecal", part).columns(found, np.array([90.0]), constants)["ecal.profile_chi2"]
    assert chi2[0] > 100
    assert FLOOR < 0.01


def test_missing_constants_say_what_makes_them(part):
    conditions = Conditions.load("demo").for_run(RUN)
    with pytest.raises(UserError, match=r"has no table of type ecal\.profile") as told:
        conditions.get("ecal.profile", part.library.bins())
    assert "`emiss setup profiles` makes one" in str(told.value.hint)


def test_profile_and_library_exclude_each_other(part):
    with pytest.raises(ValueError, match="give one of them"):
        type(part).model_validate(
            {**part.model_dump(), "profile": {"cell": 0.8, "block": 0.9, "spread": [0.1, 0.1, 0.1], "source": "a test"}}
        )
