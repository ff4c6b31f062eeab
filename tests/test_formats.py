"""docs/formats.md says what the code does: columns, bits, schemas."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from emiss.events.columns import QUALITY_BITS, TRIGGER_BITS, TYPE_BITS
from emiss.reco.detector.model import load_detector
from emiss.reco.pipeline import columns_of

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs/formats.md").read_text(encoding="utf-8")


def test_the_columns_are_those_that_are_declared():
    shown = re.findall(r"^\| `([\w.]+)` \| (flat|fixed|list) \| (\w+) \| (\S+) \| (.*) \|$", TEXT, re.MULTILINE)
    assert shown == [
        (c.name, c.shape, c.type, c.unit, c.meaning) for c in columns_of(load_detector("na64e_beam")).values()
    ]


@pytest.mark.parametrize(
    ("word", "bits"), [("event.quality", QUALITY_BITS), ("event.type", TYPE_BITS), ("event.trigger", TRIGGER_BITS)]
)
def test_the_named_bits(word, bits):
    line = re.search(rf"^- `{word}`: (.*)$", TEXT, re.MULTILINE)[1]
    assert {name: int(bit) for name, bit in re.findall(r"`(\w+)` (\d+)", line)} == dict(bits)


def test_the_schemas_are_all_named():
    used = set()
    for folder in ("calib", "emiss", "events", "reco", "selection"):
        for path in (ROOT / folder).rglob("*.py"):
            used |= set(re.findall(r'^SCHEMA = "(emiss\.\w+/\d+)"', path.read_text(encoding="utf-8"), re.MULTILINE))
    assert len(used) > 5
    assert used == set(re.findall(r"`(emiss\.\w+/\d+)`", TEXT))
