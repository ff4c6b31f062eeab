"""S3 and XRootD, with real servers: what is put there comes back, and what goes wrong on the way is said, in time."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from emiss.configs.errors import UserError
from emiss.events.files import atomic
from emiss.events.location import located, matching
from emiss.events.remote import content, patience
from emiss.events.remote.content import Remote, remote
from emiss.events.remote.path import RemotePath
from emiss.events.remote.writing import create, write
from tests.servers import BUCKET, Line

DATA = np.random.default_rng(4).integers(0, 255, 700_000, np.uint8).tobytes()


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    """Time-outs of tests, small pieces, and nothing fetched before."""
    monkeypatch.setattr(patience, "TIMEOUT", 1.0)
    monkeypatch.setattr(patience, "PAUSE", 0.01)
    monkeypatch.setattr(content, "_open", content.OrderedDict())
    monkeypatch.setattr(content, "FRESH", 0.0)
    for name, value in (("BLOCK", 1 << 14), ("PIECE", 1 << 16)):
        monkeypatch.setattr(content, name, value)


@pytest.fixture(params=["s3", "root"])
def folder(request) -> RemotePath:
    return RemotePath(request.getfixturevalue(request.param)) / "a" / "b"


def whole(path) -> bytes:
    file = Remote(path.address)
    file.fetch(0, file.size)
    return file.data.tobytes()


def test_what_is_written_is_read(folder, tmp_path):
    (tmp_path / "x").write_bytes(DATA)
    write((folder / "x.dat").address, tmp_path / "x")
    write((folder / "y.dat").address, b"short")
    assert whole(folder / "x.dat") == DATA
    assert (folder / "y.dat").read_text() == "short"
    assert (folder / "x.dat").stat().st_size == len(DATA)
    write((folder / "x.dat").address, b"other")
    assert (folder / "x.dat").read_bytes() == b"other"
    assert [path.name for path in folder.iterdir()] == ["x.dat", "y.dat"]
    assert [path.name for path in matching(f"{folder}/[x-z].dat", tmp_path)] == ["x.dat", "y.dat"]
    assert [path.name for path in folder.parent.rglob("x*")] == ["x.dat"]
    (folder / "x.dat").unlink()
    assert [(folder / name).is_file() for name in ("x.dat", "y.dat")] == [False, True]
    assert (folder.is_dir(), folder.is_file(), (folder / "none").exists()) == (True, False, False)
    (folder / "x.dat").unlink(missing_ok=True)


def test_of_two_that_create_a_file_one_does(folder):
    assert create((folder / "lock").address, b"first")
    assert not create((folder / "lock").address, b"second")
    assert (folder / "lock").read_bytes() == b"first"


def test_what_is_not_there_is_said(folder):
    write((folder / "x.dat").address, b"x")
    for name, said in (("none.dat", "no such file on the server"), ("", "is a folder, and no file")):
        with pytest.raises(UserError, match=said) as raised:
            Remote((folder / name).address)
        assert str(folder / name) in str(raised.value)
    with pytest.raises(FileNotFoundError):
        (folder / "none").read_bytes()


def test_a_file_that_changes_while_it_is_read_is_refused(folder):
    path = folder / "x.dat"
    write(path.address, DATA)
    file = Remote(path.address)
    file.fetch(0, 1 << 16)
    if path.address.startswith("root"):
        time.sleep(1.1)  # its times are in seconds
    write(path.address, DATA[::-1])
    assert not file.is_current()
    with pytest.raises(UserError, match="changed on the server while it was read"):
        file.fetch(0, file.size)
    assert remote(path.address).version != file.version


@pytest.fixture
def line(folder, monkeypatch):
    """A file behind a line that can be made to behave badly."""
    write((folder / "x.dat").address, DATA)
    if folder.address.startswith("s3"):
        import os

        from s3fs import S3FileSystem

        bad = Line(int(os.environ["AWS_ENDPOINT_URL"].rpartition(":")[2]))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{bad.port}")
        S3FileSystem.clear_instance_cache()
        bad.path = folder / "x.dat"
    else:
        port = folder.address.split("/")[2].rpartition(":")[2]
        bad = Line(int(port))
        bad.path = RemotePath((folder / "x.dat").address.replace(port, str(bad.port)))
    yield bad
    bad.close()


@pytest.mark.parametrize("how", ["cut", "silent"])
def test_a_line_that_breaks_is_tried_again(line, how):
    file = Remote(line.path.address)
    getattr(line, how).extend([40_000, 40_000])
    file.fetch(0, file.size)
    assert file.data.tobytes() == DATA


def test_nobody_there_is_said_in_time(folder, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    begun = time.monotonic()
    with pytest.raises(UserError, match=r"(cannot be reached|silent).*\(3 tries\)"):
        Remote("root://127.0.0.1:9//data/x.dat" if folder.address.startswith("root") else f"{folder}/x.dat")
    assert time.monotonic() - begun < 30


class Refusing(BaseHTTPRequestHandler):
    """An S3 server that refuses everything with one code."""

    code, asked = 403, 0

    def log_message(self, *_):
        """Say nothing."""

    def do_HEAD(self):
        type(self).asked += 1
        self.send_response(self.code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self):
        self.do_HEAD()

    def do_PUT(self):
        self.do_HEAD()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (
            403,
            r"the server does not allow it: .*; the library looks for keys in the variables AWS_\.\.\. and in ~/\.aws",
        ),
        (503, r"the server failed: .*\(3 tries\); try again later"),
    ],
)
def test_what_an_s3_server_refuses_is_said(s3, monkeypatch, code, said):
    from s3fs import S3FileSystem

    Own = type("Own", (Refusing,), {"code": code, "asked": 0})
    server = ThreadingHTTPServer(("127.0.0.1", 0), Own)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    S3FileSystem.clear_instance_cache()
    try:
        with pytest.raises(UserError, match=said):
            Remote(f"s3://{BUCKET}/x.dat")
        with pytest.raises(UserError, match=said.partition(":")[0]):
            atomic.write_text(RemotePath(f"s3://{BUCKET}/y"), "text")
        assert Own.asked <= 12
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_file_that_may_not_be_read(root, exported):
    path = RemotePath(root) / "x.dat"
    write(path.address, DATA)
    (exported / "x.dat").chmod(0)
    with pytest.raises(UserError, match=r"the server does not allow it: .*permission denied"):
        whole(path)


def test_without_its_library_the_extra_is_named(monkeypatch):
    import sys

    for module in ("s3fs", "fsspec_xrootd"):
        monkeypatch.setitem(sys.modules, module, None)
    nothing = {}
    for name in ("_registry", "registry"):
        monkeypatch.setattr(sys.modules["fsspec.registry"], name, nothing)
    with pytest.raises(UserError, match=r"pip install 'emiss\[remote\]'"):
        located("s3://bucket/x.dat")
    with pytest.raises(UserError, match="addresses with 'nonsense://' cannot be read"):
        located("nonsense://bucket/x.dat")
