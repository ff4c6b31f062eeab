"""What analyses are checked against: the columns and samples of tables, run files and run lists that are given with them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from emiss.check.kinds import magic
from emiss.configs import loader
from emiss.configs.errors import UserError, did_you_mean
from emiss.job.absent import from_detector, from_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.check.kinds import Given
    from emiss.events.columns import Column
    from emiss.job.absent import Absent
    from emiss.runlist import RunList, RunListFile
    from emiss.selection import Analysis

DETECTOR = "na64e_lfc"
"""What an analysis is checked for where nothing else is said."""


class Known(NamedTuple):
    """Columns that an analysis is checked against; `absent` says where others are."""

    columns: Mapping[str, Column]
    absent: Absent | None = None


@dataclass
class Around:
    """What analyses are checked against.

    Attributes
    ----------
    columns : mapping of what it is to Known
    roles : mapping of sample to role
    tables : list of Path
        Event tables.
    runlists : list of (Path, RunList)
    detector : str or None
        What run files and analyses are checked for, where it is said.
    reader : Path or None
        The map that foreign files are read with.
    """

    detector: str | None = None
    reader: Path | None = None
    columns: dict[str, Known] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)
    tables: list[Path] = field(default_factory=list)
    runlists: list[tuple[Path, RunList]] = field(default_factory=list)

    def add_folder(self, one: Given) -> str:
        """Take the event tables in a folder; return what it holds."""
        from emiss.job.tables import find_tables

        tables = find_tables([one.path])
        samples = dict.fromkeys(self._table(path) for path in tables)
        return f"{len(tables)} event tables of {', '.join(samples)}"

    def add_stored(self, one: Given) -> str:
        """Take a ROOT or Parquet file: an event table, a simulated run file, or one of another program."""
        from emiss.events.files.open import file_and_tree, open_table

        try:
            table = open_table(one.path)
        except UserError:
            if magic(file_and_tree(one.path)[0]) == b"PAR1":
                raise
            return self.add_run(one)
        if table.metadata is None and self.reader is not None:
            return self.add_run(one)
        self._table(one.path)
        return f"event table, {table.entries} events, {len(table.columns)} columns"

    def _table(self, path: Path) -> str:
        """Keep columns and sample of an event table; return the name of the sample."""
        from emiss.events.files.open import open_table
        from emiss.job.tables import sample_of

        file = open_table(path)
        sample, role = sample_of(path, file)
        self.roles[sample] = role
        self.tables.append(path)
        if not any(known.columns == file.columns for known in self.columns.values()):
            self.columns[str(path)] = Known(file.columns, from_table(file))
        file.close()
        return sample

    def add_run(self, one: Given) -> str:
        """Take a run file, or one of another program; return what it holds."""
        from emiss.reco.detector.model import load_detector
        from emiss.reco.pipeline import columns_of
        from emiss.reco.readers import open_run_file
        from emiss.reco.readers.foreign.preselection import history_of
        from emiss.reco.readers.foreign.reader import ForeignFile, load_reader_map

        self.roles["data"] = "data"  # as bare files are called
        if self.reader is not None and magic(one.path) == b"root":
            document = load_reader_map(self.reader)
            mapped = ForeignFile(one.path, document)
            self.columns[str(one.path)] = Known(mapped.columns)
            history_of(document, [one.path], len(mapped.index()))
            return f"read by the map '{mapped.reader_map.reader}', {len(mapped.index())} events, {len(mapped.columns)} columns"
        detector = load_detector(self.detector or DETECTOR)
        run_file = open_run_file(one.path, detector)
        run_file.check()
        columns = {**columns_of(detector), **run_file.truth}
        self.columns[str(one.path)] = Known(columns, from_detector(detector, columns))
        index = run_file.index()
        runs = ", ".join(str(run) for run in index.runs())
        lost = int((~index.good).sum())
        return f"run file, {len(index)} events of run {runs}" + (f", {lost} of them lost" if lost else "")

    def fitting(self, analysis: Analysis) -> Mapping[str, Known]:
        """Return what an analysis is checked against, by what it is; nothing where run lists say it, or nobody can."""
        if self.columns or self.runlists:
            return self.columns
        if self.reader is not None:
            return _of_map(self.reader)
        if self.detector is not None:
            return _of_detector(Path(self.detector))
        if analysis.made_with is not None:
            return _made_with(analysis)
        return {} if analysis.units else _of_detector(Path(DETECTOR))


def declared(entry: RunListFile, near: Path) -> dict[str, Known]:
    """Return the columns of the detector or the reader that a run list names."""
    try:
        if entry.reader is not None:
            return _of_map(loader.find("readers", entry.reader, near=near))
        return _of_detector(loader.find("detectors", entry.detector or DETECTOR, near=near))
    except UserError:
        return {}


def _of_map(path: Path) -> dict[str, Known]:
    from emiss.reco.readers.foreign.expected import expected_columns

    columns = expected_columns(loader.load(path))
    return {} if columns is None else {f"reader {path.stem}": Known(columns)}


def _of_detector(name: Path) -> dict[str, Known]:
    """Return the columns of a detector's tables, with the truth that simulated files may have."""
    from emiss.events.columns import Column
    from emiss.reco.detector.model import load_detector
    from emiss.reco.pipeline import columns_of
    from emiss.samples.truth import MEANINGS

    truth = {f"truth.{key}": Column(f"truth.{key}", "f8", unit, meaning) for key, (unit, meaning) in MEANINGS.items()}
    detector = load_detector(name)
    columns = {**columns_of(detector), **truth}
    return {f"detector {name}": Known(columns, from_detector(detector, columns))}


def _made_with(analysis: Analysis) -> dict[str, Known]:
    """Return the columns of the reader or detector that an analysis says its tables are made with."""
    text = analysis.made_with
    assert text is not None  # noqa: S101 - the caller has looked
    near = text.place.document.path.parent
    if text.value in loader.shipped("schemas"):
        return {}  # which of its columns are there, a file alone can tell
    try:
        return _of_map(loader.find("readers", text.value, near=near))
    except UserError:
        pass
    try:
        return _of_detector(loader.find("detectors", text.value, near=near))
    except UserError:
        known = [name for kind in ("readers", "detectors", "schemas") for name in loader.shipped(kind)]
        hint = did_you_mean(text.value, known, otherwise="readers, detectors and schemas are")
        raise text.place.error(f"there is no reader or detector '{text.value}'", hint=hint) from None
