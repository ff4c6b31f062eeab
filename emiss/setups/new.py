"""A set-up of one's own from another one: a folder with detector file, channel maps, constants, and a sample to try it with."""

from __future__ import annotations

import os
import shlex
import shutil
from typing import TYPE_CHECKING

from emiss.calib.conditions import Conditions
from emiss.calib.run_ranges import parse_ranges
from emiss.configs import loader
from emiss.configs.errors import Location, UserError
from emiss.configs.files import part_of
from emiss.configs.names import problem_of
from emiss.reco.detector.model import load_detector
from emiss.setups.constants import block, lacking, tables, values
from emiss.setups.maps import channel_maps
from emiss.setups.profiles import PROFILES, inherited, simulated, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from emiss.calib.tables import Table
    from emiss.reco.detector.model import Detector

DETECTOR = """\
# {name}: as {base}, but for what stands here.
extends: {base}
name: {name}
maps: maps
"""

SAMPLE_FILE = "beam.yaml"

SAMPLE = """\
# Beam particles of the set-up {name}: emiss simulate {file} --out run.dat
name: beam
role: background
run: {run}
seed: {run}
events: 1000
detector: .
calib: calib
beam: {{energy: {energy:g} GeV, size: 4 mm, divergence: 0.1 mrad, source: illustrative}}
spill: {{events: 250, start: 1660000000, period: 30 s, source: illustrative}}
process: {{kind: beam}}
"""


def new(folder: Path, base: str, runs: str) -> list[Path]:
    """Write a set-up that extends another one.

    Parameters
    ----------
    folder : Path
        To be made; its last part is the name.
    base : str
        A set-up that ships, or a path.
    runs : str
        Runs of the maps and constants: ``9900-9999``.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    UserError
        If the folder is there already or its name is none, there is no such set-up, or the runs are no range.
    """
    first = first_run(runs)
    source = loader.find("detectors", base)
    if problem := problem_of(folder.name):
        raise UserError(f"the name '{folder.name}' {problem}")
    if folder.exists():
        raise UserError(
            "exists already",
            at=Location(str(folder)),
            hint="take another name; `emiss setup wire` makes its maps again",
        )
    part = part_of(folder)
    part.mkdir(parents=True)
    try:
        # a path is that from the folder, which has the same place under both names
        named = base if base in loader.shipped("detectors") else os.path.relpath(source.resolve(), part.resolve())
        (part / "detector.yaml").write_text(DETECTOR.format(name=folder.name, base=named), encoding="utf-8")
        detector = load_detector(part / "detector.yaml")
        write(part, detector, runs)
        (part / SAMPLE_FILE).write_text(_sample(detector, folder, first), encoding="utf-8")
        part.replace(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return sorted(path for path in folder.rglob("*") if path.is_file())


def wire(name: str, runs: str) -> list[Path]:
    """Write the channel maps of a set-up of one's own again, after its parts have changed, and what else it lacks.

    Constants that are there stay as they are; what new channels need goes to ``calib/added-RUN.txt``.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    UserError
        If there is no such set-up, it is one that ships, or the runs are no range.
    """
    first = first_run(runs)
    file = own(name)
    detector = load_detector(file)
    made = write(file.parent, detector, runs)
    sample = file.parent / SAMPLE_FILE
    if not sample.exists():
        sample.write_text(_sample(detector, file.parent, first), encoding="utf-8")
        made.append(sample)
    return made


def profiles(name: str, runs: str, progress: Callable[[str], None]) -> Path:
    """Write the libraries of profiles of a set-up of one's own, from simulated electrons, to ``calib/profile.txt``.

    Raises
    ------
    UserError
        As those of `wire`, or if no calorimeter wants a library.
    """
    first_run(runs)
    file = own(name)
    detector = load_detector(file)
    path = file.parent / "calib" / PROFILES
    text = text_of(simulated(detector, progress=progress), runs)
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def own(name: str) -> Path:
    """Return the detector file of a set-up that does not ship.

    Raises
    ------
    UserError
        If there is none, or it ships.
    """
    file = loader.find("detectors", name)
    if loader.SHIPPED in file.resolve().parents:
        hint = f"make your own of it: emiss setup new my_{name} --from {name}"
        raise UserError(f"'{name}' ships with emiss", hint=hint)
    return file


def _sample(detector: Detector, folder: Path, run: int) -> str:
    return SAMPLE.format(
        name=detector.name, file=shlex.quote(str(folder / SAMPLE_FILE)), run=run, energy=detector.beam.energy
    )


def write(folder: Path, detector: Detector, runs: str) -> list[Path]:
    """Write channel maps and the constants that are lacking to a folder; return what was written."""
    maps, calib = folder / "maps", folder / "calib"
    made = {maps / name: text for name, text in channel_maps(detector, runs).items()}
    needs = values(detector)
    if any(calib.glob("*.txt")):
        first = first_run(runs)
        rest = lacking(needs, Conditions.load(calib), first)
        added = "\n".join(block(kind, runs, rows) for kind, rows in rest.items())
        if added:
            number = 1 + len(list(calib.glob(f"added-{first}*.txt")))
            made[calib / f"added-{first}-{number}.txt"] = added
    else:
        made |= {calib / name: text for name, text in tables(needs, runs).items()}
    libraries = inherited(detector)
    if libraries and not any(table.type in libraries for table in _tables(calib)):
        made[calib / PROFILES] = text_of(libraries, runs)
    for path, text in made.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for stale in set(maps.glob("*.xml")) - set(made):
        stale.unlink()
    return list(made)


def _tables(calib: Path) -> Sequence[Table]:
    return Conditions.load(calib).tables if any(calib.glob("*.txt")) else ()


def first_run(runs: str) -> int:
    """Return the first of the runs of a text.

    Raises
    ------
    UserError
        If it is no range.
    """
    try:
        return parse_ranges(runs)[0].first
    except ValueError as error:
        raise UserError(f"--runs {runs}: {error}") from None
