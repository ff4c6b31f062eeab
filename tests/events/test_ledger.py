"""The ledger: sums, the sum rule, and the text form."""

from __future__ import annotations

import json
import pickle
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emiss.events.ledger import Damage, Ledger, total

bins = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.integers(0, 50))


@st.composite
def ledgers(draw: st.DrawFn) -> Ledger:
    passed = draw(st.integers(0, 100))
    parts = [draw(bins) for _ in range(3)]
    damage = {name: Damage(n + 1, n) for name, n in draw(bins).items()}
    read = passed + sum(sum(part.values()) for part in parts)
    beside = {"missing": draw(bins), "remarks": draw(bins), "unusable": draw(st.integers(0, passed))}
    return Ledger(read, passed, *parts, damage=damage, bytes_skipped=draw(st.integers(0, 9)), **beside)


@given(ledgers(), ledgers(), ledgers())
def test_adding_is_associative_commutative_and_has_an_identity(a, b, c):
    assert (a + b) + c == a + (b + c)
    assert a + b == b + a
    assert a + Ledger() == a
    assert total([a, b, c]).check().read == a.read + b.read + c.read


@given(ledgers())
def test_round_trips(a):
    assert Ledger.from_json(json.loads(json.dumps(a.to_json()))) == a
    assert pickle.loads(pickle.dumps(a)) == a


def test_the_sum_rule_is_checked():
    with pytest.raises(AssertionError, match="does not add up"):
        Ledger(read=3, passed=1, lost={"raw.truncated": 1}).check()


def test_bad_fraction():
    assert Ledger().bad_fraction == 0.0
    assert Ledger(10, 8, lost={"x": 2}).bad_fraction == pytest.approx(0.2)
    assert Ledger(10, 0, not_physics={"start_of_run": 10}).bad_fraction == 0.0
    assert Ledger(10, 8, lost={"x": 2}, missing={"y": 10}).bad_fraction == pytest.approx(12 / 20)
    assert Ledger(10, 10, unusable=3).bad_fraction == pytest.approx(0.3)
    assert Ledger(1, 0, lost={"x": 1}).bad_fraction == 1.0
    assert Ledger(2, 2, remarks={"z": 2}).bad_fraction == 0.0


@given(ledgers(), st.integers(0, 120), st.lists(st.integers(0, 120), max_size=5))
def test_the_parts_of_rows_add_up_to_the_whole(whole, size, cuts):
    edges = [0, *sorted(min(cut, size) for cut in cuts), size]
    parts = [whole.of_rows(a, b, size) for a, b in pairwise(edges)]
    if size:  # all parts of an empty table hold its first row
        assert total(parts) == whole
    for (a, b), part in zip(pairwise(edges), parts, strict=True):
        if whole.passed >= size:
            part.check()
            assert a == 0 or part == Ledger(read=b - a, passed=b - a)


@given(ledgers())
def test_the_bad_fraction_is_one(a):
    assert 0.0 <= a.bad_fraction <= 1.0
