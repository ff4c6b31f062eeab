"""Pages of the site that are no files of this folder: the front page is the README, the reference is made of docstrings."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
TEXTS = {"index.md": "README.md", "contributing.md": "CONTRIBUTING.md", "changelog.md": "CHANGELOG.md"}
"""Pages of the site by the text at the top of the repository that each is."""
REFERENCE = {
    "emiss": ("",),
    "events": ("events.table", "events.files.open", "events.handover", "events.columns", "events.batch", "events.lists",
               "events.ledger", "events.language.plug_in"),
    "selection": ("selection.analysis.read", "selection.analysis.model", "selection.analysis.merge",
                  "selection.binding.cuts", "selection.results.result", "selection.results.cutflow",
                  "selection.tuning.opened", "selection.tuning.live", "selection.tuning.sample", "selection.plotting.frame",
                  "plot.draw", "plot.wanted"),
    "reco": ("reco.run", "reco.detector.model", "reco.tracking.fit", "reco.readers.simulated"),
    "calib": ("calib.conditions", "calib.table_types", "calib.tables", "calib.run_ranges", "calib.coverage"),
    "samples": ("samples.config", "samples.simulate", "samples.beam", "study.plan", "study.run"),
    "job": ("job.run", "job.select", "job.outcome", "job.plan", "job.executors", "configs.loader", "configs.errors",
            "configs.units"),
    "look": ("look.opening", "look.search", "look.judge", "look.diff", "look.inspect"),
    "reach": ("reach.efficiencies", "reach.budgets", "reach.background", "reach.sensitivity", "reach.variations"),
    "physics": ("physics.limits", "physics.limits.feldman_cousins", "physics.processes.base",
                "physics.processes.registry", "physics.processes.vectors", "physics.emission.cross_sections",
                "physics.emission.yields", "physics.emission.sampling", "physics.passage.matter",
                "physics.passage.muons", "physics.passage.muon_cross_sections", "physics.passage.decays",
                "physics.passage.decay_kernels",
                "physics.constraints.relic", "physics.constraints.g_minus_2"),
}  # fmt: skip
"""Modules below emiss by the page of the reference that they are on."""
ELSEWHERE = re.compile(r"""<(?:script|link|img|iframe|source)\b[^>]*\b(?:src|href)=["']?(?:https?:)?//[^>]*>""")
CELL = re.compile(r"<td\b.*?</td>", re.DOTALL)
LINK = re.compile(r"(\]\()([\w./-]+)(#[\w-]+)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made here (called by mkdocs)."""
    from mkdocs.structure.files import File

    for name, text in made_pages().items():
        files.append(File.generated(config, name, content=text))
    return files


def on_page_content(html: str, page: Page, **_: object) -> str:
    """Show what Markdown of Python leaves as it is written (called by mkdocs).

    The double colon of docstrings, which begins a block of code, is one; `|` in a cell of a table has no backslash.
    """
    if page.file.src_uri.startswith("reference/"):
        return html.replace("::</p>", ":</p>")
    return CELL.sub(lambda found: found[0].replace(r"\|", "|"), html)


def on_post_page(output: str, page: Page, **_: object) -> str:
    """Warn of what a page would fetch from elsewhere, which fails a strict build (called by mkdocs)."""
    for found in ELSEWHERE.findall(output):
        logging.getLogger("mkdocs.hooks.site").warning(
            "'%s' is not complete without a network: %s", page.file.src_uri, found
        )
    return output


def made_pages() -> dict[str, str]:
    """Return the pages of the site that are no files of docs: text by name."""
    texts = {name: moved((ROOT / source).read_text(encoding="utf-8")) for name, source in TEXTS.items()}
    return texts | {f"reference/{name}.md": reference(name) for name in REFERENCE}


def moved(text: str) -> str:
    """Return a text from the top of the repository with its links as they are from docs."""
    names = {source: name for name, source in TEXTS.items()}

    def link(found: re.Match[str]) -> str:
        target = names.get(found[2], found[2].removeprefix("docs/"))
        return f"{found[1]}{target}{found[3] or ''})"

    return LINK.sub(link, text)


def reference(name: str) -> str:
    """Return a page of the reference: what mkdocstrings replaces by the docstrings of each module."""
    modules = ("emiss" + (f".{module}" if module else "") for module in REFERENCE[name])
    title = "emiss" if name == "emiss" else f"emiss.{name}"
    return "\n\n".join((f"# {title}", *(f"::: {module}" for module in modules))) + "\n"
