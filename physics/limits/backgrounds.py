"""The background budget of the e -> mu search (arXiv:2404.15931, Sec. III.C) as a formula, per electron on target.

Its numbers stand in ``configs/backgrounds/e_to_mu_phi.yaml``.

Muon pairs leave nothing of a simulated sample; hadrons of the beam that decay to a muon between the SRD and the ECAL leave

    rate = (hadrons per electron) x (share left by the SRD) x (share of the hadrons that decay and pass the selection)

summed over pions and kaons. The paper says of the SRD that it suppresses "the remaining hadron contamination in the H4 beam
down to a level of 2e-5" and uses 2e-5 as a factor on the hadrons in the beam. `SrdReading` is this choice: as a level (hadrons
per electron behind the SRD) the background is a hundred times larger.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

SrdReading = Literal["factor", "level"]
READINGS = ("factor", "level")
READING: SrdReading = "factor"
"""How the paper uses its number."""


@dataclass(frozen=True)
class Quantity:
    """A number with its standard deviation (0 where none is known)."""

    value: float
    error: float = 0.0


@dataclass(frozen=True)
class Rate:
    """A background per electron on target.

    Attributes
    ----------
    source : str
    produced : float
        Before the selection: muon pairs, or hadrons behind the SRD.
    per_electron, error : float
        Expected number that passes the selection, and its standard deviation.
    upper : float or None
        90 % upper limit, where a simulated sample left nothing.
    """

    source: str
    produced: float
    per_electron: float
    error: float
    upper: float | None = None


@dataclass(frozen=True)
class Budget:
    """What the background is made of.

    Attributes
    ----------
    dimuons : Quantity
        Muon pairs per electron on target, before any selection.
    dimuon_sample : float
        Electrons on target that the simulated pairs stand for; `dimuons_left` of them pass.
    pions : Quantity
        Per electron in the beam: an upper bound (< 1e-2), taken at its value and therefore without error.
    kaons : Quantity
        Per pion.
    srd : Quantity
        2e-5; `reading` says of what.
    pion_survival, kaon_survival : Quantity
        Share of the hadrons that decay between SRD and ECAL and pass the selection, decay probability included.
    reading : 'factor' or 'level'
    """

    dimuons: Quantity
    dimuon_sample: float
    dimuons_left: int
    pions: Quantity
    kaons: Quantity
    srd: Quantity
    pion_survival: Quantity
    kaon_survival: Quantity
    reading: SrdReading = READING

    def __post_init__(self) -> None:
        if self.reading not in READINGS:
            msg = f"'{self.reading}' is no reading of the SRD's number; there are {', '.join(READINGS)}"
            raise ValueError(msg)
        for name in ("dimuons", "pions", "kaons", "srd", "pion_survival", "kaon_survival"):
            number: Quantity = getattr(self, name)
            if not (0.0 < number.value < math.inf and 0.0 <= number.error < math.inf):
                msg = f"{name} must be above 0, its error 0 or more: {number}"
                raise ValueError(msg)

    def with_srd(self, value: float | None = None, reading: SrdReading | None = None) -> Budget:
        """Return the budget with another number for the SRD (same relative error) or another reading of it."""
        share = self.srd.error / self.srd.value
        srd = self.srd if value is None else Quantity(value, share * value)
        return replace(self, srd=srd, reading=self.reading if reading is None else reading)

    @property
    def pions_behind_srd(self) -> Quantity:
        """Pions per electron that the SRD takes for electrons."""
        return self.srd if self.reading == "level" else product(self.pions, self.srd)

    def rate_errors(self, process: Mapping[str, Any]) -> tuple[float, float]:
        """Return relative errors of the rate that a simulated sample was normalised with: common to all decays, and its own.

        The error of the SRD's factor (and of the pions in the beam) is that of pions and kaons alike. What passes the selection
        is counted in the sample; its error is not in here. 0 for other processes than muon pairs and decays.

        Parameters
        ----------
        process : mapping
            As samples say it: ``kind`` (``dimuon``, ``decay``) and, of decays, ``hadron``.
        """
        if process.get("kind") == "dimuon":
            return 0.0, _relative(self.dimuons)
        if process.get("kind") == "decay":
            return _relative(self.pions_behind_srd), _relative(self.kaons) if process.get("hadron") == "kaon" else 0.0
        return 0.0, 0.0

    def rates(self) -> tuple[Rate, ...]:
        """Return muon pairs, pion and kaon decays, per electron on target."""
        pions = self.pions_behind_srd
        pion = product(pions, self.pion_survival)
        kaon = product(pions, self.kaons, self.kaon_survival)
        return (
            Rate(
                "dimuon",
                self.dimuons.value,
                self.dimuons_left / self.dimuon_sample,
                math.sqrt(self.dimuons_left) / self.dimuon_sample,
                None if self.dimuons_left else upper_of_none(self.dimuon_sample),
            ),
            Rate("pion_decay", pions.value, pion.value, pion.error),
            Rate("kaon_decay", pions.value * self.kaons.value, kaon.value, kaon.error),
        )

    def total(self) -> Quantity:
        """Return the sum per electron on target; pions and kaons share the errors of the SRD and of the beam.

        What the dimuons' sample leaves room for is not in it: nothing of it is left (see `Rate.upper`).
        """
        dimuon, pion, kaon = self.rates()
        common = _relative(self.pions_behind_srd)
        alone = (
            pion.per_electron * _relative(self.pion_survival),
            kaon.per_electron * math.hypot(_relative(self.kaons), _relative(self.kaon_survival)),
        )
        decays = pion.per_electron + kaon.per_electron
        error = math.hypot(decays * common, *alone, dimuon.error)
        return Quantity(decays + dimuon.per_electron, error)


def product(*factors: Quantity) -> Quantity:
    """Return the product of independent numbers; relative errors add in squares."""
    value = math.prod(factor.value for factor in factors)
    return Quantity(value, value * math.hypot(*(_relative(factor) for factor in factors)))


def upper_of_none(sample: float, confidence: float = 0.9) -> float:
    """Return the upper limit on a rate of which a sample of `sample` trials shows nothing: -ln(1 - CL)/sample."""
    return -math.log1p(-confidence) / sample


def _relative(number: Quantity) -> float:
    return number.error / number.value
