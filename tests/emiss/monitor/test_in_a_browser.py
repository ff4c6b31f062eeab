"""The page in a real browser: it follows, stays what it is with hostile names, and fits a phone."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from emiss.browser import serving
from emiss.monitor.attending import Attending
from emiss.monitor.page import page_of
from tests.emiss.monitor.conftest import EVENTS
from tests.emiss.tune.test_in_a_browser import HOSTILE, browser, opened  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from collections.abc import Iterator

RULES = f"""
monitor: {json.dumps(HOSTILE)}
alarms:
  - {{name: few, title: {json.dumps(HOSTILE)}, value: spill.events, below: {EVENTS - 5}}}
"""


@contextmanager
def served(watch) -> Iterator[str]:
    said: list[str] = []
    began, stop = threading.Event(), threading.Event()

    def ready(address: str) -> None:
        said.append(address)
        began.set()

    attending = Attending(watch, [])
    thread = threading.Thread(target=serving.serve, args=(page_of(watch), serving.listen(), ready, stop))
    thread.start()
    try:
        assert began.wait(20)
        yield said[0]
    finally:
        stop.set()
        thread.join(20)
        attending.end()


@pytest.mark.parametrize(("width", "scheme"), [(1300, "light"), (390, "dark")])
def test_a_run_is_followed(browser, run, hurt, watching, tmp_path, width, scheme):  # noqa: F811
    path, rules = tmp_path / f"{HOSTILE.replace('/', '')}.dat", tmp_path / "rules.yaml"
    rules.write_text(RULES)
    end = int(run.index.offset[run.rows(3, 3)[10]])
    path.write_bytes(run.data[:end])
    watch = watching(path, rules)
    with served(watch) as address, opened(browser, address, width, 844, color_scheme=scheme) as page:
        page.get_by_text("Run 6105, spill 2: no alarm").wait_for()
        assert "run 6105 spill 3: 9 events so far" in page.locator("#state").inner_text()
        with path.open("ab") as file:
            file.write(hurt[end:])
        page.get_by_text("Run 6105, spill 7: no alarm").wait_for()
        alarms = page.locator("#alarms tbody tr").all()
        assert [row.locator("td").nth(0).inner_text() for row in alarms] == ["6105/6", "6105/5"]
        assert alarms[0].inner_text().count(HOSTILE) == 1
        assert page.locator("#trends svg .point.alarm").count() >= 2
        assert page.locator("#odd tbody tr").count() == 12
        assert page.locator("#title").inner_text() == path.name
        assert page.locator("img, script:not([type=module])").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.title() != "broken"
