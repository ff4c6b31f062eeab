"""Event tables in the hands of a user: what they show, slices, masks, collections, files by patterns, dask."""

from __future__ import annotations

import pickle
import sys
import types
from pathlib import Path  # noqa: TC003 - annotations of fixtures
from typing import Any

import awkward as ak
import numpy as np
import pytest
import vector

from emiss import events
from emiss.configs.errors import UserError
from emiss.events import handover, records
from emiss.events.columns import Column
from emiss.events.ledger import Ledger
from emiss.events.lists import Lists, offsets_of
from emiss.events.table import EventTable, Metadata


def made(size: int = 20, sample: str = "signal", seed: int = 0) -> EventTable:
    rng = np.random.default_rng(seed)
    count = rng.integers(0, 4, size)
    n = int(count.sum())
    muon = {
        "pt": rng.exponential(20, n),
        "eta": rng.normal(size=n),
        "phi": rng.uniform(-3, 3, n),
        "mass": np.full(n, 0.1),
    }
    flat = {
        "event.run": np.arange(size, dtype=np.int32),
        "ecal.energy": rng.uniform(0, 100, size),
        "hcal.energy": rng.uniform(0, 9, (size, 3)),
    }
    columns = {
        "event.run": Column("event.run", "i4", meaning="run <number>"),
        "ecal.energy": Column("ecal.energy", unit="GeV"),
        "hcal.energy": Column("hcal.energy", unit="GeV", shape="fixed", size=3),
        **{f"muon.{name}": Column(f"muon.{name}", shape="list", alias=f"Muon_{name}") for name in muon},
        "bare": Column("bare", shape="list"),
    }
    ledger = Ledger(read=size, passed=size)
    provenance = {"task": "x"}
    metadata = Metadata(columns, sample, "signal", on_target=1e9, ledger=ledger, provenance=provenance)
    lists = {"muon": Lists(offsets_of(count), muon), "bare": Lists(offsets_of(count), {"": muon["pt"]})}
    return EventTable(size, flat, lists, metadata)


def test_a_table_shows_itself() -> None:
    table = made()
    text, page = repr(table), table._repr_html_()
    assert text.startswith("EventTable: 20 events of sample 'signal' (signal), 8 columns; stands for 1e+09 particles")
    for said in ("ecal.energy", "f8[3]", "list of f8", "GeV"):
        assert said in text
        assert said in page
    assert "run &lt;number&gt;" in page
    assert len(repr(EventTable(1, {f"c{i}": np.zeros(1) for i in range(60)})).splitlines()) == 42


def test_slices_and_masks_are_tables() -> None:
    table = made()
    few = table[:10]
    assert isinstance(few, EventTable)
    assert len(few) == 10
    assert few.metadata.on_target == 5e8
    assert few["muon.pt"].to_list() == table["muon.pt"][:10].to_list()
    np.testing.assert_array_equal(table[-3:]["event.run"], [17, 18, 19])
    np.testing.assert_array_equal(table[::-5]["event.run"], [19, 14, 9, 4])
    np.testing.assert_array_equal(table[[0, -1]]["event.run"], [0, 19])
    assert len(table[5:2]) == len(table[[]]) == 0
    mask = table["ecal.energy"] > 50
    np.testing.assert_array_equal(table[mask]["ecal.energy"], table["ecal.energy"][mask])
    for wrong, error in ((3, TypeError), (mask[:5], IndexError), ([20], IndexError), ([0.5], TypeError)):
        with pytest.raises(error):
            table[wrong]  # type: ignore[index]


def test_a_collection_is_of_records_that_are_vectors() -> None:
    table = made()
    muon = table["muon"]
    assert muon.fields == ["pt", "eta", "phi", "mass"]
    wanted = vector.zip({name: table[f"muon.{name}"] for name in muon.fields})
    np.testing.assert_allclose(ak.flatten(muon.px), ak.flatten(wanted.px))
    two = muon[ak.num(muon) > 1]
    assert ak.all((two[:, 0] + two[:, 1]).mass > 0)
    assert table["Muon_pt"].to_list() == table["muon.pt"].to_list()
    assert table["bare"].to_list() == table["muon.pt"].to_list()
    assert table["hcal"].energy.to_list() == table["hcal.energy"].tolist()
    with pytest.raises(UserError, match=r"no column 'muno'.*did you mean 'muon'"):
        table["muno"]


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        (["pt", "phi"], "Momentum2D"),
        (["pt", "phi", "eta"], "Momentum3D"),
        (["px", "py", "pz", "energy"], "Momentum4D"),
        (["x", "y", "z", "energy"], "Vector3D"),
        (["x", "y", "p"], "Vector2D"),
        (["px", "py", "x", "y"], None),
        (["px", "py", "pz", "eta"], None),
        (["energy"], None),
    ],
)
def test_fields_of_one_system_alone_are_a_vector(fields: list[str], name: str | None) -> None:
    assert records.behaviour_of(fields) == name


@pytest.fixture
def files(tmp_path: Path) -> Path:
    for number, size in enumerate((20, 30, 7)):
        table = made(size, seed=number)
        events.write(table.with_metadata(provenance={}), tmp_path / f"t{number}.{'parquet' if number else 'root'}")
    return tmp_path


def test_read_takes_patterns_and_lists(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(files)
    whole = events.read("t*")
    assert (
        len(whole) == len(events.read(["t0.root:events", "t[12].parquet"])) == len(events.read("t*", ["muon.pt"])) == 57
    )
    assert whole.metadata.on_target == 3e9
    assert len(events.read("t*.root:events")) == 20
    parts = [events.read(files / name) for name in ("t0.root", "t1.parquet", "t2.parquet")]
    assert whole["muon.pt"].to_list() == [event for part in parts for event in part["muon.pt"].to_list()]
    for wrong, said in (("u*", "no file is called"), ([], "no event table given"), (["t0.root", "n.root"], "n.root")):
        with pytest.raises(UserError, match=said):
            events.read(wrong)  # type: ignore[arg-type]
    events.write(made(3, "other"), "other.parquet")
    events.write(made(3), "u.parquet")
    with pytest.raises(UserError, match="is of the sample 'other'"):
        events.read(["u.parquet", "other.parquet"])
    table = made(3)
    events.write(EventTable(3, {"x": np.ones(3)}, {}, Metadata(ledger=table.metadata.ledger)), "x.parquet")
    with pytest.raises(UserError, match="has other columns"):
        events.read(["u.parquet", "x.parquet"])


def test_dask_awkward_is_handed_pieces(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made_of: dict[str, Any] = {}
    stand_in = types.ModuleType("dask_awkward")
    stand_in.from_map = lambda read, pieces, **more: made_of.update(read=read, pieces=pieces, **more) or "dask"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "dask_awkward", stand_in)
    assert events.to_dask(files / "t*", ["muon.pt", "event.run"], size=8) == "dask"
    assert [piece.stop - piece.start for piece in made_of["pieces"]] == [8, 8, 4, 30, 7]
    read = pickle.loads(pickle.dumps(made_of["read"]))
    parts = ak.concatenate([read(piece) for piece in made_of["pieces"]])
    assert parts["muon.pt"].to_list() == events.read(files / "t*")["muon.pt"].to_list()
    assert set(made_of["meta"].fields) == {"muon.pt", "event.run"}
    assert ak.backend(made_of["meta"]) == "typetracer"
    with pytest.raises(UserError, match="at least one event"):
        handover.pieces([files / "t0.root"], 0)
    monkeypatch.setitem(sys.modules, "dask_awkward", None)
    with pytest.raises(UserError, match="dask-awkward cannot be imported"):
        events.to_dask(files / "t0.root")
