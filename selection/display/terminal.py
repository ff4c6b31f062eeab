"""The cutflow on a terminal: cuts as rows, one group of columns per sample, the ledger under it.

The table takes the form that fits the width: one line per cut with all samples side by side, two lines per cut, or one
table per sample below another.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emiss.configs.errors import UserError, did_you_mean
from emiss.selection.display import numbers, variations, view
from emiss.selection.normalisation import PER_ON_TARGET

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from rich.console import RenderableType

    from emiss.selection.counting.samples import Counted

Style = str
"""How a line looks in colour: ``title``, ``head``, ``note``, ``warn`` or nothing."""

GAP = "  "
BETWEEN = ("   ", "  ")
"""Between samples: as it should be, and where a table fits only so."""

_RICH = {"title": "bold", "head": "dim", "note": "dim", "warn": "yellow", "": ""}


@dataclass(frozen=True)
class Printed:
    """One line of text with its style."""

    text: str
    style: Style = ""


def render(
    cutflow: Counted, *, normalise_to: float = PER_ON_TARGET, region: str | None = None, width: int | None = None
) -> RenderableType:
    """Return the cutflow for a rich console.

    Parameters
    ----------
    cutflow : Counted
    normalise_to : float
        Particles on target that expected events are given for.
    region : str, optional
        Only this region; all of them by default.
    width : int, optional
        Columns; those of the terminal by default.
    """
    return _rich(_cutflow(cutflow, normalise_to, region, _width(width)))


def text(
    cutflow: Counted, *, normalise_to: float = PER_ON_TARGET, region: str | None = None, width: int | None = None
) -> str:
    """Return what `render` shows, as text without colours."""
    return _plain(_cutflow(cutflow, normalise_to, region, _width(width)))


def detail(cutflow: Counted, sample: str, *, region: str | None = None, width: int | None = None) -> RenderableType:
    """Return what each cut does to a sample by itself: alone, N-1, only it failed, undefined."""
    return _rich(_detail(cutflow, sample, region, _width(width)))


def detail_text(cutflow: Counted, sample: str, *, region: str | None = None, width: int | None = None) -> str:
    """Return what `detail` shows, as text without colours."""
    return _plain(_detail(cutflow, sample, region, _width(width)))


def _width(width: int | None) -> int:
    return width or shutil.get_terminal_size((120, 40)).columns


def _rich(lines: Iterable[Printed]) -> RenderableType:
    from rich.text import Text

    return Text("\n", overflow="fold").join(Text(line.text.rstrip(), style=_RICH[line.style]) for line in lines)


def _plain(lines: Iterable[Printed]) -> str:
    return "".join(f"{line.text.rstrip()}\n" for line in lines)


def _cutflow(cutflow: Counted, target: float, region: str | None, width: int) -> list[Printed]:
    shown = view.regions(cutflow, region)
    out = [Printed(view.clean(cutflow.analysis), "title")] if cutflow.analysis else []
    for name in shown:
        if len(shown) > 1 or region is not None:
            out += [Printed(""), Printed(f"region {view.clean(name)}", "title")]
        out += [Printed(""), *_region(cutflow, name, target, width), *_variations(cutflow, name, width)]
    if not shown:
        out += [Printed(""), Printed("no cut was counted", "warn")]
    out += [Printed(""), *_ledger(cutflow, width)]
    remarks = list(view.notes(cutflow, shown))
    if any(cutflow.per_on_target(sample, target) for sample in cutflow.samples):
        remarks.append(f"{_per(target)}: events expected for {numbers.particles(target)} particles on target")
    if remarks:
        out += [Printed(""), *(Printed(line, "note") for remark in remarks for line in _wrapped(remark, width))]
    return out


def _per(target: float) -> str:
    return f"per {numbers.particles(target)}"


@dataclass(frozen=True)
class _Block:
    """What stands beside the names of the cuts for one sample: lines of the head, and one or two lines per cut."""

    title: str
    head: tuple[str, ...]
    cuts: tuple[tuple[str, ...], ...]

    @property
    def width(self) -> int:
        return max(len(line) for line in (self.title, *self.head, *(line for cut in self.cuts for line in cut)))


def columns(rows: Sequence[Sequence[str]], left: int = 0) -> list[str]:
    """Return rows of cells as aligned lines of one length, the first `left` columns to the left, others to the right."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        GAP.join(
            cell.ljust(width) if number < left else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


def _region(cutflow: Counted, region: str, target: float, width: int) -> list[Printed]:
    """Return the tables of a region in the form that fits `width`."""
    tables = {name: view.lines(cutflow, name, region, target, history=True) for name in view.samples(cutflow, region)}
    names = ["cut", *(line.name for line in next(iter(tables.values())))]
    lasts = {name: _last(cutflow, name, lines, target) for name, lines in tables.items()}
    titles = {name: view.clean(name) + " (blinded)" * cutflow.samples[name].hidden for name in tables}

    def blocks(form: Callable[[str, Sequence[view.Line], Sequence[str]], _Block]) -> list[_Block]:
        return [form(titles[name], lines, lasts[name]) for name, lines in tables.items()]

    if len(tables) > 1:
        for form, between in ((_one_line, BETWEEN[0]), (_two_lines, BETWEEN[0]), (_two_lines, BETWEEN[1])):
            side_by_side = blocks(form)
            if _total(side_by_side, names, between) <= width:
                return _table(side_by_side, names, between)
    out: list[Printed] = []
    for full, short in zip(blocks(_full), blocks(_one_line), strict=True):
        out += [*([Printed("")] if out else []), *_table([full if _total([full], names) <= width else short], names)]
    return out


def _last(cutflow: Counted, sample: str, lines: Sequence[view.Line], target: float) -> list[str]:
    """Return head and cells of the last column: expected events; sums of weights where these are not known."""
    if cutflow.per_on_target(sample, target) is not None:
        return [_per(target), *(line.expected for line in lines)]
    if any(line.n != line.passed for line in lines):
        return ["sum of w", *(line.passed for line in lines)]
    return []


def _one_line(title: str, lines: Sequence[view.Line], last: Sequence[str]) -> _Block:
    return _aligned(title, [("n", "efficiency"), *((line.n, line.total) for line in lines)], last)


def _full(title: str, lines: Sequence[view.Line], last: Sequence[str]) -> _Block:
    head = ("n", "efficiency", "of the cut before")
    return _aligned(title, [head, *((line.n, line.total, line.relative) for line in lines)], last)


def _aligned(title: str, rows: Sequence[Sequence[str]], last: Sequence[str]) -> _Block:
    head, *cuts = columns([(*row, *last[k : k + 1]) for k, row in enumerate(rows)])
    return _Block(title, (head,), tuple((line,) for line in cuts))


def _two_lines(title: str, lines: Sequence[view.Line], last: Sequence[str]) -> _Block:
    """Return per cut one line with the counts and under it one with the efficiency."""
    head, *counts = columns([(n, *last[k : k + 1]) for k, n in enumerate(["n", *(line.n for line in lines)])])
    cuts = [
        (above, line.total.removesuffix(" %")) if line.total else (above,)
        for above, line in zip(counts, lines, strict=True)
    ]
    return _Block(title, (head, "efficiency, %"), tuple(cuts))


def _total(blocks: Sequence[_Block], names: Sequence[str], between: str = BETWEEN[0]) -> int:
    return max(len(name) for name in names) + sum(len(between) + block.width for block in blocks)


def _table(blocks: Sequence[_Block], names: Sequence[str], between: str = BETWEEN[0]) -> list[Printed]:
    """Return blocks side by side, the names of the cuts to their left (`names` begins with the head's)."""
    column = max(len(name) for name in names)

    def joined(name: str, cells: Iterable[str]) -> str:
        padded = (cell.rjust(block.width) for cell, block in zip(cells, blocks, strict=True))
        return between.join([name.ljust(column), *padded])

    titles = [f" {block.title} " if len(block.title) + 2 <= block.width else block.title for block in blocks]
    centred = (title.center(block.width, "-") for title, block in zip(titles, blocks, strict=True))
    out = [Printed(joined("", centred), "title")]
    for number in range(len(blocks[0].head)):
        last = number == len(blocks[0].head) - 1
        out.append(Printed(joined(names[0] if last else "", (block.head[number] for block in blocks)), "head"))
    for number, name in enumerate(names[1:]):
        for part in range(max(len(block.cuts[number]) for block in blocks)):
            cells = ("".join(block.cuts[number][part : part + 1]) for block in blocks)
            out.append(Printed(joined("" if part else name, cells)))
    return out


def _ledger(cutflow: Counted, width: int) -> list[Printed]:
    """Return the account of the events read, and what stands behind it."""
    rows: list[tuple[str, ...]] = [("ledger", *view.LEDGER_HEAD)]
    rows += [(view.clean(name), *view.ledger_cells(cutflow, name)) for name in cutflow.samples]
    head, *lines = columns(rows, left=1)
    if max(len(line) for line in (head, *lines)) <= width:
        out = [Printed(head, "head"), *map(Printed, lines)]
    else:
        out = [Printed("ledger", "head")]
        for name, *cells in rows[1:]:
            said = ", ".join(f"{word} {cell}" for word, cell in zip(view.LEDGER_HEAD, cells, strict=True))
            sentence = said.replace(", =", " =").replace(", +", " +")
            out += map(Printed, _wrapped(f"{name}: {sentence}", width))
    for name, sample in cutflow.samples.items():
        out += [
            Printed(line, "warn")
            for note in view.losses(sample.ledger)
            for line in _wrapped(f"{view.clean(name)}: {note}", width)
        ]
    out += [Printed(f"{view.clean(name)}: hidden", "warn") for name in view.hidden(cutflow)]
    return out


def _variations(cutflow: Counted, region: str, width: int) -> list[Printed]:
    """Return by how much each variation changes what is left in a region; as many samples beside each other as fit."""
    rows = variations.table(cutflow, region)
    out: list[Printed] = []
    most = max(len(rows[0]) - 1, 1) if rows else 1
    while most > 1 and any(
        len(line) > width for block in variations.blocks(rows, most) for line in columns(block, left=1)
    ):
        most -= 1
    for block in variations.blocks(rows, most):
        head, *lines = columns(block, left=1)
        out += [Printed(""), Printed(head, "head"), *map(Printed, lines)]
    return out


def _wrapped(line: str, width: int) -> list[str]:
    import textwrap

    return textwrap.wrap(line, max(20, width), subsequent_indent=GAP, break_long_words=False, break_on_hyphens=False)


def _detail(cutflow: Counted, sample: str, region: str | None, width: int) -> list[Printed]:
    if sample not in cutflow.samples:
        raise UserError(f"no sample '{sample}' in the cutflow", hint=did_you_mean(sample, cutflow.samples))
    out: list[Printed] = []
    shown = [name for name in view.regions(cutflow, region) if name in cutflow.samples[sample].regions]
    for name in shown:
        lines = view.lines(cutflow, sample, name, PER_ON_TARGET, history=True)
        title = view.clean(f"{sample}, region {name}" if len(shown) > 1 or region else sample)
        if any(line.n != line.passed for line in lines):
            title += " (sums of weights)"
        head = ("cut", "in sequence", "alone", "N-1", "only failed", "undef.", "undef. alone")
        rows = [head] + [
            (c.name, c.passed, c.individual, c.n_minus_1, c.only_failed, c.undefined, c.individual_undefined)
            for c in lines
        ]
        first, *rest = columns(rows, left=1)
        out += [Printed(""), Printed(title, "title"), Printed(first, "head"), *map(Printed, rest)]
        column = max(len(line.name) for line in lines)
        for line in lines:
            if line.require:
                wrapped = _wrapped(f"{line.name.ljust(column)}{GAP}{line.require}", width)
                out += [Printed(part, "note") for part in wrapped]
    return out
