"""The limits of a search at all masses with what they stand on: `LimitCurve`, its JSON and CSV texts, and its files."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from emiss.configs.errors import Location, UserError
from emiss.events.files.atomic import write_text
from emiss.reach import comparison, figures
from emiss.reach.period_reader import warnings_of
from emiss.reach.sensitivity import REFERENCE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from emiss.reach.sensitivity import DataPeriod, Point
    from emiss.reach.variations import Contributions

SCHEMA = "emiss.limit/1"

LINE_POINTS = 120
"""Masses at which lines are drawn."""


@dataclass(frozen=True)
class LimitCurve:
    """Limits against mass.

    Attributes
    ----------
    points : sequence of Point
    periods : sequence of DataPeriod
    difference : str
        Muon g-2 that it is compared with, one of `emiss.physics.constraints.g_minus_2.DIFFERENCES`.
    ratios : sequence of float
        m_phi over dark matter's mass of the relic lines that it is compared with.
    compared : mapping
        Both at the masses of the points (`emiss.reach.comparison.lines`).
    contributions : Contributions or None
        Of systematic variations.
    """

    points: Sequence[Point]
    periods: Sequence[DataPeriod]
    difference: str
    ratios: Sequence[float]
    compared: Mapping[str, Any]
    contributions: Contributions | None = None

    @classmethod
    def of(
        cls,
        points: Sequence[Point],
        periods: Sequence[DataPeriod],
        difference: str,
        ratios: Sequence[float],
        contributions: Contributions | None = None,
    ) -> LimitCurve:
        """Return the curve with what it is compared with.

        Raises
        ------
        UserError
            For a mass or a ratio that has no line.
        """
        compared = _lines([point.m_phi for point in points], difference, ratios)
        return cls(points, periods, difference, ratios, compared, contributions)

    @property
    def doubts(self) -> list[str]:
        """What makes the limits doubtful, each once."""
        return list(dict.fromkeys(text for period in self.periods for text in warnings_of(period)))

    def to_json(self, provenance: Mapping[str, Any]) -> dict[str, Any]:
        """Return the curve as plain data, schema ``emiss.limit/1``; couplings are h, masses GeV.

        ``background`` is that of the first period; the periods have theirs.
        """
        return {
            "schema": SCHEMA,
            "confidence": self.points[0].limit.confidence,
            "warnings": self.doubts,
            "periods": [period.to_json() for period in self.periods],
            "background": asdict(self.periods[0].background),
            "reference_coupling": REFERENCE,
            "points": [
                {
                    "m_phi": point.m_phi,
                    "observed": point.observed,
                    "expected": list(point.expected),
                    "efficiency": {
                        **asdict(point.efficiencies[0]),
                        "value": point.efficiency,
                        "error": point.efficiency_error,
                    },
                    "efficiencies": [asdict(one) for one in point.efficiencies],
                    "per_electron": point.per_electron,
                    "limit": point.limit.to_json(),
                }
                for point in self.points
            ],
            "variations": None if self.contributions is None else self.contributions.to_json(),
            "lines": dict(self.compared),
            "provenance": dict(provenance),
        }

    def to_csv(self) -> str:
        """Return the curve as CSV: one row per mass, couplings, with the 3 sigma band of g-2 and the relic lines beside."""
        out = io.StringIO()
        sheet = csv.writer(out, lineterminator="\n")
        relics = self.compared["relic"]
        expected = ("minus2", "minus1", "median", "plus1", "plus2")
        head = ["m_phi", "observed", *expected, "efficiency", "efficiency_error", "per_electron", "method"]
        sheet.writerow([*head, "g2_low", "g2_high", *(f"relic_{line['ratio']:.3g}" for line in relics)])
        low, high = self.compared["g_minus_2"]["bands"]["3"]
        for i, point in enumerate(self.points):
            values = [point.m_phi, "" if point.observed is None else point.observed, *point.expected]
            values += [point.efficiency, point.efficiency_error, point.per_electron]
            sheet.writerow(
                [*(f"{v:.6g}" if isinstance(v, float) else v for v in values), point.limit.method]
                + [f"{v:.6g}" for v in (low[i], high[i], *(line["coupling"][i] for line in relics))]
            )
        return out.getvalue()

    def write(self, data: Mapping[str, Any], folder: Path | None, plot: Path | None) -> list[Path]:
        """Write the curve and its figures, and return the files.

        Parameters
        ----------
        data : mapping
            From `to_json`.
        folder : Path or None
            For JSON, CSV and figures.
        plot : Path or None
            One more figure.

        Raises
        ------
        UserError
            If the folder cannot be made or a file cannot be written.
        """
        written: list[Path] = []
        if folder is not None:
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise UserError(error.strerror or "cannot be made", at=Location(str(folder))) from None
            write_text(folder / "limit.json", json.dumps(data, indent=1, allow_nan=False) + "\n")
            write_text(folder / "limit.csv", self.to_csv())
            written += [folder / "limit.json", folder / "limit.csv"]
        drawn = [
            *([folder / "limit.png", folder / "limit.pdf"] if folder is not None else []),
            *([plot] if plot else []),
        ]
        if drawn:
            fine = _lines(_fine(self.points), self.difference, self.ratios)
            made = figures.plane(fine, self.points, self.periods)
            written += [figures.write(made, path) for path in drawn]
        return written


def _lines(masses: Sequence[float], difference: str, ratios: Sequence[float]) -> dict[str, Any]:
    try:
        return comparison.lines(masses, difference=difference, ratios=ratios)
    except ValueError as error:
        raise UserError(str(error)) from None


def _fine(points: Sequence[Point]) -> list[float]:
    """Return masses close to each other, from below the first point to above the last, for lines."""
    import numpy as np

    first, last = points[0].m_phi, points[-1].m_phi
    return [float(m) for m in np.geomspace(max(0.95 * first, 0.1065), 1.05 * last, LINE_POINTS)]
