"""The command line as the faults meet it: many small tasks, figures that are not drawn.

``python -m tests.emiss.faults.command ARGUMENTS...`` is ``emiss ARGUMENTS...`` in this way, as a process of its own.
"""

from __future__ import annotations

import sys

ENTRIES = 20
"""Of a task, so that there are some."""


def prepare() -> None:
    """Make tasks small in this process, and spare the drawing."""
    from emiss.configs import files
    from emiss.job.plan import plan
    from emiss.job.work import Limits
    from emiss.selection.report import figures

    files.AGE = 0.0  # who was killed has only just been at work
    Limits.__init__.__defaults__ = (2, 120.0, 4096, 3.0)  # a scheduler that is gone for 3 s does not come back
    assert plan.__kwdefaults__ is not None
    plan.__kwdefaults__["task_entries"] = ENTRIES
    figures.svg = lambda _: "<svg></svg>"  # type: ignore[assignment]


if __name__ == "__main__":
    from emiss.cli import main

    prepare()
    sys.argv[0] = "emiss"
    main()
