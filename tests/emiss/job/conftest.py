"""One dask cluster for all tests that need one: two workers of this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emiss.configs.cluster import Local
from emiss.job import clusters

if TYPE_CHECKING:
    from collections.abc import Iterator

    from distributed import Client

LOCAL = Local(kind="local", workers=2, retries=1, stall=200.0)


@pytest.fixture(scope="session")
def client() -> Iterator[Client]:
    with clusters.client_of(LOCAL) as found:
        yield found


@pytest.fixture
def pool(client):
    return clusters.pool_on(client, LOCAL)
