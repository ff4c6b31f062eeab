"""The background budget: the paper's sum, both readings of the SRD, propagation of errors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from emiss.physics.limits.backgrounds import Quantity, product, upper_of_none
from emiss.reach.budgets import paper


def test_the_papers_sum_is_reproduced():
    dimuon, pion, kaon = paper().rates()
    assert pion.per_electron == pytest.approx(1.92e-11)
    assert kaon.per_electron == pytest.approx(3.36e-13)
    assert dimuon.per_electron == 0.0
    assert [rate.produced for rate in (dimuon, pion, kaon)] == pytest.approx([1.05e-4, 2e-7, 6e-9])
    assert paper().total().value == pytest.approx(1.95e-11, rel=2e-3)  # printed as 1.9e-11, cut and not rounded


def test_nothing_of_the_dimuon_sample_still_allows_as_much_as_the_sum_of_the_rest():
    dimuon = paper().rates()[0]
    assert dimuon.upper == pytest.approx(2.3026 / 1.5e11, rel=1e-4)
    assert dimuon.upper > 0.7 * paper().total().value
    seen = replace(paper(), dimuons_left=4).rates()[0]
    assert (seen.per_electron, seen.error, seen.upper) == (4 / 1.5e11, 2 / 1.5e11, None)
    assert upper_of_none(10.0, 0.95) == pytest.approx(0.29957, rel=1e-4)


def test_read_as_a_level_the_background_is_a_hundred_times_larger():
    level = paper().with_srd(reading="level")
    assert level.pions_behind_srd.value == 2e-5
    assert level.total().value == pytest.approx(100.0 * paper().total().value)


def test_a_better_srd_scales_the_decays():
    assert paper().with_srd(1e-6).total().value == pytest.approx(paper().total().value / 20.0)
    assert paper().with_srd(1e-6).srd.error == pytest.approx(0.25e-6)


@pytest.mark.parametrize("reading", ["factor", "level"])
def test_errors_are_those_of_a_monte_carlo(reading):
    budget = replace(paper(), pions=Quantity(1e-2, 0.1e-2), reading=reading)
    rng = np.random.default_rng(5)

    def drawn(number):
        return rng.normal(number.value, number.error, 200_000)

    pions = drawn(budget.srd) * (1.0 if reading == "level" else drawn(budget.pions))
    total = pions * (drawn(budget.pion_survival) + drawn(budget.kaons) * drawn(budget.kaon_survival))
    assert budget.total().error == pytest.approx(total.std(), rel=0.01)


def test_the_rate_of_a_sample_has_the_errors_of_its_factors():
    budget = paper()
    assert budget.rate_errors({"kind": "decay", "hadron": "pion"}) == pytest.approx((0.25, 0.0))
    assert budget.rate_errors({"kind": "decay", "hadron": "kaon"}) == pytest.approx((0.25, 1.0 / 6.0))
    assert budget.rate_errors({"kind": "dimuon"}) == pytest.approx((0.0, 0.005 / 1.05))
    assert budget.rate_errors({}) == (0.0, 0.0)


def test_a_product_adds_relative_errors_in_squares():
    assert product(Quantity(2.0, 0.2), Quantity(5.0, 1.0)).error == pytest.approx(10.0 * np.hypot(0.1, 0.2))


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="'both' is no reading"):
        replace(paper(), reading="both")
    with pytest.raises(ValueError, match="srd must be above 0"):
        paper().with_srd(0.0)
