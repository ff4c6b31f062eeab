"""Alignment against shifts that straight tracks were made with."""

from types import SimpleNamespace

import numpy as np
import pytest

from emiss.calibrate.alignment import Alignment, groups_of
from emiss.calibrate.frame import Options
from emiss.configs.errors import UserError
from emiss.events.lists import Lists
from emiss.reco.detector.model import load_detector


class _Clusters:
    """A stage that gives clusters of straight tracks, all planes hit once."""

    def __init__(self, detector, shift):
        self.detector, self.shift = detector, shift

    def begin_run(self, conditions):
        pass

    def __call__(self, batch, _):
        rng, planes = np.random.default_rng(batch.seed), self.detector.planes
        z = np.array([plane.z for plane in planes])
        sigma = np.array([plane.sigma for plane in planes])
        line = rng.normal(0.0, 10.0, (len(batch), 1)) + rng.normal(0.0, 1e-3, (len(batch), 1)) * (z - z[0])
        position = line - self.shift + sigma * rng.normal(size=line.shape)
        count = len(batch) * len(planes)
        columns = {
            "plane": np.tile(np.arange(len(planes)), len(batch)),
            "position": position.ravel(),
            "charge": np.ones(count),
            "in_time": np.ones(count, bool),
        }
        return {"clusters": Lists(np.arange(len(batch) + 1) * len(planes), columns)}


class _Batch(SimpleNamespace):
    def __len__(self):
        return 4000


def test_shifts_are_found_but_for_what_no_straight_track_tells():
    detector = load_detector("na64e_lfc")
    true = np.random.default_rng(1).uniform(-1.0, 1.0, len(detector.planes))
    one = Alignment(detector, Options())
    one._stages = [_Clusters(detector, true)]
    pilot = one.empty(None)
    one.add(_Batch(seed=2), pilot, None)
    learned = one.learn(pilot)
    sums = one.empty(learned)
    one.add(_Batch(seed=3), sums, learned)
    sums.used = 4000
    found = one.finish(sums, learned)
    made = found.made[0]
    shift = 1e-3 * made.values["shift"]
    for group in groups_of(detector):
        away, error = group.line @ (shift - true)[group.planes], 1e-3 * made.errors["shift"][group.planes]
        assert np.abs(away).max() < 0.01
        assert np.abs(away[1:-1] / error[1:-1]).max() < 4.0
        assert shift[group.planes[[0, -1]]].tolist() == [0.0, 0.0]
    assert made.chi2[np.isfinite(made.chi2)] == pytest.approx(1.0, abs=0.5)  # without scattering it is below 1
    assert any("stay where they were" in remark for remark in found.remarks)


def test_a_field_is_refused(conditions):
    detector = load_detector("na64e_lfc")
    with pytest.raises(UserError, match="none of straight tracks: the field of MBPL has the scale 1"):
        Alignment(detector, Options()).begin_run(conditions.for_run(6101))
