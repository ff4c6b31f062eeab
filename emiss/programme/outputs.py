"""The files of a search's limits: JSON, CSV, figures, and what other programs read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from emiss.configs.errors import Location, UserError
from emiss.events.files.atomic import write_text
from emiss.programme.search_figure import dark_matter, plane
from emiss.reach.figures import write as write_figure

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from emiss.programme.result import SearchLimit


def write(limit: SearchLimit, data: Mapping[str, Any], folder: Path | None, plot: Path | None) -> list[Path]:
    """Write JSON, CSV and figures to a folder and one more figure, and return the files.

    Raises
    ------
    UserError
        If the folder cannot be made or a file cannot be written.
    """
    written: list[Path] = []
    if folder is not None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(error.strerror or "cannot be made", at=Location(str(folder))) from None
        write_text(folder / "limit.json", json.dumps(data, indent=1, allow_nan=False) + "\n")
        write_text(folder / "limit.csv", limit.to_csv())
        written += [folder / "limit.json", folder / "limit.csv"]
    drawn = [*([folder / "limit.png", folder / "limit.pdf"] if folder is not None else []), *([plot] if plot else [])]
    if drawn:
        made = plane(limit)
        written += [write_figure(made, path) for path in drawn]
    if folder is not None and limit.search.thermal is not None:
        made = dark_matter(limit)
        written += [write_figure(made, folder / f"limit_y.{suffix}") for suffix in ("png", "pdf")]
    return written
