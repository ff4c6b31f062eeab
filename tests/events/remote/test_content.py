"""Files behind an address of a hostile server: its own words, an end to every wait, every byte once."""

from __future__ import annotations

import re
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import uproot

from emiss.configs.errors import UserError
from emiss.events.files.identity import Stamp, checksum, still_the_same
from emiss.events.location import for_uproot, located
from emiss.events.remote import content as module
from emiss.events.remote import http, patience
from emiss.events.remote.content import Remote, RemoteFile, remote

DATA = np.random.default_rng(3).integers(0, 255, 50_000, np.uint8).tobytes()
BLOCK = 4096


class Hostile(BaseHTTPRequestHandler):
    """A server whose path says how it behaves; it notes what it was asked and which bytes it sent."""

    asked: list[str]
    sent: np.ndarray
    tries: dict[str, int]
    tag = '"1"'
    body = DATA

    def log_message(self, *_):
        """Say nothing."""

    def do_HEAD(self):
        self.reply(200, [("Content-Length", len(self.body))], b"")

    def do_GET(self):
        kind = self.path.strip("/")
        type(self).asked.append(f"{kind} {self.headers.get('Range', '')}")
        self.count = type(self).tries[kind] = type(self).tries.get(kind, 0) + 1
        getattr(self, f"do_{kind.partition('-')[0]}")(kind)

    def reply(self, code: int, headers, body: bytes, start: int = 0) -> None:
        self.send_response(code)
        for name, value in headers:
            self.send_header(name, str(value))
        self.send_header("ETag", self.tag)
        self.end_headers()
        self.send(body, start)

    def send(self, body: bytes, start: int) -> None:
        type(self).sent[start : start + len(body)] += 1
        self.wfile.write(body)
        self.wfile.flush()

    def wanted(self) -> tuple[int, int]:
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["Range"])
        return int(found[1]), min(int(found[2]) + 1, len(self.body))

    def part(self, length: int | None = None, offset: int = 0) -> None:
        """Send what was asked for, or less of it than was promised."""
        start, stop = self.wanted()
        headers = [("Content-Range", f"bytes {start + offset}-{stop - 1 + offset}/{len(self.body)}")]
        self.reply(206, [*headers, ("Content-Length", stop - start)], self.body[start:stop][:length], start)

    def do_ranges(self, _):
        self.part()

    def do_breaks(self, _):
        self.part(1000)
        self.close_connection = True

    def do_stalls(self, _):
        self.part(20_000)
        time.sleep(1.5)

    def do_silent(self, _):
        time.sleep(1.5)

    def do_drops(self, _):
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def do_status(self, kind):
        self.reply(int(kind.partition("-")[2]), [("Content-Length", 5)], b"sorry")

    def do_busy(self, _):
        if self.count < 3:
            self.reply(503, [("Content-Length", 0)], b"")
        else:
            self.part()

    def do_round(self, _):
        self.reply(302, [("Location", "/round"), ("Content-Length", 0)], b"")

    def do_moved(self, _):
        self.reply(302, [("Location", "/ranges"), ("Content-Length", 0)], b"")

    def do_whole(self, _):
        self.reply(200, [("Content-Length", len(self.body))], self.body)

    def do_nolength(self, _):
        self.reply(200, [("Connection", "close")], self.body)

    def do_short(self, _):
        self.reply(200, [("Content-Length", len(self.body))], self.body[:30_000])
        self.close_connection = True

    def do_chunked(self, _):
        self.chunks([self.body[:20_000], self.body[20_000:]], end=True)

    def do_cutchunk(self, _):
        self.chunks([self.body[:20_000]], end=False)

    def chunks(self, pieces, *, end: bool) -> None:
        self.protocol_version = "HTTP/1.1"
        self.reply(200, [("Transfer-Encoding", "chunked")], b"")
        for piece in pieces:
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        self.wfile.write(b"0\r\n\r\n" if end else b"")
        self.close_connection = True

    def do_wrong(self, _):
        self.part(offset=7)

    def do_changes(self, _):
        self.tag = f'"{self.count}"'
        self.part()

    def do_empty(self, _):
        self.reply(416, [("Content-Range", "bytes */0"), ("Content-Length", 0)], b"")


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(module, "BLOCK", BLOCK)
    monkeypatch.setattr(http, "FIRST", BLOCK)
    monkeypatch.setattr(module, "FRESH", 0.0)
    monkeypatch.setattr(patience, "TIMEOUT", 0.3)
    monkeypatch.setattr(patience, "PAUSE", 0.01)
    monkeypatch.setattr(module, "_open", module.OrderedDict())

    Own = type("Own", (Hostile,), {"asked": [], "sent": np.zeros(len(DATA), int), "tries": {}})
    running = ThreadingHTTPServer(("127.0.0.1", 0), Own)
    running.daemon_threads = True
    running.block_on_close = False
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}", Own
    running.shutdown()
    running.server_close()
    thread.join()


def whole(address: str) -> bytes:
    file = Remote(address)
    file.fetch(0, file.size)
    return file.data.tobytes()


@pytest.mark.parametrize("kind", ["ranges", "moved", "busy", "breaks", "stalls"])
def test_every_byte_comes_once_also_after_a_break(server, kind):
    address, own = server
    assert whole(f"{address}/{kind}") == DATA
    assert own.sent.tolist() == [1] * len(DATA)


@pytest.mark.parametrize("kind", ["whole", "nolength", "chunked"])
def test_a_server_without_ranges_or_lengths_sends_all_of_it_once(server, kind):
    address, own = server
    file = Remote(f"{address}/{kind}")
    file.fetch(100, 200)
    file.fetch(0, file.size)
    assert file.data.tobytes() == DATA
    assert own.tries == {kind: 1}


def test_only_the_blocks_that_are_needed(server):
    address, own = server
    file = Remote(f"{address}/ranges")
    file.fetch(5 * BLOCK + 1, 7 * BLOCK)
    file.fetch(6 * BLOCK, 9 * BLOCK - 5)
    assert file.data[5 * BLOCK : 9 * BLOCK].tobytes() == DATA[5 * BLOCK : 9 * BLOCK]
    assert np.flatnonzero(own.sent).tolist() == [*range(BLOCK), *range(5 * BLOCK, 9 * BLOCK)]
    assert own.sent.max() == 1
    assert own.tries == {"ranges": 3}


@pytest.mark.parametrize(
    ("kind", "tries", "says"),
    [
        ("status-401", 1, "the server wants a login: 401 Unauthorized"),
        ("status-403", 1, "the server does not allow it: 403 Forbidden"),
        ("status-404", 1, "no such file on the server: 404 Not Found"),
        ("status-410", 1, "no such file on the server any more: 410 Gone"),
        ("status-418", 1, "the server refuses: 418 "),
        ("status-500", 3, "the server failed: 500 Internal Server Error (3 tries)"),
        ("status-503", 3, "the server failed: 503 Service Unavailable (3 tries)"),
        ("round", None, "the server redirects without end"),
        ("silent", 3, "the server is silent for 0.3 s (3 tries)"),
        ("drops", 3, "the server cannot be reached: "),
        ("short", 3, "the file ends early, after 30000 of 50000 bytes (3 tries)"),
        ("cutchunk", 3, "broken off: "),
        ("wrong", 1, "the server sends other bytes than it was asked for"),
    ],
)
def test_what_fails_is_said_in_the_servers_words_and_in_time(server, kind, tries, says):
    address, own = server
    begun = time.monotonic()
    with pytest.raises(UserError) as raised:
        Remote(f"{address}/{kind}")
    assert raised.value.message.startswith(says)
    assert str(raised.value.at) == f"{address}/{kind}"
    assert tries is None or own.tries == {kind: tries}
    assert time.monotonic() - begun < 15


def test_a_file_that_changes_while_it_is_read_is_refused(server):
    address, _ = server
    file = Remote(f"{address}/changes")
    with pytest.raises(UserError, match="changed on the server while it was read"):
        file.fetch(0, file.size)


def test_nobody_there(server):
    with pytest.raises(UserError, match=r"the server cannot be reached: Connection refused \(3 tries\)"):
        Remote("http://127.0.0.1:9/x")
    with pytest.raises(UserError, match=r"the server cannot be reached: .*not known|resolution"):
        Remote("http://no-such-host.invalid/x")
    with pytest.raises(UserError, match=r"the server cannot be reached"):
        Remote("http://127.0.0.1:port/x")


def test_an_empty_file(server):
    address, _ = server
    assert Remote(f"{address}/empty").size == 0
    assert RemoteFile(Remote(f"{address}/empty")).read() == b""


def test_what_was_opened_before_is_not_fetched_again_unless_it_changed(server):
    address, own = server
    for _ in range(3):
        with located(f"{address}/ranges").open("rb") as file:
            assert file.read() == DATA
    assert located(f"{address}/ranges").stat().st_size == len(DATA)
    assert own.sent.max() == 1
    own.tag = '"2"'
    own.body = DATA[::-1]
    assert RemoteFile(remote(f"{address}/ranges")).read() == DATA[::-1]


def test_asking_what_an_address_is_fetches_nothing_twice(server):
    address, own = server
    path = located(f"{address}/ranges")
    assert (path.is_file(), path.is_dir(), located(f"{address}/").is_dir()) == (True, False, True)
    assert own.sent.max() == 0
    with path.open("rb") as file:
        file.read()
    assert own.sent.max() == 1


@pytest.mark.parametrize("kind", ["ranges", "whole"])
def test_root_files_need_no_ranges(server, tmp_path, kind):
    address, own = server
    with uproot.recreate(tmp_path / "x.root") as file:
        file.mktree("t", {"x": "f8"})
        file["t"].extend({"x": np.arange(1000.0)})
    own.body = (tmp_path / "x.root").read_bytes()
    with uproot.open(for_uproot(located(f"{address}/{kind}"))) as file:
        assert file["t"]["x"].array(library="np").tolist() == np.arange(1000.0).tolist()


def test_seeking():
    class Fixed:
        size = 10
        data = np.arange(10, dtype=np.uint8)

        def fetch(self, start, stop):
            assert 0 <= start < stop <= 10

    file = RemoteFile(Fixed())
    assert (file.seek(-3, 2), file.read(2), file.tell(), file.read(9), file.read(1)) == (
        7,
        b"\x07\x08",
        9,
        b"\x09",
        b"",
    )
    assert (file.seek(20), file.read(1), file.seek(2), file.seek(3, 1)) == (20, b"", 2, 5)


def test_what_is_expected_comes_ahead_and_no_more_than_that(server, monkeypatch):
    address, own = server
    monkeypatch.setattr(patience, "TIMEOUT", 10.0)
    for name, value in (("PIECE", BLOCK), ("AHEAD", 2 * BLOCK)):
        monkeypatch.setattr(module, name, value)

    def settled() -> list[int]:
        for _ in range(200):
            with file._changed:
                if not file._threads:
                    break
            time.sleep(0.01)
        return sorted(set((np.flatnonzero(own.sent) // BLOCK).tolist()))

    file = Remote(f"{address}/ranges")
    assert settled() == [0]
    file.expect(3 * BLOCK, 7 * BLOCK)
    assert settled() == [0, 3, 4]
    file.fetch(3 * BLOCK, 4 * BLOCK)
    assert settled() == [0, 3, 4, 5]
    file.fetch(4 * BLOCK, 6 * BLOCK)
    assert settled() == [0, 3, 4, 5, 6]  # what is expected ends here
    file.fetch(10 * BLOCK, 11 * BLOCK)
    assert settled() == [0, 3, 4, 5, 6, 10]
    assert own.sent.max() == 1


def test_who_reads_one_behind_the_other_finds_the_next_bytes_there(server, monkeypatch):
    address, own = server
    monkeypatch.setattr(patience, "TIMEOUT", 10.0)
    for name, value in (("PIECE", 2 * BLOCK), ("SEQUENCE", 2 * BLOCK)):
        monkeypatch.setattr(module, name, value)
    with located(f"{address}/ranges").open("rb") as file:
        assert file.read() == DATA
    assert own.sent.tolist() == [1] * len(DATA)
    assert own.tries["ranges"] <= 1 + -(-len(DATA) // (2 * BLOCK))


def test_what_fails_ahead_is_said_when_it_is_wanted(server, monkeypatch):
    address, own = server
    file = Remote(f"{address}/ranges")
    own.do_ranges = lambda self, _: self.do_status("status-403")
    file.expect(0, file.size)
    time.sleep(0.1)
    with pytest.raises(UserError, match="the server does not allow it: 403"):
        file.fetch(0, file.size)
    del own.do_ranges
    file.fetch(0, file.size)
    assert file.data.tobytes() == DATA


def test_what_a_server_says_is_the_stamp_of_a_file(server, tmp_path):
    address, own = server
    path = located(f"{address}/ranges")
    stamp = Stamp.of(path)
    assert stamp is not None
    assert stamp.size == len(DATA)
    assert not still_the_same(path, "x", stamp, grows=False)
    own.tag = '"2"'
    own.body = DATA[::-1]
    assert Stamp.of(path) != stamp
    with pytest.raises(UserError, match="has been changed since the job was planned"):
        still_the_same(path, checksum(path) + "x", stamp, grows=False)
    own.tag = '"3"'
    assert not still_the_same(path, checksum(path), stamp, grows=False)  # another tag, the same content


def test_no_room_for_the_copy_is_said(server, monkeypatch):
    address, _ = server

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.os, "pwrite", full)
    with pytest.raises(UserError, match=r"no room for a copy in .*: No space left on device; set TMPDIR"):
        Remote(f"{address}/ranges")


def test_a_server_that_says_more_with_its_head_than_with_its_bytes(server, monkeypatch):
    address, own = server
    monkeypatch.setattr(module, "FRESH", 60.0)
    own.do_HEAD = lambda self: self.reply(200, [("Content-Length", len(DATA)), ("Last-Modified", "now")], b"")
    path = located(f"{address}/ranges")
    before = Stamp.of(path)
    with path.open("rb") as file:
        assert file.read() == DATA
    assert Stamp.of(path) == Stamp.of(path) == before
