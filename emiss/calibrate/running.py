"""A derivation over the raw files of some runs: the pilot, the sums range by range wherever they are made, the fits."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.calib.conditions import Conditions
from emiss.calib.origins import alike
from emiss.calibrate.kept import Kept, Stage, key_of
from emiss.calibrate.kinds import derivation_of
from emiss.calibrate.swaps import with_swaps
from emiss.configs.errors import Location, UserError, did_you_mean
from emiss.events.files.identity import checksum
from emiss.events.provenance import code_of
from emiss.job.pools import Machine
from emiss.look.spill_quality import open_files
from emiss.reco.detector.model import load_detector
from emiss.reco.readers import open_run_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from emiss.calib.register import Register
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

EACH = 1000
"""Events of a pilot that each file gives at least, where all of them do."""


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
            file.context, file.types = part.context, derivation.types
            sums = derivation.empty(self.learned)
            begun = None
            for batch in file.batches(part.start, part.stop, SIZE):
                if not len(batch):
                    continue
                if begun != batch.run:
                    derivation.begin_run(source.conditions.for_run(batch.run))
                    begun = batch.run
                sums.read += len(batch)
                chosen = batch if bit is None else with_bit(batch, bit)
                if (taken := derivation.takes(chosen)) is not None:
                    chosen = with_rows(chosen, taken)
                sums.used += len(chosen)
                if len(chosen):  # a run that gives nothing is none that the table is of, nor holds from
                    sums.runs |= {batch.run}
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
    keep: Path | None = None,
    resumed: Callable[[int], None] = lambda _: None,
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
    keep : Path, optional
        A folder for the sums of what is done, from which a derivation that was interrupted goes on; whoever has written the
        result removes it.
    resumed : callable
        Called with how many entries were found there, for each pass over the data of which there are some.

    Raises
    ------
    UserError
        If a file cannot be read or is of the wrong kind.
    EmissError
        If a pool could not read all of them.
    """
    pool = pool or Machine()
    detector = load_detector(runs.detector, near=runs.near)
    derivation = derivation_of(kind, detector, options)
    trigger_bit(detector, options.trigger or derivation.trigger)
    shared, ranges = open_files(runs, None, pool)
    register = Conditions.load(shared.calib).register
    if register is not None:
        derivation.taken_as = _registered(derivation, register, ranges)
    if options.simulated is not None or derivation.supposes:
        source = shared.source()
        file = shared.open(source, ranges[0].path, ranges[0].identity)
        derivation.begin_run(source.conditions.for_run(file.index().runs()[0]))
        file.close()
        if options.simulated is None:
            derivation.suppose()
        else:
            _refer(derivation, options.simulated)
    first = _pilot(ranges, derivation.pilot, everywhere=derivation.everywhere)
    planned(sum(part.events for part in [*derivation.rounds * first, *ranges]))
    store = None if keep is None else Kept(keep, _key(shared, kind, options, ranges))

    def summed(stage: int, of: Sequence[Range], learned: object) -> Sums:
        total = None if store is None else store.totals(stage)
        return _sums(Deriving(shared, kind, options, learned), of, pool, progress, total, resumed)

    learned = None
    rounds = derivation.rounds if derivation.pilot else 0
    for stage in range(rounds):
        learned = derivation.learn(summed(stage, first, learned))
    sums = summed(rounds, ranges, learned)
    if not sums.used:
        why, hint = derivation.lacking(sums.read)
        raise UserError(f"nothing to derive {kind} from: {why}", hint=hint)
    conditions = Conditions.load(shared.calib).for_run(min(sums.runs))
    if derivation.one_run:  # of this run, whatever other files are there
        derivation.begin_run(conditions)
    try:
        found = derivation.finish(sums, learned)
    except UserError:  # what is wrong with these runs is wrong with their sums
        if keep is not None:
            shutil.rmtree(keep, ignore_errors=True)
        raise
    if idle := sorted(_runs_of(ranges) - sums.runs):
        named = ", ".join(map(str, idle))
        found = replace(
            found, remarks=(*found.remarks, f"No event of run{'s' if len(idle) > 1 else ''} {named} was taken.")
        )
    return with_swaps(found, conditions), derivation


def _registered(derivation: Derivation, register: Register, ranges: Sequence[Range]) -> str | None:
    """Return the kind of the runs of files where a register knows it, and it is one.

    Raises
    ------
    UserError
        If it is the wrong one.
    """
    wanted, found = derivation.origin, set()
    for run in sorted(_runs_of(ranges)):
        known = register.of(run)
        if known is None:
            return None
        if not alike(wanted, known[0]):
            raise UserError(
                f"wrong kind of run: {derivation.kind} is derived from {derivation.wants}, run {run} is of {known[0]}",
                at=known[1],
            )
        found.add(known[0])
    return found.pop() if len(found) == 1 else None


def _runs_of(ranges: Sequence[Range]) -> set[int]:
    """Return the runs that files have spills of."""
    return set(np.unique(np.concatenate([part.context.key >> 32 for part in ranges])).tolist())


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
    return with_rows(batch, (batch.header["trigger"] >> np.uint32(bit)) & 1 > 0)


def with_rows(batch: Batch, has: Bools) -> Batch:
    """Return some events of a raw batch."""
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


def _pilot(ranges: Sequence[Range], events: int, *, everywhere: bool = False) -> list[Range]:
    """Return the first events of the first ranges, or as many of each file as make so many together, `EACH` at least."""
    files = {part.path for part in ranges}
    share = max(events // max(len(files), 1), EACH) if everywhere and events > 0 else events
    left = dict.fromkeys(files, share)
    first: list[Range] = []
    total = share * len(files) if everywhere else events
    for part in ranges:
        wanted = min(left[part.path], total)
        if wanted > 0:
            taken = replace(part, stop=min(part.stop, part.start + wanted))
            first.append(taken)
            left[part.path] -= taken.events
            total -= taken.events
    return first


def _sums(
    work: Deriving,
    ranges: Sequence[Range],
    pool: Pool,
    progress: Callable[[int], None],
    total: Stage | None,
    resumed: Callable[[int], None],
) -> Sums:
    """Return the sums of ranges, added in their order; those that a total has already are not made again."""
    total = total or Stage(None, 0)
    if total.done:
        there = sum(part.events for part in ranges[: total.done])
        resumed(there)
        progress(there)
    left = ranges[total.done :]
    try:
        for part, sums in zip(left, pool.stream(work, left), strict=True):
            total.add(sums)
            progress(part.events)
    finally:
        total.save()
    assert total.sums is not None  # noqa: S101 - a file has at least one range
    return total.sums


def _key(shared: Shared, kind: str, options: Options, ranges: Sequence[Range]) -> str:
    """Return what names all that sums depend on: files, options, set-up, constants, code and libraries."""
    source = shared.source()
    simulated = options.simulated
    return key_of(
        [
            kind,
            asdict(replace(options, simulated=None)),
            None if simulated is None else checksum(simulated),
            [[part.identity, part.start, part.stop] for part in ranges],
            source.key,
            source.content,
            [[table.payload, table.order] for table in source.conditions.tables],
            code_of("calib", "calibrate", "configs", "events", "physics", "reco", "samples", "setups"),
            np.__version__,
        ]
    )
