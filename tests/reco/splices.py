"""Damage of whole events with the truth known: what was cut out, zeroed, swallowed or doubled, for tests of the account.

Works on the events of an encoded file as they stand one after the other; the truth is counted, not computed from numbers.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from emiss.reco.formats.date.index.events import build

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

PHYSICS = 7
KINDS = ("cut", "zeroed", "magic", "swallowed", "doubled", "again", "noise", "stray", "number", "end_cut", "end_zeroed")


@dataclass
class Spliced:
    """A file with damaged events, and what became of those there were.

    Attributes
    ----------
    data : bytes
    gone : int
        Physics events that cannot be read any more.
    copies : int
        Physics events that are there once more.
    certain : bool
        Whether the numbers tell exactly what is gone; at the end of a file only the bytes do, if at all.
    unseen : int
        Of `gone`, those that nothing in the file tells of.
    """

    data: bytes
    gone: int = 0
    copies: int = 0
    certain: bool = True
    unseen: int = 0
    kinds: Counter[str] = field(default_factory=Counter)


def events_of(data: bytes) -> tuple[list[bytes], list[int]]:
    """Return the bytes and the types of the events of an undamaged file."""
    index = build(np.frombuffer(data, np.uint8))
    assert index.good.all()
    parts = [data[at : at + size] for at, size in zip(index.offset.tolist(), index.size.tolist(), strict=True)]
    return parts, index.type.tolist()


def splice(data: bytes, rng: random.Random, kinds: tuple[str, ...] = KINDS, most: int = 4) -> Spliced:
    """Return a file some of whose events are damaged; no two damages touch each other."""
    parts, types = events_of(data)
    made = Spliced(b"")
    total = len(parts)
    number = rng.randint(1, most)
    # one damage in each of several stretches, with events that stay whole on both sides
    bounds = np.linspace(4, total - 14, number + 1).astype(int)
    pieces: list[bytes] = list(parts)
    for low, high in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        kind = rng.choice(kinds)
        if kind.startswith("end"):
            continue
        physics = [i for i in range(low + 2, high - 2) if types[i] == PHYSICS]
        if len(physics) < 3:
            continue
        first = rng.choice(physics[: max(1, len(physics) - 2)])
        last = min(first + rng.choice((1, 1, 2, 3, 5, 20)), high - 2)
        _hurt(kind, pieces, parts, types, first, last, made, rng)
    end = [kind for kind in kinds if kind.startswith("end")]
    if end and rng.random() < 0.2:
        _hurt_end(rng.choice(end), pieces, types, total - rng.randint(2, 12), made)
    made.data = b"".join(pieces)
    return made


def _hurt(
    kind: str,
    pieces: list[bytes],
    parts: list[bytes],
    types: list[int],
    first: int,
    last: int,
    made: Spliced,
    rng: random.Random,
) -> None:
    inside = range(first, last)
    physics = sum(types[i] == PHYSICS for i in inside)
    match kind:
        case "cut":
            for i in inside:
                pieces[i] = b""
            made.gone += physics
        case "zeroed":
            for i in inside:
                pieces[i] = bytes(len(parts[i]))
            made.gone += physics
        case "magic":
            for i in inside:
                pieces[i] = parts[i][:4] + b"\0\0\0\0" + parts[i][8:]
            made.gone += physics
        case "swallowed":  # the first stays, and says to be as long as all of them
            size = sum(len(parts[i]) for i in inside)
            pieces[first] = size.to_bytes(4, "little") + parts[first][4:]
            made.gone += physics - 1
        case "doubled":
            for i in inside:
                pieces[i] = parts[i] * 2
            made.copies += physics
        case "again":
            pieces[last] += b"".join(parts[i] for i in inside)
            made.copies += physics
        case "noise":
            pieces[first] = rng.randbytes(rng.choice((100, 5000))) + parts[first]
        case "stray":
            pieces[first] = _word(parts[first], 5, lambda w: w + 1000 + first)
            made.gone += 1
        case "number":
            pieces[first] = _word(parts[first], 6, lambda w: w ^ (1 << rng.randrange(32)))
    made.kinds[kind] += 1


def _hurt_end(kind: str, pieces: list[bytes], types: list[int], first: int, made: Spliced) -> None:
    gone = sum(types[i] == PHYSICS for i in range(first, len(pieces)))
    made.gone += gone
    made.certain = False
    for i in range(first, len(pieces)):
        pieces[i] = bytes(len(pieces[i])) if kind == "end_zeroed" else b""
    made.unseen += gone if kind == "end_cut" else 0
    made.kinds[kind] += 1


def _word(event: bytes, number: int, change: Callable[[int], int]) -> bytes:
    words = np.frombuffer(event, "<u4").copy()
    words[number] = change(int(words[number]))
    return words.tobytes()
