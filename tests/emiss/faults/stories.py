"""What is tried: commands in a folder of their own, and what stands there when all is well."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.emiss.faults.server import Server

RUNS = """
detector: na64e_lfc
analysis: cuts.yaml
calib: demo
samples:
  signal: {role: signal, files: [muon.dat], on_target: 1e12}
  beam: {role: background, files: [beam.dat, beam.root], on_target: 1e9}
"""
CUTS = """
analysis: weighed
extends: e_to_mu_phi
weights: {nominal: 1.1, variations: {up: 1 + ecal.energy / 7 GeV}}
"""
INPUTS = ("muon.dat", "beam.dat", "beam.root")

Command = tuple[str, ...]


@dataclass(frozen=True)
class Story:
    """A command to which something happens, what is done before, and what is done to mend it."""

    command: Command
    before: tuple[Command, ...] = ()
    after: tuple[Command, ...] = ()
    """Done in the end, in the reference too: what was interrupted is not whole without it."""


SKIMS = ("--keep", "skims", "--after", "single_track")
SELECT = ("select", "out", "--analysis", "cuts.yaml", "--set", "e_miss_min=30GeV", "--out", "cut", *SKIMS)
SCAN = ("scan", "out", "--analysis", "cuts.yaml", "-p", "e_miss_min", "--from", "0GeV", "--to", "60GeV")
STORIES: Mapping[str, Story] = {
    "process": Story(("process", "runs.yaml", "--out", "out", *SKIMS)),
    "quick": Story(("process", "runs.yaml", "--out", "out", "--tables", "parquet")),
    "process again": Story(
        ("process", "runs.yaml", "--out", "out"),
        (("process", "runs.yaml", "--out", "out", "--set", "e_miss_min=30GeV"),),
    ),
    "part": Story(
        ("process", "runs.yaml", "--out", "out", "--tables", "parquet", "--part", "2/2"),
        (("process", "runs.yaml", "--out", "out", "--tables", "parquet", "--part", "1/2"),),
        (("merge", "out"),),
    ),
    "merge": Story(
        ("merge", "a", "b", "--out", "out"),
        (
            ("process", "runs.yaml", "--out", "a", "--part", "1/2", *SKIMS),
            ("process", "runs.yaml", "--out", "b", "--part", "2/2", *SKIMS),
        ),
    ),
    "select": Story(SELECT, (("process", "runs.yaml", "--out", "out"),)),
    "scan": Story((*SCAN, "--out", "scans"), (("process", "runs.yaml", "--out", "out", "--tables", "parquet"),)),
    "simulate": Story(("simulate", "muon", "--events", "20", "--out", "made.dat")),
    "simulate hits": Story(("simulate", "muon", "--events", "20", "--out", "made.root")),
    "quality": Story(("quality", "muon.dat", "beam.dat", "--out", "quality")),
    "limit": Story(("limit", "--eot", "1e11", "--efficiencies", "eff.csv", "--out", "limit", "--plot", "limit.pdf")),
}
JOBS = ("process", "process again", "part")
"""The stories in which run files are read."""


class Stage:
    """A folder, always the same one, in which stories are played.

    Parameters
    ----------
    folder : Path
    server : Server
    events : int
        Of a run file.
    """

    def __init__(self, folder: Path, server: Server, events: int = 50) -> None:
        self.server = server
        self.folder = folder / "here"
        self._kept = folder / "kept"
        self._known: dict[str, Reference] = {}
        self._make(events)

    def _make(self, events: int) -> None:
        from emiss.samples.config import load_sample
        from emiss.samples.simulate import simulate

        start = self._kept / "start"
        start.mkdir(parents=True)
        (start / "runs.yaml").write_text(RUNS)
        (start / "cuts.yaml").write_text(CUTS)
        (start / "eff.csv").write_text("m_phi,efficiency,error\n0.2,0.2,0.01\n0.5,0.3,0.01\n1.0,0.3,0.01\n")
        others = self._kept / "others"
        others.mkdir()
        for name in INPUTS:
            kind = load_sample(Path(name).stem)
            simulate(kind, start / name, events=events)
            simulate(kind, others / name, events=events - 5, seed=7)

    def other(self, name: str) -> Path:
        """Return another run file that may take the place of an input."""
        return self._kept / "others" / name

    def input(self, name: str) -> bytes:
        """Return what an input holds in the beginning."""
        return (self._kept / "start" / name).read_bytes()

    def story(self, name: str) -> Story:
        """Return a story by its name."""
        return STORIES[name]

    def set(self, state: str | Path = "start") -> None:
        """Let the folder be as it was, files with the times that they had."""
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self._kept / state, self.folder, symlinks=True)

    def reference(self, name: str) -> Reference:
        """Play a story without any fault, once; the folder is as it is before the command then."""
        if name not in self._known:
            story = STORIES[name]
            self.set()
            for command in story.before:
                self.do(command)
            shutil.copytree(self.folder, self._kept / name, symlinks=True, dirs_exist_ok=True)
            before = state_of(self.folder)
            done = self.server.run(self.folder, *story.command)
            assert done.code == 0, done.said
            between = state_of(self.folder)
            for command in story.after:
                self.do(command)
            self._known[name] = Reference(before, between, state_of(self.folder), done.operations, done.seconds)
        self.set(name)
        return self._known[name]

    def do(self, command: Sequence[str]) -> None:
        """Do a command that has to end well."""
        done = self.server.run(self.folder, *command)
        assert done.code == 0, f"emiss {' '.join(command)}: exit code {done.code}\n{done.said}"


@dataclass(frozen=True)
class Reference:
    """The files before, directly after and at the end of a story without fault; operations and seconds of its command."""

    before: Mapping[str, str]
    between: Mapping[str, str]
    after: Mapping[str, str]
    operations: int
    seconds: float


_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ][\d:.]+(?:\+[\d:]+|Z)?")
_COMMAND = re.compile(r'(?:"|&#34;|&quot;)command(?:"|&#34;|&quot;): .*')
_QUIET = ("log.txt", ".lock")


def state_of(folder: Path) -> dict[str, str]:
    """Return what the files of a folder hold, but for times; what is hidden is nobody's result."""
    return {
        str(path.relative_to(folder)): _content(path, folder)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and path.name not in _QUIET
        and not any(part[0] == "." and part != ".parts" for part in path.relative_to(folder).parts)
        and not path.name.endswith(".lock")
    }


def half_written(folder: Path) -> list[str]:
    """Return the files that somebody has begun to write."""
    return [str(path) for path in folder.rglob(".*.part*") if path.is_file()]


def _content(path: Path, folder: Path) -> str:
    try:
        return _digest(path, f"{folder}/")
    except Exception as error:  # noqa: BLE001 - whatever is wrong with it, it is not what it should be
        return f"cannot be read: {type(error).__name__}: {error}"


def _digest(path: Path, inside: str) -> str:
    said = hashlib.sha256()
    if path.suffix == ".root":
        for name, values in _arrays(path):
            said.update(name.encode() + b"\0" + values.tobytes())
    elif path.suffix == ".parquet":
        import pyarrow.parquet as pq

        table = pq.read_table(path, use_threads=False)
        said.update(json.dumps([table.to_pydict(), str(table.schema.metadata)], default=str).encode())
    elif path.suffix == ".pdf":
        data = path.read_bytes()
        assert data.rstrip().endswith(b"%%EOF"), "no end"
    elif path.suffix == ".svg":
        assert path.read_text(encoding="utf-8").rstrip().endswith("</svg>"), "no end"
    elif path.suffix == ".png":
        assert path.read_bytes().endswith(b"IEND\xaeB`\x82"), "no end"
    elif path.suffix in (".dat", ".csv", ".npz"):
        said.update(path.read_bytes())
    else:
        text = _COMMAND.sub("", _TIME.sub("T", path.read_text(encoding="utf-8")))
        said.update(text.replace(inside, "").encode())  # on a cluster, paths are absolute
        if path.suffix == ".json":
            json.loads(path.read_text(encoding="utf-8"))
    return said.hexdigest()[:16]


def _arrays(path: Path) -> list[tuple[str, np.ndarray]]:
    """Return all numbers and texts of a ROOT file."""
    import awkward as ak
    import uproot

    found: list[tuple[str, np.ndarray]] = []
    with uproot.open(path) as file:
        for key, kind in sorted(file.classnames(cycle=False).items()):
            if kind == "TTree":
                for branch, values in sorted(file[key].arrays(library="ak", how=dict).items()):
                    form, length, buffers = ak.to_buffers(ak.to_packed(values))
                    found.append((f"{key} {branch} {length} {form.type}", np.empty(0)))
                    found += [(name, np.asarray(buffer)) for name, buffer in sorted(buffers.items())]
            elif kind == "TObjString":
                found.append((key + _TIME.sub("T", str(file[key])), np.empty(0)))
            elif hasattr(file[key], "values"):
                found.append((key, file[key].values(flow=True)))
    return found
