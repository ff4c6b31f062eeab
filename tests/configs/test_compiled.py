"""Machine code follows its source: of the function, of those that it calls in other files, and of constants."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from emiss.configs import compiled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
INNER = """from emiss.configs.compiled import bare
from copied.constants import FACTOR

@bare
def inner(x):
    return x + FACTOR
"""
OUTER = """from emiss.configs.compiled import kernel
from copied import inner
add = inner.inner

@kernel
def outer(x):
    return add(x)
"""
ASKED = """
import os, sys
import emiss.configs.compiled

for _ in sys.stdin:  # each line asks for a new process, which has nothing of the package yet
    if os.fork() == 0:
        from copied.outer import outer
        print(outer(1.0), sum(outer.stats.cache_hits.values()), flush=True)
        os._exit(0)
    assert os.wait()[1] == 0
"""


@pytest.fixture
def package(tmp_path) -> Path:
    folder = tmp_path / "copied"
    folder.mkdir()
    for name, text in {"__init__": "", "constants": "FACTOR = 2.0\n", "inner": INNER, "outer": OUTER}.items():
        (folder / f"{name}.py").write_text(text)
    return folder


@contextmanager
def asking(package: Path, **environment: str) -> Iterator[Callable[[], tuple[float, int]]]:
    """Yield what asks the copied kernel in a new process: what it says, and how often its code came from the disk."""
    paths = {"PYTHONPATH": f"{package.parent}{os.pathsep}{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"}
    caches = {"NUMBA_CACHE_DIR": str(package.parent / "cache")} | environment
    # newer Pythons warn of the threads of linear algebra, which do nothing here
    forked = "ignore:This process:DeprecationWarning"
    command = [sys.executable, "-W", "error", "-W", forked, "-c", ASKED]
    with subprocess.Popen(
        command, env={**os.environ, **paths, **caches}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:

        def ask() -> tuple[float, int]:
            process.stdin.write("\n")
            process.stdin.flush()
            value, hits = process.stdout.readline().split()
            return float(value), int(hits)

        yield ask
        process.stdin.close()
    assert process.returncode == 0


def test_a_change_in_a_called_file_or_a_constant_is_seen(package):
    with asking(package) as ask:
        assert ask() == (3.0, 0)
        assert ask() == (3.0, 1)
        for name, old, new, value in (("inner", "x + F", "x - F", -1.0), ("constants", "2.0", "5.0", -4.0)):
            file = package / f"{name}.py"
            times = file.stat().st_atime, file.stat().st_mtime
            file.write_text(file.read_text().replace(old, new))
            os.utime(file, times)  # the time says nothing
            assert ask() == (value, 0)
            assert ask() == (value, 1)


def test_switches_of_the_compiler_are_told_apart(package):
    with asking(package) as ask:
        assert ask() == (3.0, 0)
    with asking(package, NUMBA_BOUNDSCHECK="1") as ask:
        assert ask() == (3.0, 0)
        assert ask() == (3.0, 1)


def test_damaged_machine_code_is_made_again(package):
    with asking(package) as ask:
        ask()
        kept = list((package.parent / "cache").rglob("*.nb[ic]"))
        assert kept
        for path in kept:
            path.write_bytes(path.read_bytes()[:-20])
        assert ask() == (3.0, 0)
        assert ask() == (3.0, 1)


@pytest.mark.parametrize("variable", ["NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "HOME"])
def test_where_it_is_kept(variable, tmp_path, monkeypatch):
    monkeypatch.setattr("numba.config.CACHE_DIR", "")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    if variable == "NUMBA_CACHE_DIR":
        monkeypatch.setattr("numba.config.CACHE_DIR", str(tmp_path))
    else:
        monkeypatch.setenv(variable, str(tmp_path))
    compiled.root.cache_clear()
    try:
        assert compiled.root().is_relative_to(tmp_path)
        assert compiled.root().stat().st_mode & 0o077 == 0
    finally:
        compiled.root.cache_clear()


def test_a_folder_that_cannot_be_used_is_passed_by(tmp_path, monkeypatch):
    in_the_way, foreign, good = tmp_path / "file", tmp_path / "foreign", tmp_path / "good"
    in_the_way.touch()
    foreign.mkdir()
    foreign.chmod(0o777)
    monkeypatch.setattr(compiled, "_roots", lambda: iter([in_the_way / "a", foreign, good]))
    compiled.root.cache_clear()
    try:
        assert compiled.root() == good
        monkeypatch.setattr(compiled, "_roots", lambda: iter([in_the_way / "a", foreign]))
        compiled.root.cache_clear()
        compiled._folder.cache_clear()
        assert compiled.kernel(_twice)(2) == 4
    finally:
        compiled.root.cache_clear()
        compiled._folder.cache_clear()


def _twice(x):
    return 2 * x


def test_old_folders_are_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(compiled, "_roots", lambda: iter([tmp_path]))
    compiled.root.cache_clear()
    compiled._folder.cache_clear()
    try:
        stem = compiled.folder_of(_twice).name.rpartition("-")[0]
        compiled._folder.cache_clear()
        compiled.folder_of(_twice).rmdir()
        for age in range(20):
            folder = tmp_path / f"{stem}-{age}"
            folder.mkdir()
            os.utime(folder, (1e9 + age, 1.8e9 + age))
        (tmp_path / "other.module-0").mkdir()
        monkeypatch.setattr("time.time", lambda: 1.8e9 + 100)
        compiled._folder.cache_clear()
        new = compiled.folder_of(_twice)
        left = {path.name for path in tmp_path.glob(f"{stem}-*")}
        assert left == {new.name, *(f"{stem}-{age}" for age in range(13, 20))}
        assert (tmp_path / "other.module-0").is_dir()
    finally:
        compiled.root.cache_clear()
        compiled._folder.cache_clear()


def test_every_kernel_is_compiled_here():
    direct = re.compile(r"\bn?jit\(|import n?jit|@numba\b|\bvectorize\(")
    folders = [path.parent for path in ROOT.glob("*/__init__.py") if path.parent.name not in ("tests", "benchmarks")]
    files = [path for folder in folders for path in folder.rglob("*.py") if path.name != "compiled.py"]
    assert len(files) > 200
    assert [path for path in files if direct.search(path.read_text(encoding="utf-8"))] == []


def test_names_imported_in_every_way_are_followed():
    text = (
        "import a.b, c as d\nfrom e.f import (\n    g,\n    h as i,\n)\nfrom j import k  # l\nif True:\n    import m\n"
    )
    assert set(compiled._imported(text)) == {"a.b", "c", "e.f", "e.f.g", "e.f.h", "j", "j.k"}


def test_two_processes_that_compile_at_the_same_time_do_not_share_a_file(package, monkeypatch):
    """Each has looked at the index before the other has written it; numba would give both signatures the number 1."""
    cache = package.parent / "cache"
    monkeypatch.setattr(compiled.numba.config, "CACHE_DIR", str(cache))
    compiled.root.cache_clear()
    compiled._folder.cache_clear()
    monkeypatch.syspath_prepend(str(package.parent))
    try:
        from copied.inner import inner

        file = inner._cache._cache_file
        before = file._load_index()
        monkeypatch.setattr(file, "_load_index", lambda: dict(before))
        inner(1)
        inner(1.0)
        monkeypatch.undo()
        assert len(list(cache.rglob("*.nbc"))) == 2
    finally:
        for name in [name for name in sys.modules if name.split(".")[0] == "copied"]:
            del sys.modules[name]
        compiled.root.cache_clear()
        compiled._folder.cache_clear()
