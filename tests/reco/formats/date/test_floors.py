"""Strips below their thresholds are left out where bytes are decoded; all else that is read stays the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emiss import reco
from emiss.events.lists import Lists
from emiss.events.table import EventTable
from emiss.reco.formats.date.channels.reading import read_channel_maps
from emiss.reco.formats.date.writing import damage, encode
from emiss.reco.readers import open_run_file
from emiss.reco.readers.raw import RawRunFile
from tests.reco.formats.date.test_encode import make_events

RUN = 6101


def same(a: Lists, b: Lists) -> None:
    np.testing.assert_array_equal(a.offsets, b.offsets)
    for name, values in a.columns.items():
        assert values.dtype == b[name].dtype
        np.testing.assert_array_equal(values, b[name], err_msg=name)


def with_every_strip(batch, detector, noise, rng):
    """Return the events of a batch with all strips that a map names: noise, and the signals that were there."""
    maps = read_channel_maps(detector.channel_maps_path, RUN)
    numbers = {name: number for number, name in enumerate(detector.plane_names)}
    lines = [e for e in maps.apv if e.name in numbers]
    plane = np.concatenate([np.full(e.count, numbers[e.name]) for e in lines])
    wire = np.concatenate([e.wire + np.arange(e.count) * e.wire_step for e in lines])
    place = np.full((len(detector.planes), wire.max() + 1), -1)
    place[plane, wire] = np.arange(len(plane))
    values = np.abs(rng.normal(0.0, noise, (3, len(batch), len(plane))))
    for frame in range(3):
        values[frame, batch.apv.parents, place[batch.apv["plane"], batch.apv["wire"]]] += batch.apv[f"a{frame}"]
    columns = {"plane": np.tile(plane.astype(np.int16), len(batch)), "wire": np.tile(wire.astype(np.int16), len(batch))}
    columns |= {f"a{frame}": np.clip(values[frame].ravel(), 0, 1023).astype(np.int16) for frame in range(3)}
    return Lists(np.arange(len(batch) + 1) * len(plane), columns)


@settings(deadline=None, max_examples=20)
@given(
    latch_all=st.booleans(),
    samples=st.sampled_from([32, 31, 8]),
    policy=st.sampled_from(["safe", "oracle"]),
    seed=st.integers(0, 2**31),
    size=st.integers(1, 7),
)
def test_what_is_left_out_is_not_above_its_floor(tmp_path_factory, detector, latch_all, samples, policy, seed, size):
    """At the floor itself, at one that is no number, infinite or negative, and with waveforms that fill the rows or not."""
    rng = np.random.default_rng(seed)
    raw = make_events(detector, 6, samples, seed)
    raw = replace(raw, apv=replace(raw.apv, columns={**raw.apv.columns, "a1": raw.apv["a1"] | 3 * latch_all}))
    maps = read_channel_maps(detector.channel_maps_path, RUN)
    data = encode.to_bytes(raw, maps, detector.channels, detector.plane_names, latch_all=latch_all)
    path = encode.write(tmp_path_factory.mktemp("f") / "x.dat", data)
    floors = {
        plane.name: rng.choice([-1.0, 0.0, 3.0, 517.0, 700.5, 1022.0, 1023.0, 1e9, np.inf, np.nan], plane.channels)
        for plane in detector.planes
    }

    def read(**options):
        file = RawRunFile(path, detector.channel_maps_path, detector.channels, detector.plane_names, policy=policy)
        for batch in file.batches(size=size, **options):
            yield batch.sadc, batch.apv, batch.ledger

    for (sadc, apv, ledger), (lent, chosen, other) in zip(read(), read(floors=lambda _: floors), strict=True):
        same(sadc, lent)
        assert ledger == other
        floor = np.array([floors[detector.plane_names[p]][w] for p, w in zip(apv["plane"], apv["wire"], strict=True)])
        above = np.max([apv[f"a{frame}"] for frame in range(3)], axis=0) > floor
        same(apv.rows(above) if latch_all else apv, chosen)


@pytest.mark.parametrize("damaged", [False, True])
@pytest.mark.parametrize("latch_all", [False, True])
def test_the_event_table_is_the_same_to_the_last_bit(run_files, detector, conditions, tmp_path, latch_all, damaged):
    rng = np.random.default_rng(8)
    noise = conditions.for_run(RUN).get("apv.gain", ["MM1X.0"])["noise"][0]
    (batch,) = open_run_file(run_files["muon.dat"], detector).batches()
    apv = with_every_strip(batch, detector, 1.2 * noise, rng) if latch_all else batch.apv
    names = ("spill", "in_spill", "in_run", "time", "type", "trigger")
    raw = encode.RawEvents(run=RUN, **{name: batch.header[name] for name in names}, sadc=batch.sadc, apv=apv)
    maps = read_channel_maps(detector.channel_maps_path, RUN)
    data = encode.to_bytes(raw, maps, detector.channels, detector.plane_names, latch_all=latch_all)
    if damaged:
        kinds = dict.fromkeys(set(damage.KINDS) - {damage.TRUNCATED, "stray_run"} - damage.OF_OWN, 3)
        data, _ = damage.damage(data, maps, kinds, seed=9)
    path = encode.write(tmp_path / "x.dat", data)
    run = reco.open(path)
    new = EventTable.concatenate(list(run.tables(size=70)))
    old = EventTable.concatenate([run.pipeline.run(every) for every in run.files[0].batches(size=70)])
    assert new.metadata.ledger == old.metadata.ledger
    assert new.names == old.names
    for name in set(new.flat) - {"event.file"}:
        assert new.flat[name].tobytes() == old.flat[name].tobytes(), name
    for name, lists in new.lists.items():
        same(lists, old.lists[name])
    assert new.lists["tracks"].counts.sum() > 100
    strips = [sum(len(b.apv["wire"]) for b in run.files[0].batches(floors=f)) for f in (None, run.pipeline.floors)]
    assert strips[1] < 0.05 * strips[0] if latch_all else strips[1] == strips[0]
