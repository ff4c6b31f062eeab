"""Sampling of the final state of l_i N -> l_f N phi by accept-reject (Von Neumann's method, Sec. III.B of arXiv:2404.15931).

The density is the Weizsaecker-Williams double differential, whose shape is near the exact one; the share of a region in the
cross section is the exact one, as the approximation's totals are up to 10 % low at 3 GeV and 100 GeV, and much more near
threshold. The density is taken in the logit of the energy within its limits and in
the logarithm of the invariant (U or t^) that holds the angle; the envelope is constant in each cell of a grid over these
two and tabulated for a grid of beam energies. `MuonSampler` draws (y, psi) of the outgoing lepton, `ScalarSampler`
(x, theta) of phi.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from emiss.physics.constants import LEAD, Nucleus
from emiss.physics.emission import ww
from emiss.physics.emission.phase_space import integral, masses
from emiss.physics.process import Process

if TYPE_CHECKING:
    from emiss.configs.arrays import Bools, Floats
    from emiss.physics.emission.phase_space import Index, Variable


ENERGIES = 48
"""Beam energies at which envelope and region are tabulated."""

RTOL = 1e-4
"""Relative tolerance of the cross sections behind the share of the region."""

ROWS, COLUMNS = 64, 24
"""Cells in the logit of the energy and in the logarithm of the invariant."""

LOGIT = 14.0
"""Range of the logit, -14 to 14: what is left out holds less than 1e-6 of the cross section."""

MARGIN = 1.1
"""Envelope over the largest of the 9 values at a cell's corners, edges and centre, and at the two neighbouring energies."""

CHUNK = 16384
"""States tried at a time: their arrays stay in the cache."""


Asked = tuple[float, float, float, Nucleus, str, str]
"""Mass, lowest and highest energy of the beam (GeV), nucleus, beam and final lepton."""


def _process(m_phi: float, lowest: float, highest: float, nucleus: Nucleus, beam: str, final: str) -> Process:
    # a little wider than asked, so that no energy is on the edge of the grid
    energy = np.geomspace(lowest * 0.999, highest * 1.001, ENERGIES)
    return Process.of(np.full(ENERGIES, m_phi), energy, coupling=1.0, nucleus=nucleus, beam=beam, final=final)


@lru_cache(maxsize=32)
def _whole(
    variable: Variable, m_phi: float, lowest: float, highest: float, nucleus: Nucleus, beam: str, final: str
) -> Floats:
    """Return the exact totals, whatever the angle, shape (G,); kept, as samplers of several regions ask for the same."""
    whole, _ = integral(_process(m_phi, lowest, highest, nucleus, beam, final), "exact", variable, RTOL)
    whole.setflags(write=False)
    return whole


@dataclass(frozen=True)
class _Sampler:
    """Draws final states for beam particles of given energies, in a region of energy and angle.

    Attributes
    ----------
    process : Process
        One lane per tabulated beam energy, rising.
    asked : tuple
        What it was made of.
    drawable : array of bool, shape (G,)
        Where there are states to be drawn.
    envelope : array of shape (G - 1, cells)
        Envelope between two beam energies; cells run over rows, then columns.
    edges : array of shape ((G - 1) * (cells + 1),)
        Cumulated envelopes, each from 0 to 1, plus their number: one rising array to search in.
    min_energy, max_angle : float
        The region: energy above (GeV) and angle below (rad).
    """

    process: Process
    asked: Asked
    drawable: Bools
    envelope: Floats
    edges: Floats
    min_energy: float
    max_angle: float

    variable: ClassVar[Variable]

    @classmethod
    def tabulate(
        cls,
        m_phi: float,
        lowest: float,
        highest: float,
        *,
        min_energy: float = 0.0,
        max_angle: float | None = None,
        nucleus: Nucleus = LEAD,
        beam: str = "electron",
        final: str = "muon",
    ) -> Self:
        """Return the sampler for beam energies between `lowest` and `highest`.

        Parameters
        ----------
        m_phi, lowest, highest : float
            GeV.
        min_energy : float
            Lowest energy of the particle that is drawn, GeV.
        max_angle : float, optional
            Its largest angle, rad; default the paper's, 0.3 for the lepton and 0.1 for phi.
        nucleus, beam, final
            As in `emiss.physics.emission.cross_sections.total`.

        Raises
        ------
        ValueError
            If the energies are not in order, or as `Process.of`.
        """
        if not 0 < lowest <= highest:
            msg = f"lowest ({lowest:g} GeV) must be above 0 and not above highest ({highest:g} GeV)"
            raise ValueError(msg)
        asked = (float(m_phi), float(lowest), float(highest), nucleus, beam, final)
        process = _process(*asked)
        angle = ww.FORMS[cls.variable].largest_angle if max_angle is None else max_angle
        u, v = np.meshgrid(np.linspace(0, 1, 2 * ROWS + 1), np.linspace(0, 1, 2 * COLUMNS + 1), indexing="ij")
        points = process.rows(np.arange(ENERGIES))
        density = cls._point(points, u.ravel()[None], v.ravel()[None], min_energy, angle)[2]
        largest = _largest_in_cells(density.reshape(ENERGIES, *u.shape))
        envelope = MARGIN * np.maximum(largest[:-1], largest[1:])
        cumulated = np.cumsum(np.pad(envelope, ((0, 0), (1, 0))), axis=1)
        cumulated /= np.maximum(cumulated[:, -1:], np.finfo(float).tiny)
        edges = (cumulated + np.arange(ENERGIES - 1)[:, None]).ravel()
        return cls(process, asked, largest.max(axis=1) > 0, envelope, edges, min_energy, angle)

    @cached_property
    def share(self) -> Floats:
        """Exact cross section in the region over the exact total, whatever the angle; shape (G,)."""
        inside, _ = integral(self.process, "exact", self.variable, RTOL, self.min_energy, self.max_angle)
        whole = _whole(self.variable, *self.asked)
        # just above threshold the approximation's flux is nil where the exact form is not: no state could be drawn there
        some = (whole > 0) & self.drawable
        return np.divide(inside, whole, out=np.zeros_like(whole), where=some)

    @classmethod
    def _point(
        cls, process: Process, u: Floats, v: Floats, min_energy: float, max_angle: float
    ) -> tuple[Floats, Floats, Floats]:
        """Map the unit square on the region: return share, invariant and density per unit square."""
        form = ww.FORMS[cls.variable]
        this, other = masses(process, cls.variable)
        low = np.maximum(this, min_energy)
        span = np.maximum(process.energy - other - low, 0.0)
        fraction = 1.0 / (1.0 + np.exp(LOGIT * (1.0 - 2.0 * u)))
        # below the region's threshold the span is 0: any share inside the limits will do, the density is 0
        share = np.minimum((low + span * fraction) / process.energy, 1.0 - 1e-12)
        begin = form.start(process, share)
        end = np.minimum(begin + share * (process.energy * max_angle) ** 2, ww.largest_invariant(process, share))
        log = np.log(np.maximum(end / begin, 1.0))
        invariant = begin * np.exp(v * log)
        density = form.density(process, share, invariant, ww.weizsaecker(process, share, invariant))
        jacobian = 2.0 * LOGIT * fraction * (1.0 - fraction) * span / process.energy * log * invariant
        return share, invariant, density * jacobian

    def weight(self, energy: Floats) -> Floats:
        """Return the share of the cross section that is in the region, for beam energies in GeV."""
        # logarithms: near the region's threshold the share rises by orders of magnitude between two energies
        logarithm = np.log(np.maximum(self.share, np.finfo(float).tiny))
        return np.exp(np.interp(np.log(energy), np.log(self.process.energy), logarithm))

    def sample(self, energy: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """Return share of the energy and angle (rad), one state for each beam energy (GeV) of shape (N,).

        Where a density exceeds the envelope, which the margin makes rare, the chunk is drawn again below a higher one.

        Raises
        ------
        ValueError
            If an energy is outside the tabulated range, or the region is empty there.
        """
        energy = np.asarray(energy, np.float64)
        grid = self.process.energy
        this, other = (np.ravel(mass)[0] for mass in masses(self.process, self.variable))
        if np.any((energy < grid[0]) | (energy > grid[-1])):
            msg = f"an energy is outside the tabulated range of {grid[0]:.6g} to {grid[-1]:.6g} GeV"
            raise ValueError(msg)
        bracket = np.clip(np.searchsorted(grid, energy) - 1, 0, ENERGIES - 2)
        filled = (self.envelope.max(axis=1) > 0)[bracket] & (energy - other > max(self.min_energy, this))
        if not filled.all():
            msg = f"the region is empty at {energy[~filled][0]:.6g} GeV"
            raise ValueError(msg)
        share, angle = np.empty(len(energy)), np.empty(len(energy))
        for start in range(0, len(energy), CHUNK):
            part = slice(start, start + CHUNK)
            scale = 1.0
            while (drawn := self._draw(energy[part], bracket[part], rng, scale)) is None:
                scale *= 1.5
            share[part], angle[part] = drawn
        return share, angle

    def _draw(
        self, energy: Floats, bracket: Index, rng: np.random.Generator, scale: float
    ) -> tuple[Floats, Floats] | None:
        """Draw one state per energy, None if a density is above `scale` times the envelope."""
        form = ww.FORMS[self.variable]
        cells = self.envelope.shape[1]
        share, invariant = np.empty(len(energy)), np.empty(len(energy))
        todo = np.arange(len(energy))
        while len(todo):
            which, (choice, in_row, in_column, height) = bracket[todo], rng.random((4, len(todo)))
            cell = np.searchsorted(self.edges, which + choice, side="right") - 1 - which * (cells + 1)
            cell = np.clip(cell, 0, cells - 1)
            row, column = np.divmod(cell, COLUMNS)
            tried_share, tried_invariant, density = self._point(
                self.process.at(energy[todo]),
                (row + in_row) / ROWS,
                (column + in_column) / COLUMNS,
                self.min_energy,
                self.max_angle,
            )
            limit = scale * self.envelope[which, cell]
            if np.any(density > limit):
                return None
            hit = height * limit < density
            share[todo[hit]], invariant[todo[hit]] = tried_share[hit], tried_invariant[hit]
            todo = todo[~hit]
        above = np.maximum(invariant - form.start(self.process.at(energy), share), 0.0)
        return share, np.sqrt(above / share) / energy


class MuonSampler(_Sampler):
    """Draws y = E_f/E and psi of the outgoing lepton, from Eq. 27."""

    variable: ClassVar[Variable] = "y"


class ScalarSampler(_Sampler):
    """Draws x = E_phi/E and theta of phi, from Eq. 22."""

    variable: ClassVar[Variable] = "x"


def _largest_in_cells(values: Floats) -> Floats:
    """Return the largest of the 3 x 3 values of each cell; values of shape (G, 2 R + 1, 2 C + 1), result (G, R * C)."""
    rows = np.maximum(np.maximum(values[:, :-2:2], values[:, 1:-1:2]), values[:, 2::2])
    cells = np.maximum(np.maximum(rows[:, :, :-2:2], rows[:, :, 1:-1:2]), rows[:, :, 2::2])
    result: Floats = cells.reshape(len(values), -1)
    return result
