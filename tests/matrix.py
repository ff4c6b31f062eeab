"""The tests in environments of their own: the lowest versions that are declared, and the newest, on every Python found.

``python -m tests.matrix [--python 3.11 ...] [--versions lowest newest] [-- pytest options]``; run by ``make matrix``. An
environment stands in ``out/matrix`` with the list of what was chosen beside it, and is made again when that list changes.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parents[1]
PYTHONS = ("3.11", "3.12", "3.13")
RESOLUTION = {"lowest": "lowest-direct", "newest": "highest"}
OPTIONS = {"lowest": ("-W", "ignore::DeprecationWarning"), "newest": ()}
"""What an old library uses of a newer one below it may be deprecated there: that is no failure."""


def interpreter(version: str) -> str | None:
    """Return a Python of a version from PATH or pyenv."""
    home = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser() / "versions"
    known = [*sorted(map(str, home.glob(f"{version}.*/bin/python"))), shutil.which(f"python{version}")]
    return next((path for path in known if path), None)


def uv(*arguments: str | Path) -> None:
    """Run uv, which comes with the extra "matrix"."""
    program = Path(sysconfig.get_path("scripts")) / "uv"
    subprocess.run([program, *arguments], cwd=ROOT, check=True)


def environment(folder: Path, python: str, versions: str) -> Path:
    """Return the Python of an environment with the given versions of the direct dependencies."""
    listed = folder.parent / f"{folder.name}.new.txt"
    # wheels alone: a lowest version that has none for this Python is not one that a user gets
    chosen = ("--resolution", RESOLUTION[versions], "--only-binary", ":all:", "--python", python)
    uv(
        "pip",
        "compile",
        "-q",
        "pyproject.toml",
        "--extra",
        "test",
        *chosen,
        "--no-header",
        "--no-annotate",
        "-o",
        listed,
    )
    kept = folder.parent / f"{folder.name}.txt"
    own = folder / "bin" / "python"
    if not own.exists() or not kept.exists() or kept.read_text() != listed.read_text():
        shutil.rmtree(folder, ignore_errors=True)
        uv("venv", "-q", "--seed", "--python", python, folder)  # with pip, which the test of the wheel calls
        uv("pip", "install", "-q", "--python", own, "-r", listed)
        uv("pip", "install", "-q", "--python", own, "--no-deps", "-e", ".")
        listed.replace(kept)
    listed.unlink(missing_ok=True)
    return own


def main() -> int:
    """Run the tests everywhere; the exit code tells whether all passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", nargs="*", default=PYTHONS)
    parser.add_argument("--versions", nargs="*", default=list(RESOLUTION), choices=list(RESOLUTION))
    arguments, options = parser.parse_known_args()
    base = ROOT / "out" / "matrix"
    base.mkdir(parents=True, exist_ok=True)
    results = {}
    for version in arguments.python:
        python = interpreter(version)
        for versions in arguments.versions:
            name = f"{version}-{versions}"
            if python is None:
                results[name] = "no such Python here"
                continue
            own = environment(base / name, python, versions)
            command = [own, "-m", "pytest", "-q", *OPTIONS[versions], *(o for o in options if o != "--")]
            run = subprocess.run(command, cwd=ROOT, check=False)
            results[name] = "passed" if run.returncode == 0 else f"failed ({run.returncode})"
    for name, result in results.items():
        print(f"{name:16}{result}")
    return int(any(result.startswith("failed") for result in results.values()))


if __name__ == "__main__":
    sys.exit(main())
