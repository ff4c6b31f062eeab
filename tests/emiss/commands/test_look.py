"""`emiss look` and `emiss show` on the command line: what they list, refuse and write, and how the page ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import numpy as np
import pytest

from emiss import drawing, events, selection
from emiss.browser import serving
from emiss.selection.results.result import run
from tests.emiss.look.conftest import raw, stored

__all__ = ["raw", "stored"]

CUTS = ("--analysis", "e_to_mu_phi")


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
def undrawn_too(monkeypatch):
    """Pictures are made and not drawn: where they would be written to."""
    made = []
    monkeypatch.setattr(drawing, "save", lambda _, path, **given: made.append((path, given["kind"])))
    return made


def test_a_list_as_json_is_that_of_a_selection(cli, raw, stored):
    table = events.read(stored)
    passed = run(table, selection.load("e_to_mu_phi")).passed(after="mip_veto")
    found = cli("look", raw, *CUTS, "--passing", "mip_veto", "--where", "ecal.energy > 10 GeV", "--json")
    assert found.code == 0
    rows = [json.loads(line) for line in found.out.splitlines()]
    chosen = np.flatnonzero(passed & (table["ecal.energy"] > 10.0))
    assert [row["number"] for row in rows] == table["event.in_spill"][chosen].tolist()
    assert [row["row"] for row in rows] == table["event.entry"][chosen].tolist()
    assert {row["fails"] for row in rows} <= {None, "mip_hcal", "missing_energy"}


def test_a_list_of_events_from_a_file(cli, stored, tmp_path):
    (tmp_path / "some.txt").write_text("6101/2/3\n6101/1/7\n")
    found = cli("look", stored, "--events", f"@{tmp_path / 'some.txt'}", "--json")
    assert [json.loads(line)["number"] for line in found.out.splitlines()] == [7, 3]


def test_the_page_begins_with_what_is_asked_for(cli, served, stored, tmp_path):
    found = cli("look", stored, *CUTS, "--failing", "mip_hcal", "--out", tmp_path / "out", "--no-open")
    assert found.code == 0
    assert found.out.startswith("http://127.0.0.1:")
    assert found.out.endswith("ended\n")
    told = served[0].questions["describe"](None)
    assert told["filter"]["failing"] == "mip_hcal"
    assert told["out"] == str(tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--passing", "mip_veto"), "there is no cut 'mip_veto'; name an analysis with --analysis"),
        (("--where", "ecal.energy > 3 s"), "filter:1:"),
        (("--events", "6101"), "'6101' is no event; expected RUN/SPILL/NUMBER"),
        (("--events", "@/nowhere/list.txt"), "/nowhere/list.txt"),
        (("--set", "e_miss_min=3 GeV"), "those of an analysis; give --analysis, too"),
    ],
)
def test_mistakes_end_it_before_anything_is_served(cli, served, stored, options, message):
    found = cli("look", stored, *options)
    assert (found.code, served) == (2, [])
    assert message in found.err
    assert "Traceback" not in found.err


def test_ctrl_c_ends_it_and_strangers_are_refused(stored):
    """The process itself: only the address with its token is answered, and Ctrl-C ends it with code 0 and no message."""
    command = [sys.executable, "-m", "emiss", "look", str(stored), "--no-open"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    ) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        with urlopen(address, timeout=20) as answer:  # noqa: S310 - our own
            assert b"emiss look" in answer.read()
        asked = {"data": b"null", "headers": {"Content-Type": "application/json", "Origin": "http://elsewhere.org"}}
        for stranger in (address[:-5] + "xxxx/", Request(f"{address}ask/describe", **asked)):  # noqa: S310
            with pytest.raises(HTTPError, match="403"):
                urlopen(stranger, timeout=20)  # noqa: S310
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, "")
    assert out.endswith("ended\n")


def test_show_takes_numbers_and_cuts(cli, raw, stored, undrawn_too, tmp_path):
    passed = run(events.read(stored), selection.load("e_to_mu_phi")).passed(after="mip_veto")
    third = int(np.flatnonzero(passed)[3])
    number = int(events.read(stored)["event.in_spill"][third])
    assert cli("show", stored, "--passing", "mip_veto", *CUTS, "--event", 3).code == 0
    assert cli("show", stored, "--event", f"6101/1/{number}", "--out", tmp_path / "a.pdf").code == 0
    assert cli("show", raw, "--event", 12).code == 0
    assert [(path.name, kind) for path, kind in undrawn_too] == [
        (f"taken.{third}.png", "png"),
        ("a.pdf", "pdf"),
        ("signal.12.png", "png"),
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--event", "6101/1/9999"), "no event with these numbers"),
        (("--event", "one"), "expected a number, or RUN/SPILL/NUMBER"),
        (("--passing", "mip_veto"), "--passing names a cut of an analysis; give --analysis, too"),
        (("--passing", "mip_veto", *CUTS, "--event", "400"), "only 27 events passing 'mip_veto'"),
    ],
)
def test_show_says_what_is_not_there(cli, raw, options, message):
    found = cli("show", raw, *options)
    assert found.code == 2
    assert message in found.err
