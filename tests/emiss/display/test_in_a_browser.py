"""The page in a real browser: searched, turned and zoomed by key and pointer, on a phone, on paper, with hostile names."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from emiss import events
from emiss.display import picture
from emiss.display.page import page_of
from emiss.events.files.open import write
from emiss.look.judge import Wanted
from tests.emiss import pages

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install -e '.[browser]'")

if pages.CHROMIUM is None:
    pytest.skip("needs Chromium (or EMISS_CHROMIUM, its path)", allow_module_level=True)

HOSTILE = "<img src=x onerror=\"document.title='broken'\">"
NAMES = f"""\
analysis: {json.dumps(HOSTILE)}
cuts: [{{name: {json.dumps(HOSTILE)}, require: ecal.energy > 5 GeV}}]
regions: {{{json.dumps(HOSTILE)}: {{}}, __proto__: {{}}}}
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with pages.chromium(playwright) as began:
        yield began


@pytest.fixture(scope="module")
def address(make_session, raw, tmp_path_factory) -> Iterator[str]:
    out = tmp_path_factory.mktemp("pictures")
    with pages.served(page_of(make_session(raw, out=out, wanted=Wanted(passing="single_track")))) as found:
        yield found


def opened(browser: Any, address: str, *size: int, **given: Any) -> AbstractContextManager[Any]:
    return pages.opened(browser, address, "body[data-ready]", *size, **given)


def shown(page: Any, name: str) -> None:
    page.locator(f'body[data-shown="{name}"]').wait_for()


def names(page: Any) -> list[str]:
    return [one.inner_text() for one in page.locator("#list b").all()]


def test_next_and_previous_by_key_and_button(browser, address):
    with opened(browser, address) as page:
        listed = names(page)
        assert page.locator("#count").inner_text() == f"1 to {len(listed)} of {len(listed)}"
        shown(page, listed[0])
        for key, at in (("n", 1), ("ArrowRight", 2), ("p", 1), ("ArrowLeft", 0), ("ArrowLeft", 0), ("j", 1), ("k", 0)):
            page.keyboard.press(key)
            shown(page, listed[at])
        page.get_by_role("button", name="next event (n)").click()
        shown(page, listed[1])
        run, spill, number = listed[1].split("/")
        assert page.locator("#event-title").inner_text() == f"Run {run}, spill {spill}, event {number}"
        page.locator("#list button").nth(4).click()
        shown(page, listed[4])
        page.wait_for_timeout(250)
        page.reload()
        shown(page, listed[4])  # the address has it


def test_a_filter_and_what_is_wrong_with_one(browser, address, stored):
    with opened(browser, address) as page:
        where = page.locator("#expression")
        where.fill("ecal.energy > 20 Gev")
        page.keyboard.press("Enter")
        page.locator("#wrong mark").wait_for()
        assert page.locator("#wrong").inner_text().startswith("column 18: unknown unit 'Gev'; did you mean 'GeV'?")
        assert page.locator("#wrong mark").inner_text() == "G"
        where.fill("ecal.energy > 20 GeV")
        page.keyboard.press("Enter")
        page.locator("#wrong").wait_for(state="hidden")
        page.locator("#cut").select_option("")
        table = events.read(stored)
        rows = np.flatnonzero(table["ecal.energy"] > 20.0)
        page.get_by_text("1 to 50 of at least ").wait_for()
        page.get_by_role("button", name="page →").click()
        page.get_by_text("51 to 100 of").wait_for()
        wanted = zip(
            *(table[f"event.{key}"][rows[50:100]].tolist() for key in ("run", "spill", "in_spill")), strict=True
        )
        assert names(page) == ["/".join(map(str, one)) for one in wanted]
        page.locator("#list button").first.click()
        page.keyboard.press("p")  # over the end of a page
        page.get_by_text("1 to 50 of").wait_for()
        where.fill("")
        page.locator("#events").fill("6101/1/7 6101/2/9")
        page.keyboard.press("Enter")
        page.locator('body[data-found="2"]').wait_for()
        assert names(page) == ["6101/1/7", "6101/2/9"]
        page.locator("#events").fill("9/9/9")
        page.keyboard.press("Enter")
        page.get_by_text("no event is like this").wait_for()


def test_the_set_up_is_zoomed_and_parts_show_their_signals(browser, address):
    def width() -> float:
        box: Any = page.locator("#side [data-name=HCAL0] .outline").bounding_box()
        return float(box["width"])

    with opened(browser, address) as page:
        page.locator("#signals .fronts").wait_for()
        assert page.locator("#signals-title").inner_text() == "Signals of ecal"
        assert page.locator("#signals svg.chart path.wave").count() > 0
        whole = width()
        assert "z is compressed 3 times against x and y" in page.locator("#scale").inner_text()
        page.locator("#stage").focus()
        page.keyboard.press("+")
        page.wait_for_timeout(60)
        assert width() == pytest.approx(1.5 * whole, rel=0.02)
        page.keyboard.press("0")
        page.wait_for_timeout(60)
        assert width() == pytest.approx(whole, rel=0.01)
        x = page.locator("#side [data-name=HCAL0] .outline").bounding_box()["x"]
        box = page.locator("#side").bounding_box()
        page.mouse.move(box["x"] + 600, box["y"] + 100)
        page.mouse.down()
        page.mouse.move(box["x"] + 500, box["y"] + 100, steps=4)
        page.mouse.up()
        page.wait_for_timeout(60)
        assert page.locator("#side [data-name=HCAL0] .outline").bounding_box()["x"] == pytest.approx(x - 100, abs=2)
        page.keyboard.press("0")
        page.locator("#above [data-name=HCAL1] .outline").click(position={"x": 5, "y": 5})
        page.get_by_text("Signals of hcal").wait_for()
        assert page.locator("#signals .fronts figure").count() == 3
        page.locator("[data-show=mm]").press("Enter")
        page.locator("#signals figure.plane svg").nth(7).wait_for()
        assert page.locator("#signals .found").count() == page.locator("#side .cluster, #above .cluster").count()
        page.get_by_role("button", name="zoom to mm").click()
        page.locator("#side [data-name=HCAL0]").wait_for(state="detached")
        page.get_by_role("button", name="zoom to ecal").click()
        page.get_by_text("x, y and z have one scale").wait_for()
        box = page.locator("#side [data-name=ecal] .outline").bounding_box()
        assert box["width"] / box["height"] == pytest.approx(450 / 229.2, rel=0.02)


def test_a_picture_for_a_file_and_for_paper(browser, address, monkeypatch):
    monkeypatch.setattr(picture, "picture", lambda *_: b"%PDF")
    with opened(browser, address, accept_downloads=True) as page:
        with page.expect_download() as given:
            page.get_by_role("button", name="picture as PDF").click()
        assert re.fullmatch(r"event-6101-\d+-\d+\.pdf", given.value.suggested_filename)
        page.get_by_text("written: ").wait_for()
        written = page.locator("#status").inner_text().removeprefix("written: ")
        with open(written, "rb") as file:  # noqa: PTH123
            assert file.read(4) == b"%PDF"
        page.emulate_media(media="print")
        for gone in ("#filter", "#list", "#tools", "#saving"):
            assert not page.locator(gone).is_visible()
        for there in ("#side", "#above", "#energies", "#cuts", "#event-title"):
            assert page.locator(there).is_visible()


def test_a_phone(browser, address):
    with opened(browser, address, 390, 844, color_scheme="light", has_touch=True) as page:
        page.locator("#signals svg.chart").first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert page.locator("#side").bounding_box()["width"] > 340
        before = page.locator("body").get_attribute("data-shown")
        page.get_by_role("button", name="next event (n)").tap()
        page.locator(f'body:not([data-shown="{before}"])').wait_for()
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            colours = page.evaluate(
                "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
            )
            light = [sum(map(int, colour[4:-1].split(","))) for colour in colours]
            assert (light[0] < light[1]) == (scheme == "light")


def test_hostile_names_stay_names(browser, make_session, stored, tmp_path):
    table = events.read(stored).with_metadata(sample=HOSTILE)
    path = write(table, tmp_path / "x'onload=alert(1).parquet")
    session = make_session(path, stored, analysis=NAMES)
    with pages.served(page_of(session)) as address, opened(browser, address) as page:
        assert HOSTILE in page.locator("#title").inner_text()
        page.locator("#region").select_option("__proto__")
        page.locator("#cut").select_option(f"f {HOSTILE}")
        page.locator("#cuts b").get_by_text(HOSTILE).wait_for()
        assert HOSTILE in page.locator("#facts").inner_text()
        page.locator("#expression").fill(HOSTILE)
        page.keyboard.press("Enter")
        page.locator("#wrong:not([hidden])").wait_for()
        assert page.locator("img, script:not([type=module])").count() == 0
        assert page.title() != "broken"
