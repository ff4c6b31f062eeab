"""A small cutflow whose numbers can be checked by hand, for the tests of its file and its reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from emiss.events.ledger import Damage, Ledger
from emiss.selection.counting.counts import CutCounts, Tally
from emiss.selection.results.cutflow import Cutflow

if TYPE_CHECKING:
    from collections.abc import Callable

CUTS = {
    "single_track": "count(tracks) == 1",
    "mip_veto": "6 MeV < sum(veto.energy) < 16 MeV",
    "e_miss": "e_miss > 20 GeV",
}


def _rows(passed: tuple[int, ...], weight: float, undefined: int) -> tuple[CutCounts, ...]:
    def tally(n: int) -> Tally:
        return Tally(n, n * weight, n * weight * weight)

    cuts = [
        CutCounts(name, require, tally(n), undefined, tally(n + 5), 2 * undefined, tally(passed[-1] + 3), tally(3))
        for (name, require), n in zip(CUTS.items(), passed[1:], strict=True)
    ]
    return (CutCounts("all", "", tally(passed[0])), *cuts)


@pytest.fixture(scope="session")
def make_cutflow() -> Callable[..., Cutflow]:
    """Return a function that makes a cutflow of one sample from the numbers that pass its three cuts."""

    def make(sample: str, passed: tuple[int, int, int, int], **changed: Any) -> Cutflow:
        weight, undefined = changed.pop("weight", 1.0), changed.pop("undefined", 0)
        rows = {"nominal": _rows(passed, weight, undefined), "srd_up": _rows(passed, 1.5 * weight, undefined)}
        fields: dict[str, Any] = {
            "analysis": "e_to_mu_phi",
            "cuts_hash": "0123456789ab",
            "role": "background",
            "on_target": 1e10,
            "scale": 1.0,
            "partial": False,
            "ledger": Ledger(read=passed[0] + 10, passed=passed[0], not_physics={"calibration": 10}),
            "regions": {"signal": rows},
            "coverage": {f"{sample}.dat": ((0, passed[0] + 10),)},
            "provenance": {"version": "0.1.0"},
        }
        return Cutflow.single(sample=sample, **fields | changed)

    return make


@pytest.fixture(scope="session")
def demo(make_cutflow: Callable[..., Cutflow]) -> Cutflow:
    """Return a weighted signal, a background with damage and undefined values, beam electrons, and blinded data."""
    damaged = Ledger(
        read=1013,
        passed=1000,
        not_physics={"start_of_run": 1, "calibration": 9},
        lost={"raw.event_size": 3},
        damage={"raw.event_corrupted2": Damage(12, 4)},
        bytes_skipped=4096,
    )
    return (
        make_cutflow("signal", (1000, 850, 720, 690), role="signal", weight=2e-3, on_target=1e11)
        + make_cutflow("dimuon", (1000, 120, 11, 1), ledger=damaged, undefined=2)
        + make_cutflow("beam", (1000, 0, 0, 0), on_target=1000.0, partial=True)
        + make_cutflow("data", (1000, 40, 3, 0), role="data", on_target=None, hidden=True)
    )
