"""Mistakes behind mistakes: what is misspelt is read as what it was meant to be, and told again where that is wrong, too."""

from __future__ import annotations

import pytest

from emiss.configs.errors import Problems, UserError
from emiss.configs.loader import loads
from emiss.selection.analysis.read import survey
from emiss.selection.analysis.repair import read_past

TEXT = """histograms:
  - {name: [a], of: x}
  - {name: b, of: x, bns: [[1]], from: 0, to: 1}
  - {name: c, of: x, bns: 7, from: 0, to: 1}
cuts:
  - {name: [a], require: x > 1}
  - {name: one, requre: [x]}
  - {name: two, require: x > 2}
"""


def told(text: str) -> list[str]:
    _, problems = survey(loads(text, "cuts.yaml"))
    return [str(error) for error in problems.errors]


def test_what_is_behind_a_misspelt_key_is_told_at_its_place():
    assert told(TEXT) == [
        "cuts.yaml:2:12: a list is no text (at /histograms/0/name)",
        "cuts.yaml:3:22: unknown key 'bns' (at /histograms/1/bns); did you mean 'bins'?",
        "cuts.yaml:4:22: unknown key 'bns' (at /histograms/2/bns); did you mean 'bins'?",
        "cuts.yaml:6:12: a list is no text (at /cuts/0/name)",
        "cuts.yaml:7:17: unknown key 'requre' (at /cuts/1/requre); did you mean 'require'?",
        "cuts.yaml:3:28: a list is no whole number (at /histograms/1/bins/0)",
        "cuts.yaml:7:25: a list is no text (at /cuts/1/require)",
    ]


def test_what_is_left_keeps_its_place():
    model, missing = read_past(loads(TEXT, "cuts.yaml"), Problems())
    assert [item.place.path for item in model.histograms] == [("histograms", 2)]
    assert [(cut.name.value, cut.place.path) for cut in model.cuts] == [("one", ("cuts", 1)), ("two", ("cuts", 2))]
    assert model.histograms[0].bins == 7
    assert not missing


@pytest.mark.parametrize("text", ["variatons: 1\ncuts: 2", "cuts: 2"])
def test_a_section_of_another_kind_ends_the_reading(text: str):
    with pytest.raises(UserError):
        read_past(loads(text), Problems())


def test_a_misspelt_section_of_another_kind_does_not():
    model, _ = read_past(loads("defin: 1\ncuts: [{name: a, require: x > 1}]"), problems := Problems())
    assert [error.message for error in problems.errors] == [
        "unknown key 'defin'",
        "'1' is no mapping of keys and values",
    ]
    assert [cut.name.value for cut in model.cuts] == ["a"]


def test_what_is_left_out_is_known_by_name():
    _, missing = read_past(loads("parameters: {a: {b: c}, d: 1}\nobjects: {o: [x]}"), Problems())
    assert missing == {"a", "o"}
