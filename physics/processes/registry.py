"""Models by name. Those of other packages come in by the entry point group `GROUP`; who loads them hands them in."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from emiss.physics.processes.base import Model

GROUP = "emiss.processes"
"""Entry points: name of the model = class (or function) that takes the parameters that are given and returns a `Model`."""

BUILT_IN: Mapping[str, str] = {
    "dark-photon": "vectors:DarkPhoton",
    "b-l": "vectors:BMinusL",
    "lmu-ltau": "vectors:MuMinusTau",
    "x17": "vectors:X17",
    "x17-p": "vectors:X17Pseudoscalar",
    "scalar": "generic:Scalar",
    "pseudoscalar": "generic:Pseudoscalar",
    "vector": "generic:Vector",
    "axial": "generic:Axial",
    "inelastic": "inelastic:Inelastic",
    "alp": "alp:Alp",
    "meson": "mesons:Meson",
    "eta": "mesons:Eta",
    "eta-prime": "mesons:EtaPrime",
    "conversion": "conversion:Conversion",
    "phi": "muons:Phi",
    "dimuon": "muons:Dimuon",
}
"""Where the models of this package are: module and class."""


def names() -> tuple[str, ...]:
    """Return the names of the models of this package."""
    return tuple(BUILT_IN)


def make(
    name: str,
    parameters: Mapping[str, float | str] | None = None,
    others: Mapping[str, Callable[[Mapping[str, float | str]], Model]] | None = None,
) -> Model:
    """Return a model.

    Parameters
    ----------
    name : str
    parameters : mapping, optional
        Values that are not the defaults.
    others : mapping of name to callable, optional
        Models of other packages.

    Raises
    ------
    ValueError
        For an unknown name or parameter.
    """
    given = dict(parameters or {})
    if others is not None and name in others:
        return others[name](given)
    if name not in BUILT_IN:
        known = ", ".join([*BUILT_IN, *(others or ())])
        msg = f"no model '{name}'; there are {known}"
        raise ValueError(msg)
    module, _, kind = BUILT_IN[name].partition(":")
    made: Model = getattr(import_module(f"emiss.physics.processes.{module}"), kind)(given)
    return made
