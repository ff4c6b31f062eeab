"""``configs/validations/*.yaml``: published numbers that a search is put beside, each with its source and what is tolerated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, PrivateAttr, model_validator

from emiss.configs import loader
from emiss.configs.document import Document
from emiss.configs.errors import did_you_mean
from emiss.configs.schema import Energy, Model, Number

if TYPE_CHECKING:
    from pathlib import Path

    from emiss.programme.search_file import SearchFile

Positive = Annotated[Number, Field(gt=0, allow_inf_nan=False)]
Mass = Annotated[Energy, Field(gt=0, le=1e3)]
Quantity = Literal["low", "high", "closing", "events", "efficiency", "length", "background"]


class At(Model):
    """Another point of the search: a case, a mass, or both."""

    case: str = ""
    mass: Mass | None = None


class Check(Model):
    """A published number.

    Attributes
    ----------
    what : str
        In words.
    quantity : str
        ``low`` or ``high``: that end of the excluded interval; ``closing``: the mass at which the contour ends, GeV, between
        two of `masses`; ``events`` of the signal at `coupling`, before cuts without an `efficiency`; ``efficiency``;
        ``length`` of the decay at `coupling` and `energy`, m; ``background``, events that are expected of it.
    case : str
        Of the search; empty for its first.
    mass : float, optional
        GeV.
    masses : tuple of float
        GeV, for ``closing``.
    over : At, optional
        The number is the ratio to the same quantity there.
    periods, take : str
        Of the exposure, where they are not the search's.
    on_target : float, optional
        The same as a number.
    efficiency : float, optional
        The same for all; without it the simulated one.
    coupling, energy : float, optional
    published : float
    tolerance : float, optional
        Relative; or `factor`. Without both nothing is said of agreement.
    source, remark : str
    """

    what: str
    quantity: Quantity
    case: str = ""
    mass: Mass | None = None
    masses: tuple[Mass, ...] = ()
    over: At | None = None
    periods: str = ""
    take: str = ""
    on_target: Positive | None = None
    efficiency: Annotated[Number, Field(gt=0, le=1)] | None = None
    coupling: Positive | None = None
    energy: Mass | None = None
    published: Positive
    tolerance: Positive | None = None
    factor: Annotated[Number, Field(gt=1)] | None = None
    source: str
    remark: str = ""

    @model_validator(mode="after")
    def _whole(self) -> Check:
        needed = {"closing": ("masses",), "events": ("mass", "coupling"), "length": ("mass", "coupling", "energy")}
        ends = ("mass",) if self.quantity in {"low", "high", "efficiency"} else ()
        for name in needed.get(self.quantity, ends):
            if not getattr(self, name):
                msg = f"'{self.quantity}' needs '{name}'"
                raise ValueError(msg)
        if self.tolerance is not None and self.factor is not None:
            msg = "'tolerance' and 'factor' both say what is tolerated"
            raise ValueError(msg)
        if self.periods and self.on_target is not None:
            msg = "'periods' and 'on_target' both say the exposure"
            raise ValueError(msg)
        return self

    @property
    def looked_at(self) -> tuple[float, ...]:
        """The masses of the check that have an efficiency, GeV."""
        other = self.over.mass if self.over is not None else None
        return (*self.masses, *(mass for mass in (self.mass, other) if mass is not None))

    def agrees(self, ratio: float) -> bool | None:
        """Return whether a ratio of ours to the published number is within what is tolerated; None if nothing is said."""
        if self.tolerance is not None:
            return abs(ratio - 1.0) <= self.tolerance
        return None if self.factor is None else 1.0 / self.factor <= ratio <= self.factor


class Checks(Model):
    """Published numbers of a search; `unknown` says what nobody can compare with."""

    validation: str
    checks: tuple[Check, ...] = ()
    unknown: str = ""
    _document: Document = PrivateAttr(default_factory=lambda: loader.loads("{}", "<validation>"))

    @property
    def document(self) -> Document:
        """The file it was read from."""
        return self._document


def load_checks(name: str | Path, search: SearchFile) -> Checks:
    """Return the published numbers of a search.

    Parameters
    ----------
    name : str or Path
        A file, or a name that ships.
    search : SearchFile

    Raises
    ------
    UserError
        If there is no such file, or it is not right, or names a case that the search has not.
    """
    document = loader.load(loader.find("validations", name))
    found = loader.validate(document, Checks)
    found._document = document  # noqa: SLF001 - its own
    for position, one in enumerate(found.checks):
        for case in (one.case, one.over.case if one.over is not None else ""):
            if case and case not in search.cases:
                hint = did_you_mean(case, search.cases)
                raise document.error(f"'{search.search}' has no case '{case}'", ("checks", position), hint=hint)
    return found
