"""Models whose values know where they stand: what they take, the places of what they hold, and two laid over each other."""

from __future__ import annotations

import pickle

import pytest
from pydantic import Field

from emiss.configs import loader
from emiss.configs.errors import UserError
from emiss.configs.place import Placed, Text, Texts, overlay, placed, texts_of


class Inner(Placed):
    where: Text | None = None
    on: bool = False
    size: int | list[int] = 1


class Outer(Placed):
    from_: Texts | None = Field(default=None, alias="from")
    named: dict[str, Text] = Field(default_factory=dict)
    inner: dict[str, Inner | None] = Field(default_factory=dict)
    listed: list[Inner] | None = None
    plain: str = ""


TEXT = """plain: words
from: [a, 'b']
named: {x: 1 > 0}
inner:
  one: {where: p > 1, on: yes, size: [1, 2]}
  two:
listed:
  - where: z
    on:
"""


def read(text: str, name: str = "f.yaml") -> Outer:
    return loader.validate(loader.loads(text, name), Outer)


def spot(text: Text) -> str:
    return str(text.place.document.locate(text.place.path))


def test_texts_keep_their_places_and_other_types_are_as_ever():
    made = read(TEXT.replace("    on:\n", ""))
    assert type(made.plain) is str
    assert made.plain == "words"
    assert [text.value for text in made.from_] == ["a", "b"]
    assert [spot(text) for text in made.from_] == ["f.yaml:2:8", "f.yaml:2:12"]
    assert spot(made.named["x"]) == "f.yaml:3:12"
    one = made.inner["one"]
    assert (one.where.value, one.on, one.size) == ("p > 1", True, [1, 2])
    assert one.place.path == ("inner", "one")
    assert str(one.at("size", 1).error("here").at) == "f.yaml:5:42"
    assert one.given == ("where", "on", "size")
    assert made.inner["two"] is None
    assert made.given == ("plain", "from", "named", "inner", "listed")


def test_one_text_stands_for_a_list_of_one():
    single, several = read("from: a").from_, read("from: [a]").from_
    assert [text.value for text in single] == [text.value for text in several] == ["a"]
    assert not single.several
    assert several.several


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("from: {a: b}", "f.yaml:1:7: a mapping is no text (at /from)"),
        ("from: [a, [b]]", "f.yaml:1:11: a list is no text (at /from/1)"),
        ("named: {x: [1]}", "f.yaml:1:12: a list is no text (at /named/x)"),
        ("named: {x: }", "f.yaml:1:12: nothing is no text (at /named/x)"),
        ("listed: [{on: perhaps}]", "f.yaml:1:15: 'perhaps' is no yes or no (write true or false) (at /listed/0/on)"),
        ("listed: [{wher: x}]", "f.yaml:1:11: unknown key 'wher' (at /listed/0/wher); did you mean 'where'?"),
    ],
)
def test_mistakes_are_told_at_their_places(text: str, message: str):
    with pytest.raises(UserError) as caught:
        read(text)
    assert str(caught.value) == message


def test_models_are_laid_over_each_other_key_by_key():
    parent = read("{from: [a, b], named: {x: '1', y: '2'}, inner: {i: {where: p}, j: {where: q}}}", "parent.yaml")
    child = read("{named: {y: '3', z: '4'}, inner: {i: {on: true}, j: }, listed: []}", "child.yaml")
    both = overlay(parent, child)
    assert {key: (text.value, text.place.document.name) for key, text in both.named.items()} == {
        "x": ("1", "parent.yaml"),
        "y": ("3", "child.yaml"),
        "z": ("4", "child.yaml"),
    }
    assert both.inner["i"].where.value == "p"
    assert both.inner["i"].on
    assert both.inner["j"].where.value == "q"
    assert both.from_ == parent.from_
    assert both.listed == []
    assert both.place.document.name == "child.yaml"
    assert overlay(parent, read("{}")).named == parent.named


@pytest.mark.parametrize(("text", "values"), [("3 GeV", ["3 GeV"]), ("[1, 2]", ["1", "2"]), ("[]", [])])
def test_data_that_are_texts(text: str, values: list[str]):
    assert [one.value for one in texts_of(placed(loader.loads(text)))] == values


@pytest.mark.parametrize("text", ["{a: b}", "[a, [b]]", "[a, ~]", ""])
def test_data_that_are_no_texts(text: str):
    assert texts_of(placed(loader.loads(text))) is None


def test_models_with_places_go_to_other_processes():
    made = read("{from: a, inner: {i: {where: p}}}")
    again = pickle.loads(pickle.dumps(made))
    assert spot(again.inner["i"].where) == spot(made.inner["i"].where)
    assert again.inner["i"].given == ("where",)
