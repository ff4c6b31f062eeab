"""Run files behind a slow network: what share of the time a core works. ``python -m benchmarks.remote``.

A server on this machine gives bytes at a bandwidth that all connections share, each answer after a delay. Of each kind of
file a job is timed on disk and behind that server; no job can be faster than its work, nor than its bytes take to come.
"""

from __future__ import annotations

import argparse
import gzip
import multiprocessing
import os
import re
import socketserver
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import zstandard

from benchmarks.record import Ratios, Times
from emiss import runlist
from emiss.job.plan import plan
from emiss.job.run import run_job
from emiss.samples.config import load_sample
from emiss.samples.simulate import simulate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.connection import Connection

PIECE = 1 << 16
KINDS = ("raw .dat", "raw .dat.gz", "raw .dat.zst", "hits .root")


class Throttled(BaseHTTPRequestHandler):
    """Gives the ranges of the files of a folder, no faster than the line allows."""

    protocol_version = "HTTP/1.1"
    folder: Path
    bandwidth: float
    delay: float
    lock = threading.Lock()
    free = 0.0
    """When the line is free again."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        """Say what there is."""
        self._reply(b"", head=True)

    def do_GET(self) -> None:
        """Give it."""
        self._reply((self.folder / self.path.strip("/")).read_bytes(), head=False)

    def _reply(self, data: bytes, *, head: bool) -> None:
        time.sleep(self.delay)
        size = (self.folder / self.path.strip("/")).stat().st_size
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range") or "")
        first, last = (int(wanted[1]), min(int(wanted[2]) + 1, size)) if wanted else (0, size)
        self.send_response(206 if wanted else 200)
        if wanted:
            self.send_header("Content-Range", f"bytes {first}-{last - 1}/{size}")
        self.send_header("Content-Length", str(last - first))
        self.send_header("ETag", f'"{size}"')
        self.end_headers()
        if head:
            return
        for at in range(first, last, PIECE):
            piece = data[at : min(at + PIECE, last)]
            with Throttled.lock:
                begin = max(time.monotonic(), Throttled.free)
                Throttled.free = begin + len(piece) / self.bandwidth
            time.sleep(max(0.0, Throttled.free - time.monotonic()))
            self.wfile.write(piece)


def serve(folder: str, bandwidth: float, delay: float, pipe: Connection) -> None:
    """Serve a folder until the process is ended."""
    Throttled.folder, Throttled.bandwidth, Throttled.delay = Path(folder), bandwidth, delay
    socketserver.TCPServer.request_queue_size = 64
    server = ThreadingHTTPServer(("127.0.0.1", 0), Throttled)
    server.daemon_threads = True
    pipe.send(server.server_port)
    server.serve_forever()


def job(files: Sequence[str | Path], out: Path) -> tuple[float, float]:
    """Process some files; return the wall time, and the share of it in which this thread has worked.

    Time in which it waited for a processor, as others had all of them, is none in which it waited for bytes.
    """
    wall, (work, queue) = time.perf_counter(), scheduled()
    run_job(plan(runlist.from_files(files, detector="na64e_lfc", analysis="e_to_mu_phi", calib="demo"), out), out)
    wall, (worked, queued) = time.perf_counter() - wall, scheduled()
    return wall, (worked - work) / (wall - (queued - queue))


def scheduled() -> tuple[float, float]:
    """Return how long this thread has worked, and waited for a processor, in s."""
    try:
        said = Path("/proc/thread-self/schedstat").read_text(encoding="ascii").split()
    except OSError:
        return time.thread_time(), 0.0
    return int(said[0]) / 1e9, int(said[1]) / 1e9


def make(folder: Path, events: int, copies: int) -> dict[str, list[Path]]:
    """Make the files of each kind."""
    files: dict[str, list[Path]] = {kind: [] for kind in KINDS}
    for number in range(copies):
        plain = simulate(load_sample("beam"), folder / f"beam{number}.dat", events=events, seed=number)
        packed, squeezed = plain.with_suffix(".dat.gz"), plain.with_suffix(".dat.zst")
        packed.write_bytes(gzip.compress(plain.read_bytes(), 3))
        squeezed.write_bytes(zstandard.ZstdCompressor().compress(plain.read_bytes()))
        hits = simulate(load_sample("beam"), folder / f"beam{number}.root", events=5 * events, seed=number)
        for kind, path in zip(KINDS, (plain, packed, squeezed, hits), strict=True):
            files[kind].append(path)
    return files


def main(events: int, copies: int, bandwidth: float, delay: float, repeats: int) -> None:
    ratios = Ratios("remote")
    print(f"{bandwidth:g} MB/s, {delay:g} ms per answer; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = make(folder, events, copies)
        mine, theirs = multiprocessing.get_context("spawn").Pipe()
        server = multiprocessing.get_context("spawn").Process(
            target=serve, args=(name, bandwidth * 1e6, delay / 1e3, theirs), daemon=True
        )
        server.start()
        address = f"http://127.0.0.1:{mine.recv()}"
        try:
            for kind, paths in files.items():
                job(paths, folder / "warm" / kind)
                here, there, shares, at_home = [], [], [], []
                size = sum(path.stat().st_size for path in paths)
                for number in range(repeats):
                    remote = [f"{address}/{path.name}" for path in paths]
                    wall, share = job(paths, folder / "here" / kind / str(number))
                    here.append(wall)
                    at_home.append(share)
                    forget()
                    wall, share = job(remote, folder / "there" / kind / str(number))
                    there.append(wall)
                    shares.append(share)
                bound = max(min(here), size / bandwidth / 1e6)
                ratio = ratios.add(f"{kind}, remote", Times(tuple(there)), Times(tuple(here)), "x on disk")
                print(
                    f"{kind}: {size / 1e6:.0f} MB, {min(there):.2f} s, {ratio:.2f} x on disk, {min(there) / bound:.2f} x the "
                    f"larger of work and network; a core works {max(shares):.0%} of the time (on disk {max(at_home):.0%})"
                )
        finally:
            server.kill()
    ratios.save()


def forget() -> None:
    """Let go of what was fetched, as a new process would not have it."""
    from emiss.events.remote import content

    content._open.clear()  # noqa: SLF001


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=4_000, help="per raw file; five times as many per hits file")
    parser.add_argument("--copies", type=int, default=3, help="files of each kind")
    parser.add_argument("--bandwidth", type=float, default=100.0, help="MB/s")
    parser.add_argument("--delay", type=float, default=20.0, help="ms before each answer")
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    main(asked.events, asked.copies, asked.bandwidth, asked.delay, asked.repeats)
