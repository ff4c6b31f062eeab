"""A derivation over the raw files of some runs: the pilot, the sums range by range wherever they are made, the fits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from emiss.calib.conditions import Conditions
from emiss.calibrate.kinds import derivation_of
from emiss.calibrate.swaps import with_swaps
from emiss.configs.errors import Location, UserError, did_you_mean
from emiss.job.pools import Machine
from emiss.job.work import ItemsFailedError
from emiss.look.spill_quality import open_files
from emiss.reco.detector.model import load_detector
from emiss.reco.readers import open_run_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from emiss.calibrate.frame import Derivation, Found, Options, Sums
    from emiss.configs.arrays import Bools
    from emiss.events.batch import Batch
    from emiss.events.lists import Lists
    from emiss.job.work import Pool
    from emiss.look.spill_quality import Range, Shared
    from emiss.reco.detector.model import Detector
    from emiss.runlist import RunList

SIZE = 1000
"""Events of a batch."""


@dataclass(frozen=True)
class Deriving:
    """The sums of a derivation as a piece of work; an item is a range of a file.

    Attributes
    ----------
    shared : Shared
        Detector and constants.
    kind : str
    options : Options
    learned : object
        What the pilot tells; None for the pilot itself.
    """

    shared: Shared
    kind: str
    options: Options
    learned: Any = None
    name = "calibrate"

    def start(self) -> Callable[[Range], Sums]:
        """Load detector and constants."""
        source = self.shared.source()
        derivation = derivation_of(self.kind, source.detector, self.options)
        bit = trigger_bit(source.detector, self.options.trigger or derivation.trigger)

        def add(part: Range) -> Sums:
            file = self.shared.open(source, part.path, part.identity)
            file.context = part.context
            sums = derivation.empty(self.learned)
            begun = None
            for batch in file.batches(part.start, part.stop, SIZE):
                if not len(batch):
                    continue
                if begun != batch.run:
                    derivation.begin_run(source.conditions.for_run(batch.run))
                    begun = batch.run
                sums.read += len(batch)
                sums.runs |= {batch.run}
                chosen = batch if bit is None else with_bit(batch, bit)
                sums.used += len(chosen)
                if len(chosen):
                    derivation.add(chosen, sums, self.learned)
            file.close()
            return sums

        return add


def derive(
    runs: RunList,
    kind: str,
    options: Options,
    *,
    pool: Pool | None = None,
    progress: Callable[[int], None] = lambda _: None,
    planned: Callable[[int], None] = lambda _: None,
) -> tuple[Found, Derivation]:
    """Derive constants from the raw files of a run list, with its constants to begin with.

    Parameters
    ----------
    runs : RunList
    kind : str
        One of `emiss.calibrate.kinds.KINDS`.
    options : Options
    pool : Pool, optional
        Who makes the sums; this process by default.
    progress, planned : callables
        Called with entries that are done, and once before with how many they will be.

    Raises
    ------
    UserError
        If a file cannot be read or is of the wrong kind.
    ItemsFailedError
        If a pool could not read all of them.
    """
    pool = pool or Machine()
    detector = load_detector(runs.detector, near=runs.near)
    derivation = derivation_of(kind, detector, options)
    trigger_bit(detector, options.trigger or derivation.trigger)
    shared, ranges = open_files(runs, None, pool)
    if options.simulated is not None or derivation.supposes:
        source = shared.source()
        file = shared.open(source, ranges[0].path, ranges[0].identity)
        derivation.begin_run(source.conditions.for_run(file.index().runs()[0]))
        file.close()
        if options.simulated is None:
            derivation.suppose()
        else:
            _refer(derivation, options.simulated)
    first = _pilot(ranges, derivation.pilot)
    planned(sum(part.events for part in [*derivation.rounds * first, *ranges]))
    learned = None
    for _ in range(derivation.rounds if derivation.pilot else 0):
        learned = derivation.learn(_sums(Deriving(shared, kind, options, learned), first, pool, progress))
    sums = _sums(Deriving(shared, kind, options, learned), ranges, pool, progress)
    if not sums.used:
        bit = options.trigger or derivation.trigger
        why = f"none of {sums.read} events has the trigger bit '{bit}'" if sums.read else "there is no physics event"
        hint = f"{derivation.wants} are wanted; '--trigger any' takes all events"
        raise UserError(f"nothing to derive {kind} from: {why}", hint=hint)
    found = derivation.finish(sums, learned)
    return with_swaps(found, Conditions.load(shared.calib).for_run(min(found.runs))), derivation


def _refer(derivation: Derivation, path: Path) -> None:
    """Let a derivation see simulated hits.

    Raises
    ------
    UserError
        If they are none, or do not fit the set-up.
    """
    file = open_run_file(path, derivation.detector)
    file.check()
    if file.tier != "hits":
        raise UserError(
            "these are no simulated hits",
            at=Location(str(path)),
            hint="'emiss simulate ... --out NAME.root' makes some",
        )
    derivation.refer(batch for batch in file.batches() if len(batch))


def trigger_bit(detector: Detector, name: str) -> int | None:
    """Return the number of a trigger bit, None for ``any``.

    Raises
    ------
    UserError
        If the set-up has no such bit.
    """
    if name == "any":
        return None
    if name not in detector.trigger_bits:
        raise UserError(
            f"the set-up {detector.name} has no trigger bit '{name}'",
            hint=did_you_mean(name, [*detector.trigger_bits, "any"]),
        )
    return detector.trigger_bits[name]


def with_bit(batch: Batch, bit: int) -> Batch:
    """Return the events of a raw batch that have a trigger bit."""
    from dataclasses import replace

    has: Bools = (batch.header["trigger"] >> np.uint32(bit)) & 1 > 0
    if has.all():
        return batch
    rows = np.flatnonzero(has)

    def of(lists: Lists | None) -> Lists | None:
        return None if lists is None else lists.take(rows)

    return replace(
        batch,
        header={name: values[rows] for name, values in batch.header.items()},
        sadc=of(batch.sadc),
        apv=of(batch.apv),
        tdc=of(batch.tdc),
        lacking_channels=None if batch.lacking_channels is None else batch.lacking_channels[rows],
    )


def _pilot(ranges: Sequence[Range], events: int) -> list[Range]:
    """Return the first events of the first ranges."""
    from dataclasses import replace

    first: list[Range] = []
    for part in ranges:
        if events <= 0:
            break
        taken = replace(part, stop=min(part.stop, part.start + events))
        first.append(taken)
        events -= taken.events
    return first


def _sums(work: Deriving, ranges: Sequence[Range], pool: Pool, progress: Callable[[int], None]) -> Sums:
    collected = pool.collect(work, ranges, _total, progress=lambda part: progress(part.events))
    if collected.failures:
        raise ItemsFailedError(list(collected.failures.values()))
    return cast("Sums", collected.sums[""])


def _total(parts: Sequence[Sums]) -> Sums:
    from emiss.calibrate.frame import Sums

    return Sums.total(parts)
