"""Try everything that a release needs, and print the commands that would make it: ``python -m tests.release X.Y.Z``.

Run by ``make release VERSION=X.Y.Z``. Nothing is tagged and nothing is sent anywhere. Sdist and wheel are built under
``out/release`` as the tag would have them built; the wheel is tried in an environment of its own, with what it depends on.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "out" / "release"


def main() -> int:
    """Run the steps in order; the first that fails ends it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("version", nargs="?", default="", help="X.Y.Z")
    parser.add_argument("--no-check", action="store_true", help="'make check' has passed on this commit")
    arguments = parser.parse_args()
    try:
        release(arguments.version, check=not arguments.no_check)
    except ValueError as error:
        print(f"no release: {error}", file=sys.stderr)
        return 1
    return 0


def release(version: str, *, check: bool) -> None:
    """Do every step but the last ones, and print those."""
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        msg = f"'{version}' is no version; make release VERSION=X.Y.Z"
        raise ValueError(msg)
    changed = output("git", "status", "--porcelain")
    if changed:
        msg = f"not all is committed:\n{changed}"
        raise ValueError(msg)
    if output("git", "tag", "--list", f"v{version}"):
        msg = f"there is a tag v{version} already"
        raise ValueError(msg)
    notes = section((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), version)
    if check:
        step("make", "check")
    files = built(version)
    step(sys.executable, "-m", "twine", "check", "--strict", *files)
    tried(next(path for path in files if path.suffix == ".whl"), version)
    listed = " ".join(str(path.relative_to(ROOT)) for path in files)
    print(f"\n{notes}\n\nAll is there for {version}. What would make the release, and was not done:\n")
    print(f"  git tag --annotate v{version} --message 'emiss {version}'")
    print(f"  git push origin v{version}")
    print(f"  {Path(sys.executable).parent}/twine upload {listed}")


def section(changelog: str, version: str) -> str:
    """Return what the changelog says of a version.

    Raises
    ------
    ValueError
        If it has no section ``## [X.Y.Z] - YYYY-MM-DD``, or one that says nothing.
    """
    heading = rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d\n"
    found = re.search(rf"{heading}(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    if found is None:
        msg = f"CHANGELOG.md has no line '## [{version}] - YYYY-MM-DD'; what is under 'Unreleased' goes there"
        raise ValueError(msg)
    if not found[1].strip():
        msg = f"CHANGELOG.md says nothing of {version}"
        raise ValueError(msg)
    return found[0].strip()


def built(version: str) -> list[Path]:
    """Build sdist and wheel as the tag would have them."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    # the tag is not there yet: say what it will say
    told = {**os.environ, "SETUPTOOLS_SCM_PRETEND_VERSION_FOR_EMISS": version}
    step(sys.executable, "-m", "build", "--no-isolation", "--outdir", FOLDER, env=told)
    files = sorted(FOLDER.iterdir())
    wanted = [f"emiss-{version}-py3-none-any.whl", f"emiss-{version}.tar.gz"]
    if [path.name for path in files] != wanted:
        msg = f"built {[path.name for path in files]}, not {wanted}"
        raise ValueError(msg)
    return files


def tried(wheel: Path, version: str) -> None:
    """Install the wheel in an environment of its own, and process the runs that ship in an empty folder."""
    bare = FOLDER.with_name("release_environment")
    shutil.rmtree(bare, ignore_errors=True)
    step(sys.executable, "-m", "venv", bare)
    python = bare / "bin" / "python"
    step(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-c", "constraints.txt", wheel)
    said = output(bare / "bin" / "emiss", "--version")
    if said != f"emiss {version}":
        msg = f"the wheel says '{said}'"
        raise ValueError(msg)
    work = bare / "work"
    work.mkdir()
    step(bare / "bin" / "emiss", "process", "demo", "--out", "out", cwd=work)


def output(*command: str | Path) -> str:
    """Return what a command prints."""
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def step(*command: str | Path, cwd: Path = ROOT, env: dict[str, str] | None = None) -> None:
    """Say and run a command.

    Raises
    ------
    ValueError
        If it fails.
    """
    shown = " ".join(str(word) for word in command)
    print(f"$ {shown}", flush=True)
    if subprocess.run(command, cwd=cwd, env=env, check=False).returncode:
        msg = f"failed: {shown}"
        raise ValueError(msg)


if __name__ == "__main__":
    sys.exit(main())
