"""What several tests share: the command line in this process, the foreign files, the demo set-up, small simulated run files."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

# the same examples in every run: a test that fails, fails for everybody
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")

ROOT = Path(__file__).parents[1]

# who starts the tests in the background leaves Ctrl-C ignored, and what they start inherits that
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@dataclass(frozen=True)
class Finished:
    """A command that has ended."""

    code: int
    out: str
    err: str


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


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of foreign files, from EMISS_SHARED or ../shared; tests that need it are skipped without it."""
    folder = Path(os.environ.get("EMISS_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"needs the foreign files; {folder} is not there (set EMISS_SHARED)")
    return folder


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
