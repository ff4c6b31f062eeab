"""``emiss new``: first files pass the check, and schemas that editors use are those of the models."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
import yaml

from emiss.new import json_schemas

CONFIGS = Path(__file__).parents[3] / "configs"
FOLDERS = {
    "analysis": "analyses",
    "budget": "backgrounds",
    "detector": "detectors",
    "map": "readers",
    "monitor": "monitors",
    "periods": "periods",
    "runs": "runs",
    "sample": "samples",
    "search": "searches",
}


@pytest.fixture(scope="module", params=FOLDERS)
def kind(request) -> str:
    return request.param


def test_the_schemas_that_ship_are_those_of_the_models(kind):
    assert json_schemas.shipped(kind).read_text(encoding="utf-8") == json_schemas.text(kind), (
        "run python -m emiss.new.json_schemas"
    )


def test_every_file_that_ships_is_of_its_schema(kind):
    validator = jsonschema.Draft202012Validator(json_schemas.made(kind))
    files = sorted((CONFIGS / FOLDERS[kind]).rglob("*.yaml"))
    assert files
    for path in files:
        assert not list(validator.iter_errors(yaml.safe_load(path.read_text(encoding="utf-8")))), path


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("analysis", "analysis: a\ncut: []"),
        ("analysis", "cuts: [{nam: a, require: b}]"),
        ("analysis", "parameters: {a: {b: 1}}"),
        ("budget", "budget: b\nentries: {a: {events: 1}}\nnumbers: [1]"),
        ("figure", "figure: f\npanels: [{result: out, plott: ecal.energy}]"),
        ("map", "reader: m"),
        ("detector", "extends: na64e_2023\nparts: {srd: {elments: {}}}"),
        ("detector", "name: a\nparts: {srd: {kind: modles}}"),
        ("monitor", "monitor: m\nalarms: [{name: a, value: b, bellow: 1}]"),
        ("periods", "programme: p"),
        ("search", "search: s\ntitle: t\nsetup: na64e_2023\ncases: {}\nanalysis: a\nperiods: p\nplane: {}"),
        ("runs", "analysis: a\nsamples: {s: {role: sgnal, files: [f]}}"),
    ],
)
def test_a_schema_finds_what_is_wrong(kind, text):
    validator = jsonschema.Draft202012Validator(json_schemas.made(kind))
    assert list(validator.iter_errors(yaml.safe_load(text)))


def test_every_kind_has_a_schema_that_ships():
    assert {path.stem for path in json_schemas.FOLDER.glob("*.json")} == set(json_schemas.models())
    for kind in json_schemas.models():
        assert json_schemas.shipped(kind).read_text(encoding="utf-8") == json_schemas.text(kind)


def test_the_figure_of_the_docs_is_of_its_schema():
    text = (CONFIGS.parent / "docs" / "plot.md").read_text(encoding="utf-8")
    begin = text.index("figure: ")
    jsonschema.validate(yaml.safe_load(text[begin : text.index("```", begin)]), json_schemas.made("figure"))


@pytest.mark.parametrize("kind", ["analysis", "map", "runs"])
def test_a_first_file_passes_the_check(cli, tmp_path, kind):
    path = tmp_path / "mine"
    done = cli("new", kind, path)
    assert done.code == 0, done.err
    file = path.with_suffix(".yaml")
    assert f"emiss check {file}" in done.out
    text = file.read_text(encoding="utf-8")
    first = text.splitlines()[0]
    assert first == f"# yaml-language-server: $schema={json_schemas.shipped(kind).as_uri()}"
    jsonschema.validate(yaml.safe_load(text), json_schemas.made(kind))
    assert cli("check", file).code == 0
    again = cli("new", kind, file)
    assert again.code == 2
    assert "is there already" in again.err
    assert file.read_text(encoding="utf-8") == text


def test_a_run_list_of_given_files(cli, tmp_path):
    data = Path(__file__).parents[3] / "samples" / "data"
    (tmp_path / "run 1.dat").write_bytes((data / "beam.dat").read_bytes())
    done = cli("new", "runs", tmp_path / "r", tmp_path / "run 1.dat", data / "signal.dat")
    assert done.code == 0, done.err
    samples = yaml.safe_load((tmp_path / "r.yaml").read_text(encoding="utf-8"))["samples"]
    assert samples["run_1"] == {"role": "data", "files": ["run 1.dat"]}
    assert samples["signal"]["files"] == [str(data / "signal.dat")]
    checked = cli("check", tmp_path / "r.yaml")
    assert checked.code == 0, checked.err


def test_a_set_up_and_names_that_cannot_be(cli, tmp_path):
    assert cli("new", "setup", tmp_path / "mine").code == 0
    assert (tmp_path / "mine" / "detector.yaml").is_file()
    for name, said in (("a.txt", "ends in .yaml"), ("a b.yaml", "is no name")):
        done = cli("new", "analysis", tmp_path / name)
        assert done.code == 2
        assert said in done.err
