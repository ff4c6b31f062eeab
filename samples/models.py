"""Models of new particles by name: those of `emiss.physics.processes`, and those that other packages give."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emiss.configs.errors import UserError
from emiss.events.plug_ins import PROCESSES, PlugIn, installed
from emiss.physics.processes import registry
from emiss.physics.processes.base import Model

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def names() -> tuple[str, ...]:
    """Return the names of all models that there are."""
    return tuple(dict.fromkeys([*registry.names(), *installed(PROCESSES)]))


def model_of(name: str, parameters: Mapping[str, float | str] | None = None) -> Model:
    """Return a model with its parameters.

    Raises
    ------
    UserError
        If there is none of that name, a parameter is unknown, or what a package gives is no model.
    """
    plug_in = installed(PROCESSES).get(name)
    if plug_in is not None and name in registry.BUILT_IN:
        raise UserError(f"the {plug_in} has the name of one of emiss", hint="a model needs a name of its own")
    try:
        return registry.make(name, parameters, {} if plug_in is None else {name: _loaded(plug_in)})
    except ValueError as error:
        raise UserError(str(error), hint="`emiss models` lists them and their parameters") from error


def _loaded(plug_in: PlugIn) -> Callable[[Mapping[str, float | str]], Model]:
    """Return what makes a package's model; it is asked for what models have."""
    make = plug_in.load()

    def made(parameters: Mapping[str, float | str]) -> Model:
        try:
            model = make(parameters)
        except ValueError:
            raise
        except Exception as error:
            raise plug_in.failed("cannot be made", error) from error
        if not isinstance(model, Model):
            raise UserError(
                f"the {plug_in} is no model", hint="see emiss.physics.processes.base.Model for what it needs"
            )
        return model

    return made
