"""Histograms on disk: ROOT (TH1D, TH2D with Sumw2) and UHI JSON, for all samples, each file whole or not at all."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from emiss.configs.errors import Location, UserError
from emiss.events.files.atomic import part_of, write_text
from emiss.selection.counting.histograms import UNWEIGHTED, BinAxis, Filled, Key
from emiss.selection.results.histogram_difference import Content

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from hist import Hist

    from emiss.selection.counting.histograms import BySample
    from emiss.selection.results.histogram_difference import Contents

SCHEMA = "emiss.histograms/1"
T = TypeVar("T")


def object_path(sample: str, key: Key) -> str:
    """Return the name of a histogram in the ROOT file: ``sample/region/name_stage``, and the variation of the weight."""
    parts = [key.name, key.stage] + ([key.variation] if key.variation != UNWEIGHTED else [])
    return "/".join(_word(part) for part in (sample, key.region, "_".join(parts)))


def _word(text: str) -> str:
    return re.sub(r"[^\w-]+", "_", text)


def save_root(histograms: BySample, path: Path) -> None:
    """Write all histograms to a ROOT file, one folder per sample and region."""
    import uproot

    part = part_of(path)
    try:
        with uproot.recreate(part) as file:
            for sample, made in histograms.items():
                for key, filled in made.items():
                    file[object_path(sample, key)] = titled(sample, key, filled)
        part.replace(path)
    except OSError as error:
        raise UserError(error.strerror or "cannot be written", at=Location(str(path))) from None
    finally:
        part.unlink(missing_ok=True)


def titled(sample: str, key: Key, filled: Filled) -> Hist:
    """Return a copy of the histogram that says what it is of."""
    hist = filled.hist.copy()
    hist.name = key.name
    hist.title = hist.label = f"{filled.title} ({sample}, {key.region}, {key.stage})"
    return hist


def dumps(histograms: BySample, *, analysis: str, cuts_hash: str) -> str:
    """Return the text of the JSON file: a list of histograms in the UHI format, each with what it is of as metadata.

    ``json.load(file, object_hook=uhi.io.json.object_hook)["histograms"]`` gives histograms again.
    """
    import uhi.io.json

    made = [_uhi(sample, key, filled) for sample, found in histograms.items() for key, filled in found.items()]
    data = {"schema": SCHEMA, "analysis": analysis, "cuts_hash": cuts_hash, "histograms": made}
    return json.dumps(data, default=uhi.io.json.default, allow_nan=False, ensure_ascii=False) + "\n"


def _uhi(sample: str, key: Key, filled: Filled) -> dict[str, Any]:
    import uhi.io.json

    data: dict[str, Any] = uhi.io.json.default(titled(sample, key, filled))
    for axis, said in zip(data["axes"], filled.axes, strict=True):
        cuts = " ".join(map(repr, said.cuts))
        axis["metadata"] = {**axis.get("metadata", {}), "quantity": said.label, "unit": said.unit, "cuts": cuts}
    data["metadata"] = {
        **data.get("metadata", {}),
        "heading": filled.title,
        "sample": sample,
        "region": key.region,
        "stage": key.stage,
        "variation": key.variation,
        "undefined": filled.undefined,
    }
    return data


def load_json(path: Path) -> Contents:
    """Read what is in the histograms that `save_json` wrote.

    Raises
    ------
    UserError
        If the file cannot be read or is another one.
    """
    return _load(path, _content)


def load(path: Path) -> BySample:
    """Read the histograms that `save_json` wrote, as they were filled; raises as `load_json`."""
    found: dict[str, dict[Key, Filled]] = {}
    for (sample, key), filled in _load(path, _filled).items():
        found.setdefault(sample, {})[key] = filled
    return found


def _load(path: Path, read: Callable[[Mapping[str, Any]], tuple[tuple[str, Key], T]]) -> dict[tuple[str, Key], T]:
    at = Location(str(path))
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["schema"] != SCHEMA:
            raise UserError(f"schema is {data['schema']!r}, expected '{SCHEMA}'", at=at)
        return dict(map(read, data["histograms"]))
    except OSError as error:
        raise UserError(error.strerror or "cannot be read", at=at) from None
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise UserError(f"holds no histograms: {error}", at=at, hint="is this a histograms.json?") from None


def _content(data: Mapping[str, Any]) -> tuple[tuple[str, Key], Content]:
    said, storage = data["metadata"], data["storage"]
    axes = tuple(
        np.linspace(axis["lower"], axis["upper"], axis["bins"] + 1)
        if axis["type"] == "regular"
        else np.asarray(axis["edges"], float)
        for axis in data["axes"]
    )
    values, variances = (np.asarray(storage[name], float) for name in ("values", "variances"))
    if values.shape != variances.shape or values.shape != tuple(len(axis) + 1 for axis in axes):
        msg = f"'{said['name']}' has other bins than its axes"
        raise ValueError(msg)
    key = Key(said["name"], said["region"], said["stage"], said["variation"])
    return (said["sample"], key), Content(axes, values, variances, int(said["undefined"]))


def _filled(data: Mapping[str, Any]) -> tuple[tuple[str, Key], Filled]:
    import hist

    owner, content = _content(data)
    said = [axis.get("metadata", {}) for axis in data["axes"]]
    axes = tuple(
        BinAxis(
            label=one.get("quantity", one.get("label", "")),  # the label alone is that of older files
            unit=one.get("unit", ""),
            factor=1.0,
            edges=tuple(map(float, edges)),
            regular=axis["type"] == "regular",
            cuts=tuple(map(float, one.get("cuts", "").split())),
        )
        for one, axis, edges in zip(said, data["axes"], content.axes, strict=True)
    )
    made = hist.Hist(*(hist.axis.Variable(axis.edges) for axis in axes), storage=hist.storage.Weight())
    made.view(flow=True)["value"] = content.values
    made.view(flow=True)["variance"] = content.variances
    return owner, Filled(made, content.undefined, axes, data["metadata"].get("heading", owner[1].name))


def save_json(histograms: BySample, path: Path, *, analysis: str, cuts_hash: str) -> None:
    """Write all histograms as UHI JSON."""
    write_text(path, dumps(histograms, analysis=analysis, cuts_hash=cuts_hash))
