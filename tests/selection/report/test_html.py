from __future__ import annotations

import html.parser
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import pytest

from emiss.selection.counting.counts import CutCounts, Tally
from emiss.selection.display import notebook
from emiss.selection.report import html as report
from emiss.selection.results.cutflow import Cutflow

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

VOID = {"meta", "br", "link", "img", "hr", "input"}


class Page(html.parser.HTMLParser):
    """Reads a page, checks that its elements are closed in order, and keeps its tags, texts and addresses."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.words: list[str] = []
        self.addresses: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href", "action")]
        assert not any(name.startswith("on") for name, _ in attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data.strip())


@pytest.fixture(scope="module")
def page(demo: Cutflow) -> str:
    return report.render(demo, title="My search", sources={"cuts.yaml": "cuts:\n  - {name: a & b}\n"})


def test_the_page_needs_nothing_from_outside(page: str) -> None:
    read = Page(page)
    inside = set(re.findall(r' id="([\w-]+)"', page))
    assert {address.removeprefix("#") for address in read.addresses} == inside  # the contents, and nothing else
    assert not {"script", "link", "img", "iframe", "object"} & set(read.tags)
    assert not re.search(r"url\(|@import|https?://", page)
    assert page.lstrip().startswith("<!DOCTYPE html>")
    assert 'name="viewport"' in page
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page


def test_the_page_holds_what_was_promised(page: str) -> None:
    words = Page(page).words
    for word in (
        *("My search", "signal", "data (blinded)", "12.0 +1.1 -1.0 %", "< 0.18 %", "< 1.8e8", "1e10", "0.299 %"),
        *("count(tracks) == 1", "data: hidden", "srd_up", "dimuon: 4096 bytes skipped", "1000, in part"),
        *("cuts.yaml", "cuts:\n  - {name: a & b}", "signal (sums of weights)"),
    ):
        assert word in words, word
    assert any('"version": "0.1.0"' in word for word in words)
    assert any(word.startswith("undefined for events that reached the cut: single_track 2") for word in words)


def test_charts_have_a_text_alternative_and_right_lengths(page: str) -> None:
    charts = [ET.fromstring(svg) for svg in re.findall(r"<svg.*?</svg>", page, re.DOTALL)]  # noqa: S314 - our own
    assert len(charts) == 4
    for chart in charts:
        assert chart.get("role") == "img"
    signal, dimuon, beam, _ = charts
    assert signal.get("aria-label") == (
        "signal: single_track 85.0 +1.1 -1.2 %; mip_veto 72.0 +1.4 -1.4 %; e_miss 69.0 +1.4 -1.5 %"
    )
    # dimuon: 12 %, 1.1 % and 0.1 %; the axis goes a decade below the last
    lengths = [float(bar.get("width", "")) for bar in dimuon.iter("rect")]
    assert [length / 430 for length in lengths] == pytest.approx([0.76980, 0.51035, 0.25], abs=1e-3)  # 1 + log10(x) / 4
    assert [float(bar.get("width", "")) for bar in beam.iter("rect")] == [0.0, 0.0, 0.0]


def test_everything_is_escaped() -> None:
    evil = "<script>alert('x')</script>&\"'"
    counts = (CutCounts("all", "", Tally(2, 2.0, 2.0)), CutCounts(evil, evil, Tally(1, 1.0, 1.0)))
    from emiss.events.ledger import Ledger

    cutflow = Cutflow.single(
        analysis=evil,
        cuts_hash=evil,
        sample=evil,
        role="data",
        on_target=None,
        scale=1.0,
        partial=False,
        ledger=Ledger(read=3, passed=2, lost={evil: 1}),
        regions={evil: {evil: counts, "b": counts}, "c": {evil: counts}},
        coverage={},
        provenance={"command": evil},
        hidden=True,
    )
    for text in (report.render(cutflow, title=evil, sources={evil: evil}), notebook.table(cutflow)):
        read = Page(text)
        assert "script" not in read.tags
        assert evil in read.words or f"{evil} (blinded)" in read.words


def test_notebooks_show_a_fragment(demo: Cutflow) -> None:
    fragment = demo._repr_html_()
    assert fragment == notebook.table(demo)
    read = Page(fragment)
    assert read.tags[0] == "div"
    assert "html" not in read.tags
    assert "12.0 +1.1 -1.0 %" in read.words
    assert "data: hidden" in read.words


def test_empty_cutflows_make_a_page(make_cutflow: Callable[..., Cutflow]) -> None:
    assert "nan" not in report.render(make_cutflow("beam", (0, 0, 0, 0))).lower().replace("provenance", "")
    Page(report.render(Cutflow.empty()))


def many(make_cutflow: Callable[..., Cutflow], count: int) -> Cutflow:
    made = [make_cutflow(f"background_{k}", (20500, 5899, 5667, 5452), on_target=4.7218e15) for k in range(count)]
    return sum(made[1:], made[0])


@pytest.mark.parametrize(("count", "tables"), [(1, [1]), (5, [5]), (6, [3, 3]), (13, [4, 4, 5])])
def test_samples_stand_in_tables_that_a_page_has_room_for(
    make_cutflow: Callable[..., Cutflow], count: int, tables: list[int]
) -> None:
    made = report.render(many(make_cutflow, count))
    held = re.findall(r'<table class="counts">(.*?)</table>', made, re.DOTALL)
    assert [len(re.findall('class="sample"', table)) for table in held] == tables
    names = re.findall(r'class="sample">(.*?)</th>', "".join(held))
    assert names == [f"background_{k}" for k in range(count)]


MEASURE = """<body style="margin:0"><iframe id="f" src="page.html" style="width:{width}px;height:900px;border:0"></iframe>
<script>onload = () => {{
  const d = document.getElementById("f").contentDocument, w = {width};
  const lost = [...d.querySelectorAll("body *")].filter(e => {{
    const r = e.getBoundingClientRect(), s = e.closest(".scroll");
    return (!s || s === e || w === 703) && r.width && (r.left < 0 || r.right > w); }});
  const box = d.querySelector(".scroll"), head = box.querySelector("tbody th");
  const before = head.getBoundingClientRect().left;
  box.scrollLeft = 200;
  const moved = head.getBoundingClientRect().left - before;
  document.title = "page " + d.documentElement.scrollWidth + " lost " + lost.length + " scrolls " + (box.scrollLeft > 0)
    + " moved " + Math.round(moved);
}};</script></body>"""


PAPER = 703
"""What A4 has between its margins, at 96 dots per inch."""


@pytest.mark.parametrize("width", [1400, 768, 390, PAPER])
def test_nothing_but_a_table_scrolls_sideways(make_cutflow: Callable[..., Cutflow], tmp_path: Path, width: int) -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("needs chromium")
    page = report.render(many(make_cutflow, 5))
    if width == PAPER:
        page = page.replace("@media print", "@media all").replace("@media screen", "@media none")
    (tmp_path / "page.html").write_text(page)
    (tmp_path / "measure.html").write_text(MEASURE.format(width=width))
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--allow-file-access-from-files"]
    command = [browser, *options, "--window-size=1500,1000", "--dump-dom", str(tmp_path / "measure.html")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    scrolls = "false" if width in (1400, PAPER) else "true"  # and the first column stays
    assert f"<title>page {width} lost 0 scrolls {scrolls} moved 0</title>" in done.stdout, re.findall(
        "<title>.*</title>", done.stdout
    )


def test_a_report_that_fails_costs_no_other_file(make_cutflow, tmp_path, monkeypatch):
    from emiss.selection.report import html, write_all

    def fails(*_args: object, **_options: object) -> str:
        msg = "no page today"
        raise ValueError(msg)

    monkeypatch.setattr(html, "render", fails)
    with pytest.raises(ValueError, match="no page today"):
        write_all(make_cutflow("signal", (10, 8, 6, 4)), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {f"cutflow.{kind}" for kind in ("json", "csv", "md", "tex")}
