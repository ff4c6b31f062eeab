"""`Work`: what is to be done with each of many items, and what comes of it, wherever it is done.

Work is pickled once for a job and started in each worker process, where it loads what all its items need. An item is small:
it is sent to a worker for itself, and its text names it in messages.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - part of a dataclass
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from emiss.configs.errors import EmissError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

Item_contra = TypeVar("Item_contra", contravariant=True)
Done_co = TypeVar("Done_co", covariant=True)
Item = TypeVar("Item")
Done = TypeVar("Done")


class Work(Protocol[Item_contra, Done_co]):
    """What is to be done."""

    @property
    def name(self) -> str:
        """One word, under which a dashboard shows it."""
        ...

    def start(self) -> Callable[[Item_contra], Done_co]:
        """Load what all items need; called once in every process that works, or once in each of its threads.

        An item may be done more than once: where it failed, and where its result was lost.
        """
        ...


@dataclass(frozen=True)
class Limits:
    """When something is given up.

    Attributes
    ----------
    retries : int
        How often an item is tried again, elsewhere if there is an elsewhere, before it counts as failed.
    stall : float
        Seconds that an item may take; a worker that takes longer is ended.
    window : int
        Items that are under way at a time.
    ahead : int
        Items per worker that are under way, or done and not yet taken, where results are wanted in order.
    gone : float
        Seconds that a scheduler may be out of reach.
    """

    retries: int = 2
    stall: float = 1800.0
    window: int = 4096
    ahead: int = 4
    gone: float = 30.0


@dataclass(frozen=True)
class Failure:
    """An item that could not be done.

    Attributes
    ----------
    item : str
        Its text.
    worker : str
        Where it was tried last; empty if that is not known.
    why : str
        One line.
    traceback : str
        That of the worker, for the log; empty for a user's mistake.
    mistake : bool
        Whether it is one of the user's.
    """

    item: str
    worker: str
    why: str
    traceback: str = ""
    mistake: bool = False

    def __str__(self) -> str:
        at = f" (worker {self.worker})" if self.worker else ""
        return f"{self.item}: {self.why}{at}"


class ItemsFailedError(EmissError):
    """Items could not be done, without which there is no result."""

    exit_code = 3

    def __init__(self, failures: Sequence[Failure]) -> None:
        super().__init__("\n".join(map(str, failures)))
        self.failures = tuple(failures)

    def __reduce__(self) -> tuple[Any, ...]:
        return ItemsFailedError, (self.failures,)


@dataclass
class Collected(Generic[Done]):
    """The sum of each group, over all its items that could be done, and the others by number, in their order."""

    sums: Mapping[str, Done | None]
    failures: dict[int, Failure] = field(default_factory=dict)


class Pool(Protocol):
    """Processes, wherever they are, that do some work together."""

    def collect(
        self,
        work: Work[Item, Done],
        items: Sequence[Item],
        add: Callable[[Sequence[Done]], Done],
        groups: Sequence[str] | None = None,
        *,
        progress: Callable[[Item], None] = ...,
    ) -> Collected[Done]:
        """Do all items; return the sum of what they give for each group.

        Parameters
        ----------
        work : Work
        items : sequence
        add : callable
            A function of a module, which makes one of several results, given in the order of their items.
        groups : sequence of str, optional
            The group of each item; all are of the group "" by default.
        progress : callable
            Called once with each item that is done or given up, in any order.
        """
        ...

    def stream(self, work: Work[Item, Done], items: Sequence[Item]) -> Generator[Done]:
        """Do all items and yield what they give in their order; only a few results are held at a time.

        Raises
        ------
        EmissError
            If an item could not be done: what is wanted in order is wanted as a whole.
        """
        ...

    def note(self) -> str:
        """Return what is to be known of the work under way, in a few words: workers that are not there, failures."""
        ...
