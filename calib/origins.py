"""What constants were derived from: ``from = electrons, runs 6111``, which runs fit which constants, and the register of runs.

A register says what was taken in which runs. It is the file ``runs.yaml`` of a tag, or any file that is given to a check::

    kinds:
      electrons: 6111, 6120-6125
      muons: 6112
      random: 6114
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emiss.calib.run_ranges import OPEN, RunRange, overlap, parse_ranges
from emiss.configs import loader
from emiss.configs.errors import Location, Problems, UserError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from emiss.calib.tables import Table

REGISTER = "runs.yaml"
"""The register of a tag."""

KINDS = {
    "random": "random triggers, nothing in most of them",
    "led": "light of monitoring",
    "electrons": "electrons of the beam",
    "muons": "muons, field on or off",
    "hadrons": "hadrons of the beam",
    "straight": "charged particles with the field off",
    "beam": "charged particles of several kinds",
    "any": "anything: what is derived does not depend on it",
}
"""What runs are of."""

_PARTICLES = ("electrons", "muons", "hadrons", "beam", "straight")

FITTING: Mapping[str, tuple[str, ...]] = {
    "sadc.pedestal": ("random",),
    "sadc.gain": _PARTICLES,
    "sadc.time": _PARTICLES,
    "sadc.resolution": _PARTICLES,
    "mip": ("muons", "beam", "straight"),
    "profile": ("electrons",),
    "apv.time": _PARTICLES,
    "tdc.time": _PARTICLES,
    "tracker.alignment": _PARTICLES,
    "magnet.field": ("electrons", "muons", "hadrons", "beam"),
}
"""The kinds of runs that constants of a type, or of all types that end like this, may come from; those not named: from all."""

_ORIGIN = re.compile(r"(?P<kind>[\w-]+)\s*(?:,\s*runs?\s+(?P<runs>.+))?", re.ASCII)


@dataclass(frozen=True)
class Origin:
    """What a table was derived from.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    runs : tuple of RunRange
        Empty where it is not said.
    at : Location
    """

    kind: str
    runs: tuple[RunRange, ...]
    at: Location

    def __str__(self) -> str:
        return text_of(self.kind, self.runs)


def text_of(kind: str, runs: Sequence[RunRange]) -> str:
    """Return an origin as it is written."""
    if not runs:
        return kind
    one = len(runs) == 1 and runs[0].first == runs[0].last
    return f"{kind}, {'run' if one else 'runs'} {', '.join(map(str, runs))}"


def fits(type_: str, kind: str) -> bool:
    """Return whether constants of a type may come from runs of a kind."""
    fitting = FITTING.get(type_) or FITTING.get(type_.rpartition(".")[2])
    return kind == "any" or fitting is None or kind in fitting


def fitting(type_: str) -> tuple[str, ...]:
    """Return the kinds of runs that constants of a type may come from."""
    return FITTING.get(type_) or FITTING.get(type_.rpartition(".")[2]) or tuple(KINDS)


def parse_origin(type_: str, text: str, at: Location) -> Origin:
    """Return what a text such as ``electrons, runs 6111-6113`` says of a table of a type.

    Raises
    ------
    ValueError
        If it is none, or runs of this kind are the wrong ones for the type.
    """
    match = _ORIGIN.fullmatch(text)
    if match is None:
        msg = f"'{text}' does not say what the constants are from, such as: electrons, runs 6111-6113"
        raise ValueError(msg)
    kind = match["kind"]
    if kind not in KINDS:
        msg = f"runs are of no kind '{kind}'; {did_you_mean(kind, KINDS, otherwise='kinds are')}"
        raise ValueError(msg)
    if not fits(type_, kind):
        msg = f"wrong kind of run: {type_} was derived from {text}, it comes from {' or '.join(fitting(type_))}"
        raise ValueError(msg)
    return Origin(kind, parse_ranges(match["runs"]) if match["runs"] else (), at)


@dataclass(frozen=True)
class Register:
    """What was taken in which runs.

    Attributes
    ----------
    kinds : mapping of kind to (ranges of runs, place)
    """

    kinds: Mapping[str, tuple[tuple[RunRange, ...], Location]]

    def of(self, run: int) -> tuple[str, Location] | None:
        """Return the kind of a run and the place that says so."""
        for kind, (runs, at) in self.kinds.items():
            if any(run in one for one in runs):
                return kind, at
        return None


def load_register(path: Path) -> Register:
    """Read a register.

    Raises
    ------
    UserError
        If it cannot be read, a kind is unknown or a run is of two kinds.
    """
    document = loader.load(path)
    data = document.data
    kinds = data.get("kinds") if isinstance(data, dict) else None
    if not isinstance(data, dict) or set(data) != {"kinds"} or not isinstance(kinds, dict):
        raise UserError("a register of runs is 'kinds: {electrons: 6111-6113, muons: 6114}'", at=Location(str(path)))
    problems = Problems()
    found: dict[str, tuple[tuple[RunRange, ...], Location]] = {}
    for kind, said in kinds.items():
        place = document.locate(("kinds", kind), key=True)
        text = ", ".join(map(str, said)) if isinstance(said, list) else str(said)
        if kind not in KINDS:
            problems.add(UserError(f"runs are of no kind '{kind}'", at=place, hint=did_you_mean(str(kind), KINDS)))
            continue
        try:
            runs = parse_ranges(text)
        except ValueError as error:
            problems.add(UserError(str(error), at=place))
            continue
        for other, (theirs, at) in found.items():
            both = overlap(runs, theirs)
            if both is not None:
                problems.add(UserError(f"runs {both} are of {kind} here, and of {other} at {at}", at=place))
        found[kind] = runs, place
    problems.check()
    return Register(found)


def contradictions(tables: Sequence[Table], register: Register) -> Iterator[UserError]:
    """Yield what a register says of the runs of tables that is not what the tables say, or does not fit them."""
    for table in tables:
        if table.origin is None:
            continue
        said: set[str] = set()
        for run in _some(table.origin.runs, register):
            known = register.of(run)
            if known is None or known[0] in said:
                continue
            kind, at = known
            said.add(kind)
            alike = table.origin.kind in (kind, "any") or kind == "any"
            if fits(table.type, kind) and (alike or {kind, table.origin.kind} <= set(_PARTICLES)):
                continue
            if fits(table.type, kind) and not alike:
                text = f"wrong kind of run: {table.type} is said to be from {table.origin}"
            elif table.origin.kind == "any":
                continue
            else:
                text = f"wrong kind of run: {table.type} was derived from run {run}"
            yield UserError(f"{text}, and run {run} is of {kind} ({at})", at=table.origin.at)


def _some(runs: Sequence[RunRange], register: Register) -> Iterator[int]:
    """Yield a run of each range of the register that lies in some ranges."""
    for known, _ in register.kinds.values():
        for one in known:
            for mine in runs:
                both = one.overlap(mine)
                if both is not None:
                    yield both.first


def too_early(tables: Sequence[Table]) -> Iterator[UserError]:
    """Yield the tables that hold for runs before the first one that they are derived from, or for none of these."""
    for table in tables:
        if table.origin is None or not table.origin.runs:
            continue
        first = min(one.first for one in table.origin.runs)
        holds = min(one.first for one in table.runs)
        last = max(one.last for one in table.runs)
        if last < first:
            yield UserError(
                f"{table.type} holds until run {last}, before run {first} that it is derived from", at=table.origin.at
            )
        elif holds < first:
            text = f"{table.type} holds from run {holds} on, before run {first} that it is derived from"
            yield UserError(text, at=table.origin.at)
        elif last != OPEN and overlap(table.runs, table.origin.runs) is None:
            yield UserError(f"{table.type} holds for none of the runs that it is derived from", at=table.origin.at)
