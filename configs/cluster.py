"""Where the workers of a job come from: the block ``cluster:`` of a run list.

What is asked of a batch system goes by the names that dask-jobqueue and dask-gateway have for it; ``options`` is handed to them
as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from emiss.configs import loader
from emiss.configs.schema import Model

if TYPE_CHECKING:
    from pathlib import Path

Count = Annotated[int, Field(ge=1)]


class Tries(Model):
    """When something is given up: how often it is tried again, and how many seconds one task may take."""

    retries: Annotated[int, Field(ge=0)] = 2
    stall: Annotated[float, Field(gt=0)] = 1800.0


class Local(Tries):
    """Processes of this machine."""

    kind: Literal["local"]
    workers: Count = 2


class Address(Tries):
    """A scheduler that runs already: ``tcp://HOST:PORT``, or the path of its file."""

    kind: Literal["address"]
    scheduler: str


class HTCondor(Tries):
    """Workers that are jobs of HTCondor."""

    kind: Literal["htcondor"]
    workers: Count
    cores: Count = 1
    memory: str = "2 GB"
    disk: str = "1 GB"
    options: Mapping[str, Any] = {}


class Slurm(Tries):
    """Workers that are jobs of Slurm."""

    kind: Literal["slurm"]
    workers: Count
    cores: Count = 1
    memory: str = "2 GB"
    walltime: str = "08:00:00"
    queue: str | None = None
    account: str | None = None
    options: Mapping[str, Any] = {}


class Gateway(Tries):
    """Workers that a dask-gateway starts; with a name, those of a cluster that runs already."""

    kind: Literal["gateway"]
    workers: Count = 2
    address: str | None = None
    auth: str | None = None
    name: str | None = None
    options: Mapping[str, Any] = {}


Cluster = Annotated[Local | Address | HTCondor | Slurm | Gateway, Field(discriminator="kind")]


class ClusterFile(Model):
    """A file that holds such a block alone, for commands without a run list."""

    cluster: Cluster


def load(path: Path) -> Local | Address | HTCondor | Slurm | Gateway:
    """Read the block ``cluster:`` of a file.

    Raises
    ------
    UserError
        For a mistake in the file, with its place.
    """
    return loader.validate(loader.load(path), ClusterFile).cluster
