"""The frame of all derivations: sums over events, which add, and what is found from them for each channel.

A derivation says which runs it is for, adds batches of raw events to `Sums` of fixed size, and fits all channels at once. It
keeps nothing of the events it has seen but the sums, so that they may be made anywhere and in any order.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from emiss.configs.errors import UserError
from emiss.reco.formats.date.layout import PHYSICS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from emiss.calib.conditions import RunConditions
    from emiss.configs.arrays import Array, Bools, Floats
    from emiss.events.batch import Batch
    from emiss.reco.detector.model import Detector


@dataclass
class Sums:
    """Arrays that add, and how many events there were.

    Attributes
    ----------
    arrays : dict of name to array
        What is of some spills alone need not be in all sums.
    read, used : int
        Events that were read, and those that a derivation took.
    runs : set of int
        The runs that they are of.
    """

    arrays: dict[str, Array]
    read: int = 0
    used: int = 0
    runs: frozenset[int] = frozenset()

    def __getitem__(self, name: str) -> Array:
        return self.arrays[name]

    def __setitem__(self, name: str, values: Array) -> None:
        self.arrays[name] = values

    @staticmethod
    def total(parts: Iterable[Sums]) -> Sums:
        """Return the sum of at least one part, in the order of the parts."""
        first, *others = parts
        made = Sums({name: values.copy() for name, values in first.arrays.items()}, first.read, first.used, first.runs)
        for part in others:
            made.add(part)
        return made

    def add(self, part: Sums) -> None:
        """Add a part, in place."""
        for name, values in part.arrays.items():
            if name in self.arrays:
                self.arrays[name] += values
            else:
                self.arrays[name] = values.copy()
        self.read += part.read
        self.used += part.used
        self.runs |= part.runs


@dataclass(frozen=True)
class Shapes:
    """What was fitted, for plots: counts in bins and the expected ones by channel.

    Attributes
    ----------
    label : str
        Of the axis.
    edges : array of shape (channels, bins + 1)
    counts, curve : arrays of shape (channels, bins)
        `curve` is NaN where there is no fit.
    """

    label: str
    edges: Floats
    counts: Floats
    curve: Floats


@dataclass(frozen=True)
class Made:
    """The constants of one type of conditions.

    Attributes
    ----------
    type : str
        Of the table, e.g. ``sadc.pedestal``.
    channels : tuple of str
    units : mapping of column to str
        As they are written.
    values, errors : mapping of column to array of shape (channels,)
        In these units; NaN where nothing was found.
    entries : array of shape (channels,)
        What each value is made of.
    chi2 : array of shape (channels,)
        Per degree of freedom, NaN where there is none.
    doubts : tuple of str
        Why somebody should look at a channel; empty for a good one.
    shapes : Shapes, optional
    correlations : mapping of (column, column) to array of shape (channels,)
        Of the errors of two columns, for those that are correlated.
    """

    type: str
    channels: tuple[str, ...]
    units: Mapping[str, str]
    values: Mapping[str, Floats]
    errors: Mapping[str, Floats]
    entries: Array
    chi2: Floats
    doubts: tuple[str, ...]
    shapes: Shapes | None = None
    correlations: Mapping[tuple[str, str], Floats] = field(default_factory=dict)

    @property
    def found(self) -> Bools:
        """Which channels have a value in every column, shape (channels,)."""
        return np.all([np.isfinite(values) for values in self.values.values()], axis=0)

    @property
    def eyes(self) -> list[tuple[str, str]]:
        """The channels that need eyes, and why."""
        return [(name, why) for name, why in zip(self.channels, self.doubts, strict=True) if why]


@dataclass(frozen=True)
class Found:
    """What a derivation has found.

    Attributes
    ----------
    kind : str
    made : tuple of Made
    runs : tuple of int
        The runs that it was found from.
    read, used : int
        Events.
    remarks : tuple of str
        What is to be known beside the tables.
    tables : tuple of Made
        Tables that are written like the others, but are too long to be shown.
    """

    kind: str
    made: tuple[Made, ...]
    runs: tuple[int, ...]
    read: int
    used: int
    remarks: tuple[str, ...] = ()
    tables: tuple[Made, ...] = ()


@dataclass(frozen=True)
class Options:
    """What a user may choose.

    Attributes
    ----------
    trigger : str, optional
        Events with this trigger bit alone; ``any`` for all. The derivation's own choice without it.
    samples : int, optional
        Of pedestals: the first samples of each waveform alone.
    least : int
        Entries below which nothing is said of a channel.
    parts : tuple of str
        Parts of the set-up that constants are derived for; all by default.
    simulated : Path, optional
        Simulated hits of the same kind of run, which say what is expected; without them the set-up does.
    events : str
        Of a kind that is made from events of different origin (`Derivation.sources`): which. Its first by default.
    curved : bool
        Of the alignment: with tracks in a field, not straight ones.
    """

    trigger: str | None = None
    samples: int | None = None
    least: int = 100
    parts: tuple[str, ...] = ()
    simulated: Path | None = None
    events: str = ""
    curved: bool = False


class Derivation(ABC):
    """A kind of derivation for one set-up.

    Attributes
    ----------
    kind, meaning, wants : str
        Its name, what it makes, and which runs it is for.
    pilot : int
        Events that are looked at first, from which `learn` takes what the sums of all need; 0 for none.
    rounds : int
        How often the pilot is made, each time with what the one before has told.
    everywhere : bool
        Whether the events of the pilot are some of every file; else they are the first ones.
    trigger : str
        The trigger bit of the events that it takes; ``any``: all.
    runs_of : str
        The kind of runs that it takes, one of `emiss.calib.origins.KINDS`; goes into the table.
    sources : tuple of str
        Origins of events that it may be asked for.
    one_run : bool
        Whether what it finds holds for the run that it is from alone, whose constants `finish` has then.
    supposes : bool
        Whether it is to be asked to `suppose`.
    """

    kind: ClassVar[str]
    meaning: ClassVar[str]
    wants: ClassVar[str]
    pilot: ClassVar[int] = 0
    rounds: ClassVar[int] = 1
    everywhere: ClassVar[bool] = False
    trigger: ClassVar[str] = "any"
    runs_of: ClassVar[str] = "any"
    sources: ClassVar[tuple[str, ...]] = ()
    one_run: ClassVar[bool] = False
    supposes: ClassVar[bool] = False

    def __init__(self, detector: Detector, options: Options) -> None:
        self.detector = detector
        self.options = options
        self.taken_as: str | None = None

    @property
    def origin(self) -> str:
        """The kind of runs that it takes with its options; where a register knows that of the runs, this one."""
        return self.taken_as or self.runs_of

    def begin_run(self, conditions: RunConditions) -> None:  # noqa: B027 - not all need constants
        """Take the constants of a run."""

    @property
    def types(self) -> tuple[int, ...]:
        """The types of the events that it takes."""
        return (PHYSICS,)

    def takes(self, batch: Batch) -> Bools | None:
        """Return which events of a batch it takes, shape (N,); None for all."""
        del batch
        return None

    def lacking(self, read: int) -> tuple[str, str]:
        """Return why it has taken none of the events that were read, and a hint."""
        bit = self.options.trigger or self.trigger
        why = f"none of {read} events has the trigger bit '{bit}'" if read else "there is no physics event"
        return why, f"{self.wants} are wanted; '--trigger any' takes all events"

    @abstractmethod
    def empty(self, learned: Any) -> Sums:
        """Return sums of nothing; those of the pilot where nothing is learned yet."""

    @abstractmethod
    def add(self, batch: Batch, sums: Sums, learned: Any) -> None:
        """Add the events of a batch, which are those with the trigger bit."""

    def refer(self, batches: Iterable[Batch]) -> None:
        """Take what is expected from simulated hits of the same kind of run.

        Raises
        ------
        UserError
            If this kind takes none.
        """
        del batches
        raise UserError(f"{self.kind} is derived without simulated hits")

    def suppose(self) -> None:  # noqa: B027 - not all need it
        """Take what the set-up lets expect, where there are no simulated hits; constants are there already."""

    def learn(self, sums: Sums) -> Any:
        """Return what the sums of the pilot tell; something small that can be sent to workers."""
        del sums

    @abstractmethod
    def finish(self, sums: Sums, learned: Any) -> Found:
        """Return what all sums tell.

        Raises
        ------
        UserError
            If the runs are of the wrong kind.
        """

    def channels_of(self, parts: Sequence[str]) -> Bools:
        """Return which channels are of the parts that were asked for, out of some; shape (channels,)."""
        wanted = np.zeros(len(self.detector.channels), bool)
        for name in parts:
            if not self.options.parts or name in self.options.parts:
                wanted[self.detector.part_numbers(name)] = True
        return wanted


@dataclass(frozen=True)
class Doubts:
    """Collects why channels need eyes; the first reason of a channel stays."""

    channels: int
    texts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.texts.extend([""] * self.channels)

    def add(self, which: Bools, why: str | Sequence[str]) -> None:
        """Say why for some channels."""
        for number in np.flatnonzero(which).tolist():
            if not self.texts[number]:
                self.texts[number] = why if isinstance(why, str) else why[number]
