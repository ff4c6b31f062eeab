"""What the validation asks of the counts: efficiencies, survivals, categories of muon pairs, spectra (`evaluate`)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from emiss.reach import efficiencies
from emiss.validate.peaks import peak

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hist import Hist

    from emiss.reach.efficiencies import Efficiency
    from emiss.selection.counting.samples import SampleCounts
    from emiss.selection.results.result import Result

SHOWN = 0.3
"""Mass (GeV) of the signal in the spectra; the study does not say of which mass they are."""

DIMUON, DECAYS = "dimuon", {"pion": "pion_decay", "kaon": "kaon_decay"}
CATEGORIES = ("I", "II", "III")
SEARCH, SIDE = "search", "side"
MODULES = 3

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
    side, side_left : int
        Those of category III of which a muon left through a side of the HCAL, before the other cuts and after all of them.
    """

    generated: int
    eot: float
    survivors: int
    by_category: Mapping[str, int]
    after: Mapping[str, tuple[tuple[str, int], ...]]
    side: int
    side_left: int


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
    rates : mapping of sample to Ratio
        Events per electron on target of each background that pass.
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
    rates: Mapping[str, Ratio]
    peaks: Mapping[str, tuple[float | None, ...]]
    spectra: Mapping[str, tuple[Hist, ...]]
    missing: Mapping[str, Hist]
    seconds: float
    result: Result

    @property
    def background(self) -> Ratio:
        """Events per electron on target that pass: of the decays, and of the muon pairs if any is left."""
        values, errors = zip(*self.rates.values(), strict=True)
        return Ratio(sum(values), math.hypot(*errors))

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
            "background_per_eot": self.background.value,
            "hcal": {"peaks": {name: list(found) for name, found in self.peaks.items()}},
            "seconds": self.seconds,
        }


def evaluate(result: Result, seconds: float) -> Validation:
    """Return the figures that the counts of the samples give."""
    samples = result.cutflow.samples
    spectra = _spectra(result)
    return Validation(
        efficiency=tuple(efficiencies.from_cutflow(result.cutflow, region=SEARCH)),
        dimuon=_dimuons(samples[DIMUON]),
        survival={hadron: _survival(samples[name]) for hadron, name in DECAYS.items()},
        rates={name: _per_electron(samples[name]) for name in (*DECAYS.values(), DIMUON)},
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
        side_left=rows[SIDE][-1].sequential.n,
    )
