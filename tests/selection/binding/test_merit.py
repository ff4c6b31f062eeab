"""The figure of merit: what it gives for arrays of events expected."""

from __future__ import annotations

import numpy as np
import pytest

from emiss.selection.binding import merit


@pytest.mark.parametrize(("text", "expected"), [("signal / background", [np.nan, 2.0]), ("3", [3.0, 3.0])])
def test_figure_of_merit(text: str, expected: list[float]) -> None:
    made = merit.figure(text, np.array([1.0, 4.0]), np.array([0.0, 2.0]))
    np.testing.assert_array_equal(made, expected)
