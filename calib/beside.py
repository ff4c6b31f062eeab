"""The constants that are meant where none are named: those beside the detector file, or those of the demo runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emiss.configs import loader, overlay

if TYPE_CHECKING:
    from pathlib import Path

DEMO = "demo"


def constants_of(detector: str | Path, *, near: Path | None = None) -> str:
    """Return the folder ``calib`` beside a detector file, or beside the first that it extends and that has one; else ``demo``.

    Raises
    ------
    UserError
        If there is no such detector, or it cannot be read.
    """
    _, files = overlay.load("detectors", loader.find("detectors", detector, near=near))
    return next((str(file.parent / "calib") for file in files if (file.parent / "calib").is_dir()), DEMO)
