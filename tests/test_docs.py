"""Every code block of the documentation is run: commands, Python, YAML files."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import pages

ROOT = Path(__file__).parents[1]
SEARCHES = sorted((ROOT / "docs/searches").glob("*.md"))
PAGES = [*sorted((ROOT / "docs").glob("*.md")), *SEARCHES]
TEXTS = [*PAGES, ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
DRAWN = ("histograms", "scans")
"""Pages about figures: the jobs of the others make them, but do not draw them, which takes longer than all the rest."""


@pytest.fixture(scope="session")
def demo(tmp_path_factory) -> Path:
    """The folder that all pages begin in: what ``emiss process demo --out out/demo`` has made."""
    from emiss.cli import main
    from emiss.selection.report import figures

    folder = tmp_path_factory.mktemp("pages")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["emiss", "process", "demo", "--out", "out/demo"])
        patch.setattr(figures, "svg", lambda _: "<svg></svg>")
        with pytest.raises(SystemExit) as ended:
            main()
    assert ended.value.code == 0
    return folder


def run_shell(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    shell = ["bash", "-c", line]
    return subprocess.run(
        shell, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False, timeout=300
    )


@pytest.fixture
def run(cli, monkeypatch):
    """Run a line of a console block: plain commands in this process, the rest in a shell; pages are asked, not served."""
    from emiss.browser import serving

    def once(page, on, ready, _=None) -> None:
        ready(f"http://{serving.HOST}:{on.getsockname()[1]}/token/")
        # what each page asks first
        first = next(name for name in ("answer", "list", "news", "describe") if name in page.questions)
        assert page.questions[first]({})

    monkeypatch.setattr(serving, "serve", once)
    monkeypatch.setattr(serving, "open_browser", lambda _: True)

    def in_folder(command: pages.Command, folder: Path) -> tuple[int, str]:
        arguments = command.arguments()
        if arguments is None:
            done = run_shell(command.line, folder)
            return done.returncode, done.stdout + done.stderr
        done = cli(*arguments)
        return done.code, done.out + done.err

    return in_folder


def of_page(page: Path) -> str:
    """Return the name of a page's tests."""
    return page.relative_to(ROOT).with_suffix("").as_posix().removeprefix("docs/")


@pytest.mark.parametrize("page", PAGES, ids=of_page)
def test_the_blocks_of_a_page(page, demo, tmp_path, monkeypatch, run, request):
    found = pages.blocks(page)
    if not any(block.kind in ("console", "python", "yaml") for block in found):
        return
    if page.stem not in DRAWN:
        request.getfixturevalue("undrawn")
    shutil.copytree(demo, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    for block in found:
        if block.file:
            (tmp_path / block.file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / block.file).write_text(block.text)
    for block in found:
        if block.kind == "console":
            for command in pages.commands(block):
                code, said = run(command, tmp_path)
                assert code == command.code, f"{block.place}: {command.line}\n{said}"
                for line in command.said:
                    assert line in said, f"{block.place}: {command.line}\n{said}"
        elif block.kind == "python":
            names = {"__name__": "docs"}
            exec(compile(block.text, block.place, "exec"), names)  # noqa: S102 - our own pages
            for name, function in names.items():
                if name.startswith("test_"):
                    function()
    for block in found:
        if block.kind == "yaml":
            code, said = run(pages.Command(f"emiss check {block.file}", 0, ()), tmp_path)
            assert code == 0, f"{block.place}\n{said}"


@pytest.mark.parametrize("page", TEXTS, ids=of_page)
def test_links_lead_somewhere(page):
    """Those to files of the repository, and to headings in them."""
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^()\s]+)\)", re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)):
        if re.match(r"\w+:", target):
            continue
        path, _, heading = target.partition("#")
        found = page.parent / path if path else page
        assert found.is_file(), f"{page.name}: {target}"
        assert not heading or heading in headings(found), f"{page.name}: {target}"


def headings(page: Path) -> set[str]:
    """Return the names under which the headings of a page are linked to."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=of_page)
def test_every_page_is_in_the_readme(page):
    assert f"({page.relative_to(ROOT).as_posix()})" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_search_has_a_page():
    from emiss.configs.loader import shipped

    told = "".join(page.read_text(encoding="utf-8") for page in SEARCHES)
    assert [name for name in shipped("searches") if f"`{name}`" not in told] == []


@pytest.mark.parametrize("page", TEXTS, ids=of_page)
def test_blocks_say_what_they_are(page):
    for block in pages.blocks(page):
        assert block.kind in pages.KINDS, block.place
        if block.kind == "yaml":
            assert block.file, f"{block.place}: the first line names the file"
        if block.kind == "console":
            assert block.text.startswith("$ "), block.place
        if block.kind == "text":
            assert not re.search(r"^(\$|emiss) ", block.text, re.MULTILINE), f"{block.place}: looks like a command"
