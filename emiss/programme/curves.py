"""Curves of other experiments, from files of the user: read, drawn beside a limit, and compared with it mass by mass."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from emiss.configs.errors import Location, UserError, did_you_mean
from emiss.configs.files import check_regular

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from emiss.programme.mass_limit import SearchPoint


@dataclass(frozen=True)
class Curve:
    """A curve: masses in GeV and couplings, in the order of its file, which may lead it back along an upper branch."""

    name: str
    mass: tuple[float, ...]
    coupling: tuple[float, ...]


@dataclass(frozen=True)
class Comparison:
    """A limit over a curve.

    Attributes
    ----------
    name : str
    mass, curve, ours, ratio : tuples of float
        At the masses of the curve where there is a limit: the curve, the end of an excluded interval that is nearest to it, and
        that over the curve.
    outside : int
        Points of the curve at masses where there is no limit to compare with.
    """

    name: str
    mass: tuple[float, ...]
    curve: tuple[float, ...]
    ours: tuple[float, ...]
    ratio: tuple[float, ...]
    outside: int

    @property
    def mean(self) -> float:
        """Geometric mean of the ratios."""
        return math.exp(math.fsum(map(math.log, self.ratio)) / len(self.ratio))

    @property
    def spread(self) -> float:
        """Return exp of the standard deviation of the ratios' logarithms: a factor, 1 where all are alike."""
        centre = math.log(self.mean)
        return math.exp(math.sqrt(math.fsum((math.log(r) - centre) ** 2 for r in self.ratio) / len(self.ratio)))

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        names = ("mass", "curve", "ours", "ratio")
        data: dict[str, Any] = {"name": self.name, "outside": self.outside}
        data |= {name: list(getattr(self, name)) for name in names}
        if self.ratio:
            data |= {"mean": self.mean, "spread": self.spread, "lowest": min(self.ratio), "highest": max(self.ratio)}
        return data


def read_curve(path: Path, columns: str = "") -> Curve:
    """Read a curve: two columns of numbers, GeV and coupling, between commas or blanks, with or without names above them.

    Parameters
    ----------
    path : Path
    columns : str
        Their names or numbers (from 1), such as ``m,eps``; the first two by default.

    Raises
    ------
    UserError
        If the file cannot be read, has no such columns, or no numbers above 0 in them; with its line.
    """
    check_regular(path)
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot be read as a curve: {error}", at=Location(str(path))) from None
    rows = [(number, _cells(line)) for number, line in enumerate(lines, 1) if line.strip() and line.lstrip()[0] != "#"]
    names: list[str] = []
    if rows and not all(map(_is_number, rows[0][1])):
        names = rows.pop(0)[1]
    wanted = [part.strip() for part in columns.split(",")] if columns else ["1", "2"]
    if len(wanted) != 2:
        raise UserError(f"--columns {columns}: two names or numbers with a comma between them, such as m,eps")
    places = [_place(name, names, path) for name in wanted]
    if len(rows) < 2:
        raise UserError("a curve has two points or more", at=Location(str(path)))
    found = [[_number(cells, place, path, number) for number, cells in rows] for place in places]
    return Curve(path.stem, tuple(found[0]), tuple(found[1]))


def _cells(line: str) -> list[str]:
    if "," in line or ";" in line:
        return [cell.strip() for cell in next(csv.reader([line.replace(";", ",")]))]
    return line.split()


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _place(name: str, names: Sequence[str], path: Path) -> int:
    if name in names:
        return names.index(name)
    if name.isdigit() and int(name) > 0:
        return int(name) - 1
    hint = did_you_mean(name, names) if names else "the file has no names: give the numbers of its columns"
    raise UserError(f"there is no column '{name}'", at=Location(str(path)), hint=hint)


def _number(cells: Sequence[str], place: int, path: Path, line: int) -> float:
    text = cells[place] if place < len(cells) else ""
    if not _is_number(text) or not 0.0 < float(text) < math.inf:
        raise UserError(f"'{text}' is no number above 0, in column {place + 1}", at=Location(str(path), line))
    return float(text)


def compare(curve: Curve, points: Sequence[SearchPoint]) -> Comparison:
    """Return limits over a curve, at its masses; between points the ends of intervals are straight in logarithms.

    Parameters
    ----------
    curve : Curve
    points : sequence of SearchPoint
        Of one case.
    """
    ordered = sorted(points, key=lambda point: point.mass)
    found = [(m, g, _nearest(m, g, ordered)) for m, g in zip(curve.mass, curve.coupling, strict=True)]
    inside = [(m, g, ours) for m, g, ours in found if ours is not None]
    return Comparison(
        curve.name,
        tuple(m for m, _, _ in inside),
        tuple(g for _, g, _ in inside),
        tuple(ours for _, _, ours in inside),
        tuple(ours / g for _, g, ours in inside),
        len(found) - len(inside),
    )


def _nearest(mass: float, coupling: float, points: Sequence[SearchPoint]) -> float | None:
    """Return the end of an interval at a mass that is nearest to a coupling; None where there is none."""
    ends = _ends(mass, points)
    return min(ends, key=lambda end: abs(math.log(end / coupling)), default=None)


def _ends(mass: float, points: Sequence[SearchPoint]) -> list[float]:
    """Return the ends of the excluded intervals at a mass, those of the search's range left out."""
    for point in points:
        if math.isclose(point.mass, mass, rel_tol=1e-9):
            return [end for end, _ in _of(point)]
    for left, right in pairwise(points):
        if left.mass < mass < right.mass:
            before, behind = _of(left), _of(right)
            if len(before) != len(behind):
                return []
            part = math.log(mass / left.mass) / math.log(right.mass / left.mass)
            return [a ** (1.0 - part) * b**part for (a, x), (b, y) in zip(before, behind, strict=True) if x == y]
    return []


def _of(point: SearchPoint) -> list[tuple[float, str]]:
    found = []
    for one in point.intervals:
        found += [] if one.open_low else [(one.low, "low")]
        found += [] if one.open_high else [(one.high, "high")]
    return found
