"""The reports of a cutflow: terminal, CSV, Markdown, LaTeX, HTML, and all of them at once as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from configs.errors import Location, UserError
from selection.cutflow import PER_ON_TARGET

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selection.cutflow import Cutflow
    from selection.result import Result


def write_all(
    result: Cutflow | Result,
    directory: str | Path,
    *,
    sources: Mapping[str, str] | None = None,
    normalise_to: float = PER_ON_TARGET,
) -> tuple[Path, ...]:
    """Write ``cutflow.json .csv .md .tex .html`` to a folder, each whole or not at all; return their paths.

    Of a result also ``histograms.root .json`` and ``scan_NAME.json .csv .svg``, where it has histograms and scans; their
    plots are in the HTML page, too.

    Parameters
    ----------
    result : Cutflow or Result
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
    from selection import cutflowfile, histogramfile, scanfile
    from selection.cutflow import Cutflow
    from selection.report import figures, html, text
    from selection.result import Result

    whole = Result(result) if isinstance(result, Cutflow) else result
    cutflow = whole.cutflow
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
    }
    drawn = figures.of(whole, normalise_to=normalise_to)
    texts["cutflow.html"] = html.render(cutflow, sources=sources, normalise_to=normalise_to, figures=drawn)
    for scan in whole.bound_scans:
        texts[f"scan_{scan.name}.json"] = scanfile.dumps(scan, whole.scans, cutflow, normalise_to)
        texts[f"scan_{scan.name}.csv"] = scanfile.csv(scan, whole.scans, cutflow, normalise_to)
    texts |= {f"{figure.file}.svg": figure.svg for figure in drawn if figure.file}
    binary = []
    if any(whole.histograms.values()):
        texts["histograms.json"] = histogramfile.dumps(
            whole.histograms, analysis=cutflow.analysis, cuts_hash=cutflow.cuts_hash
        )
        histogramfile.save_root(whole.histograms, folder / "histograms.root")
        binary = [folder / "histograms.root"]
    for name, written in texts.items():
        cutflowfile.write_text(folder / name, written)
    return (*(folder / name for name in texts), *binary)
