"""``emiss run``: what it writes and prints, that it goes on where it stopped, and what it refuses."""

from __future__ import annotations

import json

import pytest

from emiss.configs.loader import shipped
from emiss.programme import whole
from emiss.programme.counted import Asked, background_of, periods_of
from emiss.programme.run import flat
from emiss.programme.search_file import load_search
from emiss.samples.config import load_sample
from emiss.selection.results.cutflow import Cutflow

FEW = ("--events", "60", "--executor", "serial")


@pytest.mark.parametrize("name", shipped("searches"))
def test_every_search_names_what_can_be_simulated(name):
    search = load_search(name)
    assert search.run.backgrounds
    assert all(load_sample(one).role == "background" for one in search.run.backgrounds)
    assert set(search.run.masses) <= set(search.masses)
    assert load_sample(search.sample)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    from typer.testing import CliRunner

    from emiss.commands.app import app

    out = tmp_path_factory.mktemp("run") / "out"
    done = CliRunner().invoke(app, ["run", "hadron", *FEW, "--quick", "--out", str(out)])
    assert done.exit_code == 0, done.output
    return done.output, out


def test_cutflow_and_limit_are_printed_and_written(made):
    said, out = made
    for one in (
        "set-up na64h_2022, pi- of 50 GeV",
        "X_eta_prime",
        "beam_impure_h",
        "target_mip",
        "90 % CL",
        "written to",
    ):
        assert one in said
    assert {"limit.json", "limit.csv", "limit.png", "limit.pdf", "na64h_2022"} == {path.name for path in out.iterdir()}
    data = json.loads((out / "limit.json").read_text(encoding="utf-8"))
    samples = Cutflow.load(out / "na64h_2022" / "cutflow.json").samples
    assert list(samples) == ["X_eta", "X_eta_prime", "beam_impure_h"]
    rows = samples["X_eta"].regions["nominal"]["nominal"]
    assert data["points"][0]["efficiency"] == pytest.approx(rows[-1].sequential.n / 60)


def test_what_is_done_is_not_done_again_and_anything_else_is(cli, made, monkeypatch):
    _, out = made
    before = (out / "limit.csv").read_text(encoding="utf-8")

    def never(*_, **__):
        raise AssertionError

    with monkeypatch.context() as patch:
        patch.setattr(whole, "run_study", never)
        assert cli("run", "hadron", *FEW, "--quick", "--out", out, "--quiet").code == 0
        with pytest.raises(AssertionError):
            cli("run", "hadron", "--events", "61", "--executor", "serial", "--quick", "--out", out, "--quiet")
    assert (out / "limit.csv").read_text(encoding="utf-8") == before


def test_pieces_of_the_signal_are_shown_in_their_own_region():
    search = load_search("semivisible")
    periods = periods_of(search, Asked(on_target=1e11), background_of(search, ""))
    (part,) = whole.plan_whole(search, periods, {"splitting 0.4": [0.05]}, {"signal": 10, "": 10})
    assert part.signals == tuple(f"X_50MeV_{number}" for number in range(1, 6))
    regions = [piece.region for piece in part.wanted["splitting 0.4", 0.05]]
    assert regions == ["invisible"] * 3 + ["late_shower"] * 2

    flow = Cutflow("semivisible", "", {}, dict.fromkeys((*part.signals, "dimuon")))
    assert list(part.seen_in(flow, "late_shower").samples) == ["X_50MeV_4", "X_50MeV_5", "dimuon"]
    assert list(part.seen_in(flow, "invisible").samples) == ["X_50MeV_1", "X_50MeV_2", "X_50MeV_3", "dimuon"]
    assert list(part.seen_in(flow, "zone_1").samples) == list(flow.samples)


def test_set_ups_with_parameters_of_their_own_have_a_study_each():
    search = load_search("visible")
    periods = periods_of(search, Asked(), background_of(search, ""))
    first, second = whole.plan_whole(search, periods, {"vector": [0.0167]}, {"signal": 10, "": 10})
    assert (first.name, second.name) == ("na64e_visible_2017", "na64e_visible_2018")
    assert first.study.analysis.cuts_hash != second.study.analysis.cuts_hash


def test_what_was_seen_with_other_cuts_is_no_observation():
    for name, seen in (("e_to_mu_phi", {None}), ("conversion", {None}), ("invisible", {0})):
        search = load_search(name)
        assert {one.observed for one in periods_of(search, Asked(), background_of(search, ""))} == seen


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("hardon",), "did you mean 'hadron'"),
        (("hadron", "--periods", "na64h-2022", "--on-target", "1e9"), "both say the exposure"),
        (("hadron", "--on-target", "0"), "above 0"),
        (("hadron", "--events", "dimuon=5"), "no sample is called 'dimuon'"),
        (("hadron", "--region", "signal"), "has no 'signal'"),
    ],
)
def test_mistakes(cli, arguments, said):
    done = cli("run", *arguments)
    assert (done.code, said in done.err) == (2, True), done.err


def test_a_contour_that_only_a_sample_of_no_event_ends_has_no_closing_mass():
    search = load_search("e_to_mu_phi")
    left = background_of(search, "")
    periods = periods_of(search, Asked(on_target=1e12), left)
    seen = {("electrons", mass): flat(search, "electrons", periods, share) for mass, share in ((0.11, 0.1), (1.0, 0.0))}
    found = whole.limit_whole(search, periods, left, seen, "a test")
    assert [bool(point.intervals) for point in found.points] == [True, False]
    assert found.closings == []
