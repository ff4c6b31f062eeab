"""Axes of limits, and curves between masses: through all points, never beyond them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emiss.drawing import figure, power
from emiss.reach.mass_axis import label_masses, smooth

LINES = st.lists(st.floats(1e-6, 1e3), min_size=3, max_size=12)


@given(LINES)
def test_a_smooth_curve_goes_through_its_points_and_not_beyond_their_neighbours(line: list[float]) -> None:
    mass = np.geomspace(1e-3, 1.0, len(line))
    at, drawn = smooth(mass, line)
    assert np.interp(np.log(mass), np.log(at), np.log(drawn)) == pytest.approx(np.log(line), abs=1e-9)
    between = np.searchsorted(mass, at[1:-1], side="right").clip(1, len(line) - 1)
    ends = np.array([np.array(line)[between - 1], np.array(line)[between]])
    assert (drawn[1:-1] >= ends.min(axis=0) * (1 - 1e-9)).all()
    assert (drawn[1:-1] <= ends.max(axis=0) * (1 + 1e-9)).all()


@pytest.mark.parametrize("line", [[1.0, 0.0, 2.0], [1.0, np.inf, 2.0], [1.0, 2.0]])
def test_what_has_no_logarithm_is_left_alone(line) -> None:
    mass = [0.1, 0.2, 0.3][: len(line)]
    assert np.array_equal(smooth(mass, line)[1], line)


@pytest.mark.parametrize(
    ("largest", "label", "numbers"), [(0.9, "MeV", {"100", "200", "500"}), (3.0, "GeV", {"0.1", "1"})]
)
def test_masses_have_a_unit_and_ticks_between(largest, label, numbers) -> None:
    made = figure()
    place = made.subplots()
    place.set(xscale="log", yscale="log", xlim=(0.1, largest), ylim=(1e-6, 1.0))
    label_masses(place, "A'", largest)
    made.draw_without_rendering()
    assert place.get_xlabel() == f"mass of A' [{label}]"
    assert numbers <= {text.get_text() for minor in (False, True) for text in place.get_xticklabels(minor=minor)}
    assert len(place.yaxis.get_minorticklocs()) >= 6 * 8


def test_powers_of_ten() -> None:
    assert [power(text) for text in ("1e11", "2.84e+11", "500")] == ["$10^{11}$", r"$2.84 \times 10^{11}$", "500"]
