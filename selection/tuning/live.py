"""`Live`: samples under an analysis that is being tuned, and a `Choice` of what it is to be: values, cuts, region, weight."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from emiss.configs.errors import Problems, UserError, did_you_mean
from emiss.events.language.meaning.parameter_values import read_parameters
from emiss.events.language.meaning.parameters import written
from emiss.selection.analysis.merge import override
from emiss.selection.counting.counter import Region, rows_of
from emiss.selection.counting.histograms import UNWEIGHTED
from emiss.selection.tuning.sample import Gate, Look, Stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from emiss.configs.arrays import Floats
    from emiss.configs.place import Texts
    from emiss.events.language.meaning.parameters import Parameter
    from emiss.selection.analysis.model import Analysis, Cut
    from emiss.selection.counting.counts import Rows
    from emiss.selection.counting.histograms import BoundHistogram
    from emiss.selection.tuning.opened import Knob, OpenCut, Opened
    from emiss.selection.tuning.sample import LiveSample

ALL = "all"
N_1 = "n-1"


@dataclass(frozen=True)
class Choice:
    """What the analysis is to be.

    Attributes
    ----------
    parameters : mapping of name to Parameter
        All of them, with those that are computed from others.
    region : str
    cuts : tuple of str
        Those that are switched on, in their order.
    weight : str
        Variation of the weight.
    """

    parameters: Mapping[str, Parameter]
    region: str
    cuts: tuple[str, ...]
    weight: str

    def values(self, knobs: Iterable[Knob]) -> dict[Knob, float]:
        """Return the values of knobs in base units."""
        return {(name, at): self.parameters[name].values[at].value for name, at in knobs}


class Live:
    """Samples under an analysis that is being tuned.

    Parameters
    ----------
    analysis : Analysis
        As it was read.
    given : mapping of name to Texts
        The parameters as its files give them.
    samples : mapping of name to LiveSample
        At least one. Each has the analysis on its own columns.
    """

    def __init__(self, analysis: Analysis, given: Mapping[str, Texts], samples: Mapping[str, LiveSample]) -> None:
        self.analysis = analysis
        self.given = given
        self.samples = samples
        self.opened = next(iter(samples.values())).opened
        self.locked = {name: why for sample in samples.values() for name, why in sample.opened.locked.items()}
        self.weights = tuple(self.opened.bound.weights) or (UNWEIGHTED,)

    def choice(
        self,
        values: Mapping[str, str] | None = None,
        region: str | None = None,
        cuts: Sequence[str] | None = None,
        weight: str | None = None,
    ) -> Choice:
        """Return a choice; what is not said is as in the file.

        Parameters
        ----------
        values : mapping of parameter to text
            As ``--set`` takes them.

        Raises
        ------
        UserError
            For a name that there is not, a value of another unit, a parameter that is locked, a cut twice.
        """
        region = _known("region", region, self.opened.cuts)
        there = [cut.name for cut in self.opened.cuts[region]]
        chosen = there if cuts is None else list(cuts)
        for name in chosen:
            _known("cut", name, there)
        if len(set(chosen)) < len(chosen):
            raise UserError("a cut is there twice")
        return Choice(
            self._parameters(values or {}), region, tuple(chosen), _known("weight", weight, dict.fromkeys(self.weights))
        )

    def _parameters(self, values: Mapping[str, str]) -> dict[str, Parameter]:
        for name in values:
            if name in self.locked:
                raise UserError(f"the parameter '{name}' cannot be turned here: {self.locked[name]}")
        problems = Problems()
        found = read_parameters(self.given, override(self.given, values), problems)
        problems.check()
        for name, reason in self.locked.items():
            # one that is computed from what was turned would go along with it
            before, now = self.analysis.parameters[name], found[name]
            if [v.value for v in before.values] != [v.value for v in now.values]:
                raise UserError(f"the parameter '{name}' would change, which cannot be: {reason}")
        return found

    @property
    def knobs(self) -> tuple[Knob, ...]:
        """The values that may be turned."""
        return tuple(knob for knob in self.opened.knobs if knob[0] not in self.locked)

    def look(self, name: str, choice: Choice) -> Look:
        """Return a look at a sample.

        Raises
        ------
        UserError
            If the weight of an event is undefined.
        """
        sample = self.samples[name]
        sample.turn(choice.values(sample.opened.knobs))
        return _through(sample, choice)

    def rows(self, look: Look, choice: Choice) -> Rows:
        """Return the counts as a cutflow has them."""
        region = self._region(choice)
        return rows_of(region, look.counts(), 0, 0 if look.weight is None else 1, {})

    def _region(self, choice: Choice) -> Region:
        by_name = {cut.name: cut for cut in self.analysis.regions[choice.region]}
        cuts = tuple(self._resolved(by_name[name], choice) for name in choice.cuts)
        nothing: tuple[tuple[tuple[str, str], ...], ...] = ((),) * len(cuts)
        return Region(choice.region, cuts, (), ("",) * len(cuts), nothing)

    def _resolved(self, cut: Cut, choice: Choice) -> Cut:
        return replace(cut, resolved=written(cut.require.text, cut.require.tree, choice.parameters))

    def gates(self, name: str, choice: Choice, ranges: Mapping[Knob, Sequence[float]]) -> dict[Knob, Gate]:
        """Return the values that are the threshold of one comparison among the chosen cuts, and of nothing else.

        Parameters
        ----------
        name : str
            Of the sample.
        ranges : mapping of Knob to the steps that are looked at, rising, in base units
        """
        opened = self.samples[name].opened
        found: dict[Knob, Gate] = {}
        for knob, limits in ranges.items():
            here = [
                (cut, part)
                for cut in _cuts(opened, choice)
                for part in cut.parts
                if any(knob in opened.of(root) for root in part.roots)
            ]
            if self.carries(knob, choice) or len(here) != 1:
                continue
            ((cut, part),) = here
            compared = part.compared
            if compared is None or compared.limit is not opened.scanned[knob]:
                continue
            if knob not in opened.of(compared.number):
                found[knob] = Gate(cut.name, part, compared, tuple(limits))
        return found

    def carries(self, knob: Knob, choice: Choice) -> bool:
        """Return whether other parameters are computed from this one: they would have to go along with it."""
        return any(knob[0] in parameter.uses for parameter in choice.parameters.values())

    def touches(self, knob: Knob, choice: Choice) -> bool:
        """Return whether a chosen cut depends on a knob."""
        cuts = _cuts(self.opened, choice)
        return any(knob in self.opened.of(root) for cut in cuts for part in cut.parts for root in part.roots)

    def stages(self, spec: BoundHistogram, choice: Choice) -> list[Stage]:
        """Return the stages of a histogram in the chosen region, with the cuts that are switched on, in their order."""
        there = [cut.name for cut in self.opened.cuts[choice.region]]
        found = []
        for stage in spec.stages:
            if stage.region != choice.region:
                continue
            asked = {there[i] for i in stage.cuts}
            if stage.name == ALL:
                cuts: tuple[str, ...] = ()
            elif stage.name.startswith(N_1):
                cuts = tuple(name for name in choice.cuts if name in asked)
            else:
                last = there[stage.cuts[-1]]
                # behind a cut that is off: behind those that stand before it in the file
                until = choice.cuts.index(last) + 1 if last in choice.cuts else None
                cuts = choice.cuts[:until] if until else tuple(name for name in choice.cuts if name in asked)
            found.append(Stage(stage.name, cuts))
        return found

    def steps(self, knob: Knob, limits: Sequence[float], choice: Choice) -> dict[str, Floats]:
        """Return what passes all cuts at each value of a knob, evaluated one by one.

        Returns
        -------
        mapping of sample to float64, shape (steps, 3)
            Number, sum of weights and of their squares.
        """
        found = {name: np.zeros((len(limits), 3)) for name in self.samples}
        for name, sample in self.samples.items():
            values = choice.values(sample.opened.knobs)
            for row, value in zip(found[name], limits, strict=True):
                sample.turn({**values, knob: value})
                row[:] = _through(sample, choice).left()
            sample.turn(values)
        return found


def _cuts(opened: Opened, choice: Choice) -> tuple[OpenCut, ...]:
    """Return the chosen cuts in their order."""
    by_name = {cut.name: cut for cut in opened.cuts[choice.region]}
    return tuple(by_name[name] for name in choice.cuts)


def _through(sample: LiveSample, choice: Choice) -> Look:
    weight = sample.opened.bound.weights.get(choice.weight)
    return sample.look(_cuts(sample.opened, choice), None if weight is None else weight.node, choice.weight)


def passing(intervals: Floats, *, below: bool) -> Floats:
    """Return what passes at each threshold, from the events in the intervals between them.

    Parameters
    ----------
    intervals : float64, shape (steps + 2, 3)
        See `Look.intervals`.
    below : bool
        Whether events pass below the threshold.

    Returns
    -------
    float64, shape (steps, 3)
    """
    known = intervals[:-1]
    if below:
        return np.cumsum(known, axis=0)[:-1]
    return np.cumsum(known[::-1], axis=0)[::-1][1:]


def _known(what: str, name: str | None, known: Mapping[str, object] | Sequence[str]) -> str:
    names = list(known)
    if name is None:
        return names[0]
    if name not in names:
        raise UserError(f"there is no {what} '{name[:100]}'", hint=did_you_mean(name[:100], names))
    return name
