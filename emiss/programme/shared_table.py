"""Events that regions share as a table, and as a file of all samples."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from emiss.events.files.atomic import write_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from emiss.selection.overlap import Overlap

SCHEMA = "emiss.shared/1"
NAME = "shared.json"


def rows(found: Overlap) -> list[list[str]]:
    """Return the table of events that regions share, its heading first."""
    lines = [["events in both", *found.regions]]
    for name, row in zip(found.regions, found.both, strict=True):
        lines.append([name, *(str(int(number)) for number in row)])
    return lines


def write(found: Mapping[str, Overlap], folder: Path) -> Path:
    """Write what the regions of all samples share to ``shared.json``, schema ``emiss.shared/1``."""
    path = folder / NAME
    samples = {sample: one.to_json() for sample, one in found.items()}
    write_text(path, json.dumps({"schema": SCHEMA, "samples": samples}, indent=1) + "\n")
    return path
