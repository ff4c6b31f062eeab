"""The YAML loader: places, limits, and the messages of a wrong file as a user reads them."""

from __future__ import annotations

import pickle
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emiss.configs import loader
from emiss.configs.errors import UserError, UserErrors
from emiss.configs.schema import Energy, Length, Model


class Plane(Model):
    z: Length
    n: int


class Setup(Model):
    name: str
    energy: Energy = 1.0
    planes: dict[str, Plane]


GOOD = "name: on\nenergy: 20 MeV\nplanes:\n  a: {z: 2 cm, n: 010}\n"


def message(text: str, model: type[Model] = Setup) -> str:
    with pytest.raises(UserError) as caught:
        loader.validate(loader.loads(text, "f.yaml"), model)
    return caught.value.render()


def test_scalars_are_typed_by_the_schema():
    setup = loader.validate(loader.loads(GOOD), Setup)
    assert setup.name == "on"
    assert setup.energy == pytest.approx(0.020)
    assert setup.planes["a"] == Plane(z=20.0, n=10)


def test_every_mistake_with_its_place_and_a_suggestion():
    text = "nam: x\nplanes:\n  a: {z: 2 GeV, n: one}\n  b: {z: 1 m, m: 2}\n"
    assert [line for line in message(text).splitlines() if line[0] != " "] == [
        "f.yaml:1:1: unknown key 'nam' (at /nam); did you mean 'name'?",  # and not also that 'name' is missing
        "f.yaml:3:10: '2 GeV' is in GeV, where a quantity in mm is needed (at /planes/a/z)",
        "f.yaml:3:20: 'one' is no whole number (at /planes/a/n)",
        "f.yaml:4:3: the key 'n' is missing (at /planes/b)",
        "f.yaml:4:15: unknown key 'm' (at /planes/b/m); known: n, z",
    ]
    text = "name: x\nplanes:\n  a: {z: 2 GeV, n: one}\n  b: {z: 1 m}\n"
    assert message(text).splitlines() == [
        "f.yaml:3:10: '2 GeV' is in GeV, where a quantity in mm is needed (at /planes/a/z)",
        "    a: {z: 2 GeV, n: one}",
        "           ^^^^^",
        "f.yaml:3:20: 'one' is no whole number (at /planes/a/n)",
        "    a: {z: 2 GeV, n: one}",
        "                     ^^^",
        "f.yaml:4:3: the key 'n' is missing (at /planes/b)",
        "    b: {z: 1 m}",
        "    ^",
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "cuts:\n  - name: one\n    require count(tracks) == 1\n  - name: two\n",
            "f.yaml:3:5: YAML: ':' is missing behind a key",
        ),
        ("parameters:\n  # low\n  low 3 GeV\n\n  high: 5 GeV\n", "f.yaml:3:3: YAML: ':' is missing behind a key"),
        ("a:\n  b: 5\n\x851\x85", "f.yaml:4:1: YAML: ':' is missing behind a key"),
        ("a: 1\nparameters\n  low: 3 GeV\n", "f.yaml:2:1: YAML: ':' is missing behind a key"),
        ("a: 1\ntitle: foo: bar\n", "f.yaml:2:11: YAML: a second ':' in one line; put the value into quotes"),
    ],
)
def test_a_colon_that_is_missing_is_told_where_it_is_missing(text, says):
    with pytest.raises(UserError) as caught:
        loader.loads(text, "f.yaml")
    assert str(caught.value).startswith(says)


def test_what_there_is_none_of_is_said_in_words():
    from emiss.configs.errors import did_you_mean

    assert did_you_mean("a", [], otherwise="names are") == "there are none"
    for kind, said in (
        ("analyses", "no analysis 'nope'"),
        ("runs", "no run list 'nope'"),
        ("calib", "no conditions 'nope'"),
    ):
        with pytest.raises(UserError, match=said):
            loader.find(kind, "nope")


class Choice(Model):
    part: Plane | str = "x"
    many: tuple[Plane, ...] = ()
    on: bool = True


def test_what_kind_of_value_is_needed_in_words_of_yaml():
    text = "part: {z: 1 GeV, n: 1}\nmany: {a: b}\non: perhaps\n"
    said = [line for line in message(text, Choice).splitlines() if line[0] != " "]
    assert said == [
        "f.yaml:1:11: '1 GeV' is in GeV, where a quantity in mm is needed (at /part/z)",  # and not that it is no text
        "f.yaml:2:7: a mapping is no list (at /many)",
        "f.yaml:3:5: 'perhaps' is no yes or no (write true or false) (at /on)",
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: {require: atan2(y, x) < 1}", "f.yaml:1:23: YAML has split an expression at a comma; quote the expression"),
        ("a: !!python/object/apply:os.system ['true']", "the YAML tag"),
        ("a: 1\na: 2", "f.yaml:2:1: the key 'a' is given twice"),
        ("a: &x [*x]", "names an anchor that is not complete"),
        ("a: &x {b: 1}\nc: {<<: *x}", "merge keys"),
        ("a: 1\n---\nb: 2", "a second YAML document"),
        ("- " * 100 + "a", "nested deeper than 40"),
        ("a: [", "f.yaml:2:1: YAML: did not find expected node content".replace("2:1", "1:5")),
        ("a:\n\tb: 1", "indent with spaces"),
        ("? [1, 2]\n: 3", "a key must be a plain text"),
        ("- a", "a mapping of keys and values"),
    ],
)
def test_refused(text, says):
    got = message(text)
    if says.startswith("f.yaml:1:5"):
        assert "YAML: did not find expected node content" in got
    else:
        assert says in got


def test_a_bomb_is_refused_at_once():
    bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
    bomb += "".join(f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 12))
    begun = time.process_time()
    with pytest.raises(UserError, match="more than 100000 nodes"):
        loader.loads(bomb)
    assert time.process_time() - begun < 5


@pytest.mark.parametrize("style", ["plain", "quoted", "folded", "literal"])
def test_a_place_inside_an_expression(style):
    text = {
        "plain": "cut:\n  require: x > 1 and yy < 2\n",
        "quoted": "cut: {require: 'x > 1 and yy < 2'}\n",
        "folded": "cut:\n  require: >\n    x > 1 and\n    yy < 2\n",
        "literal": "cut:\n  require: |\n    x > 1 and\n    yy < 2\n",
    }[style]
    document = loader.loads(text, "f.yaml")
    value = document.data["cut"]["require"]
    error = document.error("bad", ("cut", "require"), offset=value.index("yy"), length=2)
    line, under = error.render().splitlines()[1:]
    assert line[under.index("^") : under.rindex("^") + 1] == "yy"


def test_errors_travel_between_processes():
    with pytest.raises(UserErrors) as caught:
        loader.validate(loader.loads("planes: {a: {z: 1, n: b}}\nname: x", "f.yaml"), Setup)
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
    assert again.errors[0].at == caught.value.errors[0].at


def test_a_missing_file_and_an_unknown_name(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        loader.load(tmp_path / "none.yaml")
    with pytest.raises(UserError, match="did you mean 'na64e_lfc'"):
        loader.find("detectors", "na64e_lfd")


@given(st.text(max_size=60))
def test_any_text_is_data_or_a_message(text):
    try:
        document = loader.loads(text)
    except UserError:
        return
    assert 1 <= document.locate().line <= text.count("\n") + 1


def test_a_folder_does_not_shadow_what_ships_under_its_bare_name(tmp_path, monkeypatch):
    own = tmp_path / "demo"
    own.mkdir()
    (own / "notes.txt").write_text("output of a job")
    monkeypatch.chdir(tmp_path)
    assert loader.find("calib", "demo") == loader.SHIPPED / "calib" / "demo"
    assert loader.find("calib", "demo", near=tmp_path) == loader.SHIPPED / "calib" / "demo"
    assert loader.find("calib", "./demo").resolve() == own
    assert loader.find("calib", own) == own
    (tmp_path / "na64e_lfc").mkdir()
    (tmp_path / "na64e_lfc" / "detector.yaml").write_text("{}")
    assert loader.find("detectors", "na64e_lfc").is_relative_to(loader.SHIPPED)
    assert loader.find("detectors", "./na64e_lfc").resolve() == tmp_path / "na64e_lfc" / "detector.yaml"
