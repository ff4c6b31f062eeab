"""What a derivation has found, in a few lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emiss.calibrate.frame import Found


def lines(found: Found) -> Iterator[tuple[str, str, str, str, str, str]]:
    """Yield type, channels with a value, channels that need eyes, column, median and median error."""
    for made in found.made:
        good = made.found
        head = (made.type, f"{good.sum()} of {len(good)}", str(len(made.eyes)))
        for column, values in made.values.items():
            unit = "" if made.units[column] == "-" else f" {made.units[column]}"
            known, errors = values[good], made.errors[column][good]
            shown = [f"{np.median(one):.4g}{unit}" if len(one) else "-" for one in (known, errors[np.isfinite(errors)])]
            yield (*head, column, shown[0], shown[1])
            head = ("", "", "")
