"""Where planes are: turned about the beam axis and moved along it, and what that does to the coordinates of tracks.

A plane that is turned by the angle a about the axis x = y = 0, from x to y, and stands dz further downstream than the detector
file says, reads of a track with x, y, tx, ty at the z of the file

    view x:  u + shift = (x + tx dz) cos a + (y + ty dz) sin a
    view y:  u + shift = (y + ty dz) cos a - (x + tx dz) sin a

where u is its local coordinate. So shift, rotation and z of the table `tracker.alignment` are where the plane is. The
digitisation reads in this way (`read`), the reconstruction goes back (`straightened`): it guesses at the other coordinate
before tracks are found, in roads that are as much wider, and takes that of the track then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emiss.events.lists import Lists

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emiss.calib.conditions import RunConditions
    from emiss.configs.arrays import Array, Floats, Ints
    from emiss.reco.parts.tracker import Plane
    from emiss.reco.tracking.fit import Spectrometer, TrackFits

SIGN = np.array([1.0, -1.0])
"""Of the other coordinate in what planes of the views x and y read."""

ROUNDS = 2
"""How often the coordinates are made again from what the fit before has told."""


@dataclass(frozen=True)
class Placement:
    """Places of planes relative to the detector file: arrays of shape (planes,), mm, rad, mm."""

    shift: Floats
    rotation: Floats
    z: Floats

    @classmethod
    def of(cls, conditions: RunConditions, names: Sequence[str]) -> Placement:
        """Return what `tracker.alignment` says of planes."""
        found = conditions.get("tracker.alignment", list(names))
        none = np.zeros(len(names))
        return cls(found["shift"], found.get("rotation", none), found.get("z", none))


def read(
    view: Ints, rotation: Floats, dz: Floats, own: Floats, across: Floats, tangents: tuple[Floats, Floats]
) -> Floats:
    """Return what planes read of tracks, the shift included, mm.

    Parameters
    ----------
    view : int array
        0 for x, 1 for y.
    rotation, dz : arrays
        rad, mm.
    own, across : arrays
        The coordinate of the view and the other one at the z of the file, mm.
    tangents : two arrays
        Slopes of both.
    """
    here, other = own + tangents[0] * dz, across + tangents[1] * dz
    return np.asarray(here * np.cos(rotation) + SIGN[view] * other * np.sin(rotation))


def straightened(
    view: Ints, rotation: Floats, dz: Floats, told: Floats, across: Floats, tangents: tuple[Floats, Floats]
) -> Floats:
    """Return the coordinates of tracks at the z of the file from what planes read (`told`), as in `read`."""
    other = across + tangents[1] * dz
    return np.asarray((told - SIGN[view] * other * np.sin(rotation)) / np.cos(rotation) - tangents[0] * dz)


class Places:
    """The planes of a spectrometer of S stations, some of them turned or moved along the beam.

    Attributes
    ----------
    rotation, z : arrays of shape (S, 2)
        By station and view.
    middle : array of shape (S, 2)
        Middle of the other view, the guess at the coordinate there, mm.
    slack : array of shape (S,)
        By how much that may be wrong for what the planes of a station read, mm.
    """

    def __init__(self, planes: Sequence[Plane], rotation: Floats, z: Floats, slope: float) -> None:
        stations = max(plane.station for plane in planes) + 1
        shape = (stations, 2)
        self.rotation, self.z, self.middle = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        half = np.zeros(shape)
        self._view = np.broadcast_to(np.arange(2), shape)
        for number, plane in enumerate(planes):
            at = plane.station, int(plane.view == "y")
            self.rotation[at], self.z[at] = rotation[number], z[number]
            self.middle[at[0], 1 - at[1]] = plane.centre
            half[at[0], 1 - at[1]] = 0.5 * plane.strips * plane.pitch
        self.slack = np.asarray((np.abs(self.rotation) * half + slope * np.abs(self.z)).max(axis=1))

    def guessed(self, clusters: Lists, place: Ints) -> Lists:
        """Return clusters at the coordinates of a track in the middle of the other view, with what was `told` beside.

        Parameters
        ----------
        clusters : Lists
        place : int array of shape (clusters,)
            2 * station + view.
        """
        rotation, dz, middle = (values.ravel()[place] for values in (self.rotation, self.z, self.middle))
        told, none = clusters["position"], np.zeros(len(place))
        at = straightened(place % 2, rotation, dz, told, middle, (none, none))
        return Lists(clusters.offsets, {**clusters.columns, "position": at, "guessed": at, "told": told})

    def of_tracks(self, told: Floats, before: Floats, model: Floats, tangents: Floats) -> Floats:
        """Return the coordinates (T, S, 2) of what was told (T, S, 2) by tracks; where one was not fitted those `before`."""
        made = straightened(
            self._view, self.rotation, self.z, told, model[:, :, ::-1], (tangents, tangents[:, :, ::-1])
        )
        return np.where(np.isfinite(made), made, before)


@dataclass(frozen=True)
class Copies:
    """The clusters of T tracks, each with its own: the rows in `columns` by station and view, and the rows they were."""

    rows: Ints
    columns: dict[str, Array]
    source: Ints

    @classmethod
    def of(cls, rows: Ints, columns: Mapping[str, Array]) -> Copies:
        """Return copies of the clusters `rows` (T, S, 2), -1 where there is none, and behind them of their twins."""
        flat = rows.ravel()
        twin = columns["twin"][flat] if "twin" in columns and len(flat) else np.zeros(len(flat), np.int32)
        has = (twin != 0) & (flat >= 0)
        source = np.concatenate([flat, np.where(has, flat + twin, flat)])
        copied = {name: values[source] for name, values in columns.items()} if len(flat) else dict(columns)
        copied["twin"] = np.concatenate([np.where(has, len(flat), 0), np.where(has, -len(flat), 0)])
        if not len(flat):
            copied = {name: values[:0] for name, values in copied.items()}
        own = np.where(rows >= 0, np.arange(len(flat)).reshape(rows.shape), -1)
        return cls(own, copied, source)

    def place(self, places: Places, model: Floats, tangents: Floats) -> None:
        """Give the clusters the coordinates that they have on tracks with these positions and slopes (T, S, 2)."""
        shape = (2, *self.rows.shape)
        told, before = (self.columns[name].reshape(shape) for name in ("told", "position"))
        both = [places.of_tracks(one, old, model, tangents) for one, old in zip(told, before, strict=True)]
        self.columns["position"] = np.concatenate(both).ravel()


def followed(fits: TrackFits, spectrometer: Spectrometer, z: Floats, *, bends: bool) -> tuple[Floats, Floats]:
    """Return positions and slopes (N, S, 2) of fitted tracks at planes; NaN for those that failed."""
    if not bends:
        slopes = np.stack([fits.tx, fits.ty], axis=1)[:, None, :] * np.ones((1, len(z), 1))
        begin = np.stack([fits.x, fits.y], axis=1)[:, None, :]
        return begin + slopes * (z - z[0])[None, :, None], slopes
    from emiss.reco.field.transport_kernels import ROW
    from emiss.reco.tracking.derivatives_kernels import predict_all

    state = np.stack([fits.x, fits.y, fits.tx, fits.ty, fits.q_over_p], axis=1)
    steps, noise = spectrometer.way(z)
    tracks, planes = len(state), len(z)
    model, tangents = np.empty((tracks, planes, 2)), np.empty((tracks, planes, 2))
    slopes, cov = np.empty((tracks, planes, 2, 5)), np.empty((tracks, 2, planes, planes))
    work = np.empty(5), np.empty(5 * ROW), np.empty(3), np.empty((2, planes))
    predict_all(z, state, steps, noise, model, slopes, tangents, cov, *work)
    return model, tangents
