"""Mutated raw files: whatever the bytes, no crash, no hang, no read out of bounds, and every event in one bin.

Of files whose events were cut out, zeroed, swallowed or doubled as a whole (`splices`) the truth is known: lost and missing
events are as many as are gone, copies as many as were made.

``make fuzz`` runs 100 000 of them with the compiled kernels checking their bounds, in a cache of their own; a few hundred run
with the tests, without that check.
"""

from __future__ import annotations

import argparse
import faulthandler
import random
import sys
import tarfile
import tempfile
import time
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tests import straws
from tests.reco.formats.date import wave
from tests.reco.splices import Spliced, events_of, splice

if TYPE_CHECKING:
    from emiss.events.ledger import Ledger
    from emiss.reco.formats.date.channels.channel_map import ChannelMaps

PACKED = Path(__file__).with_name("vectors.tar.xz")
SPLICED = 0.25
"""Share of the cases that are spliced."""
AROUND = slice(190, 310)
"""Events of a file that ships which are spliced: the end of a spill, and the beginning of another."""
HANG = 120.0
"""Seconds after which a batch of cases is taken for a hang."""

SPECIAL = (
    0,
    1,
    2,
    3,
    0xFFFFFFFF,
    0x7FFFFFFF,
    0x80000000,
    0xDA1E5AFE,
    0xC0000000,
    0x40000000,
    68,
    56,
    28,
    27,
    4,
    8,
    12,
    16,
)


def corpus(folder: Path) -> list[tuple[bytes, Path]]:
    """Return the vectors and encoded files of the simulation, of MSADC, wave and TDC boards, each with its maps."""
    import json

    from emiss.reco.detector.model import load_detector
    from emiss.samples.config import load_sample
    from emiss.samples.simulate import simulate

    with tarfile.open(PACKED) as archive:
        archive.extractall(folder, filter="data")
    found = []
    for path in sorted(folder.glob("*.dat")):
        about = path.with_suffix(".json")
        data = json.loads(about.read_text()) if about.exists() else {}
        found.append((path.read_bytes(), folder / data.get("maps", "exmaps")))
    boards = wave.make(folder / "wave")
    sample = load_sample("dimuon").model_copy(update={"detector": str(boards.file)})
    encoded = simulate(sample, folder / "made" / "dimuon.dat", events=12)
    found += [(encoded.read_bytes(), boards.channel_maps_path)] * 3
    tubes = straws.make(folder / "straws")
    sample = load_sample("muon").with_detector(str(folder / "straws")).with_run(6101)
    encoded = simulate(sample, folder / "made" / "muon.dat", events=12)
    found += [(encoded.read_bytes(), tubes.channel_maps_path)] * 3
    encoded = simulate(load_sample("signal"), folder / "made" / "signal.dat", events=12)
    found.append((encoded.read_bytes(), load_detector("na64e_lfc").channel_maps_path))
    return found


def whole_events() -> tuple[bytes, Path]:
    """Return undamaged events of two spills, with their maps."""
    from emiss.configs import loader
    from emiss.reco.detector.model import load_detector

    shipped = loader.SHIPPED.parent / "samples" / "data" / "beam.dat"
    return b"".join(events_of(shipped.read_bytes())[0][AROUND]), load_detector("na64e_lfc").channel_maps_path


def compare(made: Spliced, account: Ledger) -> None:
    """Check an account under the policy ``safe`` against the truth."""
    told = sum(account.lost.values()) + sum(account.missing.values())
    gone = made.gone - made.unseen + made.kinds["noise"]  # bytes that never were an event are booked as one
    assert abs(told - gone) <= (0 if made.certain else max(2, gone // 3)), (made.kinds, told, gone)
    assert account.excluded.get("raw.repeated", 0) == made.copies, made.kinds


def mutated(data: bytes, other: bytes, rng: random.Random) -> bytes:
    """Return the bytes of a file with some damage."""
    hurt = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 3, 6, 20))):
        size = len(hurt)
        if size < 8:
            return bytes(hurt)
        at = rng.randrange(size)
        word = 4 * (at // 4)
        length = rng.choice((1, 2, 3, 4, 8, 40, 300, 4000))
        match rng.randrange(9):
            case 0:
                hurt[at] ^= 1 << rng.randrange(8)
            case 1:
                hurt[at : at + length] = rng.randbytes(min(length, size - at))
            case 2:
                hurt[word : word + 4] = rng.choice(SPECIAL).to_bytes(4, "little")
            case 3:
                hurt[at:at] = rng.randbytes(length)
            case 4:
                del hurt[at : at + length]
            case 5:
                del hurt[at:]
            case 6:
                hurt[at:at] = hurt[at : at + length]
            case 7:
                start = rng.randrange(len(other))
                hurt[at : at + length] = other[start : start + length]
            case 8:  # a number that is a little off
                old = int.from_bytes(hurt[word : word + 4], "little")
                hurt[word : word + 4] = ((old + rng.choice((-2, -1, 1, 2, 1 << 12, 1 << 16))) % 2**32).to_bytes(
                    4, "little"
                )
    return bytes(hurt)


@cache
def maps_of(folder: Path, run: int) -> ChannelMaps | None:
    """Return the maps of a run; None where there are none."""
    from emiss.configs.errors import UserError
    from emiss.reco.formats.date.channels.reading import read_channel_maps

    try:
        return read_channel_maps(folder, run)
    except UserError:
        return None


def examine(data: bytes, maps: Path, policy: str) -> Ledger:
    """Decode a file to mapped digits, check what has to hold, and return the account of its events."""
    from emiss.reco.formats.date.decoding.decode import Decoder, decode_entries, groups
    from emiss.reco.formats.date.index.events import build
    from emiss.reco.formats.date.ledger import ledger
    from emiss.reco.formats.date.lost_blocks import lost_blocks
    from emiss.reco.quality import continuity

    array = np.frombuffer(data, np.uint8)
    index = build(array, policy)  # type: ignore[arg-type]
    good = np.flatnonzero(index.good)
    assert (index.offset[good] + index.size[good] <= len(data)).all()
    assert (np.diff(index.offset[good]) > 0).all()
    known_everywhere = all(maps_of(maps, run) is not None for run in index.runs())
    if known_everywhere:
        lost = lost_blocks(array, index, lambda run: maps_of(maps, run), policy)  # type: ignore[arg-type, return-value]
        assert not lost[~index.good].any()
    numbers = continuity.examine(index.rows())
    assert (numbers.events > 0).all()
    assert (numbers.entry < len(index)).all()
    total = ledger(index, slice(0, 0))
    for low, high in groups(index.run, index.offset, 64):
        entries = np.arange(low, high)
        entries = entries[index.good[entries]]
        decoded = None
        known = maps_of(maps, int(index.run[entries[0]])) if len(entries) else None
        if known is not None:
            decoder = Decoder(known, policy)  # type: ignore[arg-type]
            decoded = decode_entries(decoder, array, index, entries)
            assert (np.diff(decoded.sadc_stop) >= 0).all()
            sadc, apv = decoder.map_sadc(decoded), decoder.map_apv(decoded)
            waveforms, count = decoder.waveforms(decoded, sadc)
            assert waveforms.shape[1] <= 512
            assert (waveforms < 1 << 14).all()
            assert (count <= 511).all()
            assert decoder.amplitudes(decoded, apv).shape == (3, len(apv.digit))
            hits = decoder.map_tdc(decoded)
            assert (hits.wire < 1 << 15).all()
            assert ((decoded.tdc[hits.digit, 3] >= 0) & (decoded.tdc[hits.digit, 3] < 1 << 20)).all()
            assert (decoded.part_lost | ~decoded.missing_source).all()
        total += ledger(index, slice(low, high), entries, decoded, numbers)
    total.check()
    assert total.read == len(index)
    assert 0 <= total.bad_fraction <= 1
    return total


def outcomes_of(account: Ledger) -> Counter[str]:
    """Return what became of the events of a file."""
    bins = {"passed": account.passed, "not physics": sum(account.not_physics.values())}
    return Counter(account.lost) + Counter(account.missing) + Counter(account.excluded) + Counter(bins)


def run(count: int, seed: int = 1, folder: Path | None = None) -> Counter[str]:
    """Examine mutated files under both policies."""
    outcomes: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as made:
        files, whole = corpus(folder or Path(made)), whole_events()
        for number in range(count):
            if number % 50 == 0 and sys.stderr.isatty():
                print(f"\r{number} of {count}", end="", file=sys.stderr)
            rng = random.Random(f"{seed}-{number}")
            if spliced := rng.random() < SPLICED:
                truth = splice(whole[0], rng)
                hurt, maps = truth.data, whole[1]
            else:
                data, maps = rng.choice(files)
                hurt = mutated(data, rng.choice(files)[0], rng)
            try:
                for policy in ("safe", "oracle"):
                    account = examine(hurt, maps, policy)
                    if spliced and policy == "safe":
                        compare(truth, account)
                    outcomes += Counter({f"{policy}: {what}": n for what, n in outcomes_of(account).items()})
            except Exception as error:
                error.add_note(f"case {seed}-{number}")
                raise
            outcomes["files"] += 1
    return outcomes


def prove_bounds_checking() -> None:
    """Stop if a kernel that reads out of bounds is not caught: then the rest would prove nothing."""
    from numba import njit

    from emiss.configs.compiled import bare

    def beyond(x: np.ndarray) -> float:
        return x[len(x) + 5]

    for compiled in (njit(beyond), bare(beyond)):
        try:
            compiled(np.zeros(3))
        except IndexError:
            continue
        sys.exit("bounds are not checked: run this with NUMBA_BOUNDSCHECK=1")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    prove_bounds_checking()
    begun = time.perf_counter()
    done = 0
    total: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        run(8, arguments.seed, Path(name))  # the compiler at work is no hang
        while done < arguments.count:
            faulthandler.dump_traceback_later(HANG, exit=True)
            step = min(1000, arguments.count - done)
            total += run(step, arguments.seed + done, Path(name))
            done += step
            faulthandler.cancel_dump_traceback_later()
    for what, n in sorted(total.items()):
        print(f"{n:9} {what}")
    print(f"{arguments.count} files under both policies in {time.perf_counter() - begun:.0f} s", file=sys.stderr)
