"""``configs/backgrounds/*.yaml``: background budgets as data, and the paper's of e -> mu made from its file."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, PrivateAttr, model_validator
from pydantic_core import PydanticCustomError

from emiss.configs import loader
from emiss.configs.document import Document
from emiss.configs.errors import Problems, did_you_mean
from emiss.configs.schema import Model, Number
from emiss.physics.limits import budget as sums
from emiss.physics.limits.backgrounds import Budget, Quantity
from emiss.physics.limits.budget import Entry, Kind, of_factors

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = "emiss.budget/1"

PAPER = "e_to_mu_phi"
"""The budget of arXiv:2404.15931."""

NotNegative = Annotated[Number, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[Number, Field(gt=0, allow_inf_nan=False)]
WAYS = ("rate", "count", "factors", "sample")


class NumberEntry(Model):
    """A number that rates are made of, and its standard deviation."""

    value: Positive
    error: NotNegative = 0.0

    @property
    def quantity(self) -> Quantity:
        """As the arithmetic takes it."""
        return Quantity(self.value, self.error)


class BudgetEntry(Model):
    """One background as written, in one of four ways.

    Attributes
    ----------
    kind : str
    rate : float
        Per particle on target.
    count : float
        In the budget's `on_target`.
    factors : tuple of str
        Names of the budget's numbers, whose product is the rate.
    sample, left : float, int
        Particles on target that a simulated sample stands for, and how many of its events are left.
    error : float
        Standard deviation of `rate` or `count`.
    counted : bool
        Whether it is in the total; by default all but bounds.
    """

    kind: Kind
    rate: NotNegative | None = None
    count: NotNegative | None = None
    factors: tuple[str, ...] = ()
    sample: Positive | None = None
    left: int | None = Field(default=None, ge=0)
    error: NotNegative = 0.0
    counted: bool | None = None
    source: str = ""

    @model_validator(mode="after")
    def _one_way(self) -> BudgetEntry:
        given = [way for way in WAYS if getattr(self, way) not in (None, ())]
        if len(given) != 1:
            msg = f"an entry has one of {', '.join(WAYS)}" + (f", not {' and '.join(given)}" if given else "")
            raise ValueError(msg)
        if (self.sample is None) != (self.left is None):
            msg = "'sample' and 'left' go together"
            raise ValueError(msg)
        if self.error and given[0] in {"factors", "sample"}:
            msg = f"the error follows from '{given[0]}'"
            raise ValueError(msg)
        return self


class Told(Model):
    """The total that a source prints, in the budget's `on_target`."""

    count: Positive
    error: NotNegative = 0.0


class BudgetFile(Model):
    """A budget as written."""

    budget: str
    analysis: str = ""
    source: str
    on_target: Positive | None = None
    numbers: dict[str, NumberEntry] = Field(default_factory=dict)
    entries: dict[str, BudgetEntry] = Field(min_length=1)
    told: Told | None = None
    remark: str = ""
    _document: Document = PrivateAttr(default_factory=lambda: loader.loads("{}", "<budget>"))

    @model_validator(mode="after")
    def _counts_in_something(self) -> BudgetFile:
        for name, entry in self.entries.items():
            context: dict[str, Any]
            if entry.count is not None and self.on_target is None:
                context = {"at": ("entries", name, "count")}
                raise PydanticCustomError(
                    "on_target", "a count needs 'on_target': expected in how many particles", context
                )
            for position, factor in enumerate(entry.factors):
                if factor not in self.numbers:
                    context = {
                        "name": factor,
                        "hint": did_you_mean(factor, self.numbers),
                        "at": ("entries", name, "factors", position),
                    }
                    raise PydanticCustomError("factor", "there is no number '{name}'; {hint}", context)
        return self

    @property
    def document(self) -> Document:
        """The file it was read from."""
        return self._document

    def of(self, document: Document) -> BudgetFile:
        """Return this budget with the document it was read from."""
        self._document = document
        return self

    def rates(self) -> tuple[Entry, ...]:
        """Return the entries per particle on target."""
        return tuple(self._rate(name, entry) for name, entry in self.entries.items())

    def total(self) -> Quantity:
        """Return the sum of what is counted, per particle on target."""
        return sums.total(self.rates())

    def _rate(self, name: str, entry: BudgetEntry) -> Entry:
        errors: dict[str, float] = {}
        room = 0.0
        if entry.factors:
            value, errors = of_factors({factor: self.numbers[factor].quantity for factor in entry.factors})
        elif entry.sample is not None and entry.left is not None:
            value = entry.left / entry.sample
            errors = {name: math.sqrt(entry.left) / entry.sample}
            room = 0.0 if entry.left else 1.0 / entry.sample
        else:
            unit = 1.0 if entry.rate is not None else self.on_target or math.nan
            value = (entry.rate if entry.rate is not None else entry.count or 0.0) / unit
            errors = {name: entry.error / unit}
        counted = entry.kind != "bound" if entry.counted is None else entry.counted
        return Entry(name, entry.kind, value, errors, counted, room, entry.source or self.source)


def load_budget(name: str | Path) -> BudgetFile:
    """Return the budget of a file, or of a name that ships (such as ``e_to_mu_phi``).

    Raises
    ------
    UserError
        If there is none, or the file is not right; with file, line and column.
    """
    document = loader.load(loader.find("backgrounds", name))
    return loader.validate(document, BudgetFile).of(document)


def to_json(written: BudgetFile, on_target: float) -> dict[str, Any]:
    """Return a budget as plain data, schema ``emiss.budget/1``: events in so many particles on target."""
    total, told = written.total(), written.told
    return {
        "schema": SCHEMA,
        "budget": written.budget,
        "source": written.source,
        "on_target": on_target,
        "entries": [
            {
                "name": one.name,
                "kind": one.kind,
                "value": one.value * on_target,
                "error": one.error * on_target,
                "counted": one.counted,
                "room": one.room * on_target,
                "source": one.source,
            }
            for one in written.rates()
        ],
        "total": {"value": total.value * on_target, "error": total.error * on_target},
        "told": None if told is None else {"count": told.count, "error": told.error, "on_target": written.on_target},
    }


def budget_of(written: BudgetFile) -> Budget:
    """Return the formula of the paper with the numbers of a file.

    Raises
    ------
    UserError
        If one of them is missing, with what is there.
    """
    problems = Problems()
    for name in ("dimuons", "pions", "kaons", "srd", "pion_survival", "kaon_survival"):
        if name not in written.numbers:
            problems.add(written.document.error(f"the number '{name}' is missing", ("numbers",), key=True))
    if "dimuon" not in written.entries or written.entries["dimuon"].sample is None:
        problems.add(
            written.document.error("the entry 'dimuon' with 'sample' and 'left' is missing", ("entries",), key=True)
        )
    problems.check()
    numbers: dict[str, Any] = {name: number.quantity for name, number in written.numbers.items()}
    pairs = written.entries["dimuon"]
    return Budget(**numbers, dimuon_sample=pairs.sample or math.nan, dimuons_left=pairs.left or 0)


@cache
def paper() -> Budget:
    """Return the budget of arXiv:2404.15931."""
    return budget_of(load_budget(PAPER))
