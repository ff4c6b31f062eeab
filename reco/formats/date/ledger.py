"""The account of a raw run file: which of its events pass, and where the others went."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from events.columns import TYPE_BITS
from events.ledger import Ledger
from reco.formats.date import layout, reasons

if TYPE_CHECKING:
    from events.lists import Array
    from reco.formats.date.decode import Decoded
    from reco.formats.date.index import Index

_TYPE_NAMES = {code: name for name, code in TYPE_BITS.items()}


def fates(index: Index) -> Array:
    """Return why each event cannot pass as far as its header tells: `reasons.LOST`, 0 for one that may.

    A known type other than physics is no loss; see `ledger`.
    """
    known = (index.type >= layout.FIRST_TYPE) & (index.type <= layout.LAST_TYPE)
    return np.where(index.good & ~known, reasons.UNKNOWN_TYPE, index.reason)


def ledger(index: Index, span: slice, decoded_entries: Array | None = None, decoded: Decoded | None = None) -> Ledger:
    """Return the ledger of a range of entries; its sum rule holds.

    Parameters
    ----------
    index : Index
    span : slice
        Start and stop entry.
    decoded_entries : int64 array of shape (events,), optional
        The entries that `decoded` is about; without these two, damage inside events is not known.
    decoded : Decoded, optional
    """
    fate = fates(index)[span].copy()
    type_ = index.type[span]
    damage = {}
    if decoded is not None and decoded_entries is not None:
        rows = decoded_entries - span.start
        physics = type_[rows] == layout.PHYSICS
        thrown = (decoded.thrown > 0) & physics
        fate[rows[thrown]] = decoded.thrown[thrown]
        damage = decoded.damage(physics & ~thrown)
    kept = fate == reasons.GOOD
    truncated = fate == reasons.TRUNCATED
    return Ledger(
        read=len(fate),
        passed=int(np.count_nonzero(kept & (type_ == layout.PHYSICS))),
        not_physics=Counter(_TYPE_NAMES[code] for code in type_[kept & (type_ != layout.PHYSICS)].tolist()),
        lost=Counter(reasons.LOST[code] for code in fate[~kept].tolist()),
        damage=damage,
        bytes_skipped=int(index.skipped[span].sum()),
        incomplete_at_end=int(np.count_nonzero(truncated)),
    ).check()
