"""Cells of the CSV files that are opened as spreadsheets: names and conditions come from users' files."""

from __future__ import annotations

from emiss.selection.display.view import clean

FORMULA = ("=", "+", "-", "@")
"""What a spreadsheet takes for the beginning of a formula."""


def cell(text: str) -> str:
    """Return a text as a cell: on one line, without control characters, and never a formula.

    A text that a spreadsheet would compute gets an apostrophe in front, which spreadsheets do not show. Numbers are no texts,
    and are written as they are.
    """
    shown = clean(text)
    return f"'{shown}" if shown.startswith(FORMULA) else shown
