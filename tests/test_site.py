"""The site of docs as it is known without mkdocs: its navigation, where its links go, what its reference holds."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from tests import pages

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs"


@pytest.fixture(scope="module")
def site():
    spec = importlib.util.spec_from_file_location("docs_site", FOLDER / "site.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def config():
    class Loader(yaml.SafeLoader):
        """A function of Python that the file names is not called."""

    Loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda *_: None)
    return yaml.load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), Loader)  # noqa: S506 - a safe one


def leaves(nav) -> list[str]:
    if isinstance(nav, str):
        return [nav]
    return [name for part in (nav.values() if isinstance(nav, dict) else nav) for name in leaves(part)]


def test_the_navigation_names_every_page_once_and_nothing_else(site, config):
    written = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.md")}
    assert not written & set(site.made_pages())
    assert sorted(leaves(config["nav"])) == sorted(written | set(site.made_pages()))


def test_links_of_texts_from_the_top_go_to_files_of_the_site(site):
    made = site.made_pages()
    for name in site.TEXTS:
        targets = re.findall(r"\]\((?!https?:)([^)#]+)", made[name])
        assert name != "index.md" or len(targets) > 30
        missing = [target for target in targets if target not in made and not (FOLDER / target).is_file()]
        assert missing == [], name


def test_a_link_keeps_its_anchor_and_one_elsewhere_is_left_alone(site):
    text = "[a](docs/cuts.md#variations) [b](CONTRIBUTING.md) [c](https://x.org/docs/a.md) ![d](docs/pictures/tune.png)"
    moved = "[a](cuts.md#variations) [b](contributing.md) [c](https://x.org/docs/a.md) ![d](pictures/tune.png)"
    assert site.moved(text) == moved


def test_the_reference_holds_modules_that_are_there_and_all_that_pages_import(site):
    held = {name for names in site.REFERENCE.values() for name in names if name}
    packages = {path.parent.name: path.parent for path in ROOT.glob("*/__init__.py")}
    for name in held:
        first, *rest = name.split(".")
        path = packages.get(first, ROOT / "emiss" / first).joinpath(*rest)
        assert path.with_suffix(".py").is_file() or (path / "__init__.py").is_file(), name
    code = [block.text for page in FOLDER.rglob("*.md") for block in pages.blocks(page) if block.kind == "python"]
    imported = set(re.findall(r"^ *from emiss\.([\w.]+) import", "\n".join(code), re.MULTILINE))
    shorter = {"samples", "physics.processes", "plot"}  # packages whose modules are held
    assert "events.batch" in imported
    assert imported - held == shorter


def test_nothing_comes_from_elsewhere(config):
    assert config["theme"]["font"] is False
    named = [*config["extra_css"], *config.get("extra_javascript", ())]
    assert [name for name in named if not (FOLDER / name).is_file()] == []
    plugins = {name for part in config["plugins"] for name in ([part] if isinstance(part, str) else part)}
    assert plugins == {"search", "mkdocstrings"}


@pytest.mark.parametrize(
    ("name", "markup", "shown"),
    [
        ("cuts.md", r"<td><code>a \|\| b</code></td> <code>\|</code>", r"<td><code>a || b</code></td> <code>\|</code>"),
        ("cuts.md", "<p>In a file::</p>", "<p>In a file::</p>"),
        ("reference/emiss.md", "<p>In a notebook::</p>", "<p>In a notebook:</p>"),
    ],
)
def test_what_is_shown_differently(site, name, markup, shown):
    page = SimpleNamespace(file=SimpleNamespace(src_uri=name))
    assert site.on_page_content(markup, page, config=None, files=None) == shown


@pytest.mark.parametrize(
    ("markup", "warned"),
    [
        ('<script src="https://x.org/a.js">', 1),
        ("<link rel=stylesheet href=//x.org/a.css>", 1),
        ('<img alt="" src="http://x.org/a.png">', 1),
        ('<a href="https://arxiv.org/abs/2404.15931">paper</a> <script src="assets/a.js">', 0),
    ],
)
def test_what_a_page_would_fetch_from_elsewhere_is_a_warning(site, caplog, markup, warned):
    page = SimpleNamespace(file=SimpleNamespace(src_uri="cuts.md"))
    assert site.on_post_page(markup, page, config=None) == markup
    assert len(caplog.records) == warned


def test_pictures_of_the_readme_are_small():
    shown = re.findall(r"!\[[^]]+\]\((docs/pictures/[\w.]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert sorted(shown) == [f"docs/pictures/{name}.png" for name in ("limit", "look", "tune")]
    for name in shown:
        assert (ROOT / name).read_bytes().startswith(b"\x89PNG")
        assert (ROOT / name).stat().st_size < 150_000


def test_the_readme_names_the_commands_of_its_pictures():
    source = (FOLDER / "pictures/__main__.py").read_text(encoding="utf-8")
    made = re.findall(r'^(?:TUNE|LOOK|LIMIT) = "(.+)"$', source, re.MULTILINE)
    row = next(
        line for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines() if "cuts as sliders" in line
    )
    assert re.findall(r"`emiss (.+?)`", row) == made
