"""Jobs whose inputs and outputs are on servers: the same results as on disk, and nothing half written where they fail."""

from __future__ import annotations

import gzip
import json
import threading
from functools import partial
from http.server import ThreadingHTTPServer

import pytest

from emiss.events.remote import content, patience
from emiss.events.remote.path import RemotePath
from emiss.events.remote.writing import write
from tests.emiss.job.test_remote import Ranges

RUNS = """\
detector: na64e_lfc
analysis: e_to_mu_phi
calib: demo
samples:
  signal: {{role: signal, files: ["{0}/in/signal.dat*"], on_target: 1e10}}
  beam: {{role: background, files: ["{0}/in/b[a-z]am.root"]}}
"""


@pytest.fixture(scope="session")
def inputs(run_files) -> dict[str, bytes]:
    return {
        "signal.dat.gz": gzip.compress(run_files["signal.dat"].read_bytes()),
        "beam.root": run_files["beam.root"].read_bytes(),
    }


@pytest.fixture
def here(cli, inputs, tmp_path):
    """The job on disk."""
    (tmp_path / "in").mkdir()
    for name, data in inputs.items():
        (tmp_path / "in" / name).write_bytes(data)
    (tmp_path / "here.yaml").write_text(RUNS.format(tmp_path))
    done = cli("process", tmp_path / "here.yaml", "--out", tmp_path / "here", "--quiet")
    assert done.code == 0, done.err
    return tmp_path / "here"


@pytest.fixture(params=["s3", "root"])
def there(request, inputs, tmp_path) -> RemotePath:
    folder = RemotePath(request.getfixturevalue(request.param))
    for name, data in inputs.items():
        write((folder / "in" / name).address, data)
    (tmp_path / "runs.yaml").write_text(RUNS.format(folder))
    return folder


def test_a_job_that_is_all_elsewhere(cli, here, there, tmp_path):
    out = there / "out"
    done = cli("process", tmp_path / "runs.yaml", "--out", out.address)
    assert done.code == 0, done.err
    assert f"written to {out}: cutflow.json" in done.out
    for side in ("", "/tables"):
        same = cli("diff", f"{here}{side}", f"{out}{side}")
        assert (same.code, "no difference" in same.out) == (0, True), same.err + same.out
    assert "complete" in cli("status", out.address).out
    moved = cli("select", out.address, "--set", "e_miss_min=25GeV", "--out", f"{out}/25", "--keep", f"{out}/kept")
    assert moved.code == 0, moved.err
    assert (out / "25" / "cutflow.json").is_file()
    assert cli("diff", f"{out}/kept/signal.parquet", here / "tables" / "signal").code == 4
    (out / "tables" / "beam" / "beam.parquet").unlink()
    assert "not complete" in cli("status", out.address).out
    assert "1 of 2 tables of the job are not there yet" in cli("select", out.address).err
    again = cli("process", tmp_path / "runs.yaml", "--out", out.address)
    assert "1 stored tables used again" in again.out
    assert not [path for path in out.rglob("*") if "part" in path.name or "lock" in path.name]


def test_parts_of_a_job_that_is_elsewhere(cli, here, s3, inputs, tmp_path):
    folder = RemotePath(s3)
    for name, data in inputs.items():
        write((folder / "in" / name).address, data)
    (tmp_path / "runs.yaml").write_text(RUNS.format(folder))
    for part in ("1/2", "2/2"):
        done = cli("process", tmp_path / "runs.yaml", "--part", part, "--out", f"{s3}/parts", "--quiet")
        assert done.code == 0, done.err
    merged = cli("merge", f"{s3}/parts", "--quiet")
    assert merged.code == 0, merged.err
    assert cli("diff", here, f"{s3}/parts").code == 0


class Takes(Ranges):
    """A web server that takes files, but for those that it is told not to."""

    refuses: tuple[str, ...] = ()

    def do_PUT(self):  # noqa: N802
        from pathlib import Path

        length = int(self.headers.get("Content-Length", 0))
        data = self.rfile.read(length)
        path = Path(self.translate_path(self.path))
        if path.suffix in self.refuses:
            self.send_error(503)
        elif not path.parent.is_dir():
            self.send_error(409)
        else:
            path.write_bytes(data)
            self.send_response(201)
            self.send_header("Content-Length", "0")
            self.end_headers()

    def do_MKCOL(self):  # noqa: N802
        from pathlib import Path

        Path(self.translate_path(self.path)).mkdir(exist_ok=True)
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_DELETE(self):  # noqa: N802
        from pathlib import Path

        Path(self.translate_path(self.path)).unlink(missing_ok=True)
        self.send_response(204)
        self.end_headers()


@pytest.fixture
def web(inputs, tmp_path, monkeypatch):
    monkeypatch.setattr(patience, "PAUSE", 0.01)
    monkeypatch.setattr(content, "_open", content.OrderedDict())
    folder = tmp_path / "www"
    folder.mkdir()
    (folder / "beam.root").write_bytes(inputs["beam.root"])
    Own = type("Own", (Takes,), {"refuses": ()})
    running = ThreadingHTTPServer(("127.0.0.1", 0), partial(Own, directory=str(folder)))
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    yield f"127.0.0.1:{running.server_port}", folder, Own
    running.shutdown()
    running.server_close()
    thread.join()


def test_outputs_behind_a_web_server_and_no_key_in_them(cli, web, tmp_path):
    host, folder, own = web
    address, out = f"http://me:PASSWORD@{host}/beam.root?key=TOKEN", f"http://me:PASSWORD@{host}/a/out?key=TOKEN"
    own.refuses = (".parquet",)
    failed = cli("process", address, "--out", out)
    assert failed.code == 2, failed.err
    assert "beam.parquet?key=...: the server failed: 503 Service Unavailable (3 tries); try again later" in failed.err
    assert not list(folder.glob("a/**/*.parquet"))
    own.refuses = ()
    done = cli("process", address, "--out", out)
    assert done.code == 0, done.err
    assert done.out.count("written to http://127.0.0.1")
    again = cli("process", address, "--out", out)
    assert "1 stored tables used again" in again.out
    assert cli("status", out).code == 0
    assert cli("select", out, "--out", tmp_path / "selected").code == 0
    table = folder / "a" / "out" / "tables" / "data" / "beam.parquet"
    assert table.is_file()
    written = [path.read_bytes() for path in (*folder.glob("a/**/*"), *tmp_path.glob("selected/*")) if path.is_file()]
    said = [done.out, done.err, failed.out, failed.err, again.out]
    for secret in ("PASSWORD", "TOKEN"):
        assert not any(secret.encode() in data for data in written)
        assert not any(secret in text for text in said)
    assert json.loads((folder / "a/out/cutflow.json").read_text())["provenance"]["inputs"][0]["path"].endswith(
        "?key=..."
    )


def test_a_web_server_that_takes_nothing(cli, inputs, tmp_path, web):
    host, folder, own = web
    own.do_PUT = lambda self: self.send_error(405)
    own.do_MKCOL = own.do_PUT
    done = cli("process", folder / "beam.root", "--out", f"http://{host}/out")
    assert done.code == 2
    assert "the server refuses: 405" in done.err
    assert "the server has to take files (PUT)" in done.err
