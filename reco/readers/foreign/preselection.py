"""The cutflow that a foreign file carries as a histogram: labelled bins with the events that were left after each cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.errors import Location, UserError, did_you_mean
from emiss.events.files.base import reading
from emiss.events.history import Before, History, problem
from emiss.events.location import for_uproot, located

if TYPE_CHECKING:
    from pathlib import Path


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
