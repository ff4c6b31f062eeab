"""A study counts what a job counts of the same events, whoever does it, and goes on where it stopped."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest

from emiss import runlist, selection
from emiss.configs.errors import UserError
from emiss.events.files.open import read
from emiss.job.plan import plan as plan_job
from emiss.job.run import run_job
from emiss.samples.config import Required, load_sample
from emiss.samples.simulate import blocks_of, simulate
from emiss.study import kept
from emiss.study.plan import Asked, plan
from emiss.study.run import run_study
from emiss.study.work import Studying

pytestmark = pytest.mark.usefixtures("undrawn")

SAMPLES = {"pion_decay": 2500, "dimuon": 1300}
PIECE = 1000

# sums of weights that differ from event to event: what the order of additions could change
WEIGHED = """
analysis: weighed
weights: {nominal: weight, variations: {steep: weight * truth.e_mu / 1 GeV}}
regions:
  search:
    cuts:
      - {name: track, require: count(tracks) == 1}
      - {name: hcal, require: 'all(0.5 GeV < hcal.energy < 5 GeV)'}
  early:
    cuts: [{name: spill, require: spill.position < 0.5}]
histograms:
  - {name: seen, of: ecal.energy, bins: 20, from: 0 GeV, to: 120 GeV, after: [all, hcal]}
"""


@pytest.fixture(scope="module")
def analysis():
    return selection.loads(WEIGHED)


@pytest.fixture(scope="module")
def study(analysis):
    return plan(analysis, [Asked(load_sample(name), events) for name, events in SAMPLES.items()], piece=PIECE)


@pytest.fixture(scope="module")
def found(study):
    return run_study(study)


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    """The same samples simulated to files and processed."""
    folder = tmp_path_factory.mktemp("job")
    (folder / "weighed.yaml").write_text(WEIGHED)
    text = f"detector: na64e_lfc\ncalib: demo\nanalysis: {folder / 'weighed.yaml'}\nsamples:\n"
    for name, events in SAMPLES.items():
        path = simulate(load_sample(name), folder / f"{name}.root", events=events)
        text += f"  {name}: {{role: {load_sample(name).role}, files: [{path}]}}\n"
    (folder / "runs.yaml").write_text(text)
    planned = plan_job(runlist.load(folder / "runs.yaml"), folder / "out", task_entries=PIECE)
    return run_job(planned, folder / "out"), folder / "out"


def content(outcome) -> dict:
    """What a cutflow and its histograms say, without where it comes from."""
    data = outcome.cutflow.to_json()
    del data["provenance"]
    for sample in data["samples"].values():
        del sample["coverage"]
    filled = {
        (sample, str(key)): [one.undefined, one.hist.view(flow=True).tolist()]
        for sample, made in outcome.result.histograms.items()
        for key, one in made.items()
    }
    return {"cutflow": data, "histograms": repr(filled)}


def test_a_study_counts_what_a_job_counts_to_the_last_bit(found, job):
    assert content(found) == content(job[0])
    rows = found.cutflow.samples["pion_decay"].regions["search"]["steep"]
    assert 0 < rows[-1].sequential.n < rows[0].sequential.n == 2500


def test_the_errors_of_weighted_samples_are_those_of_their_squares(found, job):
    tables = [read(path) for path in (job[1] / "tables" / "pion_decay").glob("*.parquet")]
    weights = np.concatenate([table["weight"] * table["truth.e_mu"] for table in tables])
    row = found.cutflow.samples["pion_decay"].regions["search"]["steep"][0].sequential
    assert (row.sum_w, row.sum_w2) == pytest.approx((weights.sum(), (weights**2).sum()), rel=1e-12)
    assert row.sum_w2 > row.sum_w**2 / row.n * 1.01  # it is no sample of equal weights


class Elsewhere:
    """Two workers that know nothing of each other, and take turns; what they are given and give is pickled."""

    def stream(self, work, items):
        workers = [pickle.loads(pickle.dumps(work)).start() for _ in range(2)]
        done = {i: pickle.dumps(workers[i % 2](item)) for i, item in reversed(list(enumerate(items)))}
        return (pickle.loads(done[i]) for i in range(len(items)))


def test_other_workers_give_the_same(study, found):
    assert content(run_study(study, executor=Elsewhere())) == content(found)


def test_a_study_goes_on_where_it_stopped(study, found, tmp_path, monkeypatch):
    steps = []
    real = Studying.start

    def breaks(self):
        do = real(self)

        def once(piece):
            if piece.number == 3:
                raise KeyboardInterrupt
            return do(piece)

        return once

    monkeypatch.setattr(Studying, "start", breaks)
    with pytest.raises(KeyboardInterrupt):
        run_study(study, tmp_path, progress=steps.append)
    monkeypatch.undo()
    assert steps == [1000, 1000, 500]
    with (tmp_path / kept.NAME).open("ab") as file:
        file.write(b"3 eJwr")  # the line that was being written
    done = []

    def counts(self):
        do = real(self)
        return lambda piece: (done.append(piece.number), do(piece))[1]

    monkeypatch.setattr(Studying, "start", counts)
    again = run_study(study, tmp_path)
    assert done == [3, 4]
    assert content(again) == content(found)
    assert not (tmp_path / kept.NAME).exists()
    assert (tmp_path / "cutflow.json").is_file()


def test_what_another_study_left_is_not_used(study, analysis, tmp_path):
    with kept.Kept(tmp_path, study) as store:
        assert list(store.found()) == []
        store.add(4, Studying(analysis, study.samples).start()(study.pieces[4]))
    other = replace(study, key="other")
    with kept.Kept(tmp_path, study) as store:
        assert [number for number, _ in store.found()] == [4]
    with kept.Kept(tmp_path, other) as store:
        assert list(store.found()) == []


def test_what_names_the_events_of_a_sample(analysis):
    def identity(sample, **changes):
        return plan(analysis, [Asked(sample, 1000, **changes)]).samples[0].identity

    signal = load_sample("signal")
    known = {
        identity(signal),
        identity(signal, seed=7),
        identity(signal.with_mass(0.5)),
        identity(signal.with_run(6102)),
        identity(load_sample("dimuon")),
    }
    assert len(known) == 5
    assert identity(signal.model_copy(update={"name": "mine"})) == identity(signal)


def test_two_studies_of_the_same_events_do_not_add(study, found):
    with pytest.raises(UserError, match="twice"):
        _ = found.cutflow + found.cutflow


def test_all_that_is_wrong_is_said_at_once(analysis):
    cuts = selection.loads("analysis: a\ncuts: [{name: x, require: 'wcal.energy > 1 GeV'}]")
    dimuon = load_sample("dimuon")
    with pytest.raises(UserError, match=r"wcal"):
        plan(cuts, [Asked(dimuon)])
    with pytest.raises(UserError, match="two samples are called 'dimuon'"):
        plan(analysis, [Asked(dimuon), Asked(dimuon)])
    with pytest.raises(UserError, match="0 events"):
        plan(analysis, [Asked(dimuon, 0)])
    with pytest.raises(UserError, match="no sample given"):
        plan(analysis, [])


def test_blocks_of_a_piece_are_those_of_the_whole():
    whole = blocks_of(4500)
    assert [block.events for block in whole] == [1000] * 4 + [500]
    assert [*blocks_of(4500, 0, 2000), *blocks_of(4500, 2000, 4000), *blocks_of(4500, 4000, 6000)] == whole


def test_the_command(cli, tmp_path):
    done = cli(
        *("study", "e_to_mu_phi", "signal", "dimuon", "--mass", "110MeV"),
        *("--events", "500", "--events", "dimuon=1.2e3", "--seed", "signal=7", "--out", tmp_path / "o"),
    )
    assert done.code == 0, done.err
    data = json.loads((tmp_path / "o/cutflow.json").read_text())
    assert {name: one["ledger"]["read"] for name, one in data["samples"].items()} == {
        "signal_0.11GeV": 500,
        "dimuon": 1200,
    }
    assert data["samples"]["signal_0.11GeV"]["process"]["m_phi"] == 0.11
    assert [item["seed"] for item in data["provenance"]["inputs"]] == [7, 6102]
    assert data["samples"]["dimuon"]["on_target"] == pytest.approx(1200 / 1.05e-4)
    assert np.isfinite(data["samples"]["signal_0.11GeV"]["on_target"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("signal", "--events", "dimoun=3"), "no sample is called 'dimoun'"),
        (("signal", "--events", "2.5"), "no whole number"),
        (("signal", "--events", "0"), "at least 1"),
        (("dimuon", "--mass", "1GeV"), "none is given"),
        (("nothing",), "nothing"),
        (("signal", "--mass", "300GeV"), "cannot be simulated"),
    ],
)
def test_mistakes(cli, tmp_path, arguments, said):
    done = cli("study", "e_to_mu_phi", *arguments, "--out", tmp_path / "o")
    assert (done.code, said in done.err) == (2, True), done.err


def test_tables_of_a_job_are_left_alone(study, job):
    with pytest.raises(UserError, match="event tables of a job"):
        run_study(study, job[1])


def test_the_particles_on_target_are_those_of_all_events_that_were_drawn(analysis, tmp_path):
    """With a trigger that is required, as the file says it that is simulated, and in pieces that are kept."""
    asking = load_sample("beam").model_copy(update={"trigger": Required(require=("physics",)), "name": "asking"})
    path = simulate(asking, tmp_path / "asking.root", events=1100)
    (tmp_path / "weighed.yaml").write_text(WEIGHED)
    (tmp_path / "runs.yaml").write_text(
        f"detector: na64e_lfc\ncalib: demo\nanalysis: weighed.yaml\n"
        f"samples:\n  asking: {{role: background, files: [{path}]}}\n"
    )
    planned = plan_job(runlist.load(tmp_path / "runs.yaml"), tmp_path / "out")
    by_job = run_job(planned, tmp_path / "out").cutflow.samples["asking"]
    study = plan(analysis, [Asked(asking, 1100)], piece=PIECE)
    by_study = run_study(study).cutflow.samples["asking"]
    assert by_study.on_target == by_job.on_target > 2000
    work = Studying(study.analysis, study.samples).start()
    pieces = [work(piece) for piece in study.pieces]
    assert [piece.generated > piece.ledger.read for piece in pieces] == [True, True]
    with kept.Kept(tmp_path, study) as store:
        assert not list(store.found())
        store.add(0, pieces[0])
    with kept.Kept(tmp_path, study) as store:
        assert [found.generated for _, found in store.found()] == [pieces[0].generated]
