"""The tasks that the last job in a folder of tables could not do, kept beside the tables for `emiss status`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from emiss.events.files.atomic import write_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from emiss.job.work import Failure

NAME = ".failures.json"
SCHEMA = "emiss.failures/1"


def save(folder: Path, failures: Sequence[Failure]) -> None:
    """Keep the failures of a job, in the place of those of an earlier one."""
    if failures:
        write_text(folder / NAME, json.dumps({"schema": SCHEMA, "failures": list(map(str, failures))}, indent=1) + "\n")
    else:
        (folder / NAME).unlink(missing_ok=True)


def load(folder: Path) -> tuple[str, ...]:
    """Return one line per failure; nothing where there is none, or the file is none of ours."""
    try:
        data = json.loads((folder / NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ()
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        return ()
    return tuple(map(str, data.get("failures", ())))
