"""Where histograms are found: those that a result has stored, or an expression that is filled from its event tables."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from emiss import selection
from emiss.configs.errors import Location, UserError, did_you_mean
from emiss.events.files.base import SUFFIXES
from emiss.selection.analysis.histograms import BINS, with_histogram
from emiss.selection.counting.histograms import UNWEIGHTED
from emiss.selection.results.cutflow import Cutflow
from emiss.selection.results.files import histograms as histogramfile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from emiss.plot.wanted import Panel
    from emiss.selection import Analysis
    from emiss.selection.counting.histograms import BySample, Filled, Key

DEFAULT = "e_to_mu_phi"
"""Analysis of tables without a result, as that of `emiss select`."""


@dataclass(frozen=True)
class Found:
    """One histogram of all samples of a result.

    Attributes
    ----------
    cutflow : Cutflow
        Says what the samples are, and what they stand for.
    filled : mapping of sample to Filled
    key : Key
    remarks : tuple of str
    """

    cutflow: Cutflow
    filled: Mapping[str, Filled]
    key: Key
    remarks: tuple[str, ...] = ()


def find(path: Path, panel: Panel, *, unblind: bool = False, progress: Callable[[int], None] = lambda _: None) -> Found:
    """Return what a panel shows of a result: the stored histogram of the name, else the expression filled from the tables.

    Raises
    ------
    UserError
        If there is neither, or something about it is wrong.
    """
    if not path.exists():
        raise UserError("no such file or folder", at=Location(str(path)))
    folder = path.parent if path.name == "cutflow.json" else path
    cutflow = Cutflow.load(folder / "cutflow.json") if (folder / "cutflow.json").is_file() else None
    stored: BySample = {}
    if cutflow is not None and (folder / "histograms.json").is_file():
        stored = histogramfile.load(folder / "histograms.json")
    names = {key.name for made in stored.values() for key in made}
    if cutflow is not None and len(panel.plot) == 1 and panel.plot[0] in names and not panel.bins:
        return _stored(cutflow, stored, panel)
    if not panel.bins:
        known = did_you_mean(panel.plot[0], names) if names else "histograms of the analysis are stored by --out"
        hint = f"{known}; of an expression say the bins: --bins '{BINS}'"
        raise UserError(f"no histogram '{panel.plot[0]}' is stored in {folder}", hint=hint)
    return _from_tables(folder, cutflow, panel, unblind, progress)


def _stored(cutflow: Cutflow, stored: BySample, panel: Panel) -> Found:
    name, first = panel.plot[0], next(iter(stored.values()))
    keys = [key for key in first if key.name == name]
    keys = [key for key in keys if key.variation in (UNWEIGHTED, keys[0].variation)]
    regions = list(dict.fromkeys(key.region for key in keys))
    if panel.region and panel.region not in regions:
        raise UserError(f"'{name}' has no region '{panel.region}'", hint=did_you_mean(panel.region, regions))
    keys = [key for key in keys if key.region == (panel.region or regions[0])]
    chosen = [key for key in keys if panel.after in ("", key.stage, key.stage.removeprefix("after "))]
    if not chosen:
        stages = [key.stage.removeprefix("after ") for key in keys]
        hint = f"{did_you_mean(panel.after, stages)}; with --bins it is filled from the tables"
        raise UserError(f"'{name}' is not stored after '{panel.after}'", hint=hint)
    key = chosen[0]
    return Found(cutflow, {sample: made[key] for sample, made in stored.items() if key in made}, key)


def _from_tables(
    folder: Path, cutflow: Cutflow | None, panel: Panel, unblind: bool, progress: Callable[[int], None]
) -> Found:
    from emiss.job.select import select

    analysis = with_histogram(
        _analysis(folder, cutflow, panel),
        panel.plot,
        panel.bins,
        after=panel.after or None,
        region=panel.region or None,
        title=panel.title,
    )
    tables = panel.tables or _tables(folder, cutflow)
    outcome = select(tables, analysis, overrides=panel.set, unblind=unblind, fill=True, progress=progress)
    made = outcome.result.histograms
    key = next(iter(next(iter(made.values()))))
    known = cutflow.samples if cutflow is not None else {}
    counted = outcome.cutflow
    if known and any(counted.samples[one].on_target is None for one in counted.samples):
        # tables alone do not say what a part of them stands for; the result does
        counted = cutflow if cutflow is not None and set(counted.samples) <= set(known) else counted
    return Found(
        counted,
        {sample: found[key] for sample, found in made.items()},
        key,
        (*outcome.remarks, *outcome.losses),
    )


def _analysis(folder: Path, cutflow: Cutflow | None, panel: Panel) -> Analysis:
    """Return the analysis that is named, or that with which the result was made, if its file is still there and the same."""
    if panel.analysis or cutflow is None:
        return selection.load(panel.analysis or DEFAULT, set=panel.set)
    given = {**cutflow.provenance.get("overrides", {}), **panel.set}
    for name in [cutflow.analysis, *reversed(list(cutflow.provenance.get("configs", {})))]:
        try:
            found = selection.load(name, set=given)
            same = selection.load(name, set=cutflow.provenance.get("overrides", {})).cuts_hash == cutflow.cuts_hash
        except UserError:
            continue
        if found.name == cutflow.analysis and same:
            return found
    raise UserError(
        f"the file of the analysis '{cutflow.analysis}' is not there any more, or has changed since",
        at=Location(str(folder)),
        hint="say which one is meant: --analysis FILE",
    )


def _tables(folder: Path, cutflow: Cutflow | None) -> Sequence[Path]:
    """Return the event tables of a result: those in its folder, or those that it was made from."""
    if folder.suffix in SUFFIXES or (folder / "tables").is_dir() or cutflow is None:
        return [folder]
    inputs = [Path(one.get("path", "")) for one in cutflow.provenance.get("inputs", [])]
    tables = [path for path in inputs if path.suffix in SUFFIXES and path.is_file()]
    if not tables or len(tables) < len(inputs):
        raise UserError(
            "holds no event tables", at=Location(str(folder)), hint="an expression needs them: --tables FOLDER"
        )
    return tables
