"""Stages of the reconstruction that other packages give: made for a set-up that names them, and watched while they work.

A package names what makes a stage in its entry points, group ``emiss.stages``; a detector file asks for it under `stages`.
Whatever goes wrong in one is told with its name and its package.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.configs.errors import UserError, did_you_mean
from emiss.configs.units import UnitError, parse_unit
from emiss.events.columns import RESERVED, Column, split
from emiss.events.lists import Lists
from emiss.events.plug_ins import STAGES, PlugIn, installed, listed

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from emiss.calib.conditions import RunConditions
    from emiss.configs.document import Document
    from emiss.configs.errors import Problems
    from emiss.events.batch import Batch

SECTION = "stages"

TYPES = ("f4", "f8", "i4", "i8", "u4", "bool")
"""What columns may be of."""

_NAME = re.compile(r"[A-Za-z]\w*(\.[A-Za-z]\w*)?")


class PlugInStage:
    """A stage that a package gives.

    Raises
    ------
    UserError
        If it cannot be made for this set-up, or lacks something that a stage has.
    """

    def __init__(self, plug_in: PlugIn, detector: object) -> None:
        self.plug_in = plug_in
        make = plug_in.load()
        try:
            self._stage: Any = make(detector)
        except UserError:
            raise
        except Exception as error:
            raise plug_in.failed("cannot be made for this set-up", error) from error
        lacking = [
            key for key in ("columns", "uses", "produces", "needs", "begin_run", "__call__") if not self._has(key)
        ]
        if lacking:
            raise self._wrong(f"has no '{lacking[0]}'")
        try:
            self.columns: tuple[Column, ...] = tuple(self._stage.columns)
            self.uses: tuple[str, ...] = tuple(self._stage.uses)
            self.produces: tuple[str, ...] = tuple(self._stage.produces)
            self.needs: Mapping[str, Sequence[str]] = dict(self._stage.needs)
        except Exception as error:
            raise plug_in.failed("does not declare what it uses and makes", error) from error
        self._declared = _by_product(self.columns) if all(isinstance(one, Column) for one in self.columns) else {}
        if wrong := self._odd():
            raise self._wrong(wrong)

    def begin_run(self, conditions: RunConditions) -> None:
        """Give it the constants of a run."""
        try:
            self._stage.begin_run(conditions)
        except UserError:
            raise
        except Exception as error:
            raise self.plug_in.failed("failed at the beginning of a run", error) from error

    def __call__(self, batch: Batch, products: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what it makes of a batch, after a look whether it is what it declares."""
        try:
            made = self._stage(batch, MappingProxyType(dict(products)))
        except UserError:
            raise
        except Exception as error:
            raise self.plug_in.failed("failed", error) from error
        if not hasattr(made, "keys") or set(made) != set(self.produces):
            found = sorted(made) if hasattr(made, "keys") else type(made).__name__
            raise self._wrong(f"makes {found}, and declares {sorted(self.produces)}")
        return {name: self._product(name, made[name], len(batch)) for name in self.produces}

    def _has(self, key: str) -> bool:
        return hasattr(self._stage, key) and (key != "__call__" or callable(self._stage))

    def _wrong(self, what: str) -> UserError:
        return UserError(f"the {self.plug_in} {what}", hint=f"it is {self.plug_in.value}")

    def _odd(self) -> str | None:
        """Return what is wrong with what it declares."""
        if not all(isinstance(one, Column) for one in self.columns):
            return "declares columns that are no emiss.events.columns.Column"
        for column in self.columns:
            if not _NAME.fullmatch(column.name) or split(column.name)[0] in RESERVED:
                return f"declares a column '{column.name}', which cannot be the name of one"
            if column.type not in TYPES:
                return f"declares '{column.name}' of type '{column.type}', where one of {', '.join(TYPES)} is needed"
            try:
                parse_unit(column.unit)
            except UnitError as error:
                return f"declares '{column.name}' with an {error}"
        missing = sorted(set(self._declared) - set(self.produces))
        return f"declares columns that it does not produce: {', '.join(missing)}" if missing else None

    def _product(self, name: str, made: Any, size: int) -> Any:
        """Return a product; one that becomes columns has to be of the shape and type of these."""
        columns = self._declared.get(name)
        if columns is None:
            return made
        if columns[0].shape != "list":
            return self._values(
                name, made, columns[0], (size, columns[0].size) if columns[0].shape == "fixed" else (size,)
            )
        if not isinstance(made, Lists) or len(made) != size:
            found = f"lists of {len(made)} events" if isinstance(made, Lists) else type(made).__name__
            raise self._wrong(f"makes '{name}' as {found}, where lists of {size} events are needed")
        fields = {split(column.name)[1]: column for column in columns}
        if lacking := sorted(set(fields) - set(made.columns)):
            raise self._wrong(f"makes '{name}' without '{lacking[0]}', which it declares")
        rows = (int(made.offsets[-1]),)
        values = {inner: self._values(one.name, made[inner], one, rows) for inner, one in fields.items()}
        return Lists(made.offsets, values)

    def _values(self, name: str, made: Any, column: Column, shape: tuple[int, ...]) -> Any:
        try:
            values = np.asarray(made)
        except Exception as error:
            raise self.plug_in.failed(f"makes '{name}' as something that is no array", error) from error
        if values.shape != shape:
            raise self._wrong(f"makes '{name}' of shape {values.shape}, declared with {shape}")
        if values.dtype.kind not in "biuf" or not np.can_cast(values.dtype, np.dtype(column.type), "same_kind"):
            raise self._wrong(f"makes '{name}' of type {values.dtype}, declared as {column.type}")
        return values


def _by_product(columns: Sequence[Column]) -> dict[str, list[Column]]:
    """Return columns by the product that they are made of: themselves, or the collection of a list."""
    found: dict[str, list[Column]] = {}
    for column in columns:
        found.setdefault(column.collection if column.shape == "list" else column.name, []).append(column)
    return found


def stages_named(
    names: Sequence[str], detector: object, taken: Mapping[str, Column], document: Document, problems: Problems
) -> list[PlugInStage]:
    """Return the stages that a detector file names; what is wrong goes to `problems`.

    `taken` are the columns that its tables have without them.
    """
    stages: list[PlugInStage] = []
    known = dict(taken)
    for number, name in enumerate(names):
        path = (SECTION, number)
        plug_in = installed(STAGES).get(name)
        if plug_in is None:
            there = f"; installed: {listed(STAGES)}" if installed(STAGES) else ""
            hint = (
                did_you_mean(name, installed(STAGES)) if installed(STAGES) else "no plug-in that gives one is installed"
            )
            problems.add(document.error(f"no stage '{name}'", path, hint=hint + there))
            continue
        if name in names[:number]:
            problems.add(document.error(f"the stage '{name}' is named twice", path))
            continue
        try:
            stage = PlugInStage(plug_in, detector)
        except UserError as error:
            problems.add(document.error(error.message, path, hint=error.hint) if error.at is None else error)
            continue
        if clash := _clash(stage.columns, known):
            message = f"the {plug_in} declares the column '{clash}', whose name is taken"
            problems.add(document.error(message, path))
            continue
        known |= {column.name: column for column in stage.columns}
        stages.append(stage)
    return stages


def _clash(columns: Sequence[Column], taken: Mapping[str, Column]) -> str | None:
    """Return the first column that has the name of another, or stands in another's collection."""
    groups: Collection[str] = {column.collection for column in taken.values()}
    lists = {column.collection for column in taken.values() if column.shape == "list"}
    seen: set[str] = set()
    for column in columns:
        group = column.collection
        if column.name in taken or column.name in seen or column.name in groups or group in lists:
            return column.name
        if column.shape == "list" and group in groups:
            return column.name
        seen.add(column.name)
    return None
