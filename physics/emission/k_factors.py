"""`KFactors`: an approximation's total cross section over the exact one, on a grid of mass and energy.

As in Fig. 4 of arXiv:2404.15931. With it a fast approximation is turned into the exact total: sigma_exact = sigma_ww / K; for
phi and for A'. The text form is JSON; reading and writing files is the caller's.
"""

from __future__ import annotations

import json
import warnings
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from emiss.physics.constants import LEAD, Nucleus
from emiss.physics.emission import cross_sections, dark_photon
from emiss.physics.validity import RangeWarning

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from emiss.configs.arrays import Floats
    from emiss.physics.emission.phase_space import Method


Boson = Literal["scalar", "vector"]

SCHEMA = "emiss.k_factors/1"


@dataclass(frozen=True)
class KFactors:
    """Approximate over exact totals.

    Attributes
    ----------
    m_phi : array of shape (M,)
        GeV, rising.
    energy : array of shape (E,)
        Of the incoming lepton, GeV, rising.
    ratio : array of shape (M, E)
        NaN-free: the grid must be above threshold.
    method : str
        'ww' or 'iww'.
    beam, final : str
    nucleus : Nucleus
    boson : 'scalar' or 'vector'
        phi, or A'.
    """

    m_phi: Floats
    energy: Floats
    ratio: Floats
    method: Method
    beam: str
    final: str
    nucleus: Nucleus
    boson: Boson = "scalar"

    @classmethod
    def compute(
        cls,
        m_phi: ArrayLike,
        energy: ArrayLike,
        method: Method = "ww",
        *,
        beam: str = "electron",
        final: str = "muon",
        nucleus: Nucleus = LEAD,
        boson: Boson = "scalar",
    ) -> KFactors:
        """Return the table on a grid; the method's own range is no concern here, the ratio says how far off it is.

        For a vector, beam and final lepton are electrons whatever is given.

        Raises
        ------
        ValueError
            If the grid does not rise, or a point of it is below threshold.
        """
        masses, energies = np.atleast_1d(np.asarray(m_phi, float)), np.atleast_1d(np.asarray(energy, float))
        if np.any(np.diff(masses) <= 0) or np.any(np.diff(energies) <= 0):
            msg = "the masses and the energies of a K-factor table must rise"
            raise ValueError(msg)
        if boson == "vector":
            beam = final = "electron"
            total = partial(dark_photon.total, nucleus=nucleus)
        else:
            total = partial(cross_sections.total, nucleus=nucleus, beam=beam, final=final)
        exact = total(masses[:, None], energies, method="exact")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RangeWarning)
            approximate = total(masses[:, None], energies, method=method)
        if np.any(exact <= 0):
            row, column = np.argwhere(exact <= 0)[0]
            msg = f"{masses[row]:g} GeV cannot be made at {energies[column]:g} GeV"
            raise ValueError(msg)
        return cls(masses, energies, approximate / exact, method, beam, final, nucleus, boson)

    def __call__(self, m_phi: ArrayLike, energy: ArrayLike) -> Floats:
        """Return the ratio, bilinear in the logarithms of mass and energy.

        Raises
        ------
        ValueError
            Outside the table: the ratio is not extrapolated.
        """
        mass, lepton = np.broadcast_arrays(np.asarray(m_phi, float), np.asarray(energy, float))
        row, below = _place(self.m_phi, mass, "mass")
        column, left = _place(self.energy, lepton, "energy")
        last_row, last_column = np.array(self.ratio.shape) - 1
        next_row, next_column = np.minimum(row + 1, last_row), np.minimum(column + 1, last_column)
        upper = (1.0 - left) * self.ratio[row, column] + left * self.ratio[row, next_column]
        lower = (1.0 - left) * self.ratio[next_row, column] + left * self.ratio[next_row, next_column]
        value: Floats = (1.0 - below) * upper + below * lower
        return value

    def to_json(self) -> str:
        """Return the table as JSON text, numbers in full."""
        data = {"schema": SCHEMA, **asdict(self)}
        return json.dumps({k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in data.items()}, indent=1)

    @classmethod
    def from_json(cls, text: str) -> KFactors:
        """Return the table of a text made by `to_json`.

        Raises
        ------
        ValueError
            If the text is no such table.
        """
        data = json.loads(text)
        if not isinstance(data, dict) or data.pop("schema", None) != SCHEMA:
            msg = f"this is no K-factor table (schema {SCHEMA})"
            raise ValueError(msg)
        try:
            arrays: dict[str, Any] = {name: np.array(data.pop(name), float) for name in ("m_phi", "energy", "ratio")}
            table = cls(**arrays, nucleus=Nucleus(**data.pop("nucleus")), **data)
        except (KeyError, TypeError) as error:
            msg = f"this K-factor table is not complete: {error}"
            raise ValueError(msg) from error
        if table.ratio.shape != (len(table.m_phi), len(table.energy)) or not np.all(table.ratio > 0):
            msg = "the ratios of this K-factor table do not fit its masses and energies"
            raise ValueError(msg)
        return table


def _place(grid: Floats, value: Floats, what: str) -> tuple[np.ndarray[Any, np.dtype[np.intp]], Floats]:
    """Return the grid point below each value and how far, 0 to 1, it is on the way to the next in the logarithm."""
    if np.any((value < grid[0]) | (value > grid[-1])):
        msg = f"a {what} is outside the table's {grid[0]:g} to {grid[-1]:g} GeV"
        raise ValueError(msg)
    index = np.clip(np.searchsorted(grid, value, side="right") - 1, 0, max(len(grid) - 2, 0))
    step = np.log(grid[np.minimum(index + 1, len(grid) - 1)] / grid[index])
    fraction = np.divide(np.log(value / grid[index]), step, out=np.zeros(value.shape), where=step > 0)
    return index, fraction
