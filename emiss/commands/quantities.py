"""Options of commands that are quantities with units, such as masses and energies."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def energies(texts: Sequence[str], option: str) -> list[float]:
    """Return the values of an option such as ``--mass 0.3GeV`` in GeV, in the order given, each once.

    Raises
    ------
    UserError
        If one is no energy, or not above 0.
    """
    from emiss.configs.errors import UserError
    from emiss.configs.units import ENERGY, UnitError, parse_quantity

    found = []
    for text in texts:
        try:
            value = parse_quantity(text, ENERGY)
        except UnitError as error:
            raise UserError(f"{option}: {error}") from None
        if not value > 0.0:
            raise UserError(f"{option}: '{text}' is not above 0")
        found.append(value)
    return list(dict.fromkeys(found))


def energy(text: str, option: str) -> float:
    """Return the value of an option that is given once, in GeV; errors as in `energies`."""
    return energies([text], option)[0]


def above_zero(value: float) -> float:
    """Return the value of an option that has to be a finite number above 0.

    Raises
    ------
    UserError
        If it is not.
    """
    from emiss.configs.errors import UserError

    if not 0.0 < value < float("inf"):
        raise UserError(f"'{value:g}' is given where a number above 0 is needed (particles on target)")
    return value
