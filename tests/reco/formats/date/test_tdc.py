"""TDC boards: what is written is read back, each kind of damage by its name, slips in the maps, hits to clusters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emiss.calib.conditions import Conditions
from emiss.configs.errors import UserError
from emiss.events.columns import QUALITY_BITS
from emiss.events.lists import Lists, offsets_of
from emiss.reco.detector.misfits import misfits
from emiss.reco.formats.date import dump
from emiss.reco.formats.date.channels.reading import read_channel_maps
from emiss.reco.formats.date.decoding.decode import Decoder, decode_entries
from emiss.reco.formats.date.index.events import build
from emiss.reco.formats.date.lost_blocks import lost_blocks
from emiss.reco.formats.date.writing import damage, encode
from emiss.reco.run import open as open_run
from emiss.reco.run import process
from emiss.reco.tracking.timed import TdcStage, counted
from emiss.samples.config import load_sample
from emiss.samples.digitise_trackers import timed
from emiss.samples.simulate import simulate
from tests import straws

RUN = 6101
EVENTS = 40
NO_BLOCK = ("td_bad_header", "td_bad_size", "td_wrong_event", "td_boards_missing")
"""What the pass that looks at headers alone can tell."""


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    return straws.make(tmp_path_factory.mktemp("straws") / "set-up")


@pytest.fixture(scope="module")
def maps(detector):
    return read_channel_maps(detector.channel_maps_path, RUN)


@pytest.fixture(scope="module")
def conditions(detector):
    return Conditions.load(detector.file.parent / "calib").for_run(RUN)


@pytest.fixture(scope="module")
def run_files(detector, tmp_path_factory):
    """Return simulated muons, raw and as hits."""
    sample = load_sample("muon").with_detector(str(detector.file.parent)).with_run(RUN)
    folder = tmp_path_factory.mktemp("run")
    return {tier: simulate(sample, folder / f"muon.{tier}", events=EVENTS) for tier in ("dat", "root")}


def hits(events):
    """Hits of events, each a list of (plane, wire, count)."""
    rows = np.array([row for event in events for row in event], np.int64).reshape(-1, 3)
    types = ("plane", np.int16), ("wire", np.int16), ("time", np.int32)
    columns = {name: values.astype(type_) for (name, type_), values in zip(types, rows.T, strict=True)}
    return Lists(offsets_of(np.array([len(event) for event in events], np.int64)), columns)


hit = st.tuples(st.integers(0, 17), st.integers(0, 23), st.integers(0, 2**20 - 1))


@settings(max_examples=40)
@given(st.lists(st.lists(hit, max_size=60), min_size=1, max_size=6))
def test_what_is_written_is_read_back(detector, maps, events):
    """Any wires of any planes, several hits of one as well: they come back by board and channel, then by time."""
    tdc, size = hits(events), len(events)
    none = Lists.empty(size, {"plane": np.int16, "wire": np.int16, "a0": np.int16, "a1": np.int16, "a2": np.int16})
    nothing = {"channel": np.empty(0, np.int32), "samples": np.empty((0, 32), np.uint16)}
    numbers, seven = np.arange(1, size + 1), np.full(size, 7)
    raw = encode.RawEvents(
        RUN, numbers, numbers, numbers, numbers, seven, numbers, Lists(none.offsets, nothing), none, tdc
    )
    data = np.frombuffer(encode.to_bytes(raw, maps, detector.channels, detector.plane_names), np.uint8)
    decoder = Decoder(maps, channels=detector.channels, planes=detector.plane_names)
    decoded = decode_entries(decoder, data, build(data), np.arange(size))
    assert not decoded.part_lost.any()
    found = decoder.map_tdc(decoded)
    for event, expected in enumerate(events):
        rows = slice(found.offsets[event], found.offsets[event + 1])
        told = zip(found.plane[rows], found.wire[rows], decoded.tdc[found.digit[rows], 3], strict=True)
        assert sorted((int(a), int(b), int(c)) for a, b, c in told) == sorted(expected)


def test_raw_and_hits_give_the_same_tracks(detector, run_files):
    raw, plain = (process(open_run(path, detector=str(detector.file))) for path in run_files.values())
    assert len(raw) == len(plain) == EVENTS
    for name in ("st.n_clusters", "hod.n_clusters", "st.n_outside", "hod.n_outside"):
        np.testing.assert_array_equal(raw.flat[name], plain.flat[name])
    assert raw.flat["st.n_clusters"].mean() > 0.95
    a, b = raw.lists["tracks"], plain.lists["tracks"]
    np.testing.assert_array_equal(a.counts, b.counts)
    assert (a.counts == 1).mean() > 0.9
    assert np.median(np.abs(a["x"] - b["x"])) < 0.03  # half a bin of the TDC is 15 um and less
    assert np.median(np.abs(a["q_over_p"] - b["q_over_p"]) / b["sigma_q_over_p"]) < 0.3


@pytest.mark.parametrize("kind", sorted(damage.OF_TDCS))
def test_a_kind_of_damage_is_named_and_said_of_the_event(kind, detector, maps, run_files, tmp_path):
    hurt, chosen = damage.damage(run_files["dat"].read_bytes(), maps, {kind: 3}, seed=5)
    path = tmp_path / "hurt.dat"
    path.write_bytes(hurt)
    table = process(open_run(path, detector=str(detector.file)))
    ledger = table.metadata.ledger
    assert {name: entry.events for name, entry in ledger.damage.items()} == {f"raw.{kind}": 3}
    assert ledger.unusable == 3
    rows = np.isin(table.flat["event.entry"], list(chosen))
    assert rows.sum() == 3
    lost = (table.flat["event.quality"] >> QUALITY_BITS["part_lost"] & 1).astype(bool)
    np.testing.assert_array_equal(lost, rows)
    index = build(np.frombuffer(hurt, np.uint8))
    lacking = np.flatnonzero(lost_blocks(np.frombuffer(hurt, np.uint8), index, lambda _: maps, "safe")).tolist()
    assert lacking == (sorted(chosen) if kind in NO_BLOCK else [])


def test_dump_shows_the_hits(detector, run_files):
    events = list(dump.dump(run_files["dat"], detector.channel_maps_path, events=slice(2, 4)))
    name, source, board, channel, wire, count = events[0]["tdc"][0]
    assert (name, source, board) == ("HOD1X", 500, 11)
    assert f"  tdc {name} wire {wire}  source 500 board 11 channel {channel}: {count}" in dump.text(events[0])


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("DAQ.xml", "500 -1 ChipTDCBoard t", "500 -1 ChipSADC s", r"nothing says that source 500 is of a ChipTDCBoard"),
        ("ST.xml", "ST1X1 500 0 0 48 0", "ST1X1 500 32 0 48 0", r"the board 32 is outside 0 to 31"),
        ("ST.xml", "ST1X1 500 0 0 48 0", "ST1X1 500 0 20 48 0", r"the channel 67 is outside 0 to 63"),
        ("ST.xml", "ST1X1 500 0 0 48 0", "ST1X1 500 0 0 48", r"expected: NAME source board channel count wire"),
        ("ST.xml", "ST1X1 500 0 0 48 0", "ST1X1 500 0 0 48 4", r"the wire 51 is outside 0 to 47 of the plane 'ST1X1'"),
        ("ST.xml", "ST1X1 500 0 0 48 0", "ST1X1 500 0 0 46 0", r"gives the wire 46 and 1 more of the plane 'ST1X1'"),
        ("ST.xml", "ST1X1 500 0 0 48 0", "ST1Y1 500 0 0 16 0", r"the wire 0 of ST1Y1 is given twice"),
        ("ST.xml", "ST1X1 500 0 0 48 0", "ST1X1 618 0 0 48 0", r"source 618 has boards of another kind, too"),
        ("ST.xml", "ST1X1 500 0 0 48 0", "ST9X1 500 0 0 48 0", r"the detector has no plane 'ST9X1'"),
    ],
)
def test_a_slip_in_the_maps_is_told_at_its_place(detector, tmp_path, file, old, new, says):
    for path in detector.channel_maps_path.glob("*.xml"):
        text = path.read_text()
        (tmp_path / path.name).write_text(text.replace(old, new, 1) if path.name == file else text)
        assert path.name != file or old in text
    with pytest.raises(UserError, match=says):
        read_channel_maps(tmp_path, RUN).check(detector.channels, detector.plane_names, detector.timed)


def test_a_plane_is_of_strips_or_of_a_tdc(detector, tmp_path):
    for path in detector.channel_maps_path.glob("*.xml"):
        (tmp_path / path.name).write_text(path.read_text())
    strips = '<Map><ChipAPV version="2">\nHOD1X 380 0 0 0 1 128 0 127 1\n</ChipAPV></Map>'
    (tmp_path / "HOD.xml").write_text(strips)
    maps = read_channel_maps(tmp_path, RUN)
    with pytest.raises(UserError, match=r"a TDC reads the plane 'HOD1X' of the detector, no APV25"):
        maps.check(detector.channels, detector.plane_names, detector.timed)
    with pytest.raises(UserError, match=r"no TDC reads the plane 'ST1X1' of the detector"):
        maps.check(detector.channels, detector.plane_names, {})


class Wires:
    """Constants of a run: wire 3 of ST1X1 is noisy, and 5 of HOD1X is dead; t0 is 100 ns."""

    def get(self, type_, channels):
        bad = {"ST1X1.3": 2.0, "HOD1X.5": 1.0}
        return {
            "tdc.time": {"t0": np.full(len(channels), 100.0)},
            "tdc.status": {"status": np.array([bad.get(name, 0.0) for name in channels])},
            "tracker.alignment": {"shift": np.full(len(channels), 0.25)},
        }[type_]


def test_hits_become_clusters_and_what_is_left_out_is_counted(detector, toys):
    stage = TdcStage(detector)
    stage.begin_run(Wires())
    names = detector.plane_names
    straw, fibre = names.index("ST1X1"), names.index("HOD1X")
    events = [
        [(straw, 4, 240), (straw, 3, 240), (straw, 9, 100), (fibre, 10, 210), (fibre, 5, 210), (fibre, 7, 400)],
        [(straw, 4, 200)],
    ]
    none = Lists.empty(2, dict.fromkeys(("plane", "position", "sigma", "charge", "time", "sigma_time"), np.float64))
    none.columns.update({"in_time": np.empty(0, bool), "size": np.empty(0, np.int32), "twin": np.empty(0, np.int32)})
    made = stage(toys.batch(2, tdc=hits(events)), {"clusters": none})
    clusters = made["clusters"]
    wire = (4 - 23.5) * 6.0 + 0.25
    # 240 counts of 0.5 ns are 20 ns after the trigger: 1.4 mm by the table of the file
    assert clusters["position"] == pytest.approx([wire - 1.4, wire + 1.4, 10 - 143.5 + 0.25, wire, wire])
    assert clusters.counts.tolist() == [3, 2]
    assert clusters["time"][2] == pytest.approx(5.0)
    assert (made["st.n_noisy"].sum(), made["st.n_outside"].sum()) == (1, 1)
    assert (made["hod.n_noisy"].sum(), made["hod.n_outside"].sum()) == (1, 1)
    assert set(made) == set(stage.produces)
    assert set(counted(detector, np.empty((0, len(names)), np.int32))) == set(made) - {"clusters"}


def test_a_channel_is_blind_for_its_dead_time(detector, conditions):
    columns = {
        "plane": np.zeros(3, np.int16),
        "position": np.full(3, 3.0),
        "charge": np.ones(3),
        "time": np.array([40.0, 0.0, 29.0]),
    }
    found = timed(Lists(np.array([0, 3]), columns), detector, conditions)
    assert found["time"].tolist() == [800]  # (0 + 400) ns; 29 and 40 ns come less than 30 ns after another
    columns["time"] = np.array([40.0, 0.0, 75.0])
    assert sorted(timed(Lists(np.array([0, 3]), columns), detector, conditions)["time"].tolist()) == [800, 880, 950]


def test_straws_that_the_alignment_moves_are_not_simulated(detector, conditions):
    class Moved:
        location = conditions.location

        def get(self, type_, channels):
            return {name: values + 0.1 for name, values in conditions.get(type_, channels).items()}

    columns = {name: np.zeros(1, kind) for name, kind in (("plane", "i2"), ("position", "f8"), ("time", "f8"))}
    with pytest.raises(UserError, match=r"ST1X1 is moved by 0\.1 mm"):
        timed(Lists(np.array([0, 1]), columns), detector, Moved())


def test_a_window_that_the_constants_take_out_of_the_range(detector, tmp_path):
    folder = detector.file.parent / "calib"
    for path in folder.glob("*.txt"):
        (tmp_path / path.name).write_text(path.read_text().replace("*              400\n", "*              10\n"))
    (wrong, *_) = list(misfits(detector, Conditions.load(tmp_path).for_run(RUN)))
    assert "tdc.time of wire 'ST1X1.0' takes the window -20 to 90 ns out of the range of the TDC" in str(wrong)
    assert str(tmp_path / "tdc.txt") in str(wrong)
    assert not list(misfits(detector, Conditions.load(folder).for_run(RUN)))
