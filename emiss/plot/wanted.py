"""What a figure shows: its panels, as options of the command line or as a file (``figure: NAME``)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import BeforeValidator, Field, PrivateAttr

from emiss.configs import loader
from emiss.configs.document import Document
from emiss.configs.errors import UserError
from emiss.configs.schema import Model
from emiss.drawing import STYLES, check_style

if TYPE_CHECKING:
    from typing import Any


def _listed(value: Any) -> Any:
    """Return one text as a list of one."""
    return [value] if isinstance(value, str) else value


def _bins(value: Any) -> Any:
    """Return bins that YAML has as a list (``[50, 0 GeV, 100 GeV]``) as the text that the command line takes."""
    if isinstance(value, list) and value and all(isinstance(item, list) for item in value):
        return [", ".join(map(str, item)) for item in value]
    if isinstance(value, list) and len(value) == 3 and str(value[0]).isdigit():
        return [", ".join(map(str, value))]
    if isinstance(value, list) and value and not any("," in str(item) for item in value):
        return [f"[{', '.join(map(str, value))}]"]
    return _listed(value)


Words = Annotated[tuple[str, ...], BeforeValidator(_listed, json_schema_input_type=str | tuple[str, ...])]
Paths = Annotated[tuple[Path, ...], BeforeValidator(_listed, json_schema_input_type=str | tuple[str, ...])]
Binning = Annotated[
    tuple[str, ...],
    BeforeValidator(_bins, json_schema_input_type=str | tuple[int | str | tuple[int | str, ...], ...]),
]


class Panel(Model):
    """One plot.

    Attributes
    ----------
    result : Path
        Folder of a result, or event tables.
    plot : tuple of str
        Name of a stored histogram, an expression, or two for a plane.
    after, region : str
        Which cuts have been passed: as `after` of histograms; "" for the first stage and region.
    bins : tuple of str
        Of an expression: ``50, 0 GeV, 100 GeV``, or edges in brackets; for each of two.
    samples : tuple of str
        Those that are drawn; all by default.
    overlay : bool
        Samples over each other with their agreement, and not stacked.
    with_ : tuple of Path
        Results that are laid over the first one.
    labels : tuple of str
        What the results are called.
    normalise : str
        Particles on target; ``data``, ``shape`` or ``none``; "" chooses.
    analysis : str
        Of an expression, where the result does not say it.
    set : mapping
        Parameters of the analysis.
    tables : tuple of Path
        Of an expression, where they are not with the result.
    log : bool, optional
    ratio, per_unit : bool
    title : str, optional
    """

    result: Path
    plot: Words
    after: str = ""
    region: str = ""
    bins: Binning = ()
    samples: Words = ()
    overlay: bool = False
    with_: Paths = Field(default=(), alias="with")
    labels: Words = ()
    normalise: str = ""
    analysis: str = ""
    set: dict[str, str] = Field(default_factory=dict)
    tables: Paths = ()
    log: bool | None = None
    ratio: bool = True
    per_unit: bool = False
    title: str | None = None


class FigureFile(Model):
    """A figure of several panels.

    Attributes
    ----------
    figure : str
        Its name.
    panels : tuple of Panel
    columns : int
        Panels beside each other.
    style, experiment, status : str
        See `emiss.drawing.STYLES`; what stands above each panel.
    letters : bool
        Whether panels are called (a), (b), ...
    """

    figure: str
    panels: Annotated[tuple[Panel, ...], Field(min_length=1, max_length=16)]
    columns: Annotated[int, Field(ge=1, le=4)] = 2
    style: str = next(iter(STYLES))
    experiment: str = "NA64"
    status: str = ""
    letters: bool = True
    _document: Document = PrivateAttr()

    def near(self, path: Path) -> Path:
        """Return a path of the file, which is relative to it."""
        return path if path.is_absolute() else self._document.path.parent / path

    def of(self, document: Document) -> FigureFile:
        """Return this figure with the document it was read from."""
        self._document = document
        return self


def load_figure(path: Path) -> FigureFile:
    """Read the file of a figure.

    Raises
    ------
    UserError
        If it is not right, with file, line and column.
    """
    document = loader.load(path)
    found = loader.validate(document, FigureFile).of(document)
    try:
        check_style(found.style)
    except UserError as error:
        raise document.error(error.message, ("style",), hint=error.hint) from None
    return found
