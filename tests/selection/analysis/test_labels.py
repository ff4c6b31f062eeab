"""Names and titles of an analysis, as far as they are shown: in plots, spreadsheets and names of files."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import numpy as np
import pytest

from emiss import selection
from emiss.configs.errors import UserError
from emiss.events.columns import Column
from emiss.events.ledger import Ledger
from emiss.events.table import EventTable, Metadata
from emiss.selection import report
from emiss.selection.plotting import frame
from emiss.selection.report import export
from emiss.selection.results.files.sheet import cell

TEXT = """
analysis: toy
cuts: [{name: CUT, require: x > 1, scan: {parameter: low, from: 0, to: 2, points: 3}}]
parameters: {low: 1}
regions: {REGION: {}}
histograms: [{name: HISTOGRAM, of: x, bins: 2, from: 0, to: 9, title: TITLE}]
weights: {nominal: 1, variations: {WEIGHT: 2}}
"""
GOOD = {"CUT": "one", "REGION": "signal", "HISTOGRAM": "x", "TITLE": "x", "WEIGHT": "up"}


def written(**changed: str) -> str:
    made = TEXT.replace("x > 1", "x > low")
    for key, value in {**GOOD, **changed}.items():
        made = made.replace(key, value)
    return made


def result(source: str, sample: str = "run") -> selection.Result:
    metadata = Metadata(
        {"x": Column("x")}, sample=sample, role="signal", on_target=1e9, ledger=Ledger(read=9, passed=9)
    )
    return selection.run(EventTable(9, {"x": np.arange(9.0)}, {}, metadata), selection.loads(source))


@pytest.mark.parametrize("title", [r"'$\frac{1$'", r"'$x^$ and $y$'", "'$\\notacommand$'"])
def test_a_formula_that_cannot_be_drawn_is_refused_where_it_is_written(title: str) -> None:
    with pytest.raises(UserError, match=r"analysis.yaml:6:\d+: the formula in this title cannot be drawn"):
        selection.loads(written(TITLE=title))


@pytest.mark.parametrize("title", [r"'$m_\phi$ of 5 \$'", "'5 $'", r"'\$ and \$'"])
def test_other_titles_are_drawn(tmp_path, title: str) -> None:
    paths = report.write_all(result(written(TITLE=title)), tmp_path)
    assert (tmp_path / "cutflow.html") in paths


def test_names_with_dollars_are_drawn_as_they_are(tmp_path) -> None:
    """A result may come from elsewhere: what cannot be drawn as a formula is drawn as text, and the report is written."""
    made = result(written(), sample="$a_")
    broken = {
        sample: {key: replace(filled, title=r"$\frac{1$") for key, filled in found.items()}
        for sample, found in made.histograms.items()
    }
    report.write_all(replace(made, histograms=broken), tmp_path)
    page = (tmp_path / "cutflow.html").read_text()
    assert "frac{1" in page
    assert frame.drawable(r"$\frac{1$") == r"\$\frac{1\$"


@pytest.mark.parametrize("key", sorted(GOOD))
@pytest.mark.parametrize("name", ['"a\\0b"', '"a\\x1b[31mb"', '"\\u202e"', "a" * 300, '"a\\nb"'])
def test_names_that_cannot_be_shown_are_refused(key: str, name: str) -> None:
    with pytest.raises(UserError) as caught:
        selection.loads(written(**{key: name}))
    assert "which cannot be shown" in str(caught.value) or "has 300 characters, more than 200" in str(caught.value)
    assert caught.value.at is not None
    assert caught.value.at.line > 1


@pytest.mark.parametrize("name", ["srd/low", "..", "../../evil", "'a\\b'"])
def test_a_region_is_a_part_of_names_of_files(name: str) -> None:
    with pytest.raises(UserError, match="the name of this region is a part of names of files"):
        selection.loads(written(REGION=name))


@pytest.mark.parametrize(
    ("raw", "safe"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-3 < x", "'-3 < x"),
        ("@sum", "'@sum"),
        (" \t=1", "'=1"),
        ("a\x1b[31mb\nc", "a [31mb c"),
        ("x > 1", "x > 1"),
        ("signal", "signal"),
    ],
)
def test_no_cell_is_a_formula_or_holds_an_escape(raw: str, safe: str) -> None:
    assert cell(raw) == safe


def test_cells_of_the_cutflow(tmp_path) -> None:
    source = written(CUT="'@cut'", REGION="=cmd", WEIGHT="+up").replace("x > low", "-1 * low > -1 * x")
    made = result(source, sample="=SUM(A1)")
    rows = list(csv.DictReader(io.StringIO(export.csv(made.cutflow))))
    assert {row["sample"] for row in rows} == {"'=SUM(A1)"}
    assert {row["region"] for row in rows} == {"'=cmd"}
    assert {row["variation"] for row in rows} == {"nominal", "'+up"}
    assert {row["cut"] for row in rows} == {"all", "'@cut"}
    assert any(row["require"].startswith("'-1 * ") for row in rows)
    report.write_all(made, tmp_path)
    for path in tmp_path.glob("*.csv"):
        for line in csv.reader(io.StringIO(path.read_text())):
            for value in line:
                assert not value.startswith(("=", "+", "@"))
                assert not value.startswith("-") or float(value) < 0
