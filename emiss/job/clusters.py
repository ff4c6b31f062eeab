"""Where a client of a dask scheduler comes from."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from emiss.configs.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from distributed import Client

    from emiss.job.work import Limits


@contextmanager
def local(workers: int, limits: Limits) -> Iterator[Client]:
    """Yield a client of a cluster of this machine, which lives as long as the client."""
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError:
        raise missing("dask", "emiss[dask]") from None
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": limits.retries}),
        LocalCluster(
            n_workers=max(1, workers),
            threads_per_worker=1,
            processes=True,
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@contextmanager
def at(scheduler: str, limits: Limits) -> Iterator[Client]:
    """Yield a client of a scheduler that runs: ``tcp://HOST:PORT``, or the path of its file.

    Raises
    ------
    UserError
        If it cannot be reached.
    """
    try:
        from distributed import Client
    except ImportError:
        raise missing("dask", "emiss[dask]") from None
    where = {"address": scheduler} if "://" in scheduler else {"scheduler_file": scheduler}
    try:
        client = Client(timeout=limits.gone, **where)
    except (OSError, ValueError) as error:
        raise UserError(f"no dask scheduler at {scheduler}: {error}") from None
    with client:
        yield client


def missing(library: str, extra: str) -> UserError:
    """Return what a user is told where a library is not installed."""
    return UserError(f"{library} is not installed", hint=f"pip install '{extra}'")
