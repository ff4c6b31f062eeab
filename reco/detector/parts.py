"""The parts of a detector file: each block of ``detector.yaml`` as a model, with what follows from its numbers alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from emiss.configs.arrays import Array  # noqa: TC001 - pydantic reads the annotations
from emiss.configs.schema import Energy, Length, Model, Number, Time
from emiss.configs.schema import Field as MagneticField

if TYPE_CHECKING:
    from pathlib import Path

    from emiss.reco.field.transport import Field as AnyField

View = Literal["x", "y"]


def _ordered(window: tuple[float, float]) -> tuple[float, float]:
    if window[0] >= window[1]:
        msg = "the window ends before it begins"
        raise ValueError(msg)
    return window


def _not_zero(value: float) -> float:
    if value == 0.0:
        msg = "without a field no track has a momentum"
        raise ValueError(msg)
    return value


# limits of the apparatus at large, in base units (GeV, mm, ns, T): what lies outside is a slip, and some would fill the memory
Name = Annotated[str, Field(pattern=r"^[A-Za-z]\w*$")]
Place = Annotated[Length, Field(ge=-1e6, le=1e6)]
Extent = Annotated[Length, Field(gt=0, le=1e5)]
Visible = Annotated[Energy, Field(gt=0, le=1000)]
Threshold = Annotated[Energy, Field(ge=0, le=1000)]
Share = Annotated[Number, Field(ge=0, le=1)]
Count = Annotated[int, Field(gt=0, le=100)]
Span = Annotated[Time, Field(gt=0, le=1e5)]
Window = Annotated[tuple[Time, Time], AfterValidator(_ordered)]


class Beam(Model):
    """The beam particle and its energy."""

    particle: str
    energy: Annotated[Energy, Field(gt=0, le=1e5)]
    source: str


class Digitiser(Model):
    """The MSADC: sampling period, samples per waveform, bits per sample."""

    period: Span
    samples: int = Field(gt=0, le=511)
    bits: int = Field(gt=0, le=16)
    source: str


class Pulse(Model):
    """Pulse shape (t/rise) exp(1 - t/rise) and where an in-time pulse starts in the waveform."""

    rise: Span
    start: Annotated[Time, Field(ge=0, le=1e5)]
    source: str


class Waveform(Model):
    """How a pulse is measured: threshold in pedestal sigma, fit range in samples, time window."""

    threshold: Annotated[Number, Field(gt=0, le=1000)]
    before: int = Field(ge=0, le=510)
    after: int = Field(ge=0, le=510)
    window: Window
    source: str


class Counter(Model):
    """A beam counter."""

    z: Place
    mip: Visible
    threshold: Threshold
    source: str


class Srd(Model):
    """The synchrotron radiation detector: one channel per module."""

    modules: tuple[Name, ...] = Field(min_length=1, max_length=100)
    z: Place
    threshold: Threshold
    source: str


class Ecal(Model):
    """The electromagnetic calorimeter: preshower and main part with the same columns x rows of cells."""

    preshower: Name
    main: Name
    columns: Count
    rows: Count
    pitch: Extent
    beam_cell: tuple[int, int]
    z: Place
    depth: Extent
    radiation_lengths: Annotated[Number, Field(gt=0, le=1000)]
    threshold: Threshold
    stochastic: Share
    constant: Share
    cell_share: Annotated[Share, Field(gt=0)]
    block_share: Annotated[Share, Field(gt=0)]
    preshower_share: Annotated[Share, Field(lt=1)]
    muon: Visible
    source: str

    @model_validator(mode="after")
    def _cells(self) -> Ecal:
        x, y = self.beam_cell
        if not (0 <= x < self.columns and 0 <= y < self.rows):
            msg = f"the beam cell {x}, {y} is none of the {self.columns} x {self.rows} cells"
            raise ValueError(msg)
        if self.block_share < self.cell_share:
            msg = "block_share is less than cell_share, which is a part of it"
            raise ValueError(msg)
        return self

    def centre(self, ix: Array, iy: Array) -> tuple[Array, Array]:
        """Return x and y (mm) of the centres of cells; the beam cell is centred on the axis."""
        return (ix - self.beam_cell[0]) * self.pitch, (iy - self.beam_cell[1]) * self.pitch


class Veto(Model):
    """The VETO: panels side by side in x, each with two photomultipliers."""

    panels: tuple[tuple[Name, Name], ...] = Field(min_length=1, max_length=100)
    ratio: Share
    z: Place
    width: Extent
    height: Extent
    mip: Visible
    threshold: Threshold
    source: str


class HcalModule(Model):
    """Where one HCAL module begins."""

    z: Place


class Hcal(Model):
    """The hadron calorimeter: modules in line, each of columns x rows cells centred on the axis."""

    modules: dict[Name, HcalModule] = Field(min_length=1, max_length=100)
    columns: Count
    rows: Count
    pitch: Extent
    depth: Extent
    iron: Annotated[Length, Field(ge=0, le=1e5)]
    mip: Visible
    mip_spread: Share
    threshold: Threshold
    source: str

    @model_validator(mode="after")
    def _fits(self) -> Hcal:
        if self.iron > self.depth:
            msg = "there is more iron in a module than the module is deep"
            raise ValueError(msg)
        return self


class FieldMapFile(Model):
    """A field map: the file beside the detector file, where the origin of its coordinates stands, a factor."""

    file: str
    at: tuple[Place, Place, Place] = (0.0, 0.0, 0.0)
    scale: Annotated[Number, Field(ge=-1000, le=1000), AfterValidator(_not_zero)] = 1.0


class Magnet(Model):
    """A dipole between two z: with a vertical field `by`, with soft edges where `edge` is given, or with a field map."""

    name: str
    z: tuple[Place, Place]
    by: Annotated[MagneticField, Field(ge=-50, le=50), AfterValidator(_not_zero)] | None = None
    edge: Extent | None = None
    map: FieldMapFile | None = None
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
        from emiss.reco.field.transport import SoftBox, UniformBox

        if self.map is not None and path is not None:
            from emiss.reco.field.field_map import FieldMap

            return FieldMap.load(path, at=self.map.at, scale=self.map.scale)
        by = self.by or 0.0
        return UniformBox(by, self.z) if self.edge is None else SoftBox(by, self.z, self.edge)


class StripView(Model):
    """Strips and read-out channels of one view of a Micromegas."""

    strips: int = Field(gt=0, le=100_000)
    channels: int = Field(gt=0, le=10_000)


class TrackerPlane(Model):
    """What all Micromegas of the spectrometer have in common."""

    views: dict[View, StripView]
    pitch: Annotated[Length, Field(gt=0, le=100)]
    multiplex: str
    sigma: Annotated[Length, Field(gt=0, le=100)]
    x_over_x0: Share
    frame: Span
    window: Window
    efficiency: Annotated[Share, Field(gt=0)]


class Station(Model):
    """Where one Micromegas stands."""

    z: Place
    x: Place = 0.0
    y: Place = 0.0


class Trackers(Model):
    """The Micromegas of the spectrometer."""

    plane: TrackerPlane
    stations: dict[Name, Station]
    source: str


class Upstream(Model):
    """The spectrometer before the target: a magnet and stations of the same kind as those behind the HCAL."""

    magnet: Magnet
    stations: dict[Name, Station]
    source: str
