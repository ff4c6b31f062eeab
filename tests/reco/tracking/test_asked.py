"""Columns that keys of a spectrometer ask for: outliers, other clusters near a track, vertices; numbers of clusters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emiss.events.lists import Lists, offsets_of
from emiss.reco.tracking.vertex import pairs, vertices
from tests.reco.tracking.layouts import BOX, SHAPES, hits_of, reconstruct, shaped, spread

Z = np.array(SHAPES["4 + 4"]) * 1e3


@pytest.fixture(scope="module")
def spoilt(toys, detector):
    """Muons in 4 + 4 stations, one hit of each off by 0.9 mm; their tracks with and without the key."""
    rng = np.random.default_rng(3)
    n = 1500
    p, q = rng.uniform(15, 80, n), rng.choice([-1.0, 1.0], n)
    own = shaped(detector, SHAPES["4 + 4"], reject_outliers=4.0, road=3.0)
    muons = toys.muons(rng, p, q, Z, BOX, 1.4)
    points = hits_of(rng, own, muons.x, muons.y)
    plane = rng.integers(0, 16, n)
    wrong = points["plane"] == plane[points.parents]
    points.columns["position"][wrong] += 0.9
    tracks = reconstruct(toys, own, points)["tracks"]
    plain = reconstruct(toys, shaped(detector, SHAPES["4 + 4"]), points)["tracks"]
    return (q / p), plane, tracks, plain


def test_the_hit_that_is_off_is_dropped(spoilt):
    q_over_p, plane, tracks, plain = spoilt
    one = (tracks.counts == 1) & (plain.counts == 1)
    assert one.mean() > 0.99
    row, was = tracks.offsets[:-1][one], plain.offsets[:-1][one]
    found = tracks["dropped"][row]
    full = plain["planes"][was] == 8
    assert (found == plane[one])[full].mean() > 0.9
    assert np.isin(found[full], [-1, *range(16)]).all()
    right = found == plane[one]
    # a pull of 1 again where the hit is left out; one plane less, one degree of freedom less
    pull = (tracks["q_over_p"][row] - q_over_p[one])[right] / tracks["sigma_q_over_p"][row][right]
    before = (plain["q_over_p"][was] - q_over_p[one])[right] / plain["sigma_q_over_p"][was][right]
    assert spread(pull) == pytest.approx(1.0, abs=0.07)
    assert np.std(before) > 1.8
    assert (tracks["ndf"][row] - plain["ndf"][was])[right] == pytest.approx(-1)
    in_x = right & (plane[one] % 2 == 0)
    assert (tracks["planes"][row] - plain["planes"][was])[in_x] == pytest.approx(-1)
    assert tracks["chi2"][row][right].mean() == pytest.approx(10.0, rel=0.12)


def test_good_tracks_lose_nothing(toys, detector):
    rng = np.random.default_rng(4)
    n = 1500
    muons = toys.muons(rng, np.full(n, 40.0), np.ones(n), Z, BOX, 1.4)
    points = hits_of(rng, shaped(detector, SHAPES["4 + 4"]), muons.x, muons.y)
    kept = reconstruct(toys, shaped(detector, SHAPES["4 + 4"], reject_outliers=4.0), points)["tracks"]
    plain = reconstruct(toys, shaped(detector, SHAPES["4 + 4"]), points)["tracks"]
    assert (kept["dropped"] == -1).mean() > 0.998
    same = kept["dropped"] == -1
    np.testing.assert_array_equal(kept["q_over_p"][same], plain["q_over_p"][same])


def test_a_bend_view_without_freedom_drops_nothing(toys, detector):
    """Of four x any one explains a bad chi2: none is dropped."""
    rng = np.random.default_rng(5)
    n, z = 300, np.array(SHAPES["2 + 2"]) * 1e3
    muons = toys.muons(rng, np.full(n, 60.0), np.ones(n), z, BOX, 1.4)
    own = shaped(detector, SHAPES["2 + 2"], reject_outliers=3.0)
    points = hits_of(rng, own, muons.x, muons.y)
    points.columns["position"][points["plane"] == 2] += 0.8
    tracks = reconstruct(toys, own, points)["tracks"]
    assert tracks["chi2"].mean() > 8
    assert (tracks["dropped"] % 2 != 0).all()


def test_other_clusters_near_a_track_are_counted(toys, detector):
    rng = np.random.default_rng(6)
    n, z = 400, np.array(SHAPES["2 + 2"]) * 1e3
    muons = toys.muons(rng, np.full(n, 60.0), np.ones(n), z, BOX, 1.4)
    own = shaped(detector, SHAPES["2 + 2"], road=5.0)
    points = hits_of(rng, own, muons.x, muons.y)
    # two clusters of noise beside each track in MM2X: one 3 mm, one 8 mm away, of another charge
    there = np.flatnonzero(points["plane"] == 2)
    event = points.parents[there]
    noise = {name: np.tile(values[there], 2) for name, values in points.columns.items()}
    noise["position"] = noise["position"] + np.repeat([3.0, 8.0], len(there))
    noise["charge"] = np.full(2 * len(there), 30.0)
    order = np.argsort(np.concatenate([points.parents, event, event]), kind="stable")
    columns = {name: np.concatenate([values, noise[name]])[order] for name, values in points.columns.items()}
    counts = points.counts + 2 * np.bincount(event, minlength=n)
    made = reconstruct(toys, own, Lists(offsets_of(counts), columns))
    tracks = made["tracks"]
    whole = (tracks["planes"] == 4) & (tracks["ndf"] == 3)
    assert whole.mean() > 0.95
    assert (tracks["extra"][whole] == 1).mean() > 0.98
    expected = np.zeros((n, 8), int)
    np.add.at(expected, (points.parents, points["plane"]), 1)
    np.add.at(expected, (event, 2), 2)
    np.testing.assert_array_equal(made["mm.n_clusters"], expected)


def test_clusters_out_of_time_are_not_counted(toys, detector):
    rng = np.random.default_rng(7)
    muons = toys.muons(rng, np.full(20, 60.0), np.ones(20), np.array(SHAPES["2 + 2"]) * 1e3, BOX, 1.4)
    points = hits_of(rng, detector, muons.x, muons.y)
    points.columns["time"][points["plane"] == 5] = 90.0
    counts = reconstruct(toys, detector, points)["mm.n_clusters"]
    assert counts.dtype == np.int32
    assert counts[:, 5].max() == 0
    assert (counts[:, 4] == 1).mean() > 0.8
    assert detector.columns["mm.n_clusters"].elements[4:6] == ("MM3X", "MM3Y")


@given(st.lists(st.integers(0, 5), max_size=8))
def test_pairs_against_plain_python(counts):
    lists = Lists(offsets_of(np.array(counts, np.int64)), {})
    first, second = pairs(lists)
    expected = [
        (i, j)
        for a, b in zip(lists.offsets[:-1], lists.offsets[1:], strict=True)
        for i in range(a, b)
        for j in range(i + 1, b)
    ]
    assert list(zip(first.tolist(), second.tolist(), strict=True)) == expected


number = st.floats(-1, 1)


@settings(deadline=None)
@given(st.tuples(*[number] * 3), st.tuples(*[number] * 4), st.floats(1, 100), st.floats(1, 100))
def test_two_lines_through_a_point(place, slopes, p, q):
    """Two tracks from one point meet there; the mass is that of the sum of the four-momenta."""
    (x, y), z0, z = 10 * np.array(place[:2]), 100.0 + 500 * place[2], 5000.0
    tx, ty = 0.02 * np.array(slopes[:2]), 0.02 * np.array(slopes[2:])
    if np.hypot(tx[0] - tx[1], ty[0] - ty[1]) < 1e-4:
        return
    tracks = Lists(
        np.array([0, 2, 2]),
        {
            "x": x + tx * (z - z0),
            "y": y + ty * (z - z0),
            "tx": tx,
            "ty": ty,
            "p": np.array([p, q]),
            "charge": np.array([1.0, -1.0]),
        },
    )
    made = vertices(tracks, np.zeros((2, 5, 5)), z, 0.1056583755)
    assert made["distance"][0] == pytest.approx(0.0, abs=1e-6)
    for name, value in (("x", x), ("y", y), ("z", z0)):
        assert made[name][0] == pytest.approx(value, abs=1e-3)
        assert np.isnan(made[name][1])
    vectors = [k * np.array([a, b, 1.0]) / np.sqrt(1 + a**2 + b**2) for k, a, b in zip((p, q), tx, ty, strict=True)]
    energy = sum(np.hypot(k, 0.1056583755) for k in (p, q))
    assert made["mass"][0] == pytest.approx(np.sqrt(energy**2 - np.sum(sum(vectors) ** 2)), abs=1e-5)
    cosine = np.dot(*vectors) / (p * q)
    assert np.cos(made["angle"][0]) == pytest.approx(cosine, abs=1e-9)


def test_the_nearest_pair_of_opposite_charge(toys, detector):
    """Skew lines 3 mm apart; of three tracks the pair that comes nearest, and none of two of one charge."""
    x, y = np.array([0.0, 5.0, 100.0, 0.0, 5.0]), np.array([0.0, 3.0, 50.0, 0.0, 0.0])
    columns = {
        "x": x,
        "y": y,
        "tx": np.array([0.0, 0.005, 0.0, 0.0, 0.005]),
        "ty": np.zeros(5),
        "p": np.full(5, 40.0),
        "charge": np.array([1.0, -1.0, -1.0, 1.0, 1.0]),
    }
    cov = np.array([np.diag([0.1, 0.2, 0.0, 0.0, 0.0]) ** 2] * 5)
    made = vertices(Lists(np.array([0, 3, 5]), columns), cov, 1000.0, 0.105)
    assert made["distance"][0] == pytest.approx(3.0)
    assert made["z"][0] == pytest.approx(0.0, abs=1e-6)
    assert made["sigma_distance"][0] == pytest.approx(0.2 * np.sqrt(2), rel=1e-3)
    assert made["sigma_z"][0] == pytest.approx(0.1 * np.sqrt(2) / 0.005, rel=1e-3)
    assert made["angle"][0] == pytest.approx(0.005, rel=1e-4)
    assert np.isnan(made["mass"][1])
    columns["charge"] = np.full(5, np.nan)  # without a field
    assert np.isnan(columns["charge"]).all()
    cov[:, 4] = cov[:, :, 4] = np.nan
    straight = vertices(Lists(np.array([0, 3, 5]), columns), cov, 1000.0, 0.105)
    assert straight["z"] == pytest.approx([0.0, 0.0], abs=1e-6)
    assert straight["sigma_z"][0] == made["sigma_z"][0]


def test_vertices_of_simulated_pairs(toys, detector):
    """Pairs from one point 4 m before the first station: place and mass within the errors of their slopes."""
    rng = np.random.default_rng(8)
    n, stations = 600, SHAPES["2 + 2"]
    z = np.array(stations) * 1e3
    own = shaped(detector, stations, vertex={"mass": "muon"})
    tx, ty = rng.normal(0, 1e-3, (2, n)), rng.normal(0, 1e-3, (2, n))
    tx[1] = tx[0] + 8e-3
    ty[1] = ty[0] + 3e-3
    p = rng.uniform(20, 60, (2, n))
    sides, points = [], []
    for k, q in enumerate((1.0, -1.0)):
        state = np.column_stack([4000 * tx[k], 4000 * ty[k], tx[k], ty[k], q / p[k]])
        sides.append(toys.follow(state, z, BOX, 1.4))
        points.append(hits_of(rng, own, *sides[k]))
    event = np.concatenate([one.parents for one in points])
    order = np.argsort(event, kind="stable")
    columns = {name: np.concatenate([one[name] for one in points])[order] for name in points[0].columns}
    made = reconstruct(toys, own, Lists(offsets_of(points[0].counts + points[1].counts), columns))
    two = made["tracks"].counts == 2
    assert two.mean() > 0.8
    at = made["tracks_vertex.z"][two]
    assert np.median(at) == pytest.approx(z[0] - 4000.0, abs=60.0)
    assert np.median(made["tracks_vertex.distance"][two]) < 1.5
    for name, true in (("x", 0.0), ("y", 0.0), ("z", z[0] - 4000.0)):
        pull = (made[f"tracks_vertex.{name}"][two] - true) / made[f"tracks_vertex.sigma_{name}"][two]
        assert spread(pull) == pytest.approx(1.0, abs=0.12), name
    opening = np.hypot(tx[1] - tx[0], ty[1] - ty[0])[two]
    mass = np.sqrt(
        4 * 0.10566**2 + p[0, two] * p[1, two] * opening**2 + (p[0] - p[1])[two] ** 2 / p.prod(0)[two] * 0.10566**2
    )
    assert np.median(made["tracks_vertex.mass"][two] / mass) == pytest.approx(1.0, abs=0.01)
    assert spread((made["tracks_vertex.mass"][two] - mass) / made["tracks_vertex.sigma_mass"][two]) == pytest.approx(
        1.0, abs=0.12
    )
    assert np.isnan(made["tracks_vertex.z"][made["tracks"].counts < 2]).all()
    assert {f"tracks_vertex.{name}" for name in ("x", "y", "z", "distance", "angle", "mass")} <= set(own.columns)


@pytest.mark.parametrize("by", [0.0, 1.4])
def test_no_clusters_no_tracks_whatever_is_asked(toys, detector, by):
    keys = {"road": 3.0, "reject_outliers": 4.0, "share_clusters": True, "vertex": {"mass": "muon"}, "best": "one"}
    own = shaped(detector, SHAPES["2 + 2"], by=by, **keys)
    points = Lists(
        np.zeros(4, np.int64),
        {"plane": np.zeros(0, np.int16), **dict.fromkeys(("position", "charge", "time"), np.zeros(0))},
    )
    made = reconstruct(toys, own, points)
    assert made["tracks"].counts.tolist() == [0, 0, 0]
    assert np.isnan(made["tracks_vertex.z"]).all()
    assert made["mm.n_clusters"].sum() == 0
    declared = {c.name.partition(".")[2] for c in own.columns.values() if c.collection == "tracks"}
    assert set(made["tracks"].columns) == declared
