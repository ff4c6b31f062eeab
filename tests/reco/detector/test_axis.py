"""Where the beam is before the magnets."""

from __future__ import annotations

import pytest

from emiss.reco.detector.axis import axis
from emiss.reco.detector.model import load_detector


def test_the_beam_of_a_dipole_is_a_circle_and_a_line():
    detector = load_detector("na64e_beam")
    radius = 100.0 / (0.299792458e-3 * 1.7)
    sagitta = radius - (radius**2 - 4000.0**2) ** 0.5
    slope = 4000.0 / (radius**2 - 4000.0**2) ** 0.5
    assert axis(detector, -1000.0) == 0.0
    assert axis(detector, -18000.0) == pytest.approx(sagitta, rel=1e-6)
    assert axis(detector, -19200.0) == pytest.approx(sagitta + 1200.0 * slope, rel=1e-6)


@pytest.mark.parametrize("name", ["na64e_2016", "na64e_visible_2018", "na64mu_2022", "na64h_2022", "ldmx_like"])
def test_stations_stand_where_the_beam_is(name):
    detector = load_detector(name)
    for plane in detector.planes:
        if plane.view == "x" and plane.z < 0:
            assert abs(axis(detector, plane.z) - plane.centre) < 0.4 * plane.strips * plane.pitch
