"""The command line on a real terminal (a pty): every command, narrow and wide, in colours and without, interrupted."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-7]|9[0-7]|38;[0-9;]+)m")
ON_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""
DRIVER = """
import json, sys
from emiss.cli import main
from emiss.selection.report import figures
figures.svg = lambda _: "<svg></svg>"  # what is in the HTML page is not shown here
for line in json.loads(sys.argv[1]):
    sys.argv = ["emiss", *line]
    try:
        main()
        code = 0
    except SystemExit as leaving:
        code = leaving.code or 0
    print(f"\\n<exit {code}>", flush=True)
"""
BLINDED = """
analysis: blinded
extends: e_to_mu_phi
blind: {samples: data, box: 'e_miss > 20 GeV and count(tracks) == 1'}
"""


@dataclass
class Terminal:
    """A process on a terminal of its own, and what it shows."""

    pid: int
    file: int
    shown: str = ""
    codes: list[int] = field(default_factory=list)

    @classmethod
    def start(cls, command: list[str], folder: Path, *, columns: int = 80, **environment: str) -> Terminal:
        kept = {name: text for name, text in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR", "TERM")}
        child, terminal = pty.openpty()
        fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        process = subprocess.Popen(  # a session of its own, whose terminal this is: Ctrl-C reaches its workers, too
            [sys.executable, "-c", ON_TERMINAL, sys.executable, *command],
            stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True, cwd=folder,
            env={**kept, "TERM": "xterm-256color", **environment},
        )  # fmt: skip
        os.close(terminal)
        process.returncode = 0  # waited for below, with the time it may take
        return cls(process.pid, child)

    def read(self, until: str = "", seconds: float = 120.0) -> str:
        """Read until a text is shown, or to the end."""
        end = time.monotonic() + seconds
        while not (until and until in self.shown):
            assert time.monotonic() < end, f"still running after {seconds} s:\n{self.shown}"
            if not self.more(0.05):
                break
        return self.shown

    def more(self, seconds: float) -> bool:
        """Read what is there, or comes within so many seconds; whether there may be more."""
        if not select.select([self.file] * (self.file >= 0), [], [], seconds)[0]:
            return True
        try:
            more = os.read(self.file, 1 << 16)
        except OSError:  # the other end is closed
            return False
        self.shown += more.decode("utf-8", "replace")
        return bool(more)

    def end(self) -> int:
        """Read to the end; return the exit code."""
        self.read()
        os.close(self.file)
        self.file = -1
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def interrupt(self) -> None:
        os.write(self.file, b"\x03")


@pytest.fixture(scope="module")
def folder(run_files, tables, tmp_path_factory) -> Path:
    """A folder with run files, tables, a run list with a blinded sample, and its analysis."""
    made = tmp_path_factory.mktemp("terminal")
    for name, path in run_files.items():
        (made / name).symlink_to(path)
    (made / "tables").symlink_to(tables)
    (made / "blinded.yaml").write_text(BLINDED)
    samples = {
        "signal": {"role": "signal", "files": ["signal.dat"], "on_target": 1e13},
        "beam": {"role": "background", "files": ["beam.dat"]},
        "run": {"role": "data", "files": ["muon.dat"]},
    }
    (made / "runs.yaml").write_text(
        json.dumps({"detector": "na64e_lfc", "calib": "demo", "analysis": "blinded.yaml", "samples": samples})
    )
    (made / "efficiencies.csv").write_text("m_phi,efficiency,error\n0.2,0.07,0.001\n1.0,0.02,0.001\n")
    return made


SCAN = ["-p", "e_miss_min", "--from", "0GeV", "--to", "60GeV"]
COMMANDS = (
    (["process", "runs.yaml", "--out", "out", "--detail"], 0),
    (["process", "runs.yaml", "--out", "out2", "--set", "mip_veto=1"], 2),
    (["select", "tables", "--out", "selected"], 0),
    (["select", "tables/run.root", "--analysis", "blinded.yaml"], 0),
    (["scan", "tables", *SCAN, "--points", "7", "--out", "scanned"], 0),
    (["diff", "tables", "tables", "--analysis", "e_to_mu_phi"], 0),
    (["diff", "selected", "out"], 4),
    (["simulate", "signal", "--events", "50", "--out", "made.root"], 0),
    (["quality", "beam.dat", "--out", "quality"], 0),
    (["limit", "--eot", "1e11", "--efficiencies", "efficiencies.csv"], 0),
    (["xsec", "-m", "300MeV"], 0),
    (["yields", "-m", "300MeV"], 0),
    (["constraints", "-m", "300MeV"], 0),
    (["check", "runs.yaml", "beam.dat"], 0),
    (["inspect", "beam.root"], 0),
    (["columns"], 0),
    (["columns", "nothing.root"], 2),
    (["dump", "signal.dat", "--events", "3:5"], 0),
    (["show", "signal.dat", "--event", "7"], 0),
    (["fit", "signal.dat", "--event", "7"], 0),
)
ONCE = (
    "check",
    "constraints",
    "diff",
    "fit",
    "inspect",
    "limit",
    "process",
    "quality",
    "scan",
    "show",
    "xsec",
    "yields",
)
"""Take their time, and what they show takes the same form everywhere."""
BARS = ("process", "select", "scan", "simulate", "quality")


@pytest.mark.parametrize(
    ("columns", "environment"),
    [(80, {}), (200, {"NO_COLOR": "1"}), (80, {"TERM": "dumb"})],
    ids=["80 in colours", "200 without", "80 dumb"],
)
def test_every_command(folder, columns, environment, tmp_path):
    for path in folder.iterdir():
        (tmp_path / path.name).symlink_to(path)
    commands = [one for one in COMMANDS if not environment or one[0][0] not in ONCE]
    lines = [line for line, _ in commands]
    terminal = Terminal.start(["-c", DRIVER, json.dumps(lines)], tmp_path, columns=columns, **environment)
    assert terminal.end() == 0, terminal.shown[-3000:]
    said = re.split(r"<exit (\d+)>\r?\n", terminal.shown)
    for (line, code), shown, left in zip(commands, said[::2], said[1::2], strict=False):
        plain = ESCAPE.sub("", shown)
        assert int(left) == code, f"{line}\n{plain}"
        assert "Traceback" not in shown, line
        assert "…" not in plain, f"{line}: something is cut off\n{plain}"
        if code != 2:  # the messages of mistakes are lines that the terminal breaks
            longest = max(re.split(r"[\r\n]+", plain), key=len)
            assert len(longest) <= columns or "/" in longest, f"{line}: {longest}"
        dumb = environment.get("TERM") == "dumb"
        if line[0] in BARS and code == 0 and not dumb:
            assert re.search(r"━.* events/s", plain), line
        if dumb:
            assert "\x1b" not in shown, f"{line}: {shown!r}"
        elif environment:
            assert not COLOUR.search(shown), line
    assert len(said) == 2 * len(commands) + 1


def assert_one_line(terminal: Terminal, name: str = "SIGINT") -> None:
    """Nothing but what was there before, and one line at the end."""
    assert terminal.shown.count("interrupted by") == 1, terminal.shown
    assert terminal.shown.endswith(f"interrupted by {name}\r\n"), terminal.shown
    for noise in ("Traceback", "Error", "ignored", "leaked", "Aborted"):
        assert noise not in terminal.shown, terminal.shown


def parts(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if ".part" in path.name]


def workers_of(terminal: Terminal) -> list[str]:
    return Path(f"/proc/{terminal.pid}/task/{terminal.pid}/children").read_text().split()


def lives(process: str) -> bool:
    """Return whether a process is there and not only waits to be buried."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def wait_for(condition, terminal: Terminal) -> None:
    end = time.monotonic() + 240  # kernels may have to be compiled first
    while not condition():
        assert time.monotonic() < end, terminal.shown
        terminal.more(0.005)  # a terminal that nobody reads stops who writes to it


def test_interrupted_while_modules_are_imported(tmp_path):
    terminal = Terminal.start(["-X", "importtime", "-m", "emiss", "columns"], tmp_path)
    terminal.read(until="typer")
    terminal.interrupt()
    assert terminal.end() == 130
    assert_one_line(terminal)


def test_interrupted_while_a_bar_is_shown(folder, tmp_path):
    terminal = Terminal.start(["-m", "emiss", "simulate", "signal", "--events", "200000", "--out", "a.root"], tmp_path)
    terminal.read(until="events/s")
    wait_for(lambda: parts(tmp_path), terminal)
    terminal.interrupt()
    assert terminal.end() == 130
    assert_one_line(terminal)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("moment", ["workers start", "workers write"])
def test_interrupted_with_workers(folder, tmp_path, moment):
    many = tmp_path / "many"
    many.mkdir()
    for number in range(8):
        (many / f"run{number}.dat").write_bytes((folder / "signal.dat").read_bytes() + bytes(number))
    command = ["process", "many/*.dat", "--out", "out", "--executor", "processes"]
    terminal = Terminal.start(["-m", "emiss", *command], tmp_path)
    # the tracker of resources is the first child
    wait_for(lambda: len(workers_of(terminal)) > 1 if moment == "workers start" else parts(tmp_path), terminal)
    children = workers_of(terminal)
    terminal.interrupt()
    assert terminal.end() == 130
    assert_one_line(terminal)
    assert parts(tmp_path) == []
    wait_for(lambda: not any(map(lives, children)), terminal)


def test_terminated(tmp_path):
    terminal = Terminal.start(["-m", "emiss", "simulate", "signal", "--events", "200000", "--out", "a.dat"], tmp_path)
    terminal.read(until="events/s")
    os.kill(terminal.pid, signal.SIGTERM)
    assert terminal.end() == 143
    assert_one_line(terminal, "SIGTERM")
    assert list(tmp_path.iterdir()) == []


SWALLOWED = """
import os, signal, time, weakref
from emiss.interrupt import ends_on_signals

class Thing:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)

with ends_on_signals():
    thing = Thing()
    try:
        del thing
        end = time.monotonic() + 30
        while time.monotonic() < end:
            time.sleep(0.01)
    finally:
        time.sleep(0.5)  # clearing up takes its time and is not interrupted
        print("cleared up", flush=True)
print("went on", flush=True)
"""


def run(code: str, **more) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, **more)


def test_a_signal_that_a_library_drops_comes_again():
    done = run(SWALLOWED)
    assert (done.returncode, done.stdout, done.stderr) == (130, "cleared up\n", "interrupted by SIGINT\n")


def test_an_error_on_the_way_out_does_not_hide_the_signal():
    done = run(SWALLOWED.replace('print("cleared up", flush=True)', "raise ValueError"))
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted by SIGINT\n")


def test_signals_are_left_as_they_were():
    from emiss.interrupt import ends_on_signals

    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)]
    with ends_on_signals():
        assert signal.getsignal(signal.SIGINT) is not before[0]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)] == before


def test_what_is_ignored_stays_so():
    code = SWALLOWED.replace("with ends", "signal.signal(signal.SIGINT, signal.SIG_IGN)\nwith ends").replace(
        "+ 30", "+ 0.5"
    )
    done = run(code)
    assert (done.returncode, done.stdout, done.stderr) == (0, "cleared up\nwent on\n", "")


@pytest.mark.parametrize(
    "command",
    [("dump",), ("show",), ("fit",), ("select",), ("inspect",), ("columns",), ("check",), ("field", "check")],
    ids=" ".join,
)
def test_a_pipe_is_refused_and_not_waited_for(cli, tmp_path, command):
    pipe = tmp_path / "run.dat"
    os.mkfifo(pipe)
    done = cli(*command, pipe)
    assert (done.code, "is a pipe, not a file" in done.err) == (2, True), done.err


def test_a_pipe_in_the_place_of_a_text(cli, tables, tmp_path):
    pipe = tmp_path / "pipe.yaml"
    os.mkfifo(pipe)
    for arguments in (("--cutflow", pipe), ("--efficiencies", pipe)):
        done = cli("limit", "--eot", "1e11", *arguments)
        assert (done.code, "is a pipe, not a file" in done.err) == (2, True), done.err
    done = cli("check", pipe)
    assert (done.code, "is a pipe, not a file" in done.err) == (2, True), done.err


def test_a_wide_table_is_shown_in_blocks_with_all_its_numbers(capsys, monkeypatch):
    from rich.table import Table

    from emiss import terminal

    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    terminal._console.cache_clear()
    table = Table(title="numbers [GeV]")
    for number in range(9):
        table.add_column(f"head [m] {number}", justify="right")
    rows = [[f"{row}.{column}234567" for column in range(9)] for row in range(3)]
    for row in rows:
        table.add_row(*row)
    terminal.print_table(table)
    said = ESCAPE.sub("", capsys.readouterr().out)
    assert all(cell in said for row in rows for cell in row)
    assert max(map(len, said.splitlines())) <= 40
    assert said.startswith("numbers [GeV]")
    assert said.count("[m]") == 9 + said.count("0.0234567") - 1


@pytest.mark.parametrize(
    ("end", "code", "said"),
    [("> /dev/full", 2, "standard output: No space left on device\n"), (">&-", 0, ""), ("| true", 0, "")],
)
def test_where_output_cannot_go(end, code, said):
    """A full disk is told; nobody who listens is no mistake."""
    command = f"set -o pipefail; {sys.executable} -m emiss columns {end}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)  # noqa: S607
    assert (done.returncode, done.stderr, done.stdout) == (code, said, "")
