"""What set-ups have that another one lacks: where a name that an analysis uses, and a table has not, is a column."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from emiss.configs import loader
from emiss.configs.errors import UserError
from emiss.events.columns import split
from emiss.reco.detector.model import load_detector

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from emiss.reco.detector.model import Detector

SHOWN = 4
"""Set-ups that a message names."""

MOST = 50
"""Files of a folder that are looked at."""


@dataclass(frozen=True)
class Elsewhere:
    """Says of a name that a set-up's tables do not have which set-ups have it; other set-ups are read when it is asked.

    Attributes
    ----------
    setup : str
        The name of the set-up.
    own : collection of str
        The columns that it has.
    near : Path, optional
        A detector file: those beside it, and in the folders beside its own, are looked at as well as those that ship.
    """

    setup: str
    own: Collection[str]
    near: Path | None = None

    def __call__(self, name: str) -> str | None:
        """Return ``na64e_beam has no part 'x'; na64e_visible_2018 has``, and None where no set-up has the name either."""
        others = {other: made for other, made in self._known.items() if other != self.setup}
        for sought in (name, split(name)[0]):
            having = [other for other, made in others.items() if sought in made]
            if having and sought not in self._collections:
                kind, owner = others[having[0]][sought]
                kind, owner = ("column", name) if owner in self._collections else (kind, owner)
                return f"{self.setup} has no {kind} '{owner}'; {_listed(having)}"
        return None

    @cached_property
    def _collections(self) -> set[str]:
        return {split(column)[0] for column in self.own}

    @cached_property
    def _known(self) -> dict[str, dict[str, tuple[str, str]]]:
        """Columns and collections of the set-ups, with what makes them, by set-up."""
        return {detector.name: _makers(detector) for detector in self._others()}

    def _others(self) -> Iterator[Detector]:
        names: list[str | Path] = [*loader.shipped("detectors")]
        if self.near is not None and not self.near.is_relative_to(loader.SHIPPED):
            folder = self.near.absolute().parent
            beside = [*folder.glob("*.yaml"), *folder.parent.glob("*/detector.yaml")]
            names += sorted(path for path in set(beside) if path != self.near.absolute())[:MOST]
        for name in names:
            try:
                yield load_detector(name)
            except UserError:  # another's mistake, or no set-up at all
                continue


def _makers(detector: Detector) -> dict[str, tuple[str, str]]:
    """Return what makes each column and collection of a set-up: what it is, and its name."""
    made: dict[str, tuple[str, str]] = {}
    owners = [("part", name, part.declare(name)) for name, part in detector.read_out.items()]
    owners += [("spectrometer", name, one.declare(name)) for name, one in detector.spectrometers.items()]
    for kind, name, columns in owners:
        for column in columns:
            made |= {column.collection: (kind, name), column.name: (kind, name)}
    return made


def _listed(names: list[str]) -> str:
    if len(names) == 1:
        return f"{names[0]} has"
    if len(names) > SHOWN:
        return f"{', '.join(names[:SHOWN])} and {len(names) - SHOWN} more have"
    return f"{', '.join(names[:-1])} and {names[-1]} have"
