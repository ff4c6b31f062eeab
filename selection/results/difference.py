"""What differs between two cutflows: samples, cuts, counts; for the command ``diff`` and for tests."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from emiss.selection.counting.counts import redefined, same_cut
from emiss.selection.display.terminal import columns

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from emiss.selection.analysis.model import Analysis
    from emiss.selection.counting.counts import CutCounts, Rows, Tally
    from emiss.selection.counting.samples import Counted, SampleCounts

TOLERANCE = 1e-12
"""Relative difference of sums of weights that is still no difference (they may be added in another order); counts have to be
equal."""

HISTOGRAMS = 20
"""Most histograms that are told of as text."""

KINDS = ("sequential", "individual", "n_minus_1", "only_failed")
TITLES = {"sequential": "in sequence", "individual": "alone", "n_minus_1": "N-1", "only_failed": "only failed"}


@dataclass(frozen=True)
class Note:
    """Something other than a count that differs: `what` of a sample (or of the analysis, then `sample` is "")."""

    sample: str
    what: str
    a: str
    b: str

    def __str__(self) -> str:
        where = f"sample {self.sample}: " if self.sample else ""
        return f"{where}{self.what}: {self.a} and {self.b}"


@dataclass(frozen=True)
class Changed:
    """A cut that differs, in one sample, region and weight variation; a side that lacks it is None."""

    sample: str
    region: str
    variation: str
    a: CutCounts | None
    b: CutCounts | None
    tolerance: float = TOLERANCE

    @property
    def name(self) -> str:
        """Name of the cut."""
        row = self.a or self.b
        assert row is not None  # noqa: S101 - one side is there
        return row.name

    @property
    def redefined(self) -> bool:
        """Whether the condition, or what is behind it, differs, or one side lacks the cut."""
        return self.a is None or self.b is None or not same_cut(self.a, self.b)

    @property
    def counts(self) -> tuple[tuple[str, Tally, Tally], ...]:
        """The kinds of counts that differ, with both sides; none where a side lacks the cut."""
        if self.a is None or self.b is None:
            return ()
        pairs = ((kind, getattr(self.a, kind), getattr(self.b, kind)) for kind in KINDS)
        return tuple(pair for pair in pairs if not close(pair[1], pair[2], self.tolerance))

    @property
    def undefined(self) -> bool:
        """Whether the number of events differs for which the cut has no value."""
        if self.a is None or self.b is None:
            return False
        mine, theirs = ((row.undefined, row.individual_undefined) for row in (self.a, self.b))
        return mine != theirs

    @property
    def overlaps(self) -> bool:
        """Whether the number of events differs that pass this cut and one of those before it."""
        return (
            self.a is not None
            and self.b is not None
            and bool(self.a.overlap and self.b.overlap)
            and (self.a.overlap != self.b.overlap)
        )


@dataclass(frozen=True)
class Difference:
    """All that differs between two cutflows, and between the histograms beside them; false where nothing does."""

    notes: tuple[Note, ...]
    cuts: tuple[Changed, ...]
    histograms: tuple[Note, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.notes or self.cuts or self.histograms)


def close(a: Tally, b: Tally, tolerance: float = TOLERANCE) -> bool:
    """Return whether two tallies agree: counts exactly, sums of weights within a relative tolerance."""
    return a.n == b.n and near(a.sum_w, b.sum_w, tolerance) and near(a.sum_w2, b.sum_w2, tolerance)


def near(x: float, y: float, tolerance: float = TOLERANCE) -> bool:
    """Return whether two sums agree within a relative tolerance."""
    return abs(x - y) <= tolerance * max(abs(x), abs(y))


def compare(a: Counted, b: Counted, *, tolerance: float = TOLERANCE) -> Difference:
    """Return what differs between two cutflows; cuts are matched by name and order.

    Provenance and the identity of the inputs are not compared: when, where and from which copy does not matter.
    """
    notes: list[Note] = []
    if a.analysis != b.analysis:
        notes.append(Note("", "the analyses", repr(a.analysis), repr(b.analysis)))
    cuts: list[Changed] = []
    for name in dict.fromkeys([*a.samples, *b.samples]):
        if name not in a.samples or name not in b.samples:
            there = ("in the first only", "") if name in a.samples else ("", "in the second only")
            notes.append(Note(name, "the sample", there[0] or "not there", there[1] or "not there"))
            continue
        mine, theirs = a.samples[name], b.samples[name]
        notes += _sample_notes(name, mine, theirs, tolerance)
        cuts += _sample_cuts(name, mine, theirs, tolerance)
    told = any(changed.redefined for changed in cuts) or any(
        note.what.startswith(("regions", "weights")) for note in notes
    )
    if a.cuts_hash != b.cuts_hash and not told:
        notes.append(Note("", BEHIND, a.cuts_hash, b.cuts_hash))
    return Difference(tuple(notes), tuple(cuts))


BEHIND = "what is behind the same cuts (a weight, the blind box)"
"""Says that the hashes of two analyses differ, though none of their cuts does."""


def declared(a: Analysis, b: Analysis) -> tuple[Note, ...]:
    """Return what differs between two analyses beside their cuts: weights and the blind box."""
    sides = []
    for analysis in (a, b):
        said = {f"the weight '{name}'": expression for name, expression in analysis.weights.items()}
        if analysis.blind is not None:
            said["the blind box"] = analysis.blind.box
        sides.append({what: (analysis.meaning(e), analysis.substitute(e)) for what, e in said.items()})
    nothing = ("", "not there")
    found = []
    for what in dict.fromkeys([*sides[0], *sides[1]]):
        (meaning, text), (other, other_text) = (side.get(what, nothing) for side in sides)
        if meaning != other:
            found.append(Note("", what, text, other_text if other_text != text else f"{other_text}, of something else"))
    blinded = [", ".join(sorted(side.blind.samples)) if side.blind else "none" for side in (a, b)]
    if blinded[0] != blinded[1]:
        found.append(Note("", "the blinded samples", *blinded))
    return tuple(found)


def _sample_notes(name: str, a: SampleCounts, b: SampleCounts, tolerance: float) -> Iterator[Note]:
    for what in ("role", "scale", "partial", "hidden"):
        x, y = getattr(a, what), getattr(b, what)
        if x != y:
            yield Note(name, what, str(x), str(y))
    x, y = a.on_target, b.on_target
    if x != y and (x is None or y is None or not near(x, y, tolerance)):
        yield Note(name, "particles on target", str(x), str(y))
    for key in dict.fromkeys([*a.process, *b.process]):
        if a.process.get(key) != b.process.get(key):
            yield Note(name, f"process, {key}", str(a.process.get(key)), str(b.process.get(key)))
    if a.history != b.history:
        before = (", ".join(f"{row.cut} {row.events}" for row in side.history) or "nothing" for side in (a, b))
        yield Note(name, "cut before the files", *before)
    mine, theirs = a.ledger.to_json(), b.ledger.to_json()
    for key in mine:
        if mine[key] != theirs[key]:
            yield Note(name, f"ledger, {key}", str(mine[key]), str(theirs[key]))
    if a.regions.keys() != b.regions.keys():
        yield Note(name, "regions", ", ".join(a.regions), ", ".join(b.regions))
    for region in a.regions:
        variations = a.regions[region], b.regions.get(region, a.regions[region])
        if variations[0].keys() != variations[1].keys():
            yield Note(name, f"weights of region {region}", *(", ".join(each) for each in variations))


def _sample_cuts(name: str, a: SampleCounts, b: SampleCounts, tolerance: float) -> Iterator[Changed]:
    for region in a.regions:
        for variation in a.regions[region]:
            if variation in b.regions.get(region, {}):
                pairs = matched(a.regions[region][variation], b.regions[region][variation])
                for x, y in pairs:
                    changed = Changed(name, region, variation, x, y, tolerance)
                    if changed.redefined or changed.counts or changed.undefined or changed.overlaps:
                        yield changed


def matched(a: Rows, b: Rows) -> list[tuple[CutCounts | None, CutCounts | None]]:
    """Return the cuts of both side by side, by their names; None where the other one has no such cut in this place."""
    names: tuple[Sequence[str], Sequence[str]] = [row.name for row in a], [row.name for row in b]
    pairs: list[tuple[CutCounts | None, CutCounts | None]] = []
    for kind, i, j, k, m in SequenceMatcher(None, *names, autojunk=False).get_opcodes():
        if kind == "equal":
            pairs += zip(a[i:j], b[k:m], strict=True)
        else:
            pairs += [(row, None) for row in a[i:j]] + [(None, row) for row in b[k:m]]
    return pairs


def lines(difference: Difference, names: tuple[str, str] = ("A", "B"), limit: int | None = None) -> list[str]:
    """Return a difference as text: the notes, a table of the cuts with the counts of both sides, the histograms.

    Parameters
    ----------
    names : pair of str
        What the two sides are called.
    limit : int, optional
        Most rows of the table.
    """
    out = [str(note) for note in difference.notes]
    last = [str(note) for note in difference.histograms[:HISTOGRAMS]]
    if len(difference.histograms) > HISTOGRAMS:
        last.append(f"... and {len(difference.histograms) - HISTOGRAMS} more histograms")
    rows = [row for changed in difference.cuts for row in _rows(changed)]
    if not rows:
        return out + [line for changed in difference.cuts for line in _definition(changed, names)] + last
    head = ("sample", "cut", "count", *(f"n {name}" for name in names), "difference", "sum of w")
    shown = rows if limit is None else rows[:limit]
    out += [line.rstrip() for line in columns((head, *shown), left=3)]
    if len(rows) > len(shown):
        out.append(f"... and {len(rows) - len(shown)} more")
    redefined: dict[str, None] = {}
    for changed in difference.cuts:
        if changed.redefined:
            redefined.update(dict.fromkeys(_definition(changed, names)))
    return [*out, *redefined, *last]


def _rows(changed: Changed) -> Iterator[tuple[str, ...]]:
    """Yield one row per kind of count that differs."""
    more = [changed.region] * (changed.region not in ("nominal", "signal")) + [changed.variation] * (
        changed.variation != "nominal"
    )
    where = changed.sample + (f" ({', '.join(more)})" if more else "")
    if changed.a is None or changed.b is None:
        sides = tuple("-" if row is None else str(row.sequential.n) for row in (changed.a, changed.b))
        yield (where, changed.name, TITLES["sequential"], *sides, "", "")
        return
    for kind, x, y in changed.counts:
        weights = f"{y.sum_w - x.sum_w:+.6g}" if (x.sum_w, y.sum_w) != (x.n, y.n) else ""
        yield (where, changed.name, TITLES[kind], str(x.n), str(y.n), f"{y.n - x.n:+d}", weights)
    for kind, mine, theirs in (
        ("undefined", changed.a.undefined, changed.b.undefined),
        ("undefined alone", changed.a.individual_undefined, changed.b.individual_undefined),
    ):
        if mine != theirs:
            yield (where, changed.name, kind, str(mine), str(theirs), f"{theirs - mine:+d}", "")
    if changed.overlaps and not changed.counts:
        yield (where, changed.name, "overlap", *(str(sum(row.overlap)) for row in (changed.a, changed.b)), "", "")


def _definition(changed: Changed, names: tuple[str, str]) -> Iterator[str]:
    """Yield what is required on both sides, and which definition differs where the cut reads the same."""
    a, b = changed.a, changed.b
    behind = redefined(a, b) if a is not None and b is not None else ()
    if a is None or b is None or a.require != b.require:
        for name, row in zip(names, (a, b), strict=True):
            yield f"{changed.name}: {name} {'has no such cut here' if row is None else f'requires {row.require}'}"
    elif not behind:
        yield f"{changed.name}: both require {a.require}, of columns in other units"
    for what, mine, theirs in behind:
        yield f"{changed.name}: {what} is {mine} in {names[0]}"
        yield f"{changed.name}: {what} is {theirs} in {names[1]}"
