"""The detector of a set-up: its geometry, channels and planes, read from ``configs/detectors/NAME/detector.yaml``.

`load_detector` reads and checks the file; `Detector.channels` and `Detector.planes` fix the numbering that digits, hits
and conditions share. What changes from run to run (pedestals, gains, alignment) is not here but in the conditions.
"""

from __future__ import annotations

from collections import Counter as Counts
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field, PrivateAttr, model_validator

from emiss.configs import loader, overlay
from emiss.configs.arrays import Array  # noqa: TC001 - pydantic reads the annotations
from emiss.configs.errors import Problems, UserError
from emiss.configs.schema import Model
from emiss.events.columns import TRIGGER_BITS
from emiss.reco.detector.geometry import mistakes
from emiss.reco.detector.multiplex import read_table
from emiss.reco.detector.parts import (  # noqa: TC001 - pydantic reads the annotations
    Beam,
    Counter,
    Digitiser,
    Ecal,
    Hcal,
    Magnet,
    Name,
    Pulse,
    Srd,
    Station,
    Trackers,
    Upstream,
    Veto,
    View,
    Waveform,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emiss.reco.field.transport import Field as AnyField


@dataclass(frozen=True)
class Plane:
    """One read-out view of a station, e.g. MM1X: where it stands (mm) and how it is read.

    `station` counts along the beam within the spectrometer it belongs to.
    """

    name: str
    station: int
    view: View
    z: float
    centre: float
    pitch: float
    strips: int
    channels: int

    def position(self, strip: Array) -> Array:
        """Return the coordinate (mm) of the centres of strips; strip 0 is at the negative edge."""
        return self.centre + (strip - 0.5 * (self.strips - 1)) * self.pitch


@dataclass(frozen=True)
class Arm:
    """A spectrometer: its magnet and field, its planes, and their first number in `Detector.planes`."""

    magnet: Magnet
    field: AnyField
    planes: tuple[Plane, ...]
    first: int


class Detector(Model):
    """A set-up: parts, channels and planes.

    The number of a channel or plane is its position in `channels` or `planes`.
    """

    name: str
    beam: Beam
    maps: str
    digitiser: Digitiser
    pulse: Pulse
    waveform: Waveform
    reference: str
    counters: dict[Name, Counter] = Field(min_length=1, max_length=100)
    srd: Srd
    ecal: Ecal
    veto: Veto
    hcal: Hcal
    magnet: Magnet
    trackers: Trackers
    upstream: Upstream | None = None
    trigger_bits: dict[str, Annotated[int, Field(ge=0, le=31)]] = Field(default_factory=lambda: dict(TRIGGER_BITS))
    _chain: tuple[Path, ...] = PrivateAttr(default=(Path(),))

    @model_validator(mode="after")
    def _consistent(self) -> Detector:
        if self.upstream and set(self.upstream.stations) & set(self.trackers.stations):
            msg = "two stations have the same name"
            raise ValueError(msg)
        if self.reference not in self.counters:
            msg = f"the reference counter '{self.reference}' is not among the counters"
            raise ValueError(msg)
        self._distinct_parts()
        self._fits_the_waveform()
        return self

    def _distinct_parts(self) -> None:
        panels = [name for pair in self.veto.panels for name in pair]
        parts = [*self.counters, *self.srd.modules, *self._ecal_parts, *panels, *self.hcal.modules]
        for name, count in Counts(parts).items():
            if count > 1:
                msg = f"{count} parts have the name '{name}'"
                raise ValueError(msg)

    def _fits_the_waveform(self) -> None:
        samples, length = self.digitiser.samples, self.digitiser.samples * self.digitiser.period
        if self.pulse.start >= length:
            msg = f"a pulse starts at {self.pulse.start:g} ns, after the waveform of {length:g} ns"
            raise ValueError(msg)
        if self.waveform.before + self.waveform.after >= samples:
            msg = f"a fit of {self.waveform.before} + 1 + {self.waveform.after} samples is longer than the waveform ({samples})"
            raise ValueError(msg)

    def at(self, files: Sequence[Path]) -> Detector:
        """Return this detector with the file it was read from, and those that it extends."""
        self._chain = tuple(files)
        return self

    @property
    def file(self) -> Path:
        """The detector file."""
        return self._chain[0]

    @property
    def texts(self) -> dict[str, str]:
        """The detector file and those it extends, with their texts."""
        return {str(file): file.read_text(encoding="utf-8") for file in self._chain}

    @property
    def folder(self) -> Path:
        """The folder of the detector file; channel maps and tables stand in it."""
        return self.file.parent

    def beside(self, name: str) -> Path:
        """Return the path of a file or folder beside the detector file, or else beside one that it extends."""
        places = [file.parent / name for file in self._chain]
        return next((place for place in places if place.exists()), places[0])

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that the detector is made of: those of its folders, and its field maps."""
        files = {path for file in self._chain for path in file.parent.rglob("*") if path.is_file()}
        magnets = [self.magnet, *([self.upstream.magnet] if self.upstream else [])]
        files |= {self.beside(magnet.map.file) for magnet in magnets if magnet.map is not None}
        return tuple(sorted(files))

    @property
    def channel_maps_path(self) -> Path:
        """The folder of the XML channel maps."""
        return self.beside(self.maps)

    @cached_property
    def arms(self) -> dict[str, Arm]:
        """The spectrometers by the collection of their tracks: `tracks`, and `beam_tracks` where there is one upstream."""
        arms = {"tracks": Arm(self.magnet, self.field, self._views(self.trackers.stations), 0)}
        if self.upstream is not None:
            planes = self._views(self.upstream.stations)
            magnet = self.upstream.magnet
            arms["beam_tracks"] = Arm(magnet, self._field_of(magnet), planes, len(arms["tracks"].planes))
        return arms

    @cached_property
    def field(self) -> AnyField:
        """The field of the magnet behind the HCAL; a map is read when it is asked for.

        Raises
        ------
        UserError
            If the map cannot be read or is no magnetic field.
        """
        return self._field_of(self.magnet)

    def _field_of(self, magnet: Magnet) -> AnyField:
        return magnet.field(None if magnet.map is None else self.beside(magnet.map.file))

    @cached_property
    def channels(self) -> tuple[str, ...]:
        """All MSADC channels as detector.x.y, by part: counters, SRD, preshower, ECAL, VETO, HCAL."""
        single = [*self.counters, *self.srd.modules]
        grid = [f"{part}.{x}.{y}" for part in self._ecal_parts for x, y in _cells(self.ecal.columns, self.ecal.rows)]
        veto = [name for pair in self.veto.panels for name in pair]
        hcal = [f"{part}.{x}.{y}" for part in self.hcal.modules for x, y in _cells(self.hcal.columns, self.hcal.rows)]
        return (*(f"{name}.0.0" for name in single), *grid, *(f"{name}.0.0" for name in veto), *hcal)

    @property
    def _ecal_parts(self) -> tuple[str, str]:
        return self.ecal.preshower, self.ecal.main

    @cached_property
    def channel_number(self) -> dict[str, int]:
        """Position of each channel in `channels`."""
        return {name: number for number, name in enumerate(self.channels)}

    def numbers(self, part: str) -> Array:
        """Return the channel numbers of a part such as ECAL1, in the order of `channels`."""
        return np.array([n for n, name in enumerate(self.channels) if name.partition(".")[0] == part], np.int64)

    @cached_property
    def channel_x(self) -> Array:
        """Column x of each channel, shape (channels,)."""
        return np.array([int(name.split(".")[1]) for name in self.channels], np.int32)

    @cached_property
    def channel_y(self) -> Array:
        """Row y of each channel, shape (channels,)."""
        return np.array([int(name.split(".")[2]) for name in self.channels], np.int32)

    @cached_property
    def planes(self) -> tuple[Plane, ...]:
        """All views of all stations, x before y along the beam: MM1X, MM1Y, MM2X, ..., then those upstream."""
        upstream = self._views(self.upstream.stations) if self.upstream else ()
        return (*self._views(self.trackers.stations), *upstream)

    def _views(self, stations: Mapping[str, Station]) -> tuple[Plane, ...]:
        common = self.trackers.plane
        ordered = sorted(stations.items(), key=lambda item: item[1].z)
        return tuple(
            Plane(
                name=f"{name}{view.upper()}",
                station=number,
                view=view,
                z=station.z,
                centre=station.x if view == "x" else station.y,
                pitch=common.pitch,
                strips=strips.strips,
                channels=strips.channels,
            )
            for number, (name, station) in enumerate(ordered)
            for view, strips in common.views.items()
        )

    @cached_property
    def plane_names(self) -> tuple[str, ...]:
        """The names of `planes`."""
        return tuple(plane.name for plane in self.planes)

    @cached_property
    def multiplex(self) -> dict[View, Array]:
        """For each view the read-out channel of every strip, int array of shape (strips,).

        Read from the detector's text table, see `emiss.reco.detector.multiplex.read_table`.
        """
        return read_table(self.beside(self.trackers.plane.multiplex), self.trackers.plane.views)


def _cells(columns: int, rows: int) -> list[tuple[int, int]]:
    return [(x, y) for x in range(columns) for y in range(rows)]


def load_detector(name: str | Path, *, near: Path | None = None) -> Detector:
    """Return the detector of a file, a folder, or of a name that ships (such as ``na64e_lfc``).

    Raises
    ------
    UserError
        If there is none, or the file is not right; with file, line and column.
    """
    document, files = overlay.load("detectors", loader.find("detectors", name, near=near))
    detector = loader.validate(document, Detector).at(files)
    problems = Problems()
    for path, message in mistakes(detector.magnet, detector.trackers, detector.upstream):
        problems.add(document.error(message, path))
    try:
        read_table(detector.beside(detector.trackers.plane.multiplex), detector.trackers.plane.views)
    except UserError as error:
        problems.add(error)
    problems.check()
    return detector
