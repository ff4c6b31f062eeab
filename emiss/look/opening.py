"""`open_events`: run files, event tables or folders of tables that are looked at together, and the set-up they are of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from emiss.configs.errors import Location, UserError
from emiss.events.files.base import SUFFIXES
from emiss.events.files.manifest import near
from emiss.events.files.open import open_table
from emiss.events.location import located
from emiss.job.absent import MADE_WITH
from emiss.job.tables import find_tables
from emiss.look.sources import NUMBERS, RunEvents, TableEvents

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emiss.calib.conditions import Conditions
    from emiss.events.files.base import TableFile
    from emiss.look.sources import Events
    from emiss.reco.detector.model import Detector

DEFAULT_DETECTOR = "na64e_lfc"


@dataclass(frozen=True)
class Opened:
    """Files that are looked at together, with the set-up they are of."""

    files: tuple[Events, ...]
    detector: Detector
    conditions: Conditions


def open_events(paths: Sequence[str | Path], detector: str | Path | None, calib: str | Path | None) -> Opened:
    """Open run files, event tables, or folders of tables.

    Parameters
    ----------
    detector, calib : str or Path, optional
        Names that ship, or files and folders. Without a detector it is the one that tables were made with, or that of the
        demo; without `calib` the constants are those of the detector.

    Raises
    ------
    UserError
        If a file cannot be read or says of no set-up, run files and tables are mixed, or they are of several set-ups.
    """
    from emiss import reco
    from emiss.calib.beside import constants_of
    from emiss.calib.conditions import Conditions
    from emiss.reco.detector.model import load_detector

    places = [located(path) for path in paths]
    tables = [path for path in places if path.is_dir() or _is_table(path)]
    if not tables:
        run = reco.open(places, detector=detector or DEFAULT_DETECTOR, calib=calib)
        return Opened(tuple(RunEvents(run, file) for file in run.files), run.detector, run.conditions)
    if len(tables) < len(places):
        other = next(path for path in places if path not in tables)
        raise UserError("a run file among event tables", at=Location(str(other)), hint="look at them apart")
    opened = [(path, open_table(path)) for path in find_tables(tables)]
    chosen = detector or _detector_of(opened)
    loaded = load_detector(chosen)
    conditions = Conditions.load(calib or constants_of(chosen))
    _check_numbers(opened)
    return Opened(tuple(TableEvents(path, file, loaded, conditions) for path, file in opened), loaded, conditions)


def _is_table(path: Path) -> bool:
    """Return whether a file is an event table, and no run file; ROOT files may be either."""
    if path.suffix not in SUFFIXES:
        return False
    if path.suffix != ".root":
        return True
    import uproot

    from emiss.events.files.base import reading
    from emiss.events.location import for_uproot
    from emiss.reco.readers.simulated import TREE

    with reading(path), uproot.open(for_uproot(path)) as file:
        return TREE not in file.keys(cycle=False)


def _detector_of(opened: Sequence[tuple[Path, TableFile]]) -> str | Path:
    """Return the set-up that all tables were made with: its file, where that is there, or its name.

    Raises
    ------
    UserError
        If they do not say, or were made with different ones.
    """
    names = {_made_with(path, file): path for path, file in opened}
    if len(names) > 1:
        said = " and ".join(repr(name) for name in names)
        raise UserError(f"the tables are of the set-ups {said}", hint="look at them apart")
    ((name, path),) = names.items()
    manifest = near(path)
    for config in manifest.about.get("configs", {}) if manifest is not None else ():
        if Path(config).name in ("detector.yaml", f"{name}.yaml") and Path(config).is_file():
            return Path(config)
    return name


def _made_with(path: Path, file: TableFile) -> str:
    name = None if file.metadata is None else file.metadata.provenance.get(MADE_WITH)
    if not isinstance(name, str):
        hint = "only tables that 'emiss process' makes of run files have one; name it with --detector"
        raise UserError("does not say of which set-up its events are", at=Location(str(path)), hint=hint)
    return name


def _check_numbers(opened: Sequence[tuple[Path, TableFile]]) -> None:
    """Refuse tables whose events have no run, spill and number."""
    for path, file in opened:
        lost = [name for name in NUMBERS if name not in file.columns]
        if lost or file.metadata is None:
            said = f"has no column '{lost[0]}'" if lost else "is no table of emiss"
            raise UserError(f"{said}: its events cannot be named", at=Location(str(path)))
