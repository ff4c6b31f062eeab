"""`Session`: what the page asks, answered: all there is to turn, and what a choice makes of the samples, as plain data."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.configs.errors import Problems, UserError
from emiss.configs.place import option
from emiss.events.language.syntax.expression import read_expression
from emiss.selection.analysis.scans import FIGURE_OF_MERIT
from emiss.selection.binding.merit import check_merit
from emiss.selection.display import numbers, view
from emiss.selection.results import optimum
from emiss.selection.results.cutflow import Cutflow
from emiss.tune import knobs
from emiss.tune.asked import Asked
from emiss.tune.pictures import Pictures, range_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emiss.configs.arrays import Floats
    from emiss.selection.tuning.live import Choice
    from emiss.selection.tuning.opened import Knob
    from emiss.selection.tuning.sample import Gate
    from emiss.tune.knobs import Range
    from emiss.tune.limits import Limits
    from emiss.tune.loading import Loaded
    from emiss.tune.saving import Saving

STEPS = 25
"""Values at which a parameter is looked at that is no threshold: each is evaluated for itself."""


@dataclass(frozen=True)
class Facts:
    """What was asked for on the command line, as far as the page shows it."""

    tables: tuple[str, ...]
    analysis: str
    normalise: float
    unblind: bool


class Session:
    """An analysis being tuned on samples.

    Parameters
    ----------
    loaded : Loaded
    facts : Facts
    saving : Saving
        Writes the analysis.
    limits : Limits, optional
        Gives the limit of a choice.
    """

    def __init__(self, loaded: Loaded, facts: Facts, saving: Saving, limits: Limits | None = None) -> None:
        self.live = loaded.live
        self.outcome = loaded.outcome
        self.facts = facts
        self.saving = saving
        self.limits = limits
        self.first = self.live.choice()
        self.ranges = knobs.ranges(self.live, self.first, loaded.outcome.result.bound_scans)
        flow = loaded.outcome.cutflow
        roles = {name: flow.samples[name].role for name in self.live.samples}
        factors = {name: optimum.factor(flow, name, facts.normalise) for name in self.live.samples}
        self.pictures = Pictures(self.live, roles, factors)

    def describe(self, _: Any = None) -> dict[str, Any]:
        """Return what the page is made of."""
        live, analysis = self.live, self.live.analysis
        scans = self.outcome.result.bound_scans
        return {
            "analysis": analysis.name,
            "file": self.facts.analysis,
            "tables": list(self.facts.tables),
            "per": numbers.particles(self.facts.normalise),
            "regions": list(live.opened.cuts),
            "weights": list(live.weights),
            "merit": scans[0].figure_of_merit if scans else FIGURE_OF_MERIT,
            "samples": [self._sample(name) for name in live.samples],
            "parameters": [self._parameter(name) for name in analysis.parameters],
            "cuts": {
                region: [self._cut(region, cut.name) for cut in cuts] for region, cuts in live.opened.cuts.items()
            },
            "remarks": [*self.outcome.remarks, *self.outcome.losses],
            "out": str(self.saving.out) if self.saving.out is not None else None,
            "limit": None if self.limits is None else self.limits.describe(),
        }

    def _sample(self, name: str) -> dict[str, Any]:
        counts = self.outcome.cutflow.samples[name]
        known = self.outcome.cutflow.per_on_target(name, self.facts.normalise) is not None
        return {"name": name, "role": counts.role, "hidden": counts.hidden, "known": known}

    def _parameter(self, name: str) -> dict[str, Any]:
        parameter = self.first.parameters[name]
        values = []
        for at, quantity in enumerate(parameter.values):
            unit, factor = knobs.unit_of(parameter, at)
            found = self.ranges.get((name, at))
            values.append(
                {
                    "name": knobs.label(parameter, at),
                    "value": float(f"{quantity.value / factor:.12g}"),
                    "unit": unit,
                    "range": None if found is None else range_of(found),
                }
            )
        return {
            "name": name,
            "several": parameter.several,
            "values": values,
            "locked": self.live.locked.get(name),
            "from": sorted(parameter.uses),
            "comment": knobs.comment(self.live.analysis.parameters[name]),
        }

    def _cut(self, region: str, name: str) -> dict[str, Any]:
        cut = next(cut for cut in self.live.analysis.regions[region] if cut.name == name)
        return {"name": name, "require": view.clean(cut.require.text)}

    def _choice(self, asked: Asked) -> Choice:
        return self.live.choice(asked.parameters, asked.region, asked.cuts, asked.weight)

    def answer(self, data: Any) -> dict[str, Any]:
        """Return cutflow, thresholds and histograms of a choice.

        Raises
        ------
        UserError
            For what is no choice.
        """
        asked = Asked.of(data)
        choice = self._choice(asked)
        merit = self._merit(asked)
        ranges = self._ranges(asked)
        limits = {knob: found.limits() for knob, found in ranges.items()}
        gates: dict[str, dict[Knob, Gate]] = {}
        intervals: dict[str, dict[Knob, Floats]] = {}
        rows, filled = {}, {}
        for name in self.live.samples:
            look = self.live.look(name, choice)
            rows[name] = self.live.rows(look, choice)
            gates[name] = self.live.gates(name, choice, limits)
            intervals[name] = {knob: look.intervals(gate) for knob, gate in gates[name].items()}
            filled[name] = self.pictures.filled(look, name, choice)
        shared = [knob for knob in limits if all(knob in found for found in gates.values())]
        first = next(iter(gates.values()))
        return {
            "cutflow": self._cutflow(choice, rows),
            "values": self._values(choice),
            "gates": {
                self.pictures.label(knob): self.pictures.gate(
                    first[knob], ranges[knob], {name: found[knob] for name, found in intervals.items()}, merit
                )
                for knob in shared
            },
            "steps": [
                self.pictures.label(knob)
                for knob in limits
                if knob not in shared and self.live.touches(knob, choice) and not self.live.carries(knob, choice)
            ],
            "idle": [
                self.pictures.label(knob)
                for knob in limits
                if not self.live.touches(knob, choice) and not self.live.carries(knob, choice)
            ],
            "histograms": self.pictures.histograms(choice, filled, first),
            "command": self._command(asked, choice),
        }

    def _merit(self, asked: Asked) -> str:
        text = asked.merit or self.describe_merit()
        problems = Problems()
        check_merit(read_expression(option("figure of merit", text)), problems)
        problems.check()
        return text

    def describe_merit(self) -> str:
        """Return the figure of merit of the first scan in the file, or the usual one."""
        scans = self.outcome.result.bound_scans
        return scans[0].figure_of_merit if scans else FIGURE_OF_MERIT

    def _ranges(self, asked: Asked) -> dict[Knob, Range]:
        several = [name for name, parameter in self.first.parameters.items() if parameter.several]
        found = dict(self.ranges)
        for name, wanted in asked.ranges.items():
            knob = knobs.knob_of(name, self.live.knobs, several)
            if knob is None:
                raise UserError(f"there is no value '{name}' to turn")
            found[knob] = knobs.reach(found[knob], wanted.start, wanted.stop)
        return found

    def _values(self, choice: Choice) -> dict[str, float]:
        """Return the values of all parameters in their units, those that are computed from others included."""
        return {
            knobs.label(parameter, at): float(f"{value.value / knobs.unit_of(self.first.parameters[name], at)[1]:.12g}")
            for name, parameter in choice.parameters.items()
            for at, value in enumerate(parameter.values)
        }

    def cutflow(self, choice: Choice, rows: Mapping[str, Any]) -> Cutflow:
        """Return the cutflow of a choice, which stands for what the samples stand for."""
        found = self.outcome.cutflow
        samples = {
            name: replace(found.samples[name], regions={choice.region: {choice.weight: made}})
            for name, made in rows.items()
        }
        return Cutflow(found.analysis, "", {}, samples)

    def _cutflow(self, choice: Choice, rows: Mapping[str, Any]) -> list[dict[str, Any]]:
        made = self.cutflow(choice, rows)
        return [
            {
                "name": name,
                "rows": [
                    {
                        "cut": line.row.name,
                        "require": line.require,
                        "n": line.n,
                        "passed": line.passed,
                        "expected": line.expected,
                        "relative": line.relative,
                        "total": line.total,
                        "share": (line.efficiency.total or 0.0) if line.efficiency else 1.0,
                        "n1": line.n_minus_1,
                        "only": line.only_failed,
                        "alone": line.individual,
                        "undefined": line.row.undefined,
                    }
                    for line in view.lines(made, name, choice.region, self.facts.normalise, choice.weight)
                ],
                "was": self._was(name, choice),
            }
            for name in rows
        ]

    def _was(self, name: str, choice: Choice) -> dict[str, str]:
        """Return what was left with the values that the analysis began with."""
        lines = view.lines(self.outcome.cutflow, name, choice.region, self.facts.normalise, choice.weight)
        return {"passed": lines[-1].passed, "expected": lines[-1].expected, "total": lines[-1].total}

    def steps(self, data: Any) -> dict[str, Any]:
        """Return the figure of merit against a value that is no threshold: evaluated at some of its steps."""
        asked = Asked.of(data)
        choice = self._choice(asked)
        several = [name for name, parameter in self.first.parameters.items() if parameter.several]
        knob = knobs.knob_of(asked.knob or "", self.live.knobs, several)
        if knob is None:
            raise UserError(f"there is no value '{asked.knob}' to turn")
        if self.live.carries(knob, choice):
            raise UserError(f"other parameters are computed from '{asked.knob}'")
        range_ = self._ranges(asked)[knob]
        every = range_.shown()
        shown = tuple(every[i] for i in sorted({round(i) for i in np.linspace(0, len(every) - 1, STEPS)}))
        found = self.live.steps(knob, [x * range_.factor for x in shown], choice)
        merits = self.pictures.merits({name: part[:, 1] for name, part in found.items()}, shown, self._merit(asked))
        return {"range": range_of(range_), "at": list(shown), "merit": merits}

    def limit(self, data: Any) -> dict[str, Any]:
        """Return the limit of a choice."""
        if self.limits is None:
            raise UserError("no limit was asked for", hint="begin with --eot")
        choice = self._choice(Asked.of(data))
        rows = {}
        for name in self.live.samples:
            rows[name] = self.live.rows(self.live.look(name, choice), choice)
        return self.limits.of(self.cutflow(choice, rows), choice.region, choice.weight)

    def save(self, data: Any) -> dict[str, Any]:
        """Write the analysis as it is now, or return its text where there is no folder for it."""
        asked = Asked.of(data)
        choice = self._choice(asked)
        return self.saving.save(asked.parameters, choice)

    def _command(self, asked: Asked, choice: Choice) -> dict[str, Any]:
        """Return the command that gives the same cutflow, as far as one can."""
        words = ["emiss", "select", *self.facts.tables, "--analysis", self.facts.analysis]
        for name, value in {**self.saving.set, **asked.parameters}.items():
            words += ["--set", f"{name}={value}"]
        if self.facts.unblind:
            words.append("--unblind")
        there = tuple(cut.name for cut in self.live.opened.cuts[choice.region])
        return {"text": shlex.join(words), "whole": choice.cuts == there}
