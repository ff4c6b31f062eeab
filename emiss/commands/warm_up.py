"""``emiss warm-up``: compile all kernels ahead."""

from __future__ import annotations

from emiss.commands.process import Quiet
from emiss.terminal import progress, say


def warm_up(quiet: Quiet = False) -> None:
    """Compile all kernels ahead, so that no command has to wait for it; does nothing where that has been done.

    The machine code is kept for this user and this version of the sources, in the cache of the user or in the folder that
    NUMBA_CACHE_DIR names. It takes half a minute.

    For example:

      emiss warm-up

      NUMBA_CACHE_DIR=/shared/cache emiss warm-up --quiet
    """
    import time

    from emiss.configs import compiling
    from emiss.job import warm_up as work

    compiling.tell(None)
    begun = time.perf_counter()
    with progress("compile", len(work.STEPS), quiet=quiet, unit="steps") as step:
        count = work.warm_up(progress=step)
    if quiet:
        return
    where = work.place()
    if where is None:
        say("there is no folder for compiled code that can be written: every process compiles anew")
        return
    made = f"{count} compiled in {time.perf_counter() - begun:.0f} s" if count else "nothing to compile"
    say(f"kernels are ready in {where}: {made}")
