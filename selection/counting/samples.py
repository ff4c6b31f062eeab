"""The counts of samples with what they stand for: of one sample, and of all that an analysis was applied to.

`Counted` is a cutflow as all that shows, compares or writes one needs it. What users hold is `results.cutflow.Cutflow`,
which is made of it and hands on to them: so that they can be used from there, none of them knows it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from emiss.configs.errors import UserError
from emiss.events import history
from emiss.events.ledger import Ledger, total
from emiss.selection import blinding, normalisation
from emiss.selection.counting import coverage as entry_ranges
from emiss.selection.counting.counts import Regions, add_regions, freeze_regions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.events.history import History


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
    history : tuple of Before
        What was cut before the files were written; in no count, and not told of a sample of which events are hidden.
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
    history: History = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "regions", freeze_regions(self.regions))
        object.__setattr__(self, "coverage", entry_ranges.frozen(self.coverage))
        object.__setattr__(self, "process", MappingProxyType(dict(self.process)))
        object.__setattr__(self, "history", () if self.hidden else tuple(self.history))

    def __reduce__(self) -> tuple[Any, ...]:  # read-only mappings cannot be pickled
        regions = {region: dict(variations) for region, variations in self.regions.items()}
        fields = (self.role, self.on_target, self.scale, self.partial, self.ledger, regions)
        return SampleCounts, (*fields, dict(self.coverage), self.hidden, dict(self.process), self.history)

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
            history=history.add(self.history, other.history),
        )

    def sealed(self) -> SampleCounts:
        """Return the sample as outputs may show it: where events are hidden, without the entries that it was made from."""
        if not self.hidden:
            return self
        return replace(self, coverage={blinding.sealed_identity(file): blinding.WHOLE for file in self.coverage})


@dataclass(frozen=True, eq=False)
class Counted:
    """What an analysis counted of each sample; `cuts_hash` tells analyses apart."""

    analysis: str
    cuts_hash: str
    provenance: Mapping[str, Any] = field(default_factory=dict)
    samples: Mapping[str, SampleCounts] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "provenance", MappingProxyType(dict(self.provenance)))
        object.__setattr__(self, "samples", MappingProxyType(dict(self.samples)))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.analysis, self.cuts_hash, dict(self.provenance), dict(self.samples))

    @property
    def ledger(self) -> Ledger:
        """The account of the events of all samples."""
        return total(sample.ledger for sample in self.samples.values())

    def per_on_target(self, sample: str, target: float = normalisation.PER_ON_TARGET) -> float | None:
        """Return the factor from sums of weights to events expected for `target` particles on target.

        None where it is not known how many the sample stands for.
        """
        counts = self.samples[sample]
        return normalisation.factor(counts.on_target, counts.scale, target)

    def sealed(self) -> Self:
        """Return the counts as outputs may show them; see `blinding`. Parts of one file cannot be added any more then."""
        return replace(self, samples={name: counts.sealed() for name, counts in self.samples.items()})
