"""Systematic variations of an analysis: parameters, definitions, scales and weights shifted up and down.

Each direction becomes an analysis of its own (`model.Shift`), which is counted in the same pass as the nominal one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from emiss.configs.errors import UserError, did_you_mean
from emiss.configs.place import Text
from emiss.configs.units import PURE, UnitError, parse_quantity
from emiss.events.language.meaning.parameter_values import read_parameters
from emiss.events.language.meaning.parameters import written
from emiss.events.language.syntax.expression import read_expression
from emiss.selection.analysis.model import Shift

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from emiss.configs.errors import Problems
    from emiss.configs.place import Texts
    from emiss.events.language.meaning.parameters import Parameter
    from emiss.events.language.syntax.expression import Expression
    from emiss.selection.analysis.model import Analysis, Cut
    from emiss.selection.analysis.schema import AnalysisModel, UpDownModel, VariationModel

DIRECTIONS = ("up", "down")
NOMINAL = "nominal"


def read(analysis: Analysis, tree: AnalysisModel, given: Mapping[str, Texts], problems: Problems) -> tuple[Shift, ...]:
    """Return the shifts of all variations; what is wrong with them is noted in `problems`.

    Parameters
    ----------
    analysis : Analysis
        The nominal one.
    tree : AnalysisModel
    given : mapping of parameter to Texts
        Values of the command line, which hold where a variation does not shift the parameter.
    problems : Problems
    """
    made: list[Shift] = []
    for name, item in tree.variations.items():
        directions = [direction for direction in DIRECTIONS if _shifts(item, direction)]
        if not directions:
            hint = "write e.g. 'scale: {COLUMN: 2 percent}', or 'parameters: {e_min: {up: 22 GeV, down: 18 GeV}}'"
            problems.add(item.place.error(f"the variation '{name}' shifts nothing", key=True, hint=hint))
        for direction in directions:
            label = f"{name}_{direction}"
            if label in analysis.weights:
                message = f"the variation '{name}' and a variation of the weight are both called '{label}'"
                problems.add(item.place.error(message, key=True, hint="rename one of them"))
                continue
            try:
                made.append(_Reader(analysis, tree, given, problems, item, direction).shift(label))
            except UserError as error:
                problems.add(error)
    return tuple(made)


def _parts(item: VariationModel) -> Iterator[Text | UpDownModel]:
    for section in (item.parameters, item.define, item.scale):
        yield from section.values()
    if item.weight is not None:
        yield item.weight


def _shifts(item: VariationModel, direction: str) -> bool:
    return any(isinstance(part, Text) or getattr(part, direction) is not None for part in _parts(item))


class _Reader:
    """One direction of a variation."""

    def __init__(
        self,
        analysis: Analysis,
        tree: AnalysisModel,
        given: Mapping[str, Texts],
        problems: Problems,
        item: VariationModel,
        direction: str,
    ) -> None:
        self.analysis, self.tree, self.given, self.problems = analysis, tree, given, problems
        self.item, self.direction = item, direction
        self.said: dict[str, str] = {}

    def shift(self, label: str) -> Shift:
        """Return the shift.

        Raises
        ------
        UserError
            If a part of it is not what it shifts.
        """
        parameters = self._parameters()
        nominal = self.analysis.weights.get(NOMINAL)
        weight = self._one(self.item.weight, "weight") if self.item.weight is not None else None
        weights = {NOMINAL: weight or nominal} if weight or nominal else {}
        changed = {
            "parameters": parameters,
            "definitions": {**self.analysis.definitions, **self._definitions()},
            "weights": {name: expression for name, expression in weights.items() if expression is not None},
        }

        def cut(one: Cut) -> Cut:
            return replace(one, resolved=written(one.require.text, one.require.tree, parameters), scan=None)

        shifted = replace(
            self.analysis,
            **changed,  # type: ignore[arg-type]
            cuts=tuple(map(cut, self.analysis.cuts)),
            regions={name: tuple(map(cut, cuts)) for name, cuts in self.analysis.regions.items()},
            histograms=(),
            more_scans=(),
        )
        return Shift(label, shifted, self._scale(), self.said, self.item.place)

    def _texts(self, part: UpDownModel) -> Texts | None:
        found: Texts | None = getattr(part, self.direction)
        return found

    def _parameters(self) -> Mapping[str, Parameter]:
        changed: dict[str, Texts] = {}
        for name, part in self.item.parameters.items():
            if name not in self.tree.parameters:
                hint = did_you_mean(name, self.tree.parameters, otherwise="parameters are")
                raise part.place.error(f"there is no parameter '{name}' to shift", key=True, hint=hint)
            if (texts := self._texts(part)) is not None:
                changed[name] = texts
                self.said[f"parameter {name}"] = ", ".join(text.value for text in texts)
        if not changed:
            return self.analysis.parameters
        return read_parameters(self.tree.parameters, {**self.given, **changed}, self.problems)

    def _definitions(self) -> dict[str, Expression]:
        changed = {}
        for name, part in self.item.define.items():
            if name not in self.tree.define:
                hint = did_you_mean(name, self.tree.define, otherwise="definitions are")
                raise part.place.error(f"there is no definition '{name}' to shift", key=True, hint=hint)
            if (expression := self._one(part, f"definition {name}")) is not None:
                changed[name] = expression
        return changed

    def _one(self, part: UpDownModel, what: str) -> Expression | None:
        texts = self._texts(part)
        if texts is None:
            return None
        if texts.several:
            raise texts.place.error("one expression is needed")
        self.said[what] = texts.items[0].value
        return read_expression(texts.items[0])

    def _scale(self) -> dict[str, float]:
        factors = {}
        for name, part in self.item.scale.items():
            sign = 1.0
            text: Text | None
            if isinstance(part, Text):
                text, sign = part, 1.0 if self.direction == "up" else -1.0
            else:
                texts = self._texts(part)
                text = None if texts is None else texts.items[0]
            if text is None:
                continue
            try:
                change = sign * parse_quantity(text.value, PURE)
            except UnitError as error:
                raise text.place.error(str(error), hint="a relative change is needed, such as '2 percent'") from None
            if not change > -1.0:
                raise text.place.error(f"'{text.value}' leaves nothing of '{name}'", hint="2 percent is 0.02")
            factors[name] = 1.0 + change
            self.said[f"scale of {name}"] = f"{change:+.6g}"
        return factors
