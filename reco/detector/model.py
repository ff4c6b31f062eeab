"""The detector of a set-up: its parts, channels and planes, read from ``configs/detectors/NAME/detector.yaml``.

`load_detector` reads and checks the file; `Detector.channels` and `Detector.planes` fix the numbering that digits, hits
and conditions share. What changes from run to run (pedestals, gains, alignment) is not here but in the conditions.
"""

from __future__ import annotations

from collections import Counter as Counts
from dataclasses import replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, TypeVar

import numpy as np
from pydantic import Field, PrivateAttr, model_validator
from pydantic_core import PydanticCustomError

from emiss.configs import loader, overlay
from emiss.configs.arrays import Array  # noqa: TC001 - pydantic reads the annotations
from emiss.configs.document import Document
from emiss.configs.errors import Problems, UserError
from emiss.configs.schema import Energy, Model
from emiss.events.columns import COLUMNS, RESERVED, TRIGGER_BITS, Column
from emiss.events.language.plug_in import used_in
from emiss.reco.detector import boards
from emiss.reco.detector.derived import Derived, Entry, bind
from emiss.reco.detector.geometry import mistakes, target_mistakes
from emiss.reco.detector.names import last_with, names_of
from emiss.reco.detector.overlaps import overlaps
from emiss.reco.detector.plug_ins import PlugInStage, stages_named
from emiss.reco.detector.spectrometers import Arm, Spectrometer
from emiss.reco.detector.trigger import Trigger, conditions_of
from emiss.reco.parts.base import ReadOut
from emiss.reco.parts.digitiser import AnyDigitiser, Tdc
from emiss.reco.parts.kinds import AnyPart
from emiss.reco.parts.magnet import Magnet, no_field
from emiss.reco.parts.materials import Material, shipped
from emiss.reco.parts.multiplex import wiring
from emiss.reco.parts.quantities import Name, TimeWindow, View, Weights
from emiss.reco.parts.tracker import Tracker

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from emiss.configs.document import YamlPath
    from emiss.reco.field.transport import Field as AnyField
    from emiss.reco.parts.base import Volume
    from emiss.reco.parts.tracker import Plane

P = TypeVar("P")


class Beam(Model):
    """The beam particle and its energy."""

    particle: str
    energy: Annotated[Energy, Field(gt=0, le=1e5)]
    source: str


class Times(Model):
    """The counters that all times are relative to, and the window of those that count, where a part has none of its own.

    The reference is the mean, by weight, over those of the counters that have a pulse.
    """

    reference: Weights
    window: TimeWindow
    source: str


class Detector(Model):
    """A set-up: parts, channels and planes.

    The number of a channel or plane is its position in `channels` or `planes`.
    """

    elsewhere: ClassVar[str] = "a part stands under 'parts', with its 'kind'"

    name: str
    beam: Beam
    maps: str
    target: Name | None = None
    digitisers: dict[Name, AnyDigitiser] = Field(min_length=1, max_length=20)
    time: Times
    materials: dict[Name, Material] = Field(default_factory=dict)
    parts: dict[Name, AnyPart] = Field(min_length=1, max_length=100)
    spectrometers: dict[Name, Spectrometer] = Field(default_factory=dict)
    trigger_bits: dict[str, Annotated[int, Field(ge=0, le=31)]] = Field(default_factory=lambda: dict(TRIGGER_BITS))
    trigger: dict[str, Annotated[str, Field(min_length=1)]] = Field(default_factory=dict, max_length=32)
    stages: tuple[str, ...] = ()
    derived: dict[str, Entry] = Field(default_factory=dict, max_length=200)
    _document: Document = PrivateAttr(default_factory=lambda: loader.loads("{}", "<set-up>"))
    _chain: tuple[Path, ...] = PrivateAttr(default=(Path(),))

    @model_validator(mode="after")
    def _distinct(self) -> Detector:
        for name, count in Counts(names_of(self.parts)).items():
            if count > 1:
                context = {"count": count, "name": name, "at": last_with(self.parts, name)}
                raise PydanticCustomError("twice", "{count} elements have the name '{name}'", context)
        owners = [part.declare(name) for name, part in self.read_out.items()]
        owners += [tracker.declare(name) for name, tracker in self.trackers.items()]
        owners += [one.declare(name) for name, one in self.spectrometers.items()]
        taken = Counts([*RESERVED, *(name for made in owners for name in {column.collection for column in made})])
        for name, count in taken.items():
            if count > 1:
                at = ("spectrometers" if name in self.spectrometers else "parts", name)
                message = "'{name}' has columns of its own already: take another name"
                raise PydanticCustomError("taken", message, {"name": name, "at": at})
        return self

    def _made(self) -> list[Column]:
        """Return the columns of all parts and spectrometers."""
        parts = [column for name in self.read_out for column in self.declared(name)]
        parts += [column for name, tracker in self.trackers.items() for column in tracker.declare(name)]
        return parts + [column for name, one in self.spectrometers.items() for column in one.declare(name)]

    def at(self, files: Sequence[Path], document: Document | None = None) -> Detector:
        """Return this detector with the file it was read from, those that it extends, and where in them all stands."""
        self._chain = tuple(files)
        if document is not None:
            self._document = document
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
        """All files that the detector is made of: those it is written in, channel maps, multiplexing tables, field maps.

        What else lies in their folders (a user's own stands beside run lists and results) has no say.
        """
        files = {*self._chain, *(path for path in self.channel_maps_path.rglob("*.xml") if path.is_file())}
        files |= {self.beside(one.multiplex) for one in self.trackers.values() if one.multiplex is not None}
        files |= {self.beside(magnet.map.file) for magnet in self.magnets.values() if magnet.map is not None}
        return tuple(sorted(files))

    def lost_files(self) -> Iterator[tuple[YamlPath, str]]:
        """Yield the multiplexing tables and field maps that are not there: where they are named, and their names."""
        for name, part in self.parts.items():
            if isinstance(part, Tracker) and part.multiplex is not None and not self.beside(part.multiplex).exists():
                yield ("parts", name, "multiplex"), part.multiplex
            if isinstance(part, Magnet) and part.map is not None and not self.beside(part.map.file).exists():
                yield ("parts", name, "map", "file"), part.map.file

    @property
    def channel_maps_path(self) -> Path:
        """The folder of the XML channel maps."""
        return self.beside(self.maps)

    def of_kind(self, kind: type[P]) -> dict[str, P]:
        """Return the parts of a kind, in the order of the file."""
        return {name: part for name, part in self.parts.items() if isinstance(part, kind)}

    @cached_property
    def read_out(self) -> dict[str, ReadOut]:
        """The parts with digitised channels."""
        return self.of_kind(ReadOut)

    @cached_property
    def trackers(self) -> dict[str, Tracker]:
        """The trackers."""
        return self.of_kind(Tracker)

    @cached_property
    def magnets(self) -> dict[str, Magnet]:
        """The magnets."""
        return self.of_kind(Magnet)

    @cached_property
    def boards(self) -> tuple[boards.Board, ...]:
        """Which digitiser samples which channels."""
        numbers = {name: self.part_numbers(name).tolist() for name in self.read_out}
        return boards.boards_of(self.digitisers, self.read_out, numbers)

    @cached_property
    def templated(self) -> frozenset[str]:
        """The parts with read-out in whose waveforms templates are fitted."""
        own = np.zeros(len(self.channels), bool)
        for board in self.boards:
            own[board.channels] = board.templated
        return frozenset(name for name in self.read_out if own[self.part_numbers(name)].any())

    def declared(self, name: str) -> tuple[Column, ...]:
        """Return the columns of a part with read-out, with those of how well templates fit."""
        made = self.read_out[name].declare(name)
        if name not in self.templated:
            return made
        meaning = "largest chi2 per degree of freedom of the pulses in time; undefined without any"
        cells = tuple(
            Column(f"{one}.chi2", "f8", "1", "chi2 per degree of freedom of the pulse", "list")
            for one in dict.fromkeys(column.collection for column in made if column.shape == "list")
        )
        return (*made, Column(f"{name}.pulse_chi2", "f8", "1", meaning), *cells)

    @cached_property
    def full_scale(self) -> Array:
        """The largest sample of each channel, int64 of shape (channels,)."""
        return boards.by_channel(self.boards, lambda board: board.digitiser.full_scale, np.int64)

    @property
    def samples(self) -> int:
        """Of the longest waveforms."""
        return max(board.digitiser.samples for board in self.boards)

    @cached_property
    def columns(self) -> dict[str, Column]:
        """The columns that parts and spectrometers make."""
        return {column.name: column for column in self._made()}

    @cached_property
    def table_columns(self) -> dict[str, Column]:
        """All columns of the event tables but the truth: of every event, of parts, of plug-in stages, and those derived.

        Raises
        ------
        UserError
            If a plug-in stage cannot be made, or a derived quantity is wrong.
        """
        return self._measured | self._of_plug_ins | dict(self.quantities.columns)

    @cached_property
    def quantities(self) -> Derived:
        """The quantities that are derived from the other columns; errors as in `table_columns`."""
        problems = Problems()
        made = bind(self.derived, self._measured | self._of_plug_ins, self._document, problems)
        problems.check()
        return made

    @cached_property
    def conditions(self) -> Trigger:
        """The conditions of the trigger bits.

        Raises
        ------
        UserError
            If one of them is wrong.
        """
        problems = Problems()
        made = conditions_of(self.trigger, self.trigger_bits, self.read_out, self.channels, self._document, problems)
        problems.check()
        return made

    def plug_in_stages(self) -> list[PlugInStage]:
        """Return the stages of plug-ins that the file names, made anew; errors as in `table_columns`."""
        problems = Problems()
        stages = stages_named(self.stages, self, self._measured, self._document, problems)
        problems.check()
        return stages

    @cached_property
    def plug_ins(self) -> dict[str, str]:
        """The plug-ins that have a say in the tables, with package, version and code."""
        stages = [stage.plug_in for stage in self.plug_in_stages()]
        return {str(one): one.identity for one in (*stages, *used_in(self.quantities.text))}

    @cached_property
    def _measured(self) -> dict[str, Column]:
        """The columns of every event, of parts and of spectrometers."""
        own = {column.name: column for column in COLUMNS}
        own["event.trigger"] = replace(own["event.trigger"], bits=self.trigger_bits)
        return own | self.columns

    @cached_property
    def _of_plug_ins(self) -> dict[str, Column]:
        return {column.name: column for stage in self.plug_in_stages() for column in stage.columns}

    def material(self, name: str) -> Material:
        """Return a material of this file or of those that ship."""
        return self.materials.get(name) or shipped()[name]

    @cached_property
    def volumes(self) -> dict[str, Volume]:
        """The outlines of all parts and elements by name."""
        return {volume.name: volume for name, part in self.parts.items() for volume in part.volumes(name)}

    @cached_property
    def arms(self) -> dict[str, Arm]:
        """The spectrometers by the collection of their tracks."""
        return {name: self._arm(one) for name, one in self.spectrometers.items()}

    def _arm(self, one: Spectrometer) -> Arm:
        number = {plane.name: position for position, plane in enumerate(self.planes)}
        planes = [plane for plane in self.planes if plane.part in one.trackers]
        places = sorted({plane.z for plane in planes})
        ordered = sorted(planes, key=lambda plane: plane.z)
        return Arm(
            settings=one,
            name=one.magnet or "",
            magnet=None if one.magnet is None else self.magnets[one.magnet],
            field=no_field(places[0], places[-1]) if one.magnet is None else self.field(one.magnet),
            planes=tuple(replace(plane, station=places.index(plane.z)) for plane in ordered),
            numbers=np.array([number[plane.name] for plane in ordered], np.int64),
        )

    def field(self, magnet: str) -> AnyField:
        """Return the field of a magnet; a map is read when it is asked for.

        Raises
        ------
        UserError
            If the map cannot be read or is no magnetic field.
        """
        if magnet not in self._fields:
            found = self.magnets[magnet]
            self._fields[magnet] = found.field(None if found.map is None else self.beside(found.map.file))
        return self._fields[magnet]

    @cached_property
    def _fields(self) -> dict[str, AnyField]:
        return {}

    @cached_property
    def channels(self) -> tuple[str, ...]:
        """All digitised channels as ELEMENT.x.y, by part in the order of the file."""
        return tuple(channel for part in self.read_out.values() for channel in part.channels())

    @cached_property
    def channel_number(self) -> dict[str, int]:
        """Position of each channel in `channels`."""
        return {name: number for number, name in enumerate(self.channels)}

    @cached_property
    def reference(self) -> Array:
        """The weight of each channel in the time that all others are relative to, 0 of all but the reference, (channels,)."""
        weights = np.zeros(len(self.channels))
        for name, weight in self.time.reference.items():
            weights[self.channel_number[f"{name}.0.0"]] = weight
        return weights

    def numbers(self, element: str) -> Array:
        """Return the channel numbers of an element such as ECAL1, in the order of `channels`."""
        return np.array([n for n, name in enumerate(self.channels) if name.partition(".")[0] == element], np.int64)

    def part_numbers(self, part: str) -> Array:
        """Return the channel numbers of a part."""
        return np.array([self.channel_number[channel] for channel in self.read_out[part].channels()], np.int64)

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
        """All views of all stations, by tracker in the order of the file, along the beam, x before y: MM1X, MM1Y, MM2X, ..."""
        return tuple(plane for name, tracker in self.trackers.items() for plane in tracker.planes(name))

    @cached_property
    def plane_names(self) -> tuple[str, ...]:
        """The names of `planes`."""
        return tuple(plane.name for plane in self.planes)

    @cached_property
    def timed(self) -> dict[str, int]:
        """The planes that a TDC reads, with the number of their wires."""
        return {plane.name: plane.strips for plane in self.planes if plane.timed}

    def tdc(self, plane: Plane) -> Tdc:
        """Return the TDC of a plane that one reads.

        Raises
        ------
        TypeError
            If none reads it.
        """
        found = self.digitisers.get(plane.digitiser or "")
        if not isinstance(found, Tdc):
            msg = f"no TDC reads {plane.name}"
            raise TypeError(msg)
        return found

    def wiring(self, plane: Plane) -> Array:
        """Return the read-out channel of every strip of a plane, int array of shape (strips,)."""
        return self._multiplex[plane.part][plane.view]

    @cached_property
    def _multiplex(self) -> dict[str, dict[View, Array]]:
        return {
            name: wiring(None if tracker.multiplex is None else self.beside(tracker.multiplex), tracker.views)
            for name, tracker in self.trackers.items()
        }


def load_detector(name: str | Path, *, near: Path | None = None) -> Detector:
    """Return the detector of a file, a folder, or of a name that ships (such as ``na64e_lfc``).

    Raises
    ------
    UserError
        If there is none, or the file is not right; with file, line and column.
    """
    document, files = overlay.load("detectors", loader.find("detectors", name, near=near))
    detector = loader.validate(document, Detector).at(files, document)
    problems = Problems()
    known = [*shipped(), *detector.materials]
    wrong = chain(
        boards.mistakes(detector.parts, detector.digitisers),
        mistakes(detector.parts, detector.spectrometers, detector.volumes, known, detector.time.reference),
        target_mistakes(detector.target, detector.parts),
        overlaps(detector.parts),
    )
    for path, message in wrong:
        problems.add(document.error(message, path))
    lost = dict(detector.lost_files())
    for path, file in lost.items():
        problems.add(document.error(f"there is no file '{file}' beside this one", path))
    for part, tracker in detector.trackers.items():
        if ("parts", part, "multiplex") in lost:
            continue
        try:
            wiring(None if tracker.multiplex is None else detector.beside(tracker.multiplex), tracker.views)
        except UserError as error:
            problems.add(error)
    problems.check()
    _ = detector.conditions
    _ = detector.table_columns  # says what is wrong with stages and derived quantities
    return detector
