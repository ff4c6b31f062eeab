"""`RangeWarning`: a formula is used where it has not been checked, or is known to be wrong; and where that is.

The limits of the approximations are fits to their ratios to the exact totals, on lead for masses from 0.11 to 5 GeV.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from emiss.physics.constants import MUON_MASS

if TYPE_CHECKING:
    from emiss.physics.process import Process

PERTURBATIVE = float(np.sqrt(4.0 * np.pi))
"""Coupling from which on tree level says nothing: alpha = h^2/(4 pi) is 1."""

WW_VALID = 20.0
"""GeV; below, the approximations are off by more than a few per cent for the masses of the search."""

HEAVY = 35.0
"""In the variables of the lepton Weizsaecker-Williams is more than 2.5 % low below 35 (m_phi/GeV)^1.5 GeV on lead: by 7 % for
3 GeV at 100 GeV, by 44 % at 20 GeV."""

HEAVY_X = 5.5
"""In phi's variables it is more than 2.5 % high below 5.5 (m_phi/GeV)^1.75 GeV on lead: by 8 % for 3 GeV at 21 GeV."""

HEAVY_LEPTON, TAU_VALID = 1.0, 45.0
"""GeV; with a final lepton above the first (a tau) it is up to 30 % too low below the second."""

LIGHT_NUCLEUS = 150.0
"""Mass number below which the approximations are off by more than on lead: up to 4 % on iron, 6 % on aluminium."""

THOMAS_FERMI = 5.0
"""Charge below which an atom is not screened as Thomas and Fermi say (Y.-S. Tsai, Rev. Mod. Phys. 46 (1974) 815)."""


class RangeWarning(UserWarning):
    """A formula is used outside the range in which it has been checked."""


def check_coupling(largest: float, what: str, *, limit: float = PERTURBATIVE, stacklevel: int = 3) -> None:
    """Warn for a coupling beyond perturbativity (or another limit); nan is none."""
    if largest > limit:
        text = f"{what} = {largest:.3g} is beyond {limit:.3g}: perturbation theory does not hold there"
        warnings.warn(text, RangeWarning, stacklevel=stacklevel)


def remarks(process: Process, method: str, variable: str) -> list[str]:
    """Return what is to be known of a method for these leptons, masses, energies and this nucleus; empty if nothing is."""
    found = _of_any_method(process)
    if method == "exact":
        return found
    name = {"ww": "Weizsaecker-Williams", "iww": "improved Weizsaecker-Williams"}[method]
    said = _of_final_lepton(process)
    if method == "iww":
        said.append(
            "is about 2 to 7 times too high (0.11 to 5 GeV, 20 to 200 GeV, on lead): use the exact form, or K factors"
        )
    else:
        said += _of_energy(process, variable)
    return [*(f"{name} {text}" for text in said), *found]


def _of_any_method(process: Process) -> list[str]:
    nucleus, found = process.nucleus, []
    if nucleus.z < THOMAS_FERMI:
        found.append(
            f"Z = {nucleus.z:g}: neither the screening (Thomas-Fermi) nor the form factor is that of so light an atom"
        )
    if process.coupling > PERTURBATIVE:
        found.append(f"the coupling {process.coupling:g} is beyond perturbativity ({PERTURBATIVE:.3g})")
    return found


def _of_final_lepton(process: Process) -> list[str]:
    if process.m_f < process.m_i:
        return ["for a final lepton lighter than the beam's is 40-50 % too high: use the exact form"]
    if process.m_f < MUON_MASS:
        return ["for a final electron is 40 % to a factor of 4 too high: use the exact form"]
    return []


def _of_energy(process: Process, variable: str) -> list[str]:
    energy, mass = process.energy, process.m_phi
    lowest = float(energy.min(initial=np.inf))
    if lowest < WW_VALID:
        return [f"at {lowest:g} GeV: below {WW_VALID:g} GeV it is not within a few per cent of the exact result"]
    found = []
    if variable == "y" and (low := energy < HEAVY * mass**1.5).any():
        found.append(
            f"in the lepton's variables at {energy[low][0]:g} GeV and m_phi = {mass[low][0]:g} GeV is more than 2.5 % too "
            "low: use phi's or the exact form"
        )
    if variable == "x" and (high := energy < HEAVY_X * mass**1.75).any():
        found.append(
            f"at {energy[high][0]:g} GeV and m_phi = {mass[high][0]:g} GeV is more than 2.5 % too high: use the exact form"
        )
    if process.m_f > HEAVY_LEPTON and lowest < TAU_VALID:
        found.append(f"at {lowest:g} GeV for a final tau is up to 30 % too low: use the exact form")
    if process.nucleus.a < LIGHT_NUCLEUS:
        found.append(
            f"on a nucleus of A = {process.nucleus.a:g} is off by up to 4 % (iron), 6 % (aluminium) and more (lighter): "
            "use the exact form"
        )
    return found
