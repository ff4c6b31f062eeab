"""The cutflow: an immutable sum of counts per cut, region, weight variation and sample.

Cutflows of batches, files and machines are added with ``+``, in any order and grouping; what does not belong together
(other cuts, other scale, entries counted twice) is refused.

`Cutflow` is what users hold, so it can show itself (`display`), compare itself (`difference`) and be read and written
(`files.cutflow`). All of these take the counts it is made of (`counting.samples.Counted`) and lie below it: they import
no cutflow, and it imports them like any other module.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Self

from emiss.configs.errors import UserError
from emiss.selection import blinding
from emiss.selection.counting import coverage as entry_ranges
from emiss.selection.counting.counts import same_conditions
from emiss.selection.counting.samples import Counted, SampleCounts
from emiss.selection.display import notebook, terminal
from emiss.selection.results.difference import compare
from emiss.selection.results.files import cutflow as cutflowfile
from emiss.selection.results.nuisances import nuisances
from emiss.selection.results.skimmed import with_read

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from emiss.events.history import History
    from emiss.events.ledger import Ledger
    from emiss.selection.counting.counts import Regions


class Cutflow(Counted):
    """The result of an analysis: counts of its cuts for each sample; `cuts_hash` tells analyses apart.

    Two cutflows are equal (``==``) if they say the same: conditions of the cuts, counts, sums of weights within a relative
    `difference.TOLERANCE`, ledger, particles on target, scale; when, where and from which copies does not matter.
    """

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Cutflow):
            return NotImplemented
        return not compare(self, other)

    __hash__ = None  # type: ignore[assignment] # what is equal within a tolerance has no hash

    @classmethod
    def empty(cls) -> Self:
        """Return the cutflow of nothing, which adds to any other."""
        return cls("", "")

    @classmethod
    def single(
        cls,
        *,
        analysis: str,
        cuts_hash: str,
        sample: str,
        role: str,
        on_target: float | None,
        scale: float,
        partial: bool,
        ledger: Ledger,
        regions: Regions,
        coverage: Mapping[str, Iterable[tuple[int, int]]],
        provenance: Mapping[str, Any],
        hidden: bool = False,
        process: Mapping[str, Any] | None = None,
        skim: Mapping[str, Any] | None = None,
        weights: Mapping[str, str] | None = None,
        history: History = (),
    ) -> Self:
        """Return the cutflow of one sample.

        `hidden` says that `regions` count only what is outside the blind box; `skim` is what a skim says of itself, and
        `weights` the expression of each weight, see `skimmed.with_read`; `history` is what was cut before the
        files were written.
        """
        ranges = entry_ranges.frozen(coverage)
        counted = max(
            (rows[0].sequential.n for variations in regions.values() for rows in variations.values()), default=None
        )
        seen = blinding.outside(ledger, counted) if hidden else ledger
        rows = with_read(regions, skim or {}, weights or {})
        counts = SampleCounts(role, on_target, scale, partial, seen, rows, ranges, hidden, process or {}, history)
        return cls(analysis, cuts_hash, provenance, {sample: counts})

    def __add__(self, other: Cutflow) -> Cutflow:
        if not isinstance(other, Cutflow):
            return NotImplemented
        if not other.samples and not other.cuts_hash:
            return self
        if not self.samples and not self.cuts_hash:
            return other
        _same_cuts(self, other)
        samples = dict(self.samples)
        for name, counts in other.samples.items():
            try:
                samples[name] = samples[name] + counts if name in samples else counts
            except UserError as error:
                raise UserError(f"sample {name}: {error.message}", hint=error.hint) from None
        return Cutflow(self.analysis, self.cuts_hash, _both(self.provenance, other.provenance), samples)

    def __radd__(self, other: object) -> Cutflow:
        return self if other == 0 else NotImplemented  # sum() starts from 0

    def nuisances(self, sample: str, region: str | None = None) -> dict[str, tuple[float | None, float | None]]:
        """Return the factors of each systematic variation on what is left of a sample, up and down; see `nuisances`."""
        return nuisances(self, sample, region)

    def to_json(self) -> dict[str, Any]:
        """Return the cutflow as plain data, schema ``emiss.cutflow/1``."""
        return cutflowfile.to_json(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the cutflow that `to_json` gave; a UserError says what is wrong with `data`."""
        return cls._of(cutflowfile.from_json(data))

    def save(self, path: str | Path) -> None:
        """Write the cutflow as a JSON file: all of it, or nothing."""
        cutflowfile.save(self, path)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a file that `save` wrote; a UserError says what is wrong with it."""
        return cls._of(cutflowfile.load(path))

    @classmethod
    def _of(cls, counted: Counted) -> Self:
        return cls(counted.analysis, counted.cuts_hash, counted.provenance, counted.samples)

    def plot(
        self,
        region: str | None = None,
        *,
        ax: Axes | None = None,
        samples: Sequence[str] | None = None,
        normalise_to: float | None = None,
    ) -> Axes:
        """Draw what is left of each sample after each cut; see `emiss.selection.display.plot`."""
        from emiss.selection.display.plot import plot

        return plot(self, region, ax=ax, samples=samples, normalise_to=normalise_to)

    def __str__(self) -> str:
        return terminal.text(self)

    def _repr_html_(self) -> str:
        return notebook.table(self)


def _same_cuts(a: Cutflow, b: Cutflow) -> None:
    """Refuse cutflows of different analyses, and say in which cut they differ where that can be seen."""
    if a.analysis != b.analysis:
        raise UserError(f"cannot add cutflows of the analyses '{a.analysis}' and '{b.analysis}'")
    if a.samples and b.samples:
        same_conditions(next(iter(a.samples.values())).regions, next(iter(b.samples.values())).regions)
    if a.cuts_hash != b.cuts_hash:
        raise UserError(
            f"cannot add: '{a.analysis}' was not the same analysis both times ({a.cuts_hash} and {b.cuts_hash})",
            hint="an object, a definition or a weight differs",
        )


def _both(a: Mapping[str, Any], b: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the provenance of a sum: the different ones of its parts under ``merged``, in an order of their own."""
    parts: dict[str, Mapping[str, Any]] = {}
    for provenance in (a, b):
        for part in provenance.get("merged", [dict(provenance)] if provenance else []):
            parts[json.dumps(part, sort_keys=True, default=str)] = part
    ordered = [parts[text] for text in sorted(parts)]
    if len(ordered) > 1:
        return {"merged": ordered}
    return ordered[0] if ordered else {}
