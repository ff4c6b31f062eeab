"""The survey of raw files for their quality: over all files of a job, and its outputs (table, list of bad spills, plot)."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from emiss.configs import loader
from emiss.configs.errors import Location, Problems, UserError
from emiss.events.files.atomic import write_text
from emiss.job.source import DetectorSource
from emiss.reco.detector.model import load_detector
from emiss.reco.quality.spills import Spills
from emiss.reco.quality.summary import Limits, Survey, Verdict, surveys, verdicts
from emiss.reco.readers.base import refuse_copies
from emiss.selection.results.files.sheet import cell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from emiss.runlist import RunList

HEAD = """\
# Bad spills, proposed by: emiss quality. Look at each before you believe it; then name this file as 'quality:' in a run list.
# Limits: rate below {rate:g} of the median, {lost:.0%} of the events lost, pedestals off by {shift:g} ADC, \
{saturated:.0%} more saturated events
"""


@dataclass(frozen=True)
class Quality:
    """The quality of some files: the survey, and what follows from it for each spill."""

    survey: Survey
    verdicts: tuple[Verdict, ...]
    limits: Limits

    @property
    def bad(self) -> tuple[Verdict, ...]:
        """The spills that are to be left out."""
        return tuple(verdict for verdict in self.verdicts if verdict.reasons)


def open_files(runlist: RunList) -> tuple[DetectorSource, list[Any]]:
    """Return the raw files of a run list, each of which knows the spills of all.

    Raises
    ------
    UserError
        If a file does not fit the detector, or is not raw.
    """
    detector = load_detector(runlist.detector, near=runlist.near)
    source = DetectorSource(detector.file, loader.find("calib", runlist.calib, near=runlist.near))
    problems = Problems()
    files = []
    for path in dict.fromkeys(path for sample in runlist.samples for path in sample.files):
        try:
            file = source.open(path)
            if file.tier != "raw":
                raise UserError("quality is measured on raw files; these are simulated hits", at=Location(str(path)))
            files.append(file)
        except UserError as error:
            problems.add(error)
    problems.check()
    refuse_copies(files)
    context = Spills.merge(file.spills() for file in files)
    for file in files:
        file.context = context
    return source, files


def measure(
    source: DetectorSource, files: Iterable[Any], limits: Limits, progress: Callable[[int], None] = lambda _: None
) -> Quality:
    """Survey files; `progress` is called with the number of entries done."""
    channels, bits = source.detector.channels, source.detector.digitiser.bits
    total = Survey.empty([], len(channels))
    for file in files:
        for part, entries in surveys(file, channels, bits, source.conditions):
            total += part
            progress(entries)
    return Quality(total, tuple(verdicts(total, channels, limits)), limits)


def bad_spills(quality: Quality) -> str:
    """Return the proposed list of bad spills as YAML; spills in a row with the same reasons share an entry."""
    lines = [HEAD.format(**vars(quality.limits)), "bad_spills:"]
    for _, group in groupby(
        enumerate(quality.bad), key=lambda item: (item[1].run, item[1].spill - item[0], item[1].reasons)
    ):
        part = [verdict for _, verdict in group]
        first, last = part[0].spill, part[-1].spill
        spills = str(first) if first == last else f"{first}-{last}"
        why = "; ".join(part[0].reasons)
        lines.append(f'  - {{run: {part[0].run}, spills: {spills}, why: "{why}"}}')
    if not quality.bad:
        lines[-1] += " []"
    return "\n".join(lines) + "\n"


def table(quality: Quality) -> str:
    """Return what was found in each spill as CSV."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = ("run", "spill", "events", "rate", "lost", "pedestal_shift", "channel", "saturated")
    writer.writerow([*names, "bad"])
    for v in quality.verdicts:
        shown = [v.run, v.spill, v.events, *(f"{x:.6g}" for x in (v.rate, v.lost, v.shift)), cell(v.channel)]
        writer.writerow([*shown, f"{v.saturated:.6g}", "; ".join(v.reasons)])
    return out.getvalue()


def write(quality: Quality, out: Path) -> tuple[Path, ...]:
    """Write the list of bad spills, the table and the plot to a folder."""
    from emiss.look import spill_quality_plots
    from emiss.selection.report.plots import save

    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(error.strerror or "cannot be made", at=Location(str(out))) from None
    write_text(out / "bad_spills.yaml", bad_spills(quality))
    write_text(out / "quality.csv", table(quality))
    for suffix in ("svg", "png"):
        save(spill_quality_plots.draw(quality), out / f"quality.{suffix}")
    return tuple(out / name for name in ("bad_spills.yaml", "quality.csv", "quality.svg", "quality.png"))
