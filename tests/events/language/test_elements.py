"""Elements by their names: the same as by their numbers, and what is said of names that there are not."""

from __future__ import annotations

import pytest

from emiss import selection
from emiss.configs.errors import UserError
from emiss.events.columns import Column
from emiss.events.language.meaning.scope import Scope
from emiss.events.language.running.program import Program
from emiss.events.language.syntax.parser import parse

NAMES = ("HCAL0", "HCAL1", "HCAL2")
COLUMNS = {
    "hcal.energy": Column("hcal.energy", unit="GeV", shape="fixed", size=3, elements=NAMES),
    "hcal.time": Column("hcal.time", unit="ns", shape="fixed", size=3, elements=NAMES),
    "plain.energy": Column("plain.energy", unit="GeV", shape="fixed", size=3),
    "ecal.energy": Column("ecal.energy", unit="GeV"),
    "tracks.p": Column("tracks.p", unit="GeV", shape="list"),
}
HEAD = "parameters: {window: [1 GeV, 2 GeV]}\ndefine: {mine: hcal.energy}\n"


@pytest.mark.parametrize(("name", "number"), [("HCAL0", 0), ("HCAL1", 1), ("HCAL2", 2)])
def test_a_name_is_a_number(name, number):
    scope = Scope(Program(), COLUMNS, {}, {}, {}, {})

    def node(text):
        from emiss.events.language.meaning.check import Checker

        return Checker(text, scope).value(parse(text))

    assert node(f"hcal.energy['{name}']") is node(f"hcal.energy[{number}]")
    assert node(f"(2 * hcal.time)['{name}']") is node(f"(2 * hcal.time)[{number}]")


@pytest.mark.parametrize(
    ("require", "said"),
    [
        ("hcal.energy['HCAL3'] > 1 GeV", "'hcal.energy' has no element 'HCAL3'.*did you mean 'HCAL2'"),
        ("mine['other'] > 1 GeV", "'mine' has no element 'other'.*its elements are: HCAL0, HCAL1, HCAL2"),
        ("hcal.energy[HCAL2] > 1 GeV", r"'HCAL2' is the name of an element.*write hcal.energy\['HCAL2'\]"),
        ("plain.energy['HCAL2'] > 1 GeV", "the elements of 'plain.energy' have no names.*they are counted from 0"),
        ("tracks.p['one'] > 1 GeV", "the elements of 'tracks.p' have no names"),
        ("hcal['HCAL2'] > 1 GeV", r"'hcal' is a collection.*e.g. 'hcal.energy\['HCAL2'\]'"),
        ("ecal.energy['HCAL2'] > 1 GeV", r"'ecal.energy' is one value, it has no element \['HCAL2'\]"),
        ("window['low'] < ecal.energy", "the values of the parameter 'window' have no names"),
    ],
)
def test_what_has_no_such_name_is_refused_at_its_place(require, said):
    with pytest.raises(UserError, match=said) as told:
        selection.bind(selection.loads(f'{HEAD}cuts: [{{name: c, require: "{require}"}}]\n'), COLUMNS)
    assert (told.value.at.line, told.value.at.column > 20) == (3, True)
