"""Scans on disk: JSON with every number, CSV with one line per step."""

from __future__ import annotations

import io
import json
import math
from itertools import product
from typing import TYPE_CHECKING, Any

from emiss.selection.normalisation import PER_ON_TARGET
from emiss.selection.results.files.sheet import cell
from emiss.selection.results.optimum import CLOSE, LEVEL, REPLICAS, curves, factor

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from emiss.configs.arrays import Floats
    from emiss.selection.counting.samples import Counted
    from emiss.selection.counting.scans import BoundScan, ScanCounts
    from emiss.selection.results.optimum import Curve

SCHEMA = "emiss.scan/1"


def to_json(
    scan: BoundScan,
    counts: Mapping[str, Mapping[tuple[str, str], ScanCounts]],
    cutflow: Counted,
    normalise_to: float = PER_ON_TARGET,
) -> dict[str, Any]:
    """Return a scan as plain data: its axes, the counts of each sample, and for each signal the curve and its best step."""
    return {
        "schema": SCHEMA,
        "analysis": cutflow.analysis,
        "cuts_hash": cutflow.cuts_hash,
        "name": scan.name,
        "axes": [{"parameter": a.parameter, "unit": a.unit, "values": list(a.values)} for a in scan.axes],
        "figure_of_merit": scan.figure_of_merit,
        "normalised_to": normalise_to,
        "method": {region.region: region.method for region in scan.regions},
        "samples": {
            sample: {
                "role": cutflow.samples[sample].role,
                "hidden": cutflow.samples[sample].hidden,
                "factor": factor(cutflow, sample, normalise_to),
                "regions": {
                    region: {
                        "n": found.n.tolist(),
                        "sum_w": found.sum_w.tolist(),
                        "sum_w2": found.sum_w2.tolist(),
                    }
                    for (name, region), found in scans.items()
                    if name == scan.name
                },
            }
            for sample, scans in counts.items()
        },
        "curves": [_curve(curve) for curve in curves(scan, counts, cutflow, normalise_to=normalise_to)],
        "uncertainty": f"central {LEVEL:.1%} of {REPLICAS} replicas of the samples; 'close' is within {1 - CLOSE:.0%}",
    }


def _curve(curve: Curve) -> dict[str, Any]:
    return {
        "signal": curve.name,
        "region": curve.region,
        "events_signal": curve.signal.tolist(),
        "events_background": curve.background.tolist(),
        "figure_of_merit": _plain(curve.merit),
        "best": curve.best_values,
        "interval": curve.interval,
        "close": curve.close,
        "note": curve.note,
    }


def _plain(values: Floats) -> Any:
    """Return nested lists with null for what is undefined."""
    if values.ndim > 1:
        return [_plain(row) for row in values]
    return [None if math.isnan(x) else float(x) for x in values]


def dumps(
    scan: BoundScan,
    counts: Mapping[str, Mapping[tuple[str, str], ScanCounts]],
    cutflow: Counted,
    normalise_to: float = PER_ON_TARGET,
) -> str:
    """Return the text of the JSON file."""
    data = to_json(scan, counts, cutflow, normalise_to)
    return json.dumps(data, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def csv(
    scan: BoundScan,
    counts: Mapping[str, Mapping[tuple[str, str], ScanCounts]],
    cutflow: Counted,
    normalise_to: float = PER_ON_TARGET,
) -> str:
    """Return one line per region, signal sample and step."""
    from csv import writer

    out = io.StringIO()
    sheet = writer(out, lineterminator="\n")
    sheet.writerow(
        ("region", "signal", *(axis.title for axis in scan.axes), "events_signal", "events_background", "merit")
    )
    sheet.writerows(row for curve in curves(scan, counts, cutflow, normalise_to=normalise_to) for row in _lines(curve))
    return out.getvalue()


def _lines(curve: Curve) -> Iterator[tuple[Any, ...]]:
    steps = product(*(range(len(axis.values)) for axis in curve.axes))
    for step in steps:
        values = (axis.values[i] for axis, i in zip(curve.axes, step, strict=True))
        merit = float(curve.merit[step])
        numbers = (repr(float(curve.signal[step])), repr(float(curve.background[step])))
        yield (cell(curve.region), cell(curve.name), *values, *numbers, "" if math.isnan(merit) else repr(merit))
