"""``python -m tests.emiss.faults 100``: so many faults of each kind; ``--kind killed_at --seed 1-17`` repeats one."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

from tests.emiss.faults import cases, workers
from tests.emiss.faults.server import Server
from tests.emiss.faults.stories import Stage


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=100)
    parser.add_argument("--seed", default="1", help="1, or 1-17 for one case")
    parser.add_argument("--kind", action="append")
    arguments = parser.parse_args()
    known = {case.__name__: case for case in (*cases.CASES, *workers.CASES)}
    wrong = 0
    with tempfile.TemporaryDirectory() as folder, Server() as server:
        stage = Stage(Path(folder), server)
        for name in arguments.kind or known:
            outcomes: Counter[str] = Counter()
            begun = time.monotonic()
            seeds = (
                [arguments.seed] if "-" in arguments.seed else [f"{arguments.seed}-{n}" for n in range(arguments.count)]
            )
            for seed in seeds:
                try:
                    outcomes[known[name](stage, random.Random(f"{name}-{seed}"))] += 1
                except Exception:  # noqa: BLE001 - all are shown in the end
                    wrong += 1
                    print(f"--kind {name} --seed {seed}\n{traceback.format_exc()}", file=sys.stderr, flush=True)
            print(f"{name}: {sum(outcomes.values())} of {len(seeds)} in {time.monotonic() - begun:.0f} s", flush=True)
            for outcome, n in sorted(outcomes.items()):
                print(f"{n:8} {outcome}")
        cases.close()
        workers.close()
    print(f"{wrong} went wrong")
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())
