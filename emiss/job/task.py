"""What travels to workers: the set-up that all tasks of a job share, and a task, which is one entry range of one file."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - part of a dataclass that is pickled
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias

from emiss.configs.loader import SHIPPED
from emiss.job.parked import load

if TYPE_CHECKING:
    from collections.abc import Callable

    from emiss.events.files.identity import Stamp
    from emiss.job.parked import Known
    from emiss.job.work import Pool
    from emiss.reco.quality.spills import SpillRange, Spills
    from emiss.runlist import ListedSample

OnThisMachine: TypeAlias = Literal["serial", "processes"]

Executor: TypeAlias = "OnThisMachine | Pool"
"""How tasks are run: one after the other in this process, in processes of their own, or wherever a pool has them."""

TASK_ENTRIES = 20_000
BATCH = 2_048


@dataclass(frozen=True)
class Setup:
    """What every task of a job shares; plain values, so that a worker process can be given it.

    `content` has a hash of each config as the job was planned with it, and `shipped` the folder of those that ship.
    """

    analysis: str
    detector: Path | None = None
    calib: Path | None = None
    reader: Path | None = None
    overrides: tuple[tuple[str, str], ...] = ()
    unblind: bool = False
    batch: int = BATCH
    bad_spills: frozenset[SpillRange] = frozenset()
    content: tuple[tuple[str, str], ...] = ()
    shipped: Path = SHIPPED

    def absolute(self) -> Self:
        """Return the set-up with paths that do not depend on the folder where one works."""
        return self._with(lambda path: path.absolute())

    def here(self) -> Self:
        """Return the set-up as it is for this process: configs that ship stand where emiss is installed."""
        if self.shipped == SHIPPED:
            return self

        def moved(path: Path) -> Path:
            return SHIPPED / path.relative_to(self.shipped) if path.is_relative_to(self.shipped) else path

        return replace(self._with(moved), shipped=SHIPPED)

    def _with(self, change: Callable[[Path], Path]) -> Self:
        return replace(
            self,
            analysis=str(change(Path(self.analysis))),
            detector=None if self.detector is None else change(self.detector),
            calib=None if self.calib is None else change(self.calib),
            reader=None if self.reader is None else change(self.reader),
        )


@dataclass(frozen=True)
class Task:
    """One entry range of one file, and the table it becomes.

    Attributes
    ----------
    sample : ListedSample
    file : Path
    identity, stamp
        What the file held, and what the file system said of it, when the job was planned.
    grows : bool
        Whether the file may be longer by now.
    number : int
        Place of the task in the job: in this order results are added.
    start, stop : int
        Entries.
    table : Path
    key : str
        Names all that the content of the table depends on.
    on_target : float or None
        Particles on target that its events stand for.
    partial : bool
        Whether only a part of the file is read.
    sample_on_target : float or None
        Of the whole sample.
    spills : Spills or None
        Those of its events, known from all files of the sample.
    numbers : Numbers, Parked or None
        The event numbers that all files of the sample have around those of its file.
    index : Path or None
        The folder with the indices of the files.
    process : mapping
        What was simulated.
    hidden : bool
        Whether its text keeps silent about entries, as nobody is to know how many events there are.
    """

    sample: ListedSample
    file: Path
    identity: str
    stamp: Stamp | None
    grows: bool
    number: int
    start: int
    stop: int
    table: Path
    key: str
    on_target: float | None
    partial: bool
    sample_on_target: float | None = None
    spills: Spills | None = None
    numbers: Known | None = None
    index: Path | None = None
    process: Mapping[str, Any] = field(default_factory=dict)
    hidden: bool = False

    @property
    def context(self) -> Spills | None:
        """The spills with the event numbers, wherever these are.

        Raises
        ------
        UserError
            If they are parked, and cannot be read.
        """
        if self.spills is None or self.numbers is None:
            return self.spills
        return replace(self.spills, numbers=load(self.numbers))

    def __str__(self) -> str:
        return str(self.file) if self.hidden else f"{self.file} entries {self.start}-{self.stop}"

    @property
    def events(self) -> int:
        """How many entries they are; 0 if nobody is to know."""
        return 0 if self.hidden else self.stop - self.start
