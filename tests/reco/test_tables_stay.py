"""All columns of the raw samples that ship: what the reconstruction makes of them stays, whoever moves code.

``python -m tests.reco.test_tables_stay`` writes `KEPT` again, where a change is meant.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from emiss import reco

ROOT = Path(__file__).parents[2]
KEPT = Path(__file__).with_name("tables_kept.json")
SAMPLES = ("signal", "dimuon", "pion_decay", "beam")


def columns_of(sample: str) -> dict[str, list[float]]:
    """Return for each column how many values there are, how many are finite, their sum and that of their squares."""
    table = reco.process(reco.open(ROOT / "samples" / "data" / f"{sample}.dat"))
    found = dict(table.flat)
    for name, lists in table.lists.items():
        found |= {f"{name}.{inner}": values for inner, values in lists.columns.items()}
        found[f"{name}.counts"] = lists.counts
    made = {}
    for name, values in found.items():
        numbers = np.asarray(values, np.float64)
        finite = numbers[np.isfinite(numbers)]
        made[name] = [numbers.size, finite.size, float(finite.sum()), float(np.square(finite).sum())]
    return made


@pytest.mark.parametrize("sample", SAMPLES)
def test_every_column_is_what_it_was(sample):
    kept, made = json.loads(KEPT.read_text(encoding="utf-8"))[sample], columns_of(sample)
    assert list(made) == list(kept)
    for name, (size, finite, total, squares) in made.items():
        assert [size, finite] == kept[name][:2], name
        scale = max(np.sqrt(abs(kept[name][3]) * max(finite, 1)), 1e-30)  # sums of both signs cancel
        assert total == pytest.approx(kept[name][2], abs=1e-7 * scale), name
        assert squares == pytest.approx(kept[name][3], rel=1e-7), name


if __name__ == "__main__":
    text = json.dumps({sample: columns_of(sample) for sample in SAMPLES}, indent=0)
    KEPT.write_text(text + "\n", encoding="utf-8")
