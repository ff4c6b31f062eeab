"""A tag of constants as ``emiss calib`` looks at it: its values for a set-up, and what it lacks."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from emiss.calib.beside import constants_of
from emiss.calib.conditions import Conditions
from emiss.calib.coverage import extent, lacks
from emiss.calib.lookup import constants, known_channels
from emiss.calib.register import contradictions, load_register
from emiss.calib.run_ranges import RunRange, parse_ranges
from emiss.calib.suspects import suspicious
from emiss.calib.table_types import table_type
from emiss.calib.tables import ANY, first_slice, is_default
from emiss.configs.errors import Problems, UserError, did_you_mean
from emiss.reco.calorimetry.corrections import mistakes
from emiss.reco.detector.misfits import misfits
from emiss.reco.detector.model import load_detector
from emiss.reco.pipeline import Pipeline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from emiss.calib.lookup import Constant
    from emiss.reco.detector.model import Detector


def shown(
    type_: str, run: int, *, setup: str, tag: str | None = None, channel: str | None = None
) -> tuple[Conditions, list[Constant]]:
    """Return the values of a type that hold for the channels of a set-up in a run.

    Raises
    ------
    UserError
        If there is no such tag, type or channel, or no table holds.
    """
    detector = load_detector(setup)
    conditions = Conditions.load(tag or constants_of(setup))
    needs = needs_of(detector, conditions)
    kind = table_type(type_)
    default = kind is not None and kind.spare  # which need not speak of all channels
    names = needs.get(type_) or [name for name in known_channels(conditions.tables, type_) if name != ANY or default]
    types = sorted({*needs, *(table.type for table in conditions.tables)})
    if type_ not in types:
        raise UserError(f"no constants of type '{type_}'", hint=did_you_mean(type_, types))
    if channel is not None:
        chosen = [name for name in names if fnmatchcase(name, channel)]
        if not chosen:
            raise UserError(f"no channel '{channel}' has {type_} in {detector.name}", hint=did_you_mean(channel, names))
        names = chosen
    conditions.for_run(run).get(type_, names)  # what is missing is told with its place
    return conditions, list(constants(conditions.tables, type_, names, RunRange(run, run)))


def needs_of(detector: Detector, conditions: Conditions) -> dict[str, list[str]]:
    """Return the constants that the reconstruction of raw events of a set-up needs, by type."""
    return Pipeline(detector, conditions).needs("raw")


def check(
    tag: str | None,
    *,
    setup: str,
    runs: str | None = None,
    register: Path | None = None,
    told: Callable[[str], None] = lambda _: None,
) -> tuple[Conditions, RunRange, int]:
    """Check a tag for a set-up over its runs; return it with the runs that were looked at and the number of types.

    Parameters
    ----------
    tag : str, optional
        That of the set-up by default.
    setup : str
    runs : str, optional
        Such as ``6000-6999``; all that any of its tables holds for by default.
    register : Path, optional
        What was taken in which runs; that of the tag by default, which was looked at when it was read.
    told : callable
        Called with what is not wrong, but should be looked at.

    Raises
    ------
    UserError
        For all that is wrong: mistakes in tables, overlaps (with both places), gaps, ranges that begin late or end early,
        missing and unknown channels, values that the set-up cannot have.
    """
    detector = load_detector(setup)
    conditions = Conditions.load(tag or constants_of(setup))
    needs = needs_of(detector, conditions)
    wanted = [extent(conditions)]
    if runs is not None:
        try:
            wanted = list(parse_ranges(runs))
        except ValueError as error:
            raise UserError(f"--runs: {error}") from None
    for remark in (*conditions.remarks, *suspicious(conditions)):
        told(str(remark))
    problems = Problems()
    for one in wanted:
        for one_lacks in lacks(conditions, needs, one):
            problems.add(one_lacks)
    for wrong in contradictions(conditions.tables, load_register(register)) if register is not None else ():
        problems.add(wrong)
    for stranger in _strange(conditions, detector, needs):
        problems.add(stranger)
    if not problems.errors:
        for first in sorted(
            {one.first for table in conditions.tables for one in table.runs if any(one.first in w for w in wanted)}
        ):
            of_run = conditions.for_run(first)
            for wrong in (*misfits(detector, of_run), *mistakes(detector, of_run)):
                problems.add(wrong)
    problems.check()
    return conditions, RunRange(wanted[0].first, wanted[-1].last), len(needs)


def _strange(conditions: Conditions, detector: Detector, needs: dict[str, list[str]]) -> Iterator[UserError]:
    """Yield the rows of channels that the set-up does not have, of parts that it has."""
    parts = {name.partition(".")[0] for names in needs.values() for name in names}
    for table in conditions.tables:
        known = needs.get(table.type)
        if known is None:
            continue
        names = set(known)
        for name in table.rows:
            if name == ANY or first_slice(name) in names or is_default(name):
                continue
            if name.partition(".")[0] in parts:
                hint = did_you_mean(name, known)
                text = f"extra channel: the set-up {detector.name} has no '{name}' ({table.type})"
                yield UserError(text, at=table.location(name), hint=hint)
