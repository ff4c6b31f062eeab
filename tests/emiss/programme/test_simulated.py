"""Efficiencies from samples in memory: what is simulated for a signature, and that the cuts decide."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from typer.testing import CliRunner

from emiss.commands.app import app
from emiss.configs.errors import UserError
from emiss.configs.loader import shipped
from emiss.programme.counted import Asked, background_of, periods_of
from emiss.programme.search_file import load_search
from emiss.programme.simulated import BEHIND, SLICES, count, efficiencies, pieces, sample_of
from emiss.samples.config import load_sample
from emiss.samples.simulate import Simulation
from emiss.selection.results.cutflow import Cutflow


def setting(name, asked=None):
    search = load_search(name)
    (one, *_) = periods_of(search, asked or Asked(on_target=1e11), background_of(search, ""))
    return search, one.setting


def test_windows_are_sliced_and_what_decays_behind_everything_is_one_more_piece():
    search, found = setting("alp")
    made = pieces(search, "photons", 0.02, found)
    assert len(made) == SLICES + 1
    (window,) = found.windows["photons"]
    assert made[0].window.after == window.after
    assert all(one.window.before == other.window.after for one, other in pairwise(made))
    assert math.isinf(made[-1].window.before)
    assert made[-1].between == (found.back + BEHIND[0], found.back + BEHIND[1])
    # z of decays is that of the set-up, windows are relative to the target
    assert made[0].between == (found.front + made[0].window.after, found.front + made[0].window.before)
    assert {one.channel for one in made} == {"gamma gamma"}


def test_a_signature_with_two_ends_has_no_piece_behind():
    search, found = setting("visible")
    made = pieces(search, "vector", 0.0167, found)
    assert len(made) == SLICES
    assert all(one.between is not None for one in made)


def test_without_a_place_the_most_frequent_channel_is_simulated():
    search, found = setting("invisible")
    (piece,) = pieces(search, "alpha_d 0.1", 0.01, found)
    assert (piece.channel, piece.between, piece.region) == ("invisible", None, "signal")


def test_a_sample_has_the_beam_of_the_period_and_the_process_of_the_case():
    search, found = setting("positron")
    case = "alpha_d 0.5"
    (piece,) = pieces(search, case, 0.2, found)
    sample = sample_of(search, case, 0.2, found, piece, 3)
    assert sample.beam.energy == 70.0
    assert dict(sample.beam.composition) == {"e+": 1.0}
    assert sample.process.parameters["alpha_d"] == 0.5
    assert sample.process.threshold == 27.0
    assert Simulation(sample).detector.name == "na64e_2023_positron"


def test_what_does_not_decay_as_the_signature_asks_is_told(tmp_path):
    text = load_search("alp").document.text.replace("gamma gamma", "mu+ mu-")
    path = tmp_path / "own.yaml"
    path.write_text(text)
    search, found = setting(path)
    with pytest.raises(UserError, match=r"'photons' of 0.02 GeV does not decay to mu\+ mu-"):
        pieces(search, "photons", 0.02, found)


def test_periods_of_one_set_up_share_their_samples_and_the_cuts_decide():
    search = load_search("muon")
    periods = periods_of(search, Asked(periods="na64mu-2022,na64mu-2023", take=("line",)), background_of(search, ""))
    masses = {"L_mu-L_tau": [0.1]}
    assert count(search, periods, masses) == 1
    done = []
    found = efficiencies(search, periods, masses, events=40, progress=done.append)
    ((one,), (other,)) = found["L_mu-L_tau", 0.1]
    assert one == other
    assert 0.2 < one.efficiency < 0.95
    assert 0.0 < one.error < 0.1
    assert sum(done) == 40


def test_a_run_of_a_search_leaves_its_cutflow_beside_its_limit(tmp_path):
    result = CliRunner().invoke(app, ["run", "hadron", "--events", "20", "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "out" / "limit.json").is_file()
    assert "efficiency: simulated, 3 samples of 20 events, analysis 'hadron'" in result.output
    flow = Cutflow.load(tmp_path / "out" / "cutflow" / "na64h_2022" / "cutflow.json")
    roles = [counts.role for counts in flow.samples.values()]
    assert roles == ["signal", "signal", "background"]
    assert (tmp_path / "out" / "cutflow" / "na64h_2022" / "cutflow.html").is_file()


@pytest.mark.parametrize("name", shipped("searches"))
def test_the_samples_beside_a_search_fit_its_set_up(name):
    search = load_search(name)
    assert search.beside
    for one in search.beside:
        assert load_sample(one).with_detector(search.setup).role == "background"
