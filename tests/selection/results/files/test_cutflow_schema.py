"""The JSON schema that ships is that of the files that are written."""

from __future__ import annotations

import json
from importlib import resources
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from hypothesis import given, settings

from tests.selection.results.files.test_cutflow import cutflows

if TYPE_CHECKING:
    from emiss.selection.results.cutflow import Cutflow

FILES = resources.files("emiss.selection.results.files")
SCHEMA = json.loads(FILES.joinpath("cutflow.schema.json").read_text(encoding="utf-8"))
CHECK = jsonschema.Draft202012Validator(SCHEMA)


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@given(cutflow=cutflows)
@settings(deadline=None, max_examples=15)
def test_what_is_written_is_of_the_schema(cutflow: Cutflow) -> None:
    CHECK.validate(json.loads(json.dumps(cutflow.to_json())))


def test_the_cutflow_of_a_run_file_is_of_the_schema(run_files, tmp_path):
    """With losses, regions and a blind box of a real analysis."""
    import emiss

    path = tmp_path / "cutflow.json"
    emiss.run(emiss.process(emiss.open(run_files["signal.dat"])), emiss.load("e_to_mu_phi")).cutflow.save(path)
    data = json.loads(path.read_text())
    assert len(data["samples"]) == 1
    CHECK.validate(data)


def broken(data: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Copies of a file, each with one thing wrong."""
    text = json.dumps(data)
    made = []

    def add(what: str, change: Any) -> None:
        copy = json.loads(text)
        sample = next(iter(copy["samples"].values()))
        cuts = sample["regions"]["signal"]["weights"]["nominal"]["cuts"]
        change(copy, sample, cuts)
        made.append((what, copy))

    add("another schema", lambda copy, *_: copy.update(schema="emiss.cutflow/2"))
    add("a key more", lambda copy, *_: copy.update(more=1))
    add("a key more in a row", lambda *parts: parts[2][1].update(more=1))
    add("a key more in a tally", lambda *parts: parts[2][1]["n_minus_1"].update(more=1))
    add("a row without its efficiency", lambda *parts: parts[2][1].pop("efficiency"))
    add("a row without its sum", lambda *parts: parts[2][0].pop("sum_w2"))
    add("a negative count", lambda *parts: parts[2][0].update(n=-1))
    add("a role that is none", lambda *parts: parts[1].update(role="noise"))
    add("a ledger without a bin", lambda *parts: parts[1]["ledger"].pop("excluded"))
    return made


def test_what_is_wrong_is_not_of_the_schema(make_cutflow):
    data = make_cutflow("beam", (1000, 120, 0, 0), undefined=2).to_json()
    CHECK.validate(data)
    for what, copy in broken(data):
        with pytest.raises(jsonschema.ValidationError):
            CHECK.validate(copy)
            pytest.fail(what)
