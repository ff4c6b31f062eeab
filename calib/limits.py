"""What a constant can be: the limits of a column of a conditions table, in base units."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """A range, its ends included.

    Attributes
    ----------
    low, high : float
        In base units.
    open : bool
        Whether the lower end itself is out.
    zero : bool
        Whether 0 is in.
    whole : bool
        Whether it is one of the whole numbers of the range.
    """

    low: float
    high: float
    open: bool = False
    zero: bool = True
    whole: bool = False

    def refuse(self, value: float, unit: object) -> str | None:
        """Return what is wrong with a value in a unit, which has a text, as the end of a sentence; None for a good one."""
        wrong = (
            not self.low <= value <= self.high
            or (self.open and value == self.low)
            or (not self.zero and value == 0.0)
            or (self.whole and value != int(value))
        )
        if not wrong:
            return None
        told = "" if str(unit) == "1" else f" {unit}"
        return f"is {value:.6g}{told}, but must be {self}{told}"

    def __str__(self) -> str:
        if self.whole:
            return " or ".join(str(n) for n in range(int(self.low), int(self.high) + 1))
        text = f"above {self.low:g} and at most {self.high:g}" if self.open else f"{self.low:g} to {self.high:g}"
        return text if self.zero else f"{text} and not 0"
