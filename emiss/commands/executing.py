"""The options that say who does the work: executor, workers, scheduler, cluster; and the executor that follows from them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from emiss.job.clusters import AnyCluster
    from emiss.job.task import Executor

Name = Annotated[Literal["serial", "processes", "dask"], typer.Option("--executor", help="Who does the work.")]
Workers = Annotated[int | None, typer.Option(min=1, help="Number of processes of this machine; 2 by default.")]
Scheduler = Annotated[
    str | None, typer.Option(metavar="ADDRESS|FILE", help="The dask scheduler, in the place of a cluster of its own.")
]
Cluster = Annotated[
    Path | None, typer.Option("--cluster", metavar="FILE.yaml", help="Where dask's workers come from: 'cluster:'.")
]


@dataclass(frozen=True)
class Executing:
    """Who does the work."""

    executor: Name = "serial"
    workers: Workers = None
    scheduler: Scheduler = None
    cluster: Cluster = None

    @property
    def many(self) -> int:
        """How many processes are started, where they are."""
        return self.workers or 2

    @contextmanager
    def begun(self, listed: AnyCluster | None = None, *, quiet: bool = False) -> Iterator[Executor]:
        """Yield the executor for as long as the block runs; what it waits for is shown.

        Parameters
        ----------
        listed : optional
            The cluster that a run list names, where the options name none.
        quiet : bool

        Raises
        ------
        UserError
            For options that do not go together, and as `emiss.job.clusters.executor_of`.
        """
        from emiss.configs.errors import UserError

        if self.executor != "dask" and self.cluster is not None:
            raise UserError("--cluster is for --executor dask")
        if self.cluster is not None and self.scheduler is not None:
            raise UserError("--cluster and --scheduler both say where workers are", hint="give one of them")
        if self.executor != "dask":
            if self.scheduler is not None:
                raise UserError("--scheduler is for --executor dask")
            yield self.executor
            return
        from emiss.job.clusters import executor_of
        from emiss.terminal import waiting

        if self.cluster is not None:
            from emiss.configs.cluster import load

            listed = load(self.cluster)

        with executor_of(
            self.executor, self.workers, self.scheduler, listed, waiting=lambda what: waiting(what, quiet=quiet)
        ) as found:
            yield found


def note_of(executor: Executor) -> Callable[[], str] | None:
    """Return what tells how the work of an executor stands; None where there is nothing to tell."""
    return None if isinstance(executor, str) else executor.note
