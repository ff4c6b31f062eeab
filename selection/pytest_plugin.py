"""A pytest plug-in: ``assert cutflow_a == cutflow_b`` says which cut differs, and by how many events.

It is there in every test session where emiss is installed, and imports nothing until two cutflows differ.
"""

from __future__ import annotations

from typing import Any


def pytest_assertrepr_compare(op: str, left: Any, right: Any) -> list[str] | None:
    """Return the lines that pytest prints for a failed ``==`` of two cutflows; None for anything else."""
    kinds = {(type(side).__module__, type(side).__name__) for side in (left, right)}
    if op != "==" or kinds != {("emiss.selection.results.cutflow", "Cutflow")}:
        return None
    from emiss.selection.results.difference import compare, lines

    return ["the cutflows differ", *lines(compare(left, right), ("left", "right"), limit=40)]
