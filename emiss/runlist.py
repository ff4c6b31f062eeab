"""The run list: which files make which sample, with which detector, constants and analysis.

Read from ``configs/runs/*.yaml`` (see docs/run-files.md), or made from bare files on the command line.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, replace
from math import fsum, inf
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, field_validator

from emiss.calib.beside import constants_of
from emiss.calib.run_ranges import OPEN, RunRange, parse_ranges
from emiss.configs import loader
from emiss.configs.cluster import Cluster
from emiss.configs.errors import Location, Problems, UserError
from emiss.configs.names import problem_of
from emiss.configs.schema import Model, Number
from emiss.events.location import is_remote, matching
from emiss.events.remote.address import shown_in
from emiss.reco.quality.spills import SpillRange

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from emiss.configs.loader import Document

Role = Literal["signal", "background", "data"]


class FromTable(Model):
    """Particles on target from a table with the columns run, spill, on_target and, if wanted, live_fraction."""

    from_: str = Field(alias="from")


class SampleEntry(Model):
    """One sample of a run list, as written."""

    role: Role
    files: tuple[str, ...] = Field(min_length=1)
    on_target: Number | FromTable | None = None
    scale: Number = 1.0
    runs: str | None = None

    @field_validator("on_target", mode="before")
    @classmethod
    def _number_or_table(cls, value: object) -> object:
        return FromTable.model_validate(value) if isinstance(value, dict) else value


class RunListFile(Model):
    """A run list, as written."""

    detector: str = ""
    analysis: str
    calib: str = ""
    reader: str | None = None
    quality: str | None = None
    max_bad_fraction: Number = 0.01
    cluster: Cluster | None = None
    samples: dict[str, SampleEntry] = Field(min_length=1)


@dataclass(frozen=True)
class ListedSample:
    """A sample with its files found; `on_target_table` is read when the spills of the files are known."""

    name: str
    role: Role
    files: tuple[Path, ...]
    on_target: float | None = None
    on_target_table: Path | None = None
    scale: float = 1.0
    runs: tuple[RunRange, ...] = ()

    def bare(self) -> ListedSample:
        """Return the sample without its files: what is sent to a worker with each of them."""
        return replace(self, files=())


@dataclass(frozen=True)
class RunList:
    """What one job works on."""

    name: str
    detector: str
    analysis: str
    calib: str
    samples: tuple[ListedSample, ...]
    near: Path
    max_bad_fraction: float = 0.01
    bad_spills: frozenset[SpillRange] = frozenset()
    text: str = ""
    reader: str | None = None
    cluster: Cluster | None = None

    @property
    def files(self) -> tuple[tuple[ListedSample, Path], ...]:
        """All files, each with its sample."""
        return tuple((sample, path) for sample in self.samples for path in sample.files)

    def absolute(self) -> RunList:
        """Return the run list with paths of files that do not depend on the folder where one works."""
        samples = tuple(
            replace(sample, files=tuple(path if is_remote(path) else path.absolute() for path in sample.files))
            for sample in self.samples
        )
        return replace(self, samples=samples)

    @property
    def texts(self) -> dict[str, str]:
        """The run list itself by the name that outputs give it, without logins in addresses; nothing without a file."""
        return {f"{self.name}.yaml": shown_in(self.text)} if self.text else {}


def load(path: str | Path) -> RunList:
    """Read a run list; files are looked for from its own folder.

    Raises
    ------
    UserError
        For a mistake in the file or a pattern that matches no file, with file, line and column.
    """
    document = loader.load(loader.find("runs", path))
    entry = loader.validate(document, RunListFile)
    near = document.path.parent
    for key in ("detector", "calib"):
        if bool(getattr(entry, key)) == (entry.reader is not None):
            if entry.reader is not None:
                raise document.error(f"a file read with a 'reader' needs no '{key}'", (key,), key=True)
            raise document.error(f"the key '{key}' is missing", hint="or 'reader', for files of other programs")
    problems = Problems()
    if not 0 <= entry.max_bad_fraction <= 1:
        problems.add(document.error("a fraction of events lies between 0 and 1", ("max_bad_fraction",)))
    samples = []
    for name, item in entry.samples.items():
        try:
            samples.append(_sample(document, name, item, near))
        except UserError as error:
            problems.add(error)
    problems.check()
    return RunList(
        name=document.path.stem,
        detector=entry.detector,
        analysis=entry.analysis,
        calib=entry.calib,
        samples=tuple(samples),
        near=near,
        max_bad_fraction=entry.max_bad_fraction,
        bad_spills=_bad_spills(near / entry.quality) if entry.quality else frozenset(),
        text=document.text,
        reader=entry.reader,
        cluster=entry.cluster,
    )


def from_files(
    files: Sequence[str | Path], *, detector: str = "", analysis: str, calib: str | None = "", reader: str | None = None
) -> RunList:
    """Return the run list of bare files: one sample without a number of particles on target.

    It is ``data``, or of the role that the map says which the files are read with, and called so. Where `calib` is None, the
    constants are those of the detector.
    """
    if calib is None:
        calib = constants_of(detector)
    found: list[Path] = []
    for pattern in files:
        matches = _match(str(pattern), Path())
        if not matches:
            raise UserError("no such file", at=Location(str(pattern)))
        found += matches
    role: Role = "data" if reader is None else _role_of(reader)
    sample = ListedSample(role, role, tuple(found))
    return RunList("data", detector, analysis, calib, (sample,), Path(), reader=reader)


def _role_of(reader: str) -> Role:
    """Return the role that a map gives to files without a run list."""
    from emiss.reco.readers.foreign.reader import load_reader_map
    from emiss.reco.readers.foreign.schema import ReaderMap

    return loader.validate(load_reader_map(reader), ReaderMap).role


def _sample(document: Document, name: str, item: SampleEntry, near: Path) -> ListedSample:
    path = ("samples", name)
    found: list[Path] = []
    for number, pattern in enumerate(item.files):
        matches = _match(pattern, near)
        if not matches:
            raise document.error(f"no file matches '{pattern}'", (*path, "files", number), hint=f"looked in {near}")
        for match in matches:
            if match in found:
                raise document.error(f"{match} is matched twice", (*path, "files", number))
        found += matches
    table = None
    if isinstance(item.on_target, FromTable):
        table = near / item.on_target.from_
        if not table.is_file():
            raise document.error(f"no file {table}", (*path, "on_target", "from"))
    try:
        runs = parse_ranges(item.runs) if item.runs else ()
    except ValueError as error:
        raise document.error(str(error), (*path, "runs")) from None
    number_ = item.on_target if isinstance(item.on_target, float | int) else None
    problems = Problems()
    if (wrong := problem_of(name)) is not None:
        problems.add(document.error(wrong, path, key=True))
    if number_ is not None and not 0 < number_ < inf:
        problems.add(document.error("particles on target must be more than 0, and finite", (*path, "on_target")))
    if not 0 < item.scale < inf:
        problems.add(document.error("a scale must be more than 0, and finite", (*path, "scale")))
    problems.check()
    return ListedSample(name, item.role, tuple(found), number_, table, item.scale, runs)


def _match(pattern: str, near: Path) -> list[Path]:
    """Return the files that a pattern matches; ``@LIST`` is a file with one pattern per line, ``#`` begins a comment."""
    if pattern.startswith("@"):
        listed = near / pattern[1:]
        try:
            lines = listed.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "no text"
            raise UserError(f"the list of files cannot be read: {reason}", at=Location(str(listed))) from None
        found: list[Path] = []
        for number, line in enumerate(lines, 1):
            text = line.partition("#")[0].strip()
            if text:
                matches = [] if text.startswith("@") else _match(text, listed.parent)
                if not matches:
                    raise UserError(f"no file matches '{text}'", at=Location(str(listed), number))
                found += matches
        return found
    return matching(pattern, near)


class BadSpills(Model):
    """One entry of a list of bad spills."""

    run: int
    spills: str
    why: str = ""


class BadSpillList(Model):
    """A list of bad spills."""

    bad_spills: tuple[BadSpills, ...]


def _bad_spills(path: Path) -> frozenset[SpillRange]:
    document = loader.load(path)
    entry = loader.validate(document, BadSpillList)
    bad: set[SpillRange] = set()
    for number, item in enumerate(entry.bad_spills):
        try:
            ranges = parse_ranges(item.spills)
        except ValueError as error:
            raise document.error(str(error), ("bad_spills", number, "spills")) from None
        if any(part.last == OPEN for part in ranges):
            raise document.error("name the last spill of the range", ("bad_spills", number, "spills"))
        bad |= {SpillRange(item.run, part.first, part.last) for part in ranges}
    return frozenset(bad)


def read_on_target(path: Path, spills: Iterable[tuple[int, int]]) -> float:
    """Return the particles on target in the given (run, spill), from a table with one row per spill.

    The columns are run, spill, on_target and, if there, live_fraction, by which on_target is multiplied.

    Raises
    ------
    UserError
        If the table cannot be read, a column or a spill is missing, a spill stands twice, or a value is none that it can be.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "no UTF-8 text"
        raise UserError(f"the table of particles on target cannot be read: {reason}", at=Location(str(path))) from None
    counts: dict[tuple[int, int], float] = {}
    problems = Problems()
    rows = csv.DictReader(io.StringIO(text, newline=""), skipinitialspace=True)
    missing = {"run", "spill", "on_target"} - {name.strip() for name in rows.fieldnames or () if name}
    if missing:
        raise UserError(f"the column '{min(missing)}' is missing", at=Location(str(path), 1))
    rows.fieldnames = [name.strip() for name in rows.fieldnames or ()]
    try:
        for row in rows:
            place = Location(str(path), rows.line_num)
            try:
                key, value = _row(row)
            except ValueError as error:
                problems.add(UserError(str(error), at=place))
                continue
            if key in counts:
                problems.add(UserError(f"run {key[0]} spill {key[1]} stands twice", at=place))
            counts[key] = value
    except csv.Error as error:
        raise UserError(f"no table: {error}", at=Location(str(path), rows.line_num)) from None
    problems.check()
    wanted = set(spills)
    gaps = sorted(wanted - counts.keys())
    if gaps:
        raise UserError(f"no row for run {gaps[0][0]} spill {gaps[0][1]} ({len(gaps)} missing)", at=Location(str(path)))
    return fsum(counts[key] for key in sorted(wanted))


def _row(row: dict[str, str | None]) -> tuple[tuple[int, int], float]:
    """Return (run, spill) and live particles on target of a row; a ValueError says what is wrong with it."""
    try:
        key = int(row["run"] or ""), int(row["spill"] or "")
        value, live = float(row["on_target"] or ""), float((row.get("live_fraction") or "").strip() or 1.0)
    except ValueError:
        msg = "a value is no number"
        raise ValueError(msg) from None
    if not 0.0 <= value < inf:
        msg = f"{value:g} particles on target: a number of 0 or more is needed"
        raise ValueError(msg)
    if not 0.0 <= live <= 1.0:
        msg = f"a live fraction lies between 0 and 1, this is {live:g}"
        raise ValueError(msg)
    return key, value * live
