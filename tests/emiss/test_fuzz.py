"""A few cases of the fuzzer of commands."""

from __future__ import annotations

from tests.emiss import fuzz


def test_damaged_tables_and_configs_are_a_message_or_an_answer():
    outcomes = fuzz.run(60)
    assert sum(outcomes.values()) == 60
    assert {outcome.partition(":")[2] for outcome in outcomes} >= {" message", " good"}
