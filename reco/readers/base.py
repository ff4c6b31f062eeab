"""What all readers of run files have in common: `RunFile` and its `Index`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from emiss.configs.errors import Location, Problems, UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from emiss.configs.arrays import Array, Bools
    from emiss.events.batch import Batch
    from emiss.events.columns import Column
    from emiss.reco.quality.spills import Spills

BATCH = 2048

Floors = Callable[[int], "Mapping[str, Array]"]
"""The amplitudes below which nothing is wanted in a run: by its number, those of the wires of each plane."""

PHYSICS = 7
"""DATE event type of physics events."""


class Index(Protocol):
    """One row per event of a file, lost ones included; the row is the event's entry number for good."""

    @property
    def run(self) -> Array:
        """Run number, shape (N,)."""
        ...

    @property
    def spill(self) -> Array:
        """Number of the spill in the run, shape (N,)."""
        ...

    @property
    def type(self) -> Array:
        """DATE event type, shape (N,); 7 is physics."""
        ...

    @property
    def good(self) -> Bools:
        """True where the header can be used, shape (N,)."""
        ...

    @property
    def weight(self) -> Array:
        """Weight of each event, shape (N,); 1 for data."""
        ...

    def __len__(self) -> int: ...

    def runs(self) -> list[int]:
        """Return the run numbers in the order of the file."""
        ...


@dataclass(frozen=True)
class PlainIndex:
    """The index of a file without damage: every event is a good physics event."""

    run: Array
    spill: Array
    type: Array
    weight: Array
    good: Array

    @classmethod
    def of(cls, run: Array, spill: Array, weight: Array) -> PlainIndex:
        """Return the index of events of these runs, spills and weights, shape (N,) each."""
        return cls(run, spill, np.full(len(run), PHYSICS), weight, np.ones(len(run), bool))

    def __len__(self) -> int:
        return len(self.run)

    def runs(self) -> list[int]:
        """Return the run numbers in the order of the file."""
        return runs_of(self.run)


def changes(values: Array) -> Bools:
    """Return where a value is not the one before it, shape (N,); true of the first one."""
    new = np.ones(len(values), bool)
    np.not_equal(values[1:], values[:-1], out=new[1:])
    return new


def runs_of(run: Array) -> list[int]:
    """Return the run numbers of some events in the order in which they come."""
    return list(dict.fromkeys(run[changes(run)].tolist()))


class RunFile(Protocol):
    """A raw or simulated run file.

    Attributes
    ----------
    path : Path
    identity : str
        Size and checksum: names the content, wherever the file lies.
    tier : str
        ``raw`` (digits) or ``hits`` (simulated hits).
    truth : mapping of name to Column
        The ``truth.`` columns of its batches.
    on_target : float or None
        Particles on target it stands for, where it knows.
    context : Spills or None
        The spills of all files of the run; None: those of this file alone.
    process : mapping
        What was simulated: its kind and parameters in base units; empty for data and where it is not known.
    """

    path: Path
    tier: str
    truth: dict[str, Column]
    on_target: float | None
    context: Spills | None
    process: Mapping[str, Any]

    @property
    def identity(self) -> str:
        """Size and checksum of the file."""
        ...

    @property
    def splits(self) -> bool:
        """Whether a part of the file can be read without all before it, so that tasks may share it."""
        ...

    @property
    def grows(self) -> bool:
        """Whether the file may get longer while it is read; what is there when it is opened is read."""
        ...

    def close(self) -> None:
        """Let the file go; what was read of it stays."""
        ...

    def check(self) -> None:
        """Raise a UserError if the file does not fit the detector."""
        ...

    def index(self) -> Index:
        """Return the index, from one cheap pass over the headers."""
        ...

    def load_index(self, path: Path) -> None:
        """Take the index from a file, if it stands there."""
        ...

    def save_index(self, path: Path) -> None:
        """Write the index to a file, if making it takes time and the file is not there yet."""
        ...

    def spills(self) -> Spills | None:
        """Return the spills of this file; None if its events say themselves where in the spill they are."""
        ...

    def batches(
        self, start: int = 0, stop: int | None = None, size: int = BATCH, floors: Floors | None = None
    ) -> Iterator[Batch]:
        """Yield entries start to stop in batches; at least one, which may hold no event.

        With `floors` they are for the reconstruction alone: strips without an amplitude above theirs may be left out, where the
        front end has not done so, and a batch is valid until the next one.
        """
        ...


def where(index: Index, run: int) -> str:
    """Return where the events of a run are in a file: the first entry, and how many more."""
    entries = np.flatnonzero(index.good & (index.run == run))
    return f"entry {entries[0]}" + (f" and {len(entries) - 1} more" if len(entries) > 1 else "")


class Named(Protocol):
    """A file with its path, and size and checksum of what it holds."""

    @property
    def path(self) -> Path:
        """Where it is."""
        ...

    @property
    def identity(self) -> str:
        """What it holds."""
        ...


def refuse_copies(files: Iterable[Named]) -> None:
    """Raise a UserError if two files hold the same, compressed or not: their events would count twice.

    Raises
    ------
    UserError
        That names both, for each pair.
    """
    problems = Problems()
    first: dict[str, Named] = {}
    for file in files:
        other = first.setdefault(file.identity, file)
        if other is not file:
            said = f"holds the same as {other.path}: its events would be counted twice"
            problems.add(UserError(said, at=Location(str(file.path)), hint="leave one of them out"))
    problems.check()
