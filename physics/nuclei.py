"""Nuclei that targets are made of; lead is that of `emiss.physics.constants`.

Radiation lengths and molar masses: PDG, Atomic and nuclear properties of materials (2022); mass numbers of the most common
isotope.
"""

from __future__ import annotations

from emiss.physics.constants import LEAD, Nucleus

NUCLEI = {
    "lead": LEAD,
    "tungsten": Nucleus(z=74, a=184, radiation_length=6.76, molar_mass=183.84),
    "copper": Nucleus(z=29, a=63, radiation_length=12.86, molar_mass=63.546),
    "iron": Nucleus(z=26, a=56, radiation_length=13.84, molar_mass=55.845),
    "aluminium": Nucleus(z=13, a=27, radiation_length=24.01, molar_mass=26.982),
    "carbon": Nucleus(z=6, a=12, radiation_length=42.70, molar_mass=12.011),
}

ELEMENTS = {
    **NUCLEI,
    "hydrogen": Nucleus(z=1, a=1, radiation_length=63.04, molar_mass=1.008),
    "silicon": Nucleus(z=14, a=28, radiation_length=21.82, molar_mass=28.085),
    "bismuth": Nucleus(z=83, a=209, radiation_length=6.29, molar_mass=208.98),
}
"""With what stands beside them in compounds and parts."""
