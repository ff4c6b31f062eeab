"""Yields against mass and energy threshold (Eq. 29 of arXiv:2404.15931): the table and its JSON text."""

from __future__ import annotations

import warnings
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from emiss.physics import RangeWarning
from emiss.physics.constants import LEAD, Nucleus
from emiss.physics.emission import cross_sections, dark_photon, dark_photon_yields, yields
from emiss.physics.emission.k_factors import KFactors
from emiss.physics.shower.transport import DEPTH
from emiss.physics.validity import PERTURBATIVE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emiss.physics.emission.phase_space import Method
    from emiss.physics.emission.yields import Emission

SCHEMA = "emiss.yields/1"

K_ENERGIES = 5
"""Energies of a table of K factors between threshold and beam."""


@dataclass(frozen=True)
class Model:
    """A reaction: how it is written, its coupling and how large it may be, what its threshold is on, and a first look.

    The masses and the threshold of the first look are in GeV.
    """

    reaction: str
    particle: str
    coupling: str
    largest: float
    threshold_of: str
    threshold: float
    masses: tuple[float, ...]


MODELS: Mapping[str, Model] = {
    "phi": Model(
        reaction="e- N -> mu- N phi",
        particle="phi",
        coupling="h",
        largest=PERTURBATIVE,
        threshold_of="emitting electron",
        threshold=yields.THRESHOLD,
        masses=(0.11, 0.2, 0.3, 0.5, 1.0, 2.0, 3.0),
    ),
    "dark-photon": Model(
        reaction="e N -> e N A'",
        particle="A'",
        coupling="epsilon",
        largest=1.0,
        threshold_of="A'",
        threshold=dark_photon_yields.THRESHOLD,
        masses=(0.001, 0.01, 0.03, 0.1, 0.3, 1.0),
    ),
}


@dataclass(frozen=True)
class Settings:
    """What a table is computed with: energy of the beam (GeV), coupling, method, exposure, efficiency, form factors.

    `leptons` are those of the shower that emit phi: ``e-``, ``e+`` or both.
    """

    energy: float = 100.0
    coupling: float = 1e-4
    method: Method = "exact"
    k_factors: bool = False
    on_target: float = 1e11
    efficiency: float = 1.0
    inelastic: bool = False
    leptons: tuple[str, ...] = ("e-",)

    @property
    def nucleus(self) -> Nucleus:
        """Lead, with break-up if asked for."""
        return replace(LEAD, inelastic=self.inelastic)


@dataclass(frozen=True)
class Row:
    """Yields of one mass and threshold.

    Attributes
    ----------
    mass, threshold : float
        GeV.
    cross_section : float
        At the beam's energy, pb; of A', with the A' above the threshold.
    per_electron : float
        Emitted per electron on target.
    expected : float
        Events expected: times electrons on target and efficiency.
    mean_energy, mean_depth : float or None
        Of the electron at emission, GeV, and of the place, radiation lengths; None where nothing is made.
    coupling_limit : float or None
        Coupling at which 2.3026 events are expected, the 90 % CL limit where none is seen and there is no background.
    """

    mass: float
    threshold: float
    cross_section: float
    per_electron: float
    expected: float
    mean_energy: float | None
    mean_depth: float | None
    coupling_limit: float | None


@dataclass(frozen=True)
class YieldTable:
    """Rows for each mass and threshold, with what they were computed with and the warnings that came up."""

    model: Literal["phi", "dark-photon"]
    settings: Settings
    rows: tuple[Row, ...]
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the table as it is written to JSON; numbers in GeV, pb and radiation lengths."""
        model = MODELS[self.model]
        return {
            "schema": SCHEMA,
            "model": self.model,
            "reaction": model.reaction,
            "coupling_name": model.coupling,
            "threshold_of": model.threshold_of,
            "nucleus": "lead",
            "radiation_lengths": DEPTH,
            **asdict(self.settings),
            "rows": [asdict(row) for row in self.rows],
            "warnings": list(self.warnings),
        }


def compute(
    model: Literal["phi", "dark-photon"], masses: Sequence[float], thresholds: Sequence[float], settings: Settings
) -> YieldTable:
    """Return the table.

    Raises
    ------
    ValueError
        For masses or energies that make no sense (`emiss.physics.emission.yields.emission`,
        `emiss.physics.emission.dark_photon_yields.emission`).
    """
    rows = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", RangeWarning)
        if settings.k_factors:  # what they correct
            warnings.filterwarnings("ignore", ".*A' bremsstrahlung is off", RangeWarning)
        for threshold in thresholds:
            table = _k_factors(model, masses, threshold, settings)
            rows += [_row(model, mass, threshold, settings, table) for mass in masses]
    said = tuple(dict.fromkeys(str(one.message) for one in caught if issubclass(one.category, RangeWarning)))
    return YieldTable(model, settings, tuple(rows), said)


def _k_factors(model: str, masses: Sequence[float], threshold: float, settings: Settings) -> KFactors | None:
    if not settings.k_factors:
        return None
    if model != "dark-photon" or settings.method == "exact":
        msg = (
            "K factors correct the spectrum of A' in an approximation; the exact form needs none, and has phi's totals"
        )
        raise ValueError(msg)
    energies = np.geomspace(threshold, settings.energy, K_ENERGIES)
    return KFactors.compute(sorted(set(masses)), energies, settings.method, boson="vector", nucleus=settings.nucleus)


def _row(model: str, mass: float, threshold: float, settings: Settings, table: KFactors | None) -> Row:
    method, energy, coupling, nucleus = settings.method, settings.energy, settings.coupling, settings.nucleus
    if model == "phi":
        made = yields.emission(
            mass,
            coupling=coupling,
            primary=energy,
            threshold=threshold,
            method=method,
            nucleus=nucleus,
            leptons=settings.leptons,
        )
        sigma = cross_sections.total(mass, energy, coupling=coupling, method=method, nucleus=nucleus)
    else:
        made = dark_photon_yields.emission(
            mass, mixing=coupling, primary=energy, threshold=threshold, method=method, k_factors=table, nucleus=nucleus
        )
        sigma = dark_photon.total(mass, energy, mixing=coupling, method=method, min_energy=threshold, nucleus=nucleus)
        if table is not None:
            sigma = sigma / table(mass, energy)
    expected = made.total * settings.on_target * settings.efficiency
    mean_energy, mean_depth = _means(made)
    limit = None
    if expected > 0.0:
        limit = yields.coupling_limit(
            made.total, coupling, settings.on_target, efficiency=settings.efficiency, largest=MODELS[model].largest
        )
    return Row(mass, threshold, float(sigma), made.total, expected, mean_energy, mean_depth, limit)


def _means(made: Emission) -> tuple[float | None, float | None]:
    if not made.total > 0.0:
        return None, None
    depth = 0.5 * (made.depth[1:] + made.depth[:-1])
    return float(made.spectrum @ made.energy / made.total), float(depth @ made.content.sum(axis=1) / made.total)
