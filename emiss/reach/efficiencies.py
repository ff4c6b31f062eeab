"""Signal efficiencies against mass: from a cutflow, from a table, or simulated on the spot.

An efficiency is the share of the phi emitted by electrons above `threshold` that passes all cuts: expected events per
particle on target over the yield of Eq. 29 (`emiss.physics.emission.yields`) for the same mass, coupling and threshold.
"""

from __future__ import annotations

import csv
import math
import re
import tempfile
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emiss.configs.errors import Location, UserError, did_you_mean
from emiss.configs.files import check_regular
from emiss.physics.constants import ELECTRON_MASS, MUON_MASS
from emiss.reach.variations import of_sample

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from emiss.job.work import Pool
    from emiss.reach.variations import Factors
    from emiss.samples.config import Sample
    from emiss.selection import Analysis
    from emiss.selection.counting.counts import CutCounts, Tally
    from emiss.selection.counting.samples import SampleCounts
    from emiss.selection.results.cutflow import Cutflow

COLUMNS = ("m_phi", "efficiency", "error", "threshold", "leptons")
ELECTRONS = ("e-",)
"""Who emits where nothing else is said."""

_CUTS = re.compile(r"#\s*cuts\s*:")


@dataclass(frozen=True)
class Efficiency:
    """The efficiency at one mass.

    Attributes
    ----------
    m_phi : float
        GeV.
    value, error : float
        Share of the emitted phi, and its statistical error.
    threshold, beam_energy : float
        Lowest energy of an emitting electron and energy of the beam, GeV.
    source : str
    cuts : str
        Hash of the cuts that it belongs to; empty where nothing says it.
    leptons : tuple of str
        Whose phi these are: of the shower's electrons, positrons (``e+``) or both.
    variations : tuple of (name, up, down)
        Factors of systematic variations.
    """

    m_phi: float
    value: float
    error: float
    threshold: float
    beam_energy: float
    source: str
    cuts: str = ""
    leptons: tuple[str, ...] = ELECTRONS
    variations: Factors = ()


def from_cutflow(
    cutflow: Cutflow, *, region: str | None = None, known: Mapping[str, Sample] | None = None
) -> list[Efficiency]:
    """Return the efficiencies of the signal samples of a cutflow, in the order of mass.

    Parameters
    ----------
    cutflow : Cutflow
    region : str, optional
        Default: the first.
    known : mapping of sample's name to Sample
        What was simulated, for samples that do not say it themselves (raw files).

    Raises
    ------
    UserError
        If there is no signal, one does not say its mass or what it stands for, was counted without its weights, two have the
        same mass, or `known` names something else.
    """
    for name in known or {}:
        if name not in cutflow.samples:
            hint = did_you_mean(name, cutflow.samples, otherwise="its samples are")
            raise UserError(f"--signal {name}: the cutflow has no sample of this name", hint=hint)
    found = [
        replace(
            _of_sample(name, counts, region, known or {}),
            cuts=cutflow.cuts_hash,
            variations=of_sample(cutflow, name, region),
        )
        for name, counts in cutflow.samples.items()
        if counts.role == "signal"
    ]
    if not found:
        raise UserError("the cutflow has no sample of the role 'signal'")
    return _by_mass(found)


def _of_sample(name: str, counts: SampleCounts, region: str | None, known: Mapping[str, Sample]) -> Efficiency:
    process = process_of(name, counts, known)
    if process.get("kind") != "signal":
        hint = f"--signal {name}=SAMPLE.yaml names the file that it was simulated from"
        raise UserError(f"sample '{name}' does not say at which mass it was simulated", hint=hint)
    if not counts.on_target:
        raise UserError(f"sample '{name}' does not say how many particles on target it stands for")
    passed = last_row(counts, region)
    # the rate that the sample was normalised with; a later version may have another
    rate = process.get("per_electron") or _emitted(process)
    factor = counts.scale / (counts.on_target * rate)
    value = passed.sum_w * factor
    _plausible(name, counts, region, factor, value, process)
    return Efficiency(
        m_phi=process["m_phi"],
        value=value,
        error=math.sqrt(passed.sum_w2) * factor,
        threshold=process["threshold"],
        beam_energy=process["beam_energy"],
        source=f"sample '{name}', {passed.n} events left",
        leptons=tuple(process.get("leptons", ELECTRONS)),
    )


def process_of(name: str, counts: SampleCounts, known: Mapping[str, Sample]) -> dict[str, Any]:
    """Return what was simulated, from the file that was named for the sample or else as the sample says; empty if neither."""
    from emiss.configs.schema import dump

    if name in known:
        return {**dump(known[name].process), "beam_energy": known[name].beam.energy}
    return dict(counts.process)


def _plausible(
    name: str, counts: SampleCounts, region: str | None, factor: float, value: float, process: Mapping[str, Any]
) -> None:
    """Refuse an efficiency that no share of the emitted phi can be.

    Events may be made in the region of muons that can be seen alone, or more often there: their weight is the share of the phi
    that goes there. Where each counts 1 and all together count as all phi, the weights have been left out.
    """
    everything = first_row(counts, region)
    weighted = any(process.get(key) for key in ("min_muon_energy", "max_angle", "importance"))
    if weighted and everything.n and everything.unit_weights and math.isclose(everything.n * factor, 1.0, rel_tol=1e-3):
        raise UserError(
            f"sample '{name}' was counted without the weights that its events carry: all phi would be in its region",
            hint="add 'weights: {nominal: weight}' to the analysis and run it again",
        )
    if value > 1.0 + 1e-9:
        raise UserError(
            f"sample '{name}' has an efficiency of {value:.4g}: more events than phi were emitted",
            hint="its on_target or scale is wrong, or its events have no weights",
        )


def _emitted(process: Mapping[str, Any]) -> float:
    """Return the phi emitted per electron on target (Eq. 29)."""
    from emiss.physics.emission import yields

    return yields.per_electron(
        process["m_phi"],
        coupling=process["coupling"],
        primary=process["beam_energy"],
        threshold=process["threshold"],
        leptons=process.get("leptons", ELECTRONS),
    )[0]


def last_row(counts: SampleCounts, region: str | None) -> Tally:
    """Return the tally of what passes all cuts of a region (None: the first), nominal weights.

    Raises
    ------
    UserError
        If there is no such region, or the sample is blinded: what is in the box would be missing.
    """
    return _rows(counts, region)[-1].sequential


def first_row(counts: SampleCounts, region: str | None) -> Tally:
    """Return the tally of all events before any cut; errors as `last_row`."""
    return _rows(counts, region)[0].sequential


def _rows(counts: SampleCounts, region: str | None) -> Sequence[CutCounts]:
    if counts.hidden:
        raise UserError(
            f"a {counts.role} sample of the cutflow is blinded: the events in its box are missing",
            hint="make the cutflow with --unblind, or blind the data alone",
        )
    name = next(iter(counts.regions)) if region is None else region
    if name not in counts.regions:
        raise UserError(f"the cutflow has no region '{name}'", hint=did_you_mean(name, counts.regions))
    return next(iter(counts.regions[name].values()))


def from_table(path: Path, *, threshold: float, beam_energy: float) -> list[Efficiency]:
    """Read a CSV table with the columns m_phi (GeV), efficiency and, if wanted, error, threshold (GeV) and leptons.

    The leptons are ``e-`` (the default), ``e+`` or ``e- e+``.

    A line ``# cuts: HASH`` says to which cuts it belongs (a cutflow's ``cuts_hash``).

    Raises
    ------
    UserError
        If the file cannot be read, a column is unknown or missing, or a value is no efficiency; with its line.
    """
    found = []
    check_regular(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = file.readlines()
            cuts = next((line[1:].partition(":")[2].strip() for line in lines if _CUTS.match(line)), "")
            rows = csv.DictReader(line for line in lines if not line.startswith("#"))
            names = list(rows.fieldnames or ())
            for name in names:
                if name not in COLUMNS:
                    raise UserError(
                        f"unknown column '{name}'", at=Location(str(path)), hint=did_you_mean(name, COLUMNS)
                    )
            for name in COLUMNS[:2]:
                if name not in names:
                    raise UserError(f"the column '{name}' is missing", at=Location(str(path)))
            for number, row in enumerate(rows, 1):
                found.append(replace(_row(row, path, number, threshold, beam_energy), cuts=cuts))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"cannot be read as a table: {error}", at=Location(str(path))) from None
    if not found:
        raise UserError("the table is empty", at=Location(str(path)))
    return _by_mass(found)


def _row(row: Mapping[str, str | None], path: Path, number: int, threshold: float, beam_energy: float) -> Efficiency:
    try:
        m_phi, value = float(row["m_phi"] or ""), float(row["efficiency"] or "")
        error, lowest = float(row.get("error") or 0.0), float(row.get("threshold") or threshold)
    except ValueError as wrong:
        raise UserError(f"row {number}: {wrong}", at=Location(str(path))) from None
    if not (m_phi > 0.0 and 0.0 <= value <= 1.0 and error >= 0.0 and 0.0 < lowest < beam_energy):
        text = f"row {number}: no efficiency: m_phi {m_phi:g} GeV, {value:g} +- {error:g} above {lowest:g} GeV"
        raise UserError(text, at=Location(str(path)))
    if m_phi <= (least := MUON_MASS - ELECTRON_MASS):
        text = f"row {number}: m_phi {m_phi:g} GeV: below {least:.6g} GeV the muon decays to electron and phi"
        raise UserError(text, at=Location(str(path)))
    leptons = tuple((row.get("leptons") or " ".join(ELECTRONS)).split())
    if not leptons or len(set(leptons)) < len(leptons) or not set(leptons) <= {"e-", "e+"}:
        raise UserError(
            f"row {number}: leptons are 'e-', 'e+' or 'e- e+', not '{row['leptons']}'", at=Location(str(path))
        )
    return Efficiency(m_phi, value, error, lowest, beam_energy, path.name, leptons=leptons)


def simulated(
    masses: Sequence[float],
    analysis: Analysis,
    sample: Sample,
    *,
    events: int,
    region: str | None = None,
    pool: Pool | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> list[Efficiency]:
    """Simulate the signal at each mass with the fast simulation, reconstruct it and apply the cuts.

    Parameters
    ----------
    masses : sequence of float
        GeV.
    analysis : Analysis
    sample : Sample
        A signal sample; its mass is replaced.
    events : int
        Per mass.
    region : str, optional
    pool : Pool, optional
        Who does it, one item per mass; this process by default.
    progress : callable
        Called with the number of events done, after each mass.

    Raises
    ------
    UserError
        If the sample is no signal, or a mass cannot be simulated.
    """
    items = [MassPoint(mass, events) for mass in masses]
    work = Simulating(analysis, sample, region)
    made = map(work.start(), items) if pool is None else pool.stream(work, items)
    found: list[Efficiency] = []
    for one in made:
        found += one
        progress(events)
    return _by_mass(found)


@dataclass(frozen=True)
class MassPoint:
    """A mass in GeV, and how many events are simulated."""

    mass: float
    events: int

    def __str__(self) -> str:
        return f"the signal at {self.mass:g} GeV"


@dataclass(frozen=True)
class Simulating:
    """Efficiencies at several masses as a piece of work: the signal is simulated, reconstructed, and cut."""

    analysis: Analysis
    sample: Sample
    region: str | None
    name = "simulate"

    def start(self) -> Callable[[MassPoint], list[Efficiency]]:
        """Return what gives the efficiency at a mass."""
        return self._at

    def _at(self, point: MassPoint) -> list[Efficiency]:
        from emiss import reco, selection
        from emiss.samples.simulate import simulate

        changed = self.sample.with_mass(point.mass)
        with tempfile.TemporaryDirectory() as folder:
            try:
                path = simulate(changed, Path(folder) / "s.root", events=point.events)
            except ValueError as error:
                raise UserError(f"the signal cannot be simulated at {point.mass:g} GeV: {error}") from None
            run = reco.open(path, detector=self.sample.detector, calib=self.sample.calib)
            table = reco.process(run).with_metadata(sample=changed.name, role="signal")
        return from_cutflow(selection.run(table, self.analysis).cutflow, region=self.region)


def _by_mass(found: Sequence[Efficiency]) -> list[Efficiency]:
    ordered = sorted(found, key=lambda one: one.m_phi)
    for a, b in pairwise(ordered):
        if math.isclose(a.m_phi, b.m_phi, rel_tol=1e-9):
            raise UserError(f"two efficiencies at {a.m_phi:g} GeV: {a.source}; {b.source}")
    return ordered
