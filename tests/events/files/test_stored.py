"""Damaged tables, and metadata of another schema, a later version or wrong kinds: one message, no number."""

from __future__ import annotations

import json
import random
import re

import pyarrow.parquet as pq
import pytest
import uproot

from emiss import events
from emiss.configs.errors import UserError
from emiss.events.files.open import open_table
from emiss.events.files.root import RootSink
from tests.events.files.test_open import assert_same, make_table

SUFFIXES = pytest.mark.parametrize("suffix", [".root", ".parquet"])


def with_metadata(path, text: str):
    """Return the table again with another text of metadata."""
    again = path.with_name(f"again{path.suffix}")
    table = make_table([1, 2])
    if path.suffix == ".root":
        sink = RootSink(again, table)
        sink.extend(table)
        sink.close_with(text)
    else:
        events.write(table, again)
        arrow = pq.read_table(again)
        pq.write_table(arrow.replace_schema_metadata({b"emiss": text.encode()}), again)
    return again


@SUFFIXES
@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"schema": "emiss.events/2"}, "holds version 2 of 'emiss.events', this emiss knows 1.*a later emiss wrote it"),
        ({"schema": "emiss.events/0"}, "holds version 0 of 'emiss.events', this emiss knows 1.*make it again"),
        ({"schema": "emiss.hits/1"}, "holds 'emiss.hits/1', not an event table"),
        ({"schema": "emiss.events/one"}, "not an event table"),
        ({"schema": None}, "holds None, not an event table"),
        ({"sample": 7}, "damaged metadata: sample: "),
        ({"on_target": float("nan")}, "damaged metadata: on_target: "),
        ({"on_target": -1.0}, "damaged metadata: on_target: "),
        ({"scale": float("inf")}, "damaged metadata: scale: "),
        ({"columns": {"event.run": {"type": "S9"}}}, "damaged metadata: columns.event.run.type: "),
        ({"columns": {"event.run": {"type": "f8"}}}, "'event.run' is declared as f8 flat and stored as i4 flat"),
        ({"columns": {"hcal.energy": {"shape": "fixed", "size": 4}}}, "declared as f8 fixed of 4 and stored as .* 3"),
        ({"columns": {"ecal.x": {}}}, "declares a column 'ecal.x' and holds none"),
        ({"ledger": {"read": 2}}, "damaged metadata: ledger.passed: "),
        ({"ledger": {"read": 2, "passed": -2}}, "damaged metadata: ledger.passed: "),
        ({"ledger": []}, "damaged metadata: ledger: "),
        ({"provenance": {"inputs": [{"path": "x"}]}}, "damaged metadata: provenance.inputs.0.identity: "),
    ],
)
def test_metadata_that_this_version_cannot_have_written(tmp_path, suffix, change, says):
    data = make_table([1, 2]).metadata.to_json() | change
    path = with_metadata(tmp_path / f"t{suffix}", json.dumps(data))
    with pytest.raises(UserError, match=re.escape(str(path)) + ": .*" + says):
        open_table(path)


@SUFFIXES
@pytest.mark.parametrize("text", ["", "{", "[1]", "7", '"text"', "[" * 100_000])
def test_metadata_that_are_no_object(tmp_path, suffix, text):
    path = with_metadata(tmp_path / f"t{suffix}", text)
    with pytest.raises(UserError, match=r"damaged metadata, no JSON|not an event table"):
        open_table(path)


def mutated(raw: bytes, rng: random.Random) -> bytes:
    data = bytearray(raw)
    place = rng.randrange(len(data))
    kind = rng.randrange(5)
    if kind == 0:
        data[place] ^= 1 << rng.randrange(8)
    elif kind == 1:
        del data[place:]
    elif kind == 2:
        data[place : place + rng.randrange(1, 200)] = bytes(rng.randrange(1, 200))
    elif kind == 3:
        for _ in range(5):
            data[rng.randrange(len(data))] = rng.randrange(256)
    else:
        data[place:place] = rng.randbytes(rng.randrange(1, 30))
    return bytes(data)


@pytest.mark.parametrize("suffix", [".root", ".parquet"])
def test_a_damaged_file_is_a_message_or_reads_the_same(tmp_path, suffix):
    table = make_table([1, 2, 0, 3] * 20)
    raw = events.write(table, tmp_path / f"t{suffix}").read_bytes()
    rng = random.Random(7)
    refused, other = 0, 0
    for _ in range(300):
        damaged = tmp_path / f"damaged{suffix}"
        damaged.write_bytes(mutated(raw, rng))
        try:
            again = events.read(damaged)
        except UserError as error:
            assert str(damaged) in str(error)  # noqa: PT017 - either way is right
            refused += 1
            continue
        try:
            assert_same(table, again)
        except AssertionError:
            other += 1
    assert refused > 80
    # every page of Parquet has a checksum; of ROOT the blocks have one, its own records have none
    assert other <= (12 if suffix == ".root" else 0)


def middle_of(path, column: str) -> int:
    """Return the place of a byte in the middle of a column's values."""
    if path.suffix == ".root":
        with uproot.open(path) as file:
            branch = file["events"][column]
            return int(branch.member("fBasketSeek")[0] + branch.member("fBasketBytes")[0] // 2)
    group = pq.ParquetFile(path).metadata.row_group(0)
    (chunk,) = (group.column(i) for i in range(group.num_columns) if group.column(i).path_in_schema == column)
    begin = chunk.data_page_offset if chunk.dictionary_page_offset is None else chunk.dictionary_page_offset
    return begin + chunk.total_compressed_size // 2


@pytest.mark.parametrize("suffix", [".root", ".parquet"])
def test_a_bit_flipped_in_the_values_is_found(tmp_path, suffix):
    table = make_table([0] * 4000)
    path = events.write(table, tmp_path / f"t{suffix}")
    place = middle_of(path, "ecal.energy")
    raw = bytearray(path.read_bytes())
    raw[place] ^= 1
    path.write_bytes(raw)
    with pytest.raises(UserError, match=r"not readable as a (ROOT|Parquet) file"):
        events.read(path, ["ecal.energy"])


@pytest.mark.parametrize("suffix", [".root", ".parquet"])
def test_some_columns_of_a_table_written_again_declare_no_others(tmp_path, suffix):
    path = events.write(make_table([1, 2]), tmp_path / f"t{suffix}")
    part = events.write(events.read(path, ["ecal.energy"]), tmp_path / f"part{suffix}")
    assert set(open_table(part).metadata.columns) == {"ecal.energy"}
    assert set(open_table(part).columns) == {"ecal.energy"}
