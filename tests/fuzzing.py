"""What the fuzzers have in common: random cases that have to end in an answer or in a message, and in time."""

from __future__ import annotations

import random
import signal
from collections import Counter
from typing import TYPE_CHECKING

from emiss.configs.errors import EmissError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Case = Callable[[random.Random], str]


def run(cases: Mapping[Case, int], count: int, seed: int, limit: float) -> Counter[str]:
    """Run cases, chosen by their weights; return how they ended.

    Anything but an answer or a message to the user is raised, and so is a case that takes more than `limit` seconds.
    """
    outcomes: Counter[str] = Counter()

    def late(*_: object) -> None:
        msg = f"longer than {limit} s"
        raise TimeoutError(msg)

    before = signal.signal(signal.SIGALRM, late)
    try:
        for number in range(count):
            rng = random.Random(f"{seed}-{number}")
            case = rng.choices(list(cases), list(cases.values()))[0]
            signal.setitimer(signal.ITIMER_REAL, limit)
            try:
                outcomes[f"{case.__name__}: {case(rng)}"] += 1
            except EmissError as error:
                render = getattr(error, "render", error.__str__)
                if not render().strip():
                    raise
                outcomes[f"{case.__name__}: message"] += 1
            except Exception as error:
                error.add_note(f"case {seed}-{number}")
                raise
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
    finally:
        signal.signal(signal.SIGALRM, before)
    return outcomes
