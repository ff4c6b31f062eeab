"""Limits for other programs: workspaces of which pyhf has the same limit, submissions that HEPData's validator takes."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pyhf
import pytest
import yaml

from emiss.configs.errors import UserError
from emiss.physics.limits import Correlations
from emiss.programme import exports
from emiss.programme.counted import Asked, Left, periods_of
from emiss.programme.mass_limit import How
from emiss.programme.result import SearchLimit
from emiss.programme.run import Limiting, flat, limits
from emiss.programme.search_file import load_search

pytestmark = [  # of pyhf and of the validator
    pytest.mark.filterwarnings("ignore:jsonschema:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def made(search, background, *, masses, asked=None, correlations=None, method="auto"):
    left = Left(background, 0.01, "test")
    periods = periods_of(search, asked or Asked(on_target=1e11), left)
    plane = search.plane
    how = How(plane.low, plane.high, plane.reference, method=method, correlations=correlations)
    work = Limiting(search, tuple(periods), how)
    case = next(iter(search.cases))
    points = limits(work, {(case, mass): flat(search, case, periods, 0.5) for mass in masses})
    return SearchLimit(search, periods, left, how, points, [], "flat")


@pytest.fixture(scope="module")
def alps():
    return load_search("alp")


def test_pyhf_has_the_same_limit_where_asymptotics_hold():
    asked = Asked(on_target=1e11, observed=(1040,), efficiency_error=0.05)
    found = made(load_search("conversion"), 1e-8, masses=[1.77686], asked=asked, method="asymptotic")
    texts = exports.workspaces(found)
    (entry,) = json.loads(texts["index.json"])["workspaces"]
    workspace = pyhf.Workspace(json.loads(texts[entry["file"]]))
    model = workspace.model()
    data = workspace.data(model)
    assert float(pyhf.infer.hypotest(1.0, data, model)) == pytest.approx(0.1, rel=1e-3)
    assert entry["coupling"] == found.points[0].intervals[0].high  # of a scale what is below is excluded
    # the median is that of the background's own data
    limit = found.points[0].limit
    nominal = [1000.0, *model.config.auxdata]
    median = pyhf.infer.hypotest(limit.median / limit.observed, nominal, model, return_expected=True)[1]
    assert float(median) == pytest.approx(0.1, rel=1e-2)


def test_errors_that_periods_share_have_one_name(alps):
    asked = Asked(periods="na64e-2016..na64e-2018", take=("published",), efficiency_error=0.1, observed=(0, 1, 0))
    for correlations, names in (
        (None, {"efficiency", "background", "mu"}),
        (Correlations(efficiency=False), {"efficiency_0", "efficiency_1", "efficiency_2", "background", "mu"}),
    ):
        found = made(alps, 1e-12, masses=[0.02], asked=asked, correlations=correlations)
        text = next(text for name, text in exports.workspaces(found).items() if name != "index.json")
        workspace = pyhf.Workspace(json.loads(text))
        assert set(workspace.model().config.par_map) == names
        assert workspace.channels == ["na64e-2016", "na64e-2017", "na64e-2018"]
        assert workspace.observations["na64e-2017"] == [1.0]


@pytest.mark.parametrize("shared", [True, False])
def test_the_exposure_moves_signal_and_background_together(alps, shared):
    asked = Asked(
        periods="na64e-2016..na64e-2018", take=("published",), on_target_error=0.05, observed=(300, 400, 1300)
    )
    found = made(alps, 7e-9, masses=[0.02], asked=asked, correlations=Correlations(exposure=shared))
    workspace = pyhf.Workspace(json.loads(next(iter(exports.workspaces(found).values()))))
    model = workspace.model()
    names = {"exposure"} if shared else {"exposure_0", "exposure_1", "exposure_2"}
    assert set(model.config.par_map) == {"mu", "background"} | names
    parameters = np.array(model.config.suggested_init())
    before = model.expected_actualdata(parameters)
    parameters[model.config.par_map["exposure" if shared else "exposure_0"]["slice"]] = 1.0
    moved = model.expected_actualdata(parameters) / before
    assert moved == pytest.approx([1.05] * 3 if shared else [1.05, 1.0, 1.0])


def test_hepdata_takes_the_tables(alps, tmp_path):
    from hepdata_validator.full_submission_validator import FullSubmissionValidator

    found = made(alps, 1e-12, masses=[0.01, 0.03, 0.2])
    written = exports.write(found, ["hepdata"], tmp_path)
    validator = FullSubmissionValidator()
    assert validator.validate(directory=str(tmp_path / "hepdata")), validator.get_messages()
    assert {path.name for path in written} == {"submission.yaml", "limits_photons.yaml", "efficiencies_photons.yaml"}
    data = yaml.safe_load((tmp_path / "hepdata" / "limits_photons.yaml").read_text(encoding="utf-8"))
    masses = [one["value"] for one in data["independent_variables"][0]["values"]]
    assert masses == [0.01, 0.03, 0.2]
    by_name = {one["header"]["name"]: one for one in data["dependent_variables"]}
    median = by_name["g, lower end, expected, median"]
    assert median["header"]["units"] == "1/GeV"
    assert median["values"][0]["value"] == pytest.approx(found.points[0].intervals[0].low, rel=1e-5)
    assert median["values"][2]["value"] == "-"


def test_what_nothing_is_exported_to_is_refused():
    with pytest.raises(UserError, match=r"no 'hepdate'.*did you mean 'hepdata'"):
        exports.check(["hepdate"])


def test_the_limit_of_a_period_has_the_error_of_its_exposure(alps):
    (period,) = periods_of(alps, Asked(on_target=1e11, on_target_error=0.3), Left(1e-11, 0.4, "test"))
    counter = replace(period, efficiency_error=0.1).counter(2.0, 0.2)
    assert counter.background_error == pytest.approx(0.5)
    assert counter.efficiency_error == pytest.approx((0.01 + 0.09 + 0.04) ** 0.5)
