"""The parts of a detector file: each block of ``detector.yaml`` as a model, with what follows from its numbers alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from configs.schema import Energy, Length, Model, Number, Time
from configs.schema import Field as MagneticField
from events.lists import Array  # noqa: TC001 - pydantic reads the annotations

if TYPE_CHECKING:
    from pathlib import Path

    from reco.field import Field as AnyField

View = Literal["x", "y"]


class Beam(Model):
    """The beam particle and its energy."""

    particle: str
    energy: Energy
    source: str


class Digitiser(Model):
    """The MSADC: sampling period, samples per waveform, bits per sample."""

    period: Time
    samples: int = Field(gt=0, le=511)
    bits: int = Field(gt=0, le=16)
    source: str


class Pulse(Model):
    """Pulse shape (t/rise) exp(1 - t/rise) and where an in-time pulse starts in the waveform."""

    rise: Time
    start: Time
    source: str


class Waveform(Model):
    """How a pulse is measured: threshold in pedestal sigma, fit range in samples, time window."""

    threshold: Number
    before: int
    after: int
    window: tuple[Time, Time]
    source: str


class Counter(Model):
    """A beam counter."""

    z: Length
    mip: Energy
    threshold: Energy
    source: str


class Srd(Model):
    """The synchrotron radiation detector: one channel per module."""

    modules: tuple[str, ...]
    z: Length
    threshold: Energy
    source: str


class Ecal(Model):
    """The electromagnetic calorimeter: preshower and main part with the same columns x rows of cells."""

    preshower: str
    main: str
    columns: int
    rows: int
    pitch: Length
    beam_cell: tuple[int, int]
    z: Length
    depth: Length
    radiation_lengths: Number
    threshold: Energy
    stochastic: Number
    constant: Number
    cell_share: Number
    block_share: Number
    preshower_share: Number
    muon: Energy
    source: str

    def centre(self, ix: Array, iy: Array) -> tuple[Array, Array]:
        """Return x and y (mm) of the centres of cells; the beam cell is centred on the axis."""
        return (ix - self.beam_cell[0]) * self.pitch, (iy - self.beam_cell[1]) * self.pitch


class Veto(Model):
    """The VETO: panels side by side in x, each with two photomultipliers."""

    panels: tuple[tuple[str, str], ...]
    ratio: Number
    z: Length
    width: Length
    height: Length
    mip: Energy
    threshold: Energy
    source: str


class HcalModule(Model):
    """Where one HCAL module begins."""

    z: Length


class Hcal(Model):
    """The hadron calorimeter: modules in line, each of columns x rows cells centred on the axis."""

    modules: dict[str, HcalModule]
    columns: int
    rows: int
    pitch: Length
    depth: Length
    iron: Length
    mip: Energy
    mip_spread: Number
    threshold: Energy
    source: str


class MapFile(Model):
    """A field map: the file beside the detector file, where the origin of its coordinates stands, a factor."""

    file: str
    at: tuple[Length, Length, Length] = (0.0, 0.0, 0.0)
    scale: Number = 1.0


class Magnet(Model):
    """A dipole between two z: with a vertical field `by`, with soft edges where `edge` is given, or with a map."""

    name: str
    z: tuple[Length, Length]
    by: MagneticField | None = None
    edge: Length | None = Field(default=None, gt=0)
    map: MapFile | None = None
    source: str

    @model_validator(mode="after")
    def _one_field(self) -> Magnet:
        if self.z[0] >= self.z[1]:
            msg = f"the magnet {self.name} ends before it begins"
            raise ValueError(msg)
        if (self.by is None) == (self.map is None):
            msg = "a magnet has either a field 'by' or a 'map'"
            raise ValueError(msg)
        if self.edge is not None and self.map is not None:
            msg = "'edge' goes with 'by'; a map has its own edges"
            raise ValueError(msg)
        return self

    def field(self, path: Path | None) -> AnyField:
        """Return the field; that of a map is read from `path`.

        Raises
        ------
        UserError
            If the map cannot be read or is no magnetic field.
        """
        from reco.field import SoftBox, UniformBox

        if self.map is not None and path is not None:
            from reco.field_map import FieldMap

            return FieldMap.load(path, at=self.map.at, scale=self.map.scale)
        by = self.by or 0.0
        return UniformBox(by, self.z) if self.edge is None else SoftBox(by, self.z, self.edge)


class StripView(Model):
    """Strips and read-out channels of one view of a Micromegas."""

    strips: int
    channels: int


class TrackerPlane(Model):
    """What all Micromegas of the spectrometer have in common."""

    views: dict[View, StripView]
    pitch: Length
    multiplex: str
    sigma: Length
    x_over_x0: Number
    frame: Time
    window: tuple[Time, Time]
    efficiency: Number


class Station(Model):
    """Where one Micromegas stands."""

    z: Length
    x: Length = 0.0
    y: Length = 0.0


class Trackers(Model):
    """The Micromegas of the spectrometer."""

    plane: TrackerPlane
    stations: dict[str, Station]
    source: str


class Upstream(Model):
    """The spectrometer before the target: a magnet and stations of the same kind as those behind the HCAL."""

    magnet: Magnet
    stations: dict[str, Station]
    source: str
