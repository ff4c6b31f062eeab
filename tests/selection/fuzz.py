"""Random and hostile expressions, selection files and options: a message or a right answer, whatever is written.

``python -m tests.selection.fuzz 10000`` runs as many cases as asked for; a few hundred run with the tests.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from emiss import selection
from emiss.configs.loader import find, shipped
from emiss.events.language.syntax.parser import parse
from emiss.reco.detector.model import load_detector
from emiss.reco.pipeline import columns_of
from tests import fuzzing
from tests.selection.counting.test_engine import DECLARED, added, oracle, table_of, with_objects

if TYPE_CHECKING:
    import random
    from collections import Counter

LIMIT = 5.0
"""Seconds that a case may take."""

CORPUS = (
    "a > 1",
    "0 < a < b <= 3",
    "not (a > b) or isfinite(b) and n == 2",
    "count(hits) >= 1",
    "sum(hits.u * hits.v) / count(hits) > -0.5",
    "any(hits.u > 0) and all(arr.e < 2)",
    "first(sort(hits, -v).u) > -0.5",
    "first(sort(hits.u, -hits.v)) < last(hits.v)",
    "where(a > 0, a, -b) ** 2 < 4",
    "clip(a, -1, 1) == abs(n)",
    "hits.u[0] + hits.u[-1] > arr.e[2]",
    "matches(word, 'one') and not matches(word, 'two')",
    "min(good.u) < mean(good.v)",
    "sqrt(a) + sqrt(b) > 1",
    "max(where(hits.u > 0, hits.v, 0)) > 0.25",
    "low + 1 < a / 0",
    "span[0] < a < span[1]",
)

HOSTILE = (
    "__import__('os').system('touch CANARY')",
    "().__class__.__mro__",
    "open('CANARY', 'w')",
    "exec",
    "lambda: 0",
    "9**9**9**9",
    "1e999",
    "10000000000000000000000000000000000000000",
    "0x10",
    "1_0",
    "{a}",
    "a.b.c.d",
    "\x00",
    "\u202e",
    "\U0001d41a",
    "é",
    "[" * 100,
    "(" * 3000,
    "not " * 500,
    "-" * 3000 + "1",
    "a+" * 3000 + "a",
    "a and " * 500 + "a",
    "hits" + ".u" * 100,
    "'" + "x" * 5000,
    "20 GeV",
    "1 / 0",
    "n[n]",
    "a[1e10]",
    "a[-99999999999]",
    "!!python/object/apply:os.system ['touch CANARY']",
    "&a [*a]",
    "*a",
    "<<: 1",
    "? :",
    "- - -",
    "\t",
    "---\n---",
    "%YAML 9.9",
)

SIGNS = (
    "<",
    "<=",
    ">",
    "==",
    "!=",
    "+",
    "-",
    "*",
    "/",
    "**",
    "(",
    ")",
    "[",
    "]",
    ",",
    ".",
    "'",
    " ",
    "&&",
    "|",
    "!",
    "=",
    "%",
)
WORDS = (
    "a",
    "b",
    "n",
    "word",
    "hits",
    "hits.u",
    "arr.e",
    "good.v",
    "low",
    "span",
    "true",
    "and",
    "or",
    "not",
    "count",
    "first",
)
WORDS += (
    "sort",
    "matches",
    "where",
    "clip",
    "0",
    "1",
    "-1",
    "0.5",
    "1e308",
    "nan",
    "inf",
    "'one'",
    "if",
    "else",
    "is",
    "weight",
)


def mutated(text: str, rng: random.Random) -> str:
    """Return a text with a few pieces taken out, doubled, exchanged or put in."""
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        i = rng.randrange(len(text) + 1)
        j = min(len(text), i + rng.choice((0, 1, 1, 2, 5, 20)))
        piece = rng.choice(
            (
                "",
                text[i:j] * 2,
                rng.choice(SIGNS),
                f" {rng.choice(WORDS)} ",
                f" {rng.choice(WORDS)} ",
                rng.choice(HOSTILE),
                chr(rng.randrange(1, 0x500)),
            )
        )
        text = text[:i] + piece + text[j:]
    return text


def joined(rng: random.Random) -> str:
    """Return an expression put together from others."""
    first, second = rng.choice(CORPUS), rng.choice(CORPUS)
    return rng.choice(
        (
            f"({first}) and ({second})",
            f"not ({first} or {second})",
            f"where({first}, {second}, true)",
            f"({first}) == ({second})",
        )
    )


def file_of(expression: str) -> str:
    """Return a selection file with one cut."""
    return json.dumps(
        {
            "analysis": "fuzz",
            "parameters": {"low": "0.5", "span": ["-1", "2"]},
            "objects": {"good": {"from": "hits", "where": "u > -1"}},
            "cuts": [{"name": "cut", "require": expression}],
        }
    )


def events(rng: random.Random) -> list[dict]:
    values = (0.0, 1.0, -1.0, 2.0, 0.5, -0.25, 3.0, 7.0, float("nan"), float("inf"), -float("inf"))
    made = []
    for _ in range(6):
        length = rng.randrange(4)
        made.append(
            {
                "a": rng.choice(values),
                "b": rng.choice(values),
                "n": rng.randrange(-2, 4),
                "word": rng.randrange(8),
                "weight": 1.0,
                "arr.e": [rng.choice(values) for _ in range(3)],
                "hits.u": [rng.choice(values) for _ in range(length)],
                "hits.v": [rng.choice(values) for _ in range(length)],
            }
        )
    return made


def expression_case(rng: random.Random) -> str:
    """Try one expression; where it is accepted, compare with the loop over events."""
    text = rng.choice(CORPUS) if rng.random() < 0.7 else joined(rng)
    text = mutated(text, rng) if rng.random() < 0.9 else text
    bound = selection.bind(selection.loads(file_of(text)), DECLARED)
    rows = events(rng)
    table = table_of(rows)
    counted = added([bound.count(table.slice(0, 2)), bound.count(table.slice(2, 6))])["nominal"]["nominal"][1]
    try:
        tree = parse(text)
        known = {"low": 0.5, "span": [-1.0, 2.0]}
        values = [oracle(tree, {**with_objects(row), **known}) for row in rows]
    except (AssertionError, KeyError, TypeError, ValueError, IndexError, AttributeError):
        return "accepted"  # the oracle knows fewer functions, and no fields of computed lists
    if counted.sequential.n != sum(value is True for value in values):
        msg = f"{text!r}: counted {counted.sequential.n} of {values}"
        raise AssertionError(msg)
    return "right"


def file_case(rng: random.Random) -> str:
    """Try one mutated selection file, on its own columns where it is accepted."""
    path = find("analyses", rng.choice(sorted(shipped("analyses"))))
    selection.bind(
        selection.loads(mutated(path.read_text(encoding="utf-8"), rng)), columns_of(load_detector("na64e_beam"))
    )
    return "accepted"


def set_case(rng: random.Random) -> str:
    """Try one value of ``--set``."""
    name = rng.choice(("e_miss_min", "hcal_mip", "veto_mip", "nothing", "e_miss_min"))
    value = mutated(rng.choice(("25 GeV", "[1 GeV, 2 GeV]", "e_miss_min * 2", "0.5", "3e1 GeV")), rng)
    selection.load("e_to_mu_phi", {name: value})
    return "accepted"


def run(count: int, seed: int = 1) -> Counter[str]:
    """Run some cases; an exception other than a message to the user is what this is looking for."""
    outcomes = fuzzing.run({expression_case: 7, file_case: 2, set_case: 1}, count, seed, LIMIT)
    if Path("CANARY").exists():
        msg = "code was run"
        raise AssertionError(msg)
    return outcomes


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    np.seterr(all="raise")
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        import os

        os.chdir(folder)
        for outcome, n in sorted(run(arguments.count, arguments.seed).items()):
            print(f"{n:8} {outcome}")
    print(f"{arguments.count} cases in {time.perf_counter() - begun:.0f} s", file=sys.stderr)
