"""A slice of the fuzzer of raw files; ``make fuzz`` runs more, with bounds checked."""

from __future__ import annotations

from tests.reco.formats.date import fuzz


def test_every_event_is_in_one_bin_whatever_the_bytes(tmp_path):
    outcomes = fuzz.run(250, seed=3, folder=tmp_path)
    assert outcomes["files"] == 250
    assert outcomes["safe: passed"] > 300
    assert sum(n for what, n in outcomes.items() if what.startswith("safe: raw.")) > 50
