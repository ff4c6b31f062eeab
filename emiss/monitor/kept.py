"""What the monitor keeps in the folder of ``--out``: the log of alarms, all spills, and what later runs are compared with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TextIO

from emiss.configs.errors import Location, UserError
from emiss.monitor.reference import NAME
from emiss.monitor.told import as_json
from emiss.monitor.watch import Alarm, Shown

if TYPE_CHECKING:
    from pathlib import Path

    from emiss.monitor.watch import Event, Watch

LOG, SPILLS = "alarms.log", "spills.jsonl"


class Kept:
    """Writes to a folder; what is there from before stays, and more is put behind it.

    Raises
    ------
    UserError
        If it cannot be written to.
    """

    def __init__(self, out: Path, watch: Watch) -> None:
        self.out, self.watch = out, watch
        try:
            out.mkdir(parents=True, exist_ok=True)
            self._log: TextIO = (out / LOG).open("a", encoding="utf-8")
            self._spills: TextIO = (out / SPILLS).open("a", encoding="utf-8")
        except OSError as error:
            raise UserError(error.strerror or "cannot be written", at=Location(str(out))) from None

    def __call__(self, event: Event) -> None:
        """Keep what has happened."""
        if isinstance(event, Shown):
            print(json.dumps(as_json(event)), file=self._spills, flush=True)
            measuring = self.watch.measuring
            self.watch.whole.save(self.out / NAME, measuring.channels, measuring.planes)
        else:
            where = f" run {event.run} spill {event.spill}" if isinstance(event, Alarm) and event.run >= 0 else ""
            kind = "ALARM" if isinstance(event, Alarm) else "note"
            print(f"{event.time} {kind}{where} {' '.join(event.said.split())}", file=self._log, flush=True)

    def close(self) -> None:
        """Close the files."""
        self._log.close()
        self._spills.close()
