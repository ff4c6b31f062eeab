"""Yields of any model (`emiss.samples.models`) against mass and threshold, in the target of a set-up: table and JSON text."""

from __future__ import annotations

import warnings
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from emiss.configs.errors import UserError
from emiss.physics import RangeWarning
from emiss.physics.emission.yields import EVENTS_AT_90
from emiss.physics.processes.base import LEAD_TARGET, Beam
from emiss.samples.beam_schema import PARTICLES
from emiss.samples.models import model_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emiss.physics.processes.base import Model, Target

SCHEMA = "emiss.model-yields/1"


@dataclass(frozen=True)
class Settings:
    """What a table is computed with.

    Attributes
    ----------
    beam : str
        Of `PARTICLES`.
    energy : float
        GeV.
    coupling : float
        In the plane's unit.
    on_target : float
    efficiency : float
    channel : str
        Of decays that count, "" for all.
    target : str
        A set-up whose target it is, "" for 40 radiation lengths of lead.
    """

    beam: str = "e-"
    energy: float = 100.0
    coupling: float = 1e-4
    on_target: float = 1e11
    efficiency: float = 1.0
    channel: str = ""
    target: str = ""


@dataclass(frozen=True)
class Row:
    """Yields of one mass and threshold.

    Attributes
    ----------
    mass, threshold : float
        GeV.
    per_particle : float
        Made per beam particle on target at the coupling, in the channel.
    expected : float
        Times particles on target and efficiency.
    mean_energy, mean_depth : float or None
        GeV, mm; None where nothing is made.
    width : float
        GeV.
    decay_length : float or None
        At the mean energy, mm; None where it does not decay.
    coupling_limit : float or None
        Coupling at which 2.3026 events are expected, decays anywhere; None where the rate does not depend on it.
    """

    mass: float
    threshold: float
    per_particle: float
    expected: float
    mean_energy: float | None
    mean_depth: float | None
    width: float
    decay_length: float | None
    coupling_limit: float | None


@dataclass(frozen=True)
class ModelTable:
    """Rows for each mass and threshold, what they were computed with, and the warnings that came up."""

    model: Model
    settings: Settings
    rows: tuple[Row, ...]
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the table as it is written to JSON."""
        plane = self.model.plane
        return {
            "schema": SCHEMA,
            "model": self.model.name,
            "parameters": dict(self.model.parameters),
            "coupling_name": plane.coupling,
            "coupling_unit": plane.unit,
            **asdict(self.settings),
            "rows": [asdict(row) for row in self.rows],
            "warnings": list(self.warnings),
        }


def compute(
    name: str,
    masses: Sequence[float],
    thresholds: Sequence[float],
    settings: Settings,
    parameters: Mapping[str, float | str] | None = None,
) -> ModelTable:
    """Return the table; without masses, that of the mass that the model has.

    Raises
    ------
    UserError
        For an unknown model, parameter, beam or set-up, or a model that takes any mass and is given none.
    ValueError
        For masses, energies or channels that make no sense.
    """
    model = model_of(name, parameters)
    if settings.beam not in PARTICLES:
        raise UserError(f"no beam particle '{settings.beam}'", hint=f"there are {', '.join(PARTICLES)}")
    own = getattr(model, "mass", None)
    wanted = list(masses) or ([own] if own is not None else [])
    if not wanted:
        raise UserError(f"the model '{name}' needs a mass", hint="--mass 10MeV")
    beam, target = Beam(PARTICLES[settings.beam], settings.energy), _target(settings.target)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", RangeWarning)
        rows = tuple(_row(model, mass, least, beam, target, settings) for least in thresholds for mass in wanted)
    said = tuple(dict.fromkeys(str(one.message) for one in caught if issubclass(one.category, RangeWarning)))
    return ModelTable(model, settings, rows, said)


def _target(name: str) -> Target:
    if not name:
        return LEAD_TARGET
    from emiss.reco.detector.model import load_detector
    from emiss.samples.setup import SetUp
    from emiss.samples.targets import target_of

    return target_of(SetUp(load_detector(name)))[0]


def _row(model: Model, mass: float, threshold: float, beam: Beam, target: Target, settings: Settings) -> Row:
    coupling = settings.coupling
    made = model.production(mass, beam, target, threshold=threshold, coupling=coupling)
    shares = model.branching(mass, coupling)
    if settings.channel and settings.channel not in shares:
        msg = f"{model.name} of {mass:g} GeV does not decay as '{settings.channel}'; it does as {', '.join(shares)}"
        raise ValueError(msg)
    share = shares[settings.channel] if settings.channel else 1.0
    total = float(made.at(coupling).sum()) * share
    expected = total * settings.on_target * settings.efficiency
    flying = model.unstable(mass, coupling)
    mean_energy = mean_depth = length = None
    if made.total > 0.0:
        mean_energy = float(np.average(made.energy, weights=made.rate))
        mean_depth = float(np.average(made.depth, weights=made.rate))
        length = float(flying.decay_length(mean_energy)) if flying.width > 0.0 else None
    # a branching ratio is its own coupling: the rate goes with it once
    power = made.power or (1 if model.plane.coupling == "Br" and share == coupling else 0)
    limit = coupling * (EVENTS_AT_90 / expected) ** (1.0 / power) if expected > 0.0 and power else None
    return Row(mass, threshold, total, expected, mean_energy, mean_depth, flying.width, length, limit)
