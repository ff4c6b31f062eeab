"""A slice of the fuzzer; ``python -m tests.selection.fuzz 10000`` runs more."""

from __future__ import annotations

from tests.selection import fuzz


def test_a_message_or_a_right_answer(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    outcomes = fuzz.run(600, seed=7)
    assert outcomes["expression_case: right"] > 30
    assert outcomes["expression_case: message"] > 200
    assert not list(tmp_path.iterdir())
