"""Formulas between dollar signs in titles, as matplotlib draws them."""

from __future__ import annotations


def mathtext_error(text: str) -> str | None:
    """Return what is wrong with the formulas (between dollar signs) in a text; None if it can be drawn."""
    if "$" not in text:
        return None
    from matplotlib.cbook import is_math_text
    from matplotlib.mathtext import MathTextParser

    if not is_math_text(text):  # an odd dollar sign is one
        return None
    try:
        MathTextParser("path").parse(text)
    except (ValueError, RecursionError) as error:
        return " ".join(str(error).split())
    return None
