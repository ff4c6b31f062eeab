"""Where workers come from: what a run list may say, what batch systems and gateways are asked for, what is told without."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from types import ModuleType

import pytest
from distributed import LocalCluster

from emiss import runlist
from emiss.configs.cluster import Address, Gateway, HTCondor, Local, Slurm
from emiss.configs.errors import UserError
from emiss.job import clusters
from emiss.job.distributed import DaskPool
from emiss.job.work import Limits

RUNS = """\
detector: na64e_lfc
analysis: e_to_mu_phi
calib: demo
samples:
  beam: {role: background, files: [beam.dat]}
cluster: """


@pytest.fixture
def listed(tmp_path):
    (tmp_path / "beam.dat").touch()

    def load(text: str):
        (tmp_path / "runs.yaml").write_text(RUNS + text + "\n")
        return runlist.load(tmp_path / "runs.yaml").cluster

    return load


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{kind: local, workers: 8, retries: 0}", Local(kind="local", workers=8, retries=0)),
        ("{kind: address, scheduler: 'tcp://a:1'}", Address(kind="address", scheduler="tcp://a:1")),
        ("{kind: htcondor, workers: 20, disk: 4 GB}", HTCondor(kind="htcondor", workers=20, disk="4 GB")),
        ("{kind: slurm, workers: 20, queue: short}", Slurm(kind="slurm", workers=20, queue="short")),
        ("{kind: gateway, name: lab.1, stall: 60}", Gateway(kind="gateway", name="lab.1", stall=60)),
    ],
)
def test_what_a_run_list_may_say(listed, text, expected):
    assert listed(text) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{kind: condor, workers: 2}", r"runs\.yaml:6:\d+: .*'htcondor'"),
        ("{kind: htcondor, worker: 2}", r"runs\.yaml:6:\d+: .*did you mean 'workers'"),
        ("{kind: slurm}", r"runs\.yaml:6:\d+: .*workers"),
        ("{kind: local, workers: 0}", r"runs\.yaml:6:\d+: .*1"),
    ],
)
def test_mistakes_are_told_with_their_place(listed, text, said):
    with pytest.raises(UserError, match=said):
        listed(text)


@pytest.fixture
def batch(monkeypatch):
    """A dask-jobqueue whose jobs are threads of this process; returns what it was asked for."""
    asked = []
    module = ModuleType("dask_jobqueue")

    def kind(name: str, most: int):
        def start(**options):
            asked.append((name, options))
            if "nonsense" in options:
                raise TypeError("unexpected keyword argument 'nonsense'")
            cluster = LocalCluster(n_workers=0, processes=False, threads_per_worker=1, dashboard_address=None)
            scale = cluster.scale
            cluster.scale = lambda count: (asked.append(count), scale(min(count, most)))[1]
            return cluster

        return start

    module.HTCondorCluster, module.SLURMCluster = kind("htcondor", 0), kind("slurm", 1)
    monkeypatch.setitem(sys.modules, "dask_jobqueue", module)
    return asked


def test_batch_systems_are_asked_for_workers(batch):
    options = {"job_extra_directives": {"+MaxRuntime": "7200"}}
    cluster = HTCondor(kind="htcondor", workers=20, memory="4 GB", options=options, retries=5)
    with clusters.executor_of("dask", cluster=cluster) as pool:
        assert isinstance(pool, DaskPool)
        assert pool.limits == Limits(retries=5)
    with clusters.client_of(Slurm(kind="slurm", workers=3, queue="short", options={"cores": 4})) as client:
        assert client.submit(sum, [1, 2]).result(timeout=60) == 3
    condor = {"cores": 1, "processes": 1, "memory": "4 GB", "disk": "1 GB", **options}
    slurm = {"cores": 4, "processes": 1, "memory": "2 GB", "walltime": "08:00:00", "queue": "short"}
    wanted = [asked for asked in batch if asked != 0]  # which is how a cluster ends
    assert wanted == [("htcondor", condor), 20, ("slurm", slurm), 3]
    with (
        pytest.raises(UserError, match=r"does not take the cluster of the run list: .*nonsense"),
        clusters.client_of(Slurm(kind="slurm", workers=3, options={"nonsense": 1})),
    ):
        pass


def test_a_gateway_is_asked_for_a_cluster_or_for_one_that_runs(monkeypatch):
    asked = []

    class Door:
        def __init__(self, **said):
            asked.append(said)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            asked.append("left")

        def new_cluster(self, **options):
            asked.append(options)
            return self

        def connect(self, name):
            asked.append(name)
            return self

        def scale(self, workers):
            asked.append(workers)

        @contextmanager
        def get_client(self):
            yield "client"

    module = ModuleType("dask_gateway")
    module.Gateway = Door
    monkeypatch.setitem(sys.modules, "dask_gateway", module)
    new = Gateway(kind="gateway", address="http://lab", auth="kerberos", workers=4, options={"worker_cores": 1})
    with clusters.client_of(new) as client:
        assert client == "client"
    assert asked == [{"address": "http://lab", "auth": "kerberos"}, {"worker_cores": 1}, 4, "left", "left"]
    asked.clear()
    with clusters.client_of(Gateway(kind="gateway", name="lab.1")) as client:
        assert client == "client"
    assert asked == [{}, "lab.1", "left", "left"]


@pytest.mark.parametrize(
    ("module", "cluster", "said"),
    [
        (
            "dask_jobqueue",
            HTCondor(kind="htcondor", workers=1),
            "dask-jobqueue is not installed; pip install dask-jobqueue",
        ),
        ("dask_gateway", Gateway(kind="gateway"), "dask-gateway is not installed; pip install dask-gateway"),
        ("distributed", Local(kind="local"), r"dask is not installed; pip install 'emiss\[dask\]'"),
    ],
)
def test_what_is_not_installed_is_named(monkeypatch, module, cluster, said):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UserError, match=said), clusters.client_of(cluster):
        pass


def test_a_scheduler_whose_file_does_not_come_is_not_waited_for_without_end(monkeypatch, tmp_path):
    monkeypatch.setattr(Limits, "gone", 0.2)
    with (
        pytest.raises(UserError, match=r"there is no file .*nowhere\.json after 0\.2 s.*--scheduler-file"),
        clusters.executor_of("dask", scheduler=str(tmp_path / "nowhere.json")),
    ):
        pass
