"""The cutflow against a plain count over events, and the laws of its sum."""

from __future__ import annotations

import math
import pickle
import random
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emiss.configs.errors import UserError
from emiss.events.ledger import Ledger
from emiss.selection.counting.counts import CutCounts, Tally, add_regions, efficiencies
from emiss.selection.results.cutflow import Cutflow

CUTS = {"track": "count(tracks) == 1", "veto": "0 < v < 1 GeV", "e_miss": "e_miss > 20 GeV"}
VARIATIONS = ("nominal", "srd_up")

# an event: its weight in two variations, and what each of the three cuts says (None: it has no value)
events = st.lists(
    st.tuples(
        st.tuples(st.floats(0.01, 1e3), st.floats(0.01, 1e3)),
        st.tuples(*[st.sampled_from([True, True, False, None])] * 3),
    ),
    max_size=30,
)
Events = list[tuple[tuple[float, float], tuple[bool | None, bool | None, bool | None]]]


def tally(weights: list[float]) -> Tally:
    return Tally(len(weights), math.fsum(weights), math.fsum(w * w for w in weights))


def count(part: Events) -> dict[str, dict[str, tuple[CutCounts, ...]]]:
    """Count as a loop over events would, without cleverness."""
    regions: dict[str, tuple[CutCounts, ...]] = {}
    for v, variation in enumerate(VARIATIONS):
        rows = [CutCounts("all", "", tally([w[v] for w, _ in part]))]
        for c, (name, require) in enumerate(CUTS.items()):
            others = [(w[v], said) for w, said in part if all(said[k] for k in range(3) if k != c)]
            reached = [said for _, said in part if all(said[:c])]
            rows.append(
                CutCounts(
                    name,
                    require,
                    tally([w[v] for w, said in part if all(said[: c + 1])]),
                    sum(said[c] is None for said in reached),
                    tally([w[v] for w, said in part if said[c]]),
                    sum(said[c] is None for _, said in part),
                    tally([w for w, _ in others]),
                    tally([w for w, said in others if not said[c]]),
                )
            )
        regions[variation] = tuple(rows)
    return {"signal": regions}


def cutflow(part: Events, start: int = 0, **changed: Any) -> Cutflow:
    fields: dict[str, Any] = {
        "analysis": "demo",
        "cuts_hash": "abc",
        "sample": "beam",
        "role": "background",
        "on_target": 10.0 * len(part),
        "scale": 2.0,
        "partial": False,
        "ledger": Ledger(read=2 * len(part), passed=len(part), lost={"raw.truncated": len(part)}),
        "regions": count(part),
        "coverage": {"file": ((start, start + len(part)),)},
        "provenance": {},
    }
    return Cutflow.single(**fields | changed)


def same(a: Cutflow, b: Cutflow) -> None:
    """Counts exactly, sums of weights to 1e-12."""

    def rounded(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: rounded(item) for key, item in value.items()}
        if isinstance(value, list):
            return [rounded(item) for item in value]
        return pytest.approx(value, rel=1e-12, abs=0) if isinstance(value, float) else value

    first, second = a.to_json(), b.to_json()
    for data in (first, second):  # intervals come from the sums and carry their rounding; the sums are compared
        for sample in data["samples"].values():
            for region in sample["regions"].values():
                for weights in region["weights"].values():
                    for row in weights["cuts"]:
                        row.pop("efficiency", None)
    assert first == rounded(second)


@given(part=events, cuts=st.lists(st.integers(0, 30), max_size=3), seed=st.integers(0, 5))
@settings(deadline=None, max_examples=60)
def test_parts_add_up_to_the_whole_in_any_order_and_grouping(part: Events, cuts: list[int], seed: int) -> None:
    edges = sorted({0, len(part), *(min(c, len(part)) for c in cuts)})
    pieces = [cutflow(part[a:b], a) for a, b in pairwise(edges)] or [cutflow(part)]
    whole = cutflow(part)
    random.Random(seed).shuffle(pieces)
    left = sum(pieces, Cutflow.empty())
    right = pieces[-1]
    for piece in reversed(pieces[:-1]):
        right = piece + right
    same(left, whole)
    same(right, whole)
    assert left.samples["beam"].coverage == whole.samples["beam"].coverage
    assert left.ledger == right.ledger
    assert left.ledger.check()


@given(a=events, b=events)
@settings(deadline=None, max_examples=30)
def test_the_sum_commutes_and_has_an_identity(a: Events, b: Events) -> None:
    one, two = cutflow(a), cutflow(b, start=len(a))
    assert one + two == two + one
    assert one + Cutflow.empty() == one == Cutflow.empty() + one
    assert sum([one]) == one


def test_the_variance_is_the_sum_of_squares_in_each_variation_by_itself() -> None:
    part: Events = [((2.0, 5.0), (True, True, True)), ((3.0, 7.0), (True, True, False))]
    rows = (cutflow(part[:1]) + cutflow(part[1:], start=1)).samples["beam"].regions["signal"]
    assert rows["nominal"][2].sequential == Tally(2, 5.0, 13.0)
    assert rows["srd_up"][2].sequential == Tally(2, 12.0, 74.0)
    assert rows["nominal"][3].sequential == Tally(1, 2.0, 4.0)
    assert rows["srd_up"][3].only_failed == Tally(1, 7.0, 49.0)


def test_an_empty_batch_changes_nothing() -> None:
    part: Events = [((2.0, 5.0), (True, None, True))]
    one = cutflow(part, provenance={"version": "1"})
    nothing = cutflow([], ledger=Ledger(), regions={})
    assert one + nothing == one
    assert one + cutflow([], ledger=Ledger(), coverage={}) == one


def test_different_samples_stand_side_by_side() -> None:
    part: Events = [((1.0, 1.0), (True, True, True))]
    both = cutflow(part) + cutflow(part, sample="signal", role="signal")
    assert list(both.samples) == ["beam", "signal"]
    assert both.ledger.read == 4


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"analysis": "other"}, "analyses 'demo' and 'other'"),
        ({"cuts_hash": "def"}, r"not the same analysis both times \(abc and def\)"),
        ({"role": "signal"}, "sample beam: .*roles are background and signal"),
        ({"scale": 1.0}, "sample beam: .*scales are 2.0 and 1.0"),
        ({"hidden": True}, "one part is blinded"),
        ({"coverage": {"file": ((0, 2),)}}, "entries 0 to 0 of one file would be counted twice"),
        ({"regions": {}, "coverage": {"file": ((0, 9),)}}, "counted twice"),
    ],
)
def test_what_does_not_belong_together_is_refused(changed: dict[str, Any], message: str) -> None:
    part: Events = [((1.0, 1.0), (True, True, True))]
    other = cutflow(part, **{"start": 1, **changed})
    with pytest.raises(UserError, match=message):
        cutflow(part) + other
    with pytest.raises(UserError):
        other + cutflow(part)


def test_the_refusal_names_the_cut_that_differs() -> None:
    part: Events = [((1.0, 1.0), (True, True, True))]
    regions = count(part)
    rows = regions["signal"]["nominal"]
    moved = {
        "signal": {v: (*rows[:3], replace(rows[3], require="e_miss > 25 GeV")) for v in VARIATIONS},
    }
    with pytest.raises(UserError, match=r"e_miss > 20 GeV.*e_miss > 25 GeV"):
        cutflow(part) + cutflow(part, start=1, regions=moved, cuts_hash="def")
    # also where the two have no sample in common
    with pytest.raises(UserError, match=r"e_miss > 20 GeV.*e_miss > 25 GeV"):
        cutflow(part) + cutflow(part, sample="other", regions=moved, cuts_hash="def")
    shorter = {"signal": dict.fromkeys(VARIATIONS, rows[:3])}
    with pytest.raises(UserError, match="only one of the two has the cut 'e_miss"):
        add_regions(regions, shorter)
    with pytest.raises(UserError, match="weights of region signal are nominal, srd_up and nominal"):
        add_regions(regions, {"signal": {"nominal": rows}})
    with pytest.raises(UserError, match="regions are signal and control"):
        add_regions(regions, {"control": regions["signal"]})


def test_normalisation() -> None:
    part: Events = [((1.0, 1.0), (True, True, True))]
    assert cutflow(part, on_target=1e10).per_on_target("beam") == 20.0
    assert cutflow(part, on_target=1e10).per_on_target("beam", 1e12) == 200.0
    assert cutflow(part, on_target=None).per_on_target("beam") is None
    assert cutflow(part, on_target=0.0).per_on_target("beam") is None
    known, unknown = cutflow(part, on_target=1e10), cutflow(part, start=1, on_target=None)
    assert (known + unknown).samples["beam"].on_target is None
    assert (known + replace_on_target(unknown, 3e10)).samples["beam"].on_target == 4e10


def replace_on_target(cutflow: Cutflow, value: float) -> Cutflow:
    return replace(cutflow, samples={n: replace(s, on_target=value) for n, s in cutflow.samples.items()})


def test_partial_stays_partial() -> None:
    part: Events = [((1.0, 1.0), (True, True, True))]
    assert (cutflow(part, partial=True) + cutflow(part, start=1)).samples["beam"].partial


def test_of_a_blinded_sample_every_number_is_of_what_is_outside() -> None:
    outside: Events = [((1.0, 1.0), (True, True, True))] * 5
    blinded = cutflow(outside, hidden=True, ledger=Ledger(read=10, passed=8, lost={"raw.truncated": 2}))
    seen = cutflow(outside, hidden=True, ledger=Ledger(read=7, passed=5, lost={"raw.truncated": 2}))
    # whether three events or none are inside the box cannot be seen
    assert blinded == seen
    assert blinded.ledger.check().passed == 5


def test_efficiencies_of_counts_and_of_weights() -> None:
    rows = [CutCounts("all", "", Tally(10, 10.0, 10.0)), CutCounts("a", "x", Tally(5, 5.0, 5.0)), CutCounts("b", "y")]
    _, first, second = efficiencies(rows)
    assert first.interval == "clopper-pearson 68.3 %"
    assert (first.relative, first.total) == (0.5, 0.5)
    assert (second.relative, second.relative_low, second.total) == (0.0, 0.0, 0.0)
    assert second.total_high < second.relative_high < 0.4
    heavy = [CutCounts("all", "", Tally(10, 20.0, 50.0)), CutCounts("a", "x", Tally(5, 5.0, 5.0))]
    assert efficiencies(heavy)[1].interval == "wilson effective-n 68.3 %"
    assert efficiencies(heavy)[1].total == 0.25
    nothing = efficiencies([CutCounts("all"), CutCounts("a", "x")])[1]
    assert (nothing.relative, nothing.relative_low, nothing.total, nothing.total_high) == (None,) * 4


def test_a_weight_that_is_not_a_number_does_not_travel() -> None:
    with pytest.raises(UserError, match="not a finite number"):
        Tally(1, math.nan, 1.0)
    with pytest.raises(UserError, match="not a finite number"):
        Tally(1, 1e200, 1.0) + Tally(1, 1e200, math.inf)


def test_cutflows_are_immutable_and_travel_between_processes() -> None:
    one = cutflow([((1.0, 2.0), (True, False, True))], provenance={"version": "1"})
    assert pickle.loads(pickle.dumps(one)) == one
    with pytest.raises(TypeError):
        one.samples["x"] = one.samples["beam"]  # type: ignore[index]
    with pytest.raises(TypeError):
        one.samples["beam"].regions["signal"]["nominal"] = ()  # type: ignore[index]


def test_provenance_of_a_sum_keeps_each_different_part_once() -> None:
    part: Events = [((1.0, 1.0), (True, True, True))]
    a, b, c = (cutflow(part, start=k, provenance={"host": host}) for k, host in enumerate("aba"))
    assert (a + c).provenance == {"host": "a"}
    assert (a + b + c).provenance == (c + (b + a)).provenance == {"merged": [{"host": "a"}, {"host": "b"}]}


def of_process(process: dict[str, Any], start: int) -> Cutflow:
    return Cutflow.single(
        analysis="a",
        cuts_hash="0",
        sample="signal",
        role="signal",
        on_target=1.0,
        scale=1.0,
        partial=False,
        ledger=Ledger(read=1, passed=1),
        regions={},
        coverage={"file": ((start, start + 1),)},
        provenance={},
        process=process,
    )


def test_what_was_simulated_stays_with_the_sample():
    one = {"kind": "signal", "m_phi": 0.3}
    known, unknown = of_process(one, 0), of_process({}, 1)
    for added in (known + unknown, unknown + known):
        assert added.samples["signal"].process == one
        assert Cutflow.from_json(added.to_json()).samples["signal"].process == one
        assert pickle.loads(pickle.dumps(added)).samples["signal"].process == one
    with pytest.raises(UserError, match=r"sample signal: .*two processes were simulated, m_phi is 0.3 and 0.5"):
        known + of_process({"kind": "signal", "m_phi": 0.5}, 1)
