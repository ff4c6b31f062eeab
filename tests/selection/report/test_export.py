from __future__ import annotations

import csv
import io
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from emiss.configs.errors import UserError
from emiss.selection import report
from emiss.selection.report import export
from emiss.selection.results.cutflow import Cutflow

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MARKDOWN = """\
# e_to_mu_phi

| cut | dimuon: n | dimuon: efficiency | dimuon: per 1e11 | beam: n | beam: efficiency | beam: per 1e11 |
| :-- | --: | --: | --: | --: | --: | --: |
| all | 1000 |  | 10000 | 1000 |  | 1e11 |
| single_track | 120 | 12.0 +1.1 -1.0 % | 1200 | 0 | < 0.18 % | < 1.8e8 |
| mip_veto | 11 | 1.10 +0.44 -0.33 % | 110 | 0 | < 0.18 % | < 1.8e8 |
| e_miss | 1 | 0.10 +0.23 -0.08 % | 10 | 0 | < 0.18 % | < 1.8e8 |

| cut | condition |
| :-- | :-- |
| single_track | `count(tracks) == 1` |
| mip_veto | `6 MeV < sum(veto.energy) < 16 MeV` |
| e_miss | `e_miss > 20 GeV` |

## Ledger

| sample | read | = passed | + not physics | + lost | + excluded | bad | on target |
| :-- | --: | --: | --: | --: | --: | --: | --: |
| dimuon | 1010 | 1000 | 10 | 0 | 0 | 0 % | 1e10 |
| beam | 1010 | 1000 | 10 | 0 | 0 | 0 % | 1000 |

- dimuon: not physics: calibration 10
- beam: not physics: calibration 10
- beam: hidden
- weights: nominal; also counted: srd_up
- intervals: clopper-pearson 68.3 %
- per 1e11: events expected for so many particles on target
"""

LATEX = r"""\begin{table}
  \centering
  \caption{Cutflow of e\_to\_mu\_phi, region signal: events, efficiency and events expected per $10^{11}$ particles on target. weights: nominal; also counted: srd\_up. intervals: clopper-pearson 68.3 \%. beam: hidden.}
  \label{tab:cutflow-e-to-mu-phi-signal}
  \begin{tabular}{lrrr}
    \toprule
    cut & $n$ & eff. [\%] & expected \\
    \midrule
    \multicolumn{4}{l}{\textbf{dimuon}} \\
    all & 1000 &  & $10000$ \\
    single\_track & 120 & $12.0^{+1.1}_{-1.0}$ & $1200$ \\
    mip\_veto & 11 & $1.10^{+0.44}_{-0.33}$ & $110$ \\
    e\_miss & 1 & $0.10^{+0.23}_{-0.08}$ & $10$ \\
    \midrule
    \multicolumn{4}{l}{\textbf{beam}} \\
    all & 1000 &  & $10^{11}$ \\
    single\_track & 0 & $<0.18$ & $<1.8 \times 10^{8}$ \\
    mip\_veto & 0 & $<0.18$ & $<1.8 \times 10^{8}$ \\
    e\_miss & 0 & $<0.18$ & $<1.8 \times 10^{8}$ \\
    \bottomrule
  \end{tabular}
\end{table}
"""  # noqa: E501 - as printed


@pytest.fixture
def small(make_cutflow: Callable[..., Cutflow]) -> Cutflow:
    return make_cutflow("dimuon", (1000, 120, 11, 1)) + make_cutflow(
        "beam", (1000, 0, 0, 0), on_target=1000.0, hidden=True
    )


def test_markdown(small: Cutflow) -> None:
    assert export.markdown(small) == MARKDOWN


def test_latex(small: Cutflow) -> None:
    assert export.latex(small) == LATEX


def many(make_cutflow: Callable[..., Cutflow], count: int, name: str = "sample") -> Cutflow:
    """A cutflow of several samples with numbers that take all the room there is."""
    made = [make_cutflow(f"{name}_{k}", (20500, 5899, 5667, 5452), on_target=4.7218e15) for k in range(count)]
    return sum(made[1:], made[0])


def test_latex_stays_as_narrow_and_low_as_a_page(make_cutflow: Callable[..., Cutflow]) -> None:
    tex = export.latex(many(make_cutflow, 30))
    assert set(re.findall(r"\\begin{tabular}{(.*)}", tex)) == {"lrrr"}
    assert tex.count("{") == tex.count("}")
    tables = tex.split(r"\begin{table}")[1:]
    assert max(table.count("\n") for table in tables) <= 60
    labels = re.findall(r"\\label{(.*)}", tex)
    assert len(set(labels)) == len(labels) == len(tables)
    assert [name for table in tables for name in re.findall(r"textbf{sample\\_(\d+)}", table)] == [
        str(k) for k in range(30)
    ]


def test_latex_fits_the_text_of_an_article(make_cutflow: Callable[..., Cutflow], tmp_path: Path) -> None:
    if shutil.which("pdflatex") is None:
        pytest.skip("needs pdflatex")
    long = many(make_cutflow, 2, "a_sample_with_a_name_of_a_length_that_is_not_usual")
    lines = [r"\documentclass{article}", r"\usepackage{booktabs}", r"\begin{document}"]
    (tmp_path / "page.tex").write_text(
        "\n".join([*lines, export.latex(many(make_cutflow, 9)), export.latex(long), r"\end{document}"])
    )
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout
    assert "too wide" not in done.stdout, done.stdout
    assert "Float too large" not in done.stdout, done.stdout


def test_latex_and_markdown_show_names_as_they_are(make_cutflow: Callable[..., Cutflow]) -> None:
    hostile = make_cutflow(r"a|b_c%$\x", (10, 5, 2, 1))
    tex, md = export.latex(hostile), export.markdown(hostile)
    assert r"a|b\_c\%\$\textbackslash{}x" in tex
    assert r"a\|b_c%$\\x: n" in md
    rows = [line for line in md.splitlines() if line.startswith("| ")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows[:3]} == {5}


def test_csv_holds_every_number(demo: Cutflow) -> None:
    rows = list(csv.DictReader(io.StringIO(export.csv(demo, normalise_to=1e12))))
    assert tuple(rows[0]) == export.CSV_HEAD
    assert len(rows) == 4 * 2 * 4
    data = demo.to_json()["samples"]
    for row in rows:
        cuts = data[row["sample"]]["regions"][row["region"]]["weights"][row["variation"]]["cuts"]
        cut = next(c for c in cuts if c["name"] == row["cut"])
        assert int(row["n"]) == cut["n"]
        assert float(row["sum_w"]) == cut["sum_w"]
        assert float(row["sum_w2"]) == cut["sum_w2"]
        for kind in ("individual", "n_minus_1", "only_failed"):
            assert float(row[f"{kind}_sum_w2"]) == cut.get(kind, {"sum_w2": 0.0})["sum_w2"]
        for part, value in cut.get("efficiency", {}).items():
            if part != "interval":
                assert row[f"efficiency_{part}"] == ("" if value is None else repr(value))
    varied = {(r["variation"], r["sample"]): r for r in rows if r["cut"] == "e_miss"}
    assert float(varied["nominal", "signal"]["expected"]) == pytest.approx(690 * 2e-3 * 10)
    assert float(varied["srd_up", "signal"]["expected"]) == pytest.approx(690 * 3e-3 * 10)
    assert float(varied["srd_up", "signal"]["sum_w2"]) == pytest.approx(690 * 9e-6)
    assert varied["nominal", "data"]["expected"] == varied["nominal", "data"]["expected_high"] == ""
    beam = varied["nominal", "beam"]
    assert float(beam["expected"]) == float(beam["expected_low"]) == 0.0
    assert float(beam["expected_high"]) == pytest.approx(1e12 * (1 - 0.1585 ** (1 / 1000)))


def test_write_all_makes_the_five_files_and_nothing_else(demo: Cutflow, tmp_path: Path) -> None:
    paths = report.write_all(demo, tmp_path / "new" / "out", sources={"cuts.yaml": "cuts: []"})
    assert [path.name for path in paths] == [f"cutflow.{end}" for end in ("json", "csv", "md", "tex", "html")]
    assert sorted((tmp_path / "new" / "out").iterdir()) == sorted(paths)
    assert Cutflow.load(paths[0]) == demo.sealed()
    assert paths[1].read_text() == export.csv(demo)
    assert "cuts: []" in paths[4].read_text()


def test_a_folder_that_is_a_file_is_a_users_mistake(demo: Cutflow, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(UserError, match="File exists"):
        report.write_all(demo, tmp_path / "out")
