"""The cutflow: an immutable sum of counts per cut, region, weight variation and sample.

Cutflows of batches, files and machines are added with ``+``, in any order and grouping; what does not belong together
(other cuts, other scale, entries counted twice) is refused. Files are read and written in `cutflowfile`, printed in
`report`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from emiss.configs.errors import UserError
from emiss.events.ledger import Ledger, total
from emiss.selection import blinding
from emiss.selection.counting.counts import ALL, CutCounts, Regions, Tally, add_regions, freeze_regions, same_conditions
from emiss.selection.results import coverage as entry_ranges
from emiss.selection.results.skimmed import with_read

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = ["ALL", "PER_ON_TARGET", "CutCounts", "Cutflow", "Regions", "SampleCounts", "Tally", "add_regions"]

PER_ON_TARGET = 1e11
"""Particles on target that expected events are given for, unless the user says otherwise."""


@dataclass(frozen=True)
class SampleCounts:
    """The counts of one sample with what they stand for.

    Attributes
    ----------
    role : str
        ``signal``, ``background`` or ``data``.
    on_target : float or None
        Particles on target that the events stand for, where known.
    scale : float
        Factor on expected events.
    partial : bool
        Whether only a part of the files was read.
    ledger : Ledger
    regions : Regions
    coverage : mapping
        File identity -> entry ranges that were read.
    hidden : bool
        Whether events inside the blind box were left out of every number.
    process : mapping
        What was simulated, with its parameters in base units (``{"kind": "signal", "m_phi": 0.3, ...}``); empty for data and
        where it is not known.
    """

    role: str
    on_target: float | None
    scale: float
    partial: bool
    ledger: Ledger
    regions: Regions
    coverage: entry_ranges.Coverage = field(default_factory=dict)
    hidden: bool = False
    process: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "regions", freeze_regions(self.regions))
        object.__setattr__(self, "coverage", entry_ranges.frozen(self.coverage))
        object.__setattr__(self, "process", MappingProxyType(dict(self.process)))

    def __reduce__(self) -> tuple[Any, ...]:  # read-only mappings cannot be pickled
        regions = {region: dict(variations) for region, variations in self.regions.items()}
        fields = (self.role, self.on_target, self.scale, self.partial, self.ledger, regions)
        return SampleCounts, (*fields, dict(self.coverage), self.hidden, dict(self.process))

    def __add__(self, other: SampleCounts) -> SampleCounts:
        if self.role != other.role:
            raise UserError(f"cannot add: the roles are {self.role} and {other.role}")
        if self.scale != other.scale:
            raise UserError(f"cannot add: the scales are {self.scale!r} and {other.scale!r}")
        if self.hidden != other.hidden:
            raise UserError("cannot add: one part is blinded, the other is not", hint="unblind both or none")
        if self.process and other.process and self.process != other.process:
            differs = next(
                key for key in {**self.process, **other.process} if self.process.get(key) != other.process.get(key)
            )
            values = f"{differs} is {self.process.get(differs)} and {other.process.get(differs)}"
            raise UserError(f"cannot add: two processes were simulated, {values}", hint="make them two samples")
        # a part that stands for an unknown number leaves the sum unknown
        known = self.on_target is not None and other.on_target is not None
        return replace(
            self,
            on_target=(self.on_target or 0.0) + (other.on_target or 0.0) if known else None,
            partial=self.partial or other.partial,
            ledger=self.ledger + other.ledger,
            regions=add_regions(self.regions, other.regions),
            coverage=entry_ranges.add(self.coverage, other.coverage),
            process=self.process or other.process,  # raw files do not say it
        )

    def sealed(self) -> SampleCounts:
        """Return the sample as outputs may show it: where events are hidden, without the entries that it was made from."""
        if not self.hidden:
            return self
        return replace(self, coverage={blinding.sealed_identity(file): blinding.WHOLE for file in self.coverage})


@dataclass(frozen=True, eq=False)
class Cutflow:
    """The result of an analysis: counts of its cuts for each sample; `cuts_hash` tells analyses apart.

    Two cutflows are equal (``==``) if they say the same: conditions of the cuts, counts, sums of weights within a relative
    `difference.TOLERANCE`, ledger, particles on target, scale; when, where and from which copies does not matter.
    """

    analysis: str
    cuts_hash: str
    provenance: Mapping[str, Any] = field(default_factory=dict)
    samples: Mapping[str, SampleCounts] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "provenance", MappingProxyType(dict(self.provenance)))
        object.__setattr__(self, "samples", MappingProxyType(dict(self.samples)))

    def __reduce__(self) -> tuple[Any, ...]:
        return Cutflow, (self.analysis, self.cuts_hash, dict(self.provenance), dict(self.samples))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Cutflow):
            return NotImplemented
        from emiss.selection.results.difference import compare

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
    ) -> Self:
        """Return the cutflow of one sample.

        `hidden` says that `regions` count only what is outside the blind box; `skim` is what a skim says of itself, and
        `weights` the expression of each weight, see `skimmed.with_read`.
        """
        ranges = entry_ranges.frozen(coverage)
        seen = blinding.outside(ledger, regions) if hidden else ledger
        rows = with_read(regions, skim or {}, weights or {})
        counts = SampleCounts(role, on_target, scale, partial, seen, rows, ranges, hidden, process or {})
        return cls(analysis, cuts_hash, provenance, {sample: counts})

    def sealed(self) -> Cutflow:
        """Return the cutflow as outputs may show it; see `blinding`. Parts of one file cannot be added any more then."""
        return replace(self, samples={name: counts.sealed() for name, counts in self.samples.items()})

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

    @property
    def ledger(self) -> Ledger:
        """The account of the events of all samples."""
        return total(sample.ledger for sample in self.samples.values())

    def per_on_target(self, sample: str, target: float = PER_ON_TARGET) -> float | None:
        """Return the factor from sums of weights to events expected for `target` particles on target.

        None where it is not known how many the sample stands for.
        """
        counts = self.samples[sample]
        return target / counts.on_target * counts.scale if counts.on_target else None

    def to_json(self) -> dict[str, Any]:
        """Return the cutflow as plain data, schema ``emiss.cutflow/1``."""
        from emiss.selection.results.files import cutflow as cutflowfile

        return cutflowfile.to_json(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Cutflow:
        """Return the cutflow that `to_json` gave; a UserError says what is wrong with `data`."""
        from emiss.selection.results.files import cutflow as cutflowfile

        return cutflowfile.from_json(data)

    def save(self, path: str | Path) -> None:
        """Write the cutflow as a JSON file: all of it, or nothing."""
        from emiss.selection.results.files import cutflow as cutflowfile

        cutflowfile.save(self, path)

    @classmethod
    def load(cls, path: str | Path) -> Cutflow:
        """Read a file that `save` wrote; a UserError says what is wrong with it."""
        from emiss.selection.results.files import cutflow as cutflowfile

        return cutflowfile.load(path)

    def __str__(self) -> str:
        from emiss.selection.report import terminal

        return terminal.text(self)

    def _repr_html_(self) -> str:
        from emiss.selection.report import html

        return html.table(self)


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
