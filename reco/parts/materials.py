"""Materials that parts are made of: those that ship (``configs/materials/pdg.yaml``) and a detector file's own."""

from __future__ import annotations

import re
from functools import cache
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, RootModel

from emiss.configs import loader
from emiss.configs.schema import Energy, Length, Model, Number
from emiss.reco.parts.quantities import Name

_DENSITY = re.compile(r"\s*([0-9.eE+-]+)\s*g/cm3\s*")


def _grams(value: Any) -> Any:
    """Return the number of a text such as ``11.35 g/cm3``."""
    if not isinstance(value, str):
        return value
    match = _DENSITY.fullmatch(value)
    try:
        return float(match[1]) if match else _refuse(value)
    except ValueError:
        return _refuse(value)


def _refuse(value: str) -> Any:
    msg = f"a density such as '11.35 g/cm3' is needed here, not '{value}'"
    raise ValueError(msg)


class Material(Model):
    """What particles meet in a material.

    Attributes
    ----------
    density : float
        g/cm^3.
    x0, lambda_ : float
        Radiation length and nuclear interaction length, mm; `lambda` in files.
    critical : float
        Critical energy of electrons, GeV.
    z, a : float
        Mean charge and mass number; of a compound such that z/a is right.
    elements : mapping of element to number
        Atoms of a compound, where its nuclei matter one by one (`emiss.physics.nuclei.ELEMENTS`).
    """

    density: Annotated[float, BeforeValidator(_grams), Field(gt=0, le=100)]
    x0: Annotated[Length, Field(gt=0)]
    lambda_: Annotated[Length, Field(gt=0, alias="lambda")]
    critical: Annotated[Energy, Field(gt=0, le=10)]
    z: Annotated[Number, Field(gt=0, le=120)]
    a: Annotated[Number, Field(gt=0, le=300)]
    source: str
    elements: dict[Name, Annotated[Number, Field(gt=0)]] = Field(default_factory=dict)


class _Library(RootModel[dict[Name, Material]]):
    """The file of materials that ship."""


@cache
def shipped() -> dict[str, Material]:
    """Return the materials that ship, by name."""
    return dict(loader.validate(loader.load(loader.SHIPPED / "materials" / "pdg.yaml"), _Library).root)
