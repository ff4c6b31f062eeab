"""One dask cluster for all tests that need one: two workers of this machine."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from emiss.configs.cluster import Local
from emiss.job import clusters
from tests import places

if TYPE_CHECKING:
    from distributed import Client

LOCAL = Local(kind="local", workers=2, retries=1, stall=200.0)
_running = ExitStack()
_clients: list[Client] = []


@pytest.fixture
def client() -> Client:
    if not _clients:
        _clients.append(_running.enter_context(clusters.client_of(LOCAL)))
    return _clients[0]


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """End the cluster with the last file that needs it: one that has nothing to do takes an eighth of a processor."""
    if nextitem is None or nextitem.nodeid.partition("::")[0] not in places.TOGETHER:
        _clients.clear()
        _running.close()


@pytest.fixture
def pool(client):
    return clusters.pool_on(client, LOCAL)
