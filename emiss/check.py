"""What is wrong with files and configs, without running anything: each by itself, and the analyses among them with the rest.

An analysis is checked against the columns of all that is given with it: event tables, run lists, run files, foreign files.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emiss.configs import loader
from emiss.configs.errors import Location, Problems, UserError, did_you_mean
from emiss.selection import blinding
from emiss.selection.analysis.schema import AnalysisModel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from emiss.configs.document import Document
    from emiss.events.columns import Column
    from emiss.runlist import RunList, RunListFile
    from emiss.selection import Analysis

DETECTOR = "na64e_lfc"
"""What an analysis is checked for where nothing else is said."""

PARTS = frozenset(AnalysisModel.model_fields) - {"extends", "description", "made_with"}
"""Keys that only an analysis has."""

_YAML = (".yaml", ".yml")


@dataclass
class Checked:
    """What a check found: one line per good thing, warnings, mistakes."""

    lines: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    problems: Problems = field(default_factory=Problems)


@dataclass(frozen=True)
class Given:
    """A path with what it is; `document` is that of a YAML file."""

    path: Path
    kind: str
    document: Document | None = None


@dataclass
class Around:
    """What analyses are checked against.

    Attributes
    ----------
    columns : mapping of what it is to columns
    roles : mapping of sample to role
    tables : list of Path
        Event tables.
    """

    columns: dict[str, Mapping[str, Column]] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)
    tables: list[Path] = field(default_factory=list)
    runlists: list[tuple[Path, RunList]] = field(default_factory=list)


def check(paths: Sequence[Path], *, detector: str | None = None, reader: str | None = None) -> Checked:
    """Check files and configs.

    Parameters
    ----------
    paths : sequence of Path
        Run files, event tables (also folders of them), foreign files, YAML files, conditions.
    detector, reader : str, optional
        What run files and analyses are checked for; a map among `paths` is the reader of the foreign files among them.
    """
    with tempfile.TemporaryDirectory() as folder:
        return _Check(detector, reader, Path(folder)).all(paths)


class _Check:
    def __init__(self, detector: str | None, reader: str | None, folder: Path) -> None:
        self.detector = detector
        self.reader = None if reader is None else loader.find("readers", reader)
        self.folder = folder
        self.around = Around()
        self.out = Checked()

    def all(self, paths: Iterable[Path]) -> Checked:
        given = [one for path in paths if (one := self._attempt(lambda path=path: self._given(path))) is not None]  # type: ignore[misc]
        maps = [one.path for one in given if one.kind == "map"]
        if self.reader is None and len(maps) == 1:
            self.reader = maps[0]
        said: dict[int, str | None] = {}
        # analyses last: they are checked against the rest
        for number, one in sorted(enumerate(given), key=lambda item: item[1].kind == "analysis"):
            said[number] = self._attempt(lambda one=one: getattr(self, f"_{one.kind}")(one))  # type: ignore[misc]
        self.out.lines = [f"{one.path}: {said[i]}" for i, one in enumerate(given) if said[i] is not None]
        return self.out

    def _attempt(self, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except UserError as error:
            self.out.problems.add(error)
            return None

    def _given(self, path: Path) -> Given:
        """Recognise what a path is; a YAML file by its keys."""
        if path.suffix in _YAML:
            document = loader.load(path)
            return Given(path, _kind(document), document)
        if path.is_dir():
            if (path / "detector.yaml").is_file():
                return Given(path / "detector.yaml", "detector", loader.load(path / "detector.yaml"))
            tables = any(p.suffix in (".root", ".parquet") for p in path.rglob("*"))
            return Given(path, "folder" if tables else "conditions")
        if path.suffix == ".txt":
            return Given(path, "conditions")
        if not path.is_file():
            raise UserError("no such file", at=Location(str(path)))
        with path.open("rb") as file:
            magic = file.read(4)
        return Given(path, "stored" if magic in (b"root", b"PAR1") else "run")

    # --- what analyses are checked against ----------------------------------------------------------------------------

    def _folder(self, one: Given) -> str:
        from emiss.job.tables import find_tables

        tables = find_tables([one.path])
        samples = dict.fromkeys(self._table(path) for path in tables)
        return f"{len(tables)} event tables of {', '.join(samples)}"

    def _stored(self, one: Given) -> str:
        """Check a ROOT or Parquet file: an event table, a simulated run file, or one of another program."""
        from emiss.events.files.open import open_table

        try:
            table = open_table(one.path)
        except UserError:
            with one.path.open("rb") as file:
                if file.read(4) == b"PAR1":
                    raise
            return self._run(one)
        if table.metadata is None and self.reader is not None:
            return self._run(one)
        self._table(one.path)
        return f"event table, {table.entries} events, {len(table.columns)} columns"

    def _table(self, path: Path) -> str:
        """Keep columns and sample of an event table; return the name of the sample."""
        from emiss.events.files.open import open_table
        from emiss.job.tables import sample_of

        file = open_table(path)
        sample, role = sample_of(path, file)
        self.around.roles[sample] = role
        self.around.tables.append(path)
        if not any(columns == file.columns for columns in self.around.columns.values()):
            self.around.columns[str(path)] = file.columns
        file.close()
        return sample

    def _run(self, one: Given) -> str:
        from emiss.reco.detector.model import load_detector
        from emiss.reco.pipeline import columns_of
        from emiss.reco.readers import open_run_file
        from emiss.reco.readers.foreign.reader import ForeignFile, load_reader_map

        self.around.roles["data"] = "data"  # as bare files are called
        if self.reader is not None and _magic(one.path) == b"root":
            document = load_reader_map(self.reader)
            mapped = ForeignFile(one.path, document)
            self.around.columns[str(one.path)] = mapped.columns
            return f"read by the map '{mapped.reader_map.reader}', {len(mapped.index())} events, {len(mapped.columns)} columns"
        detector = load_detector(self.detector or DETECTOR)
        run_file = open_run_file(one.path, detector)
        run_file.check()
        self.around.columns[str(one.path)] = {**columns_of(detector), **run_file.truth}
        index = run_file.index()
        runs = ", ".join(str(run) for run in index.runs())
        lost = int((~index.good).sum())
        return f"run file, {len(index)} events of run {runs}" + (f", {lost} of them lost" if lost else "")

    def _runlist(self, one: Given) -> str:
        from emiss import runlist
        from emiss.job.plan import plan

        assert one.document is not None  # noqa: S101 - it is a YAML file
        entry = loader.validate(one.document, runlist.RunListFile)
        self.around.roles.update((name, sample.role) for name, sample in entry.samples.items())
        try:
            runs = runlist.load(one.path)
        except UserError:
            # analyses can be checked against it even so, where only its files are missing
            self.around.columns |= _declared(entry, one.path.parent)
            raise
        self.around.runlists.append((one.path, runs))
        job = plan(runs, self.folder)
        entries = sum(task.stop - task.start for task in job.tasks if task.sample.name not in job.hidden)
        blinded = f" and those of {', '.join(job.hidden)} (blinded)" if job.hidden else ""
        return f"run list, {len(runs.samples)} samples, {len(job.inputs)} files, {entries} entries{blinded}"

    # --- configs ------------------------------------------------------------------------------------------------------

    def _analysis(self, one: Given) -> str:
        from emiss.selection.analysis.read import survey
        from emiss.selection.binding.cuts import mistakes

        assert one.document is not None  # noqa: S101 - it is a YAML file
        analysis, found = survey(one.document)
        part = not any(analysis.regions.values()) and not analysis.histograms and not _named(one)
        against = self._columns(analysis)
        for what, columns in against.items():
            try:
                for error in mistakes(analysis, columns) if found.errors else ():
                    found.add(error)
                if not found.errors:
                    analysis.bind(columns, part=part)
            except UserError as error:
                found.add(error)
            if found.errors and len(against) > 1:
                self.out.warnings.append(f"{one.path} does not fit the columns of {what}")
        self._blind(analysis, one.path, found)
        self._with_runlists(one.path, found)
        # run lists name the same file by another path
        distinct = {(_order(error)[1:], error.message): error for error in reversed(found.errors)}.values()
        Problems(sorted(distinct, key=_order)).check()
        said = f"analysis '{analysis.name}', {len(analysis.cuts)} cuts" if not part else "part of an analysis"
        if self.around.runlists or against:
            return f"{said} (fits the columns of {', '.join([*against, *(str(path) for path, _ in self.around.runlists)])})"
        return f"{said} (its columns were not looked at: give a table or a run list with it)"

    def _columns(self, analysis: Analysis) -> Mapping[str, Mapping[str, Column]]:
        """Return what an analysis is checked against, by what it is; nothing where run lists say it, or nobody can."""
        if self.around.columns or self.around.runlists:
            return self.around.columns
        if self.reader is not None:
            return _of_map(self.reader)
        if self.detector is not None:
            return _of_detector(Path(self.detector))
        if analysis.made_with is not None:
            return _made_with(analysis)
        return {} if analysis.units else _of_detector(Path(DETECTOR))

    def _blind(self, analysis: Analysis, path: Path, problems: Problems) -> None:
        """Check the names under `blind` as far as samples are known."""
        from emiss.job.tables import samples_beside

        if not self.around.roles:
            for name in blinding.unknown(analysis, blinding.ROLES):
                hint = did_you_mean(name.value, blinding.ROLES, otherwise="roles are")
                self.out.warnings.append(
                    f"{path}: blind: '{name.value}' is no role ({hint}); give the run list or tables with it to know whether "
                    "a sample is called so"
                )
            return
        try:
            blinding.check(
                analysis, self.around.roles, (), unblind=False, elsewhere=lambda: samples_beside(self.around.tables)
            )
        except UserError as error:
            problems.add(error)

    def _with_runlists(self, path: Path, problems: Problems) -> None:
        """Plan the jobs of the run lists with the analysis in the place of theirs."""
        from emiss.job.plan import plan

        for _, runs in self.around.runlists:
            own = loader.find("analyses", runs.analysis, near=runs.near)
            if own.resolve() != path.resolve():
                try:
                    plan(replace(runs, analysis=str(path.resolve())), self.folder)
                except UserError as error:
                    problems.add(error)

    def _map(self, one: Given) -> str:
        from emiss.reco.readers.foreign.schema import ReaderMap

        assert one.document is not None  # noqa: S101 - it is a YAML file
        read = loader.validate(one.document, ReaderMap)
        return f"map '{read.reader}', {len(read.columns)} columns (checked against a file where one is given)"

    def _sample(self, one: Given) -> str:
        from emiss.samples.config import Sample

        assert one.document is not None  # noqa: S101 - it is a YAML file
        sample = loader.validate(one.document, Sample)
        return f"sample '{sample.name}', {sample.events} events"

    def _detector(self, one: Given) -> str:
        from emiss.reco.detector.model import load_detector

        loaded = load_detector(one.path)
        fields = ", ".join(f"{arm.magnet.name} {arm.field.integral * 1e-3:.3g} T m" for arm in loaded.arms.values())
        return f"detector '{loaded.name}', {len(loaded.channels)} channels, {len(loaded.planes)} planes, {fields}"

    def _conditions(self, one: Given) -> str:
        from emiss.calib.conditions import Conditions

        return f"conditions, {len(Conditions.load(one.path).tables)} tables"


def _order(error: UserError) -> tuple[str, int, int]:
    return (error.at.file, error.at.line, error.at.column) if error.at is not None else ("", 0, 0)


def _magic(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(4)


def _named(one: Given) -> bool:
    return one.document is not None and "analysis" in one.document.data


def _kind(document: Document) -> str:
    """Recognise what a YAML file is by its keys."""
    keys = set(document.data) if isinstance(document.data, dict) else set()
    if "samples" in keys:
        return "runlist"
    if "reader" in keys:
        return "map"
    if "process" in keys:
        return "sample"
    if keys & PARTS:
        return "analysis"
    if "extends" in keys:
        return "analysis" if _extends_analysis(document) else "detector"
    if "ecal" in keys:
        return "detector"
    raise document.error(
        "neither a run list, an analysis, a detector, a map nor a sample",
        hint="they have the keys 'samples', 'cuts', 'ecal', 'reader' and 'process'",
    )


def _extends_analysis(document: Document) -> bool:
    try:
        loader.find("analyses", str(document.data["extends"]), near=document.path.parent)
    except UserError:
        return False
    return True


def _declared(entry: RunListFile, near: Path) -> dict[str, Mapping[str, Column]]:
    """Return the columns of the detector or the reader that a run list names."""
    try:
        if entry.reader is not None:
            return _of_map(loader.find("readers", entry.reader, near=near))
        return _of_detector(loader.find("detectors", entry.detector or DETECTOR, near=near))
    except UserError:
        return {}


def _of_map(path: Path) -> dict[str, Mapping[str, Column]]:
    from emiss.reco.readers.foreign.expected import expected_columns

    columns = expected_columns(loader.load(path))
    return {} if columns is None else {f"reader {path.stem}": columns}


def _of_detector(name: Path) -> dict[str, Mapping[str, Column]]:
    """Return the columns of a detector's tables, with the truth that simulated files may have."""
    from emiss.events.columns import Column
    from emiss.reco.detector.model import load_detector
    from emiss.reco.pipeline import columns_of
    from emiss.samples.response import TRUTH

    truth = {f"truth.{key}": Column(f"truth.{key}", "f8", unit, meaning) for key, (unit, meaning) in TRUTH.items()}
    return {f"detector {name}": {**columns_of(load_detector(name)), **truth}}


def _made_with(analysis: Analysis) -> dict[str, Mapping[str, Column]]:
    """Return the columns of the reader or detector that an analysis says its tables are made with."""
    text = analysis.made_with
    assert text is not None  # noqa: S101 - the caller has looked
    near = text.place.document.path.parent
    try:
        return _of_map(loader.find("readers", text.value, near=near))
    except UserError:
        pass
    try:
        return _of_detector(loader.find("detectors", text.value, near=near))
    except UserError:
        known = [*loader.shipped("readers"), *loader.shipped("detectors")]
        hint = did_you_mean(text.value, known, otherwise="readers and detectors are")
        raise text.place.error(f"there is no reader or detector '{text.value}'", hint=hint) from None
