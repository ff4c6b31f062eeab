"""Who is told when a kernel has to be compiled: known to the command line, which must not import the compiler to say so."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class _Told:
    """What is called at the first kernel that is compiled in this process."""

    def __init__(self) -> None:
        self.tell: Callable[[], None] | None = None
        self.count = 0


_TOLD = _Told()


def tell(how: Callable[[], None] | None) -> None:
    """Have `how` called once, when the first kernel is compiled from now on; nothing for None."""
    _TOLD.tell = how


def begins() -> None:
    """Count a kernel that is not on disk, and say so if it is the first one."""
    _TOLD.count += 1
    how, _TOLD.tell = _TOLD.tell, None
    if how is not None:
        how()


def count() -> int:
    """Return how many kernels have been compiled in this process, as none of that signature was on disk."""
    return _TOLD.count
