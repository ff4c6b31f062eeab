"""Conditions that no value can fulfil, and elements that no event has, are refused before an event is read."""

from __future__ import annotations

import pytest

from emiss import selection
from emiss.configs.errors import UserError
from emiss.events.columns import Column

COLUMNS = {
    "e": Column("e", unit="GeV"),
    "x": Column("x"),
    "hcal.energy": Column("hcal.energy", unit="GeV", shape="fixed", size=3),
    "hits.u": Column("hits.u", shape="list"),
}
HEAD = """
parameters: {low: 6 MeV, high: 16 MeV, window: [6 MeV, 16 MeV], wrong: [16 MeV, 6 MeV]}
define: {floor: 0.5 * high, ceiling: 6 MeV}
"""


def bind(require: str, **values: str) -> None:
    text = HEAD + f'cuts: [{{name: c, require: "{require}"}}]\n'
    selection.bind(selection.loads(text, values), COLUMNS)


@pytest.mark.parametrize(
    "require",
    [
        "16 MeV < e < 6 MeV",
        "6 MeV > e > 16 MeV",
        "16 MeV <= e <= 0.006 GeV",
        "wrong[0] < e < wrong[1]",
        "high < e < low",
        "floor < e < ceiling",
        "e > 16 MeV and e < 6 MeV",
        "e > 16 MeV and x > 3 and e < 6 MeV",
        "all(16 MeV < hcal.energy < 6 MeV)",
        "any(hcal.energy > 16 MeV and hcal.energy < 6 MeV)",
        "x > 3 or not (wrong[0] < e < wrong[1])",
        "16 MeV < sum(hcal.energy) < 6 MeV",
        "3 < x < 3",
        "3 <= x < 3",
        "x > 5 and (x < 9 and x < 4)",
    ],
)
def test_a_window_that_is_always_empty_is_refused(require: str) -> None:
    with pytest.raises(UserError, match="is never true: nothing is above"):
        bind(require)


@pytest.mark.parametrize(
    "require",
    [
        "6 MeV < e < 16 MeV",
        "window[0] < e < window[1]",
        "3 <= x <= 3",
        "x < 3 or x > 5",
        "e > 16 MeV and sum(hcal.energy) < 6 MeV",
        "any(hcal.energy > 16 MeV) and any(hcal.energy < 6 MeV)",
        "low < e < x * high",
        "x > 3 and x != 4 and x < 1 / 0",
    ],
)
def test_a_window_that_may_hold_something_is_not(require: str) -> None:
    bind(require)


def test_set_is_looked_at_too() -> None:
    with pytest.raises(
        UserError, match=r"nothing is above 0.03 GeV and below 0.016 GeV .*; the lower limit comes first"
    ):
        bind("window[0] < e < window[1]", window="[30 MeV, 16 MeV]")
    with pytest.raises(UserError, match="low is above high"):
        bind("clip(e, high, low) > 0")
    bind("clip(e, low, high) > 0")


@pytest.mark.parametrize(
    ("require", "element"),
    [("hcal.energy[7] > 0", 7), ("hcal.energy[-4] > 0", -4), ("sort(hcal.energy, -hcal.energy)[3] > 0", 3)],
)
def test_an_element_that_a_fixed_array_never_has_is_refused(require: str, element: int) -> None:
    with pytest.raises(UserError, match=rf"has 3 elements, there is no \[{element}\] .*; they are counted from 0 to 2"):
        bind(require)


def test_elements_that_may_be_there_are_not() -> None:
    for require in ("hcal.energy[2] > 0", "hcal.energy[-3] > 0", "hits.u[7] > 0", "sort(hits.u, hits.u)[7] > 0"):
        bind(require)


def test_an_element_of_filtered_rows_may_be_missing() -> None:
    text = "objects: {hot: {from: hcal, where: energy > 1 GeV}}\n"
    text += "cuts: [{name: c, require: 'hot.energy[2] > 0 and hot.energy[9] > 0'}]\n"
    selection.bind(selection.loads(text), COLUMNS)
