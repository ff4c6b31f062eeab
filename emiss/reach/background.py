"""The background of a limit: from the cutflow's samples, from the paper's budget, or a number.

A background belongs to the cuts that left it over. Where nothing says that they are those of the efficiencies, a warning
stands above the result; where they are known to be others, only what is asked for by name is taken.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from emiss.configs.errors import UserError, did_you_mean
from emiss.reach.efficiencies import first_row, last_row, process_of
from emiss.reach.variations import of_sample, of_sum

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emiss.physics.limits.backgrounds import Budget
    from emiss.reach.efficiencies import Efficiency
    from emiss.reach.variations import Factors
    from emiss.samples.config import Sample
    from emiss.selection.counting.samples import SampleCounts
    from emiss.selection.results.cutflow import Cutflow

BUDGET_ANALYSIS = "e_to_mu_phi"
"""The analysis whose cuts, as shipped, are those of the paper, for which its budget was made."""

Empty = Literal["bound", "zero"]
EMPTY = ("bound", "zero")


@dataclass(frozen=True)
class Unseen:
    """A process of which the simulation left nothing.

    Attributes
    ----------
    name : str
    per_electron : float
        Mean of what may still be there, per electron on target: one event of the sample. 90 % are below ln(10) of it.
    """

    name: str
    per_electron: float

    @property
    def upper(self) -> float:
        """90 % upper limit per electron."""
        return self.per_electron * math.log(10.0)


@dataclass(frozen=True)
class Background:
    """Background events per electron on target.

    Attributes
    ----------
    per_electron, relative_error : float
    source : str
    notes : tuple of str
        What is to be known of it.
    unseen : tuple of Unseen
        More background, as far as the simulation leaves room for it.
    warnings : tuple of str
        What makes the limit doubtful.
    variations : tuple of (name, up, down)
        Factors of systematic variations on what is there.
    """

    per_electron: float
    relative_error: float
    source: str
    notes: tuple[str, ...] = ()
    unseen: tuple[Unseen, ...] = ()
    warnings: tuple[str, ...] = ()
    variations: Factors = ()


def from_budget(budget: Budget, *, empty: Empty = "bound") -> Background:
    """Return the background of the paper's budget."""
    total = budget.total()
    notes = (f"SRD: {budget.srd.value:g} read as a {budget.reading}",)
    unseen = () if budget.dimuons_left else (Unseen("dimuon", 1.0 / budget.dimuon_sample),)
    found = Background(total.value, total.error / total.value, "budget of arXiv:2404.15931", notes, unseen)
    return _with_empty(found, empty)


def from_cutflow(
    cutflow: Cutflow,
    region: str | None = None,
    *,
    known: Mapping[str, Sample] | None = None,
    budget: Budget | None = None,
    empty: Empty = "bound",
) -> Background:
    """Return the background that the cutflow's background samples add up to.

    Parameters
    ----------
    cutflow : Cutflow
    region : str, optional
    known : mapping of sample's name to Sample
        What was simulated, for samples that do not say it themselves.
    budget : Budget, optional
        Whose errors the rates have that samples were normalised with. Default: the paper's.
    empty : 'bound' or 'zero'
        Whether samples of which nothing is left enter with what they leave room for.

    Raises
    ------
    UserError
        If there is none, or one does not say what it stands for.
    """
    from emiss.reach.budgets import paper

    samples = {name: counts for name, counts in cutflow.samples.items() if counts.role == "background"}
    if not samples:
        raise UserError("the cutflow has no sample of the role 'background'")
    numbers = budget or paper()
    total, variance, common, notes, unseen, warnings = 0.0, 0.0, 0.0, [], [], []
    varied: list[tuple[float, Factors]] = []
    for name, counts in samples.items():
        if not counts.on_target:
            raise UserError(f"sample '{name}' does not say how many particles on target it stands for")
        left = last_row(counts, region)
        factor = counts.scale / counts.on_target
        if not left.n:
            unseen.append(Unseen(name, _one_event(counts, region) * factor))
            continue
        process = process_of(name, counts, known or {})
        shared, own = numbers.rate_errors(process)
        if not process:
            warnings.append(f"{name} does not say what was simulated: the error of its rate is not counted")
        expected = left.sum_w * factor
        total += expected
        varied.append((expected, of_sample(cutflow, name, region)))
        variance += left.sum_w2 * factor**2 + (own * expected) ** 2
        common += shared * expected
        notes.append(
            f"{name}: {left.n} left, {expected:.3g} per electron on target, rate +- {math.hypot(shared, own):.2g}"
        )
    warnings += _missing([process_of(name, counts, known or {}) for name, counts in samples.items()])
    error = math.hypot(math.sqrt(variance), common) / total if total else 0.0
    source = f"cutflow, {', '.join(samples)}"
    found = Background(total, error, source, tuple(notes), tuple(unseen), tuple(warnings), of_sum(varied))
    return _with_empty(found, empty)


def _missing(processes: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a warning of the budget's processes that no sample is of, where all samples say what they are."""
    if not all(processes):
        return []
    there = {(process["kind"], process.get("hadron", "")) for process in processes}
    wanted = {"dimuons": ("dimuon", ""), "pion decays": ("decay", "pion"), "kaon decays": ("decay", "kaon")}
    gone = [name for name, process in wanted.items() if process not in there]
    return [f"the cutflow has no sample of {', '.join(gone)}: they are not in the background"] if gone else []


def _one_event(counts: SampleCounts, region: str | None) -> float:
    """Return the weight of one more event of a sample of which nothing is left: that of the others, heavy ones first."""
    everything = first_row(counts, region)
    return everything.sum_w2 / everything.sum_w if everything.sum_w > 0.0 else 1.0


def _with_empty(background: Background, empty: Empty) -> Background:
    if empty == "bound" or not background.unseen:
        return background
    names = ", ".join(f"{one.name} (up to {one.upper:.2g} per electron)" for one in background.unseen)
    text = f"nothing is left of {names}, and it counts as 0, although the simulation does not show it"
    return replace(background, unseen=(), warnings=(*background.warnings, text))


def given(number: float) -> Background:
    """Return a background that is a number."""
    return Background(
        number, 0.0, "given", warnings=(f"background: {number:g} per electron as given, nothing says for which cuts",)
    )


def choose(
    name: str,
    efficiencies: Sequence[Efficiency],
    flow: Cutflow | None,
    region: str | None,
    budget: Budget,
    *,
    known: Mapping[str, Sample] | None = None,
    empty: Empty = "bound",
    error: float | None = None,
) -> Background:
    """Return the background that `name` asks for, if it belongs to the cuts of the efficiencies.

    Parameters
    ----------
    name : str
        ``auto`` (the budget if the cuts are its own, else the cutflow's samples), ``budget``, ``cutflow``, or events per
        electron on target.
    efficiencies : sequence of Efficiency
    flow : Cutflow or None
    region : str or None
    budget : Budget
    known, empty
        As for `from_cutflow`.
    error : float, optional
        Relative, in the place of its own.

    Raises
    ------
    UserError
        If there is no background for these cuts.
    """
    cuts = {one.cuts for one in efficiencies}
    if name == "auto":
        name = _automatic(cuts, flow, region)
    if name == "budget":
        found = from_budget(budget, empty=empty)
        doubt = _doubt(cuts, region)
        found = replace(found, warnings=(*found.warnings, *([doubt] if doubt else [])))
    elif name == "cutflow":
        found = _of_flow(flow, cuts, region, budget, known, empty)
    else:
        found = given(_number(name))
    return found if error is None else replace(found, relative_error=error)


def _automatic(cuts: set[str], flow: Cutflow | None, region: str | None) -> str:
    if not _doubt(cuts, region):
        return "budget"
    if flow is not None and any(counts.role == "background" for counts in flow.samples.values()):
        return "cutflow"
    if cuts == {""}:
        return "budget"  # with a warning
    raise UserError(
        f"there is no background for these cuts: the paper's budget belongs to those of '{BUDGET_ANALYSIS}' as shipped",
        hint="give a cutflow with background samples, --background NUMBER (per electron), or --background budget all the same",
    )


def _doubt(cuts: set[str], region: str | None) -> str:
    """Return why the budget may not be that of these cuts; nothing where it is."""
    from emiss import selection

    analysis = selection.load(BUDGET_ANALYSIS)
    if cuts == {""}:
        return (
            f"the background is that of the cuts of '{BUDGET_ANALYSIS}'; nothing says that the efficiencies are theirs"
        )
    if cuts != {analysis.cuts_hash}:
        return (
            f"the background is that of the cuts of '{BUDGET_ANALYSIS}' as shipped, the efficiencies are of OTHER CUTS"
        )
    if region not in (None, next(iter(analysis.regions))):
        return (
            f"the background is that of the cuts of '{BUDGET_ANALYSIS}', the efficiencies are of the region '{region}'"
        )
    return ""


def _of_flow(
    flow: Cutflow | None,
    cuts: set[str],
    region: str | None,
    budget: Budget,
    known: Mapping[str, Sample] | None,
    empty: Empty,
) -> Background:
    if flow is None:
        raise UserError("--background cutflow needs --cutflow")
    if cuts - {"", flow.cuts_hash}:
        raise UserError(
            f"the background is of the cuts {flow.cuts_hash}, the efficiencies of {', '.join(sorted(cuts))}",
            hint="run 'emiss select' with the same analysis for both",
        )
    found = from_cutflow(flow, region, known=known, budget=budget, empty=empty)
    if "" not in cuts:
        return found
    text = f"the background is of the cutflow's cuts ({flow.cuts_hash}); nothing says that the efficiencies are theirs"
    return replace(found, warnings=(*found.warnings, text))


def check_name(name: str) -> None:
    """Raise a UserError for a background that cannot be asked for."""
    if name not in ("auto", "budget", "cutflow"):
        _number(name)


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        hint = did_you_mean(text, ("auto", "budget", "cutflow"))
        raise UserError(f"--background: '{text}' is no number of events per electron", hint=hint) from None
    if not 0.0 <= number < 1.0:
        raise UserError(f"--background {number:g}: events per electron on target lie between 0 and 1")
    return number
