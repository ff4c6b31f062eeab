"""Encoding and decoding: what is written is read back, for any events; pieces of any size give the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emiss.configs.errors import UserError
from emiss.events.lists import Lists, offsets_of
from emiss.reco.formats.date.channels.reading import read_channel_maps
from emiss.reco.formats.date.writing import encode
from emiss.reco.readers import open_run_file
from emiss.reco.readers.raw import RawRunFile


def make_events(detector, events: int, samples: int, seed: int) -> encode.RawEvents:
    rng = np.random.default_rng(seed)
    channels = [rng.permutation(len(detector.channels))[: rng.integers(0, 20)] for _ in range(events)]
    strips = []
    for _ in range(events):
        plane = rng.integers(0, len(detector.planes), rng.integers(0, 12))
        wire = rng.integers(0, 64, len(plane))
        strips.append(np.unique(np.stack([plane, wire]), axis=1))
    channel = np.concatenate([*channels, np.empty(0, int)]).astype(np.int32)
    plane, wire = np.concatenate([*strips, np.empty((2, 0), int)], axis=1).astype(np.int16)
    amplitudes = {
        f"a{frame}": (rng.integers(0, top, len(plane)) << shift).astype(np.int16)
        for frame, (top, shift) in enumerate(zip((256, 256, 512), encode.APV_SHIFT, strict=True))
    }
    waveforms = rng.integers(0, 4096, (len(channel), samples)).astype(np.uint16)
    return encode.RawEvents(
        run=6101,
        spill=np.sort(rng.integers(1, 4, events)),
        in_spill=np.arange(1, events + 1) + int(rng.integers(0, 5000)),
        in_run=np.arange(events),
        time=np.full(events, 1_660_000_000),
        type=np.full(events, 7),
        trigger=rng.integers(0, 2**32, events),
        sadc=Lists(offsets_of(np.array([len(c) for c in channels], int)), {"channel": channel, "samples": waveforms}),
        apv=Lists(
            offsets_of(np.array([s.shape[1] for s in strips], int)), {"plane": plane, "wire": wire, **amplitudes}
        ),
    )


def sorted_rows(lists: Lists, keys: list[str]) -> dict[str, np.ndarray]:
    order = np.lexsort([lists[key] for key in reversed(keys)] + [lists.parents])
    return {name: values[order] for name, values in lists.columns.items()} | {"offsets": lists.offsets}


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 12), st.sampled_from([32, 31, 8]), st.integers(0, 2**31), st.integers(1, 7))
def test_encode_then_decode_is_the_identity(tmp_path_factory, detector, events, samples, seed, size):
    raw = make_events(detector, events, samples, seed)
    maps = read_channel_maps(detector.channel_maps_path, 6101)
    data = encode.to_bytes(raw, maps, detector.channels, detector.plane_names)
    path = encode.write(tmp_path_factory.mktemp("e") / "x.dat", data)
    file = RawRunFile(path, detector.channel_maps_path, detector.channels, detector.plane_names, samples=samples)
    file.check()
    batches = list(file.batches(size=size))
    assert sum((b.ledger for b in batches[1:]), batches[0].ledger).to_json() == {
        **dict.fromkeys(("read", "passed"), events),
        "missing": {},
        "unusable": 0,
        "remarks": {},
        **{name: {} for name in ("not_physics", "lost", "excluded", "damage")},
        **dict.fromkeys(("bytes_skipped", "incomplete_at_end"), 0),
    }
    for name in ("spill", "in_spill", "in_run", "time", "trigger"):
        got = np.concatenate([b.header[name] for b in batches])
        np.testing.assert_array_equal(got, getattr(raw, name))
    for lists, keys in (("sadc", ["channel"]), ("apv", ["plane", "wire"])):
        want = sorted_rows(getattr(raw, lists), keys)
        got = sorted_rows(Lists.concatenate([getattr(b, lists) for b in batches]), keys)
        for name, values in want.items():
            np.testing.assert_array_equal(got[name], values)


def test_latch_all_writes_every_channel_with_ten_bits(tmp_path, detector):
    raw = make_events(detector, 5, 32, 3)
    fine = {name: values % 1000 + 23 for name, values in raw.apv.columns.items() if name[0] == "a"}  # low bits, too
    raw = replace(raw, apv=replace(raw.apv, columns={**raw.apv.columns, **fine}))
    maps = read_channel_maps(detector.channel_maps_path, 6101)
    path = tmp_path / "x.dat"
    path.write_bytes(encode.to_bytes(raw, maps, detector.channels, detector.plane_names, latch_all=True))
    file = RawRunFile(path, detector.channel_maps_path, detector.channels, detector.plane_names)
    (batch,) = file.batches()
    assert batch.ledger.passed == 5
    assert not batch.ledger.damage
    strips = sum(entry.count for entry in maps.apv if entry.name in detector.plane_names)
    assert batch.apv.counts.tolist() == [strips] * 5
    seen = batch.apv.rows(batch.apv["a2"] > 0)
    keys = ["plane", "wire"]
    want, got = sorted_rows(raw.apv, keys), sorted_rows(seen, keys)
    for name, values in want.items():
        np.testing.assert_array_equal(got[name], values)


def test_other_files_are_told_apart(tmp_path, detector):
    for name, content, says in (
        ("a.txt", b"hello world, this is text", "neither a raw run file"),
        ("b.dat", b"", "neither a raw run file"),
        ("c.root", b"rootbroken", "not readable as a ROOT file"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError, match=says):
            open_run_file(tmp_path / name, detector)
    with pytest.raises(UserError, match="no such file"):
        open_run_file(tmp_path / "none.dat", detector)


def test_a_channel_that_no_map_gives_is_an_error_before_reading(run_files, detector):
    file = RawRunFile(
        run_files["signal.dat"], detector.channel_maps_path, [*detector.channels, "ECAL1.9.9"], detector.plane_names
    )
    with pytest.raises(UserError, match=r"ECAL1\.9\.9"):
        file.check()
