"""The place of events in their spill, from all files of a run: position, and what was lost before."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emiss import reco
from emiss.events.columns import QUALITY_BITS
from emiss.events.files.identity import number_of
from emiss.reco.formats.date import reasons
from emiss.reco.formats.date.bytes import all_bytes
from emiss.reco.formats.date.channels.reading import read_channel_maps
from emiss.reco.formats.date.decoding.decode import Decoder, decode_entries, groups
from emiss.reco.formats.date.index.events import Index, build
from emiss.reco.formats.date.lost_blocks import lost_blocks
from emiss.reco.formats.date.writing import damage
from emiss.reco.quality.spills import Spills

AFTER = 1 << QUALITY_BITS["after_lost_block"]
BLOCK_IS_LOST = (
    reasons.EVENT_MISSING_SRCID,
    reasons.SADC_MODULE_MISSING,
    reasons.SADC_BAD_H_ADC,
    reasons.SADC_H_ADC_BAD_SIZE,
    reasons.SADC_WRONG_EVENT,
    reasons.SADC_BLOCK_SIZE_ZERO,
    reasons.EVENT_CORRUPTED0,
    reasons.EVENT_CORRUPTED1,
    reasons.EVENT_CORRUPTED2,
    reasons.EVENT_SUBEVENT_HEADER_DIFF,
)

events = st.lists(st.tuples(st.integers(1, 2), st.integers(1, 3), st.integers(1, 9), st.booleans()), min_size=1)


def spills_of(rows):
    run, spill, number, lost = (np.array(values) for values in zip(*rows, strict=True))
    return Spills.of(run, spill, number, lost.astype(bool))


@given(events, st.integers(0, 20))
def test_position_and_what_was_lost_before_from_a_loop(rows, cut):
    whole = spills_of(rows)
    parts = [spills_of(part) for part in (rows[:cut], rows[cut:]) if part]
    merged = Spills.merge(parts)
    assert merged.to_json() == whole.to_json()
    run, spill, number = (np.array(values) for values in list(zip(*rows, strict=True))[:3])
    position, after = whole.position(run, spill, number), whole.after_lost_block(run, spill, number)
    for i, (r, s, n, _) in enumerate(rows):
        same = [other for other in rows if other[:2] == (r, s)]
        assert position[i] == n / max(other[2] for other in same)
        assert after[i] == any(other[3] and other[2] < n for other in same)
    assert whole.part(run[:1], spill[:1]).position(run[:1], spill[:1], number[:1]) == position[0]


def test_a_spill_that_was_not_surveyed():
    with pytest.raises(KeyError):
        spills_of([(1, 1, 1, False)]).position(np.array([1]), np.array([2]), np.array([1]))


def test_the_survey_finds_what_the_decoder_records(run_files, detector):
    maps = read_channel_maps(detector.channel_maps_path, 6101)
    kinds = dict.fromkeys(sorted(set(damage.KINDS) - {damage.TRUNCATED} - damage.OF_OWN), 2)
    hurt, chosen = damage.damage(run_files["muon.dat"].read_bytes(), maps, kinds, seed=2)
    data = np.frombuffer(hurt, np.uint8)
    index = build(data)
    found = lost_blocks(data, index, lambda _: maps, "safe")
    expected = np.zeros(len(index), bool)
    decoder = Decoder(maps)
    for low, high in groups(index.run, index.offset, 4096):
        entries = np.arange(low, high)[index.good[low:high] & (index.type[low:high] == 7)]
        if not len(entries):
            continue
        decoded = decode_entries(decoder, data, index, entries)
        expected[entries[decoded.thrown > 0]] = True
        rows = decoded.record[np.isin(decoded.record[:, 1], BLOCK_IS_LOST)]
        expected[entries[rows[:, 0]]] = True
    np.testing.assert_array_equal(found, expected)
    assert {chosen[entry] for entry in np.flatnonzero(found).tolist()} >= {"sadc_module_missing", "swapped"}


def test_what_follows_in_another_file_of_the_run_is_flagged(run_files, detector, tmp_path):
    """A block is lost in the first of two files of a spill: the second one knows."""
    data = run_files["muon.dat"].read_bytes()
    index = build(np.frombuffer(data, np.uint8))
    physics = np.flatnonzero(index.type == 7)
    middle = physics[len(physics) // 2]
    assert index.spill[middle - 1] == index.spill[middle]
    cut = int(index.offset[middle])
    maps = read_channel_maps(detector.channel_maps_path, 6101)
    first, chosen = damage.damage(data[:cut], maps, {"event_missing_srcid": 1}, seed=4)
    broken = next(iter(chosen))
    (tmp_path / "run_1.dat").write_bytes(first)
    (tmp_path / "run_2.dat").write_bytes(data[cut:])
    spill, number = index.spill[broken], index.in_spill[broken]
    expected = int(np.count_nonzero((index.spill == spill) & (index.in_spill > number) & (index.type == 7)))
    in_second = int(np.count_nonzero((index.spill == spill)[middle:] & (index.type == 7)[middle:]))

    run = reco.open([tmp_path / "run_1.dat", tmp_path / "run_2.dat"])
    table = reco.process(run)
    flagged = (table["event.quality"] & AFTER) > 0
    second = number_of(run.files[1].identity)
    assert flagged.sum() == expected >= in_second
    assert flagged[table["event.file"] == second].sum() == in_second > 0
    alone = reco.process(reco.open(tmp_path / "run_2.dat"))
    assert not ((alone["event.quality"] & AFTER) > 0).any()
    assert table["spill.position"].max() == 1.0
    assert table["spill.position"][table["event.file"] != second].max() < 1.0


def test_an_index_is_stored_and_used_again(run_files, detector, tmp_path):
    index = build(all_bytes(run_files["beam.dat"]))
    index.save(tmp_path / "i.npz")
    again = Index.load(tmp_path / "i.npz")
    assert again is not None
    for name, values in vars(index).items():
        np.testing.assert_array_equal(getattr(again, name), values)
    (tmp_path / "i.npz").write_bytes(b"PK nonsense")
    assert Index.load(tmp_path / "i.npz") is None
    file = reco.open(run_files["beam.dat"]).files[0]
    file.load_index(tmp_path / "i.npz")  # no index: made again
    assert len(file.index()) == len(index)
    file.save_index(tmp_path / "j.npz")
    assert len(Index.load(tmp_path / "j.npz")) == len(index)
