"""How the tests build: a copy of the sources in one of the states that they come in, sdist and wheel without any network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("calib", "configs", "events", "physics", "reco", "samples", "selection")
"""Packages below `emiss` whose folders stand beside it."""
FOLDERS = ("emiss", *PACKAGES)
OTHERS = ("benchmarks", "docs", "tests")
VERSION = "1.2.3"
"""The version that builds here are told: the copy has no git."""

BACKEND = """
import sys
from setuptools import build_meta
folder, *kinds = sys.argv[1:]  # which the backend changes
for kind in kinds:
    getattr(build_meta, f"build_{kind}")(folder)
"""


def copy_sources(folder: Path) -> Path:
    """Copy what is in the repository, links as links, and return where it is."""
    for name in (*FOLDERS, *OTHERS):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    for path in ROOT.iterdir():
        if path.is_file() and path.name != ".git":
            shutil.copy(path, folder)
    return folder


def build(sources: Path, *kinds: str) -> tuple[Path, ...]:
    """Build "sdist" or "wheel" from a folder and return the files made, in that order."""
    done = sources / "dist"
    done.mkdir()
    known = {**os.environ, "SETUPTOOLS_SCM_PRETEND_VERSION_FOR_EMISS": VERSION}
    command = [sys.executable, "-c", BACKEND, str(done), *kinds]
    made = subprocess.run(command, cwd=sources, env=known, capture_output=True, text=True, check=False, timeout=120)
    assert made.returncode == 0, made.stderr
    suffix = {"sdist": "*.tar.gz", "wheel": "*.whl"}
    return tuple(next(done.glob(suffix[kind])) for kind in kinds)


def unpack(sdist: Path, folder: Path) -> Path:
    """Unpack an sdist and return the folder of its sources."""
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    return next(folder.iterdir())


def content(wheel: Path) -> dict[str, int]:
    """Return the files in a wheel with the checksums of what they hold."""
    return {item.filename: item.CRC for item in zipfile.ZipFile(wheel).infolist()}


def foreign_wheel(folder: Path, name: str, package: str) -> Path:
    """Write a wheel of another project, whose one top-level package fails when it is imported."""
    info = f"{name}-1.0.dist-info"
    files = {
        f"{package}/__init__.py": f"raise ImportError('{package} of another project')\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{file},,\n" for file in (*files, f"{info}/RECORD"))
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)
    return path
