"""Simulated run files: hits with truth in a ROOT file, schema ``emiss.hits/1``; `SimulatedRunFile` reads, `HitsWriter` writes.

A TTree ``hits`` holds the header fields, the collections ``cells`` {channel, energy, time} and ``points`` {plane, position,
charge, time} and flat ``truth.`` columns; the TObjString ``emiss`` says which detector, channels and planes they number.
"""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.configs.errors import Location, UserError, did_you_mean
from emiss.events.batch import Batch
from emiss.events.columns import Column
from emiss.events.files.atomic import part_of, settle
from emiss.events.files.base import reading
from emiss.events.files.identity import checksum
from emiss.events.files.root import RootSink, column_of, read_rows
from emiss.events.files.stored import check_schema, read_columns
from emiss.events.ledger import Ledger
from emiss.events.lists import Lists
from emiss.events.location import for_uproot, located, place
from emiss.events.table import EventTable
from emiss.reco.readers.base import BATCH, PlainIndex

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from types import TracebackType

    from emiss.reco.detector.model import Detector
    from emiss.reco.quality.spills import Spills
    from emiss.reco.readers.base import Floors

SCHEMA = "emiss.hits/1"
TREE = "hits"


HEADER: Mapping[str, str] = {
    "entry": "i8",
    "run": "i4",
    "spill": "i4",
    "in_spill": "i4",
    "in_run": "i4",
    "time": "i8",
    "trigger": "u4",
    "type": "u4",
    "quality": "u4",
    "spill_position": "f8",
    "weight": "f8",
}
COLLECTIONS: Mapping[str, Mapping[str, str]] = {
    "cells": {"channel": "i4", "energy": "f8", "time": "f8"},
    "points": {"plane": "i2", "position": "f8", "charge": "f8", "time": "f8"},
}


class SimulatedRunFile:
    """A ROOT file of the hits tier."""

    tier = "hits"
    splits = True
    grows = False

    def __init__(self, path: str | Path, detector: Detector) -> None:
        import uproot

        self.path = located(path)
        self.detector = detector
        with reading(self.path):
            self._file = uproot.open(for_uproot(self.path))
            names = self._file.classnames(cycle=False)
            if names.get(TREE) != "TTree" or names.get("emiss") != "TObjString":
                held = ", ".join(f"'{name}'" for name in names) or "nothing"
                raise self._error(f"no simulated run file: it holds {held}", "an event table goes to 'emiss select'")
            self._tree = self._file[TREE]
            self.metadata: dict[str, Any] = json.loads(str(self._file["emiss"]))
        check_schema(self.metadata, SCHEMA, self.path, "simulated hits", "an event table goes to 'emiss select'")
        missing = [key for key in ("channels", "planes", "truth") if key not in self.metadata]
        if missing:
            raise self._error(f"the metadata have no '{missing[0]}'")
        self.truth = read_columns(self.metadata["truth"], "truth.", self.path)
        self.on_target: float | None = self.metadata.get("on_target")
        self.context: Spills | None = None
        self.process: Mapping[str, Any] = self.metadata.get("process", {})

    def _error(self, message: str, hint: str | None = None) -> UserError:
        return UserError(message, at=Location(str(self.path)), hint=hint)

    @cached_property
    def identity(self) -> str:
        """Size and checksum of the file."""
        return checksum(self.path)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def check(self) -> None:
        """Raise a UserError that lists every branch that differs from the schema, or names that the detector lacks."""
        wanted = {name: (kind, "flat") for name, kind in HEADER.items()}
        for collection, fields in COLLECTIONS.items():
            wanted |= {f"{collection}.{name}": (kind, "list") for name, kind in fields.items()}
        wanted |= {name: (column.type, "flat") for name, column in self.truth.items()}
        with reading(self.path):
            form = self._tree.arrays(entry_stop=0, library="ak")
        differences = []
        for name, (kind, shape) in wanted.items():
            column = column_of(name, form[name]) if name in form.fields else None
            if column is None:
                differences.append(f"{name}: missing")
            elif (column.type, column.shape) != (kind, shape):
                differences.append(f"{name}: {column.type} {column.shape}, expected {kind} {shape}")
        if differences:
            raise self._error("branches differ from the schema:" + "".join(f"\n    {line}" for line in differences))
        for what, known in (("channels", self.detector.channels), ("planes", self.detector.plane_names)):
            for name in self.metadata[what]:
                if name not in known:
                    hint = did_you_mean(name, known)
                    raise self._error(f"detector '{self.detector.name}' has no {what[:-1]} '{name}'", hint)

    def index(self) -> PlainIndex:
        """Return run, spill, type and weight of every event."""
        return self._index

    def load_index(self, path: Path) -> None:
        """Do nothing: reading three columns is as fast as a stored index."""

    def save_index(self, path: Path) -> None:
        """Do nothing, see `load_index`."""

    def spills(self) -> None:
        """Return None: simulated events carry their position in the spill."""

    @cached_property
    def _index(self) -> PlainIndex:
        columns = [Column(name, HEADER[name]) for name in ("run", "spill", "type", "weight")]
        with reading(self.path):
            flat, _ = read_rows(self._tree, self.path, columns, 0, self._tree.num_entries)
        return PlainIndex(**flat, good=np.ones(len(flat["run"]), bool))

    def batches(
        self,
        start: int = 0,
        stop: int | None = None,
        size: int = BATCH,
        floors: Floors | None = None,  # noqa: ARG002 - points are no strips
    ) -> Iterator[Batch]:
        """Yield entries start to stop in batches that never span two runs; at least one, which may hold no event."""
        index = self.index()
        stop = len(index) if stop is None else min(stop, len(index))
        first = start
        while True:
            last = min(first + size, stop)
            change = np.flatnonzero(np.diff(index.run[first:last]))
            if len(change):
                last = first + int(change[0]) + 1
            yield self._batch(first, max(last, first))
            first = last
            if first >= stop:
                return

    def _batch(self, start: int, stop: int) -> Batch:
        columns = [Column(name, kind) for name, kind in HEADER.items()] + list(self.truth.values())
        for collection, fields in COLLECTIONS.items():
            columns += [Column(f"{collection}.{name}", kind, shape="list") for name, kind in fields.items()]
        with reading(self.path):
            flat, lists = read_rows(self._tree, self.path, columns, start, stop)
        number = stop - start
        header = {name: flat[name] for name in HEADER}
        header["entry"] = np.arange(start, stop)
        runs = self.index().runs()
        return Batch(
            run=int(header["run"][0]) if number else runs[0] if runs else 0,
            entries=(start, stop),
            header=header,
            ledger=Ledger(read=number, passed=number),
            cells=self._renumber(lists["cells"], "channel", "channels", self.detector.channels, start),
            points=self._renumber(lists["points"], "plane", "planes", self.detector.plane_names, start),
            truth={name.removeprefix("truth."): flat[name] for name in self.truth},
        )

    def _renumber(self, lists: Lists, field: str, key: str, known: tuple[str, ...], start: int) -> Lists:
        """Turn the file's numbers of channels or planes into the detector's.

        Raises
        ------
        UserError
            For a number outside the file's list, or a value that is not finite; with the entry.
        """
        names: list[str] = self.metadata[key]
        wrong = (lists[field] < 0) | (lists[field] >= len(names))
        for name, values in lists.columns.items():
            if name != field:
                wrong |= ~np.isfinite(values)
        if wrong.any():
            entry = start + int(lists.parents[np.flatnonzero(wrong)[0]])
            raise self._error(
                f"entry {entry}: a {field} outside the {len(names)} {key} of the file, or no finite value"
            )
        if tuple(names) == known:
            return lists
        table = np.array([known.index(name) for name in names], lists[field].dtype)
        return Lists(lists.offsets, {**lists.columns, field: table[lists[field]]})


BASKET = 8000
"""Events that are written at once, at least."""


class HitsWriter:
    """Writes a simulated run file batch by batch; the file appears when it is finished, or not at all."""

    def __init__(self, path: str | Path) -> None:
        self.path = place(path)
        self._part = part_of(self.path, ".root")
        self._sink: RootSink | None = None
        self._waiting: list[EventTable] = []

    def __enter__(self) -> HitsWriter:  # noqa: PYI034 - the class is final in spirit
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._part.unlink(missing_ok=True)

    def extend(self, batch: Batch) -> None:
        """Append the events of a batch with hits."""
        if batch.cells is None or batch.points is None:
            msg = "a hits-tier batch has cells and points"
            raise ValueError(msg)
        flat = {name: batch.header[name].astype(kind) for name, kind in HEADER.items()}
        flat |= {f"truth.{name}": values for name, values in batch.truth.items()}
        lists = {"cells": _typed(batch.cells, "cells"), "points": _typed(batch.points, "points")}
        self._waiting.append(EventTable(len(batch), flat, lists))
        if sum(map(len, self._waiting)) >= BASKET:
            self._write()

    def finish(self, metadata: Mapping[str, Any]) -> None:
        """Write the metadata (all but the schema) and put the file in its place."""
        if self._waiting:
            self._write()
        if self._sink is None:
            msg = "a run file is written from at least one batch"
            raise ValueError(msg)
        self._sink.close_with(json.dumps({"schema": SCHEMA, **metadata}))
        settle(self._part, self.path)

    def _write(self) -> None:
        """Write what waits: a basket of each branch, which costs as much for few events as for many."""
        table = EventTable.concatenate(self._waiting)
        self._waiting = []
        if self._sink is None:
            self._sink = RootSink(self._part, table, TREE)
        self._sink.extend(table)


def _typed(lists: Lists, collection: str) -> Lists:
    return Lists(lists.offsets, {name: lists[name].astype(kind) for name, kind in COLLECTIONS[collection].items()})
