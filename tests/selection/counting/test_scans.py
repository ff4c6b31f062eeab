"""Scans: every step is what a run with that value of the parameter gives."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emiss import selection
from emiss.configs.errors import UserError
from emiss.selection.counting.counter import Yields
from tests.selection.counting.test_histograms import COLUMNS, table

if TYPE_CHECKING:
    from emiss.events.table import EventTable

TEXT = """
analysis: test
parameters: {{low: 20 GeV, high: 80 GeV, near: [-1 mm, 1 mm], top: 70 MeV}}
define: {{spread: max(hits.u) - min(hits.u)}}
cuts:
  - {{name: energy, require: '{energy}'}}
  - {{name: near, require: '{near}'}}
  - {{name: f, require: f < top, scan: {scan}}}
regions: {{signal: {{}}, loose: {{drop: [near]}}}}
weights: {{nominal: w, variations: {{twice: w * 2}}}}
"""

CASES = {
    "threshold above": ("e > low", "{parameter: low, from: 0 GeV, to: 90 GeV, points: 10}", "threshold"),
    "threshold, equal": ("e >= low", "{parameter: low, from: 0 GeV, to: 90 GeV, points: 10}", "threshold"),
    "threshold below": ("e < high", "{parameter: high, from: 0 GeV, to: 90 GeV, points: 7}", "threshold"),
    "falling": ("e <= high", "{parameter: high, from: 90 GeV, to: 0 GeV, points: 7}", "threshold"),
    "in a chain": ("low < e < high", "{parameter: low, from: 0 GeV, to: 90 GeV, points: 5}", "threshold"),
    "of a factor": ("2 * low < e + 10 GeV", "{parameter: low, from: 0 GeV, to: 50 GeV, points: 6}", "threshold"),
    "in MeV": ("e > 0", "{parameter: top, from: 0 MeV, to: 100 MeV, points: 11}", "threshold"),
    "twice": ("low < e and e < low + 30 GeV", "{parameter: low, from: 0 GeV, to: 90 GeV, points: 5}", "steps"),
    "inside a list": ("e > 0", "{parameter: 'near[1]', from: 0 mm, to: 2 mm, points: 5}", "steps"),
    "two thresholds": (
        "e > low",
        "{parameter: [low, top], from: [0 GeV, 0 MeV], to: [60 GeV, 100 MeV], points: [4, 3]}",
        "threshold",
    ),
    "two in one cut": (
        "low < e < high",
        "{parameter: [low, high], from: [0 GeV, 50 GeV], to: [60 GeV, 100 GeV], points: [4, 3]}",
        "threshold",
    ),
    "two, one in a list": (
        "e > low",
        "{parameter: [low, 'near[0]'], from: [0 GeV, -2 mm], to: [60 GeV, 0 mm], points: [3, 4]}",
        "steps",
    ),
}


def text_of(case: str, **set_: str) -> str:
    energy, scan, _ = CASES[case]
    return TEXT.format(energy=energy, scan=scan, near="any(near[0] < hits.u < near[1])")


def stepped(case: str, values: dict[str, str], events: EventTable):
    """Return the last row of each region for one value of the parameters; None if no event can pass then."""
    text = text_of(case)
    near = "[-1 mm, 1 mm]"
    for name, value in values.items():
        if name.startswith("near"):
            near = f"[{value}, 1 mm]" if name == "near[0]" else f"[-1 mm, {value}]"
    sets = {name: value for name, value in values.items() if not name.startswith("near")} | {"near": near}
    try:
        return selection.bind(selection.loads(text, sets), COLUMNS).count(events)
    except UserError as error:
        assert "is never true" in error.message  # noqa: PT017 - a window that is empty is refused where it is written
        return None


@pytest.mark.parametrize("case", CASES)
def test_each_step_is_a_run_of_its_own(case: str) -> None:
    events = table(600)
    events.flat["e"][:30] = np.linspace(0, 90, 30).round(0)  # some just at a threshold
    bound = selection.bind(selection.loads(text_of(case)), COLUMNS)
    (scan,) = bound.scans
    made = bound.run(events).scans
    assert {counts.method for counts in made.values()} == {CASES[case][2]}
    shape = tuple(len(axis.values) for axis in scan.axes)
    touched = {region for _, region in made}
    for step in np.ndindex(*shape):
        values = {axis.parameter: f"{axis.values[i]!r} {axis.unit}" for axis, i in zip(scan.axes, step, strict=True)}
        regions = stepped(case, values, events)
        for region in touched:
            counts = made[scan.name, region]
            if regions is None:
                assert counts.n[step] == 0
                continue
            for v, variation in enumerate(("nominal", "twice")):
                last = regions[region][variation][-1].sequential
                assert counts.n[step] == last.n, (step, region)
                assert counts.sum_w[v][step] == pytest.approx(last.sum_w, rel=1e-12, abs=1e-12)
                assert counts.sum_w2[v][step] == pytest.approx(last.sum_w2, rel=1e-12, abs=1e-12)


def test_a_region_without_the_cut_is_not_scanned() -> None:
    bound = selection.bind(selection.loads(text_of("inside a list")), COLUMNS)
    assert {region for _, region in bound.run(table(10)).scans} == {"signal"}


@settings(deadline=None, max_examples=20)
@given(st.sampled_from(sorted(CASES)), st.lists(st.integers(0, 200), max_size=3))
def test_the_same_for_every_split(case: str, splits: list[int]) -> None:
    events, bound = table(200), selection.bind(selection.loads(text_of(case)), COLUMNS)
    whole = bound.run(events)
    parts = Yields()
    for a, b in pairwise([0, *sorted(splits), 200]):
        parts += bound.run(events.slice(a, b))
    for key, counts in whole.scans.items():
        other = parts.scans[key]
        assert (counts.n == other.n).all()
        np.testing.assert_allclose(counts.sum_w, other.sum_w, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(counts.sum_w2, other.sum_w2, rtol=1e-12, atol=1e-12)


def test_covariance_of_steps_that_do_not_nest() -> None:
    events = table(400)
    bound = selection.bind(selection.loads(text_of("twice")), COLUMNS)
    counts = bound.run(events).scans["low", "loose"]
    e, f, w = events.flat["e"], events.flat["f"], events.flat["w"]
    limits = np.linspace(0, 90, 5)
    passes = [(low < e) & (e < low + 30) & (f < 70) for low in limits]
    expected = [[(w**2)[a & b].sum() for b in passes] for a in passes]
    np.testing.assert_allclose(counts.covariance[0], expected, rtol=1e-12, atol=1e-12)
    assert np.allclose(np.diag(counts.covariance[0]), counts.sum_w2[0])


@pytest.mark.parametrize(
    ("scan", "message"),
    [
        ("{parameter: low, from: 0 GeV, to: 0 GeV, points: 3}", "from one value to another"),
        ("{parameter: near, from: 0 mm, to: 1 mm, points: 3}", "scan one of them: 'near[0]'"),
        ("{parameter: 'near[2]', from: 0 mm, to: 1 mm, points: 3}", "'near' has 2 values"),
        ("{parameter: high, from: 0 GeV, to: 1 GeV, points: 3}", "no cut depends on 'high'"),
        ("{parameter: [low, low], from: [0, 0], to: [1 GeV, 2 GeV], points: [2, 2]}", "the same parameter twice"),
        ("{parameter: [low, top], from: 0, to: 1 GeV, points: 3}", "each with 'from', 'to' and 'points'"),
        ("{parameter: low, from: 0, to: 1 GeV, points: 3, figure_of_merit: signal > 1}", "signal > 1"),
    ],
)
def test_mistakes(scan: str, message: str) -> None:
    text = TEXT.format(energy="e > low", near="any(near[0] < hits.u < near[1])", scan=scan)
    with pytest.raises(UserError, match=r"analysis\.yaml:\d+:\d+") as caught:
        selection.bind(selection.loads(text), COLUMNS)
    assert message in str(caught.value)


def test_a_parameter_that_others_are_computed_from_is_refused() -> None:
    text = text_of("threshold above").replace("high: 80 GeV", "high: low + 60 GeV").replace("e > low", "low < e < high")
    with pytest.raises(UserError, match="'high' is computed from 'low'"):
        selection.bind(selection.loads(text), COLUMNS)


def test_an_exponent_cannot_be_scanned() -> None:
    text = """
parameters: {n: 2}
cuts:
  - {name: a, require: e ** n > 4 GeV ** 2, scan: {parameter: n, from: 1, to: 3, points: 3}}
analysis: a
"""
    with pytest.raises(UserError, match="cannot be scanned"):
        selection.bind(selection.loads(text), COLUMNS)


def test_mistakes_of_the_command_line_name_its_options() -> None:
    from emiss.selection.analysis.scans import with_scan

    analysis = selection.loads("parameters: {low: 3 GeV}\ncuts: [{name: c, require: e > low}]\n")
    good = {"parameters": ["low"], "start": ["1 GeV"], "stop": ["9 GeV"], "points": [3]}
    for changed, said in (
        ({"parameters": ["lw"]}, "--parameter:1:1: there is no parameter 'lw' to scan; did you mean 'low'?"),
        ({"stop": ["5 GeVV"]}, "--to:1:3: unknown unit 'GeVV'; did you mean 'GeV'?"),
        ({"start": ["3 ("]}, "--from:1:1: only functions are called"),
        ({"points": [1]}, "--points 1: a scan has 2 to 10000 steps"),
        ({"start": []}, "each with --from, --to and --points once"),
        ({"figure_of_merit": "signal /"}, "--merit:1:8: the expression ends behind '/'"),
    ):
        with pytest.raises(UserError) as caught:
            selection.bind(with_scan(analysis, **{**good, **changed}), COLUMNS)
        assert said in str(caught.value), said
        assert "{" not in caught.value.render()
