"""Histograms against a loop over events, and what merges."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emiss import selection
from emiss.configs.errors import UserError
from emiss.events.columns import Column
from emiss.events.language.running import evaluate
from emiss.events.lists import Lists, offsets_of
from emiss.events.table import EventTable, Metadata
from emiss.selection.counting import histograms
from emiss.selection.counting.counter import Yields
from emiss.selection.counting.histograms import Key

COLUMNS = {
    "e": Column("e", unit="GeV"),
    "f": Column("f", unit="MeV"),
    "w": Column("w"),
    "hits.u": Column("hits.u", unit="mm", shape="list"),
    "hits.v": Column("hits.v", shape="list"),
    "arr.a": Column("arr.a", shape="fixed", size=3),
}
TEXT = """
analysis: test
parameters: {low: 20 GeV}
cuts:
  - {name: energy, require: e > low}
  - {name: some, require: count(hits) > 0}
  - {name: f, require: f < 70 MeV}
regions:
  signal: {}
  loose: {drop: [some]}
weights: {nominal: w, variations: {twice: w * 2}}
histograms:
  - {name: e, of: e, bins: 8, from: 0 GeV, to: 80 GeV, after: [all, energy, n-1, n-1 f]}
  - {name: u, of: hits.u, edges: [-2 mm, -0.5 mm, 0, 3 mm], after: f}
  - {name: a, of: arr.a, bins: 4, from: -1, to: 1, regions: loose}
  - {name: plane, of: [e, f], bins: [4, 5], from: [0, 0 MeV], to: [80 GeV, 100 MeV], after: some, title: "f over e"}
  - {name: mixed, of: [hits.u, e], bins: 3, from: [-2 mm, 0], to: [2 mm, 90 GeV]}
"""


def table(size: int, seed: int = 1) -> EventTable:
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 4, size)
    total = int(counts.sum())
    flat = {
        "e": np.where(rng.random(size) < 0.1, np.nan, rng.uniform(-5, 95, size)),
        "f": rng.uniform(0, 110, size),
        "w": rng.normal(1, 0.4, size),
        "arr.a": rng.normal(size=(size, 3)),
    }
    u = np.where(rng.random(total) < 0.1, np.inf, rng.normal(size=total))
    hits = {"u": u, "v": rng.normal(size=total)}
    return EventTable(size, flat, {"hits": Lists(offsets_of(counts), hits)}, Metadata(columns=COLUMNS))


def bound():
    return selection.bind(selection.loads(TEXT), COLUMNS)


def looped(events: EventTable, of, edges, passes, weight):
    """Return sums of w, of w squared (with flow) and undefined values, event by event."""
    shape = tuple(len(e) + 1 for e in edges)
    sums, squares, undefined = np.zeros(shape), np.zeros(shape), 0
    for i in range(len(events)):
        if not passes(i):
            continue
        for entry in of(i):
            if not np.isfinite(entry).all():
                undefined += 1
                continue
            place = tuple(int(np.searchsorted(e, x, "right")) for e, x in zip(edges, entry, strict=True))
            sums[place] += weight(i)
            squares[place] += weight(i) ** 2
    return sums, squares, undefined


def test_against_a_loop_over_events() -> None:
    events = table(700)
    e, f, w, hits = events.flat["e"], events.flat["f"], events.flat["w"], events.lists["hits"]
    cuts = {
        "energy": lambda i: e[i] > 20,
        "some": lambda i: hits.counts[i] > 0,
        "f": lambda i: f[i] < 70,
    }

    def all_of(*names):
        return lambda i: all(cuts[name](i) for name in names)

    def u(i):
        return hits["u"][hits.offsets[i] : hits.offsets[i + 1]]

    made = bound().run(events).histograms
    energy_edges = np.linspace(0, 80, 9)
    cases = {
        ("e", "signal", "all"): (lambda i: [(e[i],)], [energy_edges], all_of()),
        ("e", "signal", "after energy"): (lambda i: [(e[i],)], [energy_edges], all_of("energy")),
        ("e", "signal", "n-1"): (lambda i: [(e[i],)], [energy_edges], all_of("some", "f")),
        ("e", "loose", "n-1"): (lambda i: [(e[i],)], [energy_edges], all_of("f")),
        ("e", "signal", "n-1 f"): (lambda i: [(e[i],)], [energy_edges], all_of("energy", "some")),
        ("u", "signal", "after f"): (
            lambda i: [(x,) for x in u(i)],
            [np.array([-2, -0.5, 0, 3])],
            all_of("energy", "some", "f"),
        ),
        ("u", "loose", "after f"): (
            lambda i: [(x,) for x in u(i)],
            [np.array([-2, -0.5, 0, 3])],
            all_of("energy", "f"),
        ),
        ("a", "loose", "all"): (lambda i: [(x,) for x in events.flat["arr.a"][i]], [np.linspace(-1, 1, 5)], all_of()),
        ("plane", "signal", "after some"): (
            lambda i: [(e[i], f[i])],
            [np.linspace(0, 80, 5), np.linspace(0, 100, 6)],
            all_of("energy", "some"),
        ),
        ("mixed", "signal", "all"): (
            lambda i: [(x, e[i]) for x in u(i)],
            [np.linspace(-2, 2, 4), np.linspace(0, 90, 4)],
            all_of(),
        ),
    }
    for (name, region, stage), (of, edges, passes) in cases.items():
        for variation, factor in (("nominal", 1.0), ("twice", 2.0)):
            filled = made[Key(name, region, stage, variation)]
            sums, squares, undefined = looped(events, of, edges, passes, lambda i, k=factor: w[i] * k)
            view = filled.hist.view(flow=True)
            np.testing.assert_allclose(view["value"], sums, rtol=1e-12, atol=1e-12)
            np.testing.assert_allclose(view["variance"], squares, rtol=1e-12, atol=1e-12)
            assert filled.undefined == undefined, (name, region, stage)
    assert Key("plane", "loose", "after some", "nominal") not in made  # the region has no such cut


def assert_same(a: Yields, b: Yields) -> None:
    assert a.histograms.keys() == b.histograms.keys()
    for key, filled in a.histograms.items():
        other = b.histograms[key]
        assert filled.undefined == other.undefined
        for part in ("value", "variance"):
            mine, theirs = filled.hist.view(flow=True)[part], other.hist.view(flow=True)[part]
            np.testing.assert_allclose(mine, theirs, rtol=1e-12, atol=1e-12)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(0, 300), max_size=4), st.sampled_from([64, 128, evaluate.BLOCK]))
def test_the_same_for_every_split_and_block(splits: list[int], block: int) -> None:
    events, analysis = table(300), bound()
    whole = analysis.run(events)
    parts = Yields()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluate, "BLOCK", block)
        for a, b in pairwise([0, *sorted(splits), 300]):
            parts += analysis.run(events.slice(a, b))
    assert_same(parts, whole)
    assert_same(whole + Yields(), Yields() + whole)


def test_adding_leaves_the_parts_as_they_were() -> None:
    one = bound().run(table(50))
    before = {key: filled.hist.view(flow=True).copy() for key, filled in one.histograms.items()}
    _ = one + one
    for key, view in before.items():
        assert (one.histograms[key].hist.view(flow=True) == view).all()


def test_what_differs_is_not_added() -> None:
    made = bound().run(table(10)).histograms
    other = selection.bind(selection.loads(TEXT.replace("bins: 8", "bins: 9")), COLUMNS).run(table(10)).histograms
    with pytest.raises(UserError, match="different bins"):
        histograms.add(made, other)
    fewer = dict(made)
    fewer.pop(next(iter(fewer)))
    with pytest.raises(UserError, match="only one of the two has the histogram e, region signal, all"):
        histograms.add(made, fewer)


def test_the_line_of_a_cut_and_the_unit_as_written() -> None:
    analysis = bound()
    by_name = {spec.name: spec for spec in analysis.histograms}
    assert by_name["e"].axes[0].cuts == (20.0,)
    assert by_name["plane"].axes[1].cuts == (70.0,)
    assert by_name["plane"].axes[1].title == "f [MeV]"
    assert by_name["u"].axes[0].edges == (-2.0, -0.5, 0.0, 3.0)


def test_events_inside_the_box_are_in_no_histogram() -> None:
    text = TEXT + "blind: {samples: data, box: e > 40 GeV}\n"
    analysis = selection.bind(selection.loads(text), COLUMNS)
    events = table(500)
    outside = events.take(~(events.flat["e"] > 40) & np.isfinite(events.flat["e"]))
    # where the box is undefined, the event is hidden, too
    assert_same(analysis.run(events, sample="data", role="data"), analysis.run(outside, sample="mc", role="background"))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{name: h, of: e, bins: 5, from: 0 GeV, to: 1 mm}", "'e' is in GeV, '1 mm' is not"),
        ("{name: h, of: e, bins: 5, from: 9 GeV, to: 1 GeV}", "the edges of a histogram are finite and rise"),
        ("{name: h, of: e, bins: 0, from: 0 GeV, to: 1 GeV}", "'bins' is a whole number from 1 to"),
        ("{name: h, of: w, bins: 5, from: 0, to: 1, after: n-1}", "no cut is on this quantity"),
        ("{name: h, of: e, bins: 5, from: 0, to: 1 GeV, after: enrgy}", "there is no cut 'enrgy'"),
        ("{name: h, of: e, bins: 5, from: 0, to: 1 GeV, regions: sgnal}", "there is no region 'sgnal'"),
        (
            "{name: h, of: [hits.u, arr.a], bins: 5, from: [0, 0], to: [1 mm, 1]}",
            "'arr' and 'hits' are of different collections",
        ),
    ],
)
def test_mistakes_are_told_before_an_event_is_read(line: str, message: str) -> None:
    with pytest.raises(UserError, match=r"analysis\.yaml:\d+:\d+") as caught:
        selection.bind(selection.loads(TEXT + f"  - {line}\n"), COLUMNS)
    assert message in str(caught.value)
