"""Everything that can be done by others comes out the same as in this process: sums, results in order, each command's work."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from emiss import runlist, selection
from emiss.configs.errors import UserError
from emiss.events.files.open import read, write
from emiss.job.outcome import NothingDoneError
from emiss.job.pools import Machine, pool_of
from emiss.job.select import select
from emiss.job.skim import Wanted
from emiss.job.work import ItemsFailedError
from emiss.look import spill_quality
from emiss.reach import efficiencies, sensitivity
from emiss.reach.background import Background
from emiss.reco.quality.summary import Limits
from emiss.samples.config import load_sample
from emiss.samples.simulate import simulate
from tests.emiss.job.works import Taken, Thirds, plain_sum

pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.fixture(params=["processes", "dask"])
def others(request) -> object:
    return Machine("processes", 2) if request.param == "processes" else request.getfixturevalue("pool")


def test_sums_and_results_in_order_are_those_of_this_process(others):
    here, seen = pool_of("serial"), []
    groups = ["a" if i % 5 else "b" for i in range(60)]
    expected = here.collect(Thirds(), range(60), plain_sum, groups)
    found = others.collect(Thirds(), range(60), plain_sum, groups, progress=seen.append)
    assert (found.sums, found.failures, sorted(seen)) == (expected.sums, {}, list(range(60)))
    assert (
        list(others.stream(Thirds(), range(30))) == list(here.stream(Thirds(), range(30))) == [i / 3 for i in range(30)]
    )


def test_results_in_order_end_with_the_first_that_cannot_be_had(pool):
    found = pool.stream(Thirds(bad=(7,)), range(20))
    with pytest.raises(ItemsFailedError, match=r"^7: RuntimeError: a bug \(worker tcp://"):
        list(found)
    assert pool.note() == "1 tried again, 1 failed"
    with pytest.raises(UserError, match=r"^the file is wrong$"):
        list(pool.stream(Thirds(mistakes=(3,)), range(20)))


def test_few_results_are_held_however_slow_they_are_taken(pool, client):
    def held(dask_scheduler) -> int:
        return sum(key.startswith("slowly taken") for key in dask_scheduler.tasks)

    taken = pool.stream(Taken(), range(200))
    assert [next(taken) for _ in range(3)] == [0.0, 1 / 3, 2 / 3]
    time.sleep(0.5)
    assert client.run_on_scheduler(held) <= 4 * pool.limits.ahead  # two workers, and what was just taken
    taken.close()


def test_who_waits_for_workers_is_told(pool):
    short = replace(pool, standing=replace(pool.standing, wanted=40))
    told = set()
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.01):
            told.add(short.note())

    watcher = threading.Thread(target=look)
    watcher.start()
    short.collect(Thirds(), range(100), plain_sum)
    done.set()
    watcher.join()
    assert "waiting for workers: 2 of 40" in told


def text_of(outcome) -> str:
    data = outcome.cutflow.to_json()
    del data["provenance"]
    return json.dumps([data, outcome.losses, outcome.remarks])


def test_select_and_skims(tables, pool, tmp_path):
    analysis = selection.load("e_to_mu_phi")
    steps = []
    serial = select([tables], analysis, None, fill=True, keep=Wanted(tmp_path / "a"))
    found = select(
        [tables], analysis, None, fill=True, keep=Wanted(tmp_path / "b"), executor=pool, progress=steps.append
    )
    assert text_of(found) == text_of(serial)
    assert sum(steps) == 900
    for name, kept in {skim.sample: skim.kept for skim in serial.kept}.items():
        one, other = read(tmp_path / "a" / f"{name}.root"), read(tmp_path / "b" / f"{name}.root")
        assert len(one) == len(other) == kept
        assert all(np.array_equal(one.flat[column], other.flat[column], equal_nan=True) for column in one.flat)


def test_a_table_that_fails_is_named_and_leaves_its_sample_partial(tables, pool, tmp_path):
    whole = read(tables / "signal.root")
    for name, weight in (("good", 1.0), ("bad", np.nan)):
        flat = {**whole.flat, "weight": np.full(len(whole), weight)}
        about = whole.metadata
        inputs = [{"path": name, "identity": name, "entries": [[0, len(whole)]]}]
        about = replace(about, provenance={**about.provenance, "inputs": inputs})
        write(replace(whole, flat=flat, metadata=about), tmp_path / f"{name}.root")
    analysis = selection.loads("""
analysis: weighed
weights: {nominal: weight}
regions: {all: {cuts: [{name: some, require: ecal.energy > -1 GeV}]}}
""")
    with pytest.raises(UserError, match="the weight 'nominal' is undefined for 300 of 300 events"):
        select([tmp_path], analysis, None)
    found = select([tmp_path], analysis, None, executor=pool, keep=Wanted(tmp_path / "skim"))
    assert len(found.failures) == 1
    assert "bad.root: " in found.failures[0]
    assert "is undefined for 300" in found.failures[0]
    sample = found.cutflow.samples["signal"]
    assert (sample.partial, sample.regions["all"]["nominal"][0].sequential.n) == (True, 300)
    assert f"{tmp_path / 'skim'} is not written as long as tables are missing" in found.remarks
    (tmp_path / "good.root").unlink()
    with pytest.raises(NothingDoneError, match="no task could be done"):
        select([tmp_path], analysis, None, executor=pool)


@pytest.mark.parametrize("suffix", [".dat", ".root"])
def test_simulate(pool, tmp_path, suffix):
    steps = []
    one = simulate(load_sample("beam"), tmp_path / f"a{suffix}", events=2100)
    stream = pool.stream
    other = simulate(load_sample("beam"), tmp_path / f"b{suffix}", events=2100, stream=stream, progress=steps.append)
    assert steps == [1000, 1000, 100]
    if suffix == ".dat":
        assert one.read_bytes() == other.read_bytes()
    else:
        import uproot

        a, b = (uproot.open(path)["hits"].arrays(library="np") for path in (one, other))
        assert {k: repr(v.tolist()) for k, v in a.items()} == {k: repr(v.tolist()) for k, v in b.items()}


def test_quality(run_files, pool):
    runs = runlist.from_files(
        [run_files["beam.dat"], run_files["muon.dat"]], detector="na64e_lfc", analysis="", calib="demo"
    )
    found = []
    for who in (None, pool):
        shared, ranges = spill_quality.open_files(runs, pool=who)
        found.append(spill_quality.measure(shared, ranges, Limits(), pool=who))
    assert repr(found[0]) == repr(found[1])
    assert found[0].survey.events.sum() == 600


def test_limits(pool):
    masses = [efficiencies.Efficiency(m, 0.1, 0.01, 20.0, 100.0, "made") for m in (0.2, 0.5)]
    periods = [
        sensitivity.DataPeriod(1e11, 1, f"p{n}", tuple(masses), Background(2e-11, 0.2 + 0.1 * n, "made"))
        for n in (0, 1)
    ]
    steps = []
    serial = sensitivity.curve(periods, method="exact")
    assert sensitivity.curve(periods, method="exact", pool=pool, progress=steps.append) == serial
    assert steps == [1, 1]
