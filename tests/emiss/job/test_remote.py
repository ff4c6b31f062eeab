"""Files behind an address: the same result as on disk, and only the ranges that are needed are fetched."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from emiss.events.remote import content, http
from emiss.reco.readers import open_run_file


class Ranges(SimpleHTTPRequestHandler):
    """A server that knows ranges, and how many bytes it has served."""

    served = 0

    def log_message(self, *_):
        """Say nothing."""

    def do_GET(self):
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        path = self.translate_path(self.path)
        if wanted is None:
            super().do_GET()
            return
        try:
            with open(path, "rb") as file:  # noqa: PTH123 - a translated name
                data = file.read()
        except OSError:
            self.send_error(404)
            return
        first, last = int(wanted[1]), min(int(wanted[2] or len(data) - 1), len(data) - 1)
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
        self.send_header("Content-Length", str(last - first + 1))
        self.end_headers()
        type(self).served += last - first + 1
        self.wfile.write(data[first : last + 1])

    def end_headers(self):
        self.send_header("Accept-Ranges", "bytes")
        super().end_headers()


@pytest.fixture
def server(run_files, tmp_path):
    folder = tmp_path / "www"
    folder.mkdir()
    for name in ("signal.dat", "signal.root", "beam.dat"):
        shutil.copy(run_files[name], folder / name)
    (folder / "beam.dat.gz").write_bytes(gzip.compress((folder / "beam.dat").read_bytes()))
    running = ThreadingHTTPServer(("127.0.0.1", 0), partial(Ranges, directory=str(folder)))
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}", folder
    running.shutdown()
    running.server_close()
    thread.join()


def counts(folder):
    sample = json.loads((folder / "cutflow.json").read_text())["samples"]["data"]
    return sample["ledger"], sample["regions"]


@pytest.mark.parametrize("name", ["signal.dat", "beam.dat.gz", "signal.root"])
def test_the_same_cutflow_as_on_disk(cli, server, tmp_path, name):
    address, folder = server
    there = cli("process", f"{address}/{name}", "--out", tmp_path / "there")
    assert there.code == 0, there.err
    here = cli("process", folder / name, "--out", tmp_path / "here")
    assert here.code == 0, here.err
    assert counts(tmp_path / "there") == counts(tmp_path / "here")
    assert counts(tmp_path / "there")[0]["passed"] == 300
    again = cli("process", f"{address}/{name}", "--out", tmp_path / "there")
    assert again.code == 0, again.err


def test_a_part_of_a_raw_file_is_read_by_its_ranges(server, detector, tmp_path, monkeypatch):
    address, folder = server
    monkeypatch.setattr(content, "BLOCK", 1 << 14)
    monkeypatch.setattr(http, "FIRST", 1 << 14)
    whole = open_run_file(folder / "signal.dat", detector)
    whole.save_index(tmp_path / "index.npz")
    context = whole.spills()
    size = (folder / "signal.dat").stat().st_size
    file = open_run_file(f"{address}/signal.dat", detector)
    file.load_index(tmp_path / "index.npz")
    file.context = context
    Ranges.served = 0
    found = list(file.batches(100, 110))
    assert 0 < Ranges.served < size / 5
    expected = list(whole.batches(100, 110))
    assert [len(batch) for batch in found] == [len(batch) for batch in expected]
    assert found[0].sadc["samples"].tobytes() == expected[0].sadc["samples"].tobytes()


class Plain(SimpleHTTPRequestHandler):
    """A server that knows no ranges."""

    def log_message(self, *_):
        """Say nothing."""


def test_a_server_without_ranges_sends_the_whole_file(server, detector, monkeypatch):
    _, folder = server
    monkeypatch.setattr(content, "BLOCK", 1 << 14)
    monkeypatch.setattr(http, "FIRST", 1 << 14)
    running = ThreadingHTTPServer(("127.0.0.1", 0), partial(Plain, directory=str(folder)))
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    try:
        file = open_run_file(f"http://127.0.0.1:{running.server_port}/signal.dat", detector)
        assert len(file.index()) == 304
        expected = list(open_run_file(folder / "signal.dat", detector).batches())
        found = list(file.batches())
        assert [b.apv["a2"].tobytes() for b in found] == [b.apv["a2"].tobytes() for b in expected]
    finally:
        running.shutdown()
        running.server_close()
        thread.join()


def test_other_commands_take_addresses(cli, server):
    address, _ = server
    assert "300 entries" in cli("inspect", f"{address}/signal.root").out
    assert '"read":304' in cli("dump", f"{address}/beam.dat", "--json").out
    assert "run file, 304 events" in cli("check", f"{address}/beam.dat").out
    assert "none.dat: no such file on the server: 404" in cli("check", f"{address}/none.dat").err


def test_what_is_not_there_is_told(cli, server, tmp_path):
    address, _ = server
    for wrong, said in (
        (f"{address}/none.dat", "none.dat: no such file on the server: 404"),
        ("http://127.0.0.1:9/none.dat", "the server cannot be reached: Connection refused (3 tries)"),
        ("nonsense://x/y.dat", "addresses with 'nonsense://' cannot be read"),
    ):
        done = cli("process", wrong, "--out", tmp_path / "o")
        assert done.code == 2
        assert said in done.err
        assert "Traceback" not in done.err
