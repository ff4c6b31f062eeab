"""What stands in a figure: nothing over the data, widths of bins, bars, ratios, projections."""

from __future__ import annotations

import numpy as np
import pytest

from emiss.drawing import figure, styled
from emiss.selection.counting.histograms import BinAxis
from emiss.selection.plotting.distribution import distribution
from emiss.selection.plotting.frame import Look
from emiss.selection.plotting.overlay import overlay
from emiss.selection.plotting.plane import plane
from emiss.selection.plotting.series import Series

EDGES = tuple(np.linspace(0.0, 40.0, 21))
AXIS = BinAxis("e_miss", "GeV", 1.0, EDGES, regular=True, cuts=(20.0,))


def series(name: str, role: str, height: float, number: int = 0) -> Series:
    values = np.rint(height * np.exp(-np.arange(20) / 4.0))
    return Series(name, role, values, values, 1.0, number)


MANY = [series(f"background {i}", "background", 10.0**i, i) for i in range(1, 5)]
ALL = [*MANY, series("signal", "signal", 50.0, 5), series("run", "data", 11000.0, 6)]


@pytest.fixture(params=["emiss", "cms"])
def style(request):
    with styled(request.param):
        yield request.param


@pytest.mark.parametrize("log", [True, False])
def test_the_legend_is_off_the_data(style: str, log: bool) -> None:
    made = figure(6.4, 5.6)
    distribution(made, ALL, AXIS, Look("missing energy", experiment="NA64", status="Preliminary", log=log))
    made.draw_without_rendering()
    main, below = made.axes
    top = max(float((one.values + one.errors[1]).max()) for one in ALL)
    lowest = main.transData.inverted().transform(main.get_legend().get_window_extent().p0)[1]
    assert lowest > top
    assert main.get_yscale() == ("log" if log else "linear")
    assert main.get_ylabel() == "events / (2 GeV)"
    assert below.get_xlabel() == "e_miss [GeV]"
    texts = [text.get_text() for text in main.texts]
    assert {"NA64", "Preliminary", "20"} <= set(texts)
    assert main.get_legend().get_texts()[0].get_text() == "run"


def test_bins_of_other_widths_are_not_given_a_width() -> None:
    axis = BinAxis("p", "GeV", 1.0, (0.0, 1.0, 10.0), regular=False)
    one = Series("s", "background", np.array([4.0, 9.0]), np.array([4.0, 9.0]))
    for look, said, height in ((Look(), "events / bin", 9.0), (Look(per_unit=True), "events / GeV", 4.0)):
        with styled():
            made = figure()
            distribution(made, [one], axis, look)
        assert made.axes[0].get_ylabel() == said
        drawn = [p.get_data().values for p in made.axes[0].patches if hasattr(p, "get_data")]
        assert drawn[0].max() == pytest.approx(height)


def test_ratios_are_data_over_all_backgrounds() -> None:
    with styled():
        made = figure()
        distribution(made, ALL, AXIS, Look())
    total = sum(one.values for one in MANY)
    points = made.axes[1].containers[0].lines[0].get_ydata()
    assert points[0] == pytest.approx(11000.0 / total[0])


def test_samples_over_each_other_have_an_area_of_one_and_say_whether_they_agree() -> None:
    with styled():
        made = figure()
        overlay(made, MANY[2:], AXIS, Look())
    steps = [p.get_data().values for p in made.axes[0].patches if hasattr(p, "get_data")]
    assert [values.sum() for values in steps] == pytest.approx([1.0, 1.0])
    said = [text.get_text() for text in made.axes[0].get_legend().get_texts()]
    assert "KS p = " in said[1]
    assert made.axes[1].get_ylabel() == "ratio"


def test_projections_of_a_plane_are_its_sums() -> None:
    values = np.arange(6.0).reshape(3, 2)
    x, y = (BinAxis(n, "GeV", 1.0, tuple(np.arange(k + 1.0)), regular=True) for n, k in (("x", 3), ("y", 2)))
    with styled():
        made = figure()
        plane(made, Series("s", "signal", values, values), (x, y), Look())
    sums = [p.get_data().values.tolist() for axes in made.axes for p in axes.patches if hasattr(p, "get_data")]
    assert sums == [[1.0, 5.0, 9.0], [6.0, 9.0]]


def test_an_empty_bin_of_a_blinded_sample_is_not_shown_as_nothing() -> None:
    values = np.where(np.arange(20) < 10, 5.0, 0.0)
    for hidden, shown in ((True, 10), (False, 20)):
        with styled():
            made = figure()
            data = Series("run", "data", values, values, hidden=hidden)
            distribution(made, [series("b", "background", 1e4), data], AXIS, Look())
        assert [len(axes.containers[0].lines[0].get_ydata()) for axes in made.axes] == [shown, shown]
        labels = [text.get_text() for text in made.axes[0].get_legend().get_texts()]
        assert ("run (blinded)" in labels) == hidden
