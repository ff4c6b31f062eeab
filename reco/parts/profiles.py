"""What showers of electrons look like across a calorimeter of cells: three shares, or a library of mean profiles."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field, model_validator

from emiss.configs.schema import Energy, Model
from emiss.reco.parts.base import ratio
from emiss.reco.parts.quantities import Share

if TYPE_CHECKING:
    from emiss.configs.arrays import Floats

RINGS = 3
"""The beam cell, the eight around it, the others."""

BLOCK = 3
"""Cells on a side of what a library compares, around the cell of most energy."""


class Profile(Model):
    """The mean shares of an electron shower on the beam cell, and their spread around them.

    `cell` is the share of the beam cell, `block` that of the 3 x 3 cells around it; `spread` is that of the shares of centre,
    ring and rest.
    """

    cell: Annotated[Share, Field(gt=0)]
    block: Annotated[Share, Field(gt=0)]
    spread: tuple[Annotated[Share, Field(gt=0)], Annotated[Share, Field(gt=0)], Annotated[Share, Field(gt=0)]]
    source: str

    @model_validator(mode="after")
    def _inside(self) -> Profile:
        if self.block < self.cell:
            msg = "the share of the block is less than that of the cell, which is a part of it"
            raise ValueError(msg)
        return self

    def distance(self, rings: Floats, total: Floats) -> Floats:
        """Return the mean squared distance, in spreads, of three energy shares to those of an electron on the beam cell.

        The shares are of the beam cell, of the eight around it, and of the rest (NA64's public analysis code).

        Parameters
        ----------
        rings : array of shape (N, 3)
            Energies, GeV.
        total : array of shape (N,)
            Their sum.
        """
        expected = np.array([self.cell, self.block - self.cell, 1.0 - self.block])
        shares = ratio(rings, np.repeat(total[:, None], RINGS, axis=1))
        squared: Floats = np.square((shares - expected) / self.spread).mean(axis=1)
        return squared


class Library(Model):
    """Mean shares of the 3 x 3 cells around the one of most energy, and their covariance, by energy and place of impact.

    They are in the conditions (`NAME.profile`). The place is told by the shares themselves: with u and v the part of the block
    that is in its last column or row less that in its first one, profiles are mirrored until u >= v >= 0, and `edges` divides
    both. Between two `energies` means and covariances are interpolated in the logarithm of the energy; beyond the first and
    the last they are those.
    """

    energies: tuple[Annotated[Energy, Field(gt=0)], ...] = Field(min_length=1, max_length=20)
    edges: tuple[Annotated[Share, Field(gt=0, lt=1)], ...] = Field(max_length=20)
    source: str

    @model_validator(mode="after")
    def _increasing(self) -> Library:
        for name in ("energies", "edges"):
            values = getattr(self, name)
            if any(a >= b for a, b in pairwise(values)):
                msg = f"{name} have to increase"
                raise ValueError(msg)
        return self

    def columns(self, behind: str) -> list[tuple[str, str, str]]:
        """Return names, units and meanings of what a library is for."""
        return [
            ("profile_chi2", "1", f"chi2 of the 3 x 3 cells{behind} per share, to electrons; undefined without energy"),
            (
                "ring_fraction",
                "1",
                f"part of the energy{behind} in the 8 cells around the one of most energy; else undefined",
            ),
        ]

    def bins(self) -> tuple[str, ...]:
        """Return the names of the profiles: energy in GeV, intervals of u and of v."""
        count = len(self.edges) + 1
        return tuple(f"E{energy:g}.{u}.{v}" for energy in self.energies for u in range(count) for v in range(u + 1))
