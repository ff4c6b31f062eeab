"""Damaged event tables and configs, hostile names: a message or a right answer from the commands, whatever lies there.

``python -m tests.emiss.fuzz 2000`` runs as many cases as asked for; some run with the tests.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from emiss import runlist, selection
from emiss.check.files import check
from emiss.configs import loader
from emiss.job.plan import plan
from emiss.job.select import select
from tests import fuzzing
from tests.events.files.test_stored import mutated

if TYPE_CHECKING:
    import random
    from collections import Counter

LIMIT = 60.0
"""Seconds that a case may take."""

VALUES = (
    "0",
    "-1",
    "1e400",
    "nan",
    "-inf",
    "7 GeV",
    "1e9",
    "",
    "[]",
    "{a: b}",
    "''",
    "x" * 300,
    "\\0",
    "../../x",
    "=1+1",
    "1:2",
)


class Cases:
    """Cases on a small event table in both formats, and on copies of the configs that ship."""

    def __init__(self, folder: Path) -> None:
        from emiss.events.files.open import write
        from emiss.reco import open as open_run
        from emiss.reco import process
        from emiss.samples.config import load_sample
        from emiss.samples.simulate import simulate

        self.folder = folder
        run = simulate(load_sample("signal"), folder / "run.root", events=60)
        table = process(open_run(run))
        self.tables = [write(table, folder / f"t{suffix}").read_bytes() for suffix in (".root", ".parquet")]
        self.analysis = selection.load("e_to_mu_phi")
        self.right = select([folder / "t.root"], self.analysis, None).cutflow
        self.configs = [path for path in loader.SHIPPED.rglob("*") if path.suffix in (".yaml", ".txt", ".xml")]

    def table(self, rng: random.Random) -> str:
        """Select on a damaged table."""
        which = rng.randrange(2)
        path = self.folder / f"damaged{('.root', '.parquet')[which]}"
        path.write_bytes(mutated(self.tables[which], rng))
        found = select([path], self.analysis, None).cutflow
        (sample,) = found.samples.values()
        sample.ledger.check()
        return "the same" if found == self.right else "other values"

    def config(self, rng: random.Random) -> str:
        """Check a set-up in which one config file has been damaged."""
        source = rng.choice(self.configs)
        inside = source.relative_to(loader.SHIPPED)
        copy = self.folder / "configs" / inside.parts[0]
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(loader.SHIPPED / inside.parts[0], copy)
        path = self.folder / "configs" / inside
        path.write_bytes(_damaged(path.read_bytes(), rng))
        wanted = path.parent.parent if path.suffix == ".xml" else path.parent if path.suffix == ".txt" else path
        check([wanted if wanted.suffix or path.suffix == ".txt" else wanted / "detector.yaml"]).problems.check()
        return "good"

    def names(self, rng: random.Random) -> str:
        """Plan a run list with names and numbers that nobody expects."""
        text = "detector: na64e_lfc\nanalysis: e_to_mu_phi\ncalib: demo\nsamples:\n"
        text += (
            f"  '{rng.choice(('signal', *VALUES))}': {{role: signal, files: ['{rng.choice(('run.root', *VALUES))}'],"
        )
        text += f" {rng.choice(('on_target', 'scale', 'runs'))}: '{rng.choice(VALUES)}'}}\n"
        (self.folder / "runs.yaml").write_text(text)
        plan(runlist.load(self.folder / "runs.yaml"), self.folder / rng.choice(("o", "run.root", "x" * 300)))
        return "planned"


def _damaged(data: bytes, rng: random.Random) -> bytes:
    """Return a text with a value exchanged, a line moved or lost, or some bytes damaged."""
    lines = data.split(b"\n")
    place = rng.randrange(len(lines))
    kind = rng.randrange(4)
    if kind == 0:
        head, colon, _ = lines[place].partition(b":")
        lines[place] = head + colon + b" " + rng.choice(VALUES).encode()
    elif kind == 1:
        del lines[place]
    elif kind == 2:
        lines.insert(rng.randrange(len(lines)), lines[place])
    else:
        return mutated(data, rng)
    return b"\n".join(lines)


def run(count: int, seed: int = 1) -> Counter[str]:
    """Run some cases; see `fuzzing.run`."""
    with tempfile.TemporaryDirectory() as folder:
        cases = Cases(Path(folder))
        return fuzzing.run({cases.table: 3, cases.config: 5, cases.names: 2}, count, seed, LIMIT)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    begun = time.perf_counter()
    for outcome, n in sorted(run(arguments.count, arguments.seed).items()):
        print(f"{n:8} {outcome}")
    print(f"{arguments.count} cases in {time.perf_counter() - begun:.0f} s", file=sys.stderr)
