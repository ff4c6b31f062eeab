"""Deliberate damage: each kind shows up in the ledger under its name, in the events that were hurt and in no other."""

from __future__ import annotations

import numpy as np
import pytest

from emiss.reco.formats.date import reasons
from emiss.reco.formats.date.channels.reading import read_channel_maps
from emiss.reco.formats.date.writing import damage
from emiss.reco.readers.raw import RawRunFile

LOST = ("bad_magic", "event_size", "header_size", "subevent_size", "swapped", "event_unknown", "stray_run")
SILENT = ("tcs_ecc",)
"""Severity 0: recorded in a dump, no damage."""


@pytest.fixture(scope="module")
def whole(run_files, detector):
    return run_files["muon.dat"].read_bytes(), read_channel_maps(detector.channel_maps_path, 6101)


def read(data, detector, folder):
    path = folder / "hurt.dat"
    path.write_bytes(data)
    file = RawRunFile(path, detector.channel_maps_path, detector.channels, detector.plane_names)
    batches = list(file.batches())
    return sum((b.ledger for b in batches[1:]), batches[0].ledger).check(), batches


def digits(batches):
    """Return all that was read of each event, by entry."""
    found = {}
    for batch in batches:
        for row, entry in enumerate(batch.header["entry"].tolist()):
            parts = [batch.sadc.slice(row, row + 1), batch.apv.slice(row, row + 1)]
            found[entry] = b"".join(values.tobytes() for part in parts for values in part.columns.values())
    return found


def test_every_name_of_a_ledger_can_be_made():
    names = {record.key for record in reasons.RECORDS} | set(reasons.LOST[1:])
    names.remove("raw.repeated")  # takes two events; see test_continuity
    assert {f"raw.{kind}" for kind in damage.KINDS} == names


@pytest.mark.parametrize("kind", sorted(set(damage.KINDS) - {damage.TRUNCATED} - damage.OF_OWN))
def test_a_kind_is_named_and_hurts_nothing_else(kind, whole, detector, tmp_path):
    data, maps = whole
    before, sound = read(data, detector, tmp_path)
    hurt, chosen = damage.damage(data, maps, {kind: 3}, seed=5)
    assert len(chosen) == 3
    after, batches = read(hurt, detector, tmp_path)
    assert after.read == before.read
    if kind in LOST:
        assert after.lost == {f"raw.{kind}": 3}
        assert after.passed == before.passed - 3
    else:
        assert after.passed == before.passed
        assert not after.lost
        if kind not in SILENT:
            assert after.damage[f"raw.{kind}"].events == 3
    there, now = digits(sound), digits(batches)
    untouched = set(there) - set(chosen)
    assert {entry: now[entry] for entry in untouched} == {entry: there[entry] for entry in untouched}


def test_a_truncated_file_loses_its_last_event(whole, detector, tmp_path):
    data, maps = whole
    before, _ = read(data, detector, tmp_path)
    hurt, chosen = damage.damage(data, maps, {damage.TRUNCATED: 1})
    after, _ = read(hurt, detector, tmp_path)
    assert list(chosen.values()) == [damage.TRUNCATED]
    assert after.lost == {"raw.truncated": 1}
    assert after.incomplete_at_end == 1
    assert after.passed == before.passed - 1
    assert after.read == before.read - 1  # the end of run behind it is gone


def test_too_few_events(whole):
    data, maps = whole
    with pytest.raises(ValueError, match="too few events"):
        damage.damage(data, maps, {"sadc_bad_data": 10_000})
    assert np.frombuffer(damage.damage(data, maps, {})[0], np.uint8).tobytes() == data
