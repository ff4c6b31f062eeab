"""Efficiencies of a search from samples that are simulated, reconstructed and cut in memory, one for each piece of a signature.

Where decays count in a window, it is cut into slices with a sample each, whose places of decay are even in z: the slices are
then weighted with the exponential law at every coupling, so that one set of samples serves all. What decays behind the last
part, or never, is one more piece.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from emiss import selection
from emiss.configs.errors import UserError
from emiss.physics.processes.base import INVISIBLE
from emiss.programme.expected import Seen
from emiss.programme.setting import Window
from emiss.samples.config import ModelProcess, load_sample
from emiss.study.plan import Asked, plan
from emiss.study.run import run_study

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from emiss.job.task import Executor
    from emiss.programme.counted import SearchPeriod
    from emiss.programme.run import Efficiencies
    from emiss.programme.search_file import SearchFile, Signature
    from emiss.programme.setting import Setting
    from emiss.samples.config import Sample
    from emiss.selection.counting.samples import SampleCounts

SLICES = 2
"""Pieces that a window of decays inside the set-up is cut into."""

BEHIND = (1000.0, 2000.0)
"""mm behind the last part: decays there stand for all that nothing sees."""

EVENTS = 400
"""Per piece, where nothing is said."""


@dataclass(frozen=True)
class Piece:
    """A part of a signature with its sample: where decays count, the channel that is simulated, and where it decays.

    Attributes
    ----------
    region : str
        Of the analysis; empty for its first.
    window : Window
    channels : tuple of str
    channel : str
    between : (float, float) or None
        z of decays, mm.
    """

    region: str
    window: Window
    channels: tuple[str, ...]
    channel: str
    between: tuple[float, float] | None


SettingKey = tuple[str, str, float]

Wanted = dict[tuple[str, float], list[Piece]]
"""The pieces of each case and mass."""


def pieces(search: SearchFile, case: str, mass: float, setting: Setting) -> list[Piece]:
    """Return the pieces of all signatures of a case.

    Raises
    ------
    UserError
        If a signature has no channel at this mass.
    """
    found: list[Piece] = []
    for one, window in zip(search.signatures_of(case), setting.windows[case], strict=True):
        channel = _channel(search, case, mass, one)
        if window.after is None:
            found.append(Piece(one.region, window, one.channels, channel, None))
            continue
        back = setting.back - setting.front
        end = min(window.before, back)
        edges = np.linspace(window.after, end, SLICES + 1).tolist() if end > window.after else []
        for low, high in pairwise(edges):
            between = (setting.front + low, setting.front + high)
            found.append(Piece(one.region, Window(low, high), one.channels, channel, between))
        if math.isinf(window.before):
            beyond = Window(max(window.after, back))
            between = (setting.back + BEHIND[0], setting.back + BEHIND[1])
            found.append(Piece(one.region, beyond, one.channels, channel, between))
    return found


def _channel(search: SearchFile, case: str, mass: float, one: Signature) -> str:
    """Return the most frequent of the channels of a signature; with a place of decay one that is seen."""
    shares = search.model(case).branching(mass, search.plane.reference)
    known = {
        name: share
        for name, share in shares.items()
        if name in (one.channels or shares) and (one.after is None or name != INVISIBLE)
    }
    if not known:
        told = ", ".join(one.channels)
        raise UserError(f"'{case}' of {mass:g} GeV does not decay to {told}: there is nothing to simulate")
    return max(known, key=known.__getitem__)


def sample_of(search: SearchFile, case: str, mass: float, setting: Setting, piece: Piece, number: int) -> Sample:
    """Return the sample of a piece: the beam and response of the search's, the process of the case.

    Raises
    ------
    UserError
        If the sample does not fit the set-up.
    """
    base = load_sample(search.sample).model_copy(update={"trigger": None})
    base = base.model_copy(update={"beam": base.beam.model_copy(update={"composition": {}})})
    base = base.with_detector(setting.setup)
    beam = base.beam.model_copy(update={"energy": setting.beam.energy, "composition": {setting.particle: 1.0}})
    process = ModelProcess(
        kind="model",
        model=search.cases[case].model,
        parameters=dict(search.cases[case].given),
        mass=mass,
        coupling=search.plane.reference,
        threshold=setting.threshold,
        channel=piece.channel,
        between=piece.between,
        target=search.target.part if search.target is not None and search.target.part else None,
    )
    name = f"signal_{number}"
    return base.model_copy(update={"beam": beam, "process": process, "role": "signal", "name": name})


def efficiencies(
    search: SearchFile,
    periods: Sequence[SearchPeriod],
    masses: Mapping[str, Sequence[float]],
    *,
    events: int = EVENTS,
    executor: Executor = "serial",
    workers: int = 1,
    progress: Callable[[int], None] = lambda _: None,
) -> dict[tuple[str, float], Efficiencies]:
    """Return what counts of each signature with its efficiency, by case and mass; periods of one set-up share their samples.

    Parameters
    ----------
    search : SearchFile
    periods : sequence of SearchPeriod
    masses : mapping of case to masses
        GeV.
    events : int
        Per piece of a signature.
    executor, workers
        As for `emiss.study.run.run_study`.
    progress : callable
        Called with the number of events done.

    Raises
    ------
    UserError
        If a sample cannot be made or cut.
    """
    settings = settings_of(periods)
    by_setting = {
        key: _in_setting(search, setting, masses, events, executor, workers, progress)
        for key, setting in settings.items()
    }
    return {
        (case, mass): tuple(by_setting[key_of(period.setting)][case, mass] for period in periods)
        for case, of_case in masses.items()
        for mass in of_case
    }


def settings_of(periods: Sequence[SearchPeriod]) -> dict[SettingKey, Setting]:
    """Return the set-ups of periods, each of them once."""
    return {key_of(one.setting): one.setting for one in periods}


def key_of(setting: Setting) -> SettingKey:
    """Return what tells one set-up with its beam from another."""
    return setting.setup, setting.particle, setting.beam.energy


def count(search: SearchFile, periods: Sequence[SearchPeriod], masses: Mapping[str, Sequence[float]]) -> int:
    """Return how many samples `efficiencies` makes."""
    settings = settings_of(periods)
    return sum(
        len(pieces(search, case, mass, setting))
        for setting in settings.values()
        for case, of_case in masses.items()
        for mass in of_case
    )


def _in_setting(
    search: SearchFile,
    setting: Setting,
    masses: Mapping[str, Sequence[float]],
    events: int,
    executor: Executor,
    workers: int,
    progress: Callable[[int], None],
) -> dict[tuple[str, float], tuple[Seen, ...]]:
    wanted, asked = asked_of(search, setting, masses, events)
    analysis = selection.load(search.analysis, set=search.set.get(setting.setup))
    study = plan(analysis, asked, unblind=True)
    flow = run_study(study, None, executor=executor, workers=workers, progress=progress).result.cutflow
    return seen_of(flow.samples, wanted, [one.sample.name for one in asked])


def asked_of(
    search: SearchFile, setting: Setting, masses: Mapping[str, Sequence[float]], events: int
) -> tuple[Wanted, list[Asked]]:
    """Return the pieces of all cases and masses in a set-up, and a sample for each of them, in the same order."""
    wanted = {(case, mass): pieces(search, case, mass, setting) for case, of_case in masses.items() for mass in of_case}
    asked: list[Asked] = []
    for (case, mass), found in wanted.items():
        for piece in found:
            sample = sample_of(search, case, mass, setting, piece, len(asked))
            # seeds of their own, that masses do not fluctuate together
            asked.append(Asked(sample, events, sample.seed + len(asked)))
    return wanted, asked


def seen_of(
    counted: Mapping[str, SampleCounts], wanted: Wanted, names: Sequence[str]
) -> dict[tuple[str, float], tuple[Seen, ...]]:
    """Return what counts of each piece with its efficiency, from what its sample of `names` left."""
    counts = iter(counted[name] for name in names)
    return {
        key: tuple(Seen(piece.window, piece.channels, *_efficiency(next(counts), piece)) for piece in found)
        for key, found in wanted.items()
    }


def _efficiency(counts: SampleCounts, piece: Piece) -> tuple[float, float]:
    """Return the share of events that is selected and its error.

    Weights of forced decays are the probability to decay there, which the law of the window has already: those events count
    alike.
    """
    rows = next(iter(counts.regions[piece.region or next(iter(counts.regions))].values()))
    made, passed = rows[0].sequential, rows[-1].sequential
    if not made.n:
        return 0.0, 0.0
    if piece.between is not None:
        share = passed.n / made.n
        return share, math.sqrt(max(passed.n * (1.0 - share), 1.0)) / made.n
    value = min(passed.sum_w / made.n, 1.0)
    return value, math.sqrt(max(passed.sum_w2 - passed.sum_w**2 / made.n, 0.0)) / made.n
