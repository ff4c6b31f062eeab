"""What a part of a job leaves beside its tables: the plan of the whole job, and the results of each of its tasks.

They are data, as the tables are: of a blinded sample they say no more than the manifest does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping  # noqa: TC003 - part of a dataclass
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emiss.configs.errors import Location, UserError
from emiss.events.files.atomic import write_text
from emiss.events.location import place
from emiss.events.provenance import code_version, text_hash
from emiss.job.identity import programs
from emiss.job.part_results import AGAIN, SCHEMA, SUFFIX, Results, load
from emiss.job.skim import Wanted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emiss.events.files.manifest import Manifest
    from emiss.job.plan import Job

FOLDER = ".parts"
"""Beside the tables."""

PLAN = "plan.json"


@dataclass(frozen=True)
class Plan:
    """The plan that the parts of a folder follow.

    Attributes
    ----------
    identity : mapping
        What parts of one job have in common; see `identity_of`.
    analysis : str
        Its file, where the parts found it.
    runs : str
    max_bad_fraction : float
    configs : mapping of file to text
    payloads, inputs, remarks : sequences
        As in `emiss.job.plan.Job`.
    keep : mapping or None
        The skims that are wanted.
    constants : mapping
        As in `emiss.job.plan.Job`.
    """

    identity: Mapping[str, Any]
    analysis: str
    runs: str
    max_bad_fraction: float
    configs: Mapping[str, str]
    payloads: Sequence[str]
    inputs: Sequence[Mapping[str, Any]]
    remarks: Sequence[str]
    keep: Mapping[str, Any] | None
    constants: Mapping[str, Any] = field(default_factory=dict)

    @property
    def wanted(self) -> Wanted | None:
        """The skims that are wanted."""
        if self.keep is None:
            return None
        return Wanted(**{**self.keep, "path": place(self.keep["path"]), "columns": tuple(self.keep["columns"])})


def identity_of(job: Job) -> dict[str, Any]:
    """Return what all parts of a job have in common, and parts of different jobs do not; plain data."""
    return {
        "manifest": manifest_hash(job.manifest),
        "code": code_version(),
        "selection": programs(),
        "analysis": job.analysis.name,
        "cuts": job.analysis.cuts_hash,
        "set": dict(job.setup.overrides),
        "unblind": job.setup.unblind,
        # without folders: a batch system may give each part its own
        "configs": sorted([Path(name).name, text_hash(text)] for name, text in job.configs.items()),
    }


def manifest_hash(manifest: Manifest) -> str:
    """Return a hash of what a manifest says, but for the places of the run files and the last digits of numbers.

    Processors of different kinds add weights up in different orders, and so may disagree about these.
    """
    samples = {
        name: {
            "role": sample.role,
            "scale": sample.scale,
            "on_target": _rounded(sample.on_target),
            "partial": sample.partial,
            "process": dict(sample.process),
            "tables": [
                [entry.table, entry.key, entry.identity, list(entry.entries), _rounded(entry.on_target)]
                for entry in sample.tables
            ],
        }
        for name, sample in manifest.samples.items()
    }
    return text_hash(json.dumps([samples, manifest.about.get("max_bad_fraction")], sort_keys=True))


def _rounded(number: float | None) -> str | None:
    return None if number is None else f"{number:.9g}"


def names(folder: Path, part: str) -> list[Path]:
    """Return the files that a part writes beside the tables in a folder."""
    return [folder / FOLDER / PLAN, folder / FOLDER / f"{part}{SUFFIX}"]


def save_plan(job: Job, keep: Wanted | None) -> None:
    """Write the plan of a job beside its tables, in the place of an earlier one."""
    plan = Plan(
        identity_of(job),
        job.setup.analysis,
        job.runlist.name,
        job.runlist.max_bad_fraction,
        dict(job.configs),
        job.payloads,
        [dict(item) for item in job.inputs],
        job.remarks,
        None if keep is None else {**asdict(keep), "path": str(keep.path)},
        dict(job.constants),
    )
    write_text(job.manifest.folder / FOLDER / PLAN, json.dumps({"schema": SCHEMA, **vars(plan)}, indent=1) + "\n")


def load_plan(folder: Path) -> Plan:
    """Return the plan of the parts in a folder of tables.

    Raises
    ------
    UserError
        If there is none, or it cannot be read.
    """
    path = folder / FOLDER / PLAN
    if not path.is_file():
        hint = "parts are made by: emiss process RUNS --part 1/20 --out OUT"
        raise UserError("no part of a job has been run here", at=Location(str(folder)), hint=hint)
    data = _read(path, path.read_bytes())
    try:
        return Plan(**data)
    except TypeError as error:
        raise UserError(f"is not complete: {error}", at=Location(str(path)), hint=AGAIN) from None


def load_results(folder: Path) -> list[Results]:
    """Return what all parts in a folder of tables have done, without the results themselves.

    Raises
    ------
    UserError
        If one cannot be read.
    """
    return [load(path) for path in sorted((folder / FOLDER).glob(f"*{SUFFIX}")) if path.name[0] != "."]


def _read(path: Path, content: bytes) -> dict[str, Any]:
    try:
        data = json.loads(content)
    except ValueError as error:
        raise UserError(f"no JSON: {error}", at=Location(str(path)), hint=AGAIN) from None
    schema = data.pop("schema", None) if isinstance(data, dict) else None
    if schema != SCHEMA:
        raise UserError(f"schema is {schema!r}, this version of emiss reads '{SCHEMA}'", at=Location(str(path)))
    return dict(data)
