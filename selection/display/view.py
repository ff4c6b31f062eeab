"""What every report shows of a cutflow, in words and written numbers: the lines of its tables, the ledger, the notes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, TypeVar

from emiss.configs.errors import UserError, did_you_mean
from emiss.selection.counting.counts import CutCounts, efficiencies
from emiss.selection.display import numbers, preselection

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from emiss.events.ledger import Ledger
    from emiss.selection.counting.counts import Efficiency, Rows
    from emiss.selection.counting.samples import Counted

NOMINAL = "nominal"
BEFORE = "before: "
"""Stands in front of the names of cuts that were made before the files were written."""

Kind = Literal["cut", "all", "before", "events", "unknown"]
"""Of a line: a cut, the first row, what was cut before the files were written (with weights, or events alone), and what is
known of other samples only."""

T = TypeVar("T")


@dataclass(frozen=True)
class Line:
    """One cut of one sample with its numbers as text; cells of the first row that say nothing are empty.

    `n` counts events; `passed`, `individual`, `n_minus_1` and `only_failed` are sums of weights where these are not 1.
    """

    row: CutCounts
    efficiency: Efficiency | None
    factor: float | None
    upper: float | None
    kind: Kind = "cut"

    @property
    def name(self) -> str:
        """Name of the cut."""
        return clean(self.row.name) if self.kind in ("cut", "all") else f"{BEFORE}{clean(self.row.name)}"

    @property
    def require(self) -> str:
        """Condition of the cut in one line."""
        return clean(self.row.require)

    @property
    def is_cut(self) -> bool:
        """Whether this is a cut, and neither the first row nor one before it."""
        return self.kind == "cut"

    @property
    def n(self) -> str:
        """Events that passed this cut and all before it."""
        return str(self.row.sequential.n) if self.kind != "unknown" else ""

    @property
    def passed(self) -> str:
        """The same, weighted."""
        written = {"unknown": "", "events": numbers.NONE}
        return written[self.kind] if self.kind in written else numbers.count(self.row.sequential)

    @property
    def relative(self) -> str:
        """Efficiency relative to the row before."""
        e = self.efficiency
        return numbers.efficiency(e.relative, e.relative_low, e.relative_high) if e else ""

    @property
    def total(self) -> str:
        """Efficiency relative to the first row."""
        e = self.efficiency
        return numbers.efficiency(e.total, e.total_low, e.total_high) if e else ""

    @property
    def expected(self) -> str:
        """Events expected for the number of particles on target that was asked for."""
        if self.kind in ("unknown", "events"):
            return "" if self.kind == "unknown" else numbers.NONE
        return numbers.expected(self.factor, self.row.sequential.sum_w, self.upper)

    @property
    def individual(self) -> str:
        """Events that pass this cut, whatever the others say."""
        return numbers.count(self.row.individual) if self.is_cut else ""

    @property
    def n_minus_1(self) -> str:
        """Events that pass all other cuts."""
        return numbers.count(self.row.n_minus_1) if self.is_cut else ""

    @property
    def only_failed(self) -> str:
        """Events that fail this cut alone."""
        return numbers.count(self.row.only_failed) if self.is_cut else ""

    @property
    def undefined(self) -> str:
        """Events that reached the cut, which had no value."""
        return str(self.row.undefined) if self.is_cut else ""

    @property
    def individual_undefined(self) -> str:
        """Events, of all, for which the cut had no value."""
        return str(self.row.individual_undefined) if self.is_cut else ""


def clean(text: str) -> str:
    """Return `text` in one line and without control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def regions(cutflow: Counted, region: str | None = None) -> tuple[str, ...]:
    """Return the regions to show: all of them, or the one asked for, which must exist."""
    known = dict.fromkeys(name for sample in cutflow.samples.values() for name in sample.regions)
    if region is None:
        return tuple(known)
    if region not in known:
        raise UserError(f"no region '{region}' in the cutflow", hint=did_you_mean(region, known))
    return (region,)


def samples(cutflow: Counted, region: str) -> tuple[str, ...]:
    """Return the samples that have counts in a region."""
    return tuple(name for name, sample in cutflow.samples.items() if sample.regions.get(region))


def blocks(items: Sequence[T], most: int) -> list[Sequence[T]]:
    """Return the items in blocks of about the same length, none above `most`."""
    count = -(-len(items) // most)
    ends = [len(items) * k // count for k in range(count + 1)] if count else [0]
    return [items[a:b] for a, b in pairwise(ends)]


def nominal(variations: Mapping[str, Rows]) -> str:
    """Return the weight variation that tables show: ``nominal``, else the first."""
    return NOMINAL if NOMINAL in variations else next(iter(variations))


def lines(
    cutflow: Counted, sample: str, region: str, target: float, variation: str | None = None, *, history: bool = False
) -> tuple[Line, ...]:
    """Return the table of a sample in a region, one line per cut.

    Parameters
    ----------
    cutflow : Counted
    sample, region : str
    target : float
        Particles on target that expected events are given for.
    variation : str, optional
        Weight variation; the nominal one by default.
    history : bool
        Begin with what was cut before the files were written, of this sample and of others; total efficiencies are then those
        of all events that there were before, where that can be said.
    """
    variations = cutflow.samples[sample].regions[region]
    rows = variations[variation or nominal(variations)]
    factor = cutflow.per_on_target(sample, target)
    counts = cutflow.samples[sample]
    if not history:
        return _lines(rows, factor)
    above = preselection.above(counts, rows, nominal=variation in (None, nominal(variations)))
    size = len(above.rows)
    if above.together:
        together = _lines((*above.rows, *rows), factor, size)
        before, made = together[:size], together[size:]
    else:
        before, made = _lines(above.rows, factor, size), _lines(rows, factor)
    if not above.weights:
        before = tuple(replace(line, kind="events") for line in before)
    blank = Line(CutCounts(""), None, None, None, "unknown")
    mine = {line.row.name: line for line in before}
    names = dict.fromkeys(row.cut for name in samples(cutflow, region) for row in cutflow.samples[name].history)
    return (*(mine.get(name, replace(blank, row=CutCounts(name))) for name in names), *made)


def _lines(rows: Sequence[CutCounts], factor: float | None, before: int = 0) -> tuple[Line, ...]:
    """Return a line for each row, of which so many are from before the files were written."""
    if not rows:
        return ()
    start = rows[0].sequential.sum_w
    first: list[Kind] = ["before"] * before
    after: list[Kind] = ["cut"] * len(rows)
    return tuple(
        Line(
            row=row,
            efficiency=efficiency if number else None,
            factor=factor,
            upper=None if efficiency.total_high is None else efficiency.total_high * start,
            kind=kind,
        )
        for number, (row, efficiency, kind) in enumerate(
            zip(rows, efficiencies(rows), (*first, "all", *after), strict=False)
        )
    )


LEDGER_HEAD = ("read", "= passed", "+ not physics", "+ lost", "+ excluded", "bad", "on target")


def ledger_cells(cutflow: Counted, sample: str) -> tuple[str, ...]:
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
    return (*_reasons("not physics", ledger.not_physics), *losses(ledger))


def losses(ledger: Ledger) -> tuple[str, ...]:
    """Return what was lost, excluded or damaged, one line per kind."""
    notes = [*_reasons("lost", ledger.lost), *_reasons("missing (estimate)", ledger.missing)]
    notes += _reasons("excluded", ledger.excluded)
    if ledger.damage:
        each = [f"{clean(name)} {d.records} records in {d.events} events" for name, d in ledger.damage.items()]
        notes.append("damage inside passed events: " + ", ".join(each))
    if ledger.unusable:
        notes.append(f"passed events in which a part of the detector is undefined: {ledger.unusable}")
    notes += _reasons("remarked", ledger.remarks)
    if ledger.bytes_skipped:
        notes.append(f"{ledger.bytes_skipped} bytes skipped")
    if ledger.incomplete_at_end:
        notes.append(f"incomplete at the end of the file: {ledger.incomplete_at_end}")
    return tuple(notes)


def _reasons(title: str, counts: Mapping[str, int]) -> list[str]:
    return [f"{title}: " + ", ".join(f"{clean(reason)} {n}" for reason, n in counts.items())] if counts else []


def undefined_notes(cutflow: Counted, shown: Iterable[str]) -> tuple[str, ...]:
    """Return one line per region with the cuts that had no value for events that reached them."""
    notes = []
    shown = tuple(shown)
    for region in shown:
        reached: dict[str, list[str]] = {}
        for sample in samples(cutflow, region):
            variations = cutflow.samples[sample].regions[region]
            for row in variations[nominal(variations)]:
                if row.undefined:
                    reached.setdefault(clean(row.name), []).append(f"{row.undefined} of {clean(sample)}")
        where = f" in region {clean(region)}" if len(shown) > 1 else ""
        if reached:
            said = "; ".join(f"{cut} {', '.join(events)}" for cut, events in reached.items())
            notes.append(f"undefined for events that reached the cut{where}: {said}")
    return tuple(notes)


def damage_notes(cutflow: Counted, shown: Iterable[str]) -> tuple[str, ...]:
    """Return one line per region with the events that passed all its cuts and tell of damage."""
    notes = []
    shown = tuple(shown)
    for region in shown:
        said = []
        for sample in samples(cutflow, region):
            variations = cutflow.samples[sample].regions[region]
            said += [f"{clean(bit)} {n} of {clean(sample)}" for bit, n in variations[nominal(variations)][-1].damaged]
        where = f" of region {clean(region)}" if len(shown) > 1 else ""
        if said:
            notes.append(f"events with damage that passed all cuts{where}: " + ", ".join(said))
    return tuple(notes)


def interval_note(cutflow: Counted) -> str:
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


def variation_note(cutflow: Counted) -> str:
    """Return which weight variation the tables show, where there are several."""
    for sample in cutflow.samples.values():
        for variations in sample.regions.values():
            if len(variations) > 1:
                return f"weights: {nominal(variations)}; also counted: " + ", ".join(
                    name for name in variations if name != nominal(variations)
                )
    return ""


def hidden(cutflow: Counted) -> tuple[str, ...]:
    """Return the samples with a blind box."""
    return tuple(name for name, sample in cutflow.samples.items() if sample.hidden)


def notes(cutflow: Counted, shown: Iterable[str]) -> tuple[str, ...]:
    """Return the remarks under the tables: undefined values, weights, intervals."""
    shown = tuple(shown)
    found = (
        *map(clean, preselection.notes(cutflow, {name for region in shown for name in samples(cutflow, region)})),
        *undefined_notes(cutflow, shown),
        *damage_notes(cutflow, shown),
        variation_note(cutflow),
        interval_note(cutflow),
    )
    return tuple(note for note in found if note)
