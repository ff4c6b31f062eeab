"""`validate_calibration`: runs simulated with constants drawn at random, and what is derived from them beside the truth."""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emiss import runlist
from emiss.calib.conditions import Conditions
from emiss.calib.run_ranges import RunRange
from emiss.calibrate import page, written
from emiss.calibrate.frame import Options
from emiss.calibrate.running import derive
from emiss.events.files.atomic import write_text
from emiss.job.pools import pool_of
from emiss.samples.simulate import simulate
from emiss.validate import loop_after
from emiss.validate import loop_corrections as corrections
from emiss.validate import loop_truth as runs
from emiss.validate.loop_compared import Compared, Loop, compare
from emiss.validate.loop_page import render

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from emiss.calibrate.frame import Found
    from emiss.job.task import Executor
    from emiss.job.work import Pool
    from emiss.validate.loop_truth import Truth

WHOLE, QUICK = 200_000, 20_000
"""Events of each run."""

SEED = 19


@dataclass(frozen=True)
class Step:
    """A derivation of the loop.

    Its kind, the runs it is from, whether it is given simulated hits of its first run, parts, and whether what is found holds
    for these runs alone.
    """

    kind: str
    runs: tuple[int, ...]
    simulated: bool = False
    parts: tuple[str, ...] = ()
    own: bool = False


STEPS = (
    Step("pedestals", (runs.PEDESTAL,)),
    Step("times", (runs.ELECTRON, runs.MUON)),
    Step("templates", (runs.ELECTRON, runs.MUON)),
    Step("mip", (runs.MUON,), simulated=True),
    Step("ecal", (runs.ELECTRON,), simulated=True),
    Step("spectrum", (runs.ELECTRON,), simulated=True),
    Step("apv.status", (runs.STRAIGHT,)),
    Step("apv", (runs.STRAIGHT,)),
    Step("apv.time", (runs.STRAIGHT,)),
    Step("alignment", (runs.STRAIGHT, runs.AHEAD)),
    Step("field", (runs.FIELD,), parts=("MBPLU",)),
    Step("status", (corrections.ELECTRON, corrections.MUON), own=True),
    Step("walk", (corrections.ELECTRON, corrections.MUON), own=True),
    Step("led", (corrections.BEFORE,)),
    Step("drift", (corrections.LED,), own=True),
    Step("in_spill", (corrections.ELECTRON,), own=True, parts=("ecal",)),
)
"""In the order in which they need each other."""

AFTER = (("ecal", runs.ELECTRONS, loop_after.electrons), ("field", runs.MUONS, loop_after.muons))
"""What is looked at when all is derived: the kind without which it is not, its run, and how."""


def validate_calibration(
    out: Path,
    *,
    quick: bool = False,
    events: int | None = None,
    seed: int = SEED,
    executor: Executor = "serial",
    workers: int = 1,
    steps: Sequence[Step] = STEPS,
    progress: Callable[[int], None] = lambda _: None,
) -> Loop:
    """Simulate calibration runs, derive their constants, compare, and write ``validation.html`` and ``validation.json``.

    Parameters
    ----------
    out : Path
        Folder; set-up, true constants, runs and derived tables (with their pages) stay in it.
    quick : bool
        A tenth of the events; limits are wider by the square root of that.
    events : int, optional
        Of each run.
    seed : int
    executor, workers
        Who simulates and derives.
    steps : sequence of Step
    progress : callable
        Called with events that are simulated.
    """
    count = events or (QUICK if quick else WHOLE)
    wider = math.sqrt(WHOLE / count)
    pool = pool_of(executor, workers)
    out.mkdir(parents=True, exist_ok=True)
    truth = runs.draw(out, np.random.default_rng(seed))
    files = {}
    for number, run in enumerate(sorted({run for step in steps for run in step.runs})):
        files[run] = out / "runs" / f"run-{run}.dat"
        _simulated(truth, run, files[run], count, seed + number, pool, progress)
    compared: list[Compared] = []
    seconds: dict[str, float] = {}
    for step in steps:
        begun = time.monotonic()
        hits = None
        if step.simulated:
            hits = out / "runs" / f"expected-{step.runs[0]}.root"
            _simulated(truth, step.runs[0], hits, count, seed + 1000 + step.runs[0], pool, progress)
            begun = time.monotonic()
        found = _derived(truth, step, [files[run] for run in step.runs], hits, pool)
        seconds[step.kind] = time.monotonic() - begun
        compared += compare(found, truth, wider)
    for number, (kind, run, check) in enumerate(AFTER):
        if any(step.kind == kind for step in steps):
            path = out / "runs" / f"run-{run}.dat"
            _simulated(truth, run, path, count, seed + len(files) + number, pool, progress)
            compared += check(truth, path, wider)
    made = Loop(count, tuple(compared), seconds)
    write_text(out / "validation.json", json.dumps(made.to_json(), indent=1, allow_nan=False) + "\n")
    write_text(out / "validation.html", render(made))
    return made


def planned(*, quick: bool = False, events: int | None = None, steps: Sequence[Step] = STEPS) -> int:
    """Return how many events are simulated."""
    each = events or (QUICK if quick else WHOLE)
    of_steps = len({run for step in steps for run in step.runs}) + sum(step.simulated for step in steps)
    return each * (of_steps + sum(any(step.kind == kind for step in steps) for kind, _, _ in AFTER))


def _simulated(
    truth: Truth, run: int, path: Path, count: int, seed: int, pool: Pool, progress: Callable[[int], None]
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    simulate(runs.sample(truth, run, seed=seed), path, events=count, stream=pool.stream, progress=progress)


def _derived(truth: Truth, step: Step, files: Sequence[Path], hits: Path | None, pool: Pool) -> Found:
    """Derive the constants of a step with those that there are, and add them to these."""
    listed = runlist.from_files(list(files), detector=str(truth.detector), analysis="", calib=str(truth.first))
    found, derivation = derive(listed, step.kind, Options(simulated=hits, parts=step.parts), pool=pool)
    first, last = (min(step.runs), max(step.runs)) if step.own else (6000, 6999)
    valid = RunRange(min(step.runs) if step.kind == "field" else first, last)  # the field is off in a run before
    path = truth.first / f"{step.kind}.txt"
    text = written.table(found, valid, Conditions.load(truth.first), derivation.origin)
    pages = truth.first.parent / "derived"
    pages.mkdir(exist_ok=True)
    page.write(found, derivation, valid, pages / f"{step.kind}.txt")
    write_text(path, text)
    write_text(pages / f"{step.kind}.csv", written.sheet(found))
    return found
