"""The cutflow as a file: JSON of the schema ``emiss.cutflow/1``, written whole or not at all, checked when read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn

from emiss.configs.errors import Location, UserError
from emiss.events import history
from emiss.events.files.atomic import write_text
from emiss.events.ledger import Ledger
from emiss.events.location import located, place
from emiss.selection.blinding import WHOLE
from emiss.selection.counting.counts import CutCounts, Tally, efficiencies
from emiss.selection.counting.samples import Counted, SampleCounts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from emiss.selection.counting.counts import Efficiency

SCHEMA = "emiss.cutflow/1"

_EFFICIENCY = ("relative", "total", "interval", "relative_low", "relative_high", "total_low", "total_high")


def to_json(cutflow: Counted) -> dict[str, Any]:
    """Return the cutflow as plain data; nothing in it is NaN, 0/0 is null, and nothing tells of hidden events."""
    return {
        "schema": SCHEMA,
        "analysis": cutflow.analysis,
        "cuts_hash": cutflow.cuts_hash,
        "provenance": dict(cutflow.provenance),
        "ledger": cutflow.ledger.to_json(),
        "samples": {name: _sample(counts.sealed()) for name, counts in cutflow.samples.items()},
    }


def _sample(counts: SampleCounts) -> dict[str, Any]:
    regions = {
        region: {
            "weights": {
                variation: {
                    "cuts": [_row(*pair) for pair in zip(rows, efficiencies(rows), strict=True)],
                }
                for variation, rows in variations.items()
            }
        }
        for region, variations in counts.regions.items()
    }
    return {
        "role": counts.role,
        "on_target": counts.on_target,
        "scale": counts.scale,
        "partial": counts.partial,
        "hidden": counts.hidden,
        "process": dict(counts.process),
        "ledger": counts.ledger.to_json(),
        **({history.KEY: [row.to_json() for row in counts.history]} if counts.history else {}),
        "coverage": {
            file: None if counts.hidden else [list(pair) for pair in ranges] for file, ranges in counts.coverage.items()
        },
        "regions": regions,
    }


def _tally(tally: Tally) -> dict[str, Any]:
    return {"n": tally.n, "sum_w": tally.sum_w, "sum_w2": tally.sum_w2}


def _row(row: CutCounts, efficiency: Efficiency) -> dict[str, Any]:
    data = {"name": row.name, **_tally(row.sequential), "undefined": row.undefined}
    if row.damaged:
        data["damaged"] = dict(row.damaged)
    details = (row.individual, row.individual_undefined, row.n_minus_1, row.only_failed)
    if not row.require and details == (Tally(), 0, Tally(), Tally()):
        return data  # the first row: no cut, so nothing else to say
    return {
        **data,
        "require": row.require,
        "condition": row.condition,
        "uses": dict(row.uses),
        "individual": {**_tally(row.individual), "undefined": row.individual_undefined},
        "n_minus_1": _tally(row.n_minus_1),
        "only_failed": _tally(row.only_failed),
        "overlap": list(row.overlap),
        "efficiency": {key: getattr(efficiency, key) for key in _EFFICIENCY},
    }


def from_json(data: Mapping[str, Any]) -> Counted:
    """Return the cutflow that `to_json` gave; efficiencies are computed again from the counts.

    Raises
    ------
    UserError
        If the schema is another one, something is missing or of the wrong kind, or the ledger does not add up.
    """
    schema = data.get("schema")
    if schema != SCHEMA:
        raise UserError(f"schema is {schema!r}, expected '{SCHEMA}'", hint="is this a cutflow.json?")
    try:
        cutflow = Counted(
            analysis=_text(data["analysis"]),
            cuts_hash=_text(data["cuts_hash"]),
            provenance=data["provenance"],
            samples={name: _read_sample(sample) for name, sample in data["samples"].items()},
        )
        ledger = Ledger.from_json(data["ledger"])
    except KeyError as error:
        raise UserError(f"the cutflow holds no {error}") from None
    except (TypeError, ValueError, AttributeError) as error:
        raise UserError(f"the cutflow holds a value of the wrong kind: {error}") from None
    if cutflow.ledger != ledger:
        raise UserError("the ledger is not the sum of the samples' ledgers", hint="the file was changed by hand?")
    return cutflow


def _text(value: object) -> str:
    if not isinstance(value, str):
        msg = f"{value!r} is not a text"
        raise TypeError(msg)
    return value


def _read_sample(data: Mapping[str, Any]) -> SampleCounts:
    return SampleCounts(
        role=_text(data["role"]),
        on_target=None if data["on_target"] is None else float(data["on_target"]),
        scale=float(data["scale"]),
        partial=bool(data["partial"]),
        ledger=Ledger.from_json(data["ledger"]),
        regions={
            region: {
                variation: tuple(_read_row(row) for row in block["cuts"])
                for variation, block in regions["weights"].items()
            }
            for region, regions in data["regions"].items()
        },
        coverage={
            file: WHOLE if ranges is None else tuple((a, b) for a, b in ranges)
            for file, ranges in data.get("coverage", {}).items()
        },
        hidden=bool(data.get("hidden", False)),
        process=dict(data.get("process", {})),
        history=history.read(data.get(history.KEY, ())),
    )


def _read_tally(data: Mapping[str, Any]) -> Tally:
    return Tally(int(data["n"]), float(data["sum_w"]), float(data["sum_w2"]))


def _read_row(data: Mapping[str, Any]) -> CutCounts:
    name, sequential, undefined = _text(data["name"]), _read_tally(data), int(data["undefined"])
    damaged = tuple(sorted((_text(bit), int(n)) for bit, n in data.get("damaged", {}).items()))
    if "individual" not in data:
        return CutCounts(name, "", sequential, undefined, damaged=damaged)
    return CutCounts(
        name,
        _text(data["require"]),
        sequential,
        undefined,
        _read_tally(data["individual"]),
        int(data["individual"]["undefined"]),
        _read_tally(data["n_minus_1"]),
        _read_tally(data["only_failed"]),
        tuple(int(n) for n in data.get("overlap", ())),
        _text(data.get("condition", "")),
        tuple((name, _text(text)) for name, text in data.get("uses", {}).items()),
        damaged,
    )


def dumps(cutflow: Counted) -> str:
    """Return the text of the cutflow file."""
    return json.dumps(to_json(cutflow), indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def save(cutflow: Counted, path: str | Path) -> None:
    """Write the cutflow as a JSON file."""
    write_text(place(path), dumps(cutflow))


def load(path: str | Path) -> Counted:
    """Read a cutflow file.

    Raises
    ------
    UserError
        If it cannot be read, is no JSON or no cutflow; with the file's name.
    """
    place = Location(str(path))

    try:
        data = json.loads(located(path).read_text(encoding="utf-8"), parse_constant=_no_constant)
    except OSError as error:
        raise UserError(error.strerror or "cannot be read", at=place) from None
    except json.JSONDecodeError as error:
        raise UserError(f"no JSON: {error.msg}", at=Location(str(path), error.lineno, error.colno)) from None
    except (ValueError, RecursionError) as error:
        raise UserError(f"no JSON: {error}", at=place) from None
    if not isinstance(data, dict):
        raise UserError("holds no cutflow but a bare value", at=place)
    try:
        return from_json(data)
    except UserError as error:
        raise UserError(error.message, at=place, hint=error.hint) from None


def _no_constant(text: str) -> NoReturn:
    msg = f"{text} is not a number"
    raise ValueError(msg)
