"""What was cut before foreign files were written: above the cutflow in every output, added over files, in no count."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import hist
import numpy as np
import pytest
import uproot

from emiss.configs.errors import UserError
from emiss.events.history import Before
from emiss.selection.display import terminal
from emiss.selection.report import export
from emiss.selection.results.cutflow import Cutflow

MAP = """
reader: mine
tree: hits
role: background
columns: {event.run: run, foreign.energy: energy}
"""
ROWS = """history:
  - {cut: generated, events: 1000}
  - {cut: trigger, events: 400, require: HLT_<b>Mu24}
  - {cut: skim, events: 110}
"""
WEIGHED = ROWS.replace("1000", "1000, sum_w: 2000").replace("400", "400, sum_w: 800").replace("110", "110, sum_w: 220")
CUTS = "analysis: mine\ncuts: [{name: low, require: foreign.energy < 25}]\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("preselection")
    counts = hist.Hist(hist.axis.StrCategory(["generated", "skim"], name="cut"))
    counts.view()[:] = [500, 100]
    other = hist.Hist(hist.axis.StrCategory(["made", "skim"], name="cut"))
    other.view()[:] = [500, 100]
    for number in range(2):
        with uproot.recreate(folder / f"f{number}.root") as file:
            data = {"run": np.full(100, number), "energy": np.arange(100.0), "w": np.full(100, 2.0)}
            file["hits"] = data
            file["cuts/flow"] = counts
            file["flow"] = other if number else counts
    (folder / "cuts.yaml").write_text(CUTS)
    return folder


def process(cli, folder, out, text, *more, files=("f0.root",)):
    (out / "map.yaml").write_text(text)
    paths = [folder / name for name in files]
    return cli(
        "process", *paths, "--reader", out / "map.yaml", "--analysis", folder / "cuts.yaml", "--out", out / "o", *more
    )


def test_rows_stand_above_the_cutflow_in_every_output_and_in_no_count(cli, folder, tmp_path):
    plain, told = tmp_path / "plain", tmp_path / "told"
    for out, text in ((plain, MAP), (told, MAP + ROWS)):
        out.mkdir()
        done = process(cli, folder, out, text)
        assert done.code == 0, done.err
    assert "before: generated   1000" in done.out
    assert "'skim' left 110 events, and 100 are in the files" in done.out
    without, sample = (
        json.loads((out / "o/cutflow.json").read_text())["samples"]["background"] for out in (plain, told)
    )
    assert [row["events"] for row in sample.pop("history")] == [1000, 400, 110]
    assert sample == without
    low = next(line for line in done.out.splitlines() if line.startswith("low"))
    assert low.split()[1:3] == ["25", "2.50"]  # of the 1000, not of the 100
    rows = {row["cut"]: row for row in csv.DictReader(io.StringIO((told / "o/cutflow.csv").read_text()))}
    assert float(rows["before: trigger"]["efficiency_total"]) == pytest.approx(0.4)
    assert float(rows["low"]["efficiency_total"]) == pytest.approx(0.025)
    assert float(rows["low"]["efficiency_relative"]) == pytest.approx(0.25)
    for name, written in (("md", "before: trigger"), ("tex", "before: trigger"), ("html", "HLT_&lt;b&gt;Mu24")):
        assert written in (told / f"o/cutflow.{name}").read_text()
    again = cli("select", told / "o", "--analysis", folder / "cuts.yaml")
    assert "before: generated   1000" in again.out


def test_sums_of_weights_give_efficiencies_of_weighted_events_and_without_them_only_events_are_shown(
    cli, folder, tmp_path
):
    shown = {}
    for name, rows in (("weighed", WEIGHED), ("counted", ROWS)):
        (tmp_path / name).mkdir()
        done = process(cli, folder, tmp_path / name, MAP + rows + "weight: w\n")
        assert done.code == 0, done.err
        text = (tmp_path / name / "o/cutflow.csv").read_text()
        shown[name] = {row["cut"]: row for row in csv.DictReader(io.StringIO(text))}
    assert float(shown["weighed"]["low"]["sum_w"]) == 50.0
    assert float(shown["weighed"]["low"]["efficiency_total"]) == pytest.approx(50 / 2000)
    assert shown["counted"]["before: skim"]["sum_w"] == ""
    assert float(shown["counted"]["low"]["efficiency_total"]) == pytest.approx(0.25)
    assert "sums of weights are not known up to 'skim'" in done.out


def test_histograms_of_files_add_up_and_have_to_be_of_the_same_cuts(cli, folder, tmp_path):
    both = ("f0.root", "f1.root")
    done = process(cli, folder, tmp_path, MAP + "history_from: cuts/flow\n", files=both)
    assert done.code == 0, done.err
    (sample,) = Cutflow.load(tmp_path / "o/cutflow.json").samples.values()
    assert sample.history == (Before("generated", 1000), Before("skim", 200))
    done = process(cli, folder, tmp_path, MAP + "history_from: flow\n", files=both)
    assert done.code == 2
    assert "the cuts were generated, skim and made, skim" in done.err


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("events: 110", "events: 99", "'skim' left 99 events, and there are 100"),
        ("events: 400", "events: 4000", "'trigger' leaves 4000 events, and 'generated' before it only 1000"),
        ("cut: skim", "cut: trigger", "two rows are called 'trigger'"),
        ("events: 400", "events: 400, sum_w: 3", "some rows have a sum of weights, others have none"),
        (ROWS, "history_from: flaw\n", "did you mean 'flow'"),
        (ROWS, "weight: w\n", "the weight is given twice"),
    ],
)
def test_check_and_process_refuse_what_cannot_be(cli, folder, tmp_path, old, new, said):
    text = (MAP + ROWS).replace(old, new)
    if "weight" in new:
        text = text.replace("columns: {", "columns: {weight: w, ")
    for done in (
        process(cli, folder, tmp_path, text),
        cli("check", tmp_path / "map.yaml", folder / "f0.root"),
    ):
        assert done.code == 2
        assert said in done.err


def test_a_history_of_one_sample_is_not_given_to_two(cli, folder, tmp_path):
    (tmp_path / "map.yaml").write_text(MAP + ROWS)
    samples = [f"  s{i}: {{role: background, files: [{folder}/f{i}.root]}}\n" for i in range(2)]
    (tmp_path / "runs.yaml").write_text(f"reader: map.yaml\nanalysis: {folder}/cuts.yaml\nsamples:\n{''.join(samples)}")
    done = cli("process", tmp_path / "runs.yaml", "--out", tmp_path / "o")
    assert done.code == 2
    assert "this history is of one sample, and there are 2: s0, s1" in done.err


def test_cutflows_add_their_histories_and_show_samples_without_one_beside_them(cli, folder, tmp_path):
    assert process(cli, folder, tmp_path, MAP + ROWS).code == 0
    one = Cutflow.load(tmp_path / "o/cutflow.json")
    assert Cutflow.from_json(one.to_json()) == one
    again = replace(
        one, samples={"background": replace(one.samples["background"], coverage={"1:another": ((0, 100),)})}
    )
    assert [row.events for row in (one + again).samples["background"].history] == [2000, 800, 220]
    bare = replace(one, samples={"background": replace(again.samples["background"], history=())})
    assert bare != one
    with pytest.raises(UserError, match=r"the cuts were generated, trigger .*, skim and none"):
        one + bare
    beside = one + replace(one, samples={"other": bare.samples["background"]})
    lines = {line.split()[1]: line.split() for line in terminal.text(beside).splitlines() if line.startswith("before")}
    assert lines["generated"] == ["before:", "generated", "1000"]
    assert "| before: generated | 1000 |  | - |  |  |  |" in export.markdown(beside)


def test_of_a_blinded_sample_it_is_not_told(cli, folder, tmp_path):
    (tmp_path / "map.yaml").write_text((MAP + ROWS).replace("role: background", "role: data"))
    (tmp_path / "cuts.yaml").write_text(CUTS + "blind: {box: foreign.energy < 10, samples: [data]}\n")
    common = (folder / "f0.root", "--reader", tmp_path / "map.yaml", "--analysis", tmp_path / "cuts.yaml")
    done = cli("process", *common, "--out", tmp_path / "o")
    assert done.code == 0, done.err
    assert "not shown while it is blinded" in done.out + done.err
    assert "before:" not in done.out
    assert "history" not in json.loads((tmp_path / "o/cutflow.json").read_text())["samples"]["data"]
