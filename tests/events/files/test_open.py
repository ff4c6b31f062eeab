"""Event tables on disk: what is written is read back, in any pieces; foreign and broken files are told apart."""

from __future__ import annotations

import awkward as ak
import numpy as np
import pytest
import uproot
from hypothesis import given, settings
from hypothesis import strategies as st

from emiss import events
from emiss.configs.errors import UserError
from emiss.events.columns import Column
from emiss.events.files.open import TableWriter, open_table
from emiss.events.ledger import Damage, Ledger
from emiss.events.lists import Lists, offsets_of
from emiss.events.table import EventTable, Metadata


def make_table(counts: list[int], seed: int = 1) -> EventTable:
    rng = np.random.default_rng(seed)
    offsets = offsets_of(np.array(counts, np.int64))
    rows = int(offsets[-1])
    size = len(counts)
    columns = {
        "event.run": Column("event.run", "i4"),
        "ecal.energy": Column("ecal.energy", "f8", "GeV", "energy"),
        "hcal.energy": Column("hcal.energy", "f8", "GeV", "per module", "fixed", 3),
        "tracks.p": Column("tracks.p", "f8", "GeV", "momentum", "list"),
        "tracks.ndf": Column("tracks.ndf", "i4", "1", "freedom", "list"),
    }
    metadata = Metadata(columns, "signal", "signal", 1e11, ledger=Ledger(read=size, passed=size))
    return EventTable(
        size,
        {
            "event.run": rng.integers(0, 9, size).astype(np.int32),
            "ecal.energy": rng.normal(50, 5, size),
            "hcal.energy": rng.random((size, 3)),
        },
        {"tracks": Lists(offsets, {"p": rng.random(rows), "ndf": rng.integers(0, 4, rows).astype(np.int32)})},
        metadata,
    )


def assert_same(a: EventTable, b: EventTable) -> None:
    assert len(a) == len(b)
    assert set(a.names) == set(b.names)
    for name, values in a.flat.items():
        np.testing.assert_array_equal(values, b.flat[name])
        assert values.dtype == b.flat[name].dtype
    for name, lists in a.lists.items():
        np.testing.assert_array_equal(lists.offsets, b.lists[name].offsets)
        for inner, values in lists.columns.items():
            np.testing.assert_array_equal(values, b.lists[name][inner])


@pytest.mark.parametrize("suffix", [".root", ".parquet"])
@settings(deadline=None, max_examples=15)
@given(counts=st.lists(st.integers(0, 3), max_size=30), cut=st.integers(0, 30))
def test_round_trip_in_pieces(tmp_path_factory, suffix, counts, cut):
    table = make_table(counts)
    path = tmp_path_factory.mktemp("t") / f"t{suffix}"
    with TableWriter(path) as writer:
        writer.extend(table.slice(0, min(cut, len(table))))
        writer.extend(table.slice(min(cut, len(table)), len(table)))
        writer.finish(table.metadata)
    assert_same(table, events.read(path))
    pieces = list(open_table(path).batches(size=7))
    assert_same(table, EventTable.concatenate(pieces))
    assert open_table(path).metadata == table.metadata


@pytest.mark.parametrize("suffix", [".root", ".parquet"])
def test_a_range_of_some_columns(tmp_path, suffix):
    table = make_table([1, 2, 0, 3, 1])
    path = events.write(table, tmp_path / f"t{suffix}")
    (part,) = open_table(path).batches(["tracks.p", "ecal.energy"], start=1, stop=4)
    assert set(part.names) == {"tracks.p", "ecal.energy"}
    assert part["tracks.p"].to_list() == table["tracks.p"][1:4].to_list()


def test_any_range_of_a_table_in_row_groups_and_only_these_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr("emiss.events.files.open.ROWS", 4)
    table = make_table([1, 2, 0, 3, 1, 0, 2, 1, 1, 4, 1])
    file = open_table(events.write(table, tmp_path / "t.parquet"))
    assert file._file.num_row_groups == 3
    read, pieces = [], file._pieces
    monkeypatch.setattr(file, "_pieces", lambda names, size, groups: read.append(groups) or pieces(names, size, groups))
    for start in range(12):
        for stop in range(start, 12):
            found = EventTable.concatenate(list(file.batches(start=start, stop=stop, size=3)))
            assert_same(table.slice(start, stop), found)
            assert read[-1] == [n for n in range(3) if start < stop and 4 * n < stop and 4 * n + 4 > start]
    assert [0] in read


@pytest.mark.parametrize("suffix", [".root", ".parquet"])
def test_an_unknown_column_is_named_with_the_closest(tmp_path, suffix):
    path = events.write(make_table([1]), tmp_path / f"t{suffix}")
    with pytest.raises(UserError, match=r"no column 'ecal.enrgy'.*did you mean 'ecal.energy'"):
        events.read(path, ["ecal.enrgy"])


def test_an_unfinished_table_leaves_no_file(tmp_path):
    def fail() -> None:
        with TableWriter(tmp_path / "t.root") as writer:
            writer.extend(make_table([1, 2]))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_other_files_are_refused(tmp_path):
    (tmp_path / "x.root").write_bytes(b"root but broken")
    (tmp_path / "x.dat").write_bytes(b"something else")
    for name in ("x.root", "x.dat", "none.root"):
        with pytest.raises(UserError):
            open_table(tmp_path / name)


def test_foreign_trees(tmp_path):
    path = tmp_path / "foreign.root"
    with uproot.recreate(path) as file:
        file.mktree("a", {"E": "f4", "hit": "var * float64", "cell": np.dtype(("f8", (5,)))})
        file["a"].extend({"E": np.ones(3, "f4"), "hit": ak.Array([[1.0], [], [2.0, 3.0]]), "cell": np.zeros((3, 5))})
        file.mktree("b", {"x": "i4"})
    with pytest.raises(UserError, match="'a', 'b'"):
        open_table(path)
    table = open_table(f"{path}:a")
    assert table.metadata is None
    assert {n: c.shape for n, c in table.columns.items()} == {
        "E": "flat",
        "nhit": "flat",
        "hit": "list",
        "cell": "fixed",
    }
    (batch,) = table.batches()
    assert batch["cell"].shape == (3, 5)


def test_rntuple_reads_like_a_tree(tmp_path):
    path = tmp_path / "n.root"
    with uproot.recreate(path) as file:
        file["events"] = {"E": np.arange(4.0), "hit": ak.Array([[1.0], [], [2.0, 3.0], []])}
        assert "RNTuple" in file.classnames()["events;1"]
    table = open_table(path)
    assert set(table.columns) == {"E", "hit"}
    (batch,) = table.batches(["E", "hit"])
    assert batch["hit"].to_list() == [[1.0], [], [2.0, 3.0], []]
    for suffix in (".root", ".parquet"):
        copy = batch.with_metadata(columns=table.columns)
        assert_same(copy, events.read(events.write(copy, tmp_path / f"again{suffix}")))
    with pytest.raises(UserError, match="no column 'Ee'"):
        list(table.batches(["Ee"]))


@pytest.mark.parametrize("suffix", [".root", ".parquet"])
@pytest.mark.parametrize("size", [1, 7, 100])
def test_batches_carry_their_part_of_the_ledger(tmp_path, suffix, size):
    table = make_table([1] * 20)
    whole = Ledger(read=30, passed=20, lost={"magic": 4}, not_physics={"calibration": 6}, damage={"crc": Damage(3, 2)})
    events.write(table.with_metadata(ledger=whole), tmp_path / f"t{suffix}")
    file = open_table(tmp_path / f"t{suffix}")
    pieces = list(file.batches(size=size))
    assert EventTable.concatenate(pieces).metadata.ledger == whole
    for piece in pieces:
        piece.metadata.ledger.check()
        assert piece.metadata.ledger.passed == len(piece)
    assert [p.metadata.ledger for p in file.batches(start=5, stop=9)] == [Ledger(read=4, passed=4)]
    assert events.read(file.path).metadata.ledger == whole
    halves = [events.read(file.path).slice(0, 8), events.read(file.path).slice(8, 20)]
    assert EventTable.concatenate(halves).metadata.ledger == whole


def test_rows_of_a_foreign_table_are_counted_once(tmp_path):
    with uproot.recreate(tmp_path / "f.root") as file:
        file["t"] = {"e": np.arange(504.0)}
    batches = list(open_table(tmp_path / "f.root").batches(size=101))
    assert len(batches) == 5
    assert EventTable.concatenate(batches).metadata.ledger == Ledger(read=504, passed=504)
