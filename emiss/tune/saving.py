"""The analysis as it was tuned, as a file: a copy with its comments, or one that extends it; read again before it is kept."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from emiss.configs.errors import UserError
from emiss.configs.loader import loads
from emiss.configs.place import option
from emiss.events.files.atomic import write_text
from emiss.events.language.syntax.expression import read_expression
from emiss.selection.analysis.read import from_document
from emiss.selection.binding.cuts import bind
from emiss.tune import editing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from emiss.configs.document import Document
    from emiss.events.columns import Column
    from emiss.selection import Analysis
    from emiss.selection.tuning.live import Choice

MOST_COPIES = 1000


@dataclass(frozen=True)
class Saving:
    """Writes the analysis.

    Attributes
    ----------
    document : Document
        The file as it is.
    analysis : Analysis
        What was read of it, with the values of `set`.
    out : Path or None
        The only folder that is written to.
    set : mapping of parameter to value
        What was set on the command line.
    columns : mapping of full name to Column, optional
        Of the tables, which the new file has to fit as well.
    """

    document: Document
    analysis: Analysis
    out: Path | None = None
    set: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, Column] | None = None

    def save(self, turned: Mapping[str, str], choice: Choice) -> dict[str, Any]:
        """Write the analysis with the values of a choice, and its cuts; return its text, and where it is.

        Raises
        ------
        UserError
            If no file can say it, or it cannot be written.
        """
        if self.out is None:
            return {"text": self.text(turned, choice), "name": f"{self._stem}.yaml", "path": None}
        path = self.out
        try:
            self.out.mkdir(parents=True, exist_ok=True)  # paths that go up from it lead nowhere before
            path, text = self._free(), self.text(turned, choice)
            write_text(path, text)
        except OSError as error:
            raise UserError(f"{path}: {error.strerror or error}") from None
        return {"text": text, "name": path.name, "path": str(path)}

    @property
    def _stem(self) -> str:
        return re.sub(r"[^\w-]+", "_", self.analysis.name).strip("_")[:80] or "analysis"

    def _free(self) -> Path:
        assert self.out is not None  # noqa: S101 - the caller has looked
        names = (self._stem if n == 1 else f"{self._stem}_{n}" for n in range(1, MOST_COPIES))
        for name in names:
            if not (path := self.out / f"{name}.yaml").exists():
                return path
        raise UserError(f"{self.out} holds {MOST_COPIES} copies of {self._stem} already")

    def text(self, turned: Mapping[str, str], choice: Choice) -> str:
        """Return the file.

        Raises
        ------
        UserError
            If no file can say it.
        """
        values = {name: _yaml(choice.parameters[name].resolved()) for name in {**self.set, **turned}}
        tried: list[UserError] = []
        for make in (self._copy, self._child):
            try:
                text = make(values, choice)
                if text is not None and self._says(text, values, choice):
                    return text
            except UserError as error:
                tried.append(error)
        why = f": {tried[-1].message}" if tried else ""
        raise UserError(f"no file was made that says the same{why}", hint="change the file by hand")

    def _there(self, choice: Choice) -> tuple[str, ...]:
        return tuple(cut.name for cut in self.analysis.regions[choice.region])

    def _has_regions(self) -> bool:
        return [*self.analysis.regions] != ["nominal"] or self.analysis.regions["nominal"] != self.analysis.cuts

    def _kept(self, choice: Choice) -> list[str]:
        """Return the cuts that are off and that a histogram refers to: they stay, and let everything pass."""
        words = {text.value.removeprefix("n-1").strip() for spec in self.analysis.histograms for text in spec.after}
        return [name for name in self._there(choice) if name not in choice.cuts and name in words]

    def _copy(self, values: Mapping[str, str], choice: Choice) -> str | None:
        """Return the file itself with changes; None where that cannot be."""
        changes = editing.parameters(self.document, values) + editing.extends(self.document, self.out)
        if choice.cuts != self._there(choice):
            if self._has_regions():
                return None
            found = editing.cuts(self.document, choice.cuts, self._kept(choice))
            if found is None:
                return None
            changes += found
        return editing.changed(self.document.text, changes)

    def _child(self, values: Mapping[str, str], choice: Choice) -> str | None:
        """Return a file that extends the one that there is."""
        expressions = {cut.name: cut.require.text for cut in self.analysis.regions[choice.region]}
        kept = self._kept(choice)
        order = [*choice.cuts, *kept]
        lines = [
            f"  - name: {editing.quoted(name)}\n    require: "
            + editing.quoted("true" if name in kept else expressions[name])
            for name in order
        ]
        drop = f"drop: [{', '.join(map(editing.quoted, self._there(choice)))}]"
        if choice.cuts == self._there(choice):
            body: Sequence[str] = ()
        elif not self._has_regions():
            body = [drop, "cuts:", *lines]
        else:
            inside = ["replace: {}", drop, "cuts:", *lines]
            body = ["regions:", f"  {editing.quoted(choice.region)}:"]
            body += [f"    {line}" for part in inside for line in part.split("\n")]
        return editing.child(self.document, self.out, self.analysis.name, values, body)

    def _says(self, text: str, values: Mapping[str, str], choice: Choice) -> bool:
        """Return whether a file says what was chosen, read as everybody will read it."""
        name = str((self.out or self.document.path.parent) / f"{self._stem}.yaml")
        found = from_document(loads(text, name))
        if self.columns is not None:
            bind(found, self.columns)
        said, wanted = _meaning(found), _meaning(from_document(self.document, values))
        always = found.meaning(read_expression(option("off", "true")))
        kept = dict.fromkeys(self._kept(choice), always)
        here = dict(wanted["regions"][choice.region])
        wanted["regions"][choice.region] = [(name, here[name]) for name in choice.cuts]
        cuts = said["regions"].get(choice.region, [])
        said["regions"][choice.region] = [pair for pair in cuts if kept.get(pair[0]) != pair[1]]
        return said == wanted


def _meaning(analysis: Analysis) -> dict[str, Any]:
    return {
        "parameters": {
            name: [(value.value, str(value.dimension)) for value in parameter.values]
            for name, parameter in analysis.parameters.items()
        },
        "regions": {
            region: [(cut.name, analysis.meaning(cut.require)) for cut in cuts]
            for region, cuts in analysis.regions.items()
        },
        "weights": {name: analysis.meaning(expression) for name, expression in analysis.weights.items()},
        "blind": None
        if analysis.blind is None
        else (sorted(analysis.blind.samples), analysis.meaning(analysis.blind.box)),
    }


def _yaml(value: str | Sequence[str]) -> str:
    return value if isinstance(value, str) else f"[{', '.join(value)}]"
