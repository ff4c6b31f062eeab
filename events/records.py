"""Collections of a table as awkward records, which behave as vectors where their fields are coordinates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import awkward as ak

    from emiss.configs.arrays import Array
    from emiss.events.lists import Lists

_MOMENTA = (("pt", "phi"), ("px", "py"))
_PLACES = (("x", "y"), ("rho", "phi"))
_ALONG = ("pz", "eta", "theta", "z")
_REST = ("mass", "energy", "E", "e", "M", "m")


def behaviour_of(fields: Collection[str]) -> str | None:
    """Return the name of the behaviour that `vector` has for some fields: ``Momentum4D`` for pt, eta, phi, mass; None for none.

    Fields of two systems, such as x beside px, have none: nobody knows which is meant.
    """
    momenta = [both for both in _MOMENTA if set(both) <= set(fields)]
    places = [both for both in _PLACES if set(both) <= set(fields)]
    if len(momenta) + len(places) != 1:
        return None
    kind = "Momentum" if momenta else "Vector"
    along = sum(name in fields for name in _ALONG)
    if along > 1:
        return None
    if momenta and along and any(name in fields for name in _REST):
        return f"{kind}4D"
    return f"{kind}3D" if along else f"{kind}2D"


def of_lists(lists: Lists) -> ak.Array:
    """Return a collection as lists of records: one record per row with all its fields."""
    import awkward as ak

    fields = {name or "value": ak.contents.NumpyArray(values) for name, values in lists.columns.items()}
    records = ak.contents.RecordArray(
        list(fields.values()), list(fields), length=int(lists.offsets[-1]), parameters=_named(fields)
    )
    return _array(ak.contents.ListOffsetArray(ak.index.Index64(lists.offsets), records))


def of_flat(columns: Mapping[str, Array]) -> ak.Array:
    """Return flat and fixed columns as one record per event, by the names of their fields."""
    import awkward as ak

    contents = [ak.contents.NumpyArray(values) for values in columns.values()]
    plain = {name for name, values in columns.items() if values.ndim == 1}
    size = len(next(iter(columns.values())))
    return _array(ak.contents.RecordArray(contents, list(columns), length=size, parameters=_named(plain)))


def _named(fields: Collection[str]) -> dict[str, Any] | None:
    behaviour = behaviour_of(fields)
    return None if behaviour is None else {"__record__": behaviour}


def _array(layout: Any) -> ak.Array:
    import awkward as ak
    import vector

    vector.register_awkward()
    return ak.Array(layout)
