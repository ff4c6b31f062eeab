"""A search as a whole: signal and backgrounds are simulated and cut, set-up by set-up, and give efficiencies and the limit.

`plan_whole` says what is simulated, `study_whole` does it and writes a cutflow for each set-up, `limit_whole` gives the limit.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emiss import selection
from emiss.configs import loader
from emiss.configs.errors import UserError
from emiss.events.files.atomic import write_text
from emiss.programme.mass_limit import How
from emiss.programme.result import SearchLimit
from emiss.programme.run import Limiting, closings, limits
from emiss.programme.simulated import asked_of, key_of, seen_of, settings_of
from emiss.samples.config import load_sample
from emiss.selection.results.cutflow import Cutflow
from emiss.study.plan import Asked, plan
from emiss.study.run import run_study

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from emiss.job.task import Executor
    from emiss.job.work import Pool
    from emiss.programme.counted import Left, SearchPeriod
    from emiss.programme.run import Efficiencies
    from emiss.programme.search_file import SearchFile
    from emiss.programme.setting import Setting
    from emiss.programme.simulated import SettingKey, Wanted
    from emiss.study.plan import Study

SIGNAL = "signal"
"""What all samples of the signal are called where their numbers of events are told."""

EVENTS = {SIGNAL: 1000, "": 10_000}
QUICK = {SIGNAL: 200, "": 500}
"""Events of each piece of the signal, and of each background."""

DONE = "study.json"
SCHEMA = "emiss.whole/1"
CUTFLOW = "cutflow.json"


def events_of(given: Mapping[str, int], *, quick: bool = False) -> dict[str, int]:
    """Return the events of all samples: those that are given by name, or for all (empty name), and the usual ones."""
    usual = QUICK if quick else EVENTS
    all_ = dict.fromkeys(usual, given[""]) if "" in given else usual
    return {**all_, **given}


@dataclass(frozen=True)
class Part:
    """What is simulated in one set-up.

    Attributes
    ----------
    name : str
        Of its folder.
    setting : Setting
    study : Study
    wanted : mapping of (case, mass) to pieces of the signal
    signals : tuple of str
        Samples of the pieces, in the same order.
    """

    name: str
    setting: Setting
    study: Study
    wanted: Wanted
    signals: tuple[str, ...]

    def seen_in(self, flow: Cutflow, region: str) -> Cutflow:
        """Return a cutflow with the backgrounds and those pieces of the signal that are looked for in a region."""
        first = next(iter(self.study.analysis.regions))
        pieces = [piece for found in self.wanted.values() for piece in found]
        others = {
            name
            for name, piece in zip(self.signals, pieces, strict=True)
            if (piece.region or first) != region and any((one.region or first) == region for one in pieces)
        }
        samples = {name: counts for name, counts in flow.samples.items() if name not in others}
        return Cutflow(flow.analysis, flow.cuts_hash, flow.provenance, samples)


def masses_shown(search: SearchFile, given: Sequence[float] = ()) -> dict[str, tuple[float, ...]]:
    """Return the masses of each case: those that are given, or the few of the file; a case with its own keeps them."""
    few = tuple(sorted(given)) or search.run.masses or search.masses
    return {name: case.masses or few for name, case in search.cases.items()}


def plan_whole(
    search: SearchFile,
    periods: Sequence[SearchPeriod],
    masses: Mapping[str, Sequence[float]],
    events: Mapping[str, int],
) -> list[Part]:
    """Return what is simulated, set-up by set-up.

    Parameters
    ----------
    search : SearchFile
    periods : sequence of SearchPeriod
    masses : mapping of case to masses
        GeV.
    events : mapping of name to int
        Of each piece of the signal (`SIGNAL`), of a background by its name, and of the other backgrounds (empty name).

    Raises
    ------
    UserError
        If a sample is not right, or does not fit a set-up.
    """
    settings = settings_of(periods)
    several = {key for key in settings if sum(other[0] == key[0] for other in settings) > 1}
    return [
        _part(search, f"{key[0]}_{key[2]:g}GeV" if key in several else key[0], setting, masses, events)
        for key, setting in settings.items()
    ]


def _part(
    search: SearchFile, name: str, setting: Setting, masses: Mapping[str, Sequence[float]], events: Mapping[str, int]
) -> Part:
    wanted, asked = asked_of(search, setting, masses, events[SIGNAL])
    names = iter(_names(search, wanted))
    # an index is no name for a reader of the table
    asked = [one._replace(sample=one.sample.model_copy(update={"name": next(names)})) for one in asked]
    signals = tuple(one.sample.name for one in asked)
    for background in search.run.backgrounds:
        try:
            sample = load_sample(loader.find("samples", background, near=search.document.path.parent))
            sample = sample.with_detector(setting.setup)
        except UserError as error:
            raise search.document.error(error.message, ("run", "backgrounds"), hint=error.hint) from None
        asked.append(Asked(sample, events.get(background, events[""])))
    analysis = selection.load(search.analysis, set=search.set.get(setting.setup))
    return Part(name, setting, plan(analysis, asked), wanted, signals)


def _names(search: SearchFile, wanted: Wanted) -> list[str]:
    """Return names that tell case, mass and piece, as far as there are several."""
    several = len({case for case, _ in wanted}) > 1
    found = []
    for (case, mass), pieces in wanted.items():
        told = [re.sub(r"[^A-Za-z0-9]+", "_", case)] if several else []
        if not (several and len(search.cases[case].masses) == 1):
            told.append(f"{mass:.4g}GeV" if mass >= 1.0 else f"{1e3 * mass:.4g}MeV")
        found += ["_".join(["X", *told, *([str(i + 1)] if len(pieces) > 1 else [])]) for i in range(len(pieces))]
    return found


def study_whole(
    parts: Sequence[Part],
    out: Path,
    *,
    executor: Executor = "serial",
    workers: int = 1,
    normalise: float,
    brief: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> dict[SettingKey, Cutflow]:
    """Do what is simulated in each set-up, into a folder each; what is done there already, by the same code, is not done again.

    Parameters
    ----------
    parts : sequence of Part
    out : Path
    executor, workers, normalise, brief, progress
        As for `emiss.study.run.run_study`.

    Raises
    ------
    UserError
        As `run_study`.
    """
    found = {}
    for part in parts:
        folder = out / part.name
        flow = _done(folder, part.study, brief=brief)
        if flow is not None:
            progress(part.study.events)
        else:
            flow = run_study(
                part.study,
                folder,
                executor=executor,
                workers=workers,
                normalise=normalise,
                brief=brief,
                progress=progress,
            ).result.cutflow
            about = {"schema": SCHEMA, "key": part.study.key, "brief": brief}
            write_text(folder / DONE, json.dumps(about) + "\n")
        found[key_of(part.setting)] = flow
    return found


def _done(folder: Path, study: Study, *, brief: bool) -> Cutflow | None:
    """Return the cutflow of a study that is done; None if it is another one, or has not all that is asked for."""
    try:
        about = json.loads((folder / DONE).read_text(encoding="utf-8"))
        same = about["schema"] == SCHEMA and about["key"] == study.key and (brief or not about["brief"])
        return Cutflow.load(folder / CUTFLOW) if same else None
    except (OSError, ValueError, KeyError, TypeError, UserError):
        return None


def efficiencies_of(
    parts: Sequence[Part], flows: Mapping[SettingKey, Cutflow], periods: Sequence[SearchPeriod]
) -> dict[tuple[str, float], Efficiencies]:
    """Return what counts of each signature with its efficiency, by case and mass."""
    seen = {
        key_of(part.setting): seen_of(flows[key_of(part.setting)].samples, part.wanted, part.signals) for part in parts
    }
    keys = list(parts[0].wanted)
    return {at: tuple(seen[key_of(period.setting)][at] for period in periods) for at in keys}


def limit_whole(
    search: SearchFile,
    periods: Sequence[SearchPeriod],
    left: Left,
    efficiencies: Mapping[tuple[str, float], Efficiencies],
    source: str,
    *,
    pool: Pool | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> SearchLimit:
    """Return the limits of a search with these efficiencies, which are from `source`."""
    plane = search.plane
    how = How(plane.low, plane.high, plane.reference)
    work = Limiting(search, tuple(periods), how)
    points = limits(work, efficiencies, pool=pool, progress=progress)
    return SearchLimit(
        search=search,
        periods=periods,
        left=left,
        how=how,
        points=points,
        closings=closings(work, points, efficiencies),
        efficiency_source=source,
        warnings=left.warnings,
    )
