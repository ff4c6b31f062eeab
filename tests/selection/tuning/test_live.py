"""Whatever is turned, in whatever order: the counts are those of the same analysis run anew with these values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emiss import selection
from emiss.configs.errors import UserError
from emiss.configs.loader import loads
from emiss.events.lists import Lists, offsets_of
from emiss.events.table import EventTable
from emiss.selection.analysis.merge import merge
from emiss.selection.binding.cuts import bind
from emiss.selection.results.result import columns_of
from emiss.selection.tuning.live import Live, passing
from emiss.selection.tuning.opened import open_parameters
from emiss.selection.tuning.sample import LiveSample

TEXT = """
analysis: turned
parameters:
  least: 2
  window: [-1, 3]
  cone: 1.5
  twice: 2 * least
  edge: 9
objects:
  near: {from: hits, where: "abs(v) < cone"}
define:
  total: a + b - sum(near.u)
cuts:
  - {name: first, require: a > least}
  - {name: both, require: "all(window[0] < hits.u < window[1]) and b < twice"}
  - {name: some, require: count(near) >= 1}
  - {name: last, require: total > 0.5}
regions:
  signal: {}
  side: {replace: {last: total < least}, drop: [some]}
weights: {nominal: w, variations: {up: w * 1.5}}
histograms:
  - {name: a, of: a, bins: 6, from: -3, to: edge, after: [all, both, n-1]}
  - {name: u, of: near.u, edges: [-2, 0, 1, 4], after: last}
  - {name: plane, of: [a, hits.v], bins: [3, 2], from: [0, -2], to: [6, 2], after: n-1 some}
"""

SETTINGS: dict[str, st.SearchStrategy[str]] = {
    "least": st.sampled_from(["-1", "0", "2", "2.5", "40"]),
    "window": st.sampled_from(["[-1, 3]", "[-4, 4]", "[0, 1]", "[-1, 0.5]"]),
    "cone": st.sampled_from(["0", "0.5", "1.5", "9"]),
}
ORDERS = st.permutations(["first", "both", "some", "last"]).flatmap(
    lambda names: st.integers(1, 4).map(lambda many: names[:many])
)


def table_of(count: int, seed: int) -> EventTable:
    """Events with empty lists, undefined numbers and values on thresholds."""
    random = np.random.default_rng(seed)
    offsets = offsets_of(random.integers(0, 4, count))
    rows = int(offsets[-1])

    def numbers(size: int) -> Any:
        return np.where(random.random(size) < 0.05, np.nan, random.integers(-8, 16, size) / 2.0)

    hits = {"u": numbers(rows), "v": numbers(rows) / 2}
    return EventTable(
        count, {"a": numbers(count), "b": numbers(count), "w": random.random(count)}, {"hits": Lists(offsets, hits)}
    )


def live_of(table: EventTable, text: str = TEXT, block: int = 96, box: tuple[str, ...] = ()) -> Live:
    analysis = selection.loads(text)
    opened = open_parameters(analysis, columns_of(table), box)
    blocks = [table.slice(start, start + block) for start in range(0, table.size, block)]
    given_ = merge(loads(text, "analysis.yaml")).tree.parameters
    return Live(analysis, given_, {"events": LiveSample(opened, blocks)})


def without(text: str, order: list[str]) -> str:
    """Return the analysis with the cuts of the first region in another order, and some left out."""
    lines = text.splitlines()
    cuts = {
        line.split("name: ")[1].split(",")[0]: line
        for line in lines
        if line.startswith("  - {name:") and "require" in line
    }
    first = next(i for i, line in enumerate(lines) if line == "cuts:")
    rest = [line for line in lines if line not in cuts.values()]
    end = rest.index("weights: {nominal: w, variations: {up: w * 1.5}}")
    rest = [*rest[: first + 1], *(cuts[name] for name in order), *rest[end : end + 1]]
    return "\n".join(rest)


@settings(max_examples=15)
@given(
    seed=st.integers(0, 5),
    turns=st.lists(st.fixed_dictionaries({}, optional=SETTINGS), min_size=1, max_size=4),
    region=st.sampled_from(["signal", "side"]),
    weight=st.sampled_from(["nominal", "up"]),
)
def test_turning_gives_what_a_new_run_gives(seed, turns, region, weight):
    table = table_of(230, seed)
    live = live_of(table)
    for values in turns:
        choice = live.choice(values, region, weight=weight)
        look = live.look("events", choice)
        anew = bind(selection.loads(TEXT, values), columns_of(table)).run(table)
        expected = anew.regions[region][weight]
        found = live.rows(look, choice)
        assert [row.name for row in found] == [row.name for row in expected]
        assert [row.require for row in found] == [row.require for row in expected]
        for ours, theirs in zip(found, expected, strict=True):
            for kind in ("sequential", "individual", "n_minus_1", "only_failed"):
                a, b = getattr(ours, kind), getattr(theirs, kind)
                assert a.n == b.n
                assert a.sum_w == pytest.approx(b.sum_w, rel=1e-12)
                assert a.sum_w2 == pytest.approx(b.sum_w2, rel=1e-12)
            assert (ours.undefined, ours.overlap) == (theirs.undefined, theirs.overlap)
        for spec in live.opened.bound.histograms:
            stages = live.stages(spec, choice)
            for stage, filled in zip(stages, look.filled(spec, stages), strict=True):
                (there,) = (
                    made
                    for key, made in anew.histograms.items()
                    if (key.name, key.region, key.stage, key.variation) == (spec.name, region, stage.name, weight)
                )
                assert filled[:-1, 1] == pytest.approx(there.hist.values(flow=True).ravel())
                assert filled[:-1, 2] == pytest.approx(there.hist.variances(flow=True).ravel())
                assert filled[-1, 0] == there.undefined


@settings(max_examples=15)
@given(seed=st.integers(0, 5), order=ORDERS)
def test_cuts_are_switched_and_moved(seed, order):
    table = table_of(150, seed)
    live = live_of(table)
    choice = live.choice({"least": "1"}, "signal", order)
    found = live.rows(live.look("events", choice), choice)
    anew = bind(selection.loads(without(TEXT, order), {"least": "1"}), columns_of(table)).run(table)
    expected = anew.regions["nominal"]["nominal"]
    assert [(row.name, row.sequential.n, row.n_minus_1.n) for row in found] == [
        (row.name, row.sequential.n, row.n_minus_1.n) for row in expected
    ]


@settings(max_examples=15)
@given(seed=st.integers(0, 5), values=st.fixed_dictionaries({}, optional=SETTINGS))
def test_each_step_of_a_threshold_is_what_that_value_leaves(seed, values):
    live = live_of(table_of(200, seed))
    choice = live.choice(values, "signal")
    grid = tuple(np.linspace(-2.0, 5.0, 15))
    gates = live.gates("events", choice, dict.fromkeys(live.opened.knobs, grid))
    # `twice` would have to go along with `least`; `cone` is in no comparison of the event
    assert set(gates) == {("window", 0), ("window", 1), ("twice", 0)}
    for knob, gate in gates.items():
        found = passing(live.look("events", choice).intervals(gate), below=gate.compared.below)
        steps = live.steps(knob, grid, choice)["events"]
        assert found[:, 0].tolist() == steps[:, 0].tolist()
        assert found == pytest.approx(steps)


def test_what_cannot_be_turned_says_why():
    live = live_of(table_of(20, 0), box=("cone",))
    assert set(live.opened.locked) == {"edge", "cone"}
    with pytest.raises(UserError, match="'edge' cannot be turned here: shapes"):
        live.choice({"edge": "3"})
    with pytest.raises(UserError, match="the blind box depends on it"):
        live.choice({"cone": "3"})
    with pytest.raises(UserError, match="there is no region 'sideband'"):
        live.choice(region="sideband")
    with pytest.raises(UserError, match="there is no cut 'non'"):
        live.choice(cuts=["non"])
    with pytest.raises(UserError, match="a cut is there twice"):
        live.choice(cuts=["last", "last"])
    with pytest.raises(UserError, match="no weight 'down'"):
        live.choice(weight="down")
    with pytest.raises(UserError, match="is not"):
        live.choice({"least": "3 GeV"})


def test_a_parameter_that_shapes_an_expression_is_locked():
    text = "parameters: {which: 1, least: 0}\ncuts: [{name: one, require: 'hits.u[which] > least'}]"
    live = live_of(table_of(50, 1), text)
    assert set(live.opened.locked) == {"which"}
    assert live.opened.knobs == (("least", 0),)


def test_one_that_a_locked_one_is_computed_from_is_refused():
    live = live_of(table_of(20, 0), box=("twice",))
    with pytest.raises(UserError, match="'twice' would change"):
        live.choice({"least": "7"})


def test_only_what_depends_on_a_turn_is_computed_anew(monkeypatch):
    table = table_of(100, 3)
    live = live_of(table, block=100)
    live.rows(live.look("events", live.choice()), live.choice())
    (block,) = live.samples["events"].blocks
    ran: list[str] = []
    run = type(block).run

    def watched(self, plan, values, keep):
        ran.extend(node.op for node in plan.nodes)
        run(self, plan, values, keep)

    monkeypatch.setattr(type(block), "run", watched)
    live.look("events", live.choice())
    assert ran == []
    live.look("events", live.choice({"window": "[-1, 2]"}))
    assert ran == ["<"]
    ran.clear()
    live.look("events", live.choice({"window": "[-1, 2]", "cone": "1"}))
    assert "filter rows" in ran
    assert "abs" not in ran
    assert "column" not in ran


def test_an_event_without_a_weight_is_told():
    table = table_of(50, 2)
    live = live_of(EventTable(table.size, {**table.flat, "w": np.full(50, np.nan)}, table.lists))
    with pytest.raises(UserError, match="the weight 'nominal' is undefined for 50 of 50 events"):
        live.look("events", live.choice())


def test_no_event_and_no_weight():
    text = TEXT.replace("weights: {nominal: w, variations: {up: w * 1.5}}\n", "")
    for count, weights in ((0, ""), (70, ""), (0, "weights: {nominal: 2.5}\n"), (70, "weights: {nominal: 2.5}\n")):
        live = live_of(table_of(count, 1), text + weights)
        choice = live.choice()
        look = live.look("events", choice)
        last, scale = live.rows(look, choice)[-1].n_minus_1, 2.5 if weights else 1.0
        assert (last.sum_w, last.sum_w2) == (last.n * scale, last.n * scale**2)
        assert live.rows(look, choice)[0].sequential.n == count
        gates = live.gates("events", choice, {("twice", 0): (0.0, 1.0, 2.0)})
        assert passing(look.intervals(gates["twice", 0]), below=True).shape == (3, 3)
