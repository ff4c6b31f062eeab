"""What was cut before foreign files were written: as their map says it, or as a histogram in each of them."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from emiss.configs import loader
from emiss.configs.errors import Location, UserError, did_you_mean
from emiss.events import history
from emiss.events.files.base import reading
from emiss.events.history import Before, History, problem
from emiss.events.location import for_uproot, located
from emiss.reco.readers.foreign.schema import ReaderMap

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from emiss.configs.loader import Document


def history_of(document: Document, files: Sequence[Path], events: int, *, hide: bool = False) -> History:
    """Return what a map says was cut before some files were written, which are all those of a sample.

    Parameters
    ----------
    document : Document
        The map.
    files : sequence of Path
    events : int
        In these files.
    hide : bool
        Whether nobody is to know how many these are.

    Raises
    ------
    UserError
        If the last row is less than the events that are there, or a histogram cannot be read or is of other cuts.
    """
    entry = loader.validate(document, ReaderMap)
    if entry.history_from is None:
        rows = tuple(one.row() for one in entry.history)
    else:
        name = entry.history_from.value
        rows = reduce(history.add, [rows_of_histogram(path, name) for path in files])
    if rows and rows[-1].events < events:
        many = "fewer than there are" if hide else f"and there are {events}"
        raise document.error(
            f"'{rows[-1].cut}' left {rows[-1].events} events, {many}",
            ("history" if entry.history else "history_from",),
            key=True,
            hint="the last row is of the events that the files were written with, all files together",
        )
    return rows


def rows_of_histogram(path: str | Path, name: str) -> History:
    """Return the bins of a histogram as rows; bins without a label are left out where they are empty.

    Raises
    ------
    UserError
        If there is no such histogram of one dimension with labelled bins, or its counts are no cutflow.
    """
    import uproot

    path = located(path)
    with reading(path), uproot.open(for_uproot(path)) as file:
        found = {key.partition(";")[0]: kind for key, kind in file.classnames(recursive=True).items()}
        if not found.get(name, "").startswith("TH1"):
            known = [key for key, kind in found.items() if kind.startswith("TH1")]
            said = f"there is no histogram '{name}' of one dimension"
            raise UserError(said, at=Location(str(path)), hint=did_you_mean(name, known, otherwise="there are"))
        histogram = file[name]
        labels = histogram.axis().labels() or []
        counts = np.asarray(histogram.values(), np.float64)
    if not labels or len(labels) > len(counts):
        raise UserError(f"the bins of '{name}' have no labels", at=Location(str(path)))
    labels = [*labels, *[""] * (len(counts) - len(labels))]
    rows = []
    for label, count in zip(labels, counts.tolist(), strict=True):
        if not label and count == 0.0:
            continue
        if not label or count < 0.0 or not float(count).is_integer():
            said = f"'{name}' holds {count:g} for '{label}', and a cutflow holds whole numbers of events by name"
            raise UserError(said, at=Location(str(path)))
        rows.append(Before(label, int(count)))
    if (wrong := problem(rows)) is not None:
        raise UserError(f"'{name}' is no cutflow: {wrong}", at=Location(str(path)))
    return tuple(rows)
