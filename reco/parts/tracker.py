"""Trackers: stations of strips along the beam, and the planes that they are read out as."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from emiss.configs.schema import Length, Model
from emiss.events.columns import Column
from emiss.reco.parts.base import Part, Volume
from emiss.reco.parts.quantities import Name, Place, Share, Span, Technology, View, Window
from emiss.reco.parts.straw import Straw

if TYPE_CHECKING:
    from emiss.configs.arrays import Array


class StripView(Model):
    """Strips (or fibres) and read-out channels of one view of a station; without a number each has a channel."""

    strips: int = Field(gt=0, le=100_000)
    channels: int | None = Field(default=None, gt=0, le=10_000)

    @property
    def read(self) -> int:
        """The number of read-out channels."""
        return self.strips if self.channels is None else self.channels


class Station(Model):
    """Where one station stands."""

    z: Place
    x: Place = 0.0
    y: Place = 0.0


@dataclass(frozen=True)
class Plane:
    """One read-out view of a station, e.g. MM1X: where it stands (mm), how it is read, and what it does to tracks.

    `station` counts along the beam within the spectrometer that it belongs to; `part` is its tracker. `channels` are those of
    APV25 chips: none where a TDC, `digitiser`, reads each strip, fibre or tube.
    """

    name: str
    part: str
    station: int
    view: View
    z: float
    centre: float
    pitch: float
    strips: int
    channels: int
    sigma: float
    x_over_x0: float
    window: tuple[float, float]
    efficiency: float
    technology: Technology = "micromegas"
    straw: Straw | None = None
    digitiser: str | None = None

    @property
    def timed(self) -> bool:
        """Whether a TDC reads it."""
        return self.digitiser is not None

    def position(self, strip: Array) -> Array:
        """Return the coordinate (mm) of the centres of strips; strip 0 is at the negative edge."""
        return self.centre + (strip - 0.5 * (self.strips - 1)) * self.pitch


class Tracker(Part):
    """Stations alike, e.g. Micromegas: strips of one or two views, whose read-out channels the table `multiplex` tells.

    Without a table each strip has a channel of its own. `technology` says what the planes are: `micromegas` and `gem` have
    strips that share charge; a `hodoscope` has fibres, which tell their centres; `straw` tubes tell distances to their wires.
    Without a `digitiser` APV25 chips read them; fibres may be, and straws are read by one of the kind `tdc`.
    """

    kind: Literal["tracker"]
    stations: dict[Name, Station] = Field(min_length=1, max_length=100)
    views: dict[View, StripView] = Field(min_length=1)
    pitch: Annotated[Length, Field(gt=0, le=100)]
    technology: Technology = "micromegas"
    straw: Straw | None = None
    digitiser: Name | None = None
    multiplex: str | None = None
    sigma: Annotated[Length, Field(gt=0, le=100)]
    x_over_x0: Share
    frame: Span | None = None
    window: Window
    efficiency: Annotated[Share, Field(gt=0)]

    @model_validator(mode="after")
    def _channel_for_each(self) -> Tracker:
        for view, strips in self.views.items():
            if self.multiplex is None and strips.read != strips.strips:
                msg = f"without 'multiplex' each strip has a channel: {strips.strips} strips of {view}, {strips.read} channels"
                raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _read_out(self) -> Tracker:
        if (self.technology == "straw") != (self.straw is not None):
            msg = "straws need a block 'straw', and no other technology has one"
        elif self.straw is not None and self.digitiser is None:
            msg = "straws need a 'digitiser' of the kind tdc"
        elif self.straw is not None and self.straw.diameter > self.pitch:
            msg = f"tubes of {self.straw.diameter:g} mm at a pitch of {self.pitch:g} mm stand in each other's place"
        elif self.digitiser is not None and self.technology in ("micromegas", "gem"):
            msg = f"the strips of a {self.technology} share charge, which APV25 chips read: it has no 'digitiser'"
        elif self.digitiser is not None and self.multiplex is not None:
            msg = "a TDC has a channel for each wire: no 'multiplex'"
        elif self.digitiser is None and self.frame is None:
            msg = "APV25 chips need a 'frame'"
        else:
            return self
        raise ValueError(msg)

    def layers(self) -> list[tuple[str, Station, int, float]]:
        """Return station, its place, layer from 0 and its z (mm) of all layers of tubes, or of all stations, along the beam."""
        places = (0.0,) if self.straw is None else self.straw.places
        found = [
            (name, place, layer, place.z + behind)
            for name, place in self.stations.items()
            for layer, behind in enumerate(places)
        ]
        return sorted(found, key=lambda item: item[3])

    def planes(self, name: str) -> tuple[Plane, ...]:
        """Return all views of all stations along the beam, x before y; two layers of tubes are planes 1 and 2 of a view."""
        layers = 1 if self.straw is None else self.straw.layers
        return tuple(
            Plane(
                name=f"{station}{view.upper()}{layer + 1 if layers > 1 else ''}",
                part=name,
                station=number,
                view=view,
                z=z,
                centre=(place.x if view == "x" else place.y) + 0.5 * layer * self.pitch,
                pitch=self.pitch,
                strips=strips.strips,
                channels=strips.read if self.digitiser is None else 0,
                sigma=self.sigma,
                x_over_x0=self.x_over_x0 / layers,
                window=self.window,
                efficiency=self.efficiency,
                technology=self.technology,
                straw=self.straw,
                digitiser=self.digitiser,
            )
            for number, (station, place, layer, z) in enumerate(self.layers())
            for view, strips in self.views.items()
        )

    def declare(self, name: str) -> tuple[Column, ...]:
        """Return the columns that the tracker makes under its name."""
        planes = tuple(plane.name for plane in self.planes(name))
        columns = [("n_clusters", "clusters in time in each view of each station")]
        if self.digitiser is not None:
            columns += [
                ("n_outside", "hits outside the window, which nothing is made of, in each view of each station"),
                ("n_noisy", "hits of noisy and dead wires, which nothing is made of, in each view of each station"),
            ]
        return tuple(
            Column(f"{name}.{inner}", "i4", "1", meaning, "fixed", len(planes), elements=planes)
            for inner, meaning in columns
        )

    def volumes(self, name: str) -> tuple[Volume, ...]:  # noqa: ARG002 - stations have their own names
        """Return the active areas."""
        width, height = (self.views[view].strips * self.pitch if view in self.views else 0.0 for view in ("x", "y"))
        width, height = width or height, height or width
        return tuple(
            Volume(station, place.x, place.y, place.z, width=width, height=height)
            for station, place in self.stations.items()
        )
