"""The page in a real browser: turned by slider, key and pointer, at the width of a phone, with hostile names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from emiss.events.files.open import write
from emiss.tune.page import page_of
from tests.emiss import pages
from tests.emiss.tune.conftest import ANALYSIS, table_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install -e '.[browser]'")

if pages.CHROMIUM is None:
    pytest.skip("needs Chromium (or EMISS_CHROMIUM, its path)", allow_module_level=True)

HOSTILE = "<img src=x onerror=\"document.title='broken'\">"
QUOTED = json.dumps(HOSTILE)
NAMES = (
    ANALYSIS.replace("analysis: small", f"analysis: {QUOTED}")
    .replace("name: shape ", f"name: {QUOTED} ")
    .replace("after: [all, hits_in, n-1]}", f"after: [all], title: {QUOTED}}}")
    .replace("# Energy in the first part.", f"# {HOSTILE}</p><script>document.title='broken'</script>")
) + f"regions: {{{QUOTED}: {{}}, other: {{}}}}\nweights: {{nominal: weight, variations: {{{QUOTED}: weight * 2}}}}\n"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with pages.chromium(playwright) as began:
        yield began


def served(session: Any) -> AbstractContextManager[str]:
    return pages.served(page_of(session))


def opened(browser: Any, address: str, *size: int, **given: Any) -> AbstractContextManager[Any]:
    return pages.opened(browser, address, "body[data-serial]", *size, **given)


def settled(page: Any) -> dict[str, Any]:
    """Wait for the answer to what was turned last, and return what the page was told."""
    page.wait_for_timeout(30)
    page.locator("body[data-serial]:not([data-busy])").wait_for()
    found: dict[str, Any] = json.loads(page.locator("body").get_attribute("data-answer"))
    return found


def left(page: Any) -> list[str]:
    return [cell.inner_text().split("\n")[0] for cell in page.locator("#flow tr.last td").all()]


@pytest.fixture(scope="module")
def address(stored, make_session, tmp_path_factory) -> Iterator[str]:
    path = tmp_path_factory.mktemp("browser") / "cuts.yaml"
    path.write_text(ANALYSIS)
    with served(make_session(stored, path, path.parent / "out")) as found:
        yield found


def test_slider_number_and_threshold_are_one(browser, address):
    with opened(browser, address) as page:
        before = left(page)
        slider = page.locator("[data-slider=least]")
        slider.focus()
        for _ in range(4):
            page.keyboard.press("ArrowRight")
        assert settled(page)["asked"]["parameters"] == {"least": "22 GeV"}
        assert page.locator("#knob-least-0").input_value() == "22"
        assert left(page) != before
        page.locator("#knob-least-0").fill("35")
        page.keyboard.press("Enter")
        assert settled(page)["asked"]["parameters"] == {"least": "35 GeV"}
        assert slider.input_value() == "35"
        mark = page.locator("#gates [data-mark=least]")
        assert mark.get_attribute("aria-valuenow") == "35"
        mark.focus()
        page.keyboard.press("ArrowLeft")
        assert settled(page)["asked"]["parameters"] == {"least": "34 GeV"}
        page.keyboard.press("PageUp")
        assert settled(page)["asked"]["parameters"] == {"least": "44 GeV"}
        grip = page.locator("#gates [data-mark=least] .grip").bounding_box()
        page.mouse.move(grip["x"] + grip["width"] / 2, grip["y"] + 40)
        page.mouse.down()
        page.mouse.move(grip["x"] + grip["width"] / 2 + 60, grip["y"] + 40, steps=5)
        page.mouse.up()
        moved = float(settled(page)["asked"]["parameters"]["least"].split()[0])
        assert 50 < moved < 75
        page.get_by_role("button", name="least: back to 20 GeV").click()
        assert settled(page)["asked"]["parameters"] == {}
        assert left(page) == before


def test_what_is_computed_from_a_parameter_is_shown_with_it(browser, address):
    with opened(browser, address) as page:
        page.locator("#knob-narrow-0").fill("0.8")
        page.keyboard.press("Enter")
        assert settled(page)["asked"]["parameters"] == {"narrow": "0.8"}
        assert page.locator("#knob-twice-0").input_value() == "1.6"
        assert page.locator("#gates [data-mark=twice]").get_attribute("aria-valuenow") == "1.6"
        page.locator("#knob-twice-0").fill("2.5")
        page.keyboard.press("Enter")
        assert settled(page)["asked"]["parameters"] == {"narrow": "0.8", "twice": "2.5"}


def test_what_is_being_typed_is_left_alone_and_what_is_no_number_goes_back(browser, address):
    with opened(browser, address) as page:
        knob = page.locator("#knob-narrow-0")
        was = knob.input_value()
        knob.fill("0.8")
        page.set_viewport_size({"width": 1000, "height": 900})  # the page shows its answer anew
        page.wait_for_timeout(300)
        assert knob.input_value() == "0.8"
        page.keyboard.press("Enter")
        assert settled(page)["asked"]["parameters"] == {"narrow": "0.8"}
        knob.fill("")
        knob.blur()
        assert knob.input_value() == "0.8" != was


def test_a_parameter_that_is_no_threshold_is_evaluated(browser, stored, make_session, tmp_path):
    path = tmp_path / "cuts.yaml"
    path.write_text(ANALYSIS.replace("energy > least", "energy > least or energy < least / 2"))
    with served(make_session(stored, path)) as address, opened(browser, address) as page:
        card = page.locator('[data-key="steps least"]')
        card.get_by_role("button", name="evaluate").click()
        card.locator("figcaption").get_by_text("best ").wait_for()
        assert card.locator("svg.chart path.merit").count() == 1


def test_cuts_are_switched_and_moved_by_keys(browser, address):
    with opened(browser, address) as page:
        page.get_by_label("shape", exact=True).focus()
        page.keyboard.press("Space")
        assert settled(page)["asked"]["cuts"] == ["first", "hits_in"]
        page.get_by_role("button", name="move first down").focus()
        page.keyboard.press("Enter")
        assert settled(page)["asked"]["cuts"] == ["hits_in", "first"]
        heads = [head.inner_text() for head in page.locator("#flow tbody th").all()]
        assert heads == ["all events", "hits_in", "first", "as the file has it"]
        focus = page.evaluate("document.activeElement.dataset.focus")
        assert focus == "first down"
        page.wait_for_timeout(300)  # browsers allow few changes of the address per second
        page.reload()
        page.locator("body[data-serial]").wait_for()
        assert settled(page)["asked"]["cuts"] == ["hits_in", "first"]


def test_the_file_and_the_command(browser, address, stored):
    with opened(browser, address) as page:
        page.locator("#knob-window-1").fill("40")
        page.keyboard.press("Enter")
        settled(page)
        page.locator("#save").click()
        assert "--set 'window=[1 GeV, 40 GeV]'" in page.locator("dialog pre").first.inner_text()
        page.locator("#write").click()
        written = page.locator("#written").inner_text().removeprefix("written: ")
        assert "[1 GeV, 40 GeV]" in Path(written).read_text()
        page.keyboard.press("Escape")
        assert not page.locator("dialog").is_visible()


def test_mistakes_are_said_and_the_page_goes_on(browser, address):
    with opened(browser, address) as page:
        merit = page.locator("#merit")
        merit.fill("signal / noise")
        page.keyboard.press("Enter")
        page.locator("#status.bad").wait_for()
        assert "unknown name 'noise'" in page.locator("#status").inner_text()
        page.locator("#reset").click()
        page.locator("#status:not(.bad)").wait_for()
        assert "error" not in settled(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone(browser, address, scheme):
    with opened(browser, address, 390, 844, color_scheme=scheme, has_touch=True) as page:
        settled(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        wide = page.locator("#flow")
        assert wide.evaluate("e => e.scrollWidth > e.clientWidth")
        head = wide.locator("tbody th").first
        before = head.bounding_box()["x"]
        wide.evaluate("e => { e.scrollLeft = 200; }")
        assert head.bounding_box()["x"] == pytest.approx(before, abs=2)
        for box in (one.bounding_box() for one in page.locator("svg.chart").all()):
            assert box["width"] > 250
        colours = page.evaluate(
            "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
        )
        light = [sum(map(int, colour[4:-1].split(","))) for colour in colours]
        assert (light[0] < light[1]) == (scheme == "light")


def test_print_shows_values_and_pictures_without_controls(browser, address):
    with opened(browser, address) as page:
        page.emulate_media(media="print")
        assert not page.locator("#save").is_visible()
        assert not page.locator("[data-slider=least]").is_visible()
        assert page.locator("#knob-least-0").is_visible()
        assert page.locator("#gates svg.chart").first.is_visible()
        assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")


def test_hostile_names_stay_names(browser, make_session, tmp_path):
    path = tmp_path / "cuts.yaml"
    path.write_text(NAMES)
    for name, role in ((HOSTILE.replace("/", ""), "signal"), ("__proto__", "background"), ("constructor", "data")):
        write(table_of(name, role, 60, 3), tmp_path / "tables" / f"{role}.parquet")
    with served(make_session(tmp_path / "tables", path)) as address, opened(browser, address) as page:
        assert page.locator("#title").inner_text() == HOSTILE
        assert page.title().startswith(HOSTILE)
        page.locator("#region").select_option("other")
        page.locator("#weight").select_option(HOSTILE)
        assert "error" not in settled(page)
        assert page.locator("#flow thead").inner_text().count(HOSTILE) == 1
        assert page.locator(f'#cuts [data-cut="{HOSTILE.replace(chr(34), chr(92) + chr(34))}"]').count() == 1
        page.locator("#save").click()
        page.locator("dialog pre").first.wait_for()
        assert page.locator("img, script:not([type=module])").count() == 0
        assert page.title() != "broken"


def test_a_server_that_has_gone_is_said(browser, stored, make_session, tmp_path):
    path = tmp_path / "cuts.yaml"
    path.write_text(ANALYSIS)
    with served(make_session(stored, path)) as address:
        page = browser.new_page()
        page.goto(address)
        page.locator("body[data-serial]").wait_for()
    page.locator("#reset").click()
    page.locator("#status.bad").wait_for()
    assert "was it ended in the terminal?" in page.locator("#status").inner_text()
    page.close()
