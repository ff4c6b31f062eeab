"""What the numbers of events tell: holes, jumps, copies, stray runs, files of several event builders; against the truth."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emiss import reco
from emiss.configs import loader
from emiss.configs.errors import UserError
from emiss.reco.formats.date.index.events import build
from emiss.reco.formats.date.ledger import ledger
from emiss.reco.quality import continuity, event_numbers
from emiss.reco.quality.event_numbers import Held
from emiss.reco.quality.spills import SpillCounts, Spills
from emiss.reco.readers.raw import RawRunFile
from tests.reco.splices import KINDS, PHYSICS, events_of, splice

SAMPLES = sorted((loader.SHIPPED.parent / "samples" / "data").glob("*.dat"))
CERTAIN = tuple(kind for kind in KINDS if not kind.startswith("end"))

numbers = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 40)), max_size=40)


@pytest.fixture(scope="module")
def whole() -> bytes:
    return next(path for path in SAMPLES if path.stem == "beam").read_bytes()


def account(data):
    index = build(np.frombuffer(data, np.uint8))
    found = continuity.examine(index.rows())
    return ledger(index, slice(0, len(index)), continuity=found), found


def of(rows):
    run, number = (
        (np.array(column, np.int64) for column in zip(*rows, strict=True)) if rows else (np.empty(0), np.empty(0))
    )
    return Held.of(run, number)


@given(st.lists(numbers, max_size=4), st.integers(1, 3), st.integers(0, 40))
def test_numbers_of_several_files_are_those_of_sets(files, run, number):
    sets = [set(rows) for rows in files]
    union, twice = Held.merge([of(rows) for rows in files])
    everything = set().union(*sets) if sets else set()
    again = {item for item in everything if sum(item in one for one in sets) > 1}
    for found, wanted in ((union, everything), (twice, again)):
        assert sum(found.count().values()) == len(wanted)
        assert int(found.below(np.array([run]), np.array([number]))[0]) == sum(i < (run, number) for i in wanted)
        assert found.runs().tolist() == sorted({i[0] for i in wanted})


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_what_ships_misses_nothing(path):
    index = build(np.frombuffer(path.read_bytes(), np.uint8))
    found = continuity.examine(index.rows())
    assert len(found.entry) == 0
    assert index.good.all()


@pytest.mark.parametrize("kind", CERTAIN)
def test_each_damage_is_counted_as_it_is(whole, kind):
    for seed in range(15):
        made = splice(whole, random.Random(f"{kind}{seed}"), (kind,))
        found, _ = account(made.data)
        noise = made.kinds["noise"]  # bytes that never were an event are booked as one
        assert sum(found.lost.values()) + sum(found.missing.values()) == made.gone + noise, seed
        assert found.excluded.get("raw.repeated", 0) == made.copies
        assert made.kinds[kind] > 0


def test_the_kinds_of_what_is_missing(whole):
    parts, _ = events_of(whole)
    cut = account(b"".join(parts[:100] + parts[120:]))[0]
    assert dict(cut.missing) == {"raw.jump": 20}
    assert not cut.lost
    zeros = account(b"".join(parts[:100]) + bytes(len(b"".join(parts[100:120]))) + b"".join(parts[120:]))[0]
    assert dict(zeros.missing) == {"raw.gap_by_numbers": 19}
    assert sum(zeros.lost.values()) == 1
    half = account(b"".join(parts[:252]) + bytes(len(b"".join(parts[252:]))))[0]
    assert half.missing["raw.gap_by_bytes"] == pytest.approx(251, abs=10)
    assert half.bad_fraction == pytest.approx(0.5, abs=0.02)
    begins = account(bytes(len(b"".join(parts[:252]))) + b"".join(parts[252:]))[0]
    assert begins.missing["raw.gap_by_bytes"] == pytest.approx(251, abs=10)


def test_numbers_that_cannot_be_are_remarked(whole):
    parts, types = events_of(whole)
    words = np.frombuffer(parts[50], "<u4").copy()
    words[6] += 70_000
    odd = account(b"".join([*parts[:50], words.tobytes(), *parts[51:]]))[0]
    assert not odd.missing
    assert dict(odd.remarks) == {"raw.number_odd": 1}
    words[6] -= 70_001  # the number of the event before, with other content
    twice = account(b"".join([*parts[:50], words.tobytes(), *parts[51:]]))[0]
    assert twice.passed == types.count(PHYSICS)
    assert sum(twice.remarks.values()) > 0


@pytest.fixture(scope="module")
def built(tmp_path_factory, whole, detector):
    """Return a function that writes parts of the events as the files of one run and opens them together."""

    def make(*files):
        folder = tmp_path_factory.mktemp("chunks")
        opened = []
        for number, data in enumerate(files):
            path = folder / f"cdr{number}.dat"
            path.write_bytes(data)
            opened.append(RawRunFile(path, detector.channel_maps_path, detector.channels, detector.plane_names))
        context = Spills.merge(file.spills() for file in opened)
        for file in opened:
            file.context = context
        return opened

    return make


def told(files):
    """Return what is missing and remarked in all files, by name."""
    found = [file.continuity() for file in files]
    codes = range(len(continuity.NAMES))
    total: dict[str, int] = {}
    for one, file in zip(found, files, strict=True):
        for name, count in one.counts(0, len(file.index()), codes).items():
            total[name] = total.get(name, 0) + count
    return total


def test_files_of_several_event_builders_miss_nothing_together(built, whole):
    parts, _ = events_of(whole)
    rng = random.Random(4)
    for size in (1, 7, 60):  # events in a row that go to one of them
        owner = [rng.randrange(3) for _ in range(len(parts) // size + 1)]
        files = [b"".join(p for i, p in enumerate(parts) if owner[i // size] == n) for n in range(3)]
        assert told(built(*files)) == {}
        short = [
            b"".join(p for i, p in enumerate(parts) if owner[i // size] == n and i not in (200, 201)) for n in range(3)
        ]
        assert told(built(*short)) == {"raw.jump": 2}, size


def test_a_file_of_one_event_builder_alone_is_judged_by_its_bytes(whole):
    parts, _ = events_of(whole)
    every_second = parts[2:250:2]
    found = account(b"".join(every_second))[0]
    assert not found.missing
    assert found.remarks["raw.numbers_not_consecutive"] > 100
    gap = bytes(len(b"".join(every_second[40:60])))
    holed = account(b"".join(every_second[:40]) + gap + b"".join(every_second[60:]))[0]
    assert holed.missing["raw.gap_by_bytes"] == pytest.approx(19, abs=2)


def together(files):
    return event_numbers.Together.of(file.spills().numbers for file in files).remarks()


def test_a_chunk_that_is_not_there_is_remarked_and_not_judged(built, whole):
    parts, _ = events_of(whole)
    chunks = [b"".join(parts[:150]), b"".join(parts[200:400]), b"".join(parts[400:])]
    for order in (chunks, [chunks[1], chunks[0]]):
        files = built(*order)
        assert told(files) == {}
        assert together(files) == ("50 event numbers of run 6105 are between those of its files, in none",)
    assert together(built(chunks[1], chunks[2])) == ()


def test_an_overlap_of_two_files_is_remarked(built, whole):
    parts, _ = events_of(whole)
    files = built(b"".join(parts[:251]), b"".join(parts[241:]))
    assert told(files) == {}
    assert together(files) == ("10 event numbers of run 6105 are in two files or more",)


def test_of_other_files_a_file_is_told_what_concerns_it(built, whole):
    """What is known of far chunks does not change the account of a file, nor the name of its table."""
    parts, _ = events_of(whole)
    chunks = [b"".join(parts[:100]), b"".join(parts[100:110] + parts[112:220]), b"".join(parts[260:])]
    alone, files = built(chunks[1]), built(*chunks)
    own = files[1].spills()
    near = own.numbers
    told_of = [spills.numbers.near(near).to_json() for spills in (files[1].context, alone[0].context)]
    assert told_of[0] == told_of[1]
    files[1].context = files[1].context.part(own.key >> 32, own.key & 0xFFFFFFFF, near)
    assert told(files[1:2]) == told(alone) == {"raw.jump": 2}


def test_simulated_files_of_equal_numbers_hide_no_hole(built, whole):
    """Two files with the same numbers are not chunks: each one is judged by itself."""
    parts, _ = events_of(whole)
    other = next(path for path in SAMPLES if path.stem == "beam").with_name("beam.dat").read_bytes()
    found = told(built(b"".join(parts[:100] + parts[110:]), other))
    assert found["raw.jump"] == 10


def test_counts_by_spill(built, whole):
    parts, types = events_of(whole)
    (file,) = built(
        b"".join(parts[:100]) + bytes(len(b"".join(parts[100:120]))) + b"".join(parts[120:400] + parts[410:])
    )
    counts = file.counts()
    physics = counts.read > 0
    assert counts.spill[physics].tolist() == [1, 2]
    assert counts.read.sum() + counts.lost.sum() + counts.missing.sum() == types.count(PHYSICS)
    assert (counts.lost[physics] + counts.missing[physics]).tolist() == [20, 10]
    double = SpillCounts.merge([counts, counts])
    assert (double.read == 2 * counts.read).all()


def test_a_file_with_numbers_beyond_the_table_is_refused(built, whole):
    parts, _ = events_of(whole)
    changed = []
    for part in parts[1:30]:
        words = np.frombuffer(part, "<u4").copy()
        words[5] = 2**31 + 7
        changed.append(words.tobytes())
    (file,) = built(b"".join(parts[:3]))
    file.path.write_bytes(b"".join(changed))
    again = RawRunFile(file.path, file.maps, file.channels, file.planes)
    with pytest.raises(UserError, match=r"cdr0\.dat: run 2147483655 \(entry 0 and 28 more\) is above"):
        again.check()


def test_one_stray_run_is_a_lost_event_and_several_are_an_error(built, whole, tmp_path):
    parts, types = events_of(whole)

    def stray(*entries):
        changed = list(parts)
        for entry in entries:
            words = np.frombuffer(parts[entry], "<u4").copy()
            words[5] ^= 1 << 14
            changed[entry] = words.tobytes()
        path = tmp_path / f"stray{len(entries)}.dat"
        path.write_bytes(b"".join(changed))
        return path

    for entry in (2, 100, 502):  # at the beginning, inside, at the end
        table = reco.process(reco.open(stray(entry)))
        assert dict(table.metadata.ledger.lost) == {"raw.stray_run": 1}
        assert len(table) == types.count(PHYSICS) - 1
    with pytest.raises(UserError, match=r"stray2\.dat: no channel map is valid for run 22489 \(entry 100 and 1 more\)"):
        reco.open(stray(100, 101))
