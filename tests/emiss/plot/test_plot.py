"""``emiss plot``: stored histograms and expressions give the same figure; panels of a file; what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from emiss.configs.errors import UserError
from emiss.plot import draw
from emiss.plot.wanted import Panel, load_figure
from emiss.selection.plotting.frame import Look

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CUTS = """
analysis: small
extends: e_to_mu_phi
histograms:
  - {name: energy, of: ecal.energy, bins: 20, from: 0 GeV, to: 120 GeV, after: [all, single_track], title: ECAL}
"""
BINS = "20, 0 GeV, 120 GeV"


@pytest.fixture(scope="module")
def result(tables, tmp_path_factory) -> Path:
    from emiss import selection
    from emiss.job.select import select

    folder = tmp_path_factory.mktemp("plot")
    (folder / "small.yaml").write_text(CUTS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("emiss.selection.report.figures.svg", lambda _: "<svg></svg>")
        select([tables], selection.load(folder / "small.yaml"), folder / "out")
    return folder / "out"


def of(result: Path, *plot: str, **given: object) -> draw.Content:
    return draw.content(Panel(result=result, plot=plot, **given), Look(experiment="NA64", status="Preliminary"))


@pytest.mark.parametrize("after", ["all", "single_track"])
def test_an_expression_is_what_the_stored_histogram_is(result, after) -> None:
    """Filled from the tables, with the analysis that the result names, found at its place."""
    stored, filled = of(result, "energy", after=after), of(result, "ecal.energy", after=after, bins=(BINS,))
    assert [one.name for one in stored.series] == [one.name for one in filled.series]
    assert "run" in [one.name for one in stored.series]
    for a, b in zip(stored.series, filled.series, strict=True):
        assert np.array_equal(a.values, b.values)
    assert stored.axes[0].edges == filled.axes[0].edges
    assert stored.axes[0].title == "ecal.energy [GeV]"
    assert stored.look.title.startswith("ECAL, ")


def test_with_data_all_is_given_for_what_they_stand_for(result) -> None:
    found = of(result, "energy")
    data = next(one for one in found.series if one.role == "data")
    assert data.values.sum() <= 300  # events, as they were counted
    assert found.look.exposure == "$10^{9}$ on target"
    assert found.look.status == "Preliminary"
    assert of(result, "energy", samples=("dimuon",)).look.status == "Simulation Preliminary"
    shape = of(result, "energy", normalise="shape")
    assert shape.look.events == "share of events"


def test_a_result_over_itself_agrees(result) -> None:
    found = of(result, "energy", with_=(result,), labels=("a", "b"), samples=("dimuon",))
    assert found.overlaid
    assert "b and a: chi2/ndf 0/" in found.lines[-1]
    assert "KS distance 0 (p = 1)" in found.lines[-1]


def test_panels_of_a_file(result, cli, monkeypatch) -> None:
    path = result.parent / "figure.yaml"
    path.write_text(
        "figure: two\ncolumns: 2\nstatus: Preliminary\npanels:\n"
        "  - {result: out, plot: energy, after: single_track}\n"
        f"  - {{result: out, plot: [ecal.energy, sum(hcal.energy)], bins: [{BINS}], samples: signal}}\n"
    )
    monkeypatch.chdir(result.parent.parent)  # paths are relative to the file
    drawn: list[Figure] = []
    monkeypatch.setattr("emiss.drawing.save", lambda made, path, **_: (drawn.append(made), path.touch()))
    done = cli("plot", path, "--out", result.parent / "two.pdf")
    assert done.code == 0, done.err
    assert len(drawn[0].subfigs) == 2
    assert (result.parent / "two.pdf").exists()
    assert cli("check", path).code == 0
    path.write_text(path.read_text().replace("columns", "colums").replace("plot: energy", "plt: energy"))
    done = cli("check", path)
    assert done.code == 2
    assert "did you mean 'columns'" in done.err


@pytest.mark.parametrize(
    ("plot", "given", "message"),
    [
        (("energi",), {}, "did you mean 'energy'"),
        (("energy",), {"after": "nothing"}, "is not stored after 'nothing'"),
        (("energy",), {"samples": ("signl",)}, "did you mean 'signal'"),
        (("energy",), {"region": "other"}, "has no region 'other'"),
        (("energy",), {"normalise": "much"}, "is no normalisation"),
        (("ecal.energi",), {"bins": (BINS,)}, "did you mean 'ecal.energy'"),
        (("ecal.energy",), {"bins": ("20",)}, "neither a number of bins and two ends"),
        (("ecal.energy",), {"bins": ("0, 0 GeV, 1 GeV",)}, "neither a number of bins and two ends"),
        (("ecal.energy", "muon.p"), {"bins": ("[0 GeV, 1 GeV]",)}, "edges in brackets are of one quantity"),
        (("ecal.energy", "e_miss"), {"bins": (BINS,), "overlay": True}, "planes cannot be laid over"),
        (("energy",), {"with_": (Path("nowhere"),)}, "no such file or folder"),
    ],
)
def test_mistakes_are_told(result, plot, given, message) -> None:
    with pytest.raises(UserError, match=message):
        of(result, *plot, **given)


@pytest.mark.parametrize(("name", "said"), [("no/where.png", "no such folder"), ("plot.gif", "is written to")])
def test_a_place_that_cannot_be_written_is_told_before_anything_is_drawn(result, cli, name, said) -> None:
    done = cli("plot", result, "energy", "--out", result / name)
    assert (done.code, said in done.err) == (2, True), done.err


def test_a_changed_analysis_is_not_taken_for_the_one_of_the_result(result) -> None:
    file = result.parent / "small.yaml"
    before = file.read_text()
    try:
        file.write_text(before + "parameters: {e_miss_min: 33 GeV}\n")
        with pytest.raises(UserError, match="has changed since"):
            of(result, "ecal.energy", bins=(BINS,))
        assert of(result, "ecal.energy", bins=(BINS,), analysis=str(file)).series
    finally:
        file.write_text(before)


def test_the_style_of_a_file_is_known(result) -> None:
    path = result.parent / "styled.yaml"
    path.write_text("figure: a\nstyle: cmss\npanels: [{result: out, plot: energy}]\n")
    with pytest.raises(UserError, match="did you mean 'cms'"):
        load_figure(path)
