"""Work for tests, in a module that a worker process imports in no time."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from emiss.configs.errors import UserError


@dataclass(frozen=True)
class Tenths:
    """Gives a tenth of each item, whose sums differ in any other order; does odd things at some."""

    folder: str = ""
    odd: tuple[tuple[int, str], ...] = ()

    name = "tenths"

    def start(self):
        odd = dict(self.odd)

        def do(item: int) -> float:
            what = odd.get(item, "")
            once = Path(self.folder) / f"{item}.tried"
            first = not once.exists()
            if what:
                once.touch()
            if what == "dies" or (what == "dies once" and first):
                os.kill(os.getpid(), signal.SIGKILL)
            if what == "raises" or (what == "raises once" and first):
                msg = "a bug"
                raise RuntimeError(msg)
            if what == "wrong":
                msg = "the file is wrong"
                raise UserError(msg)
            if what == "hangs" or (what == "hangs once" and first):
                time.sleep(100)
            return item * 0.1

        return do


@dataclass(frozen=True)
class Thirds:
    """A third of each item, later ones first; some cannot be had."""

    bad: tuple[int, ...] = ()
    mistakes: tuple[int, ...] = ()
    name = "thirds"

    def start(self):
        def do(item: int) -> float:
            if item in self.bad:
                msg = "a bug"
                raise RuntimeError(msg)
            if item in self.mistakes:
                raise UserError("the file is wrong")
            time.sleep(0.02 * (item % 3 == 0))
            return item / 3.0

        return do


@dataclass(frozen=True)
class Taken(Thirds):
    name = "slowly taken"


def plain_sum(parts) -> float:
    total = parts[0]
    for part in parts[1:]:
        total += part
    return total
