"""emiss: from run files to a cutflow, and to a limit.

In a notebook or a script::

    import emiss

    run = emiss.open("samples/data/signal.dat", detector="na64e_lfc", calib="demo")
    table = emiss.process(run)                         # raw bits to an event table
    result = emiss.run(table, emiss.load("e_to_mu_phi"))   # cuts to a cutflow
    outcome = emiss.process_runs("demo", "out/demo")   # a whole run list: tables, cutflow, reports

What is listed in `__all__` is imported when it is first used: ``import emiss`` itself imports nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from emiss.configs.errors import UserError
    from emiss.events.files.open import read, write
    from emiss.events.table import EventTable
    from emiss.job.run import process_runs
    from emiss.job.select import select
    from emiss.physics.limits import Period, upper_limit
    from emiss.reco.run import Run, open, process  # noqa: A004 - the names users expect
    from emiss.samples.simulate import simulate
    from emiss.selection.analysis.model import Analysis
    from emiss.selection.analysis.read import load, loads
    from emiss.selection.results.cutflow import Cutflow
    from emiss.selection.results.result import Result, run

    __version__: str

__all__ = [
    "Analysis",
    "Cutflow",
    "EventTable",
    "Period",
    "Result",
    "Run",
    "UserError",
    "load",
    "loads",
    "open",
    "process",
    "process_runs",
    "read",
    "run",
    "select",
    "simulate",
    "upper_limit",
    "write",
]

_HOMES = {
    "Analysis": "selection.analysis.model",
    "Cutflow": "selection.results.cutflow",
    "EventTable": "events.table",
    "Period": "physics.limits",
    "Result": "selection.results.result",
    "Run": "reco.run",
    "UserError": "configs.errors",
    "load": "selection.analysis.read",
    "loads": "selection.analysis.read",
    "open": "reco.run",
    "process": "reco.run",
    "process_runs": "job.run",
    "read": "events.files.open",
    "run": "selection.results.result",
    "select": "job.select",
    "simulate": "samples.simulate",
    "upper_limit": "physics.limits",
    "write": "events.files.open",
}
_PACKAGES = ("calib", "configs", "events", "job", "look", "physics", "reach", "reco", "samples", "selection")


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for."""
    from importlib import import_module

    if name in _PACKAGES:
        return import_module(f"emiss.{name}")
    if name == "__version__":
        from emiss.events.provenance import package_version

        return package_version()
    if name not in _HOMES:
        msg = f"module 'emiss' has no attribute '{name}'"
        raise AttributeError(msg)
    found = getattr(import_module(f"emiss.{_HOMES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*__all__, *_PACKAGES, "__version__"})
