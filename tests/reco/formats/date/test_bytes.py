"""Compressed run files: the same events, and what ends early is refused."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
import zstandard

from emiss import reco
from emiss.configs.errors import UserError
from emiss.reco.formats.date.bytes import FileBytes, all_bytes, first_bytes
from emiss.reco.readers import open_run_file


def zst(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(data)  # as the command zstd does


WAYS = {"gzip": gzip.compress, "zstd": zst}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("size", [0, 1, 100_000])
def test_the_same_bytes(tmp_path, way, size):
    data = np.random.default_rng(size).integers(0, 40, size, np.uint8).tobytes()
    (tmp_path / "x").write_bytes(WAYS[way](data))
    assert all_bytes(tmp_path / "x").tobytes() == data
    assert first_bytes(tmp_path / "x") == data[:8]


def test_several_members_and_frames_are_one_file(tmp_path):
    for way in WAYS.values():
        (tmp_path / "x").write_bytes(way(b"one ") + way(b"") + way(b"two"))
        assert all_bytes(tmp_path / "x").tobytes() == b"one two"


@pytest.mark.parametrize("way", WAYS)
def test_what_ends_early_or_is_damaged_is_refused(tmp_path, way):
    packed = WAYS[way](np.random.default_rng(1).integers(0, 255, 5000, np.uint8).tobytes())
    for cut in (len(packed) - 1, len(packed) // 2, 12):
        (tmp_path / "cut").write_bytes(packed[:cut])
        with pytest.raises(UserError, match="end early"):
            all_bytes(tmp_path / "cut")
    hurt = bytearray(packed)
    hurt[len(hurt) // 2 :] = bytes(len(hurt) - len(hurt) // 2)
    (tmp_path / "hurt").write_bytes(hurt)
    with pytest.raises(UserError, match=r"damaged|end early"):
        all_bytes(tmp_path / "hurt")


def test_no_file_and_no_permission_are_told(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        all_bytes(tmp_path / "nothing.dat")
    with pytest.raises(UserError, match="cannot be read"):
        first_bytes(tmp_path)


@pytest.mark.parametrize("way", WAYS)
def test_the_same_events(run_files, detector, tmp_path, way):
    plain = run_files["muon.dat"]
    packed = tmp_path / "muon.dat.x"
    packed.write_bytes(WAYS[way](plain.read_bytes()))
    assert not open_run_file(packed, detector).splits
    assert open_run_file(plain, detector).splits
    one, other = reco.process(reco.open(plain)), reco.process(reco.open(packed))
    assert one.metadata.ledger == other.metadata.ledger
    for name, values in one.flat.items():
        np.testing.assert_array_equal(values, other.flat[name])


def test_a_range_is_read_and_a_file_cut_short_is_a_message(tmp_path):
    path = tmp_path / "run.dat"
    content = np.random.default_rng(1).integers(0, 256, 3 << 20, np.uint8).tobytes()
    path.write_bytes(content)
    held = FileBytes(path)
    for start, stop in ((0, 10), (5000, 900_000), (700_001, 2_000_003), (3, 7), (0, len(content))):
        assert held.need(start, stop)[start:stop].tobytes() == content[start:stop]
    held.end_at(1000)
    assert held.all.tobytes() == content[:1000]
    held.close()
    short = FileBytes(path)
    with path.open("r+b") as file:
        file.truncate(1 << 20)
    assert short.need(0, 1 << 20)[:100].tobytes() == content[:100]
    with pytest.raises(UserError, match=r"run\.dat: cannot be read: .*cut short while it was read"):
        short.need(1 << 20, 2 << 20)
