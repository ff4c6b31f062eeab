"""The reports of a cutflow: terminal, CSV, Markdown, LaTeX, HTML, and all of them at once as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from configs.errors import Location, UserError
from selection.cutflow import PER_ON_TARGET

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selection.cutflow import Cutflow


def write_all(
    cutflow: Cutflow,
    directory: str | Path,
    *,
    sources: Mapping[str, str] | None = None,
    normalise_to: float = PER_ON_TARGET,
) -> tuple[Path, ...]:
    """Write ``cutflow.json .csv .md .tex .html`` to a folder, each whole or not at all; return their paths.

    Parameters
    ----------
    cutflow : Cutflow
    directory : Path
        Made where it does not exist.
    sources : mapping of file to text, optional
        The YAML files behind the cutflow, shown in the HTML page.
    normalise_to : float
        Particles on target that expected events are given for.

    Raises
    ------
    UserError
        If the folder cannot be made or written to.
    """
    from selection import cutflowfile
    from selection.report import html, text

    folder = Path(directory)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(error.strerror or "cannot be made", at=Location(str(folder))) from None
    texts = {
        "cutflow.json": cutflowfile.dumps(cutflow),
        "cutflow.csv": text.csv(cutflow, normalise_to=normalise_to),
        "cutflow.md": text.markdown(cutflow, normalise_to=normalise_to),
        "cutflow.tex": text.latex(cutflow, normalise_to=normalise_to),
        "cutflow.html": html.render(cutflow, sources=sources, normalise_to=normalise_to),
    }
    for name, written in texts.items():
        cutflowfile.write_text(folder / name, written)
    return tuple(folder / name for name in texts)
