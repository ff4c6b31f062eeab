"""Planes that are turned and moved: what they read by plain geometry, and tracks as if all were in their places."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emiss.events.lists import Lists, offsets_of
from emiss.reco.detector.model import load_detector
from emiss.reco.tracking.placement import Placement, Places, read, straightened
from emiss.reco.tracking.stage import ArmTracks

small = st.floats(-1.0, 1.0)


def crossing(plane_z, angle, x, y, tx, ty):
    """Where a line x + tx z, y + ty z meets the plane at `plane_z`, along the axes of a plane turned from x to y."""
    point = np.array([x + tx * plane_z, y + ty * plane_z])
    axes = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return axes @ point


@given(small, small, small, small, small, small)
def test_planes_read_along_their_own_axes_and_the_way_back_is_the_same(angle, dz, x, y, tx, ty):
    angle, dz, x, y, tx, ty = 0.05 * angle, 30.0 * dz, 80.0 * x, 80.0 * y, 0.05 * tx, 0.05 * ty
    told = crossing(dz, angle, x, y, tx, ty)
    for view, (own, across, tangents) in enumerate(((x, y, (tx, ty)), (y, x, (ty, tx)))):
        seen = read(np.array(view), np.array(angle), np.array(dz), *map(np.array, (own, across)), tangents)
        assert seen == pytest.approx(told[view], abs=1e-9)
        back = straightened(np.array(view), np.array(angle), np.array(dz), seen, np.array(across), tangents)
        assert back == pytest.approx(own, abs=1e-9)


def test_a_plane_that_is_turned_from_x_to_y_reads_more_of_x_where_y_is_above():
    """The signs, in words: at 5 mrad and 40 mm above the axis an x plane reads 0.2 mm more, a y plane right of it that less."""
    one, none, place = np.array(0), np.array(0.0), np.array(40.0)
    assert read(one, np.array(5e-3), none, none, place, (none, none)) == pytest.approx(0.2, rel=1e-4)
    assert read(one + 1, np.array(5e-3), none, none, place, (none, none)) == pytest.approx(-0.2, rel=1e-4)
    assert read(one, none, np.array(5.0), none, none, (np.array(0.02), none)) == pytest.approx(0.1)


def test_roads_are_wider_by_what_a_guess_in_the_middle_may_be_wrong_by():
    """Planes of y do not know where along x, 125 mm on each side, a track is: turned by 5 mrad, they read 0.6 mm wrong."""
    planes = load_detector("na64e_lfc").arms["tracks"].planes
    first = np.array([float(plane.station == 0) for plane in planes])
    assert Places(planes, 5e-3 * first, 0.0 * first, 0.02).slack == pytest.approx([0.625, 0.0, 0.0, 0.0])
    assert Places(planes, 0.0 * first, -5.0 * first, 0.02).slack == pytest.approx([0.1, 0.0, 0.0, 0.0])


@pytest.fixture(scope="module")
def muons(toys):
    """300 muons through the spectrometer, anywhere on its planes, and where a file's planes would see them."""
    detector = load_detector("na64e_lfc")
    arm = detector.arms["tracks"]
    z = np.unique([plane.z for plane in arm.planes])
    rng = np.random.default_rng(4)
    made = toys.muons(rng, rng.uniform(20.0, 90.0, 300), 1.0, z, arm.magnet.z, arm.magnet.by, size=12.0, slope=3e-3)
    slopes = np.stack([np.gradient(values, z, axis=1) for values in (made.x, made.y)])
    slopes[:, :, :2] = (np.stack([made.x, made.y])[:, :, 1:2] - np.stack([made.x, made.y])[:, :, 0:1]) / (z[1] - z[0])
    slopes[:, :, 2:] = (np.stack([made.x, made.y])[:, :, 3:] - np.stack([made.x, made.y])[:, :, 2:3]) / (z[3] - z[2])
    return detector, made, slopes, 0.1 * rng.normal(size=(300, 8))


def clusters(detector, made, slopes, noise, rotation, dz):
    """What planes tell of muons."""
    planes, count = detector.planes, len(made.x)
    told = np.empty((count, len(planes)))
    for number, plane in enumerate(planes):
        own, view = (made.x, made.y), int(plane.view == "y")
        at = [
            crossing(dz[number], rotation[number], *one)
            for one in zip(
                own[0][:, plane.station],
                own[1][:, plane.station],
                slopes[0][:, plane.station],
                slopes[1][:, plane.station],
                strict=True,
            )
        ]
        told[:, number] = np.array(at)[:, view]
    size = told.size
    columns = {
        "plane": np.tile(np.arange(len(planes), dtype=np.int32), count), "position": (told + noise).ravel(),
        "sigma": np.full(size, 0.1), "charge": np.full(size, 400.0), "time": np.zeros(size), "in_time": np.ones(size, bool),
        "size": np.full(size, 3, np.int32), "twin": np.zeros(size, np.int32),
    }  # fmt: skip
    return Lists(offsets_of(np.full(count, len(planes))), columns)


def test_tracks_are_those_of_planes_in_their_places(muons):
    """5 mrad and 5 mm: none is lost, and momenta move by much less than their errors; without the constants they are wrong."""
    detector, made, slopes, noise = muons
    rng, count = np.random.default_rng(1), len(detector.planes)
    rotation, dz = 5e-3 * rng.choice([-1.0, 1.0], count), 5.0 * rng.choice([-1.0, 1.0], count)
    tracks = ArmTracks(detector, detector.arms["tracks"])
    plain = tracks(clusters(detector, made, slopes, noise, 0.0 * rotation, 0.0 * dz))
    away = clusters(detector, made, slopes, noise, rotation, dz)
    wrong = tracks(away)
    tracks.set_places(rotation, dz)
    right = tracks(away)
    assert np.diff(right.offsets).tolist() == np.diff(plain.offsets).tolist()
    assert np.diff(plain.offsets).mean() > 0.99
    error = plain.fits.sigma_q_over_p
    moved = (right.fits.q_over_p - plain.fits.q_over_p) / error
    assert np.abs(moved).max() < 0.05
    assert np.abs(right.fits.y - plain.fits.y).max() < 0.005
    assert right.fits.chi2 == pytest.approx(plain.fits.chi2, abs=0.3)
    assert wrong.fits.chi2.mean() > 1.5 * plain.fits.chi2.mean()
    tracks.set_places(0.0 * rotation, 0.0 * dz)
    again = tracks(clusters(detector, made, slopes, noise, 0.0 * rotation, 0.0 * dz))
    assert again.fits.q_over_p.tolist() == plain.fits.q_over_p.tolist()
    assert again.fits.chi2.tolist() == plain.fits.chi2.tolist()


def test_straight_tracks_through_turned_planes(toys):
    """Without a field as well, and with other clusters counted in a road around tracks."""
    detector = load_detector("na64e_lfc")
    rng = np.random.default_rng(2)
    z = np.unique([plane.z for plane in detector.planes])
    slope, begin = rng.normal(0.0, 3e-3, (2, 200, 1)), rng.normal(0.0, 12.0, (2, 200, 1))
    x, y = begin + slope * (z - z[0])
    made = toys.Muons(None, x, y)
    slopes = np.broadcast_to(slope, (2, 200, 4))
    count = len(detector.planes)
    rotation, dz = 5e-3 * rng.choice([-1.0, 1.0], count), 5.0 * rng.choice([-1.0, 1.0], count)
    tracks = ArmTracks(detector, detector.arms["tracks"])
    tracks.set_places(rotation, dz)
    tracks.set_scale(0.0)
    found = tracks(clusters(detector, made, slopes, np.zeros((200, count)), rotation, dz))
    assert np.diff(found.offsets).tolist() == [1] * 200
    np.testing.assert_allclose(found.fits.x, x[:, 0], atol=1e-3)
    np.testing.assert_allclose(found.fits.ty, slope[1, :, 0], atol=1e-6)
    assert found.fits.chi2.max() < 1e-3


def test_a_table_without_rotations_and_z_says_that_there_are_none():
    class Old:
        def get(self, type_, channels):
            assert type_ == "tracker.alignment"
            return {"shift": np.full(len(channels), 0.25)}

    made = Placement.of(Old(), ["A", "B"])
    assert (made.shift.tolist(), made.rotation.tolist(), made.z.tolist()) == ([0.25, 0.25], [0.0, 0.0], [0.0, 0.0])
