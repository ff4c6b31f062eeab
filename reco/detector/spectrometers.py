"""Spectrometers of a set-up: trackers, the magnet they stand around, and the columns of the tracks they give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from emiss.configs.schema import Angle, Energy, Length, Model, Number
from emiss.events.columns import Column
from emiss.reco.parts.quantities import Name

if TYPE_CHECKING:
    from emiss.configs.arrays import Ints
    from emiss.reco.field.transport import Field as AnyField
    from emiss.reco.parts.magnet import Magnet
    from emiss.reco.parts.tracker import Plane

BEST = ("p", "tx", "ty", "chi2", "ndf")
"""Fields of the best track that an event has as columns of its own."""


MASSES = {"electron": 0.51099895e-3, "muon": 0.1056583755, "pion": 0.13957039, "kaon": 0.493677, "proton": 0.93827209}
"""GeV (PDG 2022)."""


class Vertex(Model):
    """Pairs of tracks are taken for two particles of this mass, of opposite charge where there is a field."""

    mass: Literal["electron", "muon", "pion", "kaon", "proton"]


class Spectrometer(Model):
    """Trackers, and the magnet they stand around; without one tracks are straight and have no momentum.

    Tracks are made of stations before and behind the magnet, at least one on each side and two on one of them, or without a
    magnet of three stations and more; one may be missing on each side. With `air` they scatter between the stations, too.
    Without a field (see `emiss.reco.tracking.stage.ArmTracks`) they are taken to scatter with the momentum
    `straight_momentum`, or else the beam's.

    `best` names the flat columns of the best track, with its slopes at the front of the part or element `at`. `match` names the
    element at whose middle tracks are compared with where a particle is expected: on the best track of the spectrometer
    `incoming`, drawn on in a straight line, or on the axis.

    `road` asks for the number of other clusters so near to a track; `reject_outliers` leaves a hit out that alone makes chi2
    worse than so many sigmas; `share_clusters` looks for two tracks where clusters of a view have merged; `vertex` gives the
    point where two tracks come nearest to each other.
    """

    magnet: Name | None = None
    trackers: tuple[Name, ...] = Field(min_length=1)
    air: bool = False
    lowest_momentum: Annotated[Energy, Field(gt=0, le=1e5)] = 5.0
    largest_slope: Annotated[Angle, Field(gt=0, le=1)] = 0.06
    straight_momentum: Annotated[Energy, Field(gt=0, le=1e5)] | None = None
    best: Name | None = None
    at: Name | None = None
    match: Name | None = None
    incoming: Name | None = None
    road: Annotated[Length, Field(gt=0, le=1e4)] | None = None
    reject_outliers: Annotated[Number, Field(ge=2, le=20)] | None = None
    share_clusters: bool = False
    vertex: Vertex | None = None
    source: str

    def declare(self, name: str) -> tuple[Column, ...]:
        """Return the columns of the tracks, and of the best one."""
        tracks = [Column(f"{name}.{inner}", kind, unit, meaning, "list") for inner, kind, unit, meaning in _TRACK]
        if self.match is not None:
            tracks += [
                Column(
                    f"{name}.match_{view}",
                    "f8",
                    "mm",
                    f"{view} distance to the expected trajectory at {self.match}",
                    "list",
                )
                for view in "xy"
            ]
        for key, inner, meaning in _ASKED:
            if getattr(self, key) not in (None, False):
                tracks.append(Column(f"{name}.{inner}", "i4", "1", meaning, "list"))
        if self.vertex is not None:
            tracks += [Column(f"{name}_vertex.{inner}", "f8", unit, meaning) for inner, unit, meaning in _VERTEX]
        if self.best is None:
            return tuple(tracks)
        flat = [Column(f"{self.best}.n", "i4", "1", f"tracks of {name}")]
        flat += [Column(f"{self.best}.{inner}", "f8", unit, meaning) for inner, unit, meaning in _best(name, self.at)]
        return (*flat, *tracks)


_TRACK = (
    ("p", "f8", "GeV", "momentum; undefined without a field"),
    ("charge", "f8", "e", "charge; undefined without a field"),
    ("q_over_p", "f8", "1/GeV", "charge over momentum"),
    ("sigma_q_over_p", "f8", "1/GeV", "its error from the fit"),
    ("x", "f8", "mm", "x at the first plane"),
    ("y", "f8", "mm", "y at the first plane"),
    ("tx", "f8", "1", "dx/dz at the first plane"),
    ("ty", "f8", "1", "dy/dz at the first plane"),
    ("chi2", "f8", "1", "chi2 of the fit"),
    ("ndf", "i4", "1", "degrees of freedom of the fit"),
    ("planes", "i4", "1", "stations with a hit on the track"),
    ("time", "f8", "ns", "mean time of the clusters relative to the trigger"),
)


_ASKED = (
    ("road", "extra", "other clusters in time within the road of the track, in the planes it has a cluster in"),
    ("reject_outliers", "dropped", "plane that the fit leaves out, counted along the beam, x before y; -1: none"),
    ("share_clusters", "shared", "planes whose cluster is shared with another track"),
)

_VERTEX = (
    ("x", "mm", "x of the point nearest to two tracks, drawn on in straight lines; undefined without two"),
    ("y", "mm", "y of the point nearest to two tracks"),
    ("z", "mm", "z of the point nearest to two tracks"),
    ("distance", "mm", "closest approach of the two tracks"),
    ("angle", "rad", "angle between the two tracks"),
    ("mass", "GeV", "invariant mass of the two tracks"),
    ("sigma_x", "mm", "error of x, from those of the two fits"),
    ("sigma_y", "mm", "error of y"),
    ("sigma_z", "mm", "error of z"),
    ("sigma_distance", "mm", "error of the closest approach"),
    ("sigma_angle", "rad", "error of the angle"),
    ("sigma_mass", "GeV", "error of the invariant mass; undefined without a field"),
)


def _best(name: str, at: str | None) -> tuple[tuple[str, str, str], ...]:
    where = f" at {at}" if at else ""
    return (
        ("p", "GeV", f"momentum of the best track of {name}; undefined without one"),
        ("tx", "1", f"dx/dz of the best track of {name}{where}"),
        ("ty", "1", f"dy/dz of the best track of {name}{where}"),
        ("chi2", "1", f"chi2 of the best track of {name}"),
        ("ndf", "1", f"degrees of freedom of the best track of {name}"),
    )


@dataclass(frozen=True)
class Arm:
    """A spectrometer as it stands.

    Attributes
    ----------
    settings : Spectrometer
    name : str
        Of its magnet; empty without one.
    magnet : Magnet, optional
    field : Field
        Zero without a magnet.
    planes : tuple of Plane
        Along the beam.
    numbers : int array
        Of the planes in `Detector.planes`.
    """

    settings: Spectrometer
    name: str
    magnet: Magnet | None
    field: AnyField
    planes: tuple[Plane, ...]
    numbers: Ints

    @property
    def before(self) -> int:
        """Stations before the magnet; without one the first half."""
        places = {plane.z for plane in self.planes}
        return len(places) // 2 if self.magnet is None else sum(z < self.magnet.z[0] for z in places)
