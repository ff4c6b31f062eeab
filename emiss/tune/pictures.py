"""`Pictures`: what the page draws of a choice, as plain numbers: thresholds, figures of merit, histograms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.selection.binding.merit import figure
from emiss.selection.tuning.live import passing
from emiss.tune import knobs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emiss.configs.arrays import Floats
    from emiss.selection.tuning.live import Choice, Live
    from emiss.selection.tuning.opened import Knob
    from emiss.selection.tuning.sample import Gate, Look
    from emiss.tune.knobs import Range

DIGITS = 5
"""Of numbers that are only drawn."""


class Pictures:
    """What is drawn of samples.

    Parameters
    ----------
    live : Live
    roles : mapping of sample to its role
    factors : mapping of sample to float
        From sums of weights to what is drawn.
    """

    def __init__(self, live: Live, roles: Mapping[str, str], factors: Mapping[str, float]) -> None:
        self.live = live
        self.roles = roles
        self.factors = factors

    def label(self, knob: Knob) -> str:
        """Return how a value is called."""
        return knobs.label(self.live.analysis.parameters[knob[0]], knob[1])

    def gate(self, gate: Gate, range_: Range, intervals: Mapping[str, Floats], merit: str) -> dict[str, Any]:
        """Return what reaches a threshold, and the figure of merit at each of its steps."""
        below = gate.compared.below
        left = {name: passing(found, below=below)[:, 1] for name, found in intervals.items()}
        return {
            "cut": gate.cut,
            "below": below,
            "range": range_of(range_),
            "samples": {
                name: _drawn(found[1:-2, 1] * self.factors[name]) if len(found) > 3 else []
                for name, found in intervals.items()
            },
            "merit": self.merits(left, range_.shown(), merit),
        }

    def merits(self, left: Mapping[str, Floats], shown: Sequence[float], merit: str) -> list[dict[str, Any]]:
        """Return the figure of merit of each signal sample at each step, and the best one."""
        expected = {name: found * self.factors[name] for name, found in left.items()}
        background = sum(
            (found for name, found in expected.items() if self.roles[name] == "background"), np.zeros(len(shown))
        )
        made = []
        for name, found in expected.items():
            if self.roles[name] != "signal":
                continue
            values = figure(merit, found, background)
            known = np.isfinite(values)
            best = int(np.nanargmax(np.where(known, values, -np.inf))) if known.any() else None
            made.append(
                {
                    "sample": name,
                    "values": _drawn(values),
                    "best": None if best is None else shown[best],
                    "at_best": None if best is None else _number(values[best]),
                    "signal": None if best is None else _number(found[best]),
                    "background": None if best is None else _number(background[best]),
                }
            )
        return made

    def filled(self, look: Look, name: str, choice: Choice) -> dict[tuple[str, str], Floats]:
        """Return the sums of all histograms of a sample, by name and stage."""
        made = {}
        for spec in self.live.samples[name].opened.bound.histograms:
            stages = self.live.stages(spec, choice)
            for stage, found in zip(stages, look.filled(spec, stages), strict=True):
                made[spec.name, stage.name] = found
        return made

    def histograms(
        self, choice: Choice, filled: Mapping[str, Mapping[tuple[str, str], Floats]], gates: Mapping[Knob, Gate]
    ) -> list[dict[str, Any]]:
        """Return the histograms of all samples at their stages, with the thresholds on their first quantity."""
        made = []
        for spec in self.live.opened.bound.histograms:
            shape = tuple(len(axis.edges) + 1 for axis in spec.axes)
            lines = [
                {"name": self.label(knob), "value": _number(gate_value / spec.axes[0].factor)}
                for knob, gate in gates.items()
                if gate.compared.number is spec.nodes[0]
                for gate_value in [choice.parameters[knob[0]].values[knob[1]].value]
            ]
            for stage in self.live.stages(spec, choice):
                samples = {}
                for name, found in filled.items():
                    sums = found[spec.name, stage.name][:-1].reshape(*shape, 3)
                    inner = sums[(slice(1, -1),) * len(shape)]
                    factor = self.factors[name]
                    samples[name] = {
                        "sums": _drawn(inner[..., 1] * factor),
                        "errors": _drawn(np.sqrt(inner[..., 2]) * abs(factor)) if len(shape) == 1 else [],
                        "out": [_number(sums[0, ..., 1].sum() * factor), _number(sums[-1, ..., 1].sum() * factor)],
                    }
                made.append(
                    {
                        "name": spec.name,
                        "title": spec.title,
                        "stage": stage.name,
                        "axes": [
                            {"title": axis.title, "unit": axis.unit, "edges": list(axis.edges)} for axis in spec.axes
                        ],
                        "lines": lines,
                        "samples": samples,
                    }
                )
        return made


def range_of(found: Range) -> dict[str, float]:
    """Return a range as plain data."""
    return {"from": found.start, "to": found.stop, "step": found.step}


def _number(x: float) -> float | None:
    """Return a number as it is drawn; JSON has no word for one that is undefined."""
    return float(f"{x:.{DIGITS}g}") if np.isfinite(x) else None


def _drawn(values: Floats) -> list[Any]:
    """Return numbers as they are drawn, in the shape of the array."""
    with np.errstate(all="ignore"):
        power = np.where(values == 0.0, 0.0, np.floor(np.log10(np.abs(values))))
        scale = 10.0 ** (DIGITS - 1 - power)
        rounded = np.round(values * scale) / scale
    known = np.isfinite(rounded)
    if not known.all():
        rounded = rounded.astype(object)
        rounded[~known] = None
    found: list[Any] = rounded.tolist()
    return found
