"""Where the columns are that an analysis uses and a table lacks: what a job tells the selection, which knows no set-up."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from emiss.events.files.base import TableFile
    from emiss.reco.detector.model import Detector

    Absent = Callable[[str], str | None]

MADE_WITH = "detector"
"""Key of a table's provenance: the name of the set-up that its columns are of."""


def from_detector(detector: Detector | None, columns: Collection[str]) -> Absent | None:
    """Return who knows what columns a set-up lacks; None where there is no set-up."""
    return None if detector is None else _asked(detector.name, columns, detector.file)


def from_table(file: TableFile) -> Absent | None:
    """Return who knows what columns the set-up of a table lacks; None where the table does not say of which it is."""
    name = file.metadata.provenance.get(MADE_WITH) if file.metadata is not None else None
    return _asked(name, file.columns) if isinstance(name, str) else None


def _asked(name: str, columns: Collection[str], file: Path | None = None) -> Absent:
    """Return who looks at other set-ups when it is asked, which is seldom: to know them takes a tenth of a second."""

    def absent(missing: str) -> str | None:
        from emiss.reco.detector.elsewhere import Elsewhere

        return Elsewhere(name, columns, file)(missing)

    return absent
