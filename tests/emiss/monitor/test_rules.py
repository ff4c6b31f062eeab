"""The rules of alarms: what is wrong with a file is said with its place, and limits have the unit of their value."""

from __future__ import annotations

import numpy as np
import pytest

from emiss.configs.errors import UserError
from emiss.configs.loader import loads
from emiss.events.table import EventTable
from emiss.monitor import rules
from emiss.monitor.quantities import columns

KNOWN = columns(["A.0.0", "A.0.1", "B.0.0"], [], [])


def rule(text):
    return rules.bind(loads(f"monitor: mine\nalarms:\n  - {{name: one, {text}}}\n", "mine.yaml"), KNOWN)


def table(**given):
    flat = {name: np.full((1, column.size) if column.shape == "fixed" else 1, np.nan) for name, column in KNOWN.items()}
    flat |= {name.replace("__", "."): np.array([value], float) for name, value in given.items()}
    return EventTable(1, flat, {})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("value: spill.evnts, below: 3", "did you mean 'spill.events'"),
        ("value: spill.period, below: 3", "needs a unit"),
        ("value: spill.events", "an alarm needs a limit"),
        ("value: spill.events > 3, below: 3", "a number"),
        ("value: spill.events, below: 3, wen: 'true'", "unknown key 'wen'"),
        ("value: spill.events, below: 3, when: spill.run", "truth|yes or no|condition"),
        ("value: spill.events, below: 3, when: 'channel.gain > 1'", "not of the same things"),
        ("value: spill.events, below: 3, after: 0", "greater than or equal to 1"),
        ("value: 'channel.gain[\\'C.0.0\\']', below: 3", "C.0.0"),
    ],
)
def test_mistakes_have_their_place(text, message):
    with pytest.raises(UserError, match=message) as found:
        rule(text.replace("\\'", "''") if "\\'" in text else text)
    assert str(found.value).startswith("mine.yaml:3:")


def test_a_name_is_there_once():
    text = "monitor: m\nalarms: [{name: a, value: spill.gap, above: 0}, {name: a, value: spill.gap, above: 1}]\n"
    with pytest.raises(UserError, match="there is an alarm 'a' already"):
        rules.bind(loads(text, "m.yaml"), KNOWN)


def test_the_worst_of_all_channels_is_named_where_the_condition_holds():
    found = rule("value: abs(channel.gain - 1), above: 10 percent, when: channel.gain_error < 0.05")
    (alarm,) = found.check(table(channel__gain=[1.2, 0.5, 9.0], channel__gain_error=[0.01, 0.01, 1.0]))
    assert (alarm.element, round(alarm.value), alarm.unit, alarm.others) == ("A.0.1", 50, "percent", 1)
    assert alarm.said == "one of A.0.1, and 1 more: 50 percent, limit: above 10 percent"
    assert found.check(table()) == []  # undefined is no alarm


def test_both_limits_units_and_spills_in_a_row():
    found = rule("value: spill.period, below: 10 s, above: 20 s, after: 2")
    said = [[one.limit for one in found.check(table(spill__period=seconds))] for seconds in (5, 5, 15, 25, 25)]
    assert said == [[], ["below 10 s"], [], [], ["above 20 s"]]


def test_rules_about_what_is_not_there_do_not_apply():
    text = "monitor: m\nalarms: [{name: p, value: plane.hits, below: 1}, {name: c, value: 'cut.share[0]', below: 1}]\n"
    found = rules.bind(loads(text, "m.yaml"), KNOWN)
    assert (found.rules, found.left_out) == ((), ("p", "c"))
    assert rules.load("default", KNOWN).left_out == ("plane",)
