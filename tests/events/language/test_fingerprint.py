"""The meaning of expressions: the same text for what is the same, against the nodes that a table's columns make of it."""

from __future__ import annotations

import itertools

import pytest

from emiss import selection
from emiss.reco.detector.model import load_detector
from emiss.reco.pipeline import columns_of

DECLARED = columns_of(load_detector("na64e_beam"))
HEAD = """
parameters: {low: 20 GeV, mev: 20000 MeV, window: [1 GeV, 4 GeV], five: 5, minus: -3}
define:
  seen: ecal.energy + sum(hcal.energy)
  again: ecal.energy + sum(hcal.energy)
  less: ecal.energy
  lost: 100 GeV - seen
  lost2: 100 GeV - again
  best: sort(muon, -p)
objects:
  muon: {from: tracks, where: p > low}
  other: {from: tracks, where: p > 20 GeV}
  light: {from: tracks, where: 'p > window[0]'}
  fast: {from: muon, where: p > 50 GeV}
"""
EXPRESSIONS = [
    "lost > low",
    "lost2 > 20 GeV",
    "lost > mev",
    "20 GeV < lost",
    "(100 GeV - (ecal.energy + sum(hcal.energy))) > 20 GeV",
    "100 GeV - ecal.energy + sum(hcal.energy) > 20 GeV",
    "lost >= low",
    "less > low",
    "100 GeV - less > low",
    "all(window[0] < hcal.energy < window[1])",
    "all(1 GeV < hcal.energy and hcal.energy < 4 GeV)",
    "all(window[1] > hcal.energy > window[0])",
    "all(window[0] < hcal.energy < window[-1])",
    "all(window[1] < hcal.energy)",
    "count(muon) == 1",
    "count(other) == 1",
    "count(light) == 1",
    "count(fast) == 1",
    "count(tracks) == 1",
    "first(best.p) > 50 GeV",
    "first(sort(other, -p).p) > 50 GeV",
    "first(sort(other, p).p) > 50 GeV",
    "first(muon.p) > 50 GeV",
    "five < 6",
    "5 < 6",
    "minus * ecal.x > 0",
    "-3 * ecal.x > 0",
    "3 * ecal.x > 0",
    "matches(event.trigger, 'physics')",
    "not matches(event.trigger, 'physics')",
    "any(muon.p > 50 GeV) or five > 4",
    "any(muon.p > 50 GeV) or 5 > 4",
    "any(muon.p > 50 GeV) and 5 > 4",
]
# a chain is the "and" of its links, which come in another order if it is turned round; -3 is an operation for the program
APART = {(9, 11), (10, 11), (11, 12), (25, 26)}


def test_the_same_meaning_is_the_same_node_and_the_other_way_round() -> None:
    cuts = "".join(f'  - {{name: c{i}, require: "{text}"}}\n' for i, text in enumerate(EXPRESSIONS))
    analysis = selection.loads(HEAD + "cuts:\n" + cuts)
    nodes = selection.bind(analysis, DECLARED).regions[0].nodes
    meanings = [analysis.meaning(cut.require) for cut in analysis.cuts]
    same = set()
    for a, b in itertools.combinations(range(len(EXPRESSIONS)), 2):
        if (a, b) not in APART:
            assert (meanings[a] == meanings[b]) == (nodes[a] is nodes[b]), (EXPRESSIONS[a], EXPRESSIONS[b])
        if nodes[a] is nodes[b]:
            same.add((a, b))
    assert len(same) >= 12


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("low: 20 GeV", "low: 21 GeV", True),
        ("seen: ecal", "seen: 2 * ecal", True),
        ("less: ecal.energy", "less: 0 GeV", False),
        ("columns: {}", "columns: {ecal.energy: MeV}", True),
        ("columns: {}", "columns: {ecal.x: cm}", False),
    ],
)
def test_what_is_reachable_counts(old: str, new: str, changed: bool) -> None:
    text = HEAD + "columns: {}\ncuts: [{name: a, require: lost > low}]\n"
    assert old in text
    first, second = (selection.loads(t) for t in (text, text.replace(old, new)))
    assert (first.meaning(first.cuts[0].require) != second.meaning(second.cuts[0].require)) == changed


def test_definitions_that_multiply_or_go_in_a_circle_are_no_trouble() -> None:
    doubling = "".join(f"  d{i}: d{i + 1} + d{i + 1}\n" for i in range(45))
    text = f"define:\n{doubling}  d45: ecal.energy\ncuts: [{{name: a, require: d0 > 1 GeV}}]\n"
    assert len(selection.loads(text).cuts_hash) == 16
    long = "".join(f"  d{i}: d{i + 1}\n" for i in range(3000))
    assert selection.loads(f"define:\n{long}  d3000: ecal.x\ncuts: [{{name: a, require: d0 > 0}}]\n").cuts_hash
    circle = selection.loads("define: {a: b + 1, b: a}\ncuts: [{name: a, require: a > 1}]\n")
    assert (
        circle.cuts_hash != selection.loads("define: {a: b + 2, b: a}\ncuts: [{name: a, require: a > 1}]\n").cuts_hash
    )
