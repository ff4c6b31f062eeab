"""`validate`: the figures of the study of e -> mu transitions (arXiv:2404.15931, section III), from simulated samples.

Signal at twelve masses, muon pairs worth the study's electrons on target, and decays of pions and kaons in flight go through
`emiss.study` with the cuts that ship (`e_to_mu_phi`); what is asked of the counts stands here, pictures and page beside it.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from emiss import selection
from emiss.events.files.atomic import write_text
from emiss.reach import efficiencies
from emiss.samples.config import load_sample
from emiss.study.plan import Asked, plan
from emiss.study.run import run_study
from emiss.validate import lfc_paper as paper
from emiss.validate.peaks import peak

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hist import Hist

    from emiss.job.task import Executor
    from emiss.reach.efficiencies import Efficiency
    from emiss.selection.counting.samples import SampleCounts
    from emiss.selection.results.result import Result
    from emiss.study.plan import Study

MASSES = (0.11, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 1.3, 1.7, 2.3, 3.0)
"""GeV."""

SHOWN = 0.3
"""Mass (GeV) of the signal in the spectra; the study does not say of which mass they are."""

DIMUON, DECAYS = "dimuon", {"pion": "pion_decay", "kaon": "kaon_decay"}
CATEGORIES = ("I", "II", "III")
SEARCH, SIDE = "search", "side"
MODULES = 3

QUICK = {"signal": 2_000, "dimuon": 100_000, "pion_decay": 20_000, "kaon_decay": 20_000}
WHOLE = {"signal": 100_000, "dimuon": 0, "pion_decay": 1_000_000, "kaon_decay": 1_000_000}
"""Events of each sample, of the signal at each mass; 0 stands for as many muon pairs as the study has."""

NOTHING = 0.5
"""GeV; a module with less saw no muon."""


class Ratio(NamedTuple):
    """A number with its statistical error."""

    value: float
    error: float


@dataclass(frozen=True)
class Dimuons:
    """The muon pairs: how many, worth how many electrons on target, how many are left, and of which category they are.

    Attributes
    ----------
    generated, survivors : int
    eot : float
    by_category : mapping of category to int
        Pairs with at least one track in the magnet spectrometer.
    after : mapping of category to (cut, events left) for each cut
    side : int
        Those of category III of which a muon left through a side of the HCAL.
    """

    generated: int
    eot: float
    survivors: int
    by_category: Mapping[str, int]
    after: Mapping[str, tuple[tuple[str, int], ...]]
    side: int


@dataclass(frozen=True)
class Validation:
    """What was found.

    Attributes
    ----------
    efficiency : tuple of Efficiency
        By mass.
    dimuon : Dimuons
    survival : mapping of ``pion`` and ``kaon`` to Ratio
        Hadrons at the SRD that pass the selection, decay probability included.
    background_per_eot : float
        Events per electron on target that pass: of the decays, and of the muon pairs if any is left.
    peaks : mapping of sample or category to the most probable energy (GeV) in each HCAL module; None where nothing is
    spectra : mapping of sample or category to the histograms of the HCAL modules
    missing : mapping of sample to the histogram of the missing energy
    seconds : float
    result : Result
        All that was counted.
    """

    efficiency: tuple[Efficiency, ...]
    dimuon: Dimuons
    survival: Mapping[str, Ratio]
    background_per_eot: float
    peaks: Mapping[str, tuple[float | None, ...]]
    spectra: Mapping[str, tuple[Hist, ...]]
    missing: Mapping[str, Hist]
    seconds: float
    result: Result

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as plain data: what ``validation.json`` holds."""
        return {
            "efficiency": [{"m_phi": one.m_phi, "value": one.value, "error": one.error} for one in self.efficiency],
            "dimuon": {
                "generated": self.dimuon.generated,
                "eot": self.dimuon.eot,
                "survivors": self.dimuon.survivors,
                "by_category": dict(self.dimuon.by_category),
            },
            "survival": {name: {"value": one.value, "error": one.error} for name, one in self.survival.items()},
            "background_per_eot": self.background_per_eot,
            "hcal": {"peaks": {name: list(found) for name, found in self.peaks.items()}},
            "seconds": self.seconds,
        }


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
    signal, dimuon = load_sample("signal"), load_sample(DIMUON)
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
    import json

    from emiss.validate.lfc_page import render

    begun = time.monotonic()
    planned = prepare(events, quick=quick) if study is None else study
    outcome = run_study(planned, out / "study", executor=executor, workers=workers, brief=True, progress=progress)
    found = evaluate(outcome.result, time.monotonic() - begun)
    write_text(out / "validation.json", json.dumps(found.to_json(), indent=1, allow_nan=False) + "\n")
    write_text(out / "validation.html", render(found))
    return found


def evaluate(result: Result, seconds: float) -> Validation:
    """Return the figures that the counts of the samples give."""
    samples = result.cutflow.samples
    survival, rates = {}, {}
    for hadron, name in DECAYS.items():
        survival[hadron] = _survival(samples[name])
        rates[name] = _per_electron(samples[name]).value
    spectra = _spectra(result)
    return Validation(
        efficiency=tuple(efficiencies.from_cutflow(result.cutflow, region=SEARCH)),
        dimuon=_dimuons(samples[DIMUON]),
        survival=survival,
        background_per_eot=sum(rates.values()) + _per_electron(samples[DIMUON]).value,
        peaks={
            name: tuple(peak(one.values(), one.axes[0].edges, above=NOTHING) for one in modules)
            for name, modules in spectra.items()
        },
        spectra=spectra,
        missing={name: result.histogram("missing", sample=key) for name, key in _pairs(result).items()},
        seconds=seconds,
        result=result,
    )


def _pairs(result: Result) -> dict[str, str]:
    """Return the two samples of the spectra by what they are called."""
    signal = next(name for name, counts in result.cutflow.samples.items() if counts.process.get("m_phi") == SHOWN)
    return {"signal": signal, DIMUON: DIMUON}


def _spectra(result: Result) -> dict[str, tuple[Hist, ...]]:
    found = {
        name: tuple(result.histogram(f"hcal_{i}", sample=key) for i in range(MODULES))
        for name, key in _pairs(result).items()
    }
    for category in CATEGORIES:
        region = f"category_{category}"
        found[category] = tuple(
            result.histogram(f"hcal_{i}_tracked", sample=DIMUON, region=region) for i in range(MODULES)
        )
    return found


def _per_electron(counts: SampleCounts) -> Ratio:
    """Return the events per electron on target that pass all cuts."""
    assert counts.on_target  # noqa: S101 - the samples that ship say it
    left = efficiencies.last_row(counts, SEARCH)
    return Ratio(left.sum_w / counts.on_target, math.sqrt(left.sum_w2) / counts.on_target)


def _survival(counts: SampleCounts) -> Ratio:
    """Return the share of the hadrons at the SRD that decay and pass: what the sample gives per electron, over their number."""
    process = counts.process
    hadrons = process["pions_per_electron"] * process["srd_factor"]
    if process["hadron"] == "kaon":
        hadrons *= process["kaons_per_pion"]
    rate = _per_electron(counts)
    return Ratio(rate.value / hadrons, rate.error / hadrons)


def _dimuons(counts: SampleCounts) -> Dimuons:
    assert counts.on_target  # noqa: S101 - as above
    rows = {region: next(iter(variations.values())) for region, variations in counts.regions.items()}
    place = next(i for i, row in enumerate(rows[SEARCH]) if row.name == "single_track")
    by_region = {name: rows[f"category_{name}"][place:] for name in CATEGORIES}
    return Dimuons(
        generated=rows[SEARCH][0].sequential.n,
        eot=counts.on_target,
        survivors=rows[SEARCH][-1].sequential.n,
        by_category={name: found[0].sequential.n for name, found in by_region.items()},
        after={name: tuple((row.name, row.sequential.n) for row in found[1:]) for name, found in by_region.items()},
        side=rows[SIDE][place].sequential.n,
    )
