"""The event model: batches, the event table with its declared columns, the ledger and the provenance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from emiss.events.files.open import read, write
    from emiss.events.handover import to_dask
    from emiss.events.table import EventTable

__all__ = ["EventTable", "read", "to_dask", "write"]


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is asked for: reading a table needs uproot, a ledger does not."""
    if name == "EventTable":
        from emiss.events.table import EventTable

        return EventTable
    if name == "to_dask":
        from emiss.events.handover import to_dask

        return to_dask
    if name in ("read", "write"):
        import emiss.events.files.open

        return getattr(emiss.events.files.open, name)
    msg = f"module 'emiss.events' has no attribute '{name}'"
    raise AttributeError(msg)
