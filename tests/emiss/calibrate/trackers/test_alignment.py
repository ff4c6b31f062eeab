"""Alignment against planes that tracks were seen in: shifted, turned and moved by plain geometry."""

from types import SimpleNamespace

import numpy as np
import pytest

from emiss.calib.conditions import RunConditions
from emiss.calib.tables import parse_tables
from emiss.calibrate.frame import Options
from emiss.calibrate.swaps import with_swaps
from emiss.calibrate.trackers.alignment import Alignment
from emiss.calibrate.trackers.alignment_groups import groups_of
from emiss.calibrate.trackers.alignment_solve import normal_equations, solve, weak
from emiss.calibrate.trackers.alignment_tracks import Lines, Told, crossed
from emiss.configs.errors import UserError
from emiss.events.lists import Lists
from emiss.reco.detector.model import load_detector
from emiss.reco.tracking.placement import Placement
from tests.reco.conftest import muons

SLOPES = np.array([40e-3, 20e-3])


def drawn(detector, seed, *, held=()):
    """Places of planes within 1 mm, 5 mrad and 3 mm; those of some planes 0."""
    rng, count = np.random.default_rng(seed), len(detector.planes)
    values = rng.uniform(-1.0, 1.0, (3, count)) * np.array([[1.0], [5e-3], [3.0]])
    for row, planes in enumerate(held):
        values[row, planes] = 0.0
    return Placement(*values)


def weak_planes(detector):
    """Planes that hold what no track tells, by column."""
    groups = groups_of(detector)
    ends = [group.planes[row] for group in groups for row in group.ends]
    return ends, [group.planes[group.ends[0]] for group in groups], ends


def seen(detector, true, events, seed, *, bend=0.0, dead=()):
    """What planes read of lines through the middle of a spectrometer: u along their own axes, less the shift, with errors.

    The plane is the one through (0, 0, z + dz) across the beam, turned by its angle from x to y.
    """
    rng, planes = np.random.default_rng(seed), detector.planes
    z = np.array([plane.z for plane in planes]) + true.z
    middle = 0.5 * (z.min() + z.max())
    begin, slope = rng.normal(0.0, 10.0, (2, events, 1)), rng.normal(0.0, 1.0, (2, events, 1)) * SLOPES[:, None, None]
    x, y = begin + slope * (z - middle)
    x = x + bend * rng.exponential(1.0, (events, 1)) * np.maximum(z - middle, 0.0)
    sine, cosine = np.sin(true.rotation), np.cos(true.rotation)
    own = np.where([plane.view == "x" for plane in planes], x * cosine + y * sine, y * cosine - x * sine) - true.shift
    sigma = np.array([plane.sigma for plane in planes])
    rows, columns = [], {"plane": [], "position": [], "charge": [], "in_time": [], "twin": []}
    straws = [number for number, plane in enumerate(planes) if plane.straw is not None]
    told = own + sigma * rng.normal(size=own.shape)
    for number, plane in enumerate(planes):
        if number in dead:
            continue
        if number in straws:
            wire = plane.position(np.rint((own[:, number] - plane.position(0)) / plane.pitch))
            distance = np.abs(np.abs(own[:, number] - wire) + sigma[number] * rng.normal(size=events))
            sides = (wire - distance, 1), (wire + distance, -1)
        else:
            sides = ((told[:, number], 0),)
        for place, (position, twin) in enumerate(sides):
            rows.append((np.arange(events), np.full(events, 2 * number + place), position, np.full(events, twin)))
    event, key, position, twin = (np.concatenate(values) for values in zip(*rows, strict=True))
    order = np.lexsort((key, event))
    columns = {
        "plane": key[order] // 2,
        "position": position[order],
        "charge": np.ones(len(order)),
        "in_time": np.ones(len(order), bool),
        "twin": twin[order],
    }
    return Lists(np.arange(events + 1) * (len(order) // events), columns)


class _Batch(SimpleNamespace):
    def __len__(self):
        return self.events


def derived(detector, true, *, events=4000, before=None, options=None, **kinds):
    """Derive places from clusters, with the pilots."""
    one = Alignment(detector, options or Options())
    before = before or Placement(*np.zeros((3, len(detector.planes))))
    one._before = before

    def stage(batch, _):
        clusters = seen(detector, true, batch.events, batch.seed, **kinds)
        shifted = clusters["position"] + before.shift[clusters["plane"]]
        return {"clusters": Lists(clusters.offsets, {**clusters.columns, "position": shifted})}

    one._stages = [stage]
    learned = None
    for number in range(one.rounds + 1):
        sums = one.empty(learned)
        one.add(_Batch(seed=number if number < one.rounds else 77, events=events), sums, learned)
        if number < one.rounds:
            learned = one.learn(sums)
    return one.finish(sums, learned)


@pytest.fixture(scope="module")
def detector():
    return load_detector("na64e_lfc")


@pytest.fixture(scope="module")
def true(detector):
    return drawn(detector, 5, held=weak_planes(detector))


@pytest.fixture(scope="module")
def found(detector, true):
    return derived(detector, true)


def test_places_are_found_with_their_errors(detector, true, found):
    made = found.made[0]
    pulls = []
    for column, unit, limit in (("shift", 1e3, 10.0), ("rotation", 1e3, 1.5), ("z", 1.0, 0.5)):
        away, error = made.values[column] - unit * getattr(true, column), made.errors[column]
        assert np.abs(away).max() < limit, column
        pulls.append(away[error > 0] / error[error > 0])
        assert away[error == 0] == pytest.approx(0.0)
    pulls = np.concatenate(pulls)
    assert len(pulls) == 4 + 6 + 4
    assert np.abs(pulls).max() < 4.0
    assert 0.5 < pulls.std() < 1.6
    assert made.chi2 == pytest.approx(1.0, abs=0.1)


def test_sums_do_not_depend_on_how_events_are_batched(detector, true):
    one = Alignment(detector, Options())
    clusters = seen(detector, true, 600, 9)
    one._stages = [lambda batch, _: {"clusters": clusters.slice(batch.first, batch.first + batch.events)}]
    made = []
    for size in (600, 200):
        sums = one.empty(None)
        for first in range(0, 600, size):
            one.add(_Batch(first=first, events=size), sums, None)
        learned = one.learn(sums)
        again = one.empty(learned)
        for first in range(0, 600, size):
            one.add(_Batch(first=first, events=size), again, learned)
        made.append((learned, again))
    (whole, sums), (parts, others) = made
    np.testing.assert_allclose(parts.placed.shift, whole.placed.shift, rtol=1e-12)
    assert others["tracks"].tolist() == sums["tracks"].tolist()
    np.testing.assert_allclose(others["normal"], sums["normal"], rtol=1e-9, atol=1e-3)


def test_what_no_track_tells_is_named_with_the_planes_that_hold_it(found):
    said = "\n".join(found.remarks)
    assert "a common rotation about the beam is known from no track: held by MM1X and MM1Y" in said
    assert "tracks, x: 3" in said or "tracks, x: 4" in said
    assert "A common shift and a common slope are known from no track: held by MM1X and MM4X" in said
    assert "a common z and a scale of all z are known from no track: held by MM1Y and MM4Y" in said


def test_places_that_tracks_know_badly_stay_what_they_were(detector, true, monkeypatch):
    monkeypatch.setitem(globals(), "SLOPES", np.array([3e-4, 2e-4]))
    made = derived(detector, true, events=2000)
    said = "\n".join(made.remarks)
    assert "tracks, x: z of MM2X, MM3X stays what it was" in said
    assert "rotation of MM4X stays what it was (a twist" in said
    assert made.made[0].values["z"] == pytest.approx(0.0)


def test_the_normal_equations_are_those_of_all_tracks_and_planes_together(detector, true):
    """A least-squares fit with numpy of the places of the planes of a view and two parameters of each of 25 tracks."""
    none = np.zeros(len(detector.planes))
    told = Told.of(seen(detector, Placement(0.1 * true.shift, none, none), 25, 3), len(detector.planes))
    groups = [group for group in groups_of(detector) if group.arm == "tracks"]
    z = np.array(sorted({plane.z for plane in detector.arms["tracks"].planes}))
    placed = Placement(none, none, none)
    group, one = groups[0], crossed(groups, told, placed, Lines(groups, z), [np.zeros(4)] * 2)[0]
    held = weak(group, rotations=True)
    made = solve(group, *normal_equations(group, one), 1.0, held)
    free = np.flatnonzero(~(held | made.unknown).ravel())
    root = np.linalg.cholesky(np.linalg.inv(group.covariance)).T
    line = np.column_stack([np.ones(4), group.z - group.z[0]])
    rows = []
    for track in range(25):
        by = np.concatenate([np.diag(column) for column in one.slopes[track].T], axis=1)
        own = np.zeros((4, 50))
        own[:, 2 * track : 2 * track + 2] = line
        rows.append(np.column_stack([root @ by[:, free], root @ own, root @ -told.position[track, group.planes]]))
    system = np.concatenate(rows)
    scale = np.abs(system[:, :-1]).max(axis=0)
    answer, *_ = np.linalg.lstsq(system[:, :-1] / scale, system[:, -1])
    inverse = np.linalg.inv((system[:, :-1] / scale).T @ (system[:, :-1] / scale))
    np.testing.assert_allclose(made.moved.ravel()[free], (answer / scale)[: len(free)], rtol=1e-5)
    np.testing.assert_allclose(made.error.ravel()[free], (np.sqrt(np.diag(inverse)) / scale)[: len(free)], rtol=1e-5)


def test_straws_are_aligned_by_the_side_that_the_other_planes_tell():
    """The spectrometer before the target has straws behind its Micromegas, and fibres: both are moved by 0.9 mm at most."""
    detector = load_detector("na64e_2018")
    true = drawn(detector, 6, held=weak_planes(detector))
    true = Placement(0.9 * true.shift, true.rotation, 0.2 * true.z)
    made = derived(detector, true, events=3000).made[0]
    straws = [made.channels.index(name) for name in ("ST1X1", "ST1X2", "ST1Y1", "ST1Y2")]
    away = made.values["shift"] - 1e3 * true.shift[[detector.plane_names.index(name) for name in made.channels]]
    assert np.abs(away[straws]).max() < 40.0
    assert np.abs(away[straws] / made.errors["shift"][straws]).max() < 4.5
    assert np.abs(true.shift[[detector.plane_names.index(made.channels[k]) for k in straws]]).max() > 0.2


def test_a_dead_plane_is_named_and_the_others_are_aligned(detector, true):
    dead = detector.plane_names.index("MM2X")
    found = derived(detector, true, dead=(dead,))
    made = found.made[0]
    eyes = dict(made.eyes)
    assert eyes["MM2X"].startswith("dead? It has no hits")
    row, third = made.channels.index("MM2X"), made.channels.index("MM3X")
    assert np.isnan(made.values["shift"][row])
    assert made.values["shift"][third] == pytest.approx(1e3 * true.shift[detector.plane_names.index("MM3X")], abs=10.0)


def test_planes_whose_tables_are_swapped_are_named(detector, true):
    names = list(detector.plane_names)
    two = [names.index("MM2X"), names.index("MM3X")]
    order = np.arange(len(names))
    order[two] = two[::-1]
    before = Placement(true.shift[order], true.rotation[order], true.z[order])
    rows = zip(names, before.shift, before.rotation, before.z, strict=True)
    head = "type = tracker.alignment\nruns = 1-\ncolumns = channel, shift, rotation, z\nunits = -, mm, rad, mm\n"
    text = head + "".join(f"{name} {a:.9g} {b:.9g} {c:.9g}\n" for name, a, b, c in rows)
    found = with_swaps(derived(detector, true, before=before), RunConditions(1, "t", tuple(parse_tables(text))))
    eyes = dict(found.made[0].eyes)
    assert "swapped with MM3X?" in eyes["MM2X"]
    assert "swapped with MM2X?" in eyes["MM3X"]


def test_a_field_is_refused(detector, conditions):
    with pytest.raises(UserError, match="none of straight tracks: the field of MBPL has the scale 1"):
        Alignment(detector, Options()).begin_run(conditions.for_run(6101))
    Alignment(detector, Options(curved=True)).begin_run(conditions.for_run(6101))


def test_bent_tracks_are_told_where_the_constants_say_that_there_is_no_field(detector, true):
    with pytest.raises(UserError, match=r"of \d+ tracks of tracks, x only \d+% are straight"):
        derived(detector, true, events=2000, bend=5e-3)


def test_bent_tracks_tell_how_single_planes_have_moved(detector, conditions):
    """Muons of 90 GeV through the magnet, followed by the plain propagation of the tests of the fit."""
    names, arm = detector.plane_names, detector.arms["tracks"]
    away = np.zeros((3, len(names)))
    away[:2, [names.index("MM2X"), names.index("MM3Y")]] = [[0.6, -0.4], [3e-3, 2e-3]]
    true, events = Placement(*away), 3000
    one = Alignment(detector, Options(curved=True))
    one.begin_run(conditions.for_run(6101))
    one._before = Placement(*np.zeros((3, len(names))))
    z = np.unique([plane.z for plane in arm.planes])

    def stage(batch, _):
        rng = np.random.default_rng(batch.seed)
        p = rng.normal(90.0, 3.0, events)
        made = muons(rng, p, 1.0, z, arm.magnet.z, arm.magnet.by, size=20.0, slope=4e-3)
        told = np.empty((events, len(names)))
        for number, plane in enumerate(detector.planes):
            x, y, angle = made.x[:, plane.station], made.y[:, plane.station], true.rotation[number]
            own = (x, y) if plane.view == "x" else (y, -x)
            told[:, number] = own[0] * np.cos(angle) + own[1] * np.sin(angle) - true.shift[number]
        told += 0.1 * rng.normal(size=told.shape)
        columns = {
            "plane": np.tile(np.arange(8), events),
            "position": told.ravel(),
            "in_time": np.ones(8 * events, bool),
        }
        return {"clusters": Lists(np.arange(events + 1) * 8, columns)}

    one._stages = [stage]
    learned = None
    for number in range(one.rounds + 1):
        sums = one.empty(learned)
        one.add(_Batch(seed=number, events=events), sums, learned)
        learned = one.learn(sums) if number < one.rounds else learned
    found = one.finish(sums, learned)
    made = found.made[0]
    for column in ("shift", "rotation"):
        values, errors = made.values[column], made.errors[column]
        free = errors > 0
        assert np.abs((values - 1e3 * getattr(true, column))[free] / errors[free]).max() < 4.0, column
    assert made.errors["shift"][names.index("MM2X")] < 6.0
    assert made.chi2 == pytest.approx(1.0, abs=0.1)
    said = "\n".join(found.remarks)
    assert (
        "shifts behind the magnet like those of another field scale, or momentum, are not known from bent tracks: held by MM3X"
        in said
    )
    one._stages = []
    with pytest.raises(UserError, match="is none of bent tracks: the field of MBPL has the scale 0"):
        one.begin_run(_Off())


class _Off:
    """A run without a field."""

    run = 7

    def get(self, type_, channels):
        return {"scale" if type_ == "magnet.field" else "shift": np.zeros(len(channels))}

    def location(self, *_):
        return None
