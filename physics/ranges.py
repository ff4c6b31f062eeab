"""`RangeWarning`: a formula is used where it has not been checked, or is known to be wrong."""

from __future__ import annotations


class RangeWarning(UserWarning):
    """A formula is used outside the range in which it has been checked."""
