"""Histograms on disk: ROOT (TH1D, TH2D with Sumw2) and UHI JSON, for all samples, each file whole or not at all."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any

from configs.errors import Location, UserError
from selection.cutflowfile import write_text
from selection.histograms import UNWEIGHTED

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hist import Hist

    from selection.histograms import Filled, Key

    BySample = Mapping[str, Mapping[Key, Filled]]

SCHEMA = "emiss.histograms/1"


def object_path(sample: str, key: Key) -> str:
    """Return the name of a histogram in the ROOT file: ``sample/region/name_stage``, and the variation of the weight."""
    parts = [key.name, key.stage] + ([key.variation] if key.variation != UNWEIGHTED else [])
    return "/".join(_word(part) for part in (sample, key.region, "_".join(parts)))


def _word(text: str) -> str:
    return re.sub(r"[^\w-]+", "_", text)


def save_root(histograms: BySample, path: Path) -> None:
    """Write all histograms to a ROOT file, one folder per sample and region."""
    import uproot

    part = path.with_name(f".{path.name}.{os.getpid()}.part")
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
    data["metadata"] = {
        **data.get("metadata", {}),
        "sample": sample,
        "region": key.region,
        "stage": key.stage,
        "variation": key.variation,
        "undefined": filled.undefined,
    }
    return data


def save_json(histograms: BySample, path: Path, *, analysis: str, cuts_hash: str) -> None:
    """Write all histograms as UHI JSON."""
    write_text(path, dumps(histograms, analysis=analysis, cuts_hash=cuts_hash))
