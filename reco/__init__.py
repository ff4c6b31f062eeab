"""Reconstruction: from run files to event tables.

In a notebook::

    from emiss import reco

    run = reco.open("samples/data/signal.dat", detector="na64e_lfc", calib="demo")
    table = reco.process(run)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from emiss.reco.run import Run, open, process  # noqa: A004 - the name users expect

__all__ = ["Run", "open", "process"]


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for."""
    if name in __all__:
        import emiss.reco.run

        return getattr(emiss.reco.run, name)
    msg = f"module 'emiss.reco' has no attribute '{name}'"
    raise AttributeError(msg)
