"""The register of runs, what was taken in which, against what tables of constants say they are from.

It is the file ``runs.yaml`` of a tag, or any file that is given to a check::

    kinds:
      electrons: 6111, 6120-6125
      muons: 6112
      random: 6114
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from emiss.calib.origins import KINDS, alike, fits
from emiss.calib.run_ranges import OPEN, RunRange, overlap, parse_ranges
from emiss.configs import loader
from emiss.configs.errors import Location, Problems, UserError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from emiss.calib.tables import Table

REGISTER = "runs.yaml"
"""The register of a tag."""


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
            if not fits(table.type, kind) and table.origin.kind != "any":
                text = f"wrong kind of run: {table.type} was derived from run {run}"
            elif not alike(table.origin.kind, kind):
                text = f"wrong kind of run: {table.type} is said to be from {table.origin}"
            else:
                continue
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
