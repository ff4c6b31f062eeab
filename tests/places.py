"""Which files of tests begin first, and which stay together when several workers share them."""

from __future__ import annotations

FIRST = (
    "tests/test_readme.py",
    "tests/test_docs.py",
    "tests/test_wheel.py",
    "tests/emiss/test_terminal.py",
    "tests/emiss/test_blinding.py",
    "tests/emiss/reach/test_limit.py",
    "tests/emiss/job/test_run.py",
    "tests/emiss/programme/test_search.py",
    "tests/emiss/job/test_parts.py",
    "tests/physics/limits/test_limit.py",
    "tests/physics/limits/test_one_counter.py",
)
"""The files that take longest begin first, so that no worker is alone with one of them in the end (--no-loadscope-reorder)."""

TOGETHER = ("tests/emiss/job/test_distributed.py", "tests/emiss/job/test_on_dask.py", "tests/emiss/job/test_pools.py")
"""The files with tests on a dask cluster: one worker runs them in a row, as a cluster costs more than what is done on it."""
