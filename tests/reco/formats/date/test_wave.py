"""Wave boards: what is written is read back, two digitisers in one run, each kind of damage by its name, slips in the maps."""

from __future__ import annotations

import numpy as np
import pytest

from emiss.configs.errors import UserError
from emiss.events.columns import QUALITY_BITS
from emiss.events.lists import Lists, offsets_of
from emiss.reco.detector.model import load_detector
from emiss.reco.formats.date.channels.reading import read_channel_maps
from emiss.reco.formats.date.index.events import build
from emiss.reco.formats.date.lost_blocks import lost_blocks
from emiss.reco.formats.date.writing import damage, encode
from emiss.reco.readers import open_run_file
from emiss.reco.readers.raw import RawRunFile
from emiss.reco.run import open as open_run
from emiss.reco.run import process
from emiss.samples.config import load_sample
from emiss.samples.simulate import simulate

from . import wave

RUN = 6101
EVENTS = 60
NO_BLOCK = ("wb_bad_header", "wb_bad_size", "wb_wrong_event", "wb_boards_missing")
"""What the pass that looks at headers alone can tell."""


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    return wave.make(tmp_path_factory.mktemp("wave"))


@pytest.fixture(scope="module")
def maps(detector):
    return read_channel_maps(detector.channel_maps_path, RUN)


@pytest.fixture(scope="module")
def run_file(detector, tmp_path_factory):
    """Return simulated muons, which leave something in every module."""
    sample = load_sample("dimuon").model_copy(update={"detector": str(detector.file)})
    return simulate(sample, tmp_path_factory.mktemp("run") / "dimuon.dat", events=EVENTS)


def read(path, detector):
    file = open_run_file(path, detector)
    assert isinstance(file, RawRunFile)
    file.check()
    batches = list(file.batches())
    return sum((b.ledger for b in batches[1:]), batches[0].ledger).check(), batches


def test_what_is_written_is_read_back(detector, maps, tmp_path):
    rng = np.random.default_rng(1)
    wide = np.isin([name.partition(".")[0][:3] for name in detector.channels], ["SRD", "HCA"])
    channels = [np.sort(rng.permutation(len(wide))[: rng.integers(0, 40)]) for _ in range(20)]
    channel = np.concatenate(channels).astype(np.int32)
    # all lengths on the new boards, the old ones have a fixed one; an odd number leaves half a word
    count = np.where(wide[channel], rng.integers(1, 129, len(channel)), 32).astype(np.uint16)
    top = np.where(wide[channel], 1 << 14, 1 << 12)
    samples = rng.integers(0, top[:, None], (len(channel), 128)).astype(np.uint16)
    samples[np.arange(128) >= count[:, None]] = 0
    columns = {"channel": channel, "samples": samples, "n_samples": count}
    none = {name: np.empty(0, np.int64) for name in ("plane", "wire", "a0", "a1", "a2")}
    numbers = np.arange(1, 21)
    raw = encode.RawEvents(
        RUN, np.ones(20, int), numbers, numbers, np.full(20, 1_660_000_000), np.full(20, 7), np.ones(20, int),
        sadc=Lists(offsets_of(np.array([len(c) for c in channels])), columns), apv=Lists(np.zeros(21, int), none),
    )  # fmt: skip
    data = encode.to_bytes(raw, maps, detector.channels, detector.plane_names)
    ledger, (batch,) = read(encode.write(tmp_path / "x.dat", data), detector)
    assert not ledger.damage
    assert ledger.passed == 20
    got = batch.sadc
    order = np.lexsort((got["channel"], got.parents))
    np.testing.assert_array_equal(got.offsets, raw.sadc.offsets)
    for name, values in columns.items():
        np.testing.assert_array_equal(got[name][order], values)


def test_two_digitisers_in_one_run_give_the_tables_of_one(detector, run_file, tmp_path):
    """The same events through the MSADC alone and through both: energies and times agree within the noise."""
    both = process(open_run(run_file, detector=str(detector.file)))
    alone = process(open_run(simulate(load_sample("dimuon"), tmp_path / "alone.dat", events=EVENTS)))
    assert len(both) == len(alone) == EVENTS
    for name in ("hcal.energy", "srd.energy"):
        a, b = alone.flat[name], both.flat[name]
        seen = (a > 0.5) & (b > 0.5) if name == "hcal.energy" else (a > 0.02) & (b > 0.02)
        assert np.median(np.abs(b[seen] / a[seen] - 1.0)) < 0.05 if seen.any() else name == "srd.energy"
    a, b = alone.flat["hcal.time"], both.flat["hcal.time"]
    assert np.nanmedian(np.abs(a - b)) < 2.0
    assert np.isfinite(b).sum() > EVENTS


@pytest.mark.parametrize("kind", [kind for kind in damage.KINDS if kind.startswith("wb_")])
def test_a_kind_of_damage_is_named_and_makes_its_parts_undefined(kind, detector, maps, run_file, tmp_path):
    before, _ = read(run_file, detector)
    hurt, chosen = damage.damage(run_file.read_bytes(), maps, {kind: 3}, seed=5)
    path = tmp_path / "hurt.dat"
    path.write_bytes(hurt)
    after, _ = read(path, detector)
    assert after.passed == before.passed
    assert {name: entry.events for name, entry in after.damage.items()} == {f"raw.{kind}": 3}
    table = process(open_run(path, detector=str(detector.file)))
    rows = np.isin(table.flat["event.entry"], list(chosen))
    assert rows.sum() == 3
    lost = (table.flat["event.quality"] >> QUALITY_BITS["part_lost"] & 1).astype(bool)
    np.testing.assert_array_equal(lost, rows)
    np.testing.assert_array_equal(np.isnan(table.flat["hcal.energy"]).any(axis=1), rows)
    assert np.isfinite(table.flat["ecal.energy"]).all()
    index = build(np.frombuffer(hurt, np.uint8))
    lacking = np.flatnonzero(lost_blocks(np.frombuffer(hurt, np.uint8), index, lambda _: maps, "safe")).tolist()
    assert lacking == (sorted(chosen) if kind in NO_BLOCK else [])


def test_an_empty_board_that_suppresses_is_no_damage(detector, tmp_path):
    sample = load_sample("signal").model_copy(update={"detector": str(detector.file)})
    ledger, batches = read(simulate(sample, tmp_path / "x.dat", events=20), detector)
    assert not ledger.damage
    assert all(batch.lacking_channels is None for batch in batches)


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("DAQ.xml", "ChipWaveBoard w", "ChipSADC w", r"nothing says that source 640 is of a ChipWaveBoard"),
        ("WAVE.xml", "SRD0 640 0 0", "SRD0 640 32 0", r"the board 32 is outside 0 to 31"),
        ("WAVE.xml", "SRD0 640 0 0", "SRD0 640 0 16", r"the channel 16 is outside 0 to 15"),
        ("WAVE.xml", "SRD0 640 0 0", "SRD0 640 0 1", r"source 640 board 0 channel 1 is given twice"),
        ("WAVE.xml", "SRD0 640 0 0", "SRD0 622 0 0", r"source 622 has boards of another kind, too"),
        ("WAVE.xml", "SRD0 640 0 0", "SRD0 640 0", r"expected: NAME source board channel x y"),
    ],
)
def test_a_slip_in_the_maps_is_told_at_its_place(tmp_path, file, old, new, says):
    detector = wave.make(tmp_path)
    path = tmp_path / "maps" / file
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    with pytest.raises(UserError, match=says):
        read_channel_maps(detector.channel_maps_path, RUN).check(detector.channels, detector.plane_names)
    assert load_detector(tmp_path / "detector.yaml").name == "with_wave_boards"
