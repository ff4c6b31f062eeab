"""Places of planes beside the true ones: what no track can tell is no difference, what one plane has alone is."""

from types import SimpleNamespace

import numpy as np
import pytest

from emiss.calibrate.frame import Made
from emiss.calibrate.trackers.alignment import UNITS
from emiss.calibrate.trackers.alignment_solve import COLUMNS
from emiss.reco.detector.model import load_detector
from emiss.validate.loop_alignment import differences


@pytest.fixture(scope="module")
def detector():
    return load_detector("na64e_lfc")


def made_of(detector, values):
    """A derived table; the ends of the views hold the others, as after a derivation."""
    names = detector.plane_names
    errors = {name: np.ones(len(names)) for name in COLUMNS}
    for number, name in enumerate(names):
        if name[:3] in ("MM1", "MM4"):
            errors["shift"][number] = errors["z"][number] = 0.0
        if name[:3] == "MM1":
            errors["rotation"][number] = 0.0
    units = {name: UNITS[name][0] for name in COLUMNS}
    scaled = {name: UNITS[name][1] * values[k] for k, name in enumerate(COLUMNS)}
    return Made("tracker.alignment", tuple(names), units, scaled, errors, np.ones(8), np.ones(8), ("",) * 8)


def conditions(values):
    return SimpleNamespace(get=lambda _, __: dict(zip(COLUMNS, values, strict=True)))


def test_common_shifts_slopes_rotations_and_z_are_no_difference(detector):
    rng = np.random.default_rng(1)
    true = rng.uniform(-1.0, 1.0, (3, 8)) * np.array([[0.3], [1e-3], [0.3]])
    z = np.array([plane.z for plane in detector.planes])
    view = np.array([plane.view == "y" for plane in detector.planes])
    lever = (z - z.min()) / np.ptp(z)
    found = true.copy()
    found[0] += np.where(view, 0.1, -0.2) + 0.3 * lever
    found[1] += np.where(view, 1e-3, -5e-4)
    found[2] += np.where(view, 1.0, 0.5) - 0.7 * lever
    for column, limit in (("shift", 1.0), ("rotation", 0.01), ("z", 0.01)):
        away = differences(made_of(detector, found), conditions(true), detector, column)
        assert np.abs(away).max() < limit, column  # the rest is of second order


def test_what_a_plane_has_alone_is_one(detector):
    true = np.zeros((3, 8))
    found = true.copy()
    number = detector.plane_names.index("MM2Y")
    found[:, number] = 0.05, 1e-3, 0.4
    for column, size in (("shift", 50.0), ("rotation", 1.0), ("z", 0.4)):
        away = differences(made_of(detector, found), conditions(true), detector, column)
        assert away[number] == pytest.approx(size, rel=1e-2)
        assert np.abs(np.delete(away, number)).max() < 0.01 * size
