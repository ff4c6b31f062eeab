"""`validate`: the figures of the study of e -> mu transitions (arXiv:2404.15931, section III), from simulated samples.

Signal at twelve masses, muon pairs worth the study's electrons on target, and decays of pions and kaons in flight go through
`emiss.study` with the cuts that ship (`e_to_mu_phi`).
"""

from __future__ import annotations

import json
import math
import time
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from emiss import selection
from emiss.events.files.atomic import write_text
from emiss.samples.config import load_sample
from emiss.study.plan import Asked, plan
from emiss.study.run import run_study
from emiss.validate import lfc_paper as paper
from emiss.validate.lfc_found import DECAYS, DIMUON, SHOWN, evaluate
from emiss.validate.lfc_page import render

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from emiss.job.task import Executor
    from emiss.study.plan import Study
    from emiss.validate.lfc_found import Validation

MASSES = (0.11, 0.15, 0.2, SHOWN, 0.4, 0.5, 0.7, 1.0, 1.3, 1.7, 2.3, 3.0)
"""GeV."""

SIGNAL = "signal_weighted"
"""The sample of the signal: drawn more often where muons can be seen, so that its efficiencies are known better."""

QUICK = {"signal": 2_000, "dimuon": 100_000, "pion_decay": 20_000, "kaon_decay": 20_000}
WHOLE = {"signal": 100_000, "dimuon": 0, "pion_decay": 1_000_000, "kaon_decay": 1_000_000}
"""Events of each sample, of the signal at each mass; 0 stands for as many muon pairs as the study has."""


def prepare(events: Mapping[str, int] | None = None, *, quick: bool = False) -> Study:
    """Return the study that the figures are made of.

    Parameters
    ----------
    events : mapping of sample to int, optional
        Other numbers than those of `QUICK` or `WHOLE`; ``signal`` stands for each of its masses.
    quick : bool

    Raises
    ------
    UserError
        If a sample, the set-up or the cuts are not right.
    """
    wanted = {**(QUICK if quick else WHOLE), **(events or {})}
    signal, dimuon = load_sample(SIGNAL), load_sample(DIMUON)
    if not wanted[DIMUON]:
        wanted[DIMUON] = math.ceil(paper.DIMUON_EOT * dimuon.process.rate)  # type: ignore[union-attr]
    asked = [
        # seeds of their own, that masses do not fluctuate together
        Asked(signal.with_mass(mass), wanted["signal"], signal.seed + (1 + number) * 1_000_000)
        for number, mass in enumerate(MASSES)
    ]
    asked += [Asked(load_sample(name), wanted[name]) for name in DECAYS.values()]
    asked.append(Asked(dimuon, wanted[DIMUON]))
    return plan(selection.load(Path(str(resources.files("emiss.validate").joinpath("lfc.yaml")))), asked)


def validate(
    out: Path,
    *,
    events: Mapping[str, int] | None = None,
    quick: bool = False,
    study: Study | None = None,
    executor: Executor = "serial",
    workers: int = 1,
    progress: Callable[[int], None] = lambda _: None,
) -> Validation:
    """Make the samples, count them, and write the page, ``validation.json`` and the cutflow.

    Parameters
    ----------
    out : Path
        Folder for ``validation.html`` and ``validation.json``, and ``study/cutflow.json`` with all counts.
    events, quick
        As for `prepare`.
    study : Study, optional
        One that is prepared already.
    executor, workers, progress
        As for `emiss.study.run.run_study`.

    Raises
    ------
    UserError
        As `prepare`, and if the folder cannot be written.
    """
    begun = time.monotonic()
    planned = prepare(events, quick=quick) if study is None else study
    outcome = run_study(planned, out / "study", executor=executor, workers=workers, brief=True, progress=progress)
    found = evaluate(outcome.result, time.monotonic() - begun)
    write_text(out / "validation.json", json.dumps(found.to_json(), indent=1, allow_nan=False) + "\n")
    write_text(out / "validation.html", render(found))
    return found
