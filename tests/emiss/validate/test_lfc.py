"""The validation of the search for e -> mu phi: its numbers are those of the events, its page needs nothing else."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from emiss import reco
from emiss.samples.config import load_sample
from emiss.samples.simulate import simulate
from emiss.validate import lfc
from emiss.validate.peaks import peak

EVENTS = {"signal": 400, "dimuon": 2000, "pion_decay": 500, "kaon_decay": 300}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """What the library writes, of one mass: a generator takes seconds to tabulate each."""
    out = tmp_path_factory.mktemp("lfc")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lfc, "MASSES", (lfc.SHOWN,))
        found = lfc.validate(out, events=EVENTS, quick=True)
    return found, json.loads((out / "validation.json").read_text()), out


def test_the_numbers_that_are_promised(made):
    found, data, _ = made
    assert list(data) == ["efficiency", "dimuon", "survival", "background_per_eot", "hcal", "seconds"]
    assert [list(one) for one in data["efficiency"]] == [["m_phi", "value", "error"]]
    assert list(data["dimuon"]) == ["generated", "eot", "survivors", "by_category"]
    assert {name: list(one) for name, one in data["survival"].items()} == {
        "pion": ["value", "error"],
        "kaon": ["value", "error"],
    }
    assert list(data["hcal"]) == ["peaks"]
    assert data["seconds"] > 0
    (one,) = found.efficiency
    assert 0.02 < one.value < 0.1
    assert 0 < one.error < 0.2 * one.value


def test_survivals_and_background_follow_from_what_is_left(made):
    found, data, _ = made
    expected = 0.0
    for hadron, per_electron in (("pion", 1e-2 * 2e-5), ("kaon", 3e-4 * 2e-5)):
        process = load_sample(f"{hadron}_decay").process
        left = found.result.cutflow.samples[f"{hadron}_decay"].regions["search"]["nominal"][-1].sequential.n
        share = left / EVENTS[f"{hadron}_decay"] * process.decay_probability * process.branching_ratio
        assert data["survival"][hadron]["value"] == pytest.approx(share)
        assert data["survival"][hadron]["error"] == pytest.approx(share / np.sqrt(left))
        expected += share * per_electron
    assert data["dimuon"]["survivors"] == 0
    assert data["background_per_eot"] == pytest.approx(expected)


def test_categories_are_those_of_the_events(made, tmp_path):
    _, data, _ = made
    table = reco.process(reco.open(simulate("dimuon", tmp_path / "d.root", events=EVENTS["dimuon"])))
    tracks, behind = table.lists["tracks"].counts, table["truth.n_mu_downstream"]
    assert data["dimuon"]["by_category"] == {
        "I": np.sum((tracks == 1) & (behind < 2)),
        "II": np.sum(tracks > 1),
        "III": np.sum((tracks == 1) & (behind >= 2)),
    }
    assert data["dimuon"]["generated"] == EVENTS["dimuon"]
    assert data["dimuon"]["eot"] == pytest.approx(EVENTS["dimuon"] / 1.05e-4)


def test_peaks_are_those_of_one_and_of_two_muons(made):
    peaks = made[1]["hcal"]["peaks"]
    assert peaks["signal"] == [pytest.approx(2.5, rel=0.12)] * 3  # of some tens of events in steps of 0.1 GeV
    assert peaks["dimuon"][0] == pytest.approx(5.0, rel=0.1)
    assert peaks["dimuon"][2] == pytest.approx(2.5, rel=0.1)
    assert list(peaks) == ["signal", "dimuon", "I", "II", "III"]


def test_the_page_stands_alone(made):
    page = (made[2] / "validation.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 4
    assert not re.search(r'(?:src|href)="(?!#)|<script|\bnan\b', page)
    for said in ("9.6e-05", "1.9e-11", "2.5 GeV", "what differs, and why", "category III"):
        assert said in page
    assert (made[2] / "study" / "cutflow.json").is_file()


def test_the_whole_has_the_pairs_of_the_study():
    whole, quick = lfc.prepare(), lfc.prepare(quick=True)
    assert whole.samples[-1].events == 15_750_000
    assert [one.sample.process.m_phi for one in whole.samples[:12]] == list(lfc.MASSES)
    assert len({one.seed for one in whole.samples}) == len(whole.samples)
    assert quick.events < 0.02 * whole.events


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("--events", "5"), "of which sample?"), (("--events", "diumon=5"), "did you mean 'dimuon'")],
)
def test_mistakes(cli, arguments, said):
    done = cli("validate", "lfc", *arguments)
    assert (done.code, said in done.err) == (2, True), done.err


def test_the_command(cli, tmp_path, made, monkeypatch):
    asked = {}

    def told(out, **how):
        asked.update(how, out=out)
        return made[0]

    monkeypatch.setattr(lfc, "validate", told)
    done = cli("validate", "lfc", "--events", "dimuon=1e3", "--executor", "serial", "--out", tmp_path)
    assert done.code == 0, done.err
    assert (asked["study"].samples[-1].events, asked["executor"], asked["out"]) == (1000, "serial", tmp_path)
    assert "survival of pions" in done.out
    assert str(tmp_path / "validation.html") in done.out.replace("\n", "")


class TestPeak:
    edges = np.linspace(0.0, 8.0, 161)

    def filled(self, values) -> np.ndarray:
        return np.histogram(values, self.edges)[0].astype(float)

    def test_a_gaussian_peaks_at_its_mean(self):
        values = np.random.default_rng(1).normal(2.5, 0.4, 20000)
        assert peak(self.filled(values), self.edges) == pytest.approx(2.5, abs=0.02)

    def test_a_tail_does_not_move_it(self):
        rng = np.random.default_rng(2)
        normal, gamma = rng.normal(size=20000), rng.exponential(size=20000)
        # the exponentially modified Gaussian of sigma 0.3 and tail 0.3 peaks where its derivative is 0: 0.2092 above its centre
        values = 2.3 + 0.3 * normal + 0.3 * gamma
        assert peak(self.filled(values), self.edges) == pytest.approx(2.3 + 0.2092, abs=0.04)

    def test_what_is_below_is_not_looked_at(self):
        values = np.concatenate([np.zeros(9000), np.random.default_rng(3).normal(5.0, 0.5, 500)])
        assert peak(self.filled(values), self.edges, above=0.5) == pytest.approx(5.0, abs=0.1)

    def test_nothing_has_none(self):
        assert peak(np.zeros(160), self.edges) is None
