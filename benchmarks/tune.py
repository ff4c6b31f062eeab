"""How long a turn of a parameter takes on the page of `emiss tune`: in the session, and with a browser in the loop.

    python -m benchmarks.tune [--events 1_000_000] [--more-events 10_000_000]

Events have 8 flat and 4 list columns, and go through 12 cuts with a weight; a turn gives cutflow, N-1, thresholds with figure
of merit, and histograms of all samples. Times in the session are processor time, with the ratio to one pass of the same cuts
over the same events in memory; those with a browser are by the wall clock, as a user sees them.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import threading
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.record import Ratios, Times, timed
from benchmarks.selection import TEN_COLUMNS, chunk
from emiss import selection
from emiss.events.files.open import TableWriter
from emiss.events.ledger import Ledger
from emiss.events.table import EventTable, Metadata
from emiss.job.select import select
from emiss.selection.results.result import columns_of
from emiss.tune.loading import load
from emiss.tune.saving import Saving
from emiss.tune.session import Facts, Session

if TYPE_CHECKING:
    from collections.abc import Callable

RATIOS = Ratios("tune")
ANALYSIS = TEN_COLUMNS.replace(
    "objects:",
    "parameters: {least: 20, ecal_max: 80, h_max: 4, chi2_max: 5, p_max: 90}\nobjects:",
)
for before, after in (
    ("missing > 20", "missing > least"),
    ("ecal < 80", "ecal < ecal_max"),
    ("h0 < 4", "h0 < h_max"),
    ("chi2 < 5", "chi2 < chi2_max"),
    ("sum(tracks.p) < 90", "sum(tracks.p) < p_max"),
):
    ANALYSIS = ANALYSIS.replace(before, after)
ANALYSIS += """histograms:
  - {name: missing, of: missing, bins: 50, from: -50, to: 100, after: [all, n-1]}
  - {name: p, of: muon.p, bins: 50, from: 0, to: 100, after: one_track}
  - {name: plane, of: [ecal, h0], bins: [40, 40], from: [0, 0], to: [100, 10]}
"""
TURNS = {
    "a threshold": "least",
    "a threshold of a sum over a list": "p_max",
    "a threshold inside an object": "chi2_max",
}


def session_of(folder: Path, count: int) -> Session:
    """Return a session on a signal and a background of together `count` events."""
    file = folder / "cuts.yaml"
    file.write_text(ANALYSIS)
    tables = folder / "tables"
    for seed, (name, role) in enumerate((("wanted", "signal"), ("unwanted", "background"))):
        rng, rows = np.random.default_rng(seed), count // 2
        with TableWriter(tables / f"{name}.parquet") as writer:
            for start in range(0, rows, 500_000):
                writer.extend(chunk(rng, min(500_000, rows - start)))
            ledger = Ledger(read=rows, passed=rows)
            first = columns_of(chunk(rng, 1))
            writer.finish(Metadata(first, name, role, 1e9, ledger=ledger))
    read = selection.load(file)
    loaded = load([tables], read, select([tables], read), set_={}, unblind=False)
    shutil.rmtree(tables)
    return Session(loaded, Facts(("tables",), str(file), 1e11, False), Saving(loaded.document, read))


def turned(session: Session, name: str) -> Callable[[], Any]:
    """Return what turns a parameter to another value at each call."""
    begin = session.first.parameters[name].values[0].value
    turns = iter(range(1, 10_000))
    return lambda: session.answer({"parameters": {name: f"{begin + 0.01 * next(turns):.2f}"}})


def in_the_session(session: Session, count: int, *, keep: bool) -> None:
    """Time turns without a browser, against one pass over the events."""
    blocks = [block.table for sample in session.live.samples.values() for block in sample.blocks]
    bound = selection.bind(session.live.analysis, session.live.opened.columns)
    table = EventTable.concatenate(blocks) if keep else None
    works = [turned(session, name) for name in TURNS.values()]
    if table is not None:
        *found, once = timed(*works, lambda: bound.run(table))
    else:
        found, once = timed(*works, repeats=3), None
    print(f"\n{count} events, 12 cuts, 5 parameters: processor time of a turn in the session")
    for what, took in zip(TURNS, found, strict=True):
        said = f"  {what:34} {1e3 * median(took.all):7.0f} ms"
        if once is not None:
            said += f"   {RATIOS.add(f'turn of {what}, to one pass', took, once):.3f} of one pass"
        print(said)


def in_a_browser(session: Session, count: int) -> None:
    """Time turns from the movement of a slider to the drawn answer, in Chromium."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        print("  no playwright: pip install -e '.[browser]'")
        return
    from emiss.browser import serving
    from emiss.tune.page import page_of

    said: list[str] = []
    began, stop = threading.Event(), threading.Event()

    def ready(address: str) -> None:
        said.append(address)
        began.set()

    serving_thread = threading.Thread(
        target=serving.serve, args=(page_of(session), serving.listen(), ready, stop), daemon=True
    )
    serving_thread.start()
    began.wait()
    with sync_playwright() as running:
        path = shutil.which("chromium") or shutil.which("google-chrome")
        browser = running.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.goto(said[0])
        page.locator("body[data-serial]:not([data-busy])").wait_for()
        print(f"\n{count} events: from the movement of a slider to the drawn answer, in Chromium {browser.version}")
        for what, name in TURNS.items():
            slider = page.locator(f"[data-slider={name}]")
            slider.focus()
            took = []
            for _ in range(15):
                before = page.locator("body").get_attribute("data-serial")
                page.keyboard.press("ArrowRight")
                page.locator(f"body[data-serial='{int(before or 0) + 1}']:not([data-busy])").wait_for()
                took.append(json.loads(page.locator("body").get_attribute("data-answer") or "{}")["took"])
            times = Times(tuple(took[2:]))
            print(f"  {what:34} {median(times.all):7.0f} ms   (best {times.best:.0f}, worst {max(times.all):.0f})")
        browser.close()
    stop.set()
    serving_thread.join()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="events with the browser in the loop")
    parser.add_argument("--more-events", type=int, default=10_000_000, help="events in the session alone; 0 for none")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        made = session_of(Path(name), arguments.events)
        in_the_session(made, arguments.events, keep=True)
        in_a_browser(made, arguments.events)
        del made
        if arguments.more_events:
            in_the_session(session_of(Path(name), arguments.more_events), arguments.more_events, keep=False)
    RATIOS.save()
