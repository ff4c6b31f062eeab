"""What several tests share: the command line in this process, the foreign files, the demo set-up, small simulated run files."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests import places

if TYPE_CHECKING:
    from collections.abc import Iterator

# the same examples in every run: a test that fails, fails for everybody. --hypothesis-profile=searching looks for others
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("searching", deadline=None, database=None)
settings.load_profile("repeatable")
with contextlib.suppress(ImportError, AttributeError):
    # recent versions also try the constants of those modules of ours that are imported by then: the examples of a test
    # would depend on what else its worker has run
    from hypothesis.internal.conjecture import providers

    def _constants(collected=providers._get_local_constants) -> object:
        return providers._local_constants if settings.default.derandomize else collected()

    providers._get_local_constants = _constants

ROOT = Path(__file__).parents[1]

# who starts the tests in the background, or with nohup, leaves signals ignored, and what they start inherits that
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@dataclass(frozen=True)
class Finished:
    """A command that has ended."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="session", autouse=True)
def _commands_once() -> Iterator[None]:
    """The tree of commands is made from their functions once, not at each call."""
    import typer.main

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.main, "get_command", cache(typer.main.get_command))
        yield


@pytest.fixture
def cli(capsys, monkeypatch):
    """Run a command as `main` would, without a new process."""
    from emiss.cli import main

    def run(*arguments: object) -> Finished:
        monkeypatch.setattr(sys, "argv", ["emiss", *map(str, arguments)])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as leaving:
            code = int(leaving.code or 0)
        said = capsys.readouterr()
        return Finished(code, said.out, said.err)

    return run


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    early = {name: place for place, name in enumerate(places.FIRST)}
    items.sort(key=lambda item: early.get(item.nodeid.partition("::")[0], len(places.FIRST)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Make what gives whole files to workers (loadfile), and some files together."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Together(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return places.TOGETHER[0] if file in places.TOGETHER else file

    return Together(config, log)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of foreign files, from EMISS_SHARED or ../shared; tests that need it are skipped without it."""
    folder = Path(os.environ.get("EMISS_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"needs the foreign files; {folder} is not there (set EMISS_SHARED)")
    return folder


@pytest.fixture(scope="session", autouse=True)
def _tabulated_once() -> Iterator[None]:
    """What the generator of a signal tabulates takes seconds: it is made once for each beam, process and calorimeter."""
    from emiss.samples.generators import signal

    made: dict[str, signal.SignalGenerator] = {}
    new = signal.SignalGenerator

    def once(beam, process, setup):
        key = repr((beam, process, setup.target))
        if key not in made:
            made[key] = new(beam, process, setup)
        return made[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(signal, "SignalGenerator", once)
        yield


@pytest.fixture
def undrawn(monkeypatch) -> None:
    """The figures of the HTML page are made, but not drawn: that takes most of a small job, and the page's own tests do it."""
    from emiss.selection.report import figures

    monkeypatch.setattr(figures, "svg", lambda _: "<svg></svg>")


@pytest.fixture(scope="session")
def setup(detector):
    """The demo set-up as the simulation sees it."""
    from emiss.samples.setup import SetUp

    return SetUp(detector)


@pytest.fixture(scope="session")
def detector():
    from emiss.reco.detector.model import load_detector

    return load_detector("na64e_lfc")


@pytest.fixture(scope="session")
def conditions():
    from emiss.calib.conditions import Conditions

    return Conditions.load("demo")


@pytest.fixture(scope="session")
def run_files(tmp_path_factory) -> dict[str, Path]:
    """300 events of a sample as raw and as hits-tier file, by ``sample.tier``."""
    from emiss.samples.config import load_sample
    from emiss.samples.simulate import simulate

    folder = tmp_path_factory.mktemp("runs")
    files = {}
    for name in ("signal", "beam", "muon"):
        for suffix in (".dat", ".root"):
            files[name + suffix] = simulate(load_sample(name), folder / f"{name}{suffix}", events=300)
    return files


@pytest.fixture(scope="session")
def _s3_endpoint() -> Iterator[str]:
    from tests import servers

    with servers.s3() as endpoint:
        yield endpoint


@pytest.fixture
def s3(_s3_endpoint, monkeypatch) -> Iterator[str]:
    """The address of an S3 bucket, where libraries find it and its keys; what a test leaves there goes with it."""
    import fsspec
    from s3fs import S3FileSystem

    from tests.servers import BUCKET

    for name, value in (
        ("AWS_ACCESS_KEY_ID", "a"),
        ("AWS_SECRET_ACCESS_KEY", "b"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
    ):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", _s3_endpoint)
    S3FileSystem.clear_instance_cache()
    yield f"s3://{BUCKET}"
    monkeypatch.setenv("AWS_ENDPOINT_URL", _s3_endpoint)
    S3FileSystem.clear_instance_cache()
    fs = fsspec.filesystem("s3")
    if left := fs.find(BUCKET):
        fs.rm(left)
    S3FileSystem.clear_instance_cache()


@pytest.fixture(scope="session")
def _xrootd() -> Iterator[tuple[int, Path]]:
    from tests import servers

    if (why := servers.why_no_xrootd()) is not None:
        pytest.skip(why)
    with servers.xrootd() as (port, folder):
        yield port, folder


@pytest.fixture
def exported(_xrootd) -> Path:
    """The folder of the XRootD server, as it is on this machine."""
    return _xrootd[1]


@pytest.fixture
def root(_xrootd) -> Iterator[str]:
    """The address of a folder of an XRootD server; what a test leaves there goes with it."""
    import shutil

    port, folder = _xrootd
    yield f"root://127.0.0.1:{port}//data"
    for left in folder.iterdir():
        shutil.rmtree(left) if left.is_dir() else left.unlink()
