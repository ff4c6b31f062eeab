"""The track stage from clusters and from digits: momentum against truth, columns, dimuons, any batch size."""

from __future__ import annotations

import numpy as np
import pytest

from emiss.events.lists import Lists
from emiss.reco.tracking.stage import TrackStage
from emiss.reco.tracking.strips import PointStage, StripStage

STATIONS = [5100.0, 5600.0, 7950.0, 8450.0]
BOX = (5800.0, 7800.0)
HALF = (125.0, 40.0)


def reconstruct(toys, detector, muons, of_event, events, *, raw=False, scale=1.0, seed=1, **kinds):
    rng = np.random.default_rng(seed)
    constants = toys.Constants(scale=scale)
    hits = toys.points(rng, detector, muons, of_event, events, **kinds)
    if raw:
        batch = toys.batch(events, apv=toys.digits(rng, detector, constants, hits))
        stage = StripStage(detector)
    else:
        batch, stage = toys.batch(events, points=hits), PointStage(detector)
    track = TrackStage(detector)
    for s in (stage, track):
        s.begin_run(constants)
    products = stage(batch, {})
    return track(batch, products)["tracks"], products["clusters"]


def accepted(muons):
    return ((np.abs(muons.x) < HALF[0]) & (np.abs(muons.y) < HALF[1])).all(axis=1)


def expected_error(toys, p, sigma=0.1):
    z = np.array(STATIONS)
    inside = np.clip(z - BOX[0], 0, BOX[1] - BOX[0])
    design = np.column_stack(
        [np.ones(4), z - z[0], -toys.C * 1.4 * (0.5 * inside**2 + inside * np.maximum(z - BOX[1], 0))]
    )
    arms = np.maximum(z[:, None] - z, 0.0)
    errors = []
    for value in p:
        cov = sigma**2 * np.eye(4) + toys.highland(value, 0.003) ** 2 * arms @ arms.T
        errors.append(np.sqrt(np.linalg.inv(design.T @ np.linalg.inv(cov) @ design)[2, 2]))
    return np.array(errors)


@pytest.mark.parametrize("raw", [False, True])
def test_momentum_of_straight_muons(toys, detector, raw):
    """15 to 80 GeV: resolution within 20 % of the expectation, pulls 0.9 to 1.1, charge right."""
    rng = np.random.default_rng(2)
    n = 1000 if raw else 6000
    p, q = rng.uniform(15, 80, n), rng.choice([-1.0, 1.0], n)
    muons = toys.muons(rng, p, q, STATIONS, BOX, 1.4)
    tracks, _ = reconstruct(toys, detector, muons, np.arange(n), n, raw=raw)
    inside = accepted(muons)
    assert inside.mean() > 0.7
    assert (tracks.counts[inside] == 1).mean() > 0.998
    one = inside & (tracks.counts == 1)
    row = tracks.offsets[:-1][one]
    delta = tracks["q_over_p"][row] - muons.state[one, 4]
    normal = delta / expected_error(toys, p[one])
    assert normal.std() == pytest.approx(1.0, abs=0.07)
    assert (delta / tracks["sigma_q_over_p"][row]).std() == pytest.approx(1.0, abs=0.07)
    assert (tracks["charge"][row] == q[one]).mean() > 0.999
    assert (tracks["planes"][row] == 4).mean() > 0.99
    assert (tracks["ndf"][row] == 3).mean() > 0.99
    assert tracks["chi2"][row].mean() == pytest.approx(3.0, rel=0.15)


def test_columns_are_those_declared(toys, detector):
    rng = np.random.default_rng(3)
    muons = toys.muons(rng, np.full(20, 40.0), np.ones(20), STATIONS, BOX, 1.4)
    tracks, clusters = reconstruct(toys, detector, muons, np.arange(20), 20)
    declared = {c.name.partition(".")[2]: c.type for c in detector.columns.values() if c.collection == "tracks"}
    assert set(tracks.columns) == set(declared)
    for name, values in tracks.columns.items():
        assert values.dtype == np.dtype(declared[name]), name
        assert np.isfinite(values).all(), name
    np.testing.assert_allclose(tracks["p"] * np.abs(tracks["q_over_p"]), 1.0)
    np.testing.assert_allclose(tracks["time"], [clusters["time"][a : a + 8].mean() for a in clusters.offsets[:-1]])
    last = detector.volumes["HCAL2"].z + 0.5 * detector.volumes["HCAL2"].depth
    np.testing.assert_allclose(tracks["match_x"], tracks["x"] - tracks["tx"] * (5100.0 - last))
    np.testing.assert_allclose(tracks["match_y"], tracks["y"] - tracks["ty"] * (5100.0 - last))


@pytest.mark.parametrize("raw", [False, True])
def test_dimuons_are_two_tracks(toys, detector, raw):
    rng = np.random.default_rng(4)
    n = 300 if raw else 1500
    p, q = rng.uniform(30, 80, 2 * n), np.tile([-1.0, 1.0], n)
    muons = toys.muons(rng, p, q, STATIONS, BOX, 1.4, size=12.0)
    tracks, _ = reconstruct(toys, detector, muons, np.repeat(np.arange(n), 2), n, raw=raw)
    both = accepted(muons).reshape(-1, 2).all(axis=1)
    # clusters of muons closer than some strips are one
    gap = np.abs(np.stack([muons.x, muons.y], axis=2).reshape(n, 2, 4, 2)[:, 0] - muons.x.reshape(n, 2, 4, 1)[:, 1])
    gap[:, :, 1] = np.abs(muons.y.reshape(n, 2, 4)[:, 0] - muons.y.reshape(n, 2, 4)[:, 1])
    apart = both & (gap.min(axis=(1, 2)) > 2.0)
    assert apart.sum() > 0.4 * n
    assert (tracks.counts[apart] == 2).mean() > 0.99
    assert tracks.counts.max() <= 2
    two = np.flatnonzero(apart & (tracks.counts == 2))
    rows = tracks.offsets[two][:, None] + [0, 1]
    charge = tracks["charge"][rows]
    assert (charge.sum(axis=1) == 0).mean() > 0.97
    negative = np.argsort(charge, axis=1)
    found = np.take_along_axis(tracks["q_over_p"][rows], negative, axis=1)
    sigma = np.take_along_axis(tracks["sigma_q_over_p"][rows], negative, axis=1)
    pulls = (found - muons.state[:, 4].reshape(n, 2)[two]) / sigma
    assert (np.abs(pulls) < 5).mean() > 0.97


def test_one_plane_missing(toys, detector):
    rng = np.random.default_rng(5)
    n = 3000
    muons = toys.muons(rng, rng.uniform(30, 80, n), np.ones(n), STATIONS, BOX, 1.4)
    tracks, clusters = reconstruct(toys, detector, muons, np.arange(n), n, efficiency=0.97)
    seen = np.zeros((n, 2), int)
    np.add.at(seen, (clusters.parents, clusters["plane"] % 2), 1)
    enough = (seen >= 3).all(axis=1)
    assert (tracks.counts[enough] == 1).mean() > 0.995
    assert (tracks.counts[~enough] == 0).all()
    one = np.flatnonzero(enough & (tracks.counts == 1))
    row = tracks.offsets[one]
    np.testing.assert_array_equal(tracks["planes"][row], seen[one, 0])
    np.testing.assert_array_equal(tracks["ndf"][row], seen[one].sum(axis=1) - 5)
    pulls = (tracks["q_over_p"][row] - muons.state[one, 4]) / tracks["sigma_q_over_p"][row]
    assert pulls.std() == pytest.approx(1.0, abs=0.06)


def test_the_field_scale_of_the_conditions(toys, detector):
    rng = np.random.default_rng(6)
    muons = toys.muons(rng, np.full(200, 40.0), np.ones(200), STATIONS, BOX, 1.4)
    full, half = (reconstruct(toys, detector, muons, np.arange(200), 200, scale=s)[0] for s in (1.0, 0.5))
    np.testing.assert_allclose(half["p"], 0.5 * full["p"], rtol=0.02)


def test_any_batch_size_gives_the_same(toys, detector):
    rng = np.random.default_rng(7)
    muons = toys.muons(rng, rng.uniform(20, 80, 100), np.tile([1.0, -1.0], 50), STATIONS, BOX, 1.4, size=10.0)
    whole, clusters = reconstruct(toys, detector, muons, np.repeat(np.arange(50), 2), 50)
    stage = TrackStage(detector)
    stage.begin_run(toys.Constants())
    pieces = [clusters.slice(a, min(a + 7, 50)) for a in range(0, 50, 7)]
    again = Lists.concatenate([stage(toys.batch(len(part)), {"clusters": part})["tracks"] for part in pieces])
    np.testing.assert_array_equal(again.offsets, whole.offsets)
    for name in whole.columns:
        np.testing.assert_array_equal(again[name], whole[name])


def test_clusters_without_a_time(toys, detector):
    rng = np.random.default_rng(8)
    muons = toys.muons(rng, np.full(3, 40.0), np.ones(3), STATIONS, BOX, 1.4)
    _, clusters = reconstruct(toys, detector, muons, np.arange(3), 3)
    time = clusters["time"].copy()
    time[:8], time[8] = np.nan, np.nan
    stage = TrackStage(detector)
    tracks = stage(toys.batch(3), {"clusters": Lists(clusters.offsets, {**clusters.columns, "time": time})})["tracks"]
    assert tracks.counts.tolist() == [1, 1, 1]
    assert np.isnan(tracks["time"][0])
    assert tracks["time"][1] == pytest.approx(time[9:16].mean())


def test_no_clusters_no_tracks(toys, detector):
    types = dict.fromkeys(("position", "sigma", "charge", "time"), np.float64) | {
        "plane": np.int32,
        "size": np.int32,
        "in_time": bool,
    }
    tracks = TrackStage(detector)(toys.batch(4), {"clusters": Lists.empty(4, types)})["tracks"]
    assert tracks.counts.tolist() == [0, 0, 0, 0]
