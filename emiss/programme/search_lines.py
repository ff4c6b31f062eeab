"""What is known beside a search, in its plane: couplings that explain lepton moments, and thermal targets of dark matter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.configs.errors import did_you_mean
from emiss.physics.constraints import g_minus_2, one_loop, thermal
from emiss.physics.processes.portal import Portal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emiss.configs.arrays import Floats
    from emiss.physics.constraints.g_minus_2 import Difference
    from emiss.programme.search_file import SearchFile

SIGMAS = 2.0
"""Standard deviations within which a band explains a difference."""

POINTS = 60
"""Masses of a curve."""

DIFFERENCES: Mapping[str, Mapping[str, Difference]] = {
    "electron": one_loop.ELECTRON,
    "muon": g_minus_2.DIFFERENCES,
}
"""Measured minus predicted moments that are known by name."""


@dataclass(frozen=True)
class MomentBand:
    """Couplings that explain a lepton's moment within `SIGMAS`; 0 where none does.

    Attributes
    ----------
    lepton, difference : str
    mass : array of shape (n,)
        GeV.
    low, high : arrays of shape (n,)
        In the plane of the search.
    """

    lepton: str
    difference: str
    mass: Floats
    low: Floats
    high: Floats

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        numbers = {name: [float(x) for x in getattr(self, name)] for name in ("mass", "low", "high")}
        source = DIFFERENCES[self.lepton][self.difference].source
        return {"lepton": self.lepton, "difference": self.difference, "sigmas": SIGMAS, **numbers, "source": source}


def check(search: SearchFile) -> None:
    """Refuse moments that are not known, or of a model without leptons.

    Raises
    ------
    UserError
        At its place in the file.
    """
    for lepton, names in search.moments.items():
        for name in names:
            if name not in DIFFERENCES[lepton]:
                hint = did_you_mean(name, DIFFERENCES[lepton])
                text = f"no difference '{name}' of the {lepton}'s moment"
                raise search.document.error(text, ("moments", lepton), hint=hint)
    first = next(iter(search.cases))
    if search.moments and not isinstance(search.model(first), Portal):
        text = f"the model of '{first}' does not couple to leptons as S, P, V or A: it has no moment"
        raise search.document.error(text, ("moments",))


def moments(search: SearchFile, masses: Sequence[float]) -> list[MomentBand]:
    """Return the bands that a search asks for, for the model of its first case, over a range of masses (GeV)."""
    model = search.model(next(iter(search.cases)))
    if not search.moments or not isinstance(model, Portal):
        return []
    mass = np.geomspace(min(masses), max(masses), POINTS)
    found = []
    for lepton, names in search.moments.items():
        charge = model.charge(lepton)
        for name in names:
            low, high = one_loop.band(model.boson, mass, SIGMAS, DIFFERENCES[lepton][name], lepton=lepton)
            found.append(MomentBand(lepton, name, mass, low / charge, high / charge))
    return found


def targets(masses: Sequence[float], ratio: float) -> dict[str, tuple[Floats, Floats]]:
    """Return masses of dark matter (GeV) and y of thermal targets by kind, where the lines hold.

    There are none at a ratio of 2 or up to 1.

    Parameters
    ----------
    masses : sequence of float
        Of dark matter; the range.
    ratio : float
        m/m_chi.
    """
    low, high = max(min(masses), 1.001 * thermal.LIGHTEST), min(max(masses), thermal.HEAVIEST)
    if not low < high:
        return {}
    mass = np.geomspace(low, high, POINTS)
    try:
        return {kind: (mass, thermal.y_line(mass, kind, ratio=ratio)) for kind in thermal.LINES}
    except ValueError:
        return {}
