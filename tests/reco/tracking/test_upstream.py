"""The spectrometer before the target: the beam's momentum and direction back from simulated runs, and the match to it."""

from __future__ import annotations

import numpy as np
import pytest

from emiss import reco
from emiss.events.lists import Lists
from emiss.reco.detector.model import load_detector
from emiss.reco.pipeline import columns_of
from emiss.reco.tracking.stage import TrackStage
from emiss.samples.config import load_sample
from emiss.samples.simulate import simulate
from emiss.samples.walk.backwards import back

EVENTS = {".root": 2000, ".dat": 300}


@pytest.fixture(scope="module")
def beamline():
    return load_detector("na64e_beam")


@pytest.fixture(scope="module", params=["beam_track", "muon_160"])
def runs(request, tmp_path_factory):
    """Both tiers of a sample; the raw one with the truth of the same events."""
    folder, sample = tmp_path_factory.mktemp("beam"), load_sample(request.param)
    tables = {
        tier: reco.process(reco.open(simulate(sample, folder / f"b{tier}", events=n), detector="na64e_beam"))
        for tier, n in EVENTS.items()
    }
    return request.param, sample.beam.energy, tables


@pytest.mark.parametrize("tier", EVENTS)
def test_the_beam_comes_back_with_the_right_pull(runs, tier):
    name, energy, tables = runs
    table = tables[tier]
    found = table["beam.n"] == 1
    assert found.mean() > 0.98
    tracks = table.lists["beam_tracks"]
    row = tracks.offsets[:-1][found]
    assert (tracks["charge"][row] == -1).all()
    np.testing.assert_array_equal(table["beam.p"][found], tracks["p"][row])
    pull = (tracks["q_over_p"][row] + 1 / energy) / tracks["sigma_q_over_p"][row]
    # electrons radiate in the planes: a tail to low momenta, beyond 5 sigma for some per cent
    core = np.abs(pull) < 5
    assert core.mean() > (0.995 if name == "muon_160" else 0.95)
    error = 1 / np.sqrt(core.sum())
    assert abs(np.median(pull)) < (0.0 if name == "muon_160" else 0.1) + 5 * error
    low, high = np.quantile(pull, [0.1587, 0.8413])
    assert 0.5 * (high - low) == pytest.approx(1.0, abs=(0.04 if name == "muon_160" else 0.10) + 3 * error)
    # 1 % at 100 GeV (published); it grows with the momentum
    four = tracks["planes"][row] == 4
    assert np.median(tracks["sigma_q_over_p"][row][four] * energy) == pytest.approx(0.010 * energy / 100, rel=0.1)
    tail = tracks["chi2"][row][four & core] / tracks["ndf"][row][four & core]
    assert np.mean(tail) == pytest.approx(1.0, abs=0.15 if tier == ".dat" else 0.1)


def test_direction_at_the_target(runs):
    table = runs[2][".root"]
    found = table["beam.n"] == 1
    # 0.1 mrad of divergence and, in the bend plane, 0.14 mrad from planes of 100 um a metre apart less what the rest tells
    for slope, spread in (("beam.tx", 1.5e-4), ("beam.ty", 1.0e-4)):
        low, middle, high = np.quantile(table[slope][found], [0.1587, 0.5, 0.8413])
        assert 0.5 * (high - low) == pytest.approx(spread, rel=0.1)
        assert abs(middle) < 2e-5


def test_the_match_is_to_the_beams_trajectory(beamline, toys):
    """A beam particle far from the axis: a muon that goes straight on matches, whatever the axis is."""
    stage = TrackStage(beamline)
    up, down = beamline.arms["beam_tracks"], beamline.arms["tracks"]
    state = np.array([[12.0, -7.0, 1e-3, -5e-4, -1 / 100.0]])  # at the ECAL front
    first = back(state, up.field, up.planes[0].z, 0.0)
    points = []
    for arm, start, z in ((down, state, 0.0), (up, first, up.planes[0].z)):
        for number, plane in zip(arm.numbers, arm.planes, strict=True):
            moved, _ = arm.field.transport(start, z, plane.z)
            points.append((number, moved[0, 0 if plane.view == "x" else 1]))
    number, position = np.array(points).T
    columns = {
        "plane": number.astype(np.int32),
        "position": position,
        "sigma": np.full(16, 0.1),
        "charge": np.full(16, 400.0),
        "time": np.zeros(16),
        "size": np.ones(16, np.int32),
        "in_time": np.ones(16, bool),
    }
    both, alone = np.array([0, 16, 24]), np.concatenate([np.arange(16), np.arange(8)])
    made = stage(toys.batch(2), {"clusters": Lists(both, {k: v[alone] for k, v in columns.items()})})
    assert made["beam.n"].tolist() == [1, 0]
    assert made["beam.p"][0] == pytest.approx(100.0, rel=1e-3)
    assert np.isnan(made["beam.p"][1])
    np.testing.assert_allclose([made["beam.tx"][0], made["beam.ty"][0]], [1e-3, -5e-4], atol=2e-6)
    assert made["tracks"].counts.tolist() == [1, 1]
    z = beamline.volumes["HCAL2"].z + 0.5 * beamline.volumes["HCAL2"].depth
    np.testing.assert_allclose(made["tracks"]["match_x"], [0.0, 12.0 + 1e-3 * z], atol=0.02)
    np.testing.assert_allclose(made["tracks"]["match_y"], [0.0, -7.0 - 5e-4 * z], atol=0.02)


def test_back_is_the_inverse_of_forth(beamline):
    field = beamline.arms["beam_tracks"].field
    rng = np.random.default_rng(1)
    state = np.column_stack([rng.normal(0, 5, (50, 2)), rng.normal(0, 1e-3, (50, 2)), rng.uniform(-0.1, 0.1, 50)])
    start = back(state, field, -19200.0, 0.0)
    np.testing.assert_allclose(field.transport(start, -19200.0, 0.0)[0], state, atol=1e-7)


def test_columns(runs, beamline, detector):
    table = runs[2][".root"]
    declared = {c.name: c.type for c in columns_of(beamline).values() if c.collection in ("beam", "beam_tracks")}
    assert set(declared) <= set(columns_of(beamline))
    assert not set(declared) & set(columns_of(detector))
    for name, kind in declared.items():
        collection, _, inner = name.partition(".")
        values = table[name] if collection == "beam" else table.lists[collection][inner]
        assert values.dtype == np.dtype(kind), name


def test_planes_upstream_do_not_change_what_is_downstream(beamline, detector):
    assert beamline.planes[: len(detector.planes)] == detector.planes
    assert [plane.name for plane in beamline.planes[8:10]] == ["BM1X", "BM1Y"]


def test_names_of_stations_are_taken_once(beamline):
    data = beamline.model_dump()
    stations = data["parts"]["bm"]["stations"]
    stations["MM1"] = stations.pop("BM3")
    with pytest.raises(ValueError, match="2 elements have the name 'MM1'"):
        type(beamline).model_validate(data)
