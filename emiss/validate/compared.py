"""What a validation found: each published number with ours (`Line`), and all that stands around them (`Compared`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emiss.programme.result import SearchLimit
    from emiss.selection.results.cutflow import Cutflow
    from emiss.validate.checks import Check, Checks

SCHEMA = "emiss.validation/1"


@dataclass(frozen=True)
class Line:
    """A check with what came out: our number (None where there is none, with the reason), and the efficiency it stands on."""

    check: Check
    ours: float | None
    efficiency: float | None = None
    efficiency_error: float | None = None
    why: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours over the published number."""
        return None if self.ours is None else self.ours / self.check.published

    @property
    def agrees(self) -> bool | None:
        """Whether they agree within what is tolerated; None if nothing is said of it."""
        return False if self.ratio is None else self.check.agrees(self.ratio)

    def to_json(self) -> dict[str, Any]:
        """Return the line as plain data."""
        return {
            **self.check.model_dump(mode="json", exclude_defaults=True),
            "ours": self.ours,
            "ratio": self.ratio,
            "agrees": self.agrees,
            "efficiency_used": self.efficiency,
            "efficiency_error": self.efficiency_error,
            "why": self.why,
        }


@dataclass(frozen=True)
class Compared:
    """A search beside what is published of it: the lines, the limit that was simulated, the cutflows by set-up."""

    checks: Checks
    lines: Sequence[Line]
    limit: SearchLimit
    flows: Mapping[str, Cutflow]
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as plain data: what ``validation.json`` holds."""
        return {
            "schema": SCHEMA,
            "search": self.limit.search.search,
            "checks": [one.to_json() for one in self.lines],
            "unknown": self.checks.unknown,
            "seconds": self.seconds,
        }
