"""What every report shows of a cutflow, in words and written numbers: the lines of its tables, the ledger, the notes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from configs.errors import UserError, did_you_mean
from selection.counts import efficiencies
from selection.report import numbers

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from events.ledger import Ledger
    from selection.counts import Rows
    from selection.cutflow import Cutflow

NOMINAL = "nominal"


@dataclass(frozen=True)
class Line:
    """One cut of one sample as text; `n` is raw, the counts of the details are weighted where weights are not 1."""

    name: str
    require: str
    n: str
    passed: str
    relative: str
    total: str
    total_bare: str
    expected: str
    individual: str
    n_minus_1: str
    only_failed: str
    undefined: str
    individual_undefined: str
    share: float | None

    @property
    def is_cut(self) -> bool:
        """Whether this is a cut and not the first row."""
        return bool(self.require)


def regions(cutflow: Cutflow, region: str | None = None) -> tuple[str, ...]:
    """Return the regions to show: all of them, or the one asked for, which must exist."""
    known = dict.fromkeys(name for sample in cutflow.samples.values() for name in sample.regions)
    if region is None:
        return tuple(known)
    if region not in known:
        raise UserError(f"no region '{region}' in the cutflow", hint=did_you_mean(region, known))
    return (region,)


def samples(cutflow: Cutflow, region: str) -> tuple[str, ...]:
    """Return the samples that have counts in a region."""
    return tuple(name for name, sample in cutflow.samples.items() if sample.regions.get(region))


def nominal(variations: Mapping[str, Rows]) -> str:
    """Return the weight variation that tables show: ``nominal``, else the first."""
    return NOMINAL if NOMINAL in variations else next(iter(variations))


def unit_weights(rows: Rows) -> bool:
    """Whether all weights are 1."""
    return all(row.sequential.unit_weights for row in rows)


def lines(
    cutflow: Cutflow, sample: str, region: str, target: float, variation: str | None = None
) -> tuple[Line, ...]:
    """Return the table of a sample in a region, one line per cut.

    Parameters
    ----------
    cutflow : Cutflow
    sample, region : str
    target : float
        Particles on target that expected events are given for.
    variation : str, optional
        Weight variation; the nominal one by default.
    """
    variations = cutflow.samples[sample].regions[region]
    rows = variations[variation or nominal(variations)]
    factor = cutflow.per_on_target(sample, target)
    start = rows[0].sequential.sum_w
    made = []
    for row, eff in zip(rows, efficiencies(rows), strict=True):
        cut = bool(row.require)
        upper = eff.total_high * start if eff.total_high is not None else None
        ends = (eff.total, eff.total_low, eff.total_high)
        made.append(
            Line(
                name=row.name,
                require=row.require,
                n=str(row.sequential.n),
                passed=numbers.count(row.sequential),
                relative=numbers.efficiency(eff.relative, eff.relative_low, eff.relative_high) if cut else "",
                total=numbers.efficiency(*ends) if cut else "",
                total_bare=numbers.efficiency(*ends, percent=False) if cut else "",
                expected=numbers.expected(factor, row.sequential.sum_w, upper),
                individual=numbers.count(row.individual) if cut else "",
                n_minus_1=numbers.count(row.n_minus_1) if cut else "",
                only_failed=numbers.count(row.only_failed) if cut else "",
                undefined=str(row.undefined) if cut else "",
                individual_undefined=str(row.individual_undefined) if cut else "",
                share=eff.total,
            )
        )
    return tuple(made)


LEDGER_HEAD = ("read", "= passed", "+ not physics", "+ lost", "+ excluded", "bad", "on target")


def ledger_cells(cutflow: Cutflow, sample: str) -> tuple[str, ...]:
    """Return the ledger of a sample under `LEDGER_HEAD`: the sum rule, the bad fraction, what the sample stands for."""
    counts = cutflow.samples[sample]
    ledger = counts.ledger
    on_target = numbers.NONE if counts.on_target is None else numbers.particles(counts.on_target)
    if counts.scale != 1.0:
        on_target += f", scale {numbers.significant(counts.scale)}"
    if counts.partial:
        on_target += ", in part"
    binned = [str(sum(bin_.values())) for bin_ in (ledger.not_physics, ledger.lost, ledger.excluded)]
    return str(ledger.read), str(ledger.passed), *binned, numbers.fraction(ledger.bad_fraction), on_target


def ledger_notes(ledger: Ledger) -> tuple[str, ...]:
    """Return what stands behind the bins of a ledger, one line per kind that is not empty."""
    notes = [
        f"{title}: " + ", ".join(f"{reason} {n}" for reason, n in bin_.items())
        for title, bin_ in (
            ("not physics", ledger.not_physics),
            ("lost", ledger.lost),
            ("excluded", ledger.excluded),
        )
        if bin_
    ]
    if ledger.damage:
        each = [f"{name} {d.records} records in {d.events} events" for name, d in ledger.damage.items()]
        notes.append("damage inside passed events: " + ", ".join(each))
    if ledger.bytes_skipped:
        notes.append(f"{ledger.bytes_skipped} bytes skipped")
    if ledger.incomplete_at_end:
        notes.append(f"incomplete at the end of the file: {ledger.incomplete_at_end}")
    return tuple(notes)


def undefined_notes(cutflow: Cutflow, shown: Iterable[str]) -> tuple[str, ...]:
    """Return one line per cut that had no value for events that reached it, in the regions `shown`."""
    notes = []
    shown = tuple(shown)
    for region in shown:
        where = f" ({region})" if len(shown) > 1 else ""
        reached: dict[str, list[str]] = {}
        for sample in samples(cutflow, region):
            variations = cutflow.samples[sample].regions[region]
            for row in variations[nominal(variations)]:
                if row.undefined:
                    reached.setdefault(row.name, []).append(f"{row.undefined} events of {sample}")
        notes += [f"undefined: {cut}{where} for " + ", ".join(of) for cut, of in reached.items()]
    return tuple(notes)


def interval_note(cutflow: Cutflow) -> str:
    """Return which intervals stand behind the efficiencies, and for which samples where they are not all the same."""
    kinds: dict[str, list[str]] = {}
    for name, sample in cutflow.samples.items():
        for variations in sample.regions.values():
            for interval in {efficiencies(variations[nominal(variations)])[0].interval}:
                names = kinds.setdefault(interval, [])
                if name not in names:
                    names.append(name)
    if not kinds:
        return ""
    if len(kinds) == 1:
        return f"intervals: {next(iter(kinds))}"
    return "intervals: " + "; ".join(f"{kind} for {', '.join(names)}" for kind, names in kinds.items())


def variation_note(cutflow: Cutflow) -> str:
    """Return which weight variation the tables show, where there are several."""
    for sample in cutflow.samples.values():
        for variations in sample.regions.values():
            if len(variations) > 1:
                return f"weights: {nominal(variations)}; also counted: " + ", ".join(
                    name for name in variations if name != nominal(variations)
                )
    return ""


def hidden(cutflow: Cutflow) -> tuple[str, ...]:
    """Return the samples with a blind box."""
    return tuple(name for name, sample in cutflow.samples.items() if sample.hidden)


def notes(cutflow: Cutflow, shown: Iterable[str]) -> tuple[str, ...]:
    """Return the remarks under the tables: undefined values, weights, intervals."""
    found = (*undefined_notes(cutflow, shown), variation_note(cutflow), interval_note(cutflow))
    return tuple(note for note in found if note)
