"""Readers of run files: `open_run_file` tells from the content which one a file needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emiss.configs.errors import Location, UserError
from emiss.events.location import located
from emiss.reco.formats.date.bytes import first_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from emiss.reco.detector.model import Detector
    from emiss.reco.readers.base import RunFile

_DATE_MAGIC = b"\xfe\x5a\x1e\xda"


def open_run_file(path: str | Path, detector: Detector, *, span: tuple[int, int] | None = None) -> RunFile:
    """Open a raw (DATE, also compressed with gzip or Zstandard) or a simulated (ROOT) run file.

    With `span` only the bytes from the first to the second one of a raw file are read.

    Raises
    ------
    UserError
        If it cannot be read, or is neither.
    """
    path = located(path)
    head = first_bytes(path)
    if head[:4] == b"root":
        from emiss.reco.readers.simulated import SimulatedRunFile

        return SimulatedRunFile(path, detector)
    if head[4:8] == _DATE_MAGIC:
        from emiss.reco.readers.raw import RawRunFile

        return RawRunFile(
            path,
            detector.channel_maps_path,
            detector.channels,
            detector.plane_names,
            samples=detector.samples,
            timed=detector.timed,
            span=span,
        )
    raise UserError("neither a raw run file (DATE) nor a ROOT file", at=Location(str(path)))
