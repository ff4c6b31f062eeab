"""Ratios of the benchmarks on disk: each run keeps its own, and ``python -m benchmarks.record`` says what has changed.

A benchmark is timed against something else in the same run, as only such ratios can be compared between machines and days.
`Ratios.save` writes them to ``out/bench/NAME.json``; ``make bench-compare`` compares these with ``benchmarks/ratios.json``
where there is one, and else with the run before, which is kept beside them; ``make bench-keep`` writes that file.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from emiss.events.files.atomic import write_text
from emiss.events.provenance import package_version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "out" / "bench"
COMMITTED = Path(__file__).with_name("ratios.json")
SCHEMA = "emiss.bench/1"
LEAST = 0.05
"""Relative spread that every ratio is given at least: few repeats show too little of it."""


@dataclass(frozen=True)
class Times:
    """Times of the repeats of one work, in seconds."""

    all: tuple[float, ...]

    @property
    def best(self) -> float:
        """The shortest."""
        return min(self.all)

    @property
    def spread(self) -> float:
        """How far the median is above the shortest, relative."""
        return median(self.all) / self.best - 1.0 if self.best else 0.0


def timed(
    *works: Callable[[], object], repeats: int = 5, clock: Callable[[], float] = time.process_time
) -> list[Times]:
    """Time works that take turns, so that all see the same machine; a first round fills caches and compiles."""
    taken: list[list[float]] = [[] for _ in works]
    for number in range(repeats + 1):
        for times, work in zip(taken, works, strict=True):
            begun = clock()
            work()
            if number:
                times.append(clock() - begun)
    return [Times(tuple(times)) for times in taken]


@dataclass(frozen=True)
class Ratio:
    """One figure of a benchmark: what is compared is without a unit of time; `spread` is relative."""

    name: str
    ratio: float
    spread: float
    unit: str
    when: str
    version: str
    machine: str


@dataclass
class Ratios:
    """The figures of one benchmark, collected while it runs."""

    benchmark: str
    rows: list[Ratio] = field(default_factory=list)

    def add(self, name: str, work: Times, base: Times, unit: str = "x") -> float:
        """Keep the ratio of two times, return it."""
        return self.add_number(name, work.best / base.best, work.spread + base.spread, unit)

    def add_number(self, name: str, ratio: float, spread: float, unit: str = "x") -> float:
        """Keep a ratio with its relative spread, return it."""
        when = datetime.now(UTC).isoformat(timespec="seconds")
        machine = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
        self.rows.append(Ratio(name, float(ratio), max(float(spread), LEAST), unit, when, package_version(), machine))
        return ratio

    def save(self, folder: Path = FOLDER) -> Path:
        """Write the figures; those of the run before stay under ``previous``."""
        path = folder / f"{self.benchmark}.json"
        before = folder / "previous" / path.name
        before.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            path.replace(before)
        write_text(path, dumps(self.rows))
        return path


def dumps(rows: Iterable[Ratio]) -> str:
    """Return the text of a file of ratios."""
    return json.dumps({"schema": SCHEMA, "ratios": [asdict(row) for row in rows]}, indent=1) + "\n"


def loads(text: str) -> list[Ratio]:
    """Return what `dumps` wrote.

    Raises
    ------
    ValueError
        If the schema is another one.
    """
    data = json.loads(text)
    if data.get("schema") != SCHEMA:
        msg = f"schema is {data.get('schema')!r}, expected '{SCHEMA}'"
        raise ValueError(msg)
    return [Ratio(**row) for row in data["ratios"]]


def collected(folder: Path) -> dict[str, Ratio]:
    """Return the ratios of all files of a folder as ``BENCHMARK: NAME``."""
    return {
        f"{path.stem}: {row.name}": row
        for path in sorted(folder.glob("*.json"))
        for row in loads(path.read_text(encoding="utf-8"))
    }


def changes(old: Mapping[str, Ratio], new: Mapping[str, Ratio]) -> list[str]:
    """Return a line for each ratio that is another one by more than the spreads of both, is new, or is gone."""
    lines = []
    for name in [*old, *(name for name in new if name not in old)]:
        if name not in new:
            lines.append(f"{name}: was {old[name].ratio:.4g} {old[name].unit}, not measured now")
        elif name not in old:
            lines.append(f"{name}: {new[name].ratio:.4g} {new[name].unit}, not known before")
        else:
            a, b = old[name], new[name]
            allowed = a.spread + b.spread
            if abs(b.ratio - a.ratio) > allowed * abs(a.ratio):
                change = f", {b.ratio / a.ratio - 1.0:+.0%}" if a.ratio else ""
                said = f"{a.ratio:.4g} -> {b.ratio:.4g} {b.unit}{change} (spread {allowed:.0%})"
                lines.append(f"{name}: {said}")
    return lines


def main() -> int:
    """Compare, or keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true", help="write benchmarks/ratios.json")
    keep = parser.parse_args().keep
    new = collected(FOLDER)
    if not new:
        print("nothing is measured yet: make bench", file=sys.stderr)
        return 2
    if keep:
        named = [Ratio(**{**asdict(row), "name": name}) for name, row in new.items()]
        write_text(COMMITTED, dumps(named))
        print(f"{len(named)} ratios kept in {COMMITTED.relative_to(ROOT)}")
        return 0
    if COMMITTED.exists():
        old, whose = {row.name: row for row in loads(COMMITTED.read_text(encoding="utf-8"))}, COMMITTED.name
    else:
        old, whose = collected(FOLDER / "previous"), "the run before"
    found = changes(old, new)
    print("\n".join(found) or f"{len(new)} ratios, none differs from {whose} by more than its spread")
    return 0


if __name__ == "__main__":
    sys.exit(main())
