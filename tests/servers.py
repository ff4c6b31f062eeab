"""Real servers for tests: S3 (moto), XRootD where it is installed, and a line that cuts and stalls what goes through it."""

from __future__ import annotations

import logging
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

BUCKET = "na64"


@contextmanager
def s3() -> Iterator[str]:
    """An empty S3 server with one bucket; yields its endpoint."""
    import boto3
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    login = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", **login)
    client.create_bucket(Bucket=BUCKET)
    client.close()
    try:
        yield endpoint
    finally:
        server.stop()


def why_no_xrootd() -> str | None:
    """Return why there can be no XRootD server here; None if there can."""
    if shutil.which("xrootd") is None:
        return "needs the XRootD server (apt-get install xrootd-server)"
    try:
        import XRootD.client  # noqa: F401
    except ImportError:
        return "needs the client of XRootD (pip install 'emiss[remote]')"
    return None


@contextmanager
def xrootd() -> Iterator[tuple[int, Path]]:
    """An XRootD server of a folder ``/data``; yields its port and the folder.

    It stands in no folder of pytest, which are closed to the user that the server is where root runs the tests.
    """
    with tempfile.TemporaryDirectory(prefix="emiss-xrootd-") as name:
        yield from _xrootd(Path(name))


def _xrootd(folder: Path) -> Iterator[tuple[int, Path]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = folder / "export" / "data"
    data.mkdir(parents=True)
    (folder / "admin").mkdir()
    config = folder / "xrootd.cfg"
    lines = ["all.export /data", f"oss.localroot {folder / 'export'}", f"all.adminpath {folder / 'admin'}"]
    config.write_text("\n".join([*lines, f"all.pidpath {folder / 'admin'}", f"xrd.port {port}", ""]))
    command = ["xrootd", "-c", str(config), "-l", str(folder / "log")]
    if os.getuid() == 0:  # it refuses to run as root
        nobody = pwd.getpwnam("nobody")
        for path in (folder, *folder.rglob("*")):
            os.chown(path, nobody.pw_uid, -1)
        command += ["-R", "nobody"]
    with (folder / "said").open("wb") as said:
        server = subprocess.Popen(command, cwd=folder, stdout=said, stderr=said)
    try:
        _wait(port)
        yield port, data
    finally:
        server.kill()
        server.wait()


def _wait(port: int) -> None:
    for _ in range(200):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        time.sleep(0.05)
    msg = "the server did not start"
    raise RuntimeError(msg)


class Line:
    """A line to a server that behaves badly: `cut` after so many bytes of an answer, or `silent` after them."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.cut: list[int] = []
        self.silent: list[int] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._socket.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._socket.accept()
                far = socket.create_connection(("127.0.0.1", self._to))
                for ends, answers in (((near, far), False), ((far, near), True)):
                    threading.Thread(target=self._carry, args=(*ends, answers), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, answers: bool) -> None:
        carried = 0
        with suppress(OSError):
            while piece := source.recv(1 << 14):
                carried += len(piece)
                if answers and self.cut and carried > self.cut[0]:
                    self.cut.pop(0)
                    break
                if answers and self.silent and carried > self.silent[0]:
                    self.silent.pop(0)
                    time.sleep(2.0)
                    break
                target.sendall(piece)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
