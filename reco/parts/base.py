"""What all kinds of parts have in common: elements, places, outlines; and with read-out channels, slots and sums."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from pydantic import Field

from emiss.configs.schema import Model
from emiss.events.columns import Column
from emiss.reco.parts.digitiser import Measurement, Pulse
from emiss.reco.parts.quantities import Name, Place, Rotation, Threshold, TimeWindow

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from emiss.configs.arrays import Array, Floats


@dataclass(frozen=True)
class Volume:
    """The outline of a part or element: a box whose front face has its centre at x, y, z; mm and rad.

    Attributes
    ----------
    name : str
    x, y, z : float
    width, height, depth : float
        Along the box's own x, y and z; 0 where the detector file does not say.
    angle : float
        Rotation about y: a positive one turns the box's z axis towards x.
    hole : (float, float)
        Width and height of an opening around the box's axis.
    columns, rows : int
        Cells.
    matter : mapping of material to mm
        What stands along the depth.
    plates : int, optional
        Active plates along the depth; None where the detector file does not say.
    """

    name: str
    x: float
    y: float
    z: float
    width: float = 0.0
    height: float = 0.0
    depth: float = 0.0
    angle: float = 0.0
    hole: tuple[float, float] = (0.0, 0.0)
    columns: int = 1
    rows: int = 1
    matter: Mapping[str, float] | None = None
    plates: int | None = None

    @property
    def z_range(self) -> tuple[float, float]:
        """First and last z of the box, turned as it stands."""
        sine, cosine = abs(np.sin(self.angle)), np.cos(self.angle)
        half = 0.5 * self.width * sine
        return self.z - half, self.z + self.depth * cosine + half


class Element(Model):
    """Where one element of a part stands; what is not said is that of the part."""

    x: Place | None = None
    y: Place | None = None
    z: Place | None = None
    angle: Rotation | None = None


class Placement(NamedTuple):
    """Where an element stands: the centre of its front face (mm), and its rotation about y (rad)."""

    x: float
    y: float
    z: float
    angle: float


class Part(Model):
    """A part of a set-up, of one of the kinds.

    Its name is its key in the detector file. Those with channels are a `ReadOut`.
    """

    kind: str
    source: str = Field(min_length=1)

    def volumes(self, name: str) -> tuple[Volume, ...]:  # noqa: ARG002 - a kind may have none
        """Return the outlines of the part or of its elements."""
        return ()


class Slot(NamedTuple):
    """Channels that add up to one sum.

    Attributes
    ----------
    channels : sequence of str
        Names ELEMENT.x.y.
    pile_up : int
        Number of the element whose energy out of time they count to.
    """

    channels: Sequence[str]
    pile_up: int


@dataclass(frozen=True)
class Sums:
    """Sums over the cells of one part above its threshold, of N events.

    NaN where a channel's data are missing or not whole.

    Attributes
    ----------
    energy, moment, x, y : arrays of shape (N, slots)
        Energy of the cells in time (GeV), and energy times time (ns), x and y (mm) of the cells' centres.
    late : array of shape (N, elements)
        Energy outside the time window.
    constants : mapping of condition to its columns, arrays over channels
    asked : collection of str, optional
        Full names of the columns that are wanted; all by default.
    """

    energy: Floats
    moment: Floats
    x: Floats
    y: Floats
    late: Floats
    constants: Mapping[str, Mapping[str, Array]]
    asked: Collection[str] | None = None

    def only(self, columns: Mapping[str, Callable[[], Array]]) -> dict[str, Array]:
        """Return the columns that are wanted, each from what makes it."""
        return {name: make() for name, make in columns.items() if self.asked is None or name in self.asked}


class ReadOut(Part):
    """A part with read-out channels: cells that add up to the energies of its elements.

    `x`, `y`, `z` and `angle` are those of elements that say nothing else. Without a `digitiser` it is the first of the file,
    without a `pulse` or a `measure` that of the digitiser, without a `window` that of all times.
    """

    x: Place = 0.0
    y: Place = 0.0
    z: Place | None = None
    angle: Rotation = 0.0
    threshold: Threshold
    digitiser: Name | None = None
    pulse: Pulse | None = None
    measure: Measurement | None = None
    window: TimeWindow | None = None

    def names(self) -> tuple[str, ...]:
        """Return the names of the elements, in the order of the arrays."""
        raise NotImplementedError

    def channels(self) -> tuple[str, ...]:
        """Return the read-out channels as ELEMENT.x.y."""
        raise NotImplementedError

    def slots(self) -> tuple[Slot, ...]:
        """Return what the channels add up to; every channel is in one slot."""
        raise NotImplementedError

    def declare(self, name: str) -> tuple[Column, ...]:
        """Return the columns that the part makes under its name."""
        raise NotImplementedError

    def needs(self, name: str) -> Mapping[str, Sequence[str]]:  # noqa: ARG002 - a kind may need none
        """Return the conditions that `reduce` uses, beside those of the waveforms: type to channels."""
        return {}

    def position(self, x: Array, y: Array) -> tuple[Floats, Floats]:
        """Return the place (mm) of the centres of cells by column and row, relative to what the part measures from."""
        return np.zeros(len(x)), np.zeros(len(y))

    def energies(self, name: str, slots: Floats) -> dict[str, Floats]:
        """Return the columns of `declare` that are sums of energies in time, from those of the slots, shape (N, slots)."""
        raise NotImplementedError

    def reduce(self, name: str, sums: Sums) -> dict[str, Any]:
        """Return the columns of `declare`; what `sums` does not ask for may be left out."""
        raise NotImplementedError

    def _at(self, element: Element) -> Placement:
        """Return the place of an element."""
        x, y, z, angle = (
            own if (own := getattr(element, key)) is not None else getattr(self, key)
            for key in ("x", "y", "z", "angle")
        )
        return Placement(x, y, z, angle)


def of_elements(name: str, elements: Sequence[str], rows: Sequence[tuple[str, str, str]]) -> tuple[Column, ...]:
    """Declare columns with one value per element from (inner name, unit, meaning)."""
    one = Column("", "f8", shape="fixed", size=len(elements), elements=tuple(elements))
    return tuple(replace(one, name=f"{name}.{inner}", unit=unit, meaning=meaning) for inner, unit, meaning in rows)


def ratio(above: Array, below: Array) -> Array:
    """Return above / below, NaN (undefined) where below is 0."""
    result: Array = np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)
    return result


def fits(matter: Mapping[str, float], depth: float | None) -> None:
    """Refuse more matter than there is depth."""
    total = sum(matter.values())
    if depth is not None and total > depth * (1.0 + 1e-9):
        said = ", ".join(f"{size:g} mm of {name}" for name, size in matter.items())
        msg = f"{total:g} mm of matter in a depth of {depth:g} mm: {said}"
        raise ValueError(msg)


def opens(hole: tuple[float, float] | None, width: float, height: float) -> None:
    """Refuse a hole that is not inside its box; a width or height of 0 is not known."""
    for size, whole, name in zip(hole or (), (width, height), ("width", "height"), strict=False):
        if whole and size >= whole:
            msg = f"a hole of {size:g} mm in a {name} of {whole:g} mm"
            raise ValueError(msg)


def need_z(part: ReadOut, elements: Mapping[str, Element]) -> None:
    """Refuse elements that nothing gives a z."""
    lost = [name for name, element in elements.items() if element.z is None and part.z is None]
    if lost:
        msg = f"{lost[0]} has no z, and neither has the part"
        raise ValueError(msg)
