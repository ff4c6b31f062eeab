"""The results that parts of a job have left in one folder or several: whether all are there, and of one job."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping  # noqa: TC003 - part of a dataclass
from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - part of a dataclass
from typing import TYPE_CHECKING, Any

from emiss.configs.errors import EmissError, Location, UserError
from emiss.events.files.manifest import Manifest
from emiss.job.division import Part, deal
from emiss.job.part_files import load_plan, load_results, manifest_hash
from emiss.job.part_results import AGAIN, Results

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from emiss.job.part_files import Plan

SHOWN = 12
"""Missing parts that a message names; of more it says how many."""


class PartsMissingError(EmissError):
    """Not all parts of a job are there; `parts` are those that have to be run."""

    exit_code = 3

    def __init__(self, folder: Path, parts: Sequence[Part]) -> None:
        named = ", ".join(map(str, parts[:SHOWN])) + (f" and {len(parts) - SHOWN} more" if len(parts) > SHOWN else "")
        again = f"run 'emiss process' again with --part {parts[0]}" + (" and so on" if len(parts) > 1 else "")
        super().__init__(f"{folder}: {len(parts)} of {parts[0].of} parts are not there: {named}; {again}")
        self.folder = folder
        self.parts = tuple(parts)

    def __reduce__(self) -> tuple[Any, ...]:
        return PartsMissingError, (self.folder, self.parts)


@dataclass(frozen=True)
class Found:
    """Where the results of a task were found: its number and key, the part, and the folder of the tables."""

    number: int
    key: str
    results: Results
    folder: Path

    @property
    def data(self) -> Mapping[str, Any]:
        """The plain data of the task, which is read whenever it is asked for.

        Raises
        ------
        UserError
            If it cannot be read.
        """
        return self.results.read(self.number)


def same_plan(folders: Sequence[Path]) -> Plan:
    """Return the plan that the parts in all folders follow.

    Raises
    ------
    UserError
        If they follow different ones, or the tables in a folder are of a later job.
    """
    plans = [load_plan(folder) for folder in folders]
    for folder, plan in zip(folders, plans, strict=True):
        if plan.identity != plans[0].identity:
            parts = ", ".join(results.part for results in load_results(folder)) or "a part"
            said = f"{parts} here: of another plan than those in {folders[0]}: {_difference(plan.identity, plans[0].identity)}"
            raise UserError(said, at=Location(str(folder)), hint=AGAIN)
        if manifest_hash(Manifest.load(folder)) != plan.identity["manifest"]:
            said = "the tables here are of another job than the parts"
            raise UserError(said, at=Location(str(folder)), hint="run the parts again, or take another --out")
    return plans[0]


def all_tasks(
    manifest: Manifest, plan: Plan, folders: Sequence[Path], hidden: Collection[str]
) -> tuple[list[Found], list[str]]:
    """Return what was found of each task of the job, and remarks on what else is there.

    `hidden` are the samples of which events are hidden.

    Raises
    ------
    PartsMissingError, UserError
        If tasks are missing: their parts are not there, or of another plan.
    """
    owners = [(name, entry) for name, sample in manifest.samples.items() for entry in sample.tables]
    entries = [entry for _, entry in owners]
    every = [(results, folder) for folder in folders for results in load_results(folder)]
    right = [(results, folder) for results, folder in every if results.plan == plan.identity]
    other = [results for results, _ in every if results.plan != plan.identity]
    found: dict[int, Found] = {}
    for results, folder in right:
        for number, (key, _) in results.tasks.items():
            found.setdefault(number, Found(number, key, results, folder))
    lacking = [number for number in range(len(entries)) if number not in found]
    if not lacking:
        paths = [str(results.path) for results in other]
        said = f"{len(paths)} parts of an earlier plan are not counted ({', '.join(paths[:2])})"
        return [found[number] for number in range(len(entries))], [said] if paths else []
    divisions = Counter(Part.parse(results.part).of for results, _ in right) or Counter(
        Part.parse(results.part).of for results in other
    )
    if not divisions:
        raise UserError("no part of the job has ended", at=Location(str(folders[0])))
    of = max(divisions, key=lambda many: (divisions[many], many))
    sealed = {number for number, (name, _) in enumerate(owners) if name in hidden}
    dealt = deal([entry.entries[1] - entry.entries[0] for entry in entries], of, sealed)
    missing = [Part(of, k + 1) for k, tasks in enumerate(dealt) if not found.keys() >= set(tasks)]
    for results in other:
        if Part.parse(results.part) in missing:
            said = f"part {results.part} is of another plan: {_difference(results.plan, plan.identity)}"
            raise UserError(said, at=Location(str(results.path)), hint=AGAIN)
    job = folders[0].parent if folders[0].name == "tables" else folders[0]
    raise PartsMissingError(job, missing)


def _difference(a: Mapping[str, Any], b: Mapping[str, Any]) -> str:
    """Return in what two plans differ: the first thing that says most."""
    said = {
        "code": "the code",
        "selection": "the code of the selection",
        "analysis": "the analysis",
        "set": "--set",
        "unblind": "--unblind",
        "cuts": "the cuts",
        "manifest": "the files or what they stand for",
    }
    for key in ("code", "selection", "analysis", "set", "unblind"):
        if a.get(key) != b.get(key):
            return f"{said[key]} is {_plain(a.get(key))} and {_plain(b.get(key))}"
    mine, theirs = ({tuple(pair) for pair in plan.get("configs", ())} for plan in (a, b))
    if mine != theirs:
        return f"{', '.join(sorted({name for name, _ in mine ^ theirs}))} is not the same"
    return " and ".join(said[key] for key in ("cuts", "manifest") if a.get(key) != b.get(key)) + " are not the same"


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return " ".join(f"{name}={number}" for name, number in value.items()) or "nothing"
    return str(value)
