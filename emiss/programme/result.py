"""The limits of a search with what they stand on: `SearchLimit`, as JSON and CSV."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from emiss.programme.counted import total
from emiss.programme.search_lines import moments

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emiss.physics.limits.contours import Interval
    from emiss.physics.processes.base import Plane
    from emiss.programme.counted import Left, SearchPeriod
    from emiss.programme.curves import Comparison, Curve
    from emiss.programme.mass_limit import How, SearchPoint
    from emiss.programme.run import Closing
    from emiss.programme.search_file import SearchFile
    from emiss.programme.search_lines import MomentBand

SCHEMA = "emiss.search/1"
BANDS = ("minus2", "minus1", "median", "plus1", "plus2")


@dataclass(frozen=True)
class SearchLimit:
    """The limits of a search.

    Attributes
    ----------
    search : SearchFile
    periods : sequence of SearchPeriod
    left : Left
        The background.
    how : How
    points : sequence of SearchPoint
        By case and mass.
    closings : sequence of Closing
    efficiency_source : str
    comparisons : sequence of Comparison
    curves : sequence of Curve
        That are drawn beside it.
    warnings : sequence of str
    """

    search: SearchFile
    periods: Sequence[SearchPeriod]
    left: Left
    how: How
    points: Sequence[SearchPoint]
    closings: Sequence[Closing]
    efficiency_source: str
    comparisons: Sequence[Comparison] = ()
    curves: Sequence[Curve] = ()
    warnings: Sequence[str] = field(default=())

    @property
    def on_target(self) -> float:
        """Of all periods."""
        return total(self.periods)

    @property
    def observed(self) -> bool:
        """Whether there is an observation in all periods."""
        return all(one.observed is not None for one in self.periods)

    def plane(self) -> Plane:
        """Return what the coupling is called, from the model of the first case."""
        return self.search.model(next(iter(self.search.cases))).plane

    @property
    def symbol(self) -> str:
        """Of the coupling, for tables and axes."""
        return self.search.plane.symbol or self.plane().coupling

    def of_case(self, case: str) -> list[SearchPoint]:
        """Return the points of a case, in the order of mass."""
        return sorted((one for one in self.points if one.case == case), key=lambda one: one.mass)

    def thermal(self, case: str) -> list[tuple[float, list[list[float]]]]:
        """Return the mass of dark matter (GeV) and the excluded y = g^2 alpha_D (m_chi/m)^4, for each point of a case."""
        names = self.search.thermal
        if names is None:
            return []
        parameters = self.search.model(case).parameters
        alpha_d, ratio = float(parameters[names.alpha_d]), float(parameters[names.ratio])
        factor = alpha_d / ratio**4
        return [
            (one.mass / ratio, [[end**2 * factor for end in (found.low, found.high)] for found in one.intervals])
            for one in self.of_case(case)
        ]

    def ratio(self) -> float:
        """Return m/m_chi of the first case; 0 for a search without dark matter."""
        if self.search.thermal is None:
            return 0.0
        return float(self.search.model(next(iter(self.search.cases))).parameters[self.search.thermal.ratio])

    def moments(self) -> list[MomentBand]:
        """Return the bands of lepton moments that the search asks for, over its masses."""
        masses = [point.mass for point in self.points]
        return moments(self.search, masses) if len(set(masses)) > 1 else []

    def to_json(self, provenance: Mapping[str, Any]) -> dict[str, Any]:
        """Return the limits as plain data, schema ``emiss.search/1``; masses in GeV, couplings of the plane."""
        plane = self.plane()
        return {
            "schema": SCHEMA,
            "search": self.search.search,
            "title": self.search.title,
            "confidence": self.how.confidence,
            "plane": {
                "mass": "GeV",
                "particle": self.search.plane.particle,
                "coupling": plane.coupling,
                "symbol": self.symbol,
                "unit": plane.unit,
                "range": [self.how.low, self.how.high],
                "reference": self.how.reference,
            },
            "kind": "observed" if self.observed else "median expected",
            "efficiency_source": self.efficiency_source,
            "warnings": list(self.warnings),
            "periods": [one.to_json() for one in self.periods],
            "background": {"source": self.left.source, "notes": list(self.left.notes)},
            "cases": {
                name: {"model": case.model, "parameters": dict(self.search.model(name).parameters)}
                for name, case in self.search.cases.items()
            },
            "points": [_point(one) for one in self.points],
            "closing": [asdict(one) for one in self.closings],
            "thermal": {
                name: [{"m_chi": m, "y": y} for m, y in self.thermal(name)]
                for name in self.search.cases
                if self.search.thermal is not None
            },
            "moments": [one.to_json() for one in self.moments()],
            "comparisons": [one.to_json() for one in self.comparisons],
            "provenance": dict(provenance),
        }

    def to_csv(self) -> str:
        """Return a row for each excluded interval, and one with empty ends for a mass without a limit."""
        out = io.StringIO()
        sheet = csv.writer(out, lineterminator="\n")
        expected = [f"{name}_{end}" for name in BANDS for end in ("low", "high")]
        sheet.writerow(["case", "mass", "low", "high", *expected, "efficiency", "efficiency_error", "signal", "method"])
        for point in self.points:
            for number in range(max(1, len(point.intervals))):
                row = [*_cells(point.intervals, number)]
                for band in point.expected:
                    row += _cells(band, number)
                numbers = [point.efficiency, point.efficiency_error, point.signal]
                sheet.writerow(
                    [point.case, f"{point.mass:.6g}", *row, *(f"{value:.6g}" for value in numbers), point.limit.method]
                )
        return out.getvalue()


def _point(point: SearchPoint) -> dict[str, Any]:
    return {
        "case": point.case,
        "mass": point.mass,
        "intervals": _ends(point.intervals),
        "observed": None if point.observed is None else _ends(point.observed),
        "expected": {name: _ends(found) for name, found in zip(BANDS, point.expected, strict=True)},
        "open": [[one.open_low, one.open_high] for one in point.intervals],
        "efficiency": point.efficiency,
        "efficiency_error": point.efficiency_error,
        "efficiencies": [list(pair) for pair in point.efficiencies],
        "rates": list(point.rates),
        "signal": point.signal,
        "peak": asdict(point.peak),
        "limit": point.limit.to_json(),
    }


def _ends(found: Sequence[Interval]) -> list[list[float]]:
    return [[one.low, one.high] for one in found]


def _cells(found: Sequence[Interval], number: int) -> list[str]:
    return [f"{found[number].low:.6g}", f"{found[number].high:.6g}"] if number < len(found) else ["", ""]
