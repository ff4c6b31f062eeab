"""``configs/periods/*.yaml``: periods of data taking with all numbers that are told of their exposure, and sums of them.

A reading is a number with who says it. Where readings differ and the file makes no choice, whoever uses the number has to name
one: a default would decide silently what the sources leave open.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic_core import PydanticCustomError

from emiss.configs import loader
from emiss.configs.errors import Problems, UserError, did_you_mean
from emiss.configs.schema import Energy, Model, Number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from emiss.configs.document import Document, YamlPath

SHIPPED = "na64"
"""The periods where no file is named."""

SAME = 1e-9
"""Relative; readings that are closer say the same."""

Runs = Annotated[str, Field(pattern=r"^(\d+(-\d*)?|-\d+)$")]
Kind = Literal["analysed", "recorded"]
KINDS: tuple[Kind, ...] = ("analysed", "recorded")


class Reading(Model):
    """A number of particles on target, and who says it where the name of the reading does not."""

    value: Number = Field(gt=0, allow_inf_nan=False)
    source: str = ""

    @model_validator(mode="before")
    @classmethod
    def _alone(cls, data: Any) -> Any:
        """Take a number that stands alone."""
        return {"value": data} if isinstance(data, str | float | int) else data

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Return what a file may hold: a reading, or a number that stands alone."""
        return {"anyOf": [handler(schema), {"type": ["number", "string"]}]}


class PeriodBeam(Model):
    """Particle and energy."""

    particle: str
    energy: Energy = Field(gt=0)


class Choice(Model):
    """The readings that are taken where nobody names one."""

    recorded: str | None = None
    analysed: str | None = None


class Exposed(Model):
    """What periods and sums of them have in common."""

    recorded: dict[str, Reading] = Field(default_factory=dict)
    analysed: dict[str, Reading] = Field(default_factory=dict)
    choice: Choice = Choice()
    observed: int | None = Field(default=None, ge=0)
    remark: str = ""

    @model_validator(mode="after")
    def _told(self) -> Exposed:
        if not (self.recorded or self.analysed):
            msg = "how many particles came to the target is missing: 'recorded', 'analysed' or both"
            raise ValueError(msg)
        for kind in KINDS:
            name = getattr(self.choice, kind)
            if name is not None and name not in self.readings(kind):
                known = did_you_mean(name, self.readings(kind))
                context = {"name": name, "kind": kind, "known": known, "at": ("choice", kind)}
                raise PydanticCustomError("choice", "there is no reading '{name}' of what was {kind}; {known}", context)
        return self

    def readings(self, kind: Kind) -> Mapping[str, Reading]:
        """Return all that is told of a number."""
        return self.recorded if kind == "recorded" else self.analysed

    def decided(self, kind: Kind, wanted: Sequence[str] = ()) -> float | None:
        """Return a number if one of the `wanted` readings is there, one is chosen, or all say the same; None otherwise."""
        readings = self.readings(kind)
        chosen = getattr(self.choice, kind)
        for name in (*wanted, *([chosen] if chosen else [])):
            if name in readings:
                return readings[name].value
        values = [reading.value for reading in readings.values()]
        same = bool(values) and all(math.isclose(value, values[0], rel_tol=SAME) for value in values)
        return values[0] if same else None


class PeriodEntry(Exposed):
    """A period as written."""

    mode: str
    year: int = Field(ge=2000, le=2100)
    beam: PeriodBeam
    setup: str
    runs: tuple[Runs, ...] = ()


class SumEntry(Exposed):
    """What is told of several periods together, as written."""

    of: tuple[str, ...] = Field(min_length=1)


class PeriodsFile(Model):
    """A file of periods as written."""

    programme: str
    readings: dict[str, str] = Field(default_factory=dict)
    periods: dict[str, PeriodEntry] = Field(min_length=1)
    sums: dict[str, SumEntry] = Field(default_factory=dict)


@dataclass(frozen=True)
class Exposure:
    """A period that was chosen, with its particles on target and where the number is from."""

    name: str
    period: PeriodEntry
    on_target: float
    source: str
    observed: int | None


class Periods:
    """The periods of a file.

    Parameters
    ----------
    written : PeriodsFile
    document : Document
    """

    def __init__(self, written: PeriodsFile, document: Document) -> None:
        self.written, self.document = written, document
        self.periods, self.sums = written.periods, written.sums

    @property
    def modes(self) -> tuple[str, ...]:
        """The modes of the beam, in the order of the file."""
        return tuple(dict.fromkeys(period.mode for period in self.periods.values()))

    def of_mode(self, mode: str | None = None) -> dict[str, PeriodEntry]:
        """Return the periods of a mode; all for None.

        Raises
        ------
        UserError
            If there is none.
        """
        if mode is not None and mode not in self.modes:
            raise UserError(f"there are no periods of the mode '{mode}'", hint=did_you_mean(mode, self.modes))
        return {name: one for name, one in self.periods.items() if mode in (None, one.mode)}

    def sums_of(self, mode: str | None = None) -> dict[str, SumEntry]:
        """Return the sums whose periods are of a mode; all for None."""
        known = self.of_mode(mode)
        return {name: one for name, one in self.sums.items() if all(period in known for period in one.of)}

    def total(self, names: Sequence[str], reading: str) -> tuple[float, tuple[str, ...]]:
        """Return the sum of what a reading says was recorded, and the periods that it says nothing of."""
        told = {name: self.periods[name].recorded.get(reading) for name in names}
        lost = tuple(name for name, one in told.items() if one is None)
        return math.fsum(one.value for one in told.values() if one is not None), lost

    def named(self, text: str) -> tuple[str, tuple[str, ...]]:
        """Return the sum (empty if none) and the periods that a text names: ``NAME``, ``FIRST..LAST``, with commas between.

        Raises
        ------
        UserError
            For a name that there is not, a range that goes backwards or over two modes, or a period that is named twice.
        """
        if text in self.sums:
            return text, self.sums[text].of
        found: list[str] = []
        for part in text.split(","):
            first, dots, last = (piece.strip() for piece in part.partition(".."))
            found += self._range(first, last) if dots else self._one(first)
        twice = sorted({name for name in found if found.count(name) > 1})
        if twice:
            raise UserError(f"--periods {text}: {', '.join(twice)} is named twice")
        of = [name for name, one in self.sums.items() if set(one.of) == set(found)]
        return (of[0] if of else ""), tuple(found)

    def _one(self, name: str) -> list[str]:
        if name in self.sums:
            return list(self.sums[name].of)
        if name not in self.periods:
            raise UserError(f"there is no period '{name}'", hint=did_you_mean(name, [*self.periods, *self.sums]))
        return [name]

    def _range(self, first: str, last: str) -> list[str]:
        names = list(self.periods)
        for name in (first, last):
            if name not in names:
                raise UserError(f"there is no period '{name}'", hint=did_you_mean(name, names))
        modes = [self.periods[name].mode for name in (first, last)]
        if modes[0] != modes[1]:
            raise UserError(f"{first}..{last}: the first is of the mode {modes[0]}, the last of {modes[1]}")
        if names.index(first) > names.index(last):
            raise UserError(f"{first}..{last}: the last one comes before the first", hint=f"{last}..{first}")
        between = names[names.index(first) : names.index(last) + 1]
        return [name for name in between if self.periods[name].mode == modes[0]]

    def exposures(self, text: str, wanted: Sequence[str] = ()) -> list[Exposure]:
        """Return the periods that a text names with their particles on target.

        What is told of just these periods together and analysed goes before the numbers of each: it is shared among them as
        what was recorded is, or analysed where nothing else is told.

        Parameters
        ----------
        text : str
            As in `named`.
        wanted : sequence of str
            Readings that are taken where they are told, the first before the others.

        Raises
        ------
        UserError
            If a number has alternatives and none is chosen, or as in `named`.
        """
        together, names = self.named(text)
        known = {
            *self.written.readings,
            *(name for one in self._all() for kind in KINDS for name in one.readings(kind)),
        }
        for name in wanted:
            if name not in known:
                raise UserError(f"there is no reading '{name}'", hint=did_you_mean(name, known))
        if together:
            shared = self._shared(together, wanted)
            if shared is not None:
                return shared
        problems, found = Problems(), []
        for name in names:
            try:
                found.append(self._exposure(name, wanted))
            except UserError as error:
                problems.add(error)
        problems.check()
        return found

    def _all(self) -> Iterator[Exposed]:
        yield from self.periods.values()
        yield from self.sums.values()

    def _shared(self, together: str, wanted: Sequence[str]) -> list[Exposure] | None:
        """Return the periods of a sum with their shares of what was analysed of all; None where that is not decided."""
        entry = self.sums[together]
        total = entry.decided("analysed", wanted)
        if total is None or (wanted and not set(wanted) & set(entry.analysed)):
            return None
        shares = [self.first(name) for name in entry.of]
        source = f"its share of {total:g} of {together}"
        observed = 0 if entry.observed == 0 else None  # of any other number nobody says which period saw it
        return [
            Exposure(name, self.periods[name], total * share / math.fsum(shares), source, observed)
            for name, share in zip(entry.of, shares, strict=True)
        ]

    def first(self, name: str) -> float:
        """Return the first of all readings of a period, of what was recorded where that is told."""
        entry = self.periods[name]
        return next(iter((entry.recorded or entry.analysed).values())).value

    def _exposure(self, name: str, wanted: Sequence[str]) -> Exposure:
        entry = self.periods[name]
        for kind in KINDS:
            named = [one for one in wanted if one in entry.readings(kind)]
            if named:
                return self._of(name, kind, entry.readings(kind)[named[0]].value, named[0])
        for kind in KINDS:
            value = entry.decided(kind)
            if value is not None:
                return self._of(name, kind, value, getattr(entry.choice, kind) or " = ".join(entry.readings(kind)))
            if entry.readings(kind):
                raise self._undecided(name, kind)
        msg = f"period {name} has no exposure"
        raise AssertionError(msg)

    def _of(self, name: str, kind: Kind, value: float, reading: str) -> Exposure:
        entry = self.periods[name]
        observed = entry.observed if kind == "analysed" else None
        return Exposure(name, entry, value, f"{kind}, {reading}", observed)

    def _undecided(self, name: str, kind: Kind) -> UserError:
        readings = self.periods[name].readings(kind)
        said = ", ".join(f"{reading} {one.value:g}" for reading, one in readings.items())
        return UserError(
            f"period {name}: what was {kind} is told in several ways: {said}",
            at=self.document.locate(("periods", name, kind), key=True),
            hint=f"choose one: --on-target {next(iter(readings))}",
        )

    def source(self, reading: str, one: Reading) -> str:
        """Return who says a number."""
        return one.source or self.written.readings.get(reading, reading)


def load_periods(name: str | Path = SHIPPED) -> Periods:
    """Return the periods of a file, or of a name that ships.

    Raises
    ------
    UserError
        If there is none, or the file is not right; with file, line and column.
    """
    document = loader.load(loader.find("periods", name))
    written = loader.validate(document, PeriodsFile)
    problems = Problems()
    for total, entry in written.sums.items():
        for position, one in enumerate(entry.of):
            if one not in written.periods:
                hint = did_you_mean(one, written.periods)
                problems.add(document.error(f"there is no period '{one}'", ("sums", total, "of", position), hint=hint))
    for path, reading in _without_source(written):
        problems.add(
            document.error(f"who says '{reading}' is not told", path, hint="add a source, or a line under 'readings'")
        )
    problems.check()
    return Periods(written, document)


def _without_source(written: PeriodsFile) -> Iterator[tuple[YamlPath, str]]:
    """Yield place and name of each reading of which nobody is told to say it."""
    entries: dict[tuple[str, str], Exposed] = {("periods", name): one for name, one in written.periods.items()}
    entries |= {("sums", name): one for name, one in written.sums.items()}
    for place, entry in entries.items():
        for kind in KINDS:
            for reading, value in entry.readings(kind).items():
                if not value.source and reading not in written.readings:
                    yield (*place, kind, reading), reading
