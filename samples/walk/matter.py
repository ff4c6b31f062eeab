"""What the walk knows of matter: the mixtures that volumes are made of, as if each were spread evenly over its depth."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from emiss.configs.arrays import Floats
    from emiss.reco.parts.materials import Material

ACTIVE = ("scintillator", "lyso", "silicon")
"""Materials whose energy is seen."""

SCALE = 21.2e-3
"""GeV; the Moliere radius is X0 * SCALE/critical energy (PDG 2022, Eq. 34.37)."""


class Stack(NamedTuple):
    """A mixture as a detector file says it: mm of each material over a depth in mm, in so many plates of each."""

    matter: Mapping[str, float]
    depth: float
    plates: int


class Mixtures(NamedTuple):
    """M mixtures; lengths are mm of depth, so that air between plates makes them longer.

    Attributes
    ----------
    x0, lambda_ : arrays of shape (M,)
        Radiation length and nuclear interaction length (inelastic, of neutrons; PDG), mm.
    moliere, critical : arrays of shape (M,)
        Moliere radius, mm, and critical energy of electrons, GeV.
    z, a : arrays of shape (M,)
        Charge number, weighted by radiation lengths; mass number, weighted by interaction lengths.
    density : array of shape (M,)
        g/cm^3 over the depth.
    fraction : array of shape (M, K)
        mm of each of K materials per mm of depth.
    active : array of shape (M,)
        mm of material that is seen per mm of depth.
    sampling : array of shape (M,)
        Part of a minimum ionizing particle's loss that is in active material.
    plate : array of shape (M,)
        Thickness of one active plate, mm; the depth where all is active.
    minimum : array of shape (M,)
        Mean loss of a minimum ionizing particle, GeV per mm of depth.
    """

    x0: Floats
    lambda_: Floats
    moliere: Floats
    critical: Floats
    z: Floats
    a: Floats
    density: Floats
    fraction: Floats
    active: Floats
    sampling: Floats
    plate: Floats
    minimum: Floats


def mixtures(stacks: Sequence[Stack], materials: Mapping[str, Material]) -> Mixtures:
    """Return the mixtures of stacks; the materials are counted in the order of the mapping.

    X0, lambda and the Moliere radius add as inverse lengths (PDG 2022, Eqs. 34.25, 34.38), the critical energy follows from
    Eq. 34.37. A minimum ionizing particle's loss is taken as 2.35 - 0.28 ln Z MeV cm^2/g: PDG 2022,
    Fig. 34.2, within 3 % of polymers, iron and lead, within 6 % of the others.
    """
    names = list(materials)
    count = len(stacks)
    fraction = np.zeros((count, len(names)))
    for row, stack in enumerate(stacks):
        for name, length in stack.matter.items():
            fraction[row, names.index(name)] = length / stack.depth
    values = [materials[name] for name in names]
    x0, lam, critical, z, a, density = (
        np.array([getattr(one, key) for one in values]) for key in ("x0", "lambda_", "critical", "z", "a", "density")
    )
    minimum = (2.35 - 0.28 * np.log(z)) * density
    active = np.array([name in ACTIVE for name in names])
    with np.errstate(divide="ignore", invalid="ignore"):
        by_x0, by_lambda = fraction / x0, fraction / lam
        inverse_x0, inverse_lambda = by_x0.sum(axis=1), by_lambda.sum(axis=1)
        moliere = 1.0 / (fraction / (x0 * SCALE / critical)).sum(axis=1)
        seen = np.where(active, fraction * minimum, 0.0).sum(axis=1)
        return Mixtures(
            x0=1.0 / inverse_x0,
            lambda_=1.0 / inverse_lambda,
            moliere=moliere,
            critical=SCALE / inverse_x0 / moliere,
            z=(by_x0 * z).sum(axis=1) / inverse_x0,
            a=(by_lambda * a).sum(axis=1) / inverse_lambda,
            density=fraction @ density,
            fraction=fraction,
            active=fraction @ active.astype(np.float64),
            sampling=seen / (fraction * minimum).sum(axis=1),
            plate=np.array([stack.depth / max(stack.plates, 1) for stack in stacks])
            * (fraction @ active.astype(np.float64)),
            minimum=1e-4 * (fraction @ minimum),
        )
