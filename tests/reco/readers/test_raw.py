"""The raw reader beside `dump`: the same events lost, the same trigger; channels given twice are refused."""

from __future__ import annotations

import re
import shutil

import numpy as np
import pytest

from emiss import reco
from emiss.configs.errors import UserError
from emiss.events.columns import QUALITY_BITS
from emiss.reco.formats.date import reasons
from emiss.reco.formats.date.channels.reading import read_channel_maps
from emiss.reco.formats.date.dump import dump
from emiss.reco.formats.date.dump import text as as_text
from emiss.reco.formats.date.writing import damage
from emiss.reco.readers.raw import RawRunFile
from tests.reco.splices import events_of

RUN = 6101
CALIBRATION = 8


@pytest.fixture
def maps(detector, tmp_path):
    """A copy of the maps that a test may change."""
    return shutil.copytree(detector.channel_maps_path, tmp_path / "maps")


def opened(path, detector, maps=None):
    return RawRunFile(path, maps or detector.channel_maps_path, detector.channels, detector.plane_names)


def changed(parts, entry, word, value):
    words = np.frombuffer(parts[entry], "<u4").copy()
    words[word] = value
    return b"".join([*parts[:entry], words.tobytes(), *parts[entry + 1 :]])


@pytest.fixture(scope="module")
def parts(run_files):
    return events_of(run_files["muon.dat"].read_bytes())[0]


def test_dump_says_of_each_event_what_the_ledger_says(run_files, detector, tmp_path):
    """Every kind of damage at once, and calibration events that cannot be decoded."""
    maps = read_channel_maps(detector.channel_maps_path, RUN)
    hurt, _ = damage.damage(
        run_files["muon.dat"].read_bytes(),
        maps,
        dict.fromkeys(sorted(set(damage.KINDS) - damage.OF_OWN), 1),
        seed=3,
    )
    (tmp_path / "hurt.dat").write_bytes(hurt)
    for policy in ("safe", "oracle"):
        *events, last = dump(tmp_path / "hurt.dat", detector.channel_maps_path, policy=policy)
        lost = [event["lost"] for event in events if "lost" in event]
        ledger = last["ledger"]
        if policy == "safe":
            assert {name: lost.count(name) for name in set(lost)} == ledger["lost"]
            assert "raw.event_unknown" in lost
            reader = opened(tmp_path / "hurt.dat", detector)
            total = sum((b.ledger for b in reader.batches()), start=next(iter(reader.batches(0, 0))).ledger)
            assert total.to_json() == ledger


def test_a_calibration_event_that_cannot_be_decoded_is_no_loss(parts, detector, tmp_path):
    swapped = CALIBRATION | 0x20000
    (tmp_path / "c.dat").write_bytes(changed(parts, 40, 4, swapped))
    *events, last = dump(tmp_path / "c.dat", detector.channel_maps_path)
    assert "lost" not in events[40]
    assert events[40]["given_up"] == "raw.swapped"
    assert as_text(events[40])[0].endswith("given up: raw.swapped")
    assert last["ledger"]["lost"] == {}
    assert last["ledger"]["not_physics"]["calibration"] == 1


def test_copies_and_strays_are_shown_by_dump(parts, tmp_path, detector):
    data = b"".join([*parts[:50], parts[49], *parts[50:]])
    (tmp_path / "again.dat").write_bytes(data)
    *events, last = dump(tmp_path / "again.dat", detector.channel_maps_path)
    assert events[50] == {"index": 50, "excluded": "raw.repeated", "offset": len(b"".join(parts[:50]))}
    assert "excluded, raw.repeated" in as_text(events[50])[0]
    assert last["ledger"]["excluded"] == {"raw.repeated": 1}


def test_bits_that_the_maps_take_out_of_the_trigger_are_in_neither(parts, maps, detector, tmp_path):
    daq = next(path for path in maps.glob("*.xml") if "<DaqOption" in path.read_text())
    text = daq.read_text()
    daq.write_text(re.sub(r"(<DaqOption[^>]*>)", r'\1<TriggersIgnore bit="0 3"/>', text, count=1))
    (tmp_path / "t.dat").write_bytes(changed(parts, 40, 8, 0b11111 << 1))
    *events, _ = dump(tmp_path / "t.dat", maps)
    (batch,) = opened(tmp_path / "t.dat", detector, maps).batches()
    shown = {event["index"]: event["trigger"] for event in events}
    assert shown[40] == 0b10110
    assert [shown[entry] for entry in batch.header["entry"].tolist()] == batch.header["trigger"].tolist()


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        (
            "ECAL0",
            None,
            None,
            r"ECAL\.xml:\d+:\d+: the channel ECAL0\.\d\.\d is given twice for run 6106, first at .*ECAL\.xml:",
        ),
        (
            "ECAL0",
            r"(ECAL0\s+\d+\s+\d+\s+\d+\s+)\d+\s+\d+",
            r"\g<1>77 77",
            r"the read-out channel source 618 .* is given twice",
        ),
        ("MM1X", None, None, r"MM\.xml:\d+:\d+: the wire 0 of MM1X is given twice for run 6106, first at .*MM\.xml:"),
    ],
    ids=["line", "read-out", "strips"],
)
def test_what_two_lines_of_a_map_give_is_refused(maps, detector, run_files, name, old, new, said):
    """The energy of a channel that stands twice would count twice."""
    path = next(path for path in maps.glob("*.xml") if re.search(rf"^\s*{name}\s", path.read_text(), re.MULTILINE))
    lines = path.read_text().splitlines()
    at = next(i for i, line in enumerate(lines) if line.split()[:1] == [name])
    again = lines[at] if old is None else re.sub(old, new, lines[at])
    path.write_text("\n".join([*lines[: at + 1], again, *lines[at + 1 :]]))
    with pytest.raises(UserError, match=said) as raised:
        opened(run_files["muon.dat"], detector, maps).check()
    assert str(raised.value).count("given twice") == 1


def test_files_that_hold_the_same_are_refused(run_files, tmp_path):
    shutil.copy(run_files["muon.dat"], tmp_path / "copy.dat")
    with pytest.raises(UserError, match=r"copy\.dat: holds the same as .*muon\.dat"):
        reco.open([run_files["muon.dat"], tmp_path / "copy.dat"])


def test_constants_that_are_missing_are_told_with_file_and_event(parts, detector, tmp_path):
    beyond = []
    for part in parts[1:20]:
        words = np.frombuffer(part, "<u4").copy()
        words[5] = 7001
        beyond.append(words.tobytes())
    (tmp_path / "other.dat").write_bytes(b"".join([*parts[:100], *beyond]))
    with pytest.raises(UserError, match=r"other\.dat: no channel map is valid for run 7001 \(entry 100 and 18 more\)"):
        reco.open(tmp_path / "other.dat")


@pytest.mark.parametrize("kind", sorted(set(damage.KINDS) - {damage.TRUNCATED} - damage.OF_OWN))
def test_damage_that_drops_data_makes_a_part_undefined(kind, run_files, detector, tmp_path):
    """What the table of records calls dropped is never a number: event by event, from the damage that was made."""
    maps = read_channel_maps(detector.channel_maps_path, RUN)
    hurt, chosen = damage.damage(run_files["muon.dat"].read_bytes(), maps, {kind: 1}, seed=6)
    (tmp_path / "hurt.dat").write_bytes(hurt)
    table = reco.process(reco.open(tmp_path / "hurt.dat"))
    flagged = (table["event.quality"] & (1 << QUALITY_BITS["part_lost"])) > 0
    (entry,) = chosen
    record = next((r for r in reasons.RECORDS if r.key == f"raw.{kind}"), None)
    drops = record is not None and record.scope != "nothing" and kind != "event_unknown"
    drops |= kind in ("event_missing_srcid", "sadc_module_missing", "slink_wrong_event_number", "apv_miss_adc")
    if kind in ("tcs_fifo", "tcs_sync"):
        drops = True  # the last source is one of APVs
    if record is None:
        assert not flagged.any()  # the event is lost as a whole
        return
    assert table["event.entry"][flagged].tolist() == ([entry] if drops else []), kind
    assert table.metadata.ledger.unusable == (1 if drops else 0)
    if kind.startswith("sadc"):
        numbers = np.concatenate(
            [table[n][flagged].ravel() for n in ("ecal.energy", "hcal.energy", "srd.energy", "s.energy")]
        )
        assert np.isnan(numbers).any()
    sound = ~flagged
    assert np.isfinite(table["ecal.energy"][sound]).all()
