"""The account of a raw run file: which of its events pass, and where the others went."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from emiss.events.columns import TYPE_BITS
from emiss.events.ledger import Ledger
from emiss.reco.formats.date import layout, reasons

if TYPE_CHECKING:
    from emiss.configs.arrays import Array
    from emiss.reco.formats.date.decoding.decode import Decoded
    from emiss.reco.formats.date.index.events import Index
    from emiss.reco.quality.continuity import Continuity

_TYPE_NAMES = {code: name for name, code in TYPE_BITS.items()}


def fates(index: Index, span: slice, decoded_entries: Array | None = None, decoded: Decoded | None = None) -> Array:
    """Return why events of a range do not pass: `reasons.LOST`, 0 for one that is no loss. See `ledger` for the arguments.

    A known type other than physics is no loss, whatever is inside.
    """
    type_ = index.type[span]
    known = (type_ >= layout.FIRST_TYPE) & (type_ <= layout.LAST_TYPE)
    fate: Array = np.where(index.good[span] & ~known, reasons.UNKNOWN_TYPE, index.reason[span])
    if decoded is not None and decoded_entries is not None:
        rows = decoded_entries - span.start
        thrown = (decoded.thrown > 0) & (type_[rows] == layout.PHYSICS)
        fate[rows[thrown]] = decoded.thrown[thrown]
    return fate


def ledger(
    index: Index,
    span: slice,
    decoded_entries: Array | None = None,
    decoded: Decoded | None = None,
    continuity: Continuity | None = None,
) -> Ledger:
    """Return the ledger of a range of entries; its sum rule holds.

    Parameters
    ----------
    index : Index
    span : slice
        Start and stop entry.
    decoded_entries : int64 array of shape (events,), optional
        The entries that `decoded` is about; without these two, damage inside events is not known.
    decoded : Decoded, optional
    continuity : Continuity, optional
        What the numbers of the file's events tell; without it, nothing is said of what is missing.
    """
    fate = fates(index, span, decoded_entries, decoded)
    type_ = index.type[span]
    kept = fate == reasons.GOOD
    passed = kept & (type_ == layout.PHYSICS)
    copy = fate == reasons.REPEATED
    damage, unusable = {}, 0
    if decoded is not None and decoded_entries is not None:
        whole = passed[decoded_entries - span.start]
        damage = decoded.damage(whole)
        unusable = int(np.count_nonzero(whole & decoded.part_lost))
    return Ledger(
        read=len(fate),
        passed=int(np.count_nonzero(passed)),
        not_physics=Counter(_TYPE_NAMES[code] for code in type_[kept & ~passed].tolist()),
        lost=Counter(reasons.LOST[code] for code in fate[~kept & ~copy].tolist()),
        excluded={reasons.LOST[reasons.REPEATED]: int(np.count_nonzero(copy))},
        damage=damage,
        bytes_skipped=int(index.skipped[span].sum()),
        incomplete_at_end=int(np.count_nonzero(fate == reasons.TRUNCATED)),
        missing={} if continuity is None else continuity.missing(span.start, span.stop),
        unusable=unusable,
        remarks={} if continuity is None else continuity.remarks(span.start, span.stop),
    ).check()
