"""A search beside its published numbers: the files that ship, what is compared, what is written and refused."""

from __future__ import annotations

import json
import re

import pytest

from emiss.configs.errors import UserError
from emiss.configs.loader import shipped
from emiss.programme.counted import background_of
from emiss.programme.search_file import load_search
from emiss.selection.results.cutflow import Cutflow
from emiss.validate.checks import Check, load_checks
from emiss.validate.search import plan_search

ETA = {"quantity": "low", "case": "eta", "mass": "547.862 MeV", "source": "a test"}
NUMBERS = {
    "validation": "hadron",
    "checks": [
        {**ETA, "what": "eta alone", "efficiency": 1, "published": 12.2e-5, "tolerance": 0.05},
        {**ETA, "what": "far off", "efficiency": 1, "published": 1, "factor": 2},
        {**ETA, "what": "half", "efficiency": 0.5, "published": 24.4e-5, "tolerance": 0.05},
        {**ETA, "what": "itself", "over": {"case": "eta"}, "efficiency": 1, "published": 1, "factor": 1.001},
        {**ETA, "what": "what passes", "quantity": "efficiency", "published": 0.5},
    ],
    "unknown": "all else",
}


def test_every_search_has_a_file_of_numbers_that_fits_it():
    assert shipped("validations") == shipped("searches")
    for name in shipped("validations"):
        found = load_checks(name, load_search(name))
        assert found.validation == name
        assert found.checks or found.unknown
        assert all(one.source for one in found.checks)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The files that the command writes, of few events."""
    from typer.testing import CliRunner

    from emiss.commands.app import app

    folder = tmp_path_factory.mktemp("validation")
    (folder / "numbers.yaml").write_text(json.dumps(NUMBERS), encoding="utf-8")
    arguments = ["--checks", folder / "numbers.yaml", "--events", "60", "--executor", "serial", "--out", folder / "out"]
    done = CliRunner().invoke(app, ["validate", "hadron", *map(str, arguments)])
    assert done.exit_code == 0, done.output
    return done.output, folder / "out"


def test_ours_is_beside_the_published_number(made):
    said, out = made
    data = json.loads((out / "validation.json").read_text(encoding="utf-8"))
    by_name = {one["what"]: one for one in data["checks"]}
    assert data["schema"] == "emiss.validation/1"
    assert [one["agrees"] for one in data["checks"]] == [True, False, True, True, None]
    assert by_name["half"]["ours"] == pytest.approx(2.0 * by_name["eta alone"]["ours"], rel=1e-3)
    assert by_name["itself"]["ours"] == pytest.approx(1.0)
    assert by_name["far off"]["ratio"] == by_name["far off"]["ours"]
    assert "agrees" in said
    assert "differs" in said
    assert "not to be compared: all else" in said


def test_the_efficiency_is_that_of_the_cutflow(made):
    _, out = made
    data = json.loads((out / "validation.json").read_text(encoding="utf-8"))
    rows = Cutflow.load(out / "na64h_2022" / "cutflow.json").samples["X_eta"].regions["nominal"]["nominal"]
    share = rows[-1].sequential.n / rows[0].sequential.n
    assert data["checks"][-1]["ours"] == pytest.approx(share)


def test_the_page_needs_nothing_else(made):
    page = (made[1] / "validation.html").read_text(encoding="utf-8")
    assert "<svg" in page
    assert not re.search(r'(?:src|href)="(?!#)|<script|\bnan\b', page)
    assert "eta alone" in page


def test_masses_of_checks_with_simulated_efficiencies_are_simulated():
    search = load_search("invisible")
    left = background_of(search, "")
    checks = load_checks("invisible", search)
    extra = checks.checks[2].model_copy(update={"mass": 0.02})
    more = checks.model_copy(update={"checks": (*checks.checks, extra)})
    simulated = {0.01, 0.01053, 0.1, 0.1013, 0.2373, 0.31}
    for numbers, expected in ((checks, simulated), (more, simulated | {0.02})):
        _, parts = plan_search(search, left, numbers, {"signal": 10, "": 10})
        assert {mass for _, mass in parts[0].wanted} == expected


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"quantity": "low"}, "'low' needs 'mass'"),
        ({"quantity": "closing", "mass": "1 MeV"}, "'closing' needs 'masses'"),
        ({"quantity": "low", "mass": "1 MeV", "tolerance": "0.1", "factor": "2"}, "both say what is tolerated"),
        ({"quantity": "low", "mass": "1 MeV", "periods": "a", "on_target": "1e9"}, "both say the exposure"),
    ],
)
def test_a_check_is_whole(given, said):
    with pytest.raises(ValueError, match=said):
        Check.model_validate({"what": "x", "published": "1", "source": "a test", **given})


def test_a_case_that_is_none_is_told_with_its_place(tmp_path):
    path = tmp_path / "numbers.yaml"
    path.write_text(json.dumps({**NUMBERS, "checks": [{**NUMBERS["checks"][0], "case": "etaprime"}]}), encoding="utf-8")
    with pytest.raises(UserError, match="'hadron' has no case 'etaprime'") as error:
        load_checks(path, load_search("hadron"))
    assert "numbers.yaml" in error.value.render()


def test_what_is_no_search_is_told(cli):
    done = cli("validate", "hardon", "--quick")
    assert done.code == 2
    assert "hadron" in done.err
