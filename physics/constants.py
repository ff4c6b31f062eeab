"""Constants of nature and nuclei, in GeV and with their source."""

from __future__ import annotations

from dataclasses import dataclass

ALPHA = 1.0 / 137.035999
"""Fine-structure constant (CODATA 2018)."""

ELECTRON_MASS = 0.51099895e-3
"""GeV (PDG 2022)."""

MUON_MASS, MUON_LIFETIME = 0.1056583755, 658.6384e3
"""GeV (PDG 2022)."""

LEPTON_MASSES = {"electron": ELECTRON_MASS, "muon": MUON_MASS, "tau": 1.77686}
"""GeV (PDG 2022)."""

PROTON_MASS, PROTON_MOMENT = 0.93827209, 2.7928473
"""GeV; nuclear magnetons (PDG 2022)."""

PION_MASS, PION_LIFETIME = 0.13957039, 7.8045e3
"""GeV; c tau in mm (PDG 2022)."""

KAON_MASS, KAON_LIFETIME = 0.493677, 3.711e3
"""GeV; c tau in mm (PDG 2022)."""

PICOBARN = 0.38937937e9
"""(hbar c)^2 in pb GeV^2 (CODATA 2018): a cross section in 1/GeV^2 times this is in pb."""

CM2_PER_PICOBARN = 1e-36

AVOGADRO = 6.02214076e23
"""1/mol."""

HBAR_C = 1.973269804e-13
"""GeV mm (CODATA 2018)."""


PLANCK_MASS = 1.220890e19
"""GeV (CODATA 2018)."""


@dataclass(frozen=True)
class Nucleus:
    """A target nucleus.

    Attributes
    ----------
    z, a : float
        Charge and mass number.
    radiation_length : float
        g/cm^2 (PDG 2022).
    molar_mass : float
        g/mol.
    inelastic : bool
        Whether collisions that break the nucleus up are counted beside the elastic ones (`form_factor.inelastic`).
    """

    z: float
    a: float
    radiation_length: float
    molar_mass: float
    inelastic: bool = False

    @property
    def mass(self) -> float:
        """GeV: 0.931494 GeV per mass number."""
        return 0.931494 * self.a

    @property
    def per_radiation_length(self) -> float:
        """Nuclei per cm^2 in one radiation length."""
        return AVOGADRO * self.radiation_length / self.molar_mass


LEAD = Nucleus(z=82, a=207, radiation_length=6.37, molar_mass=207.2)
"""A = 207 as in arXiv:2404.15931."""
