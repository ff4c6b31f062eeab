"""Results in the hands of a user: which events passed, and a cutflow as a figure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib import pyplot as plt

from emiss import selection
from emiss.configs.errors import UserError
from emiss.events.columns import Column
from emiss.events.ledger import Ledger
from emiss.events.table import EventTable, Metadata
from emiss.selection.results.result import Result

TEXT = """
analysis: a
cuts: [{name: one, require: x > 2}, {name: two, require: x < 8}]
regions: {signal: {}, rest: {drop: [two]}}
"""


def result(sample: str = "open", *, unblind: bool = False) -> Result:
    metadata = Metadata({"x": Column("x")}, sample, "data", on_target=1e9, ledger=Ledger(read=10, passed=10))
    table = EventTable(10, {"x": np.arange(10.0)}, {}, metadata)
    box = "blind: {samples: hidden, box: x > 5}" if sample == "hidden" else ""
    return selection.run(table, selection.loads(TEXT + box), unblind=unblind)


def test_which_events_passed() -> None:
    made = result()
    x = np.arange(10)
    np.testing.assert_array_equal(made.passed(), (x > 2) & (x < 8))
    np.testing.assert_array_equal(made.passed("signal", after="one"), x > 2)
    np.testing.assert_array_equal(made.passed("rest"), x > 2)
    for region, after in (("signl", None), ("signal", "three")):
        with pytest.raises(UserError, match="has no"):
            made.passed(region, after=after)
    with pytest.raises(UserError, match="not in memory"):
        Result(made.cutflow).passed()


def test_hidden_events_do_not_pass() -> None:
    x = np.arange(10)
    np.testing.assert_array_equal(result("hidden").passed("rest"), (x > 2) & (x <= 5))
    np.testing.assert_array_equal(result("hidden", unblind=True).passed("rest"), x > 2)


def test_a_cutflow_as_a_figure() -> None:
    cutflow = result().cutflow
    ax = cutflow.plot()
    (steps,) = ax.patches
    np.testing.assert_allclose(steps.get_data().values, [1.0, 0.7, 0.5])
    assert [label.get_text() for label in ax.get_xticklabels()] == ["all", "one", "two"]
    assert ax.get_ylabel() == "fraction left"
    again = cutflow.plot("rest", ax=ax, samples=["open"], normalise_to=1e11)
    assert again is ax
    np.testing.assert_allclose(ax.patches[1].get_data().values, [1000.0, 700.0])
    unknown = replace(cutflow, samples={"open": replace(cutflow.samples["open"], on_target=None)})
    with pytest.raises(UserError, match="how many particles on target"):
        unknown.plot(ax=ax, normalise_to=1e11)
    with pytest.raises(UserError, match="no sample 'other'"):
        cutflow.plot(ax=ax, samples=["other"])
    plt.close("all")
