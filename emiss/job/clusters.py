"""Where workers come from: this machine, a scheduler that runs, a batch system or a gateway; each library is imported here."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from emiss.configs.cluster import Address, Gateway, HTCondor, Local, Slurm
from emiss.configs.errors import UserError
from emiss.job.work import Limits

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from distributed import Client

    from emiss.job.distributed import DaskPool
    from emiss.job.task import Executor

NEVER = "365d"
"""When a worker of this machine counts as lost: its nanny starts it anew, however often it dies."""

Waiting = Callable[[str], AbstractContextManager[object]]

AnyCluster = Local | Address | HTCondor | Slurm | Gateway


@contextmanager
def executor_of(
    name: Literal["serial", "processes", "dask"],
    workers: int | None = None,
    scheduler: str | None = None,
    cluster: AnyCluster | None = None,
    *,
    waiting: Waiting = nullcontext,
) -> Iterator[Executor]:
    """Yield what does the tasks of a job, for as long as the block runs.

    Parameters
    ----------
    name : "serial", "processes" or "dask"
    workers : int, optional
        Of a cluster of this machine, if neither of the others is given.
    scheduler : str, optional
        ``tcp://HOST:PORT``, or the path of the scheduler's file; in the place of `cluster`.
    cluster : optional
        What the run list says.
    waiting : callable
        Given what is waited for, returns a context for as long as that takes.

    Raises
    ------
    UserError
        If a library is missing, the scheduler cannot be reached, or workers have another emiss.
    """
    if name != "dask":
        if scheduler is not None:
            raise UserError("--scheduler is for --executor dask")
        yield name
        return
    if scheduler is not None and workers is not None:
        raise UserError("--workers starts a cluster of this machine, --scheduler takes one that runs: give one of them")
    if scheduler is not None:
        cluster = Address(kind="address", scheduler=scheduler)
    elif workers is not None or cluster is None:
        cluster = Local(kind="local", workers=workers or 2)
    with client_of(cluster, waiting) as client:
        from emiss.job.distributed import check_workers

        with waiting("look at the workers"):
            check_workers(client)
        yield pool_on(client, cluster)


def pool_on(client: Client, cluster: AnyCluster) -> DaskPool:
    """Return the pool of a cluster's workers."""
    from emiss.job.attempts import Standing
    from emiss.job.distributed import DaskPool

    if isinstance(cluster, Address) or (isinstance(cluster, Gateway) and cluster.name is not None):
        wanted = None  # it is for others to say how many there are
    else:
        wanted = cluster.workers
    return DaskPool(client, Limits(retries=cluster.retries, stall=cluster.stall), Standing(wanted))


@contextmanager
def client_of(cluster: AnyCluster, waiting: Waiting = nullcontext) -> Iterator[Client]:
    """Yield a client of a cluster; one that is started here ends with the block.

    Raises
    ------
    UserError
        If a library is missing, or the scheduler cannot be reached.
    """
    try:
        import dask
        import distributed  # noqa: F401 - asked for by all of them
    except ImportError:
        raise missing("dask") from None
    settings: dict[str, Any] = {"distributed.scheduler.allowed-failures": cluster.retries}
    if isinstance(cluster, Local):
        settings["distributed.deploy.lost-worker-timeout"] = NEVER
    with dask.config.set(settings), _quiet():
        clients, what = _clients(cluster)
        with closing(clients):
            with waiting(what):
                client = next(clients)
            try:
                yield client
            except BaseException as error:
                clients.throw(error)
                raise
            next(clients, None)  # ends what was started


def _clients(cluster: AnyCluster) -> tuple[Generator[Client], str]:
    """Return what yields the one client and ends what it has started, and what is waited for."""
    if isinstance(cluster, Local):
        return _local(cluster), f"start {cluster.workers} workers"
    if isinstance(cluster, Address):
        return _at(cluster), f"wait for the scheduler at {cluster.scheduler}, {Limits.gone:.0f} s at most"
    if isinstance(cluster, Gateway):
        return _gateway(cluster), "wait for the gateway"
    return _batch(cluster), f"ask for {cluster.workers} workers"


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what dask logs about connections that are lost off the screen: what it means for the job is told by us."""
    names = [name for name in logging.root.manager.loggerDict if name.partition(".")[0] == "distributed"]
    before = {name: logging.getLogger(name).level for name in names}
    try:
        for name in names:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


def _local(cluster: Local) -> Generator[Client]:
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=cluster.workers,
            threads_per_worker=1,
            processes=True,
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL,
        ) as started,
        Client(started) as client,
    ):
        yield client


def _at(cluster: Address) -> Generator[Client]:
    from distributed import Client

    where = {"address" if "://" in cluster.scheduler else "scheduler_file": cluster.scheduler}
    if "scheduler_file" in where:
        _await(Path(cluster.scheduler))
    try:
        client = Client(timeout=Limits.gone, **where)
    except (OSError, ValueError) as error:
        raise UserError(f"no dask scheduler at {cluster.scheduler}: {error}") from None
    with client:
        yield client


def _await(file: Path) -> None:
    """Wait for the file of a scheduler that begins: dask would wait without end."""
    ends = time.monotonic() + Limits.gone
    while not file.is_file():
        if time.monotonic() > ends:
            message = f"no dask scheduler: there is no file {file} after {Limits.gone:g} s"
            raise UserError(message, hint=f"it is written by: dask scheduler --scheduler-file {file}")
        time.sleep(0.1)


def _batch(cluster: HTCondor | Slurm) -> Generator[Client]:
    from distributed import Client

    try:
        import dask_jobqueue
    except ImportError:
        raise missing("dask-jobqueue") from None
    # one process with one thread per core: kernels and tables share a process badly
    asked: dict[str, Any] = {"cores": cluster.cores, "processes": cluster.cores, "memory": cluster.memory}
    make: Callable[..., Any]
    if isinstance(cluster, HTCondor):
        make, asked["disk"] = dask_jobqueue.HTCondorCluster, cluster.disk
    else:
        make, asked["walltime"] = dask_jobqueue.SLURMCluster, cluster.walltime
        asked |= {name: said for name in ("queue", "account") if (said := getattr(cluster, name)) is not None}
    try:
        started = make(**{**asked, **cluster.options})
    except (TypeError, ValueError) as error:
        raise UserError(f"dask-jobqueue does not take the cluster of the run list: {error}") from None
    with started, Client(started) as client:
        started.scale(cluster.workers)
        yield client


def _gateway(cluster: Gateway) -> Generator[Client]:
    try:
        from dask_gateway import Gateway as Door
    except ImportError:
        raise missing("dask-gateway") from None
    said = {name: value for name in ("address", "auth") if (value := getattr(cluster, name)) is not None}
    with Door(**said) as door:
        if cluster.name is not None:
            with door.connect(cluster.name) as found, found.get_client() as client:
                yield client
            return
        with door.new_cluster(**cluster.options) as started, started.get_client() as client:
            started.scale(cluster.workers)
            yield client


def missing(library: str) -> UserError:
    """Return what a user is told where a library is not installed."""
    return UserError(
        f"{library} is not installed",
        hint="pip install 'emiss[dask]'" if library == "dask" else f"pip install {library}",
    )
