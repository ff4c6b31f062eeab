"""Transport through the box field against circles, its derivatives against differences, and its laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emiss.reco.field.curvature import CURVATURE
from emiss.reco.field.transport import UniformBox

BOX = UniformBox(1.4, (5800.0, 7800.0))


@st.composite
def states(draw):
    slope = st.floats(-0.1, 0.1)
    q_over_p = draw(st.sampled_from([-1, 1])) / draw(st.floats(2.0, 500.0))
    return [draw(st.floats(-100, 100)), draw(st.floats(-40, 40)), draw(slope), draw(slope), q_over_p]


@settings(deadline=None, max_examples=60)
@given(states(), st.floats(0.01, 2).flatmap(lambda by: st.sampled_from([-by, by])))
def test_transport_follows_the_circle(toys, state, by):
    box = UniformBox(by, BOX.z_range)
    moved, _ = box.transport(np.array([state]), 5100.0, 8450.0)
    x, y = toys.follow([state], [5100.0, 8450.0], box.z_range, by)
    np.testing.assert_allclose(moved[0, :2], [x[0, 1], y[0, 1]], rtol=1e-9, atol=1e-5)
    # nothing but p_x and p_z changes: p_y/p stays
    before, after = np.array(state), moved[0]
    share = [s[3] / np.sqrt(1 + s[2] ** 2 + s[3] ** 2) for s in (before, after)]
    assert share[0] == pytest.approx(share[1], abs=1e-12)
    # the momentum taken up is C B L for a charge of 1 e
    p_x = [s[2] / np.sqrt(1 + s[2] ** 2 + s[3] ** 2) / abs(s[4]) for s in (before, after)]
    assert p_x[1] - p_x[0] == pytest.approx(-np.sign(state[4]) * box.kick, abs=1e-9)


@settings(deadline=None, max_examples=60)
@given(states(), st.floats(5100, 8450))
def test_in_two_steps_as_in_one(state, middle):
    start = np.array([state])
    once, jacobian = BOX.transport(start, 5100.0, 8450.0)
    half, first = BOX.transport(start, 5100.0, middle)
    twice, second = BOX.transport(half, middle, 8450.0)
    np.testing.assert_allclose(twice, once, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(second[0] @ first[0], jacobian[0], rtol=1e-7, atol=1e-6)


@settings(deadline=None, max_examples=60)
@given(states())
def test_derivatives(state):
    steps = np.array([1e-3, 1e-3, 1e-6, 1e-6, 1e-6])
    _, jacobian = BOX.transport(np.array([state]), 5100.0, 8450.0)
    for k, step in enumerate(steps):
        shift = np.zeros(5)
        shift[k] = step
        up, _ = BOX.transport(np.array([state + shift]), 5100.0, 8450.0)
        down, _ = BOX.transport(np.array([state - shift]), 5100.0, 8450.0)
        expected = (up - down)[0] / (2 * step)
        np.testing.assert_allclose(jacobian[0, :, k], expected, rtol=2e-5, atol=1e-6 * max(1, np.abs(expected).max()))


def test_weak_and_strong_join_smoothly():
    """Below a turn of 1e-6 the path is expanded: no step there in the states or the derivatives."""
    edge = 1e-6 / (2000.0 * CURVATURE * 1.4)
    both = np.array([[1.0, 2.0, 0.05, 0.03, f * edge] for f in (0.999, 1.001)])
    moved, jacobian = BOX.transport(both, 5100.0, 8450.0)
    assert abs(moved[1] - moved[0])[:4].max() < 1e-5
    np.testing.assert_allclose(jacobian[0], jacobian[1], rtol=1e-4, atol=1e-3)


def test_a_positive_charge_bends_to_negative_x():
    moved, _ = BOX.transport(np.array([[0, 0, 0, 0, 1 / 40], [0, 0, 0, 0, -1 / 40]]), 5100.0, 8450.0)
    assert moved[0, 0] < 0 < moved[1, 0]
    assert moved[0, 2] == pytest.approx(-np.tan(np.arcsin(0.299792458 * 1.4 * 2 / 40)))


def test_turned_back():
    moved, jacobian = BOX.transport(np.array([[0, 0, 0, 0, 1 / 0.5], [0, 0, 0, 0, 1 / 50]]), 5100.0, 8450.0)
    assert np.isnan(moved[0]).all()
    assert np.isnan(jacobian[0]).all()
    assert np.isfinite(moved[1]).all()


@pytest.mark.parametrize("wrong", [(1.4, (7800.0, 5800.0)), (np.nan, (0.0, 1.0)), (1.0, (0.0, np.inf))])
def test_no_box(wrong):
    with pytest.raises(ValueError, match="no box"):
        UniformBox(*wrong)


def test_upstream_is_refused():
    with pytest.raises(ValueError, match="downstream"):
        BOX.transport(np.zeros((1, 5)), 10.0, 0.0)
