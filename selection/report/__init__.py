"""The reports of a cutflow: terminal, CSV, Markdown, LaTeX, HTML, and all of them at once as files."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from emiss.configs.errors import Location, UserError
from emiss.events.files.atomic import write_text
from emiss.selection.normalisation import PER_ON_TARGET

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from emiss.selection.report.figures import Drawn
    from emiss.selection.results.cutflow import Cutflow
    from emiss.selection.results.result import Result


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
        If the folder cannot be made or written to. What can be written is there then.
    """
    from emiss.selection.report import export, figures, html
    from emiss.selection.results.cutflow import Cutflow
    from emiss.selection.results.files import cutflow as cutflowfile
    from emiss.selection.results.files import histograms as histogramfile
    from emiss.selection.results.files import scans as scanfile
    from emiss.selection.results.result import Result

    whole = Result(result) if isinstance(result, Cutflow) else result
    cutflow = whole.cutflow
    folder = Path(directory)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(error.strerror or "cannot be made", at=Location(str(folder))) from None
    made: dict[str, Callable[[], str]] = {"cutflow.json": lambda: cutflowfile.dumps(cutflow)}
    for scan in whole.bound_scans:
        made[f"scan_{scan.name}.json"] = partial(scanfile.dumps, scan, whole.scans, cutflow, normalise_to)
        made[f"scan_{scan.name}.csv"] = partial(scanfile.csv, scan, whole.scans, cutflow, normalise_to)
    filled = any(whole.histograms.values())
    if filled:
        hash_ = cutflow.cuts_hash
        made["histograms.json"] = lambda: histogramfile.dumps(
            whole.histograms, analysis=cutflow.analysis, cuts_hash=hash_
        )
    made["cutflow.csv"] = lambda: export.csv(cutflow, normalise_to=normalise_to)
    made["cutflow.md"] = lambda: export.markdown(cutflow, normalise_to=normalise_to)
    made["cutflow.tex"] = lambda: export.latex(cutflow, normalise_to=normalise_to)
    trouble: list[Exception] = []
    drawn: Sequence[Drawn] = ()
    with _later(trouble):
        drawn = figures.of(whole, normalise_to=normalise_to)
    for figure in drawn:
        if figure.file:
            made[f"{figure.file}.svg"] = partial(str, figure.svg)
    made["cutflow.html"] = lambda: html.render(cutflow, sources=sources, normalise_to=normalise_to, figures=drawn)
    for name, write in made.items():
        with _later(trouble):
            write_text(folder / name, write())
    if filled:
        with _later(trouble):
            histogramfile.save_root(whole.histograms, folder / "histograms.root")
    if trouble:
        raise trouble[0]
    return (*(folder / name for name in made), *([folder / "histograms.root"] if filled else []))


@contextmanager
def _later(trouble: list[Exception]) -> Iterator[None]:
    """Keep what fails, to be raised when all other files are written: one of them must not cost the others."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - raised by the caller
        trouble.append(error)
