"""The selection: from an event table to a cutflow. Knows no detector; any table of flat and list columns will do.

`load` reads an analysis file (`loads` its text), `run` applies it to a table; `Analysis` and `Result` are what they give.
`bind` makes an analysis ready for all tables with the same columns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from emiss.selection.analysis.model import Analysis
    from emiss.selection.analysis.read import load, loads
    from emiss.selection.binding.cuts import bind
    from emiss.selection.results.result import Result, run

__all__ = ["Analysis", "Result", "bind", "load", "loads", "run"]


_HOMES = {
    "Analysis": "analysis.model",
    "Result": "results.result",
    "bind": "binding.cuts",
    "load": "analysis.read",
    "loads": "analysis.read",
    "run": "results.result",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for."""
    if name not in _HOMES:
        msg = f"module 'emiss.selection' has no attribute '{name}'"
        raise AttributeError(msg)
    import importlib

    return getattr(importlib.import_module(f"emiss.selection.{_HOMES[name]}"), name)
