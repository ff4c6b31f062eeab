"""The record of the benchmarks: what is written, read again and compared; the benchmarks themselves are run by `make bench`."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import benchmarks
from benchmarks import record
from benchmarks.record import Ratio, Ratios, Times, changes, collected, dumps, loads, timed


def ratio(value: float, spread: float = 0.05) -> Ratio:
    return Ratio("index", value, spread, "x", "2026-11-30T12:00:00+00:00", "0.1.0", "here")


@pytest.mark.parametrize("name", [module.name for module in pkgutil.iter_modules(benchmarks.__path__)])
def test_every_benchmark_can_be_imported(name):
    if name != "__main__":
        importlib.import_module(f"benchmarks.{name}")


def test_times_that_take_turns():
    said, ticks = [], iter([0.0, 9.0, 10.0, 13.0, 20.0, 20.5, 30.0, 32.0, 40.0, 41.0])
    first, second = timed(lambda: said.append("a"), lambda: said.append("b"), repeats=2, clock=lambda: next(ticks))
    assert said == ["a", "b"] * 3
    assert first.all == (3.0, 2.0)  # without the first round, which compiles
    assert second.all == (0.5, 1.0)
    assert (first.best, second.best) == (2.0, 0.5)
    assert first.spread == pytest.approx(0.25)


def test_what_is_saved_is_read_again_and_the_run_before_is_kept(tmp_path):
    for took in (2.0, 3.0):
        ratios = Ratios("raw")
        assert ratios.add("index", Times((took, took * 1.5)), Times((1.0, 1.0))) == took
        path = ratios.save(tmp_path)
    (row,) = loads(path.read_text())
    assert (row.name, row.ratio, row.spread, row.unit) == ("index", 3.0, pytest.approx(0.25), "x")
    assert collected(tmp_path) == {"raw: index": row}
    assert collected(tmp_path / "previous")["raw: index"].ratio == 2.0


def test_a_ratio_has_some_spread():
    ratios = Ratios("raw")
    ratios.add("index", Times((2.0, 2.0)), Times((1.0, 1.0)))
    assert ratios.rows[0].spread == record.LEAST


def test_another_schema_is_refused():
    with pytest.raises(ValueError, match="schema is 'other'"):
        loads(dumps([ratio(1.0)]).replace(record.SCHEMA, "other"))


def test_what_has_changed_by_more_than_the_spreads():
    assert changes({"a": ratio(2.0)}, {"a": ratio(2.19)}) == []
    assert changes({"a": ratio(2.0)}, {"a": ratio(2.21)}) == ["a: 2 -> 2.21 x, +10% (spread 10%)"]
    assert changes({"a": ratio(2.0)}, {"a": ratio(1.0)}) == ["a: 2 -> 1 x, -50% (spread 10%)"]
    assert changes({"a": ratio(0.0)}, {"a": ratio(0.0)}) == []
    assert changes({"a": ratio(2.0)}, {"b": ratio(1.0)}) == ["a: was 2 x, not measured now", "b: 1 x, not known before"]


def test_the_ratios_that_are_kept_can_be_read():
    if not record.COMMITTED.exists():
        pytest.skip("none are kept: make bench bench-keep")
    assert loads(record.COMMITTED.read_text(encoding="utf-8"))
