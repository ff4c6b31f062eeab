"""The cutflow as text for other programs: CSV with every number, Markdown and LaTeX tables."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from emiss.selection.counting.counts import efficiencies
from emiss.selection.display import numbers, preselection, view
from emiss.selection.normalisation import PER_ON_TARGET
from emiss.selection.results.files.sheet import cell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emiss.selection.counting.counts import Tally
    from emiss.selection.counting.samples import Counted
    from emiss.selection.display.view import Line

_TALLIES = ("individual", "n_minus_1", "only_failed")
_TALLY = ("n", "sum_w", "sum_w2")
_EFFICIENCY = ("relative", "relative_low", "relative_high", "total", "total_low", "total_high")

_TEX_ROWS = 40
"""Rows of a table on a page."""

_TEX_NAME = 24
"""Characters of a cut's name that stand on one line."""

CSV_HEAD = (
    *("sample", "role", "region", "variation", "cut", "require", *_TALLY, "undefined"),
    *(f"{kind}_{part}" for kind in _TALLIES for part in _TALLY),
    "individual_undefined",
    *(f"efficiency_{part}" for part in _EFFICIENCY),
    *("interval", "on_target", "scale", "normalised_to", "expected", "expected_low", "expected_high"),
)


def csv(cutflow: Counted, *, normalise_to: float = PER_ON_TARGET) -> str:
    """Return every number in long form: one row per sample, region, weight variation and cut.

    Floats have all their digits; a cell without a value (0/0, an unknown number on target, an efficiency of the first
    row) is empty. A text that a spreadsheet would take for a formula has an apostrophe in front.
    """
    from csv import writer

    out = io.StringIO()
    sheet = writer(out, lineterminator="\n")
    sheet.writerow(CSV_HEAD)
    for name, sample in cutflow.samples.items():
        factor = cutflow.per_on_target(name, normalise_to)
        for region, variations in sample.regions.items():
            for variation, rows in variations.items():
                above = preselection.above(sample, rows, nominal=variation == view.nominal(variations))
                size = len(above.rows)
                blocks = [((*above.rows, *rows), size)] if above.together else [(above.rows, size), (rows, 0)]
                for block, before in blocks:
                    for number, (row, eff) in enumerate(zip(block, efficiencies(block), strict=True)):
                        known = factor if above.weights or number >= before else None
                        start = block[0].sequential.sum_w
                        ends = (eff.total_low, eff.total_high) if number else (None, None)
                        titles = (name, sample.role, region, variation, view.BEFORE * (number < before) + row.name)
                        sums = _numbers(row.sequential)
                        sheet.writerow(
                            (
                                *map(cell, (*titles, row.require)),
                                *(sums if number >= before else _before(sums, weights=above.weights)),
                                row.undefined,
                                *(x for kind in _TALLIES for x in _numbers(getattr(row, kind))),
                                row.individual_undefined,
                                *(getattr(eff, part) if number else None for part in _EFFICIENCY),
                                *(eff.interval if number else None, sample.on_target, sample.scale, normalise_to),
                                None if known is None else known * row.sequential.sum_w,
                                *(None if known is None or end is None else known * end * start for end in ends),
                            )
                        )
    return out.getvalue()


def _before(sums: tuple[int, float, float], *, weights: bool) -> tuple[int, float | None, float | None]:
    """Return the numbers of a row from before the files without those that nobody knows."""
    n, sum_w, sum_w2 = sums
    return n, sum_w if weights else None, sum_w2 or None if weights else None


def _numbers(tally: Tally) -> tuple[int, float, float]:
    return tally.n, tally.sum_w, tally.sum_w2


def markdown(cutflow: Counted, *, normalise_to: float = PER_ON_TARGET) -> str:
    """Return the cutflow as Markdown: a table per region, the conditions of the cuts, the ledger, the remarks."""
    out = [f"# {_md(cutflow.analysis)}", ""] if cutflow.analysis else []
    shown = view.regions(cutflow)
    per = f"per {numbers.particles(normalise_to)}"
    for region in shown:
        tables = {
            name: view.lines(cutflow, name, region, normalise_to, history=True)
            for name in view.samples(cutflow, region)
        }
        if len(shown) > 1:
            out += [f"## Region {_md(region)}", ""]
        head = ["cut", *(f"{_md(name)}: {part}" for name in tables for part in ("n", "efficiency", per))]
        out += _md_table(head, [[_md(row[0].name), *_md_cells(row)] for row in zip(*tables.values(), strict=True)], 1)
        cuts = [[_md(line.name), _md_code(line.require)] for line in next(iter(tables.values())) if line.require]
        out += ["", *_md_table(["cut", "condition"], cuts, 2), ""]
    out += ["## Ledger", ""]
    ledger = [[_md(name), *view.ledger_cells(cutflow, name)] for name in cutflow.samples]
    out += [*_md_table(["sample", *view.LEDGER_HEAD], ledger, 1), ""]
    remarks = [
        f"{name}: {note}" for name, sample in cutflow.samples.items() for note in view.ledger_notes(sample.ledger)
    ]
    remarks += [f"{name}: hidden" for name in view.hidden(cutflow)]
    remarks += [*view.notes(cutflow, shown), f"{per}: events expected for so many particles on target"]
    out += [f"- {_md(remark)}" for remark in remarks]
    return "\n".join(out) + "\n"


def _md_cells(lines: tuple[Line, ...]) -> list[str]:
    return [cell for line in lines for cell in (line.n, line.total, line.expected)]


def _md_table(head: list[str], rows: list[list[str]], left: int) -> list[str]:
    rule = [":--" if number < left else "--:" for number in range(len(head))]
    return [f"| {' | '.join(cells)} |" for cells in (head, rule, *rows)]


def _md(text: str) -> str:
    """Return text that Markdown shows as it is."""
    return re.sub(r"([\\`*<>\[\]|]|(?<!\w)_|_(?!\w))", r"\\\1", view.clean(text))


def _md_code(text: str) -> str:
    """Return text as code inside a table; GFM wants its bars escaped there too."""
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    pad = " " if "`" in text else ""
    return f"{fence}{pad}{text}{pad}{fence}".replace("|", "\\|")


def latex(cutflow: Counted, *, normalise_to: float = PER_ON_TARGET) -> str:
    r"""Return the cutflow as LaTeX for ``\usepackage{booktabs}``: tables no wider than the text of an article.

    The samples of a region stand one below the other, in as many tables as the height of a page asks for.
    """
    parts: list[str] = []
    labels: list[str] = []
    for region in view.regions(cutflow):
        names = view.samples(cutflow, region)
        rows = 1 + max(
            (len(view.lines(cutflow, name, region, normalise_to, history=True)) for name in names), default=0
        )
        blocks = view.blocks(names, max(1, _TEX_ROWS // rows))
        for number, block in enumerate(blocks):
            label = "-".join([cutflow.analysis, region, *([str(number + 1)] if len(blocks) > 1 else [])])
            labels.append(_tex_label(label, labels))
            parts += _tex_table(cutflow, region, block, normalise_to, labels[-1])
    return "\n".join(parts)


def _tex_label(text: str, taken: Sequence[str]) -> str:
    r"""Return a name that ``\ref`` takes: letters, digits and hyphens; another one than those that are taken."""
    label = "tab:cutflow-" + re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")
    while label in taken:
        label += "x"
    return label


def _tex_table(cutflow: Counted, region: str, names: Sequence[str], target: float, label: str) -> list[str]:
    tables = {name: view.lines(cutflow, name, region, target, history=True) for name in names}
    per = f"per {_tex_number(numbers.particles(target))} particles on target"
    caption = [
        f"Cutflow of {_tex(cutflow.analysis)}, region {_tex(region)}: events, efficiency and events expected {per}"
    ]
    part = replace(cutflow, samples={name: cutflow.samples[name] for name in names})
    caption += [_tex(note) for note in view.notes(part, (region,))]
    caption += [_tex(f"{name}: hidden") for name in view.hidden(part)]
    long = max(len(line.name) for lines in tables.values() for line in lines) > _TEX_NAME
    body = []
    for name, lines in tables.items():
        body += [r"\midrule", rf"\multicolumn{{4}}{{l}}{{\textbf{{{_tex(name)}}}}} \\"]
        for line in lines:
            cut = _tex(line.name).replace(r"\_", r"\_\allowbreak{}") if long else _tex(line.name)
            cells = (cut, line.n, _tex_efficiency(line), _tex_number(line.expected))
            body.append(" & ".join(cells) + r" \\")
    first = r"p{0.4\linewidth}" if long else "l"
    return [
        r"\begin{table}",
        r"  \centering",
        rf"  \caption{{{'. '.join(caption)}.}}",
        rf"  \label{{{label}}}",
        rf"  \begin{{tabular}}{{{first}rrr}}",
        r"    \toprule",
        r"    cut & $n$ & eff. [\%] & expected \\",
        *(f"    {row}" for row in body),
        r"    \bottomrule",
        r"  \end{tabular}",
        r"\end{table}",
        "",
    ]


def _tex_efficiency(line: Line) -> str:
    if line.efficiency is None:
        return ""
    e = line.efficiency
    written = numbers.percent(e.total, e.total_low, e.total_high)
    if written is None:
        return "--"
    if written.limit:
        return f"$<{written.value}$"
    up, down = f"^{{+{written.up}}}" if written.up else "", f"_{{-{written.down}}}" if written.down else ""
    return f"${written.value}{up}{down}$"


def _tex_number(text: str) -> str:
    r"""Return a written number for LaTeX: ``< 1.5e7`` is ``$<1.5 \times 10^{7}$``, ``1e11`` is ``$10^{11}$``."""
    if text == numbers.NONE:
        return "--"
    below, _, number = text.rpartition("< ")
    mantissa, e, power = number.partition("e")
    if e:
        number = f"10^{{{power}}}" if mantissa == "1" else rf"{mantissa} \times 10^{{{power}}}"
    return f"${'<' if below or text.startswith('<') else ''}{number}$"


_TEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "%": r"\%",
    "#": r"\#",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
}


def _tex(text: str) -> str:
    return "".join(_TEX.get(c, c) for c in view.clean(text))
