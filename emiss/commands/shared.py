"""How many events two regions share, as a table on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emiss.terminal import print_table, say

if TYPE_CHECKING:
    from emiss.selection.overlap import Overlap


def show(found: Overlap, sample: str = "") -> None:
    """Print the table, under the name of its sample where it has one, and by how much the sum of the regions is too large."""
    from rich import box
    from rich.table import Table

    from emiss.programme.shared_table import rows

    heads, *lines = rows(found)
    table = Table(box=box.SIMPLE_HEAD, padding=0)
    for position, name in enumerate(heads):
        table.add_column(name, justify="right" if position else "left")
    for line in lines:
        table.add_row(*line)
    if sample:
        say(sample, "bold")
    print_table(table)
    say(f"in any region: {found.union}; the regions together count {found.shared} too many")
