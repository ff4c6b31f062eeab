"""Cross sections on lead by all methods: totals as rows of a table, and what the figures of them show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from emiss.physics.emission.cross_sections import differential_psi, differential_x, estimate, total
from emiss.physics.emission.phase_space import Method
from emiss.reach import figures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

METHODS: tuple[Method, ...] = get_args(Method)

ALONG = np.linspace(20.0, 200.0, 37)
"""GeV: energies of the figures against energy."""


def rows(masses: Sequence[float], energies: Sequence[float], **process: Any) -> list[dict[str, Any]]:
    """Return totals (pb) with their numerical errors, a row for each mass and energy (GeV).

    Parameters
    ----------
    masses, energies : sequences of float
    **process
        Coupling, nucleus and leptons, as for `emiss.physics.emission.cross_sections.estimate`.
    """
    grid = np.array(masses)[:, None], np.array(energies)
    found = {method: estimate(*grid, method=method, **process) for method in METHODS}
    return [
        {
            "m_phi": m,
            "energy": e,
            "pb": {method: float(found[method].value[i, j]) for method in METHODS},
            "error": {method: float(found[method].error[i, j]) for method in METHODS},
        }
        for i, m in enumerate(masses)
        for j, e in enumerate(energies)
    ]


def drawn(kind: str, masses: Sequence[float], energies: Sequence[float], **process: Any) -> Figure:
    """Return the figure of a kind, ``spectra``, ``totals`` or ``ratios``; spectra are those of the first energy.

    Arguments as in `rows`.
    """
    title = f"{process['beam']} Pb to {process['final']} Pb phi, h = {process['coupling']:g}"
    column = np.array(masses)[:, None]
    if kind != "spectra":
        values: dict[str, Any] = {method: total(column, ALONG, method=method, **process) for method in METHODS}
        return (figures.totals if kind == "totals" else figures.ratios)(ALONG, masses, values, title)
    x = np.linspace(0.02, 0.995, 80)
    psi = column / energies[0] * np.geomspace(0.05, 50.0, 60)
    spectra: dict[str, Any] = {
        "x": {method: differential_x(x, column, energies[0], method=method, **process) for method in METHODS},
        "psi": {method: differential_psi(psi, column, energies[0], method=method, **process) for method in METHODS},
    }
    return figures.spectra(x, psi, masses, spectra, f"{title}, {energies[0]:g} GeV")
