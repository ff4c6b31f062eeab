"""`emiss tune` on the command line: what it says, what it refuses, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from urllib.request import urlopen

import pytest

from emiss.browser import serving
from emiss.events.files.open import write
from tests.emiss.tune.conftest import ANALYSIS, table_of


@pytest.fixture
def served(monkeypatch):
    """Pages are asked once and not served; a list of them."""
    pages = []

    def once(page, on, ready, stop=None):
        pages.append(page)
        ready(f"http://127.0.0.1:{on.getsockname()[1]}/token/")

    monkeypatch.setattr(serving, "serve", once)
    return pages


@pytest.fixture
def small(tmp_path):
    (tmp_path / "cuts.yaml").write_text(ANALYSIS)
    write(table_of("wanted", "signal", 100, 1), tmp_path / "tables" / "wanted.parquet")
    return tmp_path / "tables", "--analysis", tmp_path / "cuts.yaml"


def test_without_a_screen_the_address_and_the_tunnel_are_printed(cli, served, small, monkeypatch):
    monkeypatch.setattr(serving, "has_screen", lambda: False)
    found = cli("tune", *small, "--set", "least=30GeV")
    assert found.code == 0
    first, *rest = found.out.splitlines()
    assert first.startswith("http://127.0.0.1:")
    assert rest[0] == "no browser on this screen; open the address on this machine, or bring it to yours:"
    assert rest[1].startswith("  ssh -N -L ")
    assert rest[-2:] == ["Ctrl-C ends it", "ended"]
    (page,) = served
    assert page.questions["describe"]({})["parameters"][0]["values"][0]["value"] == 30.0


def test_a_browser_is_opened(cli, served, small, monkeypatch):
    opened = []
    monkeypatch.setattr(serving, "has_screen", lambda: True)
    monkeypatch.setattr(serving, "open_browser", lambda address: opened.append(address) or True)
    found = cli("tune", *small)
    assert found.out.splitlines() == [*opened, "Ctrl-C ends it", "ended"]
    assert cli("tune", *small, "--quiet").out.splitlines() == [opened[-1]]
    found = cli("tune", *small, "--no-open")
    assert len(opened) == 2
    assert "ssh -N -L" in found.out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--background", "budget"), "--background is that of a limit"),
        (("--eot", "1e9", "--background", "buget"), "is no number of events per electron"),
        (("--set", "lest=3"), "there is no parameter 'lest'"),
        (("--analysis", "none"), "no analysis 'none'"),
    ],
)
def test_mistakes_end_it_before_anything_is_served(cli, served, small, options, message):
    found = cli("tune", *small, *options)
    assert found.code == 2
    assert message in found.err
    assert served == []


def test_a_port_that_is_taken(cli, served, small):
    with serving.listen() as taken:
        found = cli("tune", *small, "--port", taken.getsockname()[1])
    assert found.code == 2
    assert "Address already in use; leave --port out: a free one is taken" in found.err


def test_ctrl_c_ends_it(small):
    """The process itself: it answers, and Ctrl-C ends it with code 0 and nothing on the error stream."""
    run = [sys.executable, "-m", "emiss", "tune", *map(str, small), "--no-open"]
    with subprocess.Popen(
        run, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    ) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        with urlopen(address, timeout=20) as answer:  # noqa: S310 - our own
            assert b"emiss tune" in answer.read()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, "")
    assert out.endswith("ended\n")
