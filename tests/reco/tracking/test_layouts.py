"""Spectrometers of any shape: stations before and behind a magnet, the current off, telescopes, air; against toys and truth."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emiss.events.lists import Lists
from emiss.reco.tracking.finding import Roads
from emiss.reco.tracking.roads_kernels import Layout, allows, bend_mismatch, few_missing, straight_mismatch
from tests.reco.tracking.layouts import BOX, SHAPES, hits_of, reconstruct, shaped, spread

AIR = 303.9e3


@pytest.mark.parametrize("shape", SHAPES)
def test_momentum_with_any_number_of_stations(toys, detector, shape):
    rng = np.random.default_rng(5)
    own = shaped(detector, SHAPES[shape])
    z, n = np.array(SHAPES[shape]) * 1e3, 2000
    p, q = rng.uniform(15, 80, n), rng.choice([-1.0, 1.0], n)
    muons = toys.muons(rng, p, q, z, BOX, 1.4)
    tracks = reconstruct(toys, own, hits_of(rng, own, muons.x, muons.y))["tracks"]
    assert (tracks.counts == 1).mean() > 0.997
    row = tracks.offsets[:-1][tracks.counts == 1]
    assert (tracks["planes"][row] == len(z)).mean() > 0.98
    assert (tracks["ndf"][row] == 2 * len(z) - 5).mean() > 0.98
    pull = (tracks["q_over_p"][row] - (q / p)[tracks.counts == 1]) / tracks["sigma_q_over_p"][row]
    assert spread(pull) == pytest.approx(1.0, abs=0.06)
    assert abs(np.median(pull)) < 0.15
    assert tracks["chi2"][row].mean() == pytest.approx(2 * len(z) - 5, rel=0.1)


@pytest.mark.parametrize("shape", ["3 + 2", "4 + 4"])
def test_one_station_may_be_missing_on_each_side(toys, detector, shape):
    rng = np.random.default_rng(6)
    own = shaped(detector, SHAPES[shape])
    z, n, seen = np.array(SHAPES[shape]) * 1e3, 1500, 0.95
    muons = toys.muons(rng, rng.uniform(15, 80, n), np.ones(n), z, BOX, 1.4)
    points = hits_of(rng, own, muons.x, muons.y, efficiency=seen)
    tracks = reconstruct(toys, own, points)["tracks"]
    missing = np.ones((n, len(z), 2), bool)
    missing[points.parents, points["plane"] // 2, points["plane"] % 2] = False
    before = int(np.sum(z < BOX[0]))
    fine = (missing[:, :before].sum(axis=1) <= 1).all(axis=1) & (missing[:, before:].sum(axis=1) <= 1).all(axis=1)
    assert 0.5 < fine.mean() < 0.99
    assert (tracks.counts[fine] == 1).mean() > 0.99
    assert (tracks.counts[~fine] == 0).mean() > 0.8
    two = fine & (missing[:, :, 0].sum(axis=1) == 2) & (tracks.counts == 1)
    assert (tracks["planes"][tracks.offsets[:-1][two]] == len(z) - 2).mean() > 0.95


def plain_mismatch(u, layout, *, bends):
    """The mismatch of positions in plain Python."""
    z, (slope_road, kick, _, line, _, line_before, line_behind) = layout.z, layout.roads

    def segment(stations, road):
        known = [s for s in stations if np.isfinite(u[s])]
        if len(known) < 2:
            return known, None, []
        slope = (u[known[-1]] - u[known[0]]) / (z[known[-1]] - z[known[0]])
        return known, slope, [(u[s] - u[known[0]] - slope * (z[s] - z[known[0]])) / road for s in known[1:-1]]

    everywhere, before, behind = range(len(z)), range(layout.before), range(layout.before, len(z))
    if not bends:
        _, slope, off = segment(everywhere, line)
        if abs(slope) > slope_road or max(map(abs, off)) > 1:
            return np.inf
        return sum(v**2 for v in off) / len(off)
    front, a, off = segment(before, line_before)
    back, b, off_behind = segment(behind, line_behind)
    off += off_behind
    m = layout.middle
    if a is not None and b is not None:
        at = u[front[0]] + a * (m - z[front[0]]) - u[back[0]] - b * (m - z[back[0]])
        off.append(at / layout.meeting[front[0], front[-1], back[0], back[-1]])
    elif a is None:
        a = (u[back[0]] + b * (m - z[back[0]]) - u[front[0]]) / (m - z[front[0]])
    else:
        b = (u[back[0]] - u[front[0]] - a * (m - z[front[0]])) / (z[back[0]] - m)
    if abs(a) > slope_road or abs(b - a) > kick or max(map(abs, off), default=0) > 1:
        return np.inf
    return sum(v**2 for v in off) / len(off) if off else (a / slope_road) ** 2


@st.composite
def views(draw):
    """Positions of a view near a bent line, with one station missing on each side at most."""
    before, behind = draw(st.integers(1, 3)), draw(st.integers(2, 4))
    places = [draw(st.lists(st.integers(0, 40), min_size=k, max_size=k, unique=True)) for k in (before, behind)]
    z = np.concatenate([50.0 * np.sort(places[0]), 4000.0 + 50.0 * np.sort(places[1])])
    number = st.floats(-1, 1)
    slope, turn = 0.05 * draw(number), 0.09 * draw(number)
    u = slope * (z - 3000.0) + np.where(z > 3000, turn * (z - 3000.0), 0.0)
    u += np.array(draw(st.lists(number, min_size=len(z), max_size=len(z)))) * draw(st.sampled_from([0.1, 3.0, 12.0]))
    for side, size in ((0, before), (before, behind)):
        gone = draw(st.integers(-1, size - 1)) if size > 1 else -1
        if gone >= 0:
            u[side + gone] = np.nan
    return z, before, u


@settings(deadline=None, max_examples=300)
@given(views(), st.booleans())
def test_mismatch_and_what_roads_allow_against_plain_python(made, bends):
    """What is inside the roads is never left out on the way."""
    z, before, u = made
    known = np.isfinite(u).sum()
    if known < 3:
        return
    meeting = np.full((len(z),) * 4, np.inf)
    for four in product(range(len(z)), repeat=4):
        meeting[four] = 8.0 + four[0] + four[3]
    roads = np.array([0.06, 0.1, meeting.max(), 9.0, 7.0, 5.0, 6.0])
    layout = Layout(z, before, 3, bends, 3000.0, roads, meeting)
    found = bend_mismatch(u, layout) if bends else straight_mismatch(u, layout)
    assert found == pytest.approx(plain_mismatch(u, layout, bends=bends), rel=1e-9, abs=1e-12)
    room = np.empty((len(z) + 1, 2))
    followed = all(few_missing(u, s, known, layout) and allows(u, s, bends, layout, room) for s in range(len(z)))
    assert followed or found == np.inf


def test_roads_are_those_of_each_plane(detector):
    """A thick station scatters more: the road behind it widens."""
    z = np.array([0.0, 500.0, 2900.0, 3400.0])
    box = shaped(detector, SHAPES["2 + 2"]).field("MBPL").box
    box = type(box)(1.4, (700.0, 2700.0))
    thin = Roads().layout(z, 2, box, np.full(4, 0.1), np.zeros((4, 4)))
    coarse = Roads().layout(z, 2, box, np.array([0.1, 0.1, 1.0, 0.1]), np.zeros((4, 4)))
    assert coarse.meeting[0, 1, 2, 3] > 2 * thin.meeting[0, 1, 2, 3]


@pytest.mark.parametrize(("by", "scale"), [(0.0, 1.0), (1.4, 0.0), (1.4, 0.0005)])
def test_without_a_field_tracks_are_straight(toys, detector, by, scale):
    """The magnet off, by its file or by the conditions; and a remanent field of 0.7 mT."""
    rng = np.random.default_rng(7)
    own, n = shaped(detector, SHAPES["2 + 2"], by=by), 3000
    z = np.array(SHAPES["2 + 2"]) * 1e3
    muons = toys.muons(rng, np.full(n, 100.0), np.ones(n), z, BOX, 0.0)
    tracks = reconstruct(toys, own, hits_of(rng, own, muons.x, muons.y, efficiency=0.98), scale)["tracks"]
    assert (tracks.counts == 1).mean() > 0.97
    row, one = tracks.offsets[:-1][tracks.counts == 1], tracks.counts == 1
    for name in ("p", "charge", "q_over_p", "sigma_q_over_p"):
        assert np.isnan(tracks[name]).all()
    true = muons.state[one]
    four = (tracks["planes"][row] == 4) & (tracks["ndf"][row] == 4)
    assert four.mean() > 0.8
    assert tracks["chi2"][row][four].mean() == pytest.approx(4.0, rel=0.06)
    # 0.1 mm at four places: the errors of a straight line
    dz = z - z[0]
    design = np.column_stack([np.ones(4), dz])
    errors = 0.1 * np.sqrt(np.diag(np.linalg.inv(design.T @ design)))
    for name, k, error in (("x", 0, errors[0]), ("y", 1, errors[0]), ("tx", 2, errors[1]), ("ty", 3, errors[1])):
        assert np.std((tracks[name][row] - true[:, k])[four]) == pytest.approx(error, rel=0.12)


def test_a_telescope_without_a_magnet(toys, detector):
    rng = np.random.default_rng(8)
    stations = [5.1, 5.6, 6.6, 7.95, 8.45]
    data = shaped(detector, stations).model_dump(exclude_unset=True)
    del data["spectrometers"]["tracks"]["magnet"]
    data["spectrometers"]["tracks"] |= {"best": "line", "straight_momentum": 20.0}
    own = type(detector).model_validate(data).at([detector.file])
    z, n = np.array(stations) * 1e3, 2000
    muons = toys.muons(rng, np.full(n, 20.0), np.ones(n), z, BOX, 0.0)
    made = reconstruct(toys, own, hits_of(rng, own, muons.x, muons.y))
    assert (made["line.n"] == 1).mean() > 0.99
    assert np.isnan(made["line.p"]).all()
    one = made["line.n"] == 1
    # the model of the scattering is right: chi2 is that of its degrees of freedom
    assert made["line.chi2"][one].mean() == pytest.approx(6.0, rel=0.05)
    assert np.nanstd(made["line.tx"] - muons.state[:, 2]) < 1e-4


def through_air(rng, p, q, z, by, thickness):
    """Particles through planes, air and a box in steps of 50 mm: Highland angle of the whole gap, shared among its steps."""
    n = len(p)
    x, y = rng.normal(0, 5, (2, n))
    tx, ty = rng.normal(0, 2e-3, (2, n))
    first = tx.copy()
    xs, ys = [x], [y]

    def angle(lengths):
        return 0.0136 / p * np.sqrt(lengths) * (1 + 0.038 * np.log(lengths))

    for low, high in pairwise(z):
        kick = angle(thickness)
        tx, ty = tx + kick * rng.normal(size=n), ty + kick * rng.normal(size=n)
        edges = np.unique([low, high, *np.arange(low, high, 50.0), *(e for e in BOX if low < e < high)])
        whole = angle((high - low) / AIR)
        for a, b in pairwise(edges):
            h = b - a
            kick = whole * np.sqrt(h / (high - low))
            inside = by if BOX[0] <= 0.5 * (a + b) <= BOX[1] else 0.0
            angle_before = np.arctan(tx)
            angle_behind = np.arcsin(np.sin(angle_before) - 0.299792458e-3 * q / p * inside * h)
            x, y = x + h * np.tan(0.5 * (angle_before + angle_behind)), y + h * ty  # the chord
            tx = np.tan(angle_behind) + kick * rng.normal(size=n)
            ty = ty + kick * rng.normal(size=n)
        xs.append(x)
        ys.append(y)
    return np.array(xs).T, np.array(ys).T, first


def test_air_between_the_planes_comes_from_the_file(toys, detector):
    """Below 15 GeV, with lever arms of 2 m: pulls of 1.3 without the key `air`, of 1 with it."""
    rng = np.random.default_rng(9)
    n, stations = 4000, [3.6, 5.6, 7.95, 9.95]
    z = np.array(stations) * 1e3
    p, q = rng.uniform(6, 15, n), rng.choice([-1.0, 1.0], n)
    x, y, _ = through_air(rng, p, q, z, 1.4, 0.003)
    pulls = {}
    for air in (False, True):
        own = shaped(detector, stations, air=air)
        tracks = reconstruct(toys, own, hits_of(rng, own, x, y))["tracks"]
        one = tracks.counts == 1
        assert one.mean() > 0.97
        row = tracks.offsets[:-1][one]
        pulls[air] = spread((tracks["q_over_p"][row] - (q / p)[one]) / tracks["sigma_q_over_p"][row])
    assert pulls[False] > 1.2
    assert pulls[True] == pytest.approx(1.0, abs=0.05)


def test_stations_of_two_trackers_stand_in_any_order(toys, detector):
    """A finer tracker whose stations stand between those of the other: each hit counts with its own error."""
    rng = np.random.default_rng(10)
    data = shaped(detector, [5.1, 5.6, 7.95, 8.45]).model_dump(exclude_unset=True)
    data["parts"]["gem"] = data["parts"]["mm"] | {
        "stations": {"GM1": {"z": 5300.0}, "GM2": {"z": 9000.0}},
        "sigma": 0.05,
        "x_over_x0": 0.005,
    }
    data["spectrometers"]["tracks"]["trackers"] = ["mm", "gem"]
    own = type(detector).model_validate(data).at([detector.file])
    z, n = np.array([5100.0, 5300.0, 5600.0, 7950.0, 8450.0, 9000.0]), 1000
    muons = toys.muons(rng, np.full(n, 60.0), np.ones(n), z, BOX, 1.4)
    order = [0, 2, 3, 4, 1, 5]  # of the stations in the detector's planes
    exact = [(muons.x if plane.view == "x" else muons.y)[:, order[k // 2]] for k, plane in enumerate(own.planes)]
    seen = np.stack(
        [true + plane.sigma * rng.normal(size=n) for true, plane in zip(exact, own.planes, strict=True)], axis=1
    )
    columns = {
        "plane": np.tile(np.arange(12, dtype=np.int16), n),
        "position": seen.ravel(),
        "charge": np.full(12 * n, 400.0),
        "time": np.zeros(12 * n),
    }
    tracks = reconstruct(toys, own, Lists(12 * np.arange(n + 1), columns))["tracks"]
    assert (tracks.counts == 1).mean() > 0.99
    full = tracks["ndf"] == 7
    assert full.mean() > 0.98
    assert tracks["chi2"][full].mean() == pytest.approx(7.0, rel=0.08)
